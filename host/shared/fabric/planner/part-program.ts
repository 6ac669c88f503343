/**
 * A part of the graph as an integer program.
 *
 *   z[d,c,a,b] = 1   demand d takes choice c, its consumer on node a and its provider on node b
 *   drop[d]    = 1   optional demand d is left out
 *   x[s,n]     = 1   symbol s runs on node n
 *
 *   Σ z[d,·] + drop[d] = 1                  each demand has one link, or none if it is optional
 *   Σ z[d,·,a,·] ≤ x[from,a]                its consumer runs where the link begins
 *   Σ z[d,c→p,·,b] ≤ x[p,b]                 and its provider where it ends
 *   Σ x[s,·] ≤ 1                            a symbol runs on one node
 *   Σ cpu[s] · x[s,n] ≤ cpu[n]              a node bears all that it has; memory likewise
 *
 * Symbols get an x only where it can make a difference: they may run on several nodes, or on one that may become too
 * small.
 */
import { type Assignment, type Graph, type GraphDemand, moveTenths } from "./graph.ts";
import type { Part } from "./parts.ts";
import type { IntegerProgram, ProgramRow } from "./solver.ts";
import type { PlanSymbol } from "./symbol-table.ts";

interface LinkVariable {
  readonly demand: GraphDemand;
  /** -1: the demand is left out. */
  readonly choice: number;
  readonly fromNode: number;
  readonly toNode: number;
  readonly failover: number;
  readonly tenths: number;
}

interface PlaceVariable {
  readonly symbol: PlanSymbol;
  readonly node: number;
}

/** Costs of one objective, one for each variable. */
type Costs = number[];

export class PartProgram {
  readonly part: Part;
  readonly #links: LinkVariable[] = [];
  readonly #places: PlaceVariable[] = [];
  readonly #linksOf = new Map<GraphDemand, number[]>();
  readonly #placesOf = new Map<PlanSymbol, number[]>();
  readonly #rows: ProgramRow[] = [];
  /** Which row gives each demand its one link. */
  readonly #linkRowOf = new Map<GraphDemand, number>();
  readonly #uppers: (0 | 1)[];

  constructor(graph: Graph, binding: ReadonlySet<number>, part: Part) {
    this.part = part;
    for (const demand of part.demands) this.#addLinks(graph, demand);
    for (const symbol of part.symbols) {
      const { nodes } = symbol;
      if (nodes.length === 1 && !binding.has(nodes[0] ?? -1)) continue;
      const first = this.variableCount;
      for (const node of nodes) this.#places.push({ symbol, node });
      this.#placesOf.set(symbol, range(first, nodes.length));
    }
    this.#uppers = range(0, this.variableCount).map(() => 1);
    this.#addRows(graph, binding);
  }

  /** How many variables a part would have, without making them. */
  static variableCount(graph: Graph, part: Part): number {
    let count = 0;
    for (const { from, choices } of part.demands) {
      for (const { to } of choices) count += from.nodes.length * to.nodes.length;
    }
    for (const { nodes } of part.symbols) count += nodes.length;
    return count;
  }

  get variableCount(): number {
    return this.#links.length + this.#places.length;
  }

  #addLinks(graph: Graph, demand: GraphDemand): void {
    const own: number[] = [];
    const add = (variable: LinkVariable): void => {
      own.push(this.#links.length);
      this.#links.push(variable);
    };
    for (const [choice, { to, failover, lanes }] of demand.choices.entries()) {
      for (const fromNode of demand.from.nodes) {
        for (const toNode of to.nodes) {
          const lane = lanes[graph.relations.between(fromNode, toNode)];
          if (lane === null) continue;
          add({ demand, choice, fromNode, toNode, failover, tenths: lane.tenths });
        }
      }
    }
    if (demand.demand.isOptional) {
      add({ demand, choice: -1, fromNode: -1, toNode: -1, failover: 0, tenths: 0 });
    }
    this.#linksOf.set(demand, own);
  }

  #addRows(graph: Graph, binding: ReadonlySet<number>): void {
    for (const demand of this.part.demands) {
      const own = this.#linksOf.get(demand) ?? [];
      this.#linkRowOf.set(demand, this.#rows.length);
      this.#rows.push(linkRow(own, 1));
      this.#addEndRows(demand.from, own, ({ fromNode }) => fromNode);
      const byProvider = new Map<PlanSymbol, number[]>();
      for (const variable of own) {
        const to = demand.choices[this.#link(variable).choice]?.to;
        if (to !== undefined) byProvider.set(to, [...(byProvider.get(to) ?? []), variable]);
      }
      for (const [to, links] of byProvider) this.#addEndRows(to, links, ({ toNode }) => toNode);
    }
    for (const places of this.#placesOf.values()) {
      if (places.length === 1) continue;
      this.#rows.push(
        rowOf(
          places.map((variable) => [variable, 1]),
          Number.NEGATIVE_INFINITY,
          1,
        ),
      );
    }
    for (const node of graph.table.nodes) {
      if (!binding.has(node.index)) continue;
      this.#addCapacity(node.index, node.cpuMilli, ({ cpuMilli }) => cpuMilli);
      this.#addCapacity(node.index, node.memoryMb, ({ memoryMb }) => memoryMb);
    }
  }

  /** Links that end on a node need the symbol to be there. */
  #addEndRows(
    symbol: PlanSymbol,
    links: readonly number[],
    nodeOf: (link: LinkVariable) => number,
  ): void {
    for (const place of this.#placesOf.get(symbol) ?? []) {
      const node = this.#place(place).node;
      const here = links.filter((variable) => nodeOf(this.#link(variable)) === node);
      if (here.length === 0) continue;
      const terms = here.map((variable): [number, number] => [variable, 1]);
      this.#rows.push(rowOf([...terms, [place, -1]], Number.NEGATIVE_INFINITY, 0));
    }
  }

  #addCapacity(node: number, capacity: number, sizeOf: (symbol: PlanSymbol) => number): void {
    if (!Number.isFinite(capacity)) return;
    const terms = this.#places.flatMap((place, index): [number, number][] =>
      place.node === node ? [[this.#links.length + index, sizeOf(place.symbol)]] : [],
    );
    this.#rows.push(rowOf(terms, Number.NEGATIVE_INFINITY, capacity));
  }

  #link(variable: number): LinkVariable {
    return this.#links[variable] as LinkVariable;
  }

  #place(variable: number): PlaceVariable {
    return this.#places[variable - this.#links.length] as PlaceVariable;
  }

  #costs(
    ofLink: (link: LinkVariable) => number,
    ofPlace: (place: PlaceVariable) => number = () => 0,
  ): Costs {
    return [...this.#links.map(ofLink), ...this.#places.map(ofPlace)];
  }

  /** The objectives in their order: what is left out, steps of failover, and tenths of a millisecond. */
  get objectives(): readonly Costs[] {
    return [
      this.#costs(({ choice }) => (choice === -1 ? 1 : 0)),
      this.#costs(({ failover }) => failover),
      this.#costs(
        ({ tenths }) => tenths,
        ({ symbol, node }) => moveTenths(symbol, node),
      ),
    ];
  }

  /** Costs that count the choices of these demands and the places of these symbols, each with its weight. */
  rankCosts(
    demandWeights: ReadonlyMap<GraphDemand, number>,
    symbolWeights: ReadonlyMap<PlanSymbol, number>,
  ): Costs {
    return this.#costs(
      ({ demand, choice }) =>
        (demandWeights.get(demand) ?? 0) * (choice === -1 ? demand.choices.length : choice),
      ({ symbol, node }) => (symbolWeights.get(symbol) ?? 0) * symbol.nodes.indexOf(node),
    );
  }

  /** From now on no solution may cost more than `most`. */
  limit(costs: Costs, most: number): void {
    const terms = costs.flatMap((cost, variable): [number, number][] =>
      cost === 0 ? [] : [[variable, cost]],
    );
    if (terms.length > 0) this.#rows.push(rowOf(terms, Number.NEGATIVE_INFINITY, most));
  }

  /** From now on the demand has this choice, -1 for being left out. */
  fixChoice(demand: GraphDemand, choice: number): void {
    for (const variable of this.#linksOf.get(demand) ?? []) {
      if (this.#link(variable).choice !== choice) this.#uppers[variable] = 0;
    }
  }

  /** From now on the symbol runs on this node; -1: on none. */
  fixNode(symbol: PlanSymbol, node: number): void {
    for (const variable of this.#placesOf.get(symbol) ?? []) {
      if (this.#place(variable).node !== node) this.#uppers[variable] = 0;
    }
  }

  program(costs: Costs): IntegerProgram {
    return { costs, uppers: [...this.#uppers], rows: [...this.#rows] };
  }

  /** Whether these demands can be met together, the others having no link. */
  programOf(demands: ReadonlySet<GraphDemand>): IntegerProgram {
    const rows = [...this.#rows];
    for (const demand of this.part.demands) {
      if (demands.has(demand)) continue;
      rows[this.#linkRowOf.get(demand) ?? -1] = linkRow(this.#linksOf.get(demand) ?? [], 0);
    }
    return { costs: this.#costs(() => 0), uppers: [...this.#uppers], rows };
  }

  /** Writes what a solution of the program means into an assignment. */
  decode(values: readonly number[], { choices, nodes }: Assignment): void {
    // A symbol with one node may belong to other parts too, where it is used or not.
    for (const symbol of this.part.symbols) if (symbol.nodes.length > 1) nodes[symbol.index] = -1;
    for (const [variable, link] of this.#links.entries()) {
      if (values[variable] !== 1) continue;
      const { demand, choice, fromNode, toNode } = link;
      choices[demand.index] = choice;
      const to = demand.choices[choice]?.to;
      if (to === undefined) continue;
      nodes[demand.from.index] = fromNode;
      nodes[to.index] = toNode;
    }
  }
}

function linkRow(links: readonly number[], count: 0 | 1): ProgramRow {
  return rowOf(
    links.map((variable) => [variable, 1]),
    count,
    count,
  );
}

function rowOf(
  terms: readonly (readonly [number, number])[],
  lower: number,
  upper: number,
): ProgramRow {
  return {
    columns: terms.map(([column]) => column),
    coefficients: terms.map(([, coefficient]) => coefficient),
    lower,
    upper,
  };
}

function range(start: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => start + index);
}
