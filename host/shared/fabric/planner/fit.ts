/** The rules that decide whether a provider can serve a consumer at all, wherever the two run. */
import type { Lane } from "../lane-kind.ts";
import { isInRange } from "../../trust/policy/versions.ts";
import { TENTHS_PER_MS } from "./cost.ts";
import { canCarry, latencyTenths, type Relations } from "./lanes.ts";
import type { PlanRule, Port } from "./model.ts";
import type { RouteRules } from "./route-rules.ts";
import type { PlanSymbol } from "./symbol-table.ts";

/** What a consumer asks of its provider. */
export interface Needs {
  /** Ranges that its version has to lie in, by identity; a provider that is not named may have any. */
  readonly ranges: ReadonlyMap<string, readonly string[]>;
  readonly capabilities: readonly string[];
}

export interface FitContext {
  readonly relations: Relations;
  readonly rules: RouteRules;
  readonly lanes: readonly Lane[];
  readonly unavailable: ReadonlySet<string>;
  readonly versions: VersionMemo;
}

/** Remembers which versions lie in which ranges: a graph has many routes and few of either. */
export class VersionMemo {
  readonly #known = new Map<string, Map<string, boolean>>();

  isIn(version: string, range: string): boolean {
    let versions = this.#known.get(range);
    if (versions === undefined) this.#known.set(range, (versions = new Map()));
    let isIn = versions.get(version);
    if (isIn === undefined) versions.set(version, (isIn = isInRange(version, range, "allow")));
    return isIn;
  }
}

/** The first rule that keeps `to` from serving `from`; null when it fits. */
export function misfitOf(
  context: FitContext,
  from: PlanSymbol,
  to: PlanSymbol,
  needs: Needs,
): PlanRule | null {
  return (
    contractMisfit(context, from, to, needs) ??
    policyMisfit(context, from, to) ??
    (context.unavailable.has(to.address) ? "unavailable" : null) ??
    laneMisfit(context, from, to)
  );
}

function contractMisfit(
  { versions }: FitContext,
  from: PlanSymbol,
  to: PlanSymbol,
  needs: Needs,
): PlanRule | null {
  const [consumer, provider] = [from.contract, to.contract];
  if (from.identity === to.identity) return "self";
  if (consumer.direction === "provider" || provider.direction === "consumer") return "direction";
  const ranges = needs.ranges.get(to.identity) ?? [];
  if (ranges.some((range) => !versions.isIn(to.version, range))) return "range";
  if (!versions.isIn(to.version, consumer.versionSet)) return "version";
  if (!consumer.isVersionless && !versions.isIn(from.version, provider.versionSet)) {
    return "version";
  }
  if (needs.capabilities.some((one) => !to.capabilities.has(one))) return "capabilities";
  const isFitting =
    portsFit(consumer.outputs, provider.inputs) && portsFit(provider.outputs, consumer.inputs);
  return isFitting ? null : "schema";
}

/** What both sides name, they have to mean in the same way. */
export function portsFit(given: readonly Port[], taken: readonly Port[]): boolean {
  return given.every(({ name, schema }) =>
    taken.every((other) => other.name !== name || other.schema === schema),
  );
}

function policyMisfit(
  { rules, versions }: FitContext,
  from: PlanSymbol,
  to: PlanSymbol,
): PlanRule | null {
  if (rules.denial(from, to) !== null) return "denied";
  const granted = rules.granted(from, to);
  if (granted === null) return "not-allowed";
  const provider = to.contract.auth;
  if (provider !== null && provider.mode !== "none") {
    const consumer = from.contract.auth;
    if (consumer !== null && consumer.mode !== provider.mode) return "auth";
    const hasScope = (scope: string): boolean =>
      (granted.isEverything || granted.scopes.has(scope)) &&
      (consumer === null || consumer.scopes.includes(scope));
    if (!provider.scopes.every(hasScope)) return "scopes";
  }
  const isPinned = rules.pins(from, to).every(({ version }) => versions.isIn(to.version, version));
  return isPinned ? null : "pin";
}

function laneMisfit(context: FitContext, from: PlanSymbol, to: PlanSymbol): PlanRule | null {
  const budget = budgetTenths(context.rules, from, to);
  let isReached = false;
  for (const relation of context.relations.of(from, to)) {
    for (const lane of context.lanes) {
      if (!canCarry(lane, relation, from, to)) continue;
      if (latencyTenths(lane, relation) <= budget) return null;
      isReached = true;
    }
  }
  return isReached ? "latency" : "lane";
}

/** The tightest of the budgets of consumer, provider and policy; infinite for none. */
export function budgetTenths(rules: RouteRules, from: PlanSymbol, to: PlanSymbol): number {
  const own = [from.contract.latencyBudgetMs, to.contract.latencyBudgetMs].map((budget) =>
    budget === null ? Number.POSITIVE_INFINITY : budget * TENTHS_PER_MS,
  );
  return Math.min(...own, rules.qos(from, to).budgetTenths);
}

/** What a person reads about a candidate that was removed. */
export function describeMisfit(
  context: FitContext,
  rule: PlanRule,
  from: PlanSymbol,
  to: PlanSymbol,
  needs: Needs,
): string {
  const [consumer, provider] = [from.contract, to.contract];
  switch (rule) {
    case "self":
      return "a symbol does not serve itself";
    case "direction":
      return consumer.direction === "provider"
        ? "the one that wants it is a provider only"
        : "it is a consumer only";
    case "range":
      return `its version ${to.version} is not in ${(needs.ranges.get(to.identity) ?? []).join(" and ")}`;
    case "version":
      return context.versions.isIn(to.version, consumer.versionSet)
        ? `it works with ${provider.versionSet}, not with ${from.version}`
        : `${to.version} is not in ${consumer.versionSet}, which the consumer works with`;
    case "capabilities":
      return `it lacks ${needs.capabilities.filter((one) => !to.capabilities.has(one)).join(", ")}`;
    case "schema":
      return "inputs and outputs of the same name have different schemas";
    case "denied": {
      const denial = context.rules.denial(from, to);
      return `policy.json denies ${denial?.from} -> ${denial?.to}`;
    }
    case "not-allowed":
      return "no rule of policy.json allows it";
    case "auth":
      return `it asks for ${provider.auth?.mode}, the consumer has ${consumer.auth?.mode}`;
    case "scopes":
      return `not all of its scopes are granted: ${provider.auth?.scopes.join(", ")}`;
    case "pin": {
      const pins = context.rules.pins(from, to).map(({ version }) => version);
      return `policy.json pins it to ${pins.join(" and ")}`;
    }
    case "unavailable":
      return "it does not answer";
    case "lane":
      return "no lane leads there";
    case "latency":
      return `no lane stays within ${budgetTenths(context.rules, from, to) / TENTHS_PER_MS} ms`;
    default:
      return "no node has room for it";
  }
}
