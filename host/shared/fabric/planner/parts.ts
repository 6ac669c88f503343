/**
 * The parts of a graph that have to be solved together: demands that share a symbol which may run on several nodes,
 * or a node that may become too small for all who might come to it. All other demands are parts of their own.
 */
import type { Graph, GraphDemand } from "./graph.ts";
import type { PlanSymbol } from "./symbol-table.ts";

export interface Part {
  /** In the order of the graph. */
  readonly demands: readonly GraphDemand[];
  /** Every symbol that a demand or a choice names, in the order of the table. */
  readonly symbols: readonly PlanSymbol[];
}

/** The nodes whose capacity may be exceeded, by number. A node that has room for everybody sets no limit. */
export function bindingNodes({ demands, table }: Graph): ReadonlySet<number> {
  const cpu = new Float64Array(table.nodes.length);
  const memory = new Float64Array(table.nodes.length);
  for (const symbol of symbolsOf(demands)) {
    for (const node of symbol.nodes) {
      cpu[node] = (cpu[node] ?? 0) + symbol.cpuMilli;
      memory[node] = (memory[node] ?? 0) + symbol.memoryMb;
    }
  }
  const binding = table.nodes.filter(
    ({ index, cpuMilli, memoryMb }) =>
      (cpu[index] ?? 0) > cpuMilli || (memory[index] ?? 0) > memoryMb,
  );
  return new Set(binding.map(({ index }) => index));
}

/** Demands that have a choice, in parts; the order is that of the first demand of each. */
export function splitIntoParts(graph: Graph, binding: ReadonlySet<number>): Part[] {
  const joined = new DisjointSets(graph.demands.length);
  const firstAtSymbol = new Map<number, number>();
  const firstAtNode = new Map<number, number>();
  const join = (firsts: Map<number, number>, key: number, demand: number): void => {
    const first = firsts.get(key);
    if (first === undefined) firsts.set(key, demand);
    else joined.join(first, demand);
  };
  const open = graph.demands.filter(({ choices }) => choices.length > 0);
  for (const { index, from, choices } of open) {
    for (const symbol of [from, ...choices.map(({ to }) => to)]) {
      if (symbol.nodes.length > 1) join(firstAtSymbol, symbol.index, index);
      for (const node of symbol.nodes) if (binding.has(node)) join(firstAtNode, node, index);
    }
  }
  const parts = new Map<number, GraphDemand[]>();
  for (const demand of open) {
    const root = joined.rootOf(demand.index);
    const part = parts.get(root);
    if (part === undefined) parts.set(root, [demand]);
    else part.push(demand);
  }
  return [...parts.values()].map((demands) => ({ demands, symbols: symbolsOf(demands) }));
}

function symbolsOf(demands: readonly GraphDemand[]): PlanSymbol[] {
  const found = new Set<PlanSymbol>();
  for (const { from, choices } of demands) {
    if (choices.length > 0) found.add(from);
    for (const { to } of choices) found.add(to);
  }
  return [...found].sort((a, b) => a.index - b.index);
}

class DisjointSets {
  readonly #parents: Int32Array;

  constructor(count: number) {
    this.#parents = Int32Array.from({ length: count }, (_, index) => index);
  }

  rootOf(member: number): number {
    let root = member;
    while (this.#parentOf(root) !== root) root = this.#parentOf(root);
    for (let at = member; at !== root;) {
      const parent = this.#parentOf(at);
      this.#parents[at] = root;
      at = parent;
    }
    return root;
  }

  join(a: number, b: number): void {
    const [left, right] = [this.rootOf(a), this.rootOf(b)];
    this.#parents[Math.max(left, right)] = Math.min(left, right);
  }

  #parentOf(member: number): number {
    return this.#parents[member] ?? member;
  }
}
