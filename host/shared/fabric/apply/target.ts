/** What is in force after a plan, and the plan that leads back: both follow from the plan and what is in force now. */
import type { Digest } from "../../ports/digest.ts";
import type { Generation, GenerationFile } from "../generation.ts";
import type { StoredGeneration } from "../generation-file/generation-file.ts";
import type {
  DigestText,
  LinkedFile,
  MergedFile,
  Plan,
  PlanBase,
  PlannedFile,
  PlannedRoute,
} from "../plan.ts";
import { compareRoutes, compareTexts } from "../plan-file/parts.ts";
import { makePlan } from "../plan-file/plan-file.ts";

/** What stands for "nothing has been applied yet" where a generation is asked for. */
export const NOTHING: Generation = {
  generation: 0,
  plan: `sha256-${"0".repeat(64)}`,
  previous: null,
  restores: null,
  canaryPercent: 100,
  routes: [],
  placement: {},
  symbols: {},
  files: [],
};

/** The base of a plan for what is in force. */
export function baseOf(current: StoredGeneration | null): PlanBase {
  return current === null
    ? { generation: 0, digest: null }
    : { generation: current.generation.generation, digest: current.digest };
}

export interface TargetOptions {
  readonly restores: number | null;
  readonly canaryPercent: number;
}

/** The generation that a plan makes of the one in force. */
export function generationAfter(
  plan: Plan,
  current: StoredGeneration | null,
  { restores, canaryPercent }: TargetOptions,
): Generation {
  const before = current?.generation ?? NOTHING;
  return {
    generation: before.generation + 1,
    plan: plan.plan_id,
    previous: current?.digest ?? null,
    restores,
    canaryPercent,
    routes: routesAfter(before.routes, plan),
    placement: plan.placement,
    symbols: plan.symbols,
    files: filesAfter(before.files, plan.files),
  };
}

const routeKey = ({ from, to, lane }: PlannedRoute): string => `${from} ${to} ${lane}`;

function routesAfter(
  before: readonly PlannedRoute[],
  { routes_add, routes_del }: Plan,
): readonly PlannedRoute[] {
  const routes = new Map(before.map((route) => [routeKey(route), route]));
  for (const route of routes_del) routes.delete(routeKey(route));
  for (const route of routes_add) routes.set(routeKey(route), route);
  return [...routes.values()].sort(compareRoutes);
}

function filesAfter(
  before: readonly GenerationFile[],
  planned: readonly PlannedFile[],
): readonly GenerationFile[] {
  const files = new Map(before.map((file) => [file.path, file]));
  for (const file of planned) {
    const shown = files.get(file.path);
    if (file.after === null || file.how === "restore") files.delete(file.path);
    else files.set(file.path, shownAfter(file, file.after, shown));
  }
  return [...files.values()].sort((a, b) => compareTexts(a.path, b.path));
}

function shownAfter(
  file: LinkedFile | MergedFile,
  digest: DigestText,
  shown: GenerationFile | undefined,
): GenerationFile {
  const { path, view } = file;
  const original = originalOf(file, shown);
  if (file.how === "merge") {
    return { path, view, digest, how: "merge", fields: file.fields, original };
  }
  return { path, view, digest, how: "link", ...(original === null ? {} : { original }) };
}

/** What the user's own file held before; it stays known through all later changes. */
function originalOf(
  { how, before, after }: LinkedFile | MergedFile,
  shown: GenerationFile | undefined,
): DigestText | null {
  if (shown !== undefined) return shown.original ?? null;
  // Only the same bytes of the user's own give place to a link.
  return how === "merge" || before === after ? before : null;
}

/**
 * The plan that takes back what was tried: `tried` was made of `before` by `plan`, and may have been made in parts.
 * A merge goes back to the bytes that were there, which its `after` names.
 */
export function planBack(
  ports: { readonly digest: Digest },
  plan: Plan,
  before: StoredGeneration | null,
  tried: StoredGeneration,
): Plan {
  const base = before?.generation ?? NOTHING;
  const shown = new Map(base.files.map((file) => [file.path, file]));
  return makePlan(ports, {
    base: baseOf(tried),
    present: tried.generation.routes,
    routes: base.routes,
    placement: base.placement,
    symbols: base.symbols,
    files: plan.files
      .filter((file) => file.before !== file.after)
      .map((file) => fileBack(file, shown.get(file.path))),
  });
}

function fileBack(file: PlannedFile, shown: GenerationFile | undefined): PlannedFile {
  const { path, view } = file;
  const change = { path, view, before: file.after, after: file.before };
  if (shown?.how === "merge") return { ...change, how: "merge", fields: shown.fields };
  if (shown?.how === "link" || file.how !== "merge") return { ...change, how: "link" };
  return { ...change, how: "merge", fields: file.fields };
}

// --- canary ---

const BUCKETS = 100;

/** Whether a route is among the first `percent`: by the digest of its ends, so the same for everybody, every time. */
export function isInShare(digest: Digest, { from, to }: PlannedRoute, percent: number): boolean {
  const hash = digest.sha256(new TextEncoder().encode(`${from} ${to}`));
  const number = ((hash[0] as number) << 16) | ((hash[1] as number) << 8) | (hash[2] as number);
  return number % BUCKETS < percent;
}

/**
 * A part of a plan: the changes of those routes that are in the share. Files stay as they are, since nobody calls them
 * and their health cannot be watched. A share that would hold no route holds the first one.
 */
export function planShare(
  ports: { readonly digest: Digest },
  plan: Plan,
  current: StoredGeneration | null,
  percent: number,
): Plan {
  const before = current?.generation ?? NOTHING;
  const isChosen = sharing(ports.digest, plan, percent);
  const part = {
    ...plan,
    routes_add: plan.routes_add.filter(isChosen),
    routes_del: plan.routes_del.filter(isChosen),
  };
  return makePlan(ports, {
    base: plan.base,
    present: before.routes,
    routes: routesAfter(before.routes, part),
    placement: { ...before.placement, ...plan.placement },
    symbols: { ...before.symbols, ...plan.symbols },
    files: [],
  });
}

function sharing(digest: Digest, plan: Plan, percent: number): (route: PlannedRoute) => boolean {
  const changed = [...plan.routes_add, ...plan.routes_del].sort(compareRoutes);
  if (changed.some((route) => isInShare(digest, route, percent))) {
    return (route) => isInShare(digest, route, percent);
  }
  const [first] = changed;
  return ({ from, to }) => first !== undefined && from === first.from && to === first.to;
}

/** The rest of a plan of which a part is in force as `canary`. */
export function planRest(
  ports: { readonly digest: Digest },
  plan: Plan,
  before: StoredGeneration | null,
  canary: StoredGeneration,
): Plan {
  return makePlan(ports, {
    base: baseOf(canary),
    present: canary.generation.routes,
    routes: routesAfter((before?.generation ?? NOTHING).routes, plan),
    placement: plan.placement,
    symbols: plan.symbols,
    files: plan.files,
  });
}
