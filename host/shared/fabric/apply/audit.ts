/**
 * Who changed what, when: every transaction of the log with what it changed, from documents that are verified by the
 * digests that the log names.
 */
import { Failure } from "../../ports/failure.ts";
import type { Generation } from "../generation.ts";
import { readGenerationNumber } from "../generation-file/generation-file.ts";
import type { DigestText, PlannedFile, PlannedRoute, SignedPlan } from "../plan.ts";
import { applicablePlan } from "../plan-file/plan-file.ts";
import { readPlan } from "../plan-file/plan-store.ts";
import { compareTexts } from "../plan-file/parts.ts";
import type { RegistryPorts } from "../registry/ports.ts";
import { type LogOwner, readHistory } from "./apply-log.ts";
import type { LoggedTransaction } from "./history.ts";
import { LOGGED } from "./logged-signers.ts";
import { NOTHING } from "./target.ts";

export interface SymbolChange {
  readonly address: string;
  readonly before: DigestText | null;
  readonly after: DigestText | null;
}

export interface AuditEntry {
  readonly logged: LoggedTransaction;
  readonly symbols: readonly SymbolChange[];
  readonly routesAdd: readonly PlannedRoute[];
  readonly routesDel: readonly PlannedRoute[];
  readonly files: readonly PlannedFile[];
  /** The plan, or the generation before it, cannot be read any more: nothing is known of what was changed. */
  readonly isUnknown: boolean;
}

export interface AuditQuery {
  /** Part of an address. */
  readonly symbol?: string;
  /** Part of either end's address. */
  readonly route?: string;
  /** A path, or a folder with everything in it. */
  readonly file?: string;
  readonly by?: string;
  readonly generation?: number;
  readonly outcome?: string;
  readonly sinceMs?: number;
  readonly untilMs?: number;
}

/** Every transaction, oldest first. Fails with `log-corrupt`. */
export async function auditTrail(
  ports: RegistryPorts,
  folder: string,
  owner: LogOwner,
): Promise<readonly AuditEntry[]> {
  const history = await readHistory(ports, folder, owner);
  const entries: AuditEntry[] = [];
  for (const logged of history?.transactions ?? []) {
    entries.push(await entryOf(ports, folder, logged));
  }
  return entries;
}

async function entryOf(
  ports: RegistryPorts,
  folder: string,
  logged: LoggedTransaction,
): Promise<AuditEntry> {
  const { facts } = logged;
  const plan = await unlessGone(async () =>
    applicablePlan(await readPlan(ports, folder, facts.plan, LOGGED)),
  );
  const before = await unlessGone(() => generationOf(ports, folder, logged));
  if (plan === null || before === null) {
    return { logged, symbols: [], routesAdd: [], routesDel: [], files: [], isUnknown: true };
  }
  return {
    logged,
    symbols: symbolChanges(before, plan),
    routesAdd: plan.routes_add,
    routesDel: plan.routes_del,
    files: plan.files.filter((file) => file.before !== file.after),
    isUnknown: false,
  };
}

async function generationOf(
  ports: RegistryPorts,
  folder: string,
  { facts }: LoggedTransaction,
): Promise<Generation | null> {
  const { generation, digest } = facts.base;
  if (generation === 0) return NOTHING;
  const stored = await readGenerationNumber(ports, folder, generation, LOGGED);
  return stored.digest === digest ? stored.generation : null;
}

/** Null for what is not there, or is not what it was: the log itself is whole nevertheless. */
async function unlessGone<T>(task: () => Promise<T>): Promise<T | null> {
  try {
    return await task();
  } catch (thrown) {
    if (Failure.from(thrown).code === "internal") throw thrown;
    return null;
  }
}

function symbolChanges(before: Generation, plan: SignedPlan): readonly SymbolChange[] {
  const addresses = new Set([...Object.keys(before.symbols), ...Object.keys(plan.symbols)]);
  return [...addresses]
    .sort(compareTexts)
    .map((address) => ({
      address,
      before: before.symbols[address] ?? null,
      after: plan.symbols[address] ?? null,
    }))
    .filter((change) => change.before !== change.after);
}

/** Whether an entry is one that somebody asks for: every part of the query counts. */
export function matchesQuery(entry: AuditEntry, query: AuditQuery): boolean {
  const { facts, beginMs, outcome } = entry.logged;
  const { symbol, route, file } = query;
  const hasRoute = (ends: string): boolean =>
    [...entry.routesAdd, ...entry.routesDel].some(
      ({ from, to }) => from.includes(ends) || to.includes(ends),
    );
  return (
    (query.by === undefined || facts.by === query.by) &&
    (query.generation === undefined || facts.generation === query.generation) &&
    (query.outcome === undefined || (outcome ?? "open") === query.outcome) &&
    (query.sinceMs === undefined || beginMs >= query.sinceMs) &&
    (query.untilMs === undefined || beginMs <= query.untilMs) &&
    (symbol === undefined || entry.symbols.some(({ address }) => address.includes(symbol))) &&
    (route === undefined || hasRoute(route)) &&
    (file === undefined ||
      entry.files.some(({ path }) => path === file || path.startsWith(`${file}/`)))
  );
}
