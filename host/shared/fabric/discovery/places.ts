/** Where tools keep their files: which reader a path gets. One row for each place; the outermost place counts. */
import type { Tool } from "./found.ts";

export type FormatName =
  | "codex-agent"
  | "codex-config"
  | "markdown-agent"
  | "mcp-json"
  | "mcp-jsonc"
  | "opencode-config"
  | "rtt-agent"
  | "rtt-manifest"
  | "rule"
  | "skill"
  | "skill-file";

interface Place {
  readonly tool: Tool;
  readonly format: FormatName;
  /** A file by its name, or a folder whose files with this ending count. */
  readonly path: string;
  readonly ending?: string;
  /** Files in folders below count too. */
  readonly isDeep?: true;
}

const PLACES: readonly Place[] = [
  {
    tool: "claude-code",
    format: "markdown-agent",
    path: ".claude/agents",
    ending: ".md",
    isDeep: true,
  },
  { tool: "claude-code", format: "skill", path: ".claude/skills", isDeep: true },
  { tool: "claude-code", format: "rule", path: ".claude/rules", ending: ".md", isDeep: true },
  { tool: "claude-code", format: "rule", path: "CLAUDE.md" },
  { tool: "claude-code", format: "mcp-json", path: ".mcp.json" },
  { tool: "codex", format: "codex-agent", path: ".codex/agents", ending: ".toml" },
  { tool: "codex", format: "codex-config", path: ".codex/config.toml" },
  { tool: "shared", format: "rule", path: "AGENTS.md" },
  { tool: "shared", format: "markdown-agent", path: ".agents/agents", ending: ".md" },
  { tool: "shared", format: "skill", path: ".agents/skills", isDeep: true },
  { tool: "cursor", format: "markdown-agent", path: ".cursor/agents", ending: ".md" },
  { tool: "cursor", format: "rule", path: ".cursor/rules", ending: ".mdc", isDeep: true },
  { tool: "cursor", format: "skill", path: ".cursor/skills", isDeep: true },
  { tool: "cursor", format: "mcp-jsonc", path: ".cursor/mcp.json" },
  { tool: "copilot", format: "markdown-agent", path: ".github/agents", ending: ".md" },
  { tool: "copilot", format: "rule", path: ".github/copilot-instructions.md" },
  { tool: "copilot", format: "rule", path: ".github/instructions", ending: ".instructions.md" },
  { tool: "copilot", format: "skill", path: ".github/skills", isDeep: true },
  { tool: "copilot", format: "mcp-jsonc", path: ".github/mcp.json" },
  { tool: "copilot", format: "mcp-jsonc", path: ".vscode/mcp.json" },
  { tool: "gemini-cli", format: "rule", path: "GEMINI.md" },
  { tool: "gemini-cli", format: "mcp-jsonc", path: ".gemini/settings.json" },
  {
    tool: "opencode",
    format: "markdown-agent",
    path: ".opencode/agents",
    ending: ".md",
    isDeep: true,
  },
  { tool: "opencode", format: "skill", path: ".opencode/skills", isDeep: true },
  { tool: "opencode", format: "opencode-config", path: "opencode.json" },
  { tool: "opencode", format: "opencode-config", path: "opencode.jsonc" },
  { tool: "rtt", format: "rtt-manifest", path: ".rtt/manifests", ending: ".json" },
  { tool: "rtt", format: "rtt-agent", path: "agents/common", ending: ".agent.json" },
];

/** By the first name of their paths, so that most files are passed over with one look-up each. */
const BY_FIRST_NAME = new Map<
  string,
  { readonly place: Place; readonly names: readonly string[] }[]
>();
for (const place of PLACES) {
  const names = place.path.split("/");
  const first = names[0] as string;
  BY_FIRST_NAME.set(first, [...(BY_FIRST_NAME.get(first) ?? []), { place, names }]);
}

export interface Placed {
  readonly tool: Tool;
  readonly format: FormatName;
  /** Names of the folders from the base to the place. */
  readonly above: readonly string[];
  /** Names from the place to the file; the last one is the file's. */
  readonly below: readonly string[];
}

/** What the file at these names, from the base, is; null when no tool looks at it. */
export function placeOf(names: readonly string[]): Placed | null {
  for (const [at, name] of names.entries()) {
    for (const { place, names: wanted } of BY_FIRST_NAME.get(name) ?? []) {
      if (!wanted.every((part, index) => names[at + index] === part)) continue;
      const isFile = at + wanted.length === names.length;
      const below = isFile ? [name] : names.slice(at + wanted.length);
      const format = formatAt(place, isFile, below);
      if (format !== null) return { tool: place.tool, format, above: names.slice(0, at), below };
    }
  }
  return null;
}

function formatAt(place: Place, isFile: boolean, below: readonly string[]): FormatName | null {
  if (place.format === "skill") {
    // A file beside the folders of skills belongs to none of them.
    if (isFile || below.length < 2) return null;
    return below.length === 2 && below[1] === "SKILL.md" ? "skill" : "skill-file";
  }
  if (place.ending === undefined) return isFile ? place.format : null;
  if (isFile || !(below.at(-1) ?? "").endsWith(place.ending)) return null;
  return below.length === 1 || place.isDeep === true ? place.format : null;
}

/** Whether a folder lies in a place or leads to one by its name: only there links are followed. */
export function isToolFolder(names: readonly string[]): boolean {
  return names.some((name, at) =>
    (BY_FIRST_NAME.get(name) ?? []).some(({ names: wanted }) =>
      names.slice(at).every((part, index) => index >= wanted.length || part === wanted[index]),
    ),
  );
}

/** Whether a scan goes into a folder. Of `.rtt` only the manifests are somebody's own. */
export function isWalkedInto(names: readonly string[]): boolean {
  const at = names.indexOf(".rtt");
  return at === -1 || names.length === at + 1 || names[at + 1] === "manifests";
}
