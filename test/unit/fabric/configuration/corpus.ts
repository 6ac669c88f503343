/** Configuration files, good and bad. */
import { bad, type Case, good } from "./corpus-case.ts";
import { MANIFESTS } from "./corpus-manifests.ts";

const LONG = "a".repeat(600);
const RULE = { from: "rtt://*/agent/*", to: "rtt://*" };

const POLICY: readonly Case[] = [
  good("policy", "empty", {}),
  good("policy", "the published one", {
    allow: [
      { from: "rtt://*/api/*", to: "rtt://*/api/*", scopes: ["*"] },
      { from: "rtt://*/bus/*", to: "rtt://*/extension/*", scopes: ["*"] },
    ],
    pin: [{ route: "rtt://core/api/auth -> rtt://idp/api/auth@2.0.0" }],
    qos: [{ match: "rtt://*/stream/*", latency_ms: 1, prio: 0 }],
    failover: [
      {
        route:
          "rtt://core/bus/events -> [rtt://obs/extension/logger#ndjson, rtt://obs/extension/logger#json]",
        health: "p95<5ms,err<0.1%",
      },
    ],
  }),
  good("policy", "the later published one", {
    allow: [{ from: "rtt://agent/*", to: "rtt://mcp/claude/*" }],
    deny: [],
    qos: { "rtt://agent/api/search@1.0.0": { latency_budget_ms: 400, throughput_qps: 20 } },
    pins: {},
    failover: {},
  }),
  good("policy", "everything of the later form", {
    $schema: "urn:mxp:schema:policy:v1",
    deny: [{ from: "*", to: "rtt://x/tool/[a-c]?" }],
    pins: { "rtt://idp/api/auth": "^2.0.0", "rtt://idp/api/auth#fast": "2.0.0" },
    failover: { "rtt://a/agent/*": ["rtt://b/service/x", "rtt://b/service/y@1.0.0"] },
  }),
  bad("policy", "form", [1, "member-unknown", "alow"], '{"alow":[]}'),
  bad("policy", "form", [3, "member-missing", "allow[0].to"], '{"allow":[\n\n{"from":"*"}]}'),
  bad("policy", "form", [1, "type", "allow"], '{"allow":{}}'),
  bad("policy", "form", [1, "type", "allow[0]"], '{"allow":["*"]}'),
  bad(
    "policy",
    "form",
    [3, "type", "allow[1].from"],
    '{"allow":[\n{"from":"*","to":"*"},\n{"from":1,"to":"*"}]}',
  ),
  bad("policy", "form", [1, "pattern", "deny[0].from"], '{"deny":[{"from":"http://x","to":"*"}]}'),
  // The a of the second namespace is Cyrillic.
  bad(
    "policy",
    "form",
    [1, "pattern", "deny[0].to"],
    '{"deny":[{"from":"*","to":"rtt://\u0430/*"}]}',
  ),
  bad("policy", "form", [1, "pattern", "deny[0].to"], '{"deny":[{"from":"*","to":"rtt://A/*"}]}'),
  bad("policy", "form", [1, "range", "deny[0].to"], `{"deny":[{"from":"*","to":"rtt://${LONG}"}]}`),
  bad(
    "policy",
    "form",
    [1, "too-few", "allow[0].scopes"],
    '{"allow":[{"from":"*","to":"*","scopes":[]}]}',
  ),
  bad(
    "policy",
    "form",
    [1, "pattern", "allow[0].scopes[0]"],
    '{"allow":[{"from":"*","to":"*","scopes":["a b"]}]}',
  ),
  bad("policy", "form", [2, "too-many", "deny"], {
    deny: Array.from({ length: 1001 }, () => RULE),
  }),
  bad("policy", "form", [1, "pattern", "pin[0].route"], '{"pin":[{"route":"rtt://a -> rtt://b"}]}'),
  bad(
    "policy",
    "form",
    [1, "pattern", "pin[0].route"],
    '{"pin":[{"route":"rtt://a rtt://b@1.0.0"}]}',
  ),
  bad(
    "policy",
    "meaning",
    [1, "pattern", "pin[0].route"],
    '{"pin":[{"route":"rtt://a -> rtt://b@x.y"}]}',
  ),
  bad(
    "policy",
    "form",
    [1, "pattern", "pins.rtt://a/tool/b@1.0.0"],
    '{"pins":{"rtt://a/tool/b@1.0.0":"1.0.0"}}',
  ),
  bad(
    "policy",
    "meaning",
    [1, "pattern", "pins.rtt://a/tool/b"],
    '{"pins":{"rtt://a/tool/b":">>1"}}',
  ),
  bad("policy", "meaning", [1, "conflict", "pins"], '{"pin":[],"pins":{}}'),
  bad("policy", "form", [1, "range", "qos[0].prio"], '{"qos":[{"match":"*","prio":9}]}'),
  bad("policy", "form", [1, "type", "qos[0].prio"], '{"qos":[{"match":"*","prio":1.5}]}'),
  bad(
    "policy",
    "form",
    [1, "range", "qos[0].latency_ms"],
    '{"qos":[{"match":"*","latency_ms":0}]}',
  ),
  bad(
    "policy",
    "form",
    [1, "type", "qos.*.latency_budget_ms"],
    '{"qos":{"*":{"latency_budget_ms":"1"}}}',
  ),
  bad("policy", "form", [1, "type", "qos"], '{"qos":"fast"}'),
  bad(
    "policy",
    "form",
    [1, "pattern", "failover[0].route"],
    '{"failover":[{"route":"rtt://a -> rtt://b"}]}',
  ),
  bad(
    "policy",
    "form",
    [1, "pattern", "failover[0].health"],
    '{"failover":[{"route":"* -> [*]","health":"p96<1ms"}]}',
  ),
  bad("policy", "form", [1, "too-few", "failover.*"], '{"failover":{"*":[]}}'),
  bad("policy", "text", [1, "duplicate-key"], '{"allow":[],"allow":[]}'),
  bad("policy", "text", [2, "duplicate-key"], '{"deny":[],\n"de\\u006ey":[]}'),
  bad("policy", "text", [1, "prototype-name"], '{"__proto__":{"allow":[]}}'),
  bad("policy", "form", [1, "member-unknown", "constructor"], '{"constructor":{}}'),
  bad("policy", "form", [1, "too-deep"], `{"allow":${"[".repeat(40)}${"]".repeat(40)}}`),
  bad("policy", "form", [1, "not-json"], '{"allow":[],}'),
  bad("policy", "form", [1, "not-json"], ""),
  bad("policy", "form", [1, "field-type"], "[]"),
];

const ROUTES: readonly Case[] = [
  good("routes", "none", { routes: [] }),
  good("routes", "the published ones", {
    routes: [
      { from: "rtt://ui/hook/refresh", to: "rtt://core/api/metrics" },
      { from: "rtt://core/bus/events", to: "rtt://obs/extension/logger#ndjson" },
      { from: "rtt://agent/api/search@1.0.0", to: "rtt://mcp/claude/tool/search@1.0.0" },
    ],
  }),
  good("routes", "with what is ours", {
    $schema: "./routes.schema.json",
    routes: [
      {
        from: "rtt://a/agent/x",
        to: "rtt://a/tool/y@^1.0.0",
        capabilities: ["search"],
        optional: true,
      },
    ],
  }),
  bad("routes", "form", [1, "member-missing", "routes"], "{}"),
  bad(
    "routes",
    "form",
    [3, "pattern", "routes[1].from"],
    '{"routes":[\n{"from":"rtt://a/agent/x","to":"rtt://a/tool/y"},\n{"from":"x","to":"rtt://a/tool/y"}]}',
  ),
  bad(
    "routes",
    "form",
    [1, "pattern", "routes[0].to"],
    '{"routes":[{"from":"rtt://a/agent/x","to":"rtt://a/thing/y"}]}',
  ),
  bad(
    "routes",
    "form",
    [1, "pattern", "routes[0].to"],
    '{"routes":[{"from":"rtt://a/agent/x","to":"rtt://a/tool/../y"}]}',
  ),
  bad(
    "routes",
    "form",
    [1, "pattern", "routes[0].to"],
    '{"routes":[{"from":"rtt://a/agent/x","to":"rtt://a/tool/\uff59"}]}',
  ),
  bad(
    "routes",
    "form",
    [1, "type", "routes[0].optional"],
    '{"routes":[{"from":"rtt://a/agent/x","to":"rtt://a/tool/y","optional":1}]}',
  ),
  bad(
    "routes",
    "meaning",
    [1, "pattern", "routes[0].to"],
    '{"routes":[{"from":"rtt://a/agent/x","to":"rtt://a/tool/y@>>1"}]}',
  ),
  bad(
    "routes",
    "meaning",
    [3, "conflict", "routes[1]"],
    '{"routes":[\n{"from":"rtt://a/agent/x","to":"rtt://a/tool/y"},\n{"from":"rtt://a/agent/x","to":"rtt://a/tool/y"}]}',
  ),
  bad("routes", "text", [1, "duplicate-key"], '{"routes":[],"routes":[]}'),
];

const TOPOLOGY: readonly Case[] = [
  good("topology", "one node", { nodes: { n1: {} } }),
  good("topology", "everything", {
    nodes: {
      n1: { name: "The left one", capacity: { cpu: 8, mem_mb: 16_384 }, machine: "m1" },
      "n2.local:1": { capacity: {} },
    },
    place: { "rtt://a/agent/x@1.0.0": "n1" },
  }),
  bad("topology", "form", [1, "member-missing", "nodes"], "{}"),
  bad("topology", "meaning", [1, "too-few", "nodes"], '{"nodes":{}}'),
  bad("topology", "form", [1, "pattern", "nodes.../n"], '{"nodes":{"../n":{}}}'),
  bad("topology", "form", [1, "member-unknown", "nodes.n.cpu"], '{"nodes":{"n":{"cpu":1}}}'),
  bad(
    "topology",
    "form",
    [1, "range", "nodes.n.capacity.cpu"],
    '{"nodes":{"n":{"capacity":{"cpu":-1}}}}',
  ),
  bad("topology", "form", [1, "pattern", "nodes.n.name"], '{"nodes":{"n":{"name":"a\\nb"}}}'),
  bad(
    "topology",
    "form",
    [1, "pattern", "place.rtt://a/agent/x"],
    '{"nodes":{"n":{}},"place":{"rtt://a/agent/x":"n"}}',
  ),
  bad(
    "topology",
    "meaning",
    [1, "reference", "place.rtt://a/agent/x@1.0.0"],
    '{"nodes":{"n":{}},"place":{"rtt://a/agent/x@1.0.0":"m"}}',
  ),
  bad(
    "topology",
    "meaning",
    [1, "reference", "place.rtt://a/agent/x@1.0.0"],
    '{"nodes":{"n":{}},"place":{"rtt://a/agent/x@1.0.0":"constructor"}}',
  ),
  bad("topology", "form", [2, "too-many", "nodes"], {
    nodes: Object.fromEntries(Array.from({ length: 65 }, (_, at) => [`n${at}`, {}])),
  }),
];

const PROVIDERS: readonly Case[] = [
  good(
    "providers",
    "the published ones",
    'providers:\n  claude:\n    agent_target: "providers/claude/.claude/agents"\n  openai: { agent_target: ./providers/openai/.openai/agents/ }\n',
  ),
  bad("providers", "form", [1, "member-missing", "providers"], "# nothing\n"),
  bad(
    "providers",
    "form",
    [3, "member-unknown", "providers.claude.target"],
    "providers:\n  claude:\n    target: x\n",
  ),
  bad(
    "providers",
    "form",
    [2, "pattern", "providers.Claude"],
    "providers:\n  Claude: { agent_target: x }\n",
  ),
  bad(
    "providers",
    "form",
    [3, "pattern", "providers.claude.agent_target"],
    'providers:\n  claude:\n    agent_target: "/etc"\n',
  ),
  bad(
    "providers",
    "meaning",
    [3, "reference", "providers.claude.agent_target"],
    "providers:\n  claude:\n    agent_target: a/../../b\n",
  ),
  bad(
    "providers",
    "meaning",
    [3, "reference", "providers.claude.agent_target"],
    "providers:\n  claude:\n    agent_target: .RTT/registry\n",
  ),
  bad(
    "providers",
    "meaning",
    [3, "conflict", "providers.b.agent_target"],
    "providers:\n  a: { agent_target: x }\n  b: { agent_target: X }\n",
  ),
  bad(
    "providers",
    "form",
    [3, "type", "providers.claude.agent_target"],
    "providers:\n  claude:\n    agent_target: 1\n",
  ),
  bad(
    "providers",
    "text",
    [3, "duplicate-key"],
    "providers:\n  a: { agent_target: x }\n  a: { agent_target: x }\n",
  ),
  bad(
    "providers",
    "form",
    [2, "pattern", "providers.__proto__x"],
    "providers:\n  __proto__x: { agent_target: x }\n",
  ),
  bad("providers", "text", [1, "prototype-name"], "providers:\n  __proto__: { agent_target: x }\n"),
  bad("providers", "form", [2, "not-yaml"], "providers: [\n"),
  bad("providers", "form", [1, "too-deep"], `providers: ${"[".repeat(40)}${"]".repeat(40)}`),
];

const VIEW: readonly Case[] = [
  good("view", "the published one", {
    provider: "claude",
    mount: "providers/claude/.claude/agents",
    entries: [
      { id: "summarize@1.0.0", overlays: ["provider:claude", "env:prod"] },
      { id: "code_fix@1.0.0", overlays: [] },
    ],
    sign: { alg: "ed25519", key_id: "dev-ed25519", sig: "DEMO_SIGNATURE" },
  }),
  good("view", "the tool's own places", { provider: "claude", entries: [] }),
  bad("view", "form", [1, "member-missing", "entries"], '{"provider":"claude","mount":"x"}'),
  bad(
    "view",
    "meaning",
    [1, "reference", "provider"],
    '{"provider":"openai","mount":"x","entries":[]}',
  ),
  bad(
    "view",
    "meaning",
    [1, "reference", "mount"],
    '{"provider":"claude","mount":"../x","entries":[]}',
  ),
  bad(
    "view",
    "form",
    [1, "pattern", "mount"],
    '{"provider":"claude","mount":"a\\\\b","entries":[]}',
  ),
  bad(
    "view",
    "form",
    [1, "pattern", "entries[0].id"],
    '{"provider":"claude","mount":"x","entries":[{"id":"search"}]}',
  ),
  bad(
    "view",
    "form",
    [1, "pattern", "entries[0].id"],
    '{"provider":"claude","mount":"x","entries":[{"id":"../x@1.0.0"}]}',
  ),
  bad(
    "view",
    "form",
    [1, "pattern", "entries[0].overlays[0]"],
    '{"provider":"claude","mount":"x","entries":[{"id":"a@1.0.0","overlays":["env:../x"]}]}',
  ),
  bad(
    "view",
    "meaning",
    [1, "conflict", "entries[1].id"],
    '{"provider":"claude","mount":"x","entries":[{"id":"a@1.0.0"},{"id":"a@1.0.0"}]}',
  ),
];

const BRIDGE: readonly Case[] = [
  good(
    "bridge",
    "the published one",
    'mcp:\n  providers:\n    claude:\n      control_socket:\n        unix: "./providers/claude/.claude/mcp.sock"\n        npipe: "\\\\\\\\.\\\\pipe\\\\mcp-claude"\n      tools_manifest: "./providers/claude/.claude/tools.json"   # optional\n',
  ),
  good("bridge", "nothing optional", "mcp: { providers: { x: {} } }\n"),
  bad("bridge", "form", [1, "member-missing", "mcp.providers"], "mcp: {}\n"),
  bad(
    "bridge",
    "form",
    [3, "pattern", "mcp.providers.x.tools_manifest"],
    "mcp:\n  providers:\n    x: { tools_manifest: /etc/passwd }\n",
  ),
  bad(
    "bridge",
    "meaning",
    [3, "reference", "mcp.providers.x.tools_manifest"],
    "mcp:\n  providers:\n    x: { tools_manifest: ../t.json }\n",
  ),
  bad(
    "bridge",
    "form",
    [3, "type", "mcp.providers.x.control_socket"],
    "mcp:\n  providers:\n    x: { control_socket: a.sock }\n",
  ),
];

const PANEL: readonly Case[] = [
  good("panel", "empty", "# nothing\n"),
  good(
    "panel",
    "everything",
    'api:\n  listen: { unix: "./.rtt/sockets/panel.sock", npipe: "\\\\\\\\.\\\\pipe\\\\rtt-panel" }\nscan:\n  roots: ["./"]\n  ignore: [".git"]\nrouting: { prefer: [shm, uds, tcp], rewire_atomic: true }\nsecurity:\n  strict_manifests: true\n  allow_unsigned: ["dev/*"]\nhealth: { heartbeat_ms: 250, trip_threshold: { errors: 5, window_ms: 5000 } }\n',
  ),
  bad("panel", "form", [1, "member-unknown", "heatlh"], "heatlh: { heartbeat_ms: 250 }\n"),
  bad("panel", "form", [1, "range", "health.heartbeat_ms"], "health: { heartbeat_ms: 99 }\n"),
  bad(
    "panel",
    "form",
    [1, "range", "health.trip_threshold.window_ms"],
    "health: { trip_threshold: { window_ms: 999 } }\n",
  ),
  bad("panel", "form", [1, "pattern", "routing.prefer"], "routing: { prefer: [pigeon] }\n"),
  bad(
    "panel",
    "form",
    [1, "type", "security.strict_manifests"],
    'security: { strict_manifests: "yes" }\n',
  ),
  bad("panel", "form", [1, "type", "scan.roots"], "scan: { roots: ./ }\n"),
];

export const CORPUS: readonly Case[] = [
  ...POLICY,
  ...ROUTES,
  ...TOPOLOGY,
  ...PROVIDERS,
  ...VIEW,
  ...BRIDGE,
  ...PANEL,
  ...MANIFESTS,
];
