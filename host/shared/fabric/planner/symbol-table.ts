/**
 * A request checked against its limits, with symbols and nodes numbered in the order of their names, so that nothing
 * after this depends on the order in which they came.
 */
import { Failure } from "../../ports/failure.ts";
import { isVersionRange } from "../../trust/policy/versions.ts";
import { parseSymbolAddress } from "../symbol.ts";
import { CAPACITY_CPU, CAPACITY_MEMORY_MB, CPU_MIN, QPS_PER_CPU } from "./cost.ts";
import { LIST_MAX, NODES_MAX, RANGE_CHARACTERS_MAX, SYMBOLS_MAX, WANTED_MAX } from "./limits.ts";
import type { Contract, SolveRequest } from "./model.ts";

/** Processors are counted in thousandths, so that sums are exact. */
const MILLI = 1_000;
/** Takes back what a product such as 0.29 · 1000 has too much. */
const ROUNDING = 1e-6;

export interface PlanSymbol {
  /** Place in the table. */
  readonly index: number;
  readonly address: string;
  /** The address without its version. */
  readonly identity: string;
  readonly type: string;
  readonly version: string;
  readonly contract: Contract;
  readonly capabilities: ReadonlySet<string>;
  readonly cpuMilli: number;
  readonly memoryMb: number;
  /** Nodes on which it may run: one that the topology names, or all. */
  readonly nodes: readonly number[];
  /** Where it runs now; -1 when nowhere that is left. */
  readonly currentNode: number;
}

export interface PlanNode {
  readonly index: number;
  readonly id: string;
  readonly machine: string;
  /** Infinite where there is no limit. */
  readonly cpuMilli: number;
  readonly memoryMb: number;
}

export interface SymbolTable {
  readonly symbols: readonly PlanSymbol[];
  readonly nodes: readonly PlanNode[];
  readonly byAddress: ReadonlyMap<string, PlanSymbol>;
}

export function invalidRequest(message: string, remedy: string): Failure {
  return new Failure("plan-invalid", message, { origin: "local", remedy });
}

/** Order of code units: the same everywhere, which that of a language is not. */
export function compareTexts(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** The address of a symbol without its version: "rtt://ns/type/name#variant". */
export function identityOf(address: string): string {
  const at = address.indexOf("@");
  if (at === -1) return address;
  const hash = address.indexOf("#", at);
  return address.slice(0, at) + (hash === -1 ? "" : address.slice(hash));
}

export function createSymbolTable(request: SolveRequest): SymbolTable {
  const { contracts, wanted } = request;
  if (contracts.length > SYMBOLS_MAX || wanted.length > WANTED_MAX) {
    throw invalidRequest(
      `${contracts.length} symbols and ${wanted.length} wanted routes are more than ${SYMBOLS_MAX} and ${WANTED_MAX}`,
      "Plan fewer at once.",
    );
  }
  const nodes = createNodes(request);
  const nodeIndex = new Map(nodes.map(({ id, index }) => [id, index]));
  const all = nodes.map(({ index }) => index);
  const sorted = [...contracts].sort((a, b) => compareTexts(a.address, b.address));
  const symbols = sorted.map((contract, index): PlanSymbol => {
    if (sorted[index - 1]?.address === contract.address) {
      throw invalidRequest(`${contract.address} stands twice`, "Give each symbol one contract.");
    }
    const place = ownMember(request.topology.place, contract.address);
    const current = ownMember(request.current.placement, contract.address);
    const fixed = place === undefined ? undefined : nodeIndex.get(place);
    if (place !== undefined && fixed === undefined) {
      throw invalidRequest(
        `${contract.address} is placed on the node "${place}", which the topology does not have`,
        "Correct topology.json.",
      );
    }
    return {
      ...symbolOf(contract, index),
      nodes: fixed === undefined ? all : [fixed],
      currentNode: (current === undefined ? undefined : nodeIndex.get(current)) ?? -1,
    };
  });
  return { symbols, nodes, byAddress: new Map(symbols.map((one) => [one.address, one])) };
}

function symbolOf(contract: Contract, index: number): Omit<PlanSymbol, "nodes" | "currentNode"> {
  const { type, version } = parseSymbolAddress(contract.address);
  checkContract(contract);
  const cpu = Math.max(CPU_MIN, (contract.cpuWeight * contract.throughputQps) / QPS_PER_CPU);
  return {
    index,
    address: contract.address,
    identity: identityOf(contract.address),
    type,
    version,
    contract,
    capabilities: new Set(contract.capabilities),
    cpuMilli: Math.ceil(cpu * MILLI - ROUNDING),
    memoryMb: Math.ceil(contract.memoryMb - ROUNDING),
  };
}

function checkContract(contract: Contract): void {
  const { address, versionSet, capabilities, inputs, outputs, auth } = contract;
  const refuse = (problem: string): Failure =>
    invalidRequest(`The contract of ${address} has ${problem}`, "Correct its manifest.");
  const lists = [capabilities, inputs, outputs, auth?.scopes ?? []];
  if (lists.some((list) => list.length > LIST_MAX)) {
    throw refuse(`a list of more than ${LIST_MAX} members`);
  }
  if (versionSet.length > RANGE_CHARACTERS_MAX || !isVersionRange(versionSet)) {
    throw refuse("a version_set that is no range of versions");
  }
  const amounts = [contract.throughputQps, contract.cpuWeight, contract.memoryMb];
  if (contract.latencyBudgetMs !== null) amounts.push(contract.latencyBudgetMs);
  if (amounts.some((amount) => !(amount >= 0 && amount <= Number.MAX_SAFE_INTEGER / MILLI ** 2))) {
    throw refuse("an amount that is negative or no number");
  }
}

function createNodes({ topology }: SolveRequest): PlanNode[] {
  const entries = Object.entries(topology.nodes).sort(([a], [b]) => compareTexts(a, b));
  if (entries.length === 0 || entries.length > NODES_MAX) {
    throw invalidRequest(
      `The topology has ${entries.length} nodes; 1 to ${NODES_MAX} are possible`,
      "Correct topology.json.",
    );
  }
  return entries.map(([id, node], index) => {
    const { cpu = CAPACITY_CPU, memoryMb = CAPACITY_MEMORY_MB, machine = "" } = node;
    if ([cpu, memoryMb].some((amount) => amount !== null && !(amount >= 0))) {
      throw invalidRequest(`The node "${id}" has no usable capacity`, "Correct topology.json.");
    }
    return {
      index,
      id,
      machine,
      cpuMilli: Math.floor((cpu ?? Number.POSITIVE_INFINITY) * MILLI + ROUNDING),
      memoryMb: Math.floor(memoryMb ?? Number.POSITIVE_INFINITY),
    };
  });
}

/** A member of a record that came from a file, where a name such as "constructor" is no member. */
export function ownMember<Value>(
  record: Readonly<Record<string, Value>>,
  name: string,
): Value | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}
