/** An assignment under construction, with what each node has left. */
import { type Assignment, type Choice, type Graph, type GraphDemand, moveTenths } from "./graph.ts";
import type { PlanSymbol } from "./symbol-table.ts";

/** One way to meet a demand. */
export interface Option {
  readonly choice: number;
  readonly failover: number;
  /** What the route costs, and the moves that it brings about. */
  readonly tenths: number;
  /** Processors, in thousandths, of symbols that no route has used so far. */
  readonly newCpuMilli: number;
  readonly fromNode: number;
  readonly toNode: number;
}

type Worth = Pick<Option, "failover" | "tenths" | "newCpuMilli">;

/** What an option is chosen by, after the steps of failover: the time it costs, or first the room that it takes. */
export type Aim = "cheap" | "thrifty";

/** Up to so many nodes, all pairs of them are looked at when both ends can still go anywhere. */
const ALL_PAIRS_NODES_MAX = 16;

/** Whether the first is to be preferred; of equals, whichever came first is. */
export function isBefore(a: Worth, b: Worth, aim: Aim): boolean {
  if (a.failover !== b.failover) return a.failover < b.failover;
  if (aim === "thrifty" && a.newCpuMilli !== b.newCpuMilli) return a.newCpuMilli < b.newCpuMilli;
  return a.tenths < b.tenths;
}

export class Occupancy {
  readonly graph: Graph;
  readonly choices: Int32Array;
  readonly nodes: Int32Array;
  /** How many routes touch each symbol. */
  readonly #uses: Int32Array;
  readonly #cpuLeft: Float64Array;
  readonly #memoryLeft: Float64Array;

  constructor(graph: Graph) {
    this.graph = graph;
    this.choices = new Int32Array(graph.demands.length).fill(-1);
    this.nodes = new Int32Array(graph.table.symbols.length).fill(-1);
    this.#uses = new Int32Array(graph.table.symbols.length);
    this.#cpuLeft = Float64Array.from(graph.table.nodes, ({ cpuMilli }) => cpuMilli);
    this.#memoryLeft = Float64Array.from(graph.table.nodes, ({ memoryMb }) => memoryMb);
  }

  get assignment(): Assignment {
    return { choices: this.choices, nodes: this.nodes };
  }

  isUsed(symbol: PlanSymbol): boolean {
    return this.#usesOf(symbol) > 0;
  }

  isMet({ index }: GraphDemand): boolean {
    return this.#choiceAt(index) !== -1;
  }

  chosen(demand: GraphDemand): Choice | null {
    return demand.choices[this.#choiceAt(demand.index)] ?? null;
  }

  nodeOf(symbol: PlanSymbol): number {
    return this.nodes[symbol.index] ?? -1;
  }

  hasRoom(node: number, ...symbols: readonly PlanSymbol[]): boolean {
    let [cpu, memory] = [0, 0];
    for (const { cpuMilli, memoryMb } of symbols) {
      cpu += cpuMilli;
      memory += memoryMb;
    }
    return cpu <= (this.#cpuLeft[node] ?? 0) && memory <= (this.#memoryLeft[node] ?? 0);
  }

  /** The cheapest way to meet a demand as things are; of equals the first. Null when there is none. */
  bestOption(demand: GraphDemand, aim: Aim = "cheap"): Option | null {
    let best: Option | null = null;
    for (const [index, choice] of demand.choices.entries()) {
      if (best !== null && choice.failover > best.failover) break;
      if (best !== null && !this.#canBeBefore(demand.from, choice, best, aim)) continue;
      const option = this.#optionOf(demand.from, choice, index);
      if (option !== null && (best === null || isBefore(option, best, aim))) best = option;
    }
    return best;
  }

  /** Whether a choice could be preferred, were its best nodes free. Most cannot, and are not looked at further. */
  #canBeBefore(from: PlanSymbol, { to, failover, leastTenths }: Choice, best: Option, aim: Aim) {
    const newCpuMilli = this.#newCpuMilli(from, to);
    return isBefore({ failover, tenths: leastTenths, newCpuMilli }, best, aim);
  }

  #newCpuMilli(from: PlanSymbol, to: PlanSymbol): number {
    return (this.isUsed(from) ? 0 : from.cpuMilli) + (this.isUsed(to) ? 0 : to.cpuMilli);
  }

  /** The cheapest places for one choice. */
  #optionOf(from: PlanSymbol, choice: Choice, index: number): Option | null {
    const { to, failover, lanes } = choice;
    const [isNewFrom, isNewTo] = [!this.isUsed(from), !this.isUsed(to)];
    const newCpuMilli = this.#newCpuMilli(from, to);
    let best: Option | null = null;
    const isShort = isNewFrom && isNewTo && this.#nodeCount > ALL_PAIRS_NODES_MAX;
    for (const a of this.#places(from, isNewFrom, isShort)) {
      const moveFrom = isNewFrom ? moveTenths(from, a) : 0;
      const places = this.#places(to, isNewTo, isShort);
      for (const b of isShort && to.nodes.includes(a) ? [a, ...places] : places) {
        const lane = lanes[this.graph.relations.between(a, b)];
        if (lane === null) continue;
        const tenths = lane.tenths + moveFrom + (isNewTo ? moveTenths(to, b) : 0);
        if (best !== null && tenths >= best.tenths) continue;
        if (!this.#fits(from, isNewFrom, a, to, isNewTo, b)) continue;
        best = { choice: index, failover, tenths, newCpuMilli, fromNode: a, toNode: b };
      }
    }
    return best;
  }

  get #nodeCount(): number {
    return this.graph.table.nodes.length;
  }

  /** A demand's route as it is in force, with its ends where they run now; null when that is not possible any more. */
  optionInForce(demand: GraphDemand): Option | null {
    const index = demand.choices.findIndex(({ isInForce }) => isInForce);
    const choice = demand.choices[index];
    if (choice === undefined) return null;
    const { from } = demand;
    const { to, failover } = choice;
    const [isNewFrom, isNewTo] = [!this.isUsed(from), !this.isUsed(to)];
    const [fromNode, toNode] = [from, to].map((symbol) => this.#nodeInForce(symbol));
    if (fromNode === undefined || fromNode === -1 || toNode === undefined || toNode === -1) {
      return null;
    }
    const lane = choice.lanes[this.graph.relations.between(fromNode, toNode)];
    if (lane === null || !this.#fits(from, isNewFrom, fromNode, to, isNewTo, toNode)) return null;
    const newCpuMilli = this.#newCpuMilli(from, to);
    return { choice: index, failover, tenths: lane.tenths, newCpuMilli, fromNode, toNode };
  }

  #nodeInForce(symbol: PlanSymbol): number {
    if (this.isUsed(symbol)) return this.nodeOf(symbol);
    const { nodes, currentNode } = symbol;
    return nodes.length === 1 ? (nodes[0] ?? -1) : currentNode;
  }

  #places(symbol: PlanSymbol, isNew: boolean, isShort: boolean): readonly number[] {
    if (!isNew) return [this.nodeOf(symbol)];
    return isShort ? this.#shortList(symbol) : symbol.nodes;
  }

  /** Where it runs now, and on each machine the first node with room for it. */
  #shortList(symbol: PlanSymbol): number[] {
    const machines = new Set<string>();
    return symbol.nodes.filter((node) => {
      if (node === symbol.currentNode) return true;
      const machine = this.graph.table.nodes[node]?.machine ?? "";
      if (machines.has(machine) || !this.hasRoom(node, symbol)) return false;
      machines.add(machine);
      return true;
    });
  }

  #fits(
    from: PlanSymbol,
    isNewFrom: boolean,
    a: number,
    to: PlanSymbol,
    isNewTo: boolean,
    b: number,
  ): boolean {
    if (isNewFrom && isNewTo && a === b) return this.hasRoom(a, from, to);
    return (!isNewFrom || this.hasRoom(a, from)) && (!isNewTo || this.hasRoom(b, to));
  }

  put(demand: GraphDemand, option: Option): void {
    const choice = demand.choices[option.choice] as Choice;
    this.choices[demand.index] = option.choice;
    this.#use(demand.from, option.fromNode);
    this.#use(choice.to, option.toNode);
  }

  /** Takes a demand's route away; what put() would need to bring it back comes back. */
  remove(demand: GraphDemand): Option {
    const index = this.#choiceAt(demand.index);
    const choice = demand.choices[index] as Choice;
    const [fromNode, toNode] = [this.nodeOf(demand.from), this.nodeOf(choice.to)];
    this.choices[demand.index] = -1;
    this.#release(demand.from);
    this.#release(choice.to);
    const lane = choice.lanes[this.graph.relations.between(fromNode, toNode)];
    const moves =
      (this.isUsed(demand.from) ? 0 : moveTenths(demand.from, fromNode)) +
      (this.isUsed(choice.to) ? 0 : moveTenths(choice.to, toNode));
    const tenths = (lane?.tenths ?? Number.POSITIVE_INFINITY) + moves;
    const newCpuMilli = this.#newCpuMilli(demand.from, choice.to);
    return { choice: index, failover: choice.failover, tenths, newCpuMilli, fromNode, toNode };
  }

  /** Puts a used symbol on another node. Whether there is room, and lanes remain, is for the caller to know. */
  move(symbol: PlanSymbol, node: number): void {
    this.#charge(symbol, this.nodeOf(symbol), 1);
    this.#charge(symbol, node, -1);
    this.nodes[symbol.index] = node;
  }

  #use(symbol: PlanSymbol, node: number): void {
    const uses = this.#usesOf(symbol);
    this.#uses[symbol.index] = uses + 1;
    if (uses > 0) return;
    this.nodes[symbol.index] = node;
    this.#charge(symbol, node, -1);
  }

  #release(symbol: PlanSymbol): void {
    const uses = this.#usesOf(symbol) - 1;
    this.#uses[symbol.index] = uses;
    if (uses > 0) return;
    this.#charge(symbol, this.nodeOf(symbol), 1);
    this.nodes[symbol.index] = -1;
  }

  #charge(symbol: PlanSymbol, node: number, sign: 1 | -1): void {
    this.#cpuLeft[node] = (this.#cpuLeft[node] ?? 0) + sign * symbol.cpuMilli;
    this.#memoryLeft[node] = (this.#memoryLeft[node] ?? 0) + sign * symbol.memoryMb;
  }

  #usesOf(symbol: PlanSymbol): number {
    return this.#uses[symbol.index] ?? 0;
  }

  #choiceAt(index: number): number {
    return this.choices[index] ?? -1;
  }
}
