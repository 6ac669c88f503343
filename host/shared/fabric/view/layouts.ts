/**
 * Where each tool looks for what. The places are those of `discovery/places.ts`, from which a scan reads.
 */
import { codexAgent, markdownAgent } from "./dialects/agent.ts";
import { codexServer } from "./dialects/codex-server.ts";
import { COMMON_LAYOUTS } from "./common-layouts.ts";
import {
  CLAUDE_SPELLING,
  CURSOR_SPELLING,
  NO_REFERENCES,
  OPENCODE_SPELLING,
  SHELL_SPELLING,
  VSCODE_SPELLING,
} from "./dialects/references.ts";
import { CLAUDE_RULE, COPILOT_RULE, CURSOR_RULE } from "./dialects/rule.ts";
import { commonServer, geminiServer, opencodeServer } from "./dialects/server.ts";
import type { AgentPlace, InstructionPlace, RulePlace, SkillPlace, ToolLayout } from "./layout.ts";
import type { ViewName } from "./model.ts";
import { AGENTS_MD, SHARED_AGENTS, SHARED_SKILLS } from "./shared-places.ts";

const COPILOT_AGENTS: AgentPlace = {
  view: "copilot",
  tool: "copilot",
  folder: ".github/agents",
  ending: ".agent.md",
  dialect: markdownAgent({ spelling: VSCODE_SPELLING, hasName: true, hasVersion: false }),
};
const COPILOT_SKILLS: SkillPlace = { view: "copilot", tool: "copilot", folder: ".github/skills" };
const COPILOT_INSTRUCTIONS: InstructionPlace = {
  view: "copilot",
  tool: "copilot",
  path: ".github/copilot-instructions.md",
};
const COPILOT_RULES: RulePlace = {
  view: "copilot",
  tool: "copilot",
  folder: ".github/instructions",
  ending: ".instructions.md",
  dialect: COPILOT_RULE,
};

export const TOOL_LAYOUTS: readonly ToolLayout[] = [
  {
    view: "claude-code",
    title: "Claude Code",
    isTool: true,
    tool: "claude-code",
    marks: [".claude", "CLAUDE.md", ".mcp.json"],
    agents: {
      view: "claude-code",
      tool: "claude-code",
      folder: ".claude/agents",
      ending: ".md",
      dialect: markdownAgent({ spelling: CLAUDE_SPELLING, hasName: true, hasVersion: true }),
    },
    skills: { view: "claude-code", tool: "claude-code", folder: ".claude/skills" },
    instructions: { view: "claude-code", tool: "claude-code", path: "CLAUDE.md" },
    rules: {
      view: "claude-code",
      tool: "claude-code",
      folder: ".claude/rules",
      ending: ".md",
      dialect: CLAUDE_RULE,
    },
    servers: {
      view: "claude-code",
      tool: "claude-code",
      paths: [".mcp.json"],
      format: "json",
      member: "mcpServers",
      names: null,
      dialect: commonServer(CLAUDE_SPELLING, { hasFolder: false, local: "stdio" }),
    },
  },
  {
    view: "codex",
    title: "Codex",
    isTool: true,
    tool: "codex",
    marks: [".codex"],
    agents: {
      view: "codex",
      tool: "codex",
      folder: ".codex/agents",
      ending: ".toml",
      dialect: codexAgent(NO_REFERENCES),
    },
    skills: SHARED_SKILLS,
    instructions: AGENTS_MD,
    rules: null,
    servers: {
      view: "codex",
      tool: "codex",
      paths: [".codex/config.toml"],
      format: "toml",
      member: "mcp_servers",
      names: /^[A-Za-z0-9_-]+$/,
      dialect: codexServer,
    },
  },
  {
    view: "cursor",
    title: "Cursor",
    isTool: true,
    tool: "cursor",
    marks: [".cursor", ".cursorrules"],
    agents: {
      view: "cursor",
      tool: "cursor",
      folder: ".cursor/agents",
      ending: ".md",
      dialect: markdownAgent({ spelling: CURSOR_SPELLING, hasName: true, hasVersion: true }),
    },
    skills: { view: "cursor", tool: "cursor", folder: ".cursor/skills" },
    instructions: AGENTS_MD,
    rules: {
      view: "cursor",
      tool: "cursor",
      folder: ".cursor/rules",
      ending: ".mdc",
      dialect: CURSOR_RULE,
    },
    servers: {
      view: "cursor",
      tool: "cursor",
      paths: [".cursor/mcp.json"],
      format: "jsonc",
      member: "mcpServers",
      names: null,
      dialect: commonServer(CURSOR_SPELLING, { hasFolder: false, local: null }),
    },
  },
  {
    view: "copilot",
    title: "VS Code with Copilot",
    isTool: true,
    tool: "copilot",
    marks: [
      ".vscode/mcp.json",
      ".github/copilot-instructions.md",
      ".github/instructions",
      ".github/agents",
      ".github/skills",
    ],
    agents: COPILOT_AGENTS,
    skills: COPILOT_SKILLS,
    instructions: COPILOT_INSTRUCTIONS,
    rules: COPILOT_RULES,
    servers: {
      view: "copilot",
      tool: "copilot",
      paths: [".vscode/mcp.json"],
      format: "jsonc",
      member: "servers",
      names: null,
      dialect: commonServer(VSCODE_SPELLING, { hasFolder: true, local: "stdio" }),
    },
  },
  {
    view: "copilot-cli",
    title: "Copilot CLI",
    isTool: true,
    tool: "copilot",
    marks: [".github/mcp.json", ".github/copilot"],
    agents: COPILOT_AGENTS,
    skills: COPILOT_SKILLS,
    instructions: COPILOT_INSTRUCTIONS,
    rules: COPILOT_RULES,
    servers: {
      view: "copilot-cli",
      tool: "copilot",
      paths: [".github/mcp.json"],
      format: "jsonc",
      member: "mcpServers",
      names: null,
      // Said as the tool itself says it; its documents call for the list.
      dialect: commonServer(SHELL_SPELLING, {
        hasFolder: false,
        local: "stdio",
        initial: { tools: ["*"] },
      }),
    },
  },
  {
    view: "gemini-cli",
    title: "Gemini CLI",
    isTool: true,
    tool: "gemini-cli",
    marks: [".gemini", "GEMINI.md"],
    agents: SHARED_AGENTS,
    skills: SHARED_SKILLS,
    instructions: { view: "gemini-cli", tool: "gemini-cli", path: "GEMINI.md" },
    rules: null,
    servers: {
      view: "gemini-cli",
      tool: "gemini-cli",
      paths: [".gemini/settings.json"],
      format: "jsonc",
      member: "mcpServers",
      names: null,
      dialect: geminiServer(SHELL_SPELLING),
    },
  },
  {
    view: "opencode",
    title: "OpenCode",
    isTool: true,
    tool: "opencode",
    marks: [".opencode", "opencode.json", "opencode.jsonc"],
    agents: {
      view: "opencode",
      tool: "opencode",
      folder: ".opencode/agents",
      ending: ".md",
      // The file's name is the agent's, and unknown fields go to the model.
      dialect: markdownAgent({ spelling: OPENCODE_SPELLING, hasName: false, hasVersion: false }),
    },
    skills: { view: "opencode", tool: "opencode", folder: ".opencode/skills" },
    instructions: AGENTS_MD,
    rules: null,
    servers: {
      view: "opencode",
      tool: "opencode",
      paths: ["opencode.json", "opencode.jsonc"],
      format: "jsonc",
      member: "mcp",
      names: null,
      dialect: opencodeServer(OPENCODE_SPELLING),
    },
  },
  ...COMMON_LAYOUTS,
];

export function layoutOf(view: ViewName): ToolLayout | null {
  return TOOL_LAYOUTS.find((layout) => layout.view === view) ?? null;
}

/** Files with a project's instructions, of whichever tool, by their names in bodies of rules. */
export const INSTRUCTION_FILES: ReadonlyMap<string, string> = new Map(
  TOOL_LAYOUTS.flatMap(({ instructions }): [string, string][] => {
    const path = instructions?.path ?? AGENTS_MD.path;
    return [[path.slice(path.lastIndexOf("/") + 1), path]];
  }),
);
