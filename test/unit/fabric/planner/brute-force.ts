/**
 * The planner once more, by looking at every assignment of a tiny request. Written from docs/decisions/0022-planner.md
 * alone: it shares no code with the planner but the comparison of versions and the model's types.
 */
import { satisfies, rcompare } from "semver";
import type {
  Contract,
  Cost,
  FailoverRule,
  SolveRequest,
  WantedRoute,
} from "../../../../host/shared/fabric/planner/model.ts";

export interface BruteAnswer {
  /** Null: nothing meets all required routes. */
  readonly best: BruteBest | null;
}

export interface BruteBest {
  readonly cost: Cost;
  readonly routes: readonly string[];
  readonly placement: Readonly<Record<string, string>>;
}

interface Link {
  readonly to: Contract;
  readonly failover: number;
  readonly isOutdated: boolean;
}

interface Class {
  readonly from: Contract;
  readonly isOptional: boolean;
  readonly links: readonly Link[];
}

const BASE = { shm: 2, uds: 6, tcp: 15, mxp: 30 };
const versionOf = (address: string): string => /@([^#]*)/.exec(address)?.[1] ?? "";
const nameOf = (address: string): string => address.replace(/@[^#]*/, "");
const typeOf = (address: string): string => nameOf(address).split("/").at(-2) ?? "";
const byText = (a: string, b: string): number => (a === b ? 0 : a < b ? -1 : 1);

function isMatch(glob: string, address: string): boolean {
  const source = glob
    .replace(/[.+^${}()|\\/]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  const pattern = new RegExp(`^${source}$`);
  return pattern.test(address) || pattern.test(nameOf(address));
}

/** Every assignment, the cheapest first; of equals the one that comes first. */
export function bruteForce(request: SolveRequest): BruteAnswer {
  const classes = classesOf(request);
  const nodes = Object.keys(request.topology.nodes).sort(byText);
  let best: { key: number[]; found: BruteBest } | null = null;
  for (const chosen of product(classes.map((one) => [...one.links.keys(), one.links.length]))) {
    if (classes.some((one, at) => !one.isOptional && chosen[at] === one.links.length)) continue;
    const links = classes.flatMap((one, at) => {
      const link = one.links[chosen[at] ?? -1];
      return link === undefined ? [] : [{ from: one.from, class: one, ...link }];
    });
    const used = [...new Set(links.flatMap(({ from, to }) => [from.address, to.address]))];
    used.sort(byText);
    const choicesOfNodes = used.map((address) => {
      const fixed = request.topology.place[address];
      return fixed === undefined ? [...nodes.keys()] : [nodes.indexOf(fixed)];
    });
    for (const places of product(choicesOfNodes)) {
      const at = new Map(used.map((address, index) => [address, nodes[places[index] ?? 0] ?? ""]));
      if (!hasRoom(request, at)) continue;
      const cost = costOf(request, classes.length - links.length, links, at);
      if (cost === null) continue;
      const key = [cost.dropped, cost.failover, cost.tenthsMs, ...chosen, ...ranks(request, at)];
      if (best !== null && compareKeys(key, best.key) >= 0) continue;
      const routes = new Set(links.map(({ from, to }) => `${from.address} ${to.address}`));
      const placement = Object.fromEntries(at);
      best = { key, found: { cost, routes: [...routes].sort(byText), placement } };
    }
  }
  return { best: best?.found ?? null };
}

/** Numbers of the nodes of all symbols, in the order of addresses; a symbol that is not used counts as the first. */
function ranks(request: SolveRequest, at: ReadonlyMap<string, string>): number[] {
  const nodes = Object.keys(request.topology.nodes).sort(byText);
  return request.contracts
    .map(({ address }) => address)
    .sort(byText)
    .map((address) => Math.max(0, nodes.indexOf(at.get(address) ?? "")));
}

function compareKeys(a: readonly number[], b: readonly number[]): number {
  for (const [index, value] of a.entries()) {
    const difference = value - (b[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function* product(lists: readonly (readonly number[])[]): Generator<number[]> {
  const [first, ...rest] = lists;
  if (first === undefined) {
    yield [];
    return;
  }
  for (const head of first) for (const tail of product(rest)) yield [head, ...tail];
}

function failoverFor({ policy }: SolveRequest, wanted: WantedRoute): FailoverRule | undefined {
  const { to } = wanted;
  if (to === null) return undefined;
  return policy.failover.find(
    (rule) => isMatch(rule.from, wanted.from) && rule.to.some((one) => isMatch(one, nameOf(to))),
  );
}

function classesOf(request: SolveRequest): Class[] {
  const groups = new Map<string, WantedRoute[]>();
  for (const wanted of request.wanted) {
    const failover = failoverFor(request, wanted);
    const capabilities = [...new Set(wanted.capabilities)].sort(byText).join(", ");
    const any = `any ${wanted.type ?? typeOf(wanted.from)}${capabilities === "" ? "" : " with "}`;
    const named = failover === undefined ? nameOf(wanted.to ?? "") : `[${failover.to.join(", ")}]`;
    const key = `${wanted.from} ${wanted.to === null ? any + capabilities : named}`;
    groups.set(key, [...(groups.get(key) ?? []), wanted]);
  }
  return [...groups].sort(([a], [b]) => byText(a, b)).map(([, wanted]) => classOf(request, wanted));
}

function classOf(request: SolveRequest, wanted: readonly WantedRoute[]): Class {
  const first = wanted[0] as WantedRoute;
  const from = request.contracts.find(({ address }) => address === first.from) as Contract;
  const failover = failoverFor(request, first);
  const links = request.contracts.flatMap((to): Omit<Link, "isOutdated">[] => {
    const place =
      failover?.to.findIndex((one) => isMatch(one, to.address)) ??
      (first.to === null
        ? Number(typeOf(to.address) !== (first.type ?? typeOf(from.address))) * -1
        : Number(nameOf(first.to) !== nameOf(to.address)) * -1);
    return place !== -1 && isFit(request, from, to, wanted) ? [{ to, failover: place }] : [];
  });
  links.sort(
    (a, b) =>
      a.failover - b.failover ||
      byText(nameOf(a.to.address), nameOf(b.to.address)) ||
      rcompare(versionOf(a.to.address), versionOf(b.to.address)),
  );
  const isInForce = ({ to }: Link): boolean =>
    request.current.routes.some((one) => one.from === from.address && one.to === to.address);
  const judged = links.map((link, index): Link => {
    const earlier = links.slice(0, index).filter((one) => one.failover === link.failover);
    const names = earlier.map(({ to }) => nameOf(to.address));
    return { ...link, isOutdated: names.includes(nameOf(link.to.address)) };
  });
  return {
    from,
    isOptional: wanted.every(({ isOptional }) => isOptional),
    links: judged.toSorted(
      (a, b) => a.failover - b.failover || Number(isInForce(b)) - Number(isInForce(a)),
    ),
  };
}

function isFit(
  request: SolveRequest,
  from: Contract,
  to: Contract,
  wanted: readonly WantedRoute[],
): boolean {
  const [own, other] = [versionOf(from.address), versionOf(to.address)];
  const { policy } = request;
  const isBoth = (rule: { from: string; to: string }): boolean =>
    isMatch(rule.from, from.address) && isMatch(rule.to, to.address);
  const capabilities = wanted.flatMap((one) => one.capabilities ?? []);
  if (from.direction === "consumer") capabilities.push(...from.capabilities);
  const allowed = policy.allow?.filter(isBoth) ?? [{ scopes: null }];
  const isGranted = (scope: string): boolean =>
    allowed.some(({ scopes }) => scopes === null || scopes.includes(scope)) &&
    (from.auth?.scopes.includes(scope) ?? true);
  const auth = to.auth === null || to.auth.mode === "none" ? null : to.auth;
  const isNamed = wanted.filter((one) => one.to !== null && nameOf(one.to) === nameOf(to.address));
  return (
    nameOf(from.address) !== nameOf(to.address) &&
    from.direction !== "provider" &&
    to.direction !== "consumer" &&
    isNamed.every((one) => satisfies(other, versionOf(one.to ?? ""))) &&
    satisfies(other, from.versionSet) &&
    (from.isVersionless || satisfies(own, to.versionSet)) &&
    capabilities.every((one) => to.capabilities.includes(one)) &&
    isSameSchema(from.outputs, to.inputs) &&
    isSameSchema(to.outputs, from.inputs) &&
    !policy.deny.some(isBoth) &&
    allowed.length > 0 &&
    (auth === null || from.auth === null || from.auth.mode === auth.mode) &&
    (auth?.scopes.every(isGranted) ?? true) &&
    policy.pins.every((pin) => !isBoth(pin) || satisfies(other, pin.version)) &&
    !request.unavailable.includes(to.address) &&
    canBeReached(request, from, to)
  );
}

function isSameSchema(given: Contract["inputs"], taken: Contract["inputs"]): boolean {
  return !given.some((a) => taken.some((b) => a.name === b.name && a.schema !== b.schema));
}

/** Whether there are nodes and a lane for a route, whatever else there is. */
function canBeReached(request: SolveRequest, from: Contract, to: Contract): boolean {
  const nodesOf = ({ address }: Contract): string[] => {
    const fixed = request.topology.place[address];
    return fixed === undefined ? Object.keys(request.topology.nodes) : [fixed];
  };
  return nodesOf(from).some((a) =>
    nodesOf(to).some((b) => lanes(request, from, to, a, b).length > 0),
  );
}

/** The lanes of a route between two nodes within its budget, with their latencies. */
function lanes(
  request: SolveRequest,
  from: Contract,
  to: Contract,
  a: string,
  b: string,
): { lane: string; latency: number }[] {
  const machine = (id: string): string => request.topology.nodes[id]?.machine ?? "";
  const isFar = machine(a) !== machine(b);
  const budgets = [from.latencyBudgetMs, to.latencyBudgetMs];
  for (const rule of qosOf(request, from, to)) budgets.push(rule.latencyMs);
  const budget = Math.min(...budgets.map((one) => (one === null ? Infinity : one * 10)));
  return request.lanes
    .filter((lane) => (lane === "mxp") === isFar)
    .filter((lane) => lane !== "shm" || (a === b && from.hasShm && to.hasShm))
    .map((lane) => ({ lane, latency: BASE[lane] + (a !== b && !isFar ? 4 : 0) }))
    .filter(({ latency }) => latency <= budget);
}

function qosOf(request: SolveRequest, from: Contract, to: Contract): SolveRequest["policy"]["qos"] {
  return request.policy.qos.filter(({ match }) => {
    const [left = "", right] = match.split(" -> ");
    if (right === undefined) return isMatch(left, from.address) || isMatch(left, to.address);
    return isMatch(left, from.address) && isMatch(right, to.address);
  });
}

function hasRoom(request: SolveRequest, at: ReadonlyMap<string, string>): boolean {
  return Object.entries(request.topology.nodes).every(([id, { cpu = 64, memoryMb = 65_536 }]) => {
    const here = request.contracts.filter(({ address }) => at.get(address) === id);
    const cpuUsed = here.reduce(
      (sum, { cpuWeight, throughputQps }) => sum + Math.max(0.1, (cpuWeight * throughputQps) / 10),
      0,
    );
    const memoryUsed = here.reduce((sum, one) => sum + one.memoryMb, 0);
    return cpuUsed <= (cpu ?? Infinity) + 1e-9 && memoryUsed <= (memoryMb ?? Infinity);
  });
}

/** Null when a route has no lane between its nodes. */
function costOf(
  request: SolveRequest,
  dropped: number,
  links: readonly (Link & { from: Contract; class: Class })[],
  at: ReadonlyMap<string, string>,
): Cost | null {
  let [failover, tenthsMs] = [0, 0];
  for (const { from, to, isOutdated, failover: steps, class: own } of links) {
    const inForce = request.current.routes.filter((route) => route.from === from.address);
    const isChange = inForce.some((route) => own.links.some((one) => one.to.address === route.to));
    const kept = inForce.find((route) => route.to === to.address)?.lane;
    const priority = Math.max(1, ...qosOf(request, from, to).map((rule) => rule.priority ?? 1));
    const possible = lanes(request, from, to, at.get(from.address) ?? "", at.get(to.address) ?? "");
    if (possible.length === 0) return null;
    const change = (lane: string): number => (isChange && lane !== kept ? 2 : 0);
    tenthsMs +=
      Math.min(...possible.map(({ lane, latency }) => latency * priority + change(lane))) +
      (isOutdated ? 3 : 0);
    failover += steps;
  }
  for (const [address, node] of at) {
    const before = request.current.placement[address];
    const isKnown = before !== undefined && before in request.topology.nodes;
    if (!isKnown || before === node || request.topology.place[address] !== undefined) continue;
    if (Object.keys(request.topology.nodes).length > 1) tenthsMs += 5;
  }
  return { dropped, failover, tenthsMs };
}
