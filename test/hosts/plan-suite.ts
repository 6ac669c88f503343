/**
 * What every runtime must plan alike: one project with everything, from its registry to a signed plan.
 *
 * Portable: files in memory, signatures by a library in JavaScript, the solver's WebAssembly handed over or found.
 */
import { ed25519, x25519 } from "@noble/curves/ed25519.js";
import { readConfiguration } from "../../host/shared/fabric/configuration/configuration.ts";
import { draftPlan } from "../../host/shared/fabric/drafting/draft.ts";
import { planBytes, signPlan } from "../../host/shared/fabric/plan-file/plan-file.ts";
import { loadHighsSolver } from "../../host/shared/fabric/planner/highs-solver.ts";
import type { RegistryObject } from "../../host/shared/fabric/registry/object.ts";
import { Registry } from "../../host/shared/fabric/registry/registry.ts";
import { parseSymbolAddress } from "../../host/shared/fabric/symbol.ts";
import { createDigest } from "../../host/shared/engine/digest.ts";
import type { Clock } from "../../host/shared/ports/clock.ts";
import type { Signatures } from "../../host/shared/ports/signatures.ts";
import { digestText } from "../../host/shared/trust/digest-text.ts";
import { utf8 } from "../../host/shared/trust/bytes.ts";
import type { Json, JsonObject } from "../../host/shared/trust/canonical-json.ts";
import { MemoryFiles } from "../support/memory-files.ts";

export interface PlanSuiteResult {
  readonly planId: string;
  /** Of the whole file, the signature included. */
  readonly file: string;
  readonly routes: number;
  readonly files: number;
  readonly method: string;
  /** How often the exact solver was asked. */
  readonly solverCalls: number;
}

const ROOT = "/p";

const signatures: Signatures = {
  publicKey: (seed) => Uint8Array.from(ed25519.getPublicKey(seed)),
  sign: (seed, message) => Uint8Array.from(ed25519.sign(message, seed)),
  verify: (publicKey, message, signature) => {
    try {
      return ed25519.verify(signature, message, publicKey);
    } catch {
      return false;
    }
  },
  x25519PublicKey: (privateKey) => Uint8Array.from(x25519.getPublicKey(privateKey)),
};

const CONFIGURATION: Readonly<Record<string, string>> = {
  ".rtt/policy.json": JSON.stringify({
    deny: [{ from: "*", to: "rtt://local/mcp-server/docs@*" }],
    qos: [{ match: "rtt://ui/*", latency_ms: 50, prio: 0 }],
  }),
  ".rtt/routes.json": JSON.stringify({
    routes: [
      { from: "rtt://core/bus/events", to: "rtt://obs/extension/logger#ndjson" },
      { from: "rtt://ui/hook/refresh", to: "rtt://core/api/metrics@^1.0.0" },
    ],
  }),
  // Nodes that only some of the ways to fill leave room on: a question for the exact solver.
  ".rtt/topology.json": JSON.stringify({
    nodes: {
      a: { capacity: { cpu: 1.1 } },
      b: { capacity: { cpu: 1.1 } },
      c: { machine: "other", capacity: { cpu: 0.2 } },
    },
  }),
  "providers/providers.yaml": "providers:\n  claude: { agent_target: providers/claude/agents }\n",
  "CLAUDE.md": "# Rules of the house\n",
  "opencode.json": '{\n  // kept\n  "theme": "dark"\n}\n',
};

/** `load` is in tenths of a processor. */
function manifest(saddr: string, direction: string, load: number): RegistryObject {
  const address = parseSymbolAddress(saddr);
  const symbol: JsonObject = {
    saddr,
    type: address.type,
    direction,
    capabilities: [],
    qos: { latency_budget_ms: 100, throughput_qps: load },
    tags: { supports_shm: true },
  };
  return { kind: address.type, address, body: { $schema: "https://rtt/spec/v1", symbol } };
}

function scanned(kind: string, saddr: string, inner: JsonObject): RegistryObject {
  const address = parseSymbolAddress(saddr);
  const { name, version } = address;
  const member = kind === "mcp-server" ? "server" : kind;
  const body: Json = { type: kind, [member]: { name, version, description: name, ...inner } };
  return { kind, address, body };
}

const OBJECTS: readonly RegistryObject[] = [
  scanned("agent", "rtt://local/agent/reviewer@1.0.0", { instructions: "Prüfe alles. ✓" }),
  scanned("mcp-server", "rtt://local/mcp-server/github@1.0.0", {
    transport: "stdio",
    command: "npx",
    args: ["-y", "x"],
  }),
  scanned("mcp-server", "rtt://local/mcp-server/docs@1.0.0", { command: "node", args: [] }),
  manifest("rtt://ui/hook/refresh@0.1.0", "consumer", 6),
  manifest("rtt://ui/api/page@1.0.0", "consumer", 1),
  manifest("rtt://core/api/metrics@1.0.0", "provider", 5),
  manifest("rtt://core/api/metrics@1.10.0", "both", 5),
  manifest("rtt://core/bus/events@1.1.0", "both", 4),
  manifest("rtt://obs/extension/logger@1.3.0#ndjson", "provider", 5),
];

/** Plans the project, with the engine's digest and the compiled solver. */
export async function runPlanSuite(
  engine: Parameters<typeof createDigest>[0],
  solver: WebAssembly.Module,
): Promise<PlanSuiteResult> {
  const digest = createDigest(engine);
  const files = new MemoryFiles();
  const seed = new Uint8Array(32).fill(1);
  const signer = { seed, publicKey: signatures.publicKey(seed) };
  // Nothing in a plan depends on a clock.
  const clock: Clock = { nowUs: () => 0, wallMs: () => 0, at: () => () => {}, soon: () => {} };
  const ports = { files, digest, signatures, clock };
  for (const [path, text] of Object.entries(CONFIGURATION)) {
    await files.write(`${ROOT}/${path}`, utf8(text));
  }
  const registry = await Registry.open(ports, `${ROOT}/.rtt/registry`, { signer });
  await registry.putAll(OBJECTS);
  let solverCalls = 0;
  const exact = await loadHighsSolver(solver);
  const { plan, routes, solution } = await draftPlan({
    ports,
    root: ROOT,
    registry,
    panel: { "routing.prefer": ["shm", "uds", "tcp"] },
    configuration: await readConfiguration(files, ROOT),
    current: null,
    solver: {
      solve: (program) => {
        solverCalls += 1;
        return exact.solve(program);
      },
    },
    environment: null,
  });
  return {
    planId: plan.plan_id,
    file: digestText(digest, planBytes(signPlan(ports, plan, signer))),
    routes: routes.length,
    files: plan.files.length,
    method: solution.method,
    solverCalls,
  };
}
