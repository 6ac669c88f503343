/**
 * Goal: bad input is named, and none is taken for something else. Method: each limit and each malformed member;
 * globs and rule texts against their grammar.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { contractOf, defaultContract } from "../../../../host/shared/fabric/planner/contract.ts";
import { matchesGlob, parseGlob } from "../../../../host/shared/fabric/planner/glob.ts";
import type { Contract, SolveRequest } from "../../../../host/shared/fabric/planner/model.ts";
import { parseFailover, parsePin } from "../../../../host/shared/fabric/planner/rule-text.ts";
import { solve } from "../../../../host/shared/fabric/planner/solve.ts";
import { Failure } from "../../../../host/shared/ports/failure.ts";
import type { Json } from "../../../../host/shared/trust/canonical-json.ts";
import { contract, ONE_NODE, request, saddr, SOLVER, wish } from "./world.ts";

const FROM = saddr("client");

function codeOf(task: () => unknown): string {
  try {
    task();
  } catch (thrown) {
    if (thrown instanceof Failure) return thrown.code;
    throw thrown;
  }
  return "none";
}

const solving = (asked: SolveRequest) => (): unknown => solve(asked, SOLVER);
const alone = (more: Partial<SolveRequest>) => request([], [contract(FROM)], more);
const withClient = (more: Partial<Contract>) => request([], [contract(FROM, more)]);
const withPolicy = (policy: Partial<SolveRequest["policy"]>) =>
  alone({ policy: { ...alone({}).policy, ...policy } });

const INVALID: readonly (readonly [string, SolveRequest])[] = [
  ["a consumer that is no symbol", request([wish(saddr("nobody"), null)], [contract(FROM)])],
  ["a symbol twice", request([], [contract(FROM), contract(FROM)])],
  ["a type that is none", request([wish(FROM, null, { type: "castle" })], [contract(FROM)])],
  ["a range that is none", withClient({ versionSet: "about 2" })],
  ["a range that is endless", withClient({ versionSet: "1 ".repeat(200) })],
  ["too many capabilities", withClient({ capabilities: Array<string>(257).fill("x") })],
  [
    "too many wanted capabilities",
    request([wish(FROM, null, { capabilities: Array<string>(257).fill("x") })], [contract(FROM)]),
  ],
  ["a negative throughput", withClient({ throughputQps: -1 })],
  ["an amount that is no number", withClient({ memoryMb: Number.NaN })],
  ["an endless budget", withClient({ latencyBudgetMs: Number.POSITIVE_INFINITY })],
  ["no nodes", alone({ topology: { nodes: {}, place: {} } })],
  [
    "too many nodes",
    alone({
      topology: {
        nodes: Object.fromEntries(Array.from({ length: 65 }, (_, index) => [`n${index}`, {}])),
        place: {},
      },
    }),
  ],
  ["a node with less than nothing", alone({ topology: { nodes: { n: { cpu: -1 } }, place: {} } })],
  ["a place that is no node", alone({ topology: { ...ONE_NODE, place: { [FROM]: "n9" } } })],
  [
    "a place that is a prototype's name",
    alone({ topology: { ...ONE_NODE, place: { [FROM]: "constructor" } } }),
  ],
  [
    "too many rules",
    withPolicy({ deny: Array.from({ length: 1_001 }, () => ({ from: "*", to: "*" })) }),
  ],
  ["a glob without characters", withPolicy({ deny: [{ from: "", to: "*" }] })],
  ["a glob without end", withPolicy({ deny: [{ from: "*".repeat(1_101), to: "*" }] })],
  ["a pin without a version", withPolicy({ pins: [{ from: "*", to: "*", version: "soon" }] })],
  ["a latency below nothing", withPolicy({ qos: [{ match: "*", latencyMs: -1, priority: null }] })],
  ["a priority of 10", withPolicy({ qos: [{ match: "*", latencyMs: null, priority: 10 }] })],
  ["a failover to nothing", withPolicy({ failover: [{ from: "*", to: [] }] })],
  ["a failover to many", withPolicy({ failover: [{ from: "*", to: Array(17).fill("*") }] })],
];

test.each(INVALID)("%s is plan-invalid", (_name, asked) => {
  expect(codeOf(solving(asked))).toBe("plan-invalid");
});

test.each([
  ["rtt://x/api/ｂ@1.0.0", "letters that only look alike"],
  ["rtt://x/api/../../b@1.0.0", "a path"],
  [`rtt://x/api/${"b".repeat(600)}@1.0.0`, "too long"],
])("an address with %s is symbol-invalid", (address) => {
  expect(codeOf(solving(request([wish(FROM, address)], [contract(FROM)])))).toBe("symbol-invalid");
  expect(codeOf(solving(request([], [contract(address)])))).toBe("symbol-invalid");
});

test("more pairs than the limit are refused before they are weighed", () => {
  const addresses = Array.from({ length: 800 }, (_, index) => saddr(`s-${index}`));
  const asked = request(
    addresses.map((from) => wish(from, null)),
    addresses.map((address) => contract(address)),
  );
  expect(codeOf(solving(asked))).toBe("plan-invalid");
});

describe("contracts of manifests", () => {
  const symbol = {
    saddr: FROM,
    type: "api",
    direction: "provider",
    capabilities: ["read"],
    inputs: [{ name: "text", schema: { type: "string" } }],
    qos: { latency_budget_ms: 20, throughput_qps: 50 },
    version_set: ">=1.0 <2.0",
    auth: { mode: "caps", scopes: ["mcp.invoke"] },
    tags: { supports_shm: "true", cpu_weight: 2, mem_mb: 32 },
  };
  const read = (members: Record<string, Json>) => (): Contract =>
    contractOf(FROM, { symbol: { ...symbol, ...members } });

  test("the published members are read", () => {
    expect(read({})()).toEqual({
      address: FROM,
      direction: "provider",
      versionSet: ">=1.0 <2.0",
      isVersionless: false,
      capabilities: ["read"],
      inputs: [{ name: "text", schema: '{"type":"string"}' }],
      outputs: [],
      latencyBudgetMs: 20,
      throughputQps: 50,
      auth: { mode: "caps", scopes: ["mcp.invoke"] },
      hasShm: true,
      cpuWeight: 2,
      memoryMb: 32,
    });
  });

  test("what is no manifest has the default contract", () => {
    for (const body of [{ type: "agent", agent: {} }, "text", null, [], { symbol: [] }]) {
      expect(contractOf(FROM, body)).toEqual(defaultContract(FROM));
    }
  });

  test.each<[string, Record<string, Json>]>([
    ["direction", { direction: "sideways" }],
    ["version_set", { version_set: "about 2" }],
    ["capabilities", { capabilities: "read" }],
    ["capabilities", { capabilities: [1] }],
    ["inputs", { inputs: {} }],
    ["inputs", { inputs: ["text"] }],
    ["inputs", { inputs: [{ schema: "urn:a" }] }],
    ["qos", { qos: [] }],
    ["throughput_qps", { qos: { throughput_qps: -1 } }],
    ["latency_budget_ms", { qos: { latency_budget_ms: "soon" } }],
    ["auth", { auth: "none" }],
    ["mode", { auth: { mode: "password" } }],
    ["scopes", { auth: { mode: "caps", scopes: {} } }],
    ["tags", { tags: [] }],
  ])("a wrong %s is plan-invalid, and named", (member, members) => {
    expect(codeOf(read(members))).toBe("plan-invalid");
    expect(read(members)).toThrow(new RegExp(`"${member}" must be`));
  });
});

describe("globs", () => {
  test.each<[string, string, boolean]>([
    ["*", "", true],
    ["*", "rtt://x/api/a", true],
    ["a*c", "abbc", true],
    ["a*c", "abb", false],
    ["a?c", "abc", true],
    ["a?c", "ac", false],
    ["[ab]", "b", true],
    ["[ab]", "c", false],
    ["[!ab]", "c", true],
    ["[a-c]x", "bx", true],
    ["[a-c]x", "dx", false],
    ["[]]", "]", true],
    ["[!]]", "]", false],
    ["[a-]", "-", true],
    ["[a", "[a", true],
    ["**a**", "bab", true],
    ["a", "ab", false],
    ["", "", true],
  ])("%s matches %s: %s", (pattern, text, isMatch) => {
    expect(matchesGlob(parseGlob(pattern), text)).toBe(isMatch);
  });

  test("they match what a regular expression of the same meaning does", () => {
    const pieces = fc.array(fc.constantFrom("a", "b", "*", "?", "[ab]", "[!a]"), { maxLength: 8 });
    const expressions: Record<string, string> = { "*": ".*", "?": ".", "[!a]": "[^a]" };
    fc.assert(
      fc.property(pieces, fc.stringMatching(/^[abc]{0,10}$/), (drawn, text) => {
        const source = drawn.map((piece) => expressions[piece] ?? piece).join("");
        const isMatch = new RegExp(`^${source}$`).test(text);
        expect(matchesGlob(parseGlob(drawn.join("")), text)).toBe(isMatch);
      }),
      { numRuns: 2_000 },
    );
  });

  test("many stars take no longer than their length", () => {
    const glob = parseGlob(`${"*a".repeat(500)}b`);
    expect(matchesGlob(glob, "a".repeat(10_000))).toBe(false);
  });
});

describe("rule texts", () => {
  test("pins", () => {
    expect(parsePin("rtt://a/*@* -> rtt://b/api/x@1.3.0")).toEqual({
      from: "rtt://a/*@*",
      to: "rtt://b/api/x",
      version: "1.3.0",
    });
    expect(parsePin("* -> rtt://b/api/x@^1 #left")).toEqual({
      from: "*",
      to: "rtt://b/api/x#left",
      version: "^1",
    });
    for (const text of ["", "a", "a -> ", "a -> b", "a -> b@", "a -> b@soon", "a -> b@1 -> c@1"]) {
      expect(parsePin(text)).toBeNull();
    }
  });

  test("failover", () => {
    expect(parseFailover("a* -> [b, c@1]")).toEqual({ from: "a*", to: ["b", "c@1"] });
    for (const text of ["a -> b", "a -> []", "a -> [b,,c]", "-> [b]", "a -> [b] -> [c]"]) {
      expect(parseFailover(text)).toBeNull();
    }
  });
});
