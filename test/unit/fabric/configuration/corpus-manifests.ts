/** Published manifests, good and bad. */
import { bad, type Case, good } from "./corpus-case.ts";

const SYMBOL = {
  saddr: "rtt://ui/hook/refresh@0.1.0",
  type: "hook",
  direction: "consumer",
  capabilities: ["subscribe"],
  qos: { latency_budget_ms: 5, throughput_qps: 100 },
};

const symbolOf = (change: object, without = ""): object => {
  const members = Object.entries({ ...SYMBOL, ...change }).filter(([name]) => name !== without);
  return { $schema: "https://rtt/spec/v1", symbol: Object.fromEntries(members) };
};

const MANIFEST: readonly Case[] = [
  good("manifest", "what is needed", symbolOf({})),
  good(
    "manifest",
    "everything, and more",
    symbolOf({
      inputs: [{ name: "in", schema: "json" }],
      outputs: [{ name: "out" }],
      version_set: ">=1.0 <2.0",
      auth: { mode: "caps", scopes: ["mcp.invoke"] },
      tags: { supports_shm: "true", provider: "x" },
      more: [1, { a: null }],
    }),
  ),
  bad("manifest", "form", [1, "type"], "[]"),
  bad("manifest", "form", [1, "$schema"], { symbol: SYMBOL }),
  bad("manifest", "form", [1, "symbol"], { $schema: "https://rtt/spec/v1" }),
  bad("manifest", "form", [1, "saddr"], symbolOf({}, "saddr")),
  bad("manifest", "form", [1, "qos"], symbolOf({}, "qos")),
  bad("manifest", "form", [1, "version"], symbolOf({ saddr: "rtt://ui/hook/refresh" })),
  bad(
    "manifest",
    "form",
    [1, "homoglyph"],
    symbolOf({ saddr: "rtt://u\u0456/hook/refresh@0.1.0" }),
  ),
  bad("manifest", "form", [1, "no type"], symbolOf({ type: "thing" })),
  bad("manifest", "meaning", [1, "another type"], symbolOf({ type: "api" })),
  bad("manifest", "meaning", [1, "another file"], symbolOf({ saddr: "rtt://ui/hook/x@0.1.0" })),
  bad("manifest", "form", [1, "direction"], symbolOf({ direction: "sideways" })),
  bad("manifest", "form", [1, "capabilities"], symbolOf({ capabilities: "all" })),
  bad("manifest", "form", [1, "capability"], symbolOf({ capabilities: [1] })),
  bad("manifest", "form", [1, "latency"], symbolOf({ qos: { latency_budget_ms: "fast" } })),
  bad("manifest", "form", [1, "negative"], symbolOf({ qos: { throughput_qps: -1 } })),
  bad("manifest", "form", [1, "inputs"], symbolOf({ inputs: {} })),
  bad("manifest", "form", [1, "input"], symbolOf({ inputs: [{ schema: "json" }] })),
  bad("manifest", "form", [1, "auth"], symbolOf({ auth: { mode: "magic" } })),
  bad("manifest", "form", [1, "tags"], symbolOf({ tags: [] })),
  bad("manifest", "form", [1, "range's type"], symbolOf({ version_set: 1 })),
  bad("manifest", "meaning", [1, "range"], symbolOf({ version_set: ">>1" })),
  bad(
    "manifest",
    "text",
    [1, "twice"],
    '{"$schema":"https://rtt/spec/v1","symbol":{},"symbol":{}}',
  ),
];

const MADE = { $schema: "https://rtt/agent-manifest/v1", id: "search" };

const AGENT: readonly Case[] = [
  good("agent", "the published one", {
    ...MADE,
    name: "Search",
    desc: "Retrieve relevant passages or facts from a corpus.",
    io: { input: "text", output: "json" },
    caps: ["hybrid", "rerank"],
    rtt_saddr: "rtt://agent/api/search@1.0.0",
    qos: { latency_budget_ms: 400, throughput_qps: 20 },
    version: "1.0.0",
  }),
  good("agent", "what is needed", MADE),
  bad("agent", "form", [1, "$schema"], { id: "search" }),
  bad("agent", "form", [1, "id"], { $schema: MADE.$schema }),
  bad("agent", "form", [1, "no id"], { ...MADE, id: "" }),
  bad("agent", "form", [1, "address"], { ...MADE, rtt_saddr: "rtt://agent/api/search" }),
  bad("agent", "form", [1, "address's type"], { ...MADE, rtt_saddr: 1 }),
  bad("agent", "meaning", [1, "another file"], { ...MADE, id: "x" }),
];

export const MANIFESTS: readonly Case[] = [...MANIFEST, ...AGENT];
