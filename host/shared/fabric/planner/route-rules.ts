/** The rules of a policy, looked up by the two ends of a route. Their order means nothing; the alternatives' does. */
import { isVersionRange } from "../../trust/policy/versions.ts";
import { TENTHS_PER_MS } from "./cost.ts";
import { type Glob, matchesGlob, parseGlob } from "./glob.ts";
import {
  ALTERNATIVES_MAX,
  GLOB_CHARACTERS_MAX,
  RANGE_CHARACTERS_MAX,
  RULES_MAX,
} from "./limits.ts";
import type { AllowRule, DenyRule, FailoverRule, PinRule, QosRule, RoutePolicy } from "./model.ts";
import { parseArrow } from "./rule-text.ts";
import { compareTexts, invalidRequest, type PlanSymbol } from "./symbol-table.ts";

const PRIORITY_MAX = 9;

/** Which scopes a route may use. */
export interface Granted {
  readonly isEverything: boolean;
  readonly scopes: ReadonlySet<string>;
}

export interface RouteQos {
  /** Infinite when no rule says anything. */
  readonly budgetTenths: number;
  readonly priority: number;
}

const EVERYTHING: Granted = { isEverything: true, scopes: new Set() };

/** Which rules one end of a route matches, remembered for each symbol. */
class SideIndex {
  readonly #globs: readonly Glob[];
  readonly #known = new Map<number, ReadonlySet<number>>();

  constructor(globs: readonly Glob[]) {
    this.#globs = globs;
  }

  /** Numbers of the rules, rising. */
  of(symbol: PlanSymbol): ReadonlySet<number> {
    const known = this.#known.get(symbol.index);
    if (known !== undefined) return known;
    const found = new Set<number>();
    for (const [index, glob] of this.#globs.entries()) {
      if (meansSymbol(glob, symbol)) found.add(index);
    }
    this.#known.set(symbol.index, found);
    return found;
  }
}

/** A glob means a symbol when it matches its address, with or without the version. */
export function meansSymbol(glob: Glob, symbol: PlanSymbol): boolean {
  return matchesGlob(glob, symbol.address) || matchesGlob(glob, symbol.identity);
}

/** Rules that have a glob for each end. */
class PairIndex<Rule> {
  readonly #rules: readonly Rule[];
  readonly #from: SideIndex;
  readonly #to: SideIndex;

  constructor(rules: readonly Rule[], globsOf: (rule: Rule) => readonly [string, string]) {
    this.#rules = canonical(rules);
    const globs = this.#rules.map(globsOf);
    this.#from = new SideIndex(globs.map(([from]) => checkedGlob(from)));
    this.#to = new SideIndex(globs.map(([, to]) => checkedGlob(to)));
  }

  /** The rules that both ends match, in canonical order. */
  matching(from: PlanSymbol, to: PlanSymbol): Rule[] {
    if (this.#rules.length === 0) return [];
    const [left, right] = [this.#from.of(from), this.#to.of(to)];
    const found: Rule[] = [];
    for (const index of left) {
      const rule = this.#rules[index];
      if (rule !== undefined && right.has(index)) found.push(rule);
    }
    return found;
  }
}

export class RouteRules {
  readonly #isOpen: boolean;
  readonly #allow: PairIndex<AllowRule>;
  readonly #deny: PairIndex<DenyRule>;
  readonly #pins: PairIndex<PinRule>;
  readonly #pairQos: PairIndex<QosRule>;
  readonly #endQos: PairIndex<QosRule>;
  readonly failover: readonly FailoverRule[];
  readonly #failoverFrom: SideIndex;

  constructor(policy: RoutePolicy) {
    checkPolicy(policy);
    const isPair = (rule: QosRule): boolean => parseArrow(rule.match) !== null;
    this.#isOpen = policy.allow === null;
    this.#allow = new PairIndex(policy.allow ?? [], ({ from, to }) => [from, to]);
    this.#deny = new PairIndex(policy.deny, ({ from, to }) => [from, to]);
    this.#pins = new PairIndex(policy.pins, ({ from, to }) => [from, to]);
    this.#pairQos = new PairIndex(
      policy.qos.filter(isPair),
      ({ match }) => parseArrow(match) ?? ["", ""],
    );
    // A glob for one end is two rules, one for each end; both may match, which changes nothing.
    const ends = policy.qos.filter((rule) => !isPair(rule));
    const sided = ends.flatMap((rule) => [
      { ...rule, match: `${rule.match}->*` },
      { ...rule, match: `*->${rule.match}` },
    ]);
    this.#endQos = new PairIndex(sided, ({ match }) => parseArrow(match) ?? ["", ""]);
    this.failover = canonical(policy.failover);
    this.#failoverFrom = new SideIndex(this.failover.map(({ from }) => checkedGlob(from)));
  }

  denial(from: PlanSymbol, to: PlanSymbol): DenyRule | null {
    return this.#deny.matching(from, to)[0] ?? null;
  }

  /** What the rules of `allow` grant together; null when none of them matches. */
  granted(from: PlanSymbol, to: PlanSymbol): Granted | null {
    if (this.#isOpen) return EVERYTHING;
    const rules = this.#allow.matching(from, to);
    if (rules.length === 0) return null;
    if (rules.some(({ scopes }) => scopes === null)) return EVERYTHING;
    return { isEverything: false, scopes: new Set(rules.flatMap(({ scopes }) => scopes ?? [])) };
  }

  /** All pins that concern this route; each has to hold. */
  pins(from: PlanSymbol, to: PlanSymbol): readonly PinRule[] {
    return this.#pins.matching(from, to);
  }

  qos(from: PlanSymbol, to: PlanSymbol): RouteQos {
    const rules = [...this.#pairQos.matching(from, to), ...this.#endQos.matching(from, to)];
    let budgetTenths = Number.POSITIVE_INFINITY;
    let priority = 1;
    for (const rule of rules) {
      if (rule.latencyMs !== null) {
        budgetTenths = Math.min(budgetTenths, rule.latencyMs * TENTHS_PER_MS);
      }
      priority = Math.max(priority, rule.priority ?? 1);
    }
    return { budgetTenths, priority };
  }

  /** Numbers of the failover rules for this consumer. */
  failoverOf(from: PlanSymbol): ReadonlySet<number> {
    return this.#failoverFrom.of(from);
  }
}

/** Rules in an order that depends on nothing but their content. */
function canonical<Rule>(rules: readonly Rule[]): Rule[] {
  const keyed = rules.map((rule) => ({ rule, key: JSON.stringify(sortedMembers(rule)) }));
  return keyed.sort((a, b) => compareTexts(a.key, b.key)).map(({ rule }) => rule);
}

function sortedMembers(rule: unknown): unknown {
  const entries = Object.entries(rule as Record<string, unknown>);
  return entries.sort(([a], [b]) => compareTexts(a, b));
}

function checkedGlob(pattern: string): Glob {
  if (pattern === "" || pattern.length > GLOB_CHARACTERS_MAX) {
    throw invalidRequest(
      `A glob of the policy is empty or longer than ${GLOB_CHARACTERS_MAX} characters`,
      "Correct policy.json.",
    );
  }
  return parseGlob(pattern);
}

function checkPolicy(policy: RoutePolicy): void {
  const refuse = (problem: string) => invalidRequest(problem, "Correct policy.json.");
  const lists = [policy.allow ?? [], policy.deny, policy.pins, policy.qos, policy.failover];
  if (lists.some((list) => list.length > RULES_MAX)) {
    throw refuse(`A list of the policy has more than ${RULES_MAX} rules`);
  }
  for (const { version } of policy.pins) {
    if (version.length > RANGE_CHARACTERS_MAX || !isVersionRange(version)) {
      throw refuse("A pin names a version that is none");
    }
  }
  for (const { latencyMs, priority, match } of policy.qos) {
    if (latencyMs !== null && !(latencyMs >= 0)) throw refuse(`"${match}" has no usable latency`);
    if (
      priority !== null &&
      (!Number.isInteger(priority) || priority < 1 || priority > PRIORITY_MAX)
    ) {
      throw refuse(`The priority of "${match}" is not a number from 1 to ${PRIORITY_MAX}`);
    }
  }
  for (const { to } of policy.failover) {
    if (to.length === 0 || to.length > ALTERNATIVES_MAX) {
      throw refuse(`A failover needs 1 to ${ALTERNATIVES_MAX} alternatives`);
    }
  }
}
