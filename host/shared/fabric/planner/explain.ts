/** Why wanted routes cannot be had, in the words of whoever wanted them. */
import { describeMisfit, misfitOf } from "./fit.ts";
import type { Graph, GraphDemand } from "./graph.ts";
import { CANDIDATES_SHOWN, WISHES_SHOWN } from "./limits.ts";
import type { Clash, Explanation, RemovedCandidate, UnroutedWish } from "./model.ts";
import type { PartProgram } from "./part-program.ts";
import type { Part } from "./parts.ts";
import type { IntegerSolver } from "./solver.ts";
import type { PlanNode, PlanSymbol } from "./symbol-table.ts";

const MILLI = 1_000;

/** Which candidates a demand had and which rule removed each; those that fit found no room. */
export function explainDemand(graph: Graph, { demand, choices }: GraphDemand): UnroutedWish {
  const { from, label, meant, needs } = demand;
  const fitting = new Set(choices.map(({ to }) => to));
  const removed = meant.slice(0, CANDIDATES_SHOWN).map((to): RemovedCandidate => {
    const rule = fitting.has(to)
      ? "capacity"
      : (misfitOf(graph.context, from, to, needs) ?? "capacity");
    const detail = describeMisfit(graph.context, rule, from, to, needs);
    return { to: to.address, rule, detail };
  });
  const head = `${from.address} wants ${label}`;
  const lines = removed.map(({ to, rule, detail }) => `  ${to} (${rule}): ${detail}`);
  const rest = meant.length - removed.length;
  if (rest > 0) lines.push(`  and ${rest} more`);
  const found =
    meant.length === 0
      ? `${head}, but no symbol is one`
      : `${head}, but none of ${meant.length} candidates fits:`;
  return {
    from: from.address,
    wanted: label,
    removed,
    removedCount: meant.length,
    message: [found, ...lines].join("\n"),
  };
}

/**
 * A smallest set of required demands that cannot be met together: each of them is needed for the clash. Found by
 * leaving out one after the other, the last first, so that it is the same everywhere. Null when the solver gives up.
 */
export function findClash(program: PartProgram, solver: IntegerSolver): Clash | null {
  const required = program.part.demands.filter(({ demand }) => !demand.isOptional);
  const kept = new Set(required);
  for (const demand of [...required].reverse()) {
    kept.delete(demand);
    const { status } = solver.solve(program.programOf(kept));
    if (status === "unsolved") return null;
    if (status === "optimal") kept.add(demand);
  }
  return clashOf([...required].filter((demand) => kept.has(demand)));
}

function clashOf(demands: readonly GraphDemand[]): Clash {
  const routes = demands.map(({ demand }) => ({
    from: demand.from.address,
    wanted: demand.label,
  }));
  const symbols = new Set(
    demands.flatMap(({ from, choices }) => [from, ...choices.map(({ to }) => to)]),
  );
  const lines = routes.slice(0, WISHES_SHOWN).map(({ from, wanted }) => `  ${from} -> ${wanted}`);
  if (routes.length > lines.length) lines.push(`  and ${routes.length - lines.length} more`);
  const sizes = [...symbols]
    .slice(0, CANDIDATES_SHOWN)
    .map(
      ({ address, cpuMilli, memoryMb }) =>
        `${address} takes ${cpuMilli / MILLI} CPU and ${memoryMb} MB`,
    );
  const head =
    routes.length === 1
      ? "This wanted route fits, but no node has room for it:"
      : `These ${routes.length} wanted routes fit each alone, but the nodes have no room for all of them:`;
  const message = [head, ...lines, `  (${sizes.join("; ")})`].join("\n");
  return { routes, message };
}

/**
 * Shortages that need no search: the consumers that must run, and the providers without an alternative, take more
 * than all nodes have, or those that can only run on one node more than that has.
 */
export function findShortages(graph: Graph, { demands }: Part): string[] {
  const needed = new Set<PlanSymbol>();
  for (const { demand, from, choices } of demands) {
    if (demand.isOptional) continue;
    needed.add(from);
    const [only, ...others] = choices;
    if (only !== undefined && others.length === 0) needed.add(only.to);
  }
  const { nodes } = graph.table;
  const fixed = nodes.map((node) => ({
    where: `node ${node.id} has`,
    nodes: [node],
    symbols: [...needed].filter((one) => one.nodes.length === 1 && one.nodes[0] === node.index),
  }));
  const all = { where: `the ${nodes.length} nodes have`, nodes, symbols: [...needed] };
  return (nodes.length === 1 ? fixed : [all, ...fixed]).flatMap((group) => shortagesOf(group));
}

interface NodeGroup {
  readonly where: string;
  readonly nodes: readonly PlanNode[];
  readonly symbols: readonly PlanSymbol[];
}

function shortagesOf({ where, nodes, symbols }: NodeGroup): string[] {
  const sum = (amounts: readonly number[]): number => amounts.reduce((a, b) => a + b, 0);
  const cpu = sum(symbols.map(({ cpuMilli }) => cpuMilli));
  const memory = sum(symbols.map(({ memoryMb }) => memoryMb));
  const hasCpu = sum(nodes.map(({ cpuMilli }) => cpuMilli));
  const hasMemory = sum(nodes.map(({ memoryMb }) => memoryMb));
  const head = `${symbols.length} symbols that must run need at least`;
  return [
    ...(cpu > hasCpu ? [`${head} ${cpu / MILLI} CPU; ${where} ${hasCpu / MILLI}`] : []),
    ...(memory > hasMemory ? [`${head} ${memory} MB; ${where} ${hasMemory}`] : []),
  ];
}

export interface Infeasibility {
  /** Required demands that cannot be met. */
  readonly unrouted: readonly UnroutedWish[];
  readonly shortages: readonly string[];
  readonly clash: Clash | null;
  readonly isProven: boolean;
}

export function explain({ unrouted, shortages, clash, isProven }: Infeasibility): Explanation {
  const shown = unrouted.slice(0, WISHES_SHOWN).map(({ message }) => message);
  const rest = unrouted.length - shown.length;
  const parts = [
    ...shown,
    ...(rest > 0 ? [`and ${rest} more wanted routes`] : []),
    ...(clash === null ? [] : [clash.message]),
    ...shortages,
    ...(isProven
      ? []
      : [
          "The graph is too large to be searched to its end, so this is no proof. " +
            "More room on the nodes, or fewer required routes, may help.",
        ]),
  ];
  return { message: parts.join("\n"), isProven, unrouted, shortages, clash };
}
