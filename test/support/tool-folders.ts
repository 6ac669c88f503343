/** Real layouts of tools in a temporary folder: the files as people have them, each with its own spelling. */
import { mkdirSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { ScanCache } from "../../host/shared/fabric/discovery/scan-cache.ts";
import { type Scan, type ScanOptions, scanTree } from "../../host/shared/fabric/discovery/scan.ts";
import type { FoundSymbol } from "../../host/shared/fabric/discovery/found.ts";
import { formatSymbolAddress } from "../../host/shared/fabric/symbol.ts";
import { realpathSync } from "node:fs";
import { temporaryFolder, testPorts } from "./ports.ts";

/** A secret that is in the files and must be nowhere else. */
export const SECRET = "ghp_R4nd0mR4nd0mR4nd0mR4nd0mR4nd0mR4nd0m";

/** Files by their paths. */
export type Tree = Readonly<Record<string, string | Uint8Array>>;

/** One of everything; the reviewer is the same agent in four tools, and so is the skill in two. */
export const TOOL_FILES: Tree = {
  ".claude/agents/reviewer.md": [
    "---",
    "name: reviewer",
    "description: Reviews code",
    "tools: Read, Grep",
    "model: sonnet",
    "---",
    "",
    "You review code.",
    "",
  ].join("\n"),
  ".cursor/agents/reviewer.md":
    "---\nname: reviewer\ndescription: Reviews code\nreadonly: true\n---\nYou review code.\n",
  ".opencode/agents/reviewer.md":
    "---\ndescription: Reviews code\nmode: subagent\npermission:\n  edit: deny\n---\nYou review code.\n",
  ".codex/agents/reviewer.toml": [
    'name = "reviewer"',
    'description = "Reviews code"',
    'model_reasoning_effort = "high"',
    'developer_instructions = """',
    "You review code.",
    '"""',
    "",
  ].join("\n"),
  ".github/agents/planner.md":
    "---\nname: Planner\ndescription: Plans work\ntools: ['search']\n---\nYou plan.\r\n",
  ".claude/skills/pdf/SKILL.md":
    "---\nname: pdf\ndescription: Reads PDF files\nlicense: MIT\nmetadata:\n  version: 1.2.0\n---\nUse it.\n",
  ".claude/skills/pdf/scripts/read.py": "print('pdf')\n",
  ".agents/skills/pdf/SKILL.md":
    "---\nname: pdf\ndescription: Reads PDF files\nlicense: MIT\nmetadata:\n  version: 1.2.0\n---\nUse it.\n",
  ".agents/skills/pdf/scripts/read.py": "print('pdf')\n",
  ".mcp.json": `{
  "mcpServers": {
    "github": {
      "command": "npx",
      "args": ["-y", "@modelcontextprotocol/server-github"],
      "env": { "GITHUB_TOKEN": "${SECRET}", "LOG_LEVEL": "debug" }
    },
    "docs": { "type": "http", "url": "https://docs.example/mcp", "headers": { "X-Team": "a" } }
  }
}
`,
  ".cursor/mcp.json": `{
  // the same server as in .mcp.json
  "mcpServers": {
    "github": {
      "command": "npx",
      "args": ["-y", "@modelcontextprotocol/server-github"],
      "env": { "GITHUB_TOKEN": "\${env:GITHUB_TOKEN}", "LOG_LEVEL": "debug" },
    },
  },
}
`,
  ".vscode/mcp.json": `{
  "inputs": [{ "type": "promptString", "id": "key", "password": true }],
  "servers": {
    /* asks for its key */
    "search": {
      "type": "http",
      "url": "https://search.example/mcp",
      "headers": { "Authorization": "Bearer \${input:key}" }
    }
  }
}
`,
  ".codex/config.toml": [
    'model = "gpt-5"',
    "",
    "[mcp_servers.files]",
    'command = "files-mcp"',
    'args = ["--root", "."]',
    "startup_timeout_sec = 20",
    "",
    "[mcp_servers.files.env]",
    `API_KEY = "${SECRET}"`,
    "",
  ].join("\n"),
  ".gemini/settings.json": `{
  "theme": "dark", // not ours
  "mcpServers": { "weather": { "httpUrl": "https://weather.example/mcp", "trust": false } }
}
`,
  "opencode.jsonc": `{
  "mcp": {
    "browser": {
      "type": "local",
      "command": ["npx", "browser-mcp", "--api-key", "${SECRET}"],
      "environment": { "TOKEN": "{env:BROWSER_TOKEN}" },
      "enabled": true
    }
  }
}
`,
  "AGENTS.md": "# Rules\n\nBe brief.\n",
  ".cursor/rules/style.mdc":
    "---\ndescription: Style\nglobs: ['*.ts']\nalwaysApply: false\n---\nNo tabs.\n",
  ".rtt/manifests/obs.extension.logger.ndjson.json": JSON.stringify({
    $schema: "https://rtt/spec/v1",
    symbol: {
      saddr: "rtt://obs/extension/logger@1.3.0#ndjson",
      type: "extension",
      direction: "provider",
      capabilities: ["log"],
      qos: { latency_budget_ms: 5, throughput_qps: 100 },
    },
  }),
  "agents/common/search.agent.json": JSON.stringify({
    $schema: "https://rtt/agent-manifest/v1",
    id: "search",
    name: "search",
    desc: "Searches",
    rtt_saddr: "rtt://agents/agent/search@1.0.0",
  }),
};

/** A folder with these files, last changed long ago; removed when the test is over. */
export function toolFolder(tree: Tree = TOOL_FILES): string {
  const folder = realpathSync(temporaryFolder());
  writeTree(folder, tree);
  return folder;
}

export function writeTree(folder: string, tree: Tree, changedMs = 1_700_000_000_000): void {
  for (const [name, content] of Object.entries(tree)) {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
    utimesSync(path, changedMs / 1000, changedMs / 1000);
  }
}

/** A symbolic link in a folder. */
export function linkIn(folder: string, name: string, target: string): void {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  symlinkSync(target, path);
}

export interface ScannedFolder extends Scan {
  /** By the text of its address; fails when there is none. */
  readonly at: (address: string) => FoundSymbol;
  readonly addresses: readonly string[];
  /** "path:line rule", the path from the folder. */
  readonly faults: readonly string[];
}

/** Scans a folder as its own base. */
export async function scanFolder(
  folder: string,
  { cache, ...options }: Partial<ScanOptions> & { readonly cache?: ScanCache } = {},
): Promise<ScannedFolder> {
  const ports = testPorts();
  const used = cache ?? (await ScanCache.open(ports, null, folder));
  const scan = await scanTree(ports, [folder], used, { base: folder, ignore: [], ...options });
  const byAddress = new Map(scan.found.map((one) => [formatSymbolAddress(one.address), one]));
  return {
    ...scan,
    addresses: [...byAddress.keys()],
    at: (address) => {
      const found = byAddress.get(address);
      if (found === undefined) throw new Error(`${address} was not found`);
      return found;
    },
    faults: scan.problems.map(
      ({ path, line, rule }) => `${path.slice(folder.length + 1)}:${line} ${rule}`,
    ),
  };
}
