/**
 * The plan that a project's registry, configuration and disk make: routes by the planner, files by the projection,
 * both against what is in force. Nothing of it is shown to anybody; derived files are in the registry afterwards.
 *
 *   registry ─┬─ contracts ─ wanted routes ─ solve ──── routes, placement ─┐
 *             └─ projection ─ files against the disk ── files, symbols ────┴─ makePlan ─ plan
 */
import { Failure } from "../../ports/failure.ts";
import { baseOf } from "../apply/target.ts";
import { providerName } from "../bridge/wired-servers.ts";
import { CONFIGURATION_PATHS, type Configuration } from "../configuration/configuration.ts";
import type { ConfigurationNote } from "../configuration/member.ts";
import type { RouteWish } from "../configuration/routes-file.ts";
import { sourcesOf } from "../discovery/sources.ts";
import type { StoredGeneration } from "../generation-file/generation-file.ts";
import { type Lane, LANES } from "../lane-kind.ts";
import type { Panel } from "../panel.ts";
import type { DigestText, Plan, PlannedRoute } from "../plan.ts";
import { isEmptyPlan, makePlan } from "../plan-file/plan-file.ts";
import type { SolvedPlan, SolveRequest, UnroutedWish } from "../planner/model.ts";
import { solve } from "../planner/solve.ts";
import type { IntegerSolver } from "../planner/solver.ts";
import { verifySolution } from "../planner/verify.ts";
import type { RegistryPorts } from "../registry/ports.ts";
import type { Registry, RegistryEntry } from "../registry/registry.ts";
import { formatSymbolAddress, parseSymbolAddress } from "../symbol.ts";
import { planFiles, type PlannedViews, type ViewProblem } from "../view/files/plan-files.ts";
import type { KeptFile, Projection, UnshownSymbol, ViewLoss } from "../view/model.ts";
import { projectViews } from "../view/projection.ts";
import { type ConfiguredView, usedViews } from "../view/used-views.ts";
import { contractsOf, type FaultyManifest, type LostWish, wantedRoutes } from "./wanted-routes.ts";

export interface DraftInput {
  readonly ports: RegistryPorts;
  /** The project's root, absolute. */
  readonly root: string;
  readonly registry: Registry;
  readonly panel: Pick<Panel, "routing.prefer">;
  readonly configuration: Configuration;
  /** What is in force. */
  readonly current: StoredGeneration | null;
  readonly solver: IntegerSolver;
  /** Whose overlays apply; null for none. */
  readonly environment: string | null;
}

export interface Draft {
  readonly plan: Plan;
  /** Nothing would change. */
  readonly isEmpty: boolean;
  /** All routes that will be in force. */
  readonly routes: readonly PlannedRoute[];
  readonly solution: SolvedPlan;
  /** Wanted routes that were left out. */
  readonly leftOut: readonly UnroutedWish[];
  /** Optional routes of routes.json whose consumer is not there. */
  readonly lost: readonly LostWish[];
  /** Symbols that are not wired because their manifests cannot be meant. */
  readonly faulty: readonly FaultyManifest[];
  /** Files that are left alone because something else is there. */
  readonly problems: readonly ViewProblem[];
  readonly lossy: readonly ViewLoss[];
  readonly kept: readonly KeptFile[];
  readonly unshown: readonly UnshownSymbol[];
  readonly notes: readonly ConfigurationNote[];
}

/** Makes the plan. Fails with `plan-infeasible` where a route that must be had cannot be. */
export function draftPlan(input: DraftInput): Promise<Draft> {
  // A plan is of one state of the registry.
  return input.registry.holding(() => draft(input));
}

async function draft(input: DraftInput): Promise<Draft> {
  const { registry, configuration, current } = input;
  const all = await registry.list();
  const { contracts, entries, faulty } = await contractsOf(registry, all);
  const { wanted, lost, unmatched } = wantedRoutes(entries, contracts, configuration.routes);
  const solution = solved(input, { wanted, contracts });
  const projection = await project(input);
  const views = await planFiles(
    input.ports,
    input.root,
    registry,
    projection,
    current?.generation ?? null,
  );
  const plan = makePlan(input.ports, {
    base: baseOf(current),
    present: current?.generation.routes ?? [],
    routes: solution.routes,
    placement: solution.placement,
    symbols: symbolsOf(all, solution.routes, projection),
    files: views.files,
  });
  return {
    plan,
    isEmpty: isEmptyPlan(plan, current?.generation ?? null),
    routes: solution.routes,
    solution,
    leftOut: solution.unrouted,
    lost,
    faulty,
    ...reports(projection, views),
    notes: [...configuration.notes, ...unmatchedNotes(unmatched)],
  };
}

function unmatchedNotes(count: number): readonly ConfigurationNote[] {
  if (count === 0) return [];
  const message = `${count} consumers have too many possible providers; name theirs here`;
  return [{ path: CONFIGURATION_PATHS.routes, line: 1, message }];
}

function reports(
  { lossy, kept, unshown }: Projection,
  { problems }: PlannedViews,
): Pick<Draft, "problems" | "lossy" | "kept" | "unshown"> {
  return { problems, lossy, kept, unshown };
}

// --- routes ---

/** The planner's solution, checked by what does not know how it was found. Fails with `plan-infeasible`. */
function solved(
  { configuration, panel, current, solver }: DraftInput,
  routes: Pick<SolveRequest, "wanted" | "contracts">,
): SolvedPlan {
  const request: SolveRequest = {
    ...routes,
    policy: configuration.policy.policy,
    topology: configuration.topology,
    current: {
      routes: current?.generation.routes ?? [],
      placement: current?.generation.placement ?? {},
    },
    lanes: lanesOf(panel),
    unavailable: [],
  };
  const solution = solve(request, solver);
  if (!solution.ok) throw infeasible(solution.explanation.message);
  const verdict = verifySolution(request, solution);
  if (verdict.ok) return solution;
  throw new Failure("internal", `The planner's solution does not hold: ${verdict.reason}`, {
    origin: "host",
    remedy: "This is a fault of the program. Report it with the project's registry.",
  });
}

function infeasible(message: string): Failure {
  return new Failure("plan-infeasible", message, {
    origin: "policy",
    remedy: "Change .rtt/routes.json, .rtt/policy.json or .rtt/topology.json as it says.",
  });
}

/** The preferred lanes that are built, and MXP, without which machines do not reach each other. */
function lanesOf(panel: Pick<Panel, "routing.prefer">): readonly Lane[] {
  const preferred = panel["routing.prefer"].flatMap((name) =>
    LANES.filter((lane) => lane === name),
  );
  return [...new Set<Lane>([...preferred, "mxp"])];
}

/** A route that is wanted for once, on top of what is in force. */
export async function draftConnection(
  input: Omit<DraftInput, "environment" | "root">,
  wish: RouteWish,
): Promise<Draft> {
  const { registry, current, ports, configuration } = input;
  const { contracts, entries, faulty } = await contractsOf(registry, await registry.list());
  // What the project wants by itself is not asked for again: what is in force stays.
  const only = wantedRoutes(entries, [], [wish]).wanted.slice(-1);
  const solution = solved({ ...input, root: "", environment: null }, { wanted: only, contracts });
  const before = current?.generation;
  const pairs = new Set(solution.routes.map(({ from, to }) => `${from} ${to}`));
  const kept = (before?.routes ?? []).filter(({ from, to }) => !pairs.has(`${from} ${to}`));
  const plan = makePlan(ports, {
    base: baseOf(current),
    present: before?.routes ?? [],
    routes: [...kept, ...solution.routes],
    placement: { ...before?.placement, ...solution.placement },
    symbols: { ...before?.symbols, ...symbolsOf(entries, solution.routes, NOTHING_SHOWN) },
    files: [],
  });
  return {
    plan,
    isEmpty: isEmptyPlan(plan, before ?? null),
    routes: [...kept, ...solution.routes],
    solution,
    leftOut: solution.unrouted,
    lost: [],
    faulty,
    ...NOTHING_SHOWN,
    problems: [],
    notes: configuration.notes,
  };
}

// --- files ---

const NOTHING_SHOWN = { files: [], lossy: [], kept: [], unshown: [] } as const;

async function project(input: DraftInput): Promise<Projection> {
  const { registry, ports, root, configuration, environment } = input;
  const sources = await sourcesOf(registry);
  const shown = input.current?.generation.files ?? [];
  const configured = configuredViews(configuration);
  const views = await usedViews(ports.files, root, sources, configured, shown);
  const { files, digest } = ports;
  return projectViews({ registry, files, digest, root, views, sources, environment });
}

/** The views that configuration names: a view file says more than providers.yaml. */
export function configuredViews({
  providers,
  views,
}: Pick<Configuration, "providers" | "views">): readonly ConfiguredView[] {
  const named = views.map(({ provider, mount, entries }) => ({ provider, folder: mount, entries }));
  const others = providers
    .filter(({ name }) => !views.some(({ provider }) => provider === name))
    .map(({ name, agentTarget }) => ({ provider: name, folder: agentTarget, entries: null }));
  return [...named, ...others].toSorted((a, b) => (a.provider < b.provider ? -1 : 1));
}

/** What each address means that is wired or shown; with a tool of an MCP server, its server. */
function symbolsOf(
  entries: readonly RegistryEntry[],
  routes: readonly PlannedRoute[],
  { files, kept }: Pick<Projection, "files" | "kept">,
): Readonly<Record<string, DigestText>> {
  const wanted = new Set([
    ...routes.flatMap(({ from, to }) => [from, to]),
    ...files.flatMap(({ symbols }) => symbols),
    ...kept.map(({ symbol }) => symbol),
  ]);
  const providers = new Set(routes.map(({ to }) => providerOfTool(to)));
  const meant = entries.filter(({ address }) => {
    if (wanted.has(formatSymbolAddress(address))) return true;
    return address.type === "mcp-server" && providers.has(providerName(address));
  });
  return Object.fromEntries(
    meant.map(({ address, id }) => [formatSymbolAddress(address), `sha256:${id}`]),
  );
}

/** "github" for rtt://mcp/github/tool/search@1.0.0; null for what is no tool of a server. */
function providerOfTool(text: string): string | null {
  const { namespace, type } = parseSymbolAddress(text);
  const [space, provider, ...more] = namespace.split("/");
  const isTool = type === "tool" && space === "mcp" && more.length === 0;
  return isTool ? (provider ?? null) : null;
}
