/**
 * Goal: a plan has the routes and files that a project wants and its policy permits, says what it leaves out and why, and
 * is the same for the same project.
 * Method: projects in memory, each with one thing that decides; and one project with everything, in random orders.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { wantedRoutes } from "../../../../host/shared/fabric/drafting/wanted-routes.ts";
import { defaultContract } from "../../../../host/shared/fabric/planner/contract.ts";
import type { Contract } from "../../../../host/shared/fabric/planner/model.ts";
import type { Json } from "../../../../host/shared/trust/canonical-json.ts";
import { failureCode } from "../../../support/ports.ts";
import { AGENT, manifest, routesOf, scanned, SERVER, TOOL, World } from "./world.ts";

const DOOR = "local/service/door@1.0.0";

test("an empty project has nothing to plan", async () => {
  const draft = await new World().draft();
  expect(draft).toMatchObject({ isEmpty: true, routes: [] });
  expect(draft.plan).toMatchObject({
    base: { generation: 0, digest: null },
    files: [],
    symbols: {},
  });
});

test("the door reaches every server and every tool of one, and nothing else", async () => {
  const odd = [
    manifest("rtt://local/tool/hammer@1.0.0", "provider"),
    scanned("rule", "rtt://local/rule/style@1.0.0"),
    AGENT,
  ];
  const draft = await (await new World().put(SERVER, TOOL, ...odd)).draft();
  expect(routesOf(draft)).toEqual([
    `${DOOR} -> local/mcp-server/github@1.0.0`,
    `${DOOR} -> mcp/github/tool/search@1.0.0`,
  ]);
  expect(draft.leftOut).toEqual([]);
});

test("of several versions the door reaches the newest, or the one that is pinned", async () => {
  const newer = scanned("mcp-server", "rtt://local/mcp-server/github@2.0.0");
  const world = await new World().put(SERVER, newer);
  expect(routesOf(await world.draft())).toEqual([`${DOOR} -> local/mcp-server/github@2.0.0`]);
  world.write(".rtt/policy.json", { pins: { "rtt://local/mcp-server/github": "1.0.0" } });
  expect(routesOf(await world.draft())).toEqual([`${DOOR} -> local/mcp-server/github@1.0.0`]);
});

test("what a policy denies is left out, and said", async () => {
  const world = await new World().put(SERVER, TOOL);
  world.write(".rtt/policy.json", { deny: [{ from: "*", to: "rtt://local/*" }] });
  const draft = await world.draft();
  expect(routesOf(draft)).toEqual([`${DOOR} -> mcp/github/tool/search@1.0.0`]);
  expect(draft.leftOut).toMatchObject([
    { wanted: "rtt://local/mcp-server/github", message: expect.stringMatching(/denied/) },
  ]);
  // The tool needs its server to run, although nobody reaches it as a whole.
  expect(Object.keys(draft.plan.symbols)).toContain("rtt://local/mcp-server/github@1.0.0");
});

test("a consumer reaches a provider that fits, unless routes.json says which", async () => {
  const consumer = manifest("rtt://ui/api/page@1.0.0", "consumer");
  const one = manifest("rtt://core/api/one@1.0.0", "provider");
  const two = manifest("rtt://core/api/two@1.0.0", "provider");
  const world = await new World().put(consumer, one, two);
  expect(routesOf(await world.draft())).toEqual(["ui/api/page@1.0.0 -> core/api/one@1.0.0"]);
  world.write(".rtt/routes.json", {
    routes: [{ from: "rtt://ui/api/page", to: "rtt://core/api/two@^1.0.0" }],
  });
  expect(routesOf(await world.draft())).toEqual(["ui/api/page@1.0.0 -> core/api/two@1.0.0"]);
});

test("a consumer without a provider is told, and hinders nothing", async () => {
  const world = await new World().put(SERVER, manifest("rtt://ui/api/page@1.0.0", "consumer"));
  const draft = await world.draft();
  expect(routesOf(draft)).toEqual([`${DOOR} -> local/mcp-server/github@1.0.0`]);
  expect(draft.leftOut).toMatchObject([{ from: "rtt://ui/api/page@1.0.0", wanted: "any api" }]);
});

test("a manifest that cannot be meant is told, is wired to nobody, and hinders no other", async () => {
  const odd = manifest("rtt://ui/api/odd@1.0.0", "consumer", { version_set: "not a range" });
  const good = manifest("rtt://ui/api/page@1.0.0", "consumer");
  const world = await new World().put(
    SERVER,
    odd,
    good,
    manifest("rtt://core/api/x@1.0.0", "both"),
  );
  const draft = await world.draft();
  expect(draft.faulty).toMatchObject([
    { address: "rtt://ui/api/odd@1.0.0", message: expect.stringMatching(/version_set/) },
  ]);
  expect(routesOf(draft)).toEqual([
    `${DOOR} -> local/mcp-server/github@1.0.0`,
    "ui/api/page@1.0.0 -> core/api/x@1.0.0",
  ]);
  world.write(".rtt/routes.json", {
    routes: [{ from: "rtt://ui/api/odd", to: "rtt://core/api/x" }],
  });
  expect(await failureCode(() => world.draft())).toBe("plan-infeasible");
});

test("where nobody was asked, a million pairs are too many, and that is said", async () => {
  const contract = (address: string, direction: Contract["direction"]): Contract => ({
    ...defaultContract(address),
    direction,
  });
  const range = (count: number): readonly number[] => Array.from({ length: count }, (_, at) => at);
  const consumers = range(1001).map((at) => contract(`rtt://a/api/c${at}@1.0.0`, "consumer"));
  const providers = range(1000).map((at) => contract(`rtt://a/api/p${at}@1.0.0`, "provider"));
  const others = range(1000).map((at) => contract(`rtt://a/bus/p${at}@1.0.0`, "both"));
  const wanted = (contracts: readonly Contract[]) => wantedRoutes([], contracts, []);
  expect(wanted([...consumers.slice(1), ...providers, ...others])).toMatchObject({ unmatched: 0 });
  const tooMany = wanted([...consumers, ...providers]);
  expect(tooMany).toMatchObject({ wanted: [], unmatched: 1001 });
  const world = await new World().put(
    ...consumers.map(({ address }) => manifest(address, "consumer")),
    ...providers.map(({ address }) => manifest(address, "provider")),
  );
  const draft = await world.draft();
  expect(draft).toMatchObject({ routes: [], leftOut: [] });
  expect(draft.notes).toMatchObject([{ message: expect.stringMatching(/^1001 consumers/) }]);
});

test("a route that must be had and cannot be fails the plan, with its place or its reason", async () => {
  const world = await new World().put(AGENT, SERVER);
  const code = (route: Json): Promise<string> => {
    world.write(".rtt/routes.json", { routes: [route] });
    return failureCode(() => world.draft());
  };
  const from = "rtt://local/agent/reviewer";
  const to = "rtt://local/mcp-server/github";
  expect(await code({ from, to })).toBe("none");
  expect(await code({ from: "rtt://local/agent/nobody", to })).toBe("plan-infeasible");
  await expect(world.draft()).rejects.toThrow(/\.rtt\/routes\.json:1: .*nobody/);
  expect(await code({ from, to: `${to}@^2.0.0` })).toBe("plan-infeasible");
  expect(await code({ from, to, capabilities: ["fly"] })).toBe("plan-infeasible");
  expect(await code({ from, to: `${to}@^2.0.0`, optional: true })).toBe("none");
  expect((await world.draft()).leftOut).toHaveLength(1);
  expect(await code({ from: "rtt://local/agent/nobody", to, optional: true })).toBe("none");
  expect((await world.draft()).lost).toMatchObject([{ wish: { line: 1 } }]);
  expect(await code({ from: "rtt://local/service/door", to })).toBe("none");
});

test("the newest version of a consumer is meant when none is named", async () => {
  const newer = scanned("agent", "rtt://local/agent/reviewer@1.10.0");
  const older = scanned("agent", "rtt://local/agent/reviewer@1.9.0");
  const world = await new World().put(AGENT, newer, older, SERVER);
  world.write(".rtt/routes.json", {
    routes: [{ from: "rtt://local/agent/reviewer", to: "rtt://local/mcp-server/github" }],
  });
  expect(routesOf(await world.draft())).toContain(
    "local/agent/reviewer@1.10.0 -> local/mcp-server/github@1.0.0",
  );
});

test("a provider of the configuration gets its folder, and the symbols that it shows are in the plan", async () => {
  const world = await new World().put(AGENT);
  world.write(
    "providers/providers.yaml",
    "providers: { claude: { agent_target: shown/claude } }\n",
  );
  const first = await world.draft();
  expect(first.plan.files.map(({ path }) => path)).toContain(
    "shown/claude/reviewer_1.0.0.agent.json",
  );
  expect(Object.keys(first.plan.symbols)).toEqual(["rtt://local/agent/reviewer@1.0.0"]);
  world.write(".rtt/views/claude.view.json", {
    provider: "claude",
    mount: "shown/claude",
    entries: [],
  });
  expect((await world.draft()).plan.files).not.toContainEqual(
    expect.objectContaining({ path: "shown/claude/reviewer_1.0.0.agent.json" }),
  );
  world.write("providers/providers.yaml", "providers: { claude: { agent_target: other } }\n");
  expect(await failureCode(() => world.draft())).toBe("config-invalid");
});

test("what is in force already is no change, and what is no longer wanted goes", async () => {
  const world = await new World().put(SERVER, TOOL);
  await world.apply(await world.draft());
  expect(await world.draft()).toMatchObject({ isEmpty: true, plan: { base: { generation: 1 } } });
  await (await world.registry()).remove([TOOL.address as NonNullable<typeof TOOL.address>]);
  const draft = await world.draft();
  expect(draft.plan.routes_add).toEqual([]);
  expect(draft.plan.routes_del).toMatchObject([{ to: "rtt://mcp/github/tool/search@1.0.0" }]);
});

test("a changed object of the same address is a change", async () => {
  const world = await new World().put(SERVER);
  await world.apply(await world.draft());
  await world.put(
    scanned("mcp-server", "rtt://local/mcp-server/github@1.0.0", { command: "node" }),
  );
  const draft = await world.draft();
  expect(draft).toMatchObject({ isEmpty: false, plan: { routes_add: [], routes_del: [] } });
});

test("quick connect adds one route to what is in force", async () => {
  const world = await new World().put(SERVER, AGENT);
  await world.apply(await world.draft());
  const draft = await world.connect("rtt://local/agent/reviewer", "rtt://local/mcp-server/github");
  expect(draft.plan.routes_add).toMatchObject([{ from: "rtt://local/agent/reviewer@1.0.0" }]);
  expect(draft.plan).toMatchObject({ routes_del: [], files: [] });
  expect(draft.routes).toHaveLength(2);
  await world.apply(draft);
  const again = await world.connect("rtt://local/agent/reviewer", "rtt://local/mcp-server/github");
  expect(again.isEmpty).toBe(true);
  // Nobody has written it down, so the project's own plan takes it back.
  expect((await world.draft()).plan.routes_del).toHaveLength(1);
  const nowhere = (): Promise<unknown> => world.connect("rtt://local/agent/x", "rtt://a/tool/y");
  expect(await failureCode(nowhere)).toBe("plan-infeasible");
});

// --- the same plan ---

const OBJECTS = [
  SERVER,
  TOOL,
  AGENT,
  scanned("agent", "rtt://local/agent/writer@1.2.0"),
  scanned("rule", "rtt://local/rule/style@1.0.0", { text: "Be brief." }),
  scanned("mcp-server", "rtt://local/mcp-server/docs@1.0.0"),
  manifest("rtt://ui/api/page@1.0.0", "consumer"),
  manifest("rtt://ui/hook/refresh@0.1.0", "consumer"),
  manifest("rtt://core/api/metrics@1.0.0", "provider"),
  manifest("rtt://core/api/metrics@1.1.0", "both"),
  manifest("rtt://core/bus/events@1.1.0", "both"),
  manifest("rtt://obs/extension/logger@1.3.0#ndjson", "provider"),
];

const CONFIGURATION: Readonly<Record<string, Json>> = {
  ".rtt/policy.json": {
    allow: [
      { from: "rtt://local/*", to: "*" },
      { from: "rtt://ui/*", to: "rtt://core/*", scopes: ["read", "write"] },
      { from: "*", to: "rtt://obs/*" },
    ],
    deny: [
      { from: "*", to: "rtt://local/mcp-server/docs@*" },
      { from: "rtt://x/*", to: "*" },
    ],
    qos: [
      { match: "rtt://ui/*", prio: 0 },
      { match: "rtt://core/bus/*", latency_ms: 50 },
    ],
  },
  ".rtt/routes.json": {
    routes: [
      { from: "rtt://core/bus/events", to: "rtt://obs/extension/logger#ndjson" },
      { from: "rtt://ui/hook/refresh", to: "rtt://core/api/metrics" },
      { from: "rtt://local/agent/writer", to: "rtt://local/mcp-server/github" },
    ],
  },
  ".rtt/topology.json": {
    nodes: { a: { capacity: { cpu: 2 } }, b: { capacity: { cpu: 2 } }, c: { machine: "other" } },
    place: { "rtt://local/mcp-server/github@1.0.0": "b", "rtt://core/bus/events@1.1.0": "a" },
  },
};

/** The same JSON with its members in another order; lists too, but for those whose order means something. */
function shuffled(value: Json): fc.Arbitrary<Json> {
  if (Array.isArray(value)) {
    const items = fc.tuple(...(value as readonly Json[]).map(shuffled));
    return items.chain((list) => order(list));
  }
  if (typeof value !== "object" || value === null) return fc.constant(value);
  const members = fc.tuple(
    ...Object.entries(value).map(([name, member]) =>
      shuffled(member).map((other) => [name, other] as const),
    ),
  );
  return members.chain((list) => order(list)).map((list) => Object.fromEntries(list));
}

function order<T>(list: readonly T[]): fc.Arbitrary<T[]> {
  return fc.shuffledSubarray([...list], { minLength: list.length, maxLength: list.length });
}

test("a project in 1,000 random orders gives one plan", async () => {
  const ids = new Set<string>();
  const texts = new Set<string>();
  for (const objects of fc.sample(order(OBJECTS), { numRuns: 20, seed: 1 })) {
    // The registry learns its objects one after the other.
    const world = new World();
    for (const object of objects) await world.put(object);
    world.write("CLAUDE.md", "").write("opencode.json", "{}");
    const orders = fc.sample(shuffled(CONFIGURATION), { numRuns: 50, seed: ids.size + texts.size });
    for (const configuration of orders) {
      texts.add(JSON.stringify(configuration));
      for (const [path, value] of Object.entries(configuration as Record<string, Json>)) {
        world.write(path, value);
      }
      const { plan, routes } = await world.draft();
      expect(routes.length).toBeGreaterThan(4);
      expect(plan.files.length).toBeGreaterThan(2);
      ids.add(plan.plan_id);
    }
  }
  expect(ids.size).toBe(1);
  // The orders were really different ones.
  expect(texts.size).toBeGreaterThan(900);
}, 120_000);
