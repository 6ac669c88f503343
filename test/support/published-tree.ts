/** A whole tree as the published tools leave it: manifests, registry, log, plans, links, and a user's own files. */
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { utf8 } from "../../host/shared/trust/bytes.ts";
import { encodePack } from "../../host/shared/fabric/registry/pack.ts";
import { MemoryFiles } from "./memory-files.ts";
import { PUBLISHED, writePublished } from "./published-registry.ts";

interface TreeVectors {
  readonly plan_rtt_v1: {
    readonly signed_bytes_utf8: string;
    readonly plan_id: string;
    readonly sig_b64: string;
  };
  readonly wal_rtt_v1: {
    readonly frame_bytes_utf8: string;
    readonly root: string;
    readonly file: string;
  };
  readonly wal_v1_0_0: { readonly entry_bytes_utf8: string; readonly root: string };
}

const PATH = join(import.meta.dirname, "../vectors/origin-vectors-rtt-p2p.json");
export const TREE_VECTORS = (
  JSON.parse(readFileSync(PATH, "utf8")) as { readonly rtt: TreeVectors }
).rtt;

export interface PublishedTree {
  readonly files: ReadonlyMap<string, Uint8Array<ArrayBuffer>>;
  /** What each symbolic link says. */
  readonly links: ReadonlyMap<string, string>;
}

const AGENTS = PUBLISHED.cas.cases.map(({ input, canonical_utf8: text }) => ({
  id: input.id,
  text,
}));
const pretty = (value: object): string => `${JSON.stringify(value, null, 2)}\n`;
const PROVIDER = "providers/claude/.claude/agents";

/** The agents' addresses, which their manifests say. */
export const AGENT_ADDRESSES = AGENTS.map(
  ({ text }) => (JSON.parse(text) as { readonly rtt_saddr: string }).rtt_saddr,
).sort();

export const TOOL_ADDRESSES = ["search", "summarize"].map(
  (name) => `rtt://mcp/claude/tool/${name}@1.0.0`,
);

/** The entry of the log that the vectors have, as a file of it. */
export function walFile(): readonly [name: string, text: string] {
  const { frame_bytes_utf8: frame, root, file } = TREE_VECTORS.wal_rtt_v1;
  return [file, pretty({ root, frame: JSON.parse(frame) as object })];
}

function textFiles(): Readonly<Record<string, string>> {
  const [walName, walText] = walFile();
  const { plan_rtt_v1: plan } = TREE_VECTORS;
  return {
    "agents.index.json": pretty({
      version: 1,
      canonical_dir: "agents/common",
      agents: AGENTS.map(({ id }) => ({ id, path: `agents/common/${id}.agent.json` })),
    }),
    ...Object.fromEntries(
      AGENTS.map(({ id, text }) => [
        `agents/common/${id}.agent.json`,
        pretty(JSON.parse(text) as object),
      ]),
    ),
    ".rtt/panel.yaml": 'scan:\n  roots: ["./", "./services", "./packages"]\n',
    ".rtt/policy.json": pretty({
      allow: [{ from: "rtt://**", to: "rtt://**", scopes: ["read"] }],
      pin: [],
      qos: [],
      failover: [],
    }),
    ".rtt/routes.json": pretty({ routes: [] }),
    ".rtt/manifests/obs.extension.logger.json": pretty({
      $schema: "https://rtt/spec/v1",
      symbol: {
        saddr: "rtt://obs/extension/logger@1.3.0",
        type: "extension",
        direction: "consumer",
        capabilities: ["events"],
        qos: { latency_budget_ms: 50, throughput_qps: 10 },
        version_set: ">=1.0.0 <2.0.0",
      },
    }),
    ".rtt/registry/trust/keys/dev-ed25519.priv": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n",
    [`.rtt/wal/${walName}`]: walText,
    ".rtt/wal/LATEST": `${TREE_VECTORS.wal_rtt_v1.root}\n`,
    [`.rtt/plans/${plan.plan_id.slice("sha256-".length)}.json`]: pretty({
      ...(JSON.parse(plan.signed_bytes_utf8) as object),
      plan_id: plan.plan_id,
      sign: { alg: "ed25519", key_id: "dev-ed25519", sig: plan.sig_b64 },
    }),
    "providers/providers.yaml": `providers:\n  claude:\n    agent_target: "${PROVIDER}"\n`,
    [`${PROVIDER}/summarize_1.0.0.agent.json`]: pretty({ id: "summarize" }),
    [`${PROVIDER}/summarize_1.0.0.agent.json.link`]: pretty({
      $schema: "https://rtt/agent-proxy/v1",
      ref: "../../../../agents/common/summarize.agent.json",
    }),
    [`${PROVIDER}/code_fix.agent.json`]: pretty({
      $schema: "https://rtt/agent-proxy/v1",
      ref: "../../../../agents/common/code_fix.agent.json",
    }),
    [`${PROVIDER}/mine.agent.json`]: pretty({ id: "mine" }),
    [`${PROVIDER}/notes.txt`]: "not an agent\n",
    ".rtt/linkmap.json": pretty({ claude: { "search@1.0.0": `${PROVIDER}/search.agent.json` } }),
    "connector-mcp/bridge.yaml":
      "mcp:\n  providers:\n    claude:\n      tools_manifest: providers/claude/tools.json\n",
    "providers/claude/tools.json": pretty({
      tools: [
        { name: "summarize", version: "1.0.0", capabilities: ["summarize"] },
        { name: "search", version: "1.0.0", capabilities: ["search"] },
      ],
    }),
  };
}

export function publishedTree(): PublishedTree {
  const memory = new MemoryFiles();
  for (const [path, text] of Object.entries(textFiles())) memory.all.set(path, utf8(text));
  writePublished(memory, ".rtt/registry");
  const objects = PUBLISHED.cas.cases.map(({ sha256, canonical_utf8: text }) => {
    return [sha256, utf8(text)] as const;
  });
  const { pack, table } = encodePack(new Map(objects));
  memory.all.set(".rtt/registry/pack/agents.pack", pack);
  memory.all.set(".rtt/registry/pack/index.lut", table);
  const links = new Map([
    [`${PROVIDER}/search.agent.json`, "../../../../agents/common/search.agent.json"],
  ]);
  return { files: memory.all, links };
}

/** Puts a tree on the disk, with modes of its own. */
export function writePublishedTree(root: string, tree: PublishedTree = publishedTree()): void {
  for (const [path, bytes] of tree.files) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), bytes);
    if (path.endsWith(".priv")) chmodSync(join(root, path), 0o640);
  }
  for (const [path, target] of tree.links) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    symlinkSync(target, join(root, path));
  }
}
