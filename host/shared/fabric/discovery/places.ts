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

export interface Place {
  readonly tool: Tool;
  readonly format: FormatName;
  /** A file by its name, or a folder whose files with this ending count. */
  readonly path: string;
  readonly ending?: string;
  /** Files in folders below count too. */
  readonly isDeep?: true;
  /** The tool keeps its own state in the file too, so it may be large. */
  readonly isState?: true;
}

/** The first part of the namespace of what is found. */
export type Scope = "local" | "user";

/** In a project, and in each folder of it. */
const PROJECT: readonly Place[] = [
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
  { tool: "cline", format: "markdown-agent", path: ".cline/agents", ending: ".yaml" },
  { tool: "cline", format: "skill", path: ".cline/skills", isDeep: true },
  { tool: "devin", format: "skill", path: ".devin/skills", isDeep: true },
  { tool: "factory", format: "markdown-agent", path: ".factory/droids", ending: ".md" },
  { tool: "factory", format: "skill", path: ".factory/skills", isDeep: true },
  { tool: "factory", format: "mcp-json", path: ".factory/mcp.json" },
  { tool: "goose", format: "markdown-agent", path: ".goose/agents", ending: ".md" },
  { tool: "junie", format: "markdown-agent", path: ".junie/agents", ending: ".md" },
  { tool: "junie", format: "skill", path: ".junie/skills", isDeep: true },
  { tool: "junie", format: "mcp-json", path: ".junie/mcp/mcp.json" },
  { tool: "kimi-code", format: "markdown-agent", path: ".kimi-code/agents", ending: ".md" },
  { tool: "kimi-code", format: "skill", path: ".kimi-code/skills", isDeep: true },
  { tool: "kimi-code", format: "mcp-json", path: ".kimi-code/mcp.json" },
  { tool: "kiro", format: "markdown-agent", path: ".kiro/agents", ending: ".md" },
  { tool: "kiro", format: "skill", path: ".kiro/skills", isDeep: true },
  { tool: "kiro", format: "mcp-json", path: ".kiro/settings/mcp.json" },
  { tool: "qwen", format: "markdown-agent", path: ".qwen/agents", ending: ".md" },
  { tool: "qwen", format: "skill", path: ".qwen/skills", isDeep: true },
  { tool: "qwen", format: "mcp-jsonc", path: ".qwen/settings.json" },
  { tool: "rtt", format: "rtt-manifest", path: ".rtt/manifests", ending: ".json" },
  { tool: "rtt", format: "rtt-agent", path: "agents/common", ending: ".agent.json" },
];

/** In a person's home folder, and nowhere below it. */
const USER: readonly Place[] = [
  {
    tool: "claude-code",
    format: "markdown-agent",
    path: ".claude/agents",
    ending: ".md",
    isDeep: true,
  },
  { tool: "claude-code", format: "skill", path: ".claude/skills", isDeep: true },
  { tool: "claude-code", format: "rule", path: ".claude/rules", ending: ".md", isDeep: true },
  { tool: "claude-code", format: "rule", path: ".claude/CLAUDE.md" },
  { tool: "claude-code", format: "mcp-json", path: ".claude.json", isState: true },
  { tool: "codex", format: "codex-agent", path: ".codex/agents", ending: ".toml" },
  { tool: "codex", format: "codex-config", path: ".codex/config.toml" },
  { tool: "codex", format: "rule", path: ".codex/AGENTS.md" },
  { tool: "shared", format: "skill", path: ".agents/skills", isDeep: true },
  { tool: "cursor", format: "markdown-agent", path: ".cursor/agents", ending: ".md" },
  { tool: "cursor", format: "skill", path: ".cursor/skills", isDeep: true },
  { tool: "cursor", format: "mcp-jsonc", path: ".cursor/mcp.json" },
  { tool: "copilot", format: "markdown-agent", path: ".copilot/agents", ending: ".md" },
  { tool: "copilot", format: "skill", path: ".copilot/skills", isDeep: true },
  { tool: "copilot", format: "mcp-jsonc", path: ".copilot/mcp-config.json" },
  { tool: "copilot", format: "mcp-jsonc", path: ".config/Code/User/mcp.json" },
  { tool: "copilot", format: "mcp-jsonc", path: "Library/Application Support/Code/User/mcp.json" },
  { tool: "copilot", format: "mcp-jsonc", path: "AppData/Roaming/Code/User/mcp.json" },
  { tool: "gemini-cli", format: "rule", path: ".gemini/GEMINI.md" },
  { tool: "gemini-cli", format: "mcp-jsonc", path: ".gemini/settings.json" },
  {
    tool: "opencode",
    format: "markdown-agent",
    path: ".config/opencode/agents",
    ending: ".md",
    isDeep: true,
  },
  { tool: "opencode", format: "skill", path: ".config/opencode/skills", isDeep: true },
  { tool: "opencode", format: "rule", path: ".config/opencode/AGENTS.md" },
  { tool: "opencode", format: "opencode-config", path: ".config/opencode/opencode.json" },
  { tool: "opencode", format: "opencode-config", path: ".config/opencode/opencode.jsonc" },
];

export interface Placed {
  readonly scope: Scope;
  readonly tool: Tool;
  readonly format: FormatName;
  /** Names of the folders from the base to the place. */
  readonly above: readonly string[];
  /** Names from the place to the file; the last one is the file's. */
  readonly below: readonly string[];
  readonly isState: boolean;
}

/** Which folders a scan goes into, and which files it reads; names are those from the base. */
export interface Places {
  /** What the file is; null when no tool looks at it. */
  placeOf(names: readonly string[]): Placed | null;
  /** Whether a folder lies in a place or leads to one by its name: only there links are followed. */
  isToolFolder(names: readonly string[]): boolean;
  isWalkedInto(names: readonly string[]): boolean;
}

interface Row {
  readonly place: Place;
  readonly names: readonly string[];
}

class PlaceTable implements Places {
  readonly #scope: Scope;
  /** By the first name of their paths, so that most files are passed over with one look-up each. */
  readonly #byFirstName: ReadonlyMap<string, readonly Row[]>;

  constructor(scope: Scope, places: readonly Place[]) {
    this.#scope = scope;
    const rows = places.map((place): Row => ({ place, names: place.path.split("/") }));
    this.#byFirstName = Map.groupBy(rows, ({ names }) => names[0] as string);
  }

  placeOf(names: readonly string[]): Placed | null {
    const deepest = this.#scope === "user" ? 1 : names.length;
    for (let at = 0; at < deepest; at++) {
      for (const { place, names: wanted } of this.#byFirstName.get(names[at] as string) ?? []) {
        if (!wanted.every((part, index) => names[at + index] === part)) continue;
        const isFile = at + wanted.length === names.length;
        const below = isFile ? names.slice(-1) : names.slice(at + wanted.length);
        const format = formatAt(place, isFile, below);
        if (format === null) continue;
        const above = names.slice(0, at);
        const { tool, isState = false } = place;
        return { scope: this.#scope, tool, format, above, below, isState };
      }
    }
    return null;
  }

  isToolFolder(names: readonly string[]): boolean {
    return names.some((_, at) => this.#leadsToPlace(names, at));
  }

  isWalkedInto(names: readonly string[]): boolean {
    // A home folder holds everything that a person has; only tools' own folders are anybody's business here.
    if (this.#scope === "user") return this.#leadsToPlace(names, 0);
    // Of `.rtt` only the manifests are somebody's own.
    const at = names.indexOf(".rtt");
    return at === -1 || names.length === at + 1 || names[at + 1] === "manifests";
  }

  /** Whether the names from `at` on are the beginning of a place's path, or begin with one. */
  #leadsToPlace(names: readonly string[], at: number): boolean {
    return (this.#byFirstName.get(names[at] as string) ?? []).some(({ names: wanted }) =>
      names.slice(at).every((part, index) => index >= wanted.length || part === wanted[index]),
    );
  }
}

export const PROJECT_PLACES: Places = new PlaceTable("local", PROJECT);
export const USER_PLACES: Places = new PlaceTable("user", USER);

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
