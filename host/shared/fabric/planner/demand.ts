/**
 * Demands: wanted routes of one class, which together get one link, and the providers that may be it.
 *
 *   wanted by A                       class                          link
 *   B@^1, B@>=1.2                     B                              to a version of B in both ranges
 *   any api that can do x             any api with x                 to one of them
 *   B, and failover "A -> [B, C]"     the list                       to B, or to C when B cannot be had
 *   a bus, in two ranges              each range is its own          to each
 *
 * So a consumer has one active link for each class; only buses may have several.
 */
import { type FitContext, misfitOf, type Needs } from "./fit.ts";
import { matchesGlob, parseGlob } from "./glob.ts";
import { LIST_MAX, PAIRS_MAX } from "./limits.ts";
import type { SolveRequest, WantedRoute } from "./model.ts";
import { meansSymbol } from "./route-rules.ts";
import { compareVersions, parseSymbolReference, SYMBOL_TYPES } from "../symbol.ts";
import {
  compareTexts,
  identityOf,
  invalidRequest,
  type PlanSymbol,
  type SymbolTable,
} from "./symbol-table.ts";

/** A provider that fits. */
export interface Candidate {
  readonly symbol: PlanSymbol;
  /** Place in the list of a failover; 0 for the first, and where there is none. */
  readonly failover: number;
  /** A newer version of the same symbol would fit too. */
  readonly isOutdated: boolean;
}

export interface Demand {
  readonly from: PlanSymbol;
  /** What a person reads; with `from` it is unique. */
  readonly label: string;
  readonly isOptional: boolean;
  readonly needs: Needs;
  /** Everything that could have been meant, sorted by address. */
  readonly meant: readonly PlanSymbol[];
  /** What fits, the most preferred first: by failover, then name, then newest version. */
  readonly candidates: readonly Candidate[];
}

/** Wanted routes of one class, before anybody has looked for providers. */
interface WishClass {
  readonly from: PlanSymbol;
  readonly name: string;
  readonly wishes: Wish[];
  readonly failover: number | null;
}

interface Wish {
  readonly wanted: WantedRoute;
  /** Null: any provider of `type`. */
  readonly identity: string | null;
  readonly range: string;
  readonly type: string;
}

const BUS = "bus";

/** The demands of a request, sorted by consumer and label. */
export function createDemands(
  request: SolveRequest,
  table: SymbolTable,
  context: FitContext,
): Demand[] {
  const finder = new ProviderFinder(table, context);
  const classes = new Map<string, WishClass>();
  for (const wanted of request.wanted) {
    const from = table.byAddress.get(wanted.from);
    if (from === undefined) {
      throw invalidRequest(
        `${wanted.from} wants a route, but no symbol has this address`,
        "Scan again, or correct routes.json.",
      );
    }
    const wish = wishOf(wanted, from);
    const failover = finder.failoverOf(from, wish);
    const name = className(wish, failover === null ? null : finder.alternativesName(failover));
    const key = `${from.address} ${name}`;
    const known = classes.get(key);
    if (known === undefined) classes.set(key, { from, name, wishes: [wish], failover });
    else known.wishes.push(wish);
  }
  const sorted = [...classes.values()].sort(
    (a, b) => a.from.index - b.from.index || compareTexts(a.name, b.name),
  );
  return sorted.map((one) => finder.demandOf(one));
}

function wishOf(wanted: WantedRoute, from: PlanSymbol): Wish {
  if ((wanted.capabilities?.length ?? 0) > LIST_MAX) {
    throw invalidRequest(`A wanted route names more than ${LIST_MAX} capabilities`, "Name fewer.");
  }
  if (wanted.to !== null) {
    const { range, type } = parseSymbolReference(wanted.to);
    return { wanted, identity: identityOf(wanted.to), range, type };
  }
  const type = wanted.type ?? from.type;
  if (!SYMBOL_TYPES.some((known) => known === type)) {
    throw invalidRequest(`"${type}" is no type of a symbol`, "Correct routes.json.");
  }
  return { wanted, identity: null, range: "*", type };
}

function className(wish: Wish, alternatives: string | null): string {
  if (wish.identity === null) {
    const capabilities = [...new Set(wish.wanted.capabilities)].sort(compareTexts);
    const tail = capabilities.length === 0 ? "" : ` with ${capabilities.join(", ")}`;
    return `any ${wish.type}${tail}`;
  }
  if (alternatives !== null) return alternatives;
  return wish.type === BUS ? referenceText(wish.identity, [wish.range]) : wish.identity;
}

/** "rtt://ns/type/name@^1 >=1.2#variant": the version in all of these ranges. */
function referenceText(identity: string, ranges: readonly string[]): string {
  const range = ranges.filter((one) => one !== "*").join(" ");
  if (range === "") return identity;
  const [name, variant] = identity.split("#");
  return `${name}@${range}${variant === undefined ? "" : `#${variant}`}`;
}

/** Finds the providers that a class of wishes may mean, and those of them that fit. */
class ProviderFinder {
  readonly #table: SymbolTable;
  readonly #context: FitContext;
  readonly #byIdentity = new Map<string, PlanSymbol[]>();
  readonly #byType = new Map<string, PlanSymbol[]>();
  /** Members of each failover rule with their places in its list, once they are asked for. */
  readonly #members = new Map<number, ReadonlyMap<PlanSymbol, number>>();
  #pairCount = 0;

  constructor(table: SymbolTable, context: FitContext) {
    this.#table = table;
    this.#context = context;
    for (const symbol of table.symbols) {
      push(this.#byIdentity, symbol.identity, symbol);
      push(this.#byType, symbol.type, symbol);
    }
  }

  /** The first rule of failover whose list has what is wished, even when there is no such symbol any more. */
  failoverOf(from: PlanSymbol, { identity }: Wish): number | null {
    if (identity === null) return null;
    for (const rule of this.#context.rules.failoverOf(from)) {
      const isNamed = this.#alternatives(rule).some((pattern) =>
        matchesGlob(parseGlob(identityOf(pattern)), identity),
      );
      if (isNamed) return rule;
    }
    return null;
  }

  alternativesName(rule: number): string {
    return `[${this.#alternatives(rule).join(", ")}]`;
  }

  #alternatives(rule: number): readonly string[] {
    return this.#context.rules.failover[rule]?.to ?? [];
  }

  #membersOf(rule: number): ReadonlyMap<PlanSymbol, number> {
    const known = this.#members.get(rule);
    if (known !== undefined) return known;
    const members = new Map<PlanSymbol, number>();
    for (const [place, pattern] of this.#alternatives(rule).entries()) {
      const glob = parseGlob(pattern);
      for (const symbol of this.#table.symbols) {
        if (!members.has(symbol) && meansSymbol(glob, symbol)) members.set(symbol, place);
      }
    }
    this.#members.set(rule, members);
    return members;
  }

  demandOf({ from, name, wishes, failover }: WishClass): Demand {
    const needs = needsOf(from, wishes);
    const places = failover === null ? null : this.#membersOf(failover);
    const meant = this.#meantBy(wishes, places);
    this.#pairCount += meant.length;
    if (this.#pairCount > PAIRS_MAX) {
      throw invalidRequest(
        `More than ${PAIRS_MAX} pairs of consumer and possible provider`,
        "Name the providers instead of asking for any.",
      );
    }
    const fitting = meant
      .filter((symbol) => misfitOf(this.#context, from, symbol, needs) === null)
      .map((symbol) => ({ symbol, failover: places?.get(symbol) ?? 0 }));
    const identity = failover === null ? (wishes[0]?.identity ?? null) : null;
    return {
      from,
      label: identity === null ? name : referenceText(identity, needs.ranges.get(identity) ?? []),
      isOptional: wishes.every(({ wanted }) => wanted.isOptional),
      needs,
      meant,
      candidates: inPreference(fitting),
    };
  }

  #meantBy(
    wishes: readonly Wish[],
    places: ReadonlyMap<PlanSymbol, number> | null,
  ): readonly PlanSymbol[] {
    if (places !== null) return [...places.keys()].sort((a, b) => a.index - b.index);
    const [first] = wishes;
    if (first === undefined) return [];
    if (first.identity === null) return this.#byType.get(first.type) ?? [];
    return this.#byIdentity.get(first.identity) ?? [];
  }
}

function push(lists: Map<string, PlanSymbol[]>, key: string, symbol: PlanSymbol): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [symbol]);
  else list.push(symbol);
}

/** All wishes of a class have to be met by one provider. */
function needsOf(from: PlanSymbol, wishes: readonly Wish[]): Needs {
  const ranges = new Map<string, string[]>();
  const { direction, capabilities } = from.contract;
  // What a symbol on both sides can do is not what it needs.
  const needed = new Set(direction === "consumer" ? capabilities : []);
  for (const { identity, range, wanted } of wishes) {
    for (const one of wanted.capabilities ?? []) needed.add(one);
    if (identity === null) continue;
    const known = ranges.get(identity) ?? [];
    if (!known.includes(range)) ranges.set(identity, [...known, range].sort(compareTexts));
  }
  return { ranges, capabilities: [...needed].sort(compareTexts) };
}

function inPreference(
  fitting: readonly { readonly symbol: PlanSymbol; readonly failover: number }[],
): Candidate[] {
  const sorted = [...fitting].sort(
    (a, b) =>
      a.failover - b.failover ||
      compareTexts(a.symbol.identity, b.symbol.identity) ||
      compareVersions(b.symbol.version, a.symbol.version),
  );
  return sorted.map((one, index) => {
    const before = sorted[index - 1];
    const isOutdated =
      before?.symbol.identity === one.symbol.identity && before.failover === one.failover;
    return { ...one, isOutdated };
  });
}
