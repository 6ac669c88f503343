/**
 * Tools that read what most do: AGENTS.md, skills, agents in Markdown, and servers under `mcpServers`.
 *
 * Where it is not known how a tool refers to a variable of the environment, it is taken to have no way: a secret is
 * left out rather than written as plain text.
 */
import type { Tool } from "../discovery/found.ts";
import { markdownAgent } from "./dialects/agent.ts";
import { NO_REFERENCES, SHELL_SPELLING } from "./dialects/references.ts";
import { commonServer, geminiServer } from "./dialects/server.ts";
import type { ServerPlace, ToolLayout } from "./layout.ts";
import type { ConfigFormat, ViewName } from "./model.ts";
import { AGENTS_MD, SHARED_AGENTS, SHARED_SKILLS, SHARED_VIEW } from "./shared-places.ts";

interface Parts {
  readonly marks: readonly string[];
  readonly skills?: string;
  /** A folder of agents in Markdown. */
  readonly agents?: string;
  /** ".md" where nothing else is said. */
  readonly agentEnding?: string;
  readonly servers?: Pick<ServerPlace, "paths" | "dialect"> & { readonly format?: ConfigFormat };
}

/** A tool that reads AGENTS.md, and of the rest what its parts name: agents in Markdown, servers as most have them. */
function commonTool(view: Tool | "zed", title: string, parts: Parts): ToolLayout {
  const tool = view === "zed" ? null : view;
  const { marks, skills, agents, agentEnding: ending = ".md", servers } = parts;
  return {
    view,
    title,
    isTool: true,
    tool,
    marks,
    agents:
      agents === undefined
        ? null
        : {
            view,
            tool,
            folder: agents,
            ending,
            dialect: markdownAgent({ spelling: NO_REFERENCES, hasName: true, hasVersion: false }),
          },
    skills: skills === undefined ? SHARED_SKILLS : { view, tool, folder: skills },
    instructions: AGENTS_MD,
    rules: null,
    servers:
      servers === undefined
        ? null
        : { view, tool, format: "json", member: "mcpServers", names: null, ...servers },
  };
}

/** Folders of several tools, which nobody has for itself. */
function sharedPlaces(
  view: ViewName,
  mark: string,
  places: Partial<Pick<ToolLayout, "agents" | "skills" | "instructions">>,
): ToolLayout {
  return {
    view,
    title: `Tools that read ${mark}`,
    isTool: false,
    tool: "shared",
    marks: [mark],
    agents: null,
    skills: null,
    instructions: null,
    rules: null,
    servers: null,
    ...places,
  };
}

export const COMMON_LAYOUTS: readonly ToolLayout[] = [
  sharedPlaces(SHARED_VIEW, ".agents/skills", { skills: SHARED_SKILLS, instructions: AGENTS_MD }),
  sharedPlaces("shared-agents", ".agents/agents", { agents: SHARED_AGENTS }),
  commonTool("cline", "Cline", {
    marks: [".cline", ".clinerules"],
    agents: ".cline/agents",
    agentEnding: ".yaml",
    skills: ".cline/skills",
  }),
  commonTool("devin", "Devin", { marks: [".devin"], skills: ".devin/skills" }),
  commonTool("factory", "Factory", {
    marks: [".factory"],
    agents: ".factory/droids",
    skills: ".factory/skills",
    servers: {
      paths: [".factory/mcp.json"],
      dialect: commonServer(NO_REFERENCES, { hasFolder: false, local: "stdio" }),
    },
  }),
  commonTool("goose", "Goose", { marks: [".goose", ".goosehints"], agents: ".goose/agents" }),
  commonTool("junie", "Junie", {
    marks: [".junie"],
    agents: ".junie/agents",
    skills: ".junie/skills",
    servers: {
      paths: [".junie/mcp/mcp.json"],
      dialect: commonServer(NO_REFERENCES, { hasFolder: false, local: null }),
    },
  }),
  commonTool("kimi-code", "Kimi Code", {
    marks: [".kimi-code"],
    agents: ".kimi-code/agents",
    skills: ".kimi-code/skills",
    servers: {
      paths: [".kimi-code/mcp.json"],
      dialect: commonServer(NO_REFERENCES, { hasFolder: true, local: "stdio", kind: "transport" }),
    },
  }),
  commonTool("kiro", "Kiro", {
    marks: [".kiro"],
    agents: ".kiro/agents",
    skills: ".kiro/skills",
    servers: {
      paths: [".kiro/settings/mcp.json"],
      dialect: commonServer(SHELL_SPELLING, { hasFolder: false, local: null }),
    },
  }),
  commonTool("qwen", "Qwen Code", {
    marks: [".qwen"],
    agents: ".qwen/agents",
    skills: ".qwen/skills",
    servers: {
      paths: [".qwen/settings.json"],
      format: "jsonc",
      dialect: geminiServer(SHELL_SPELLING),
    },
  }),
  commonTool("zed", "Zed", { marks: [".zed", ".rules"] }),
];
