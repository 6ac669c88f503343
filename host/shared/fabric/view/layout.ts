/** What the layout of a tool is made of: one row for each place. */
import type { Tool } from "../discovery/found.ts";
import type { AgentDialect } from "./dialects/agent.ts";
import type { RuleDialect } from "./dialects/rule.ts";
import type { ServerDialect } from "./dialects/server.ts";
import type { ConfigFormat, ViewName } from "./model.ts";

interface Place {
  readonly view: ViewName;
  /** Whose `native` fields belong here; null: nobody's. */
  readonly tool: Tool | null;
}

export interface AgentPlace extends Place {
  readonly folder: string;
  readonly ending: string;
  readonly dialect: AgentDialect;
}

export interface SkillPlace extends Place {
  readonly folder: string;
}

/** The one file with instructions that always apply. */
export interface InstructionPlace extends Place {
  readonly path: string;
}

export interface RulePlace extends Place {
  readonly folder: string;
  readonly ending: string;
  readonly dialect: RuleDialect;
}

export interface ServerPlace extends Place {
  /** The first one that exists is used; the first one of all when none does. */
  readonly paths: readonly string[];
  readonly format: ConfigFormat;
  /** The member of the file that holds the servers. */
  readonly member: string;
  /** Names that a server may have there. */
  readonly names: RegExp | null;
  readonly dialect: ServerDialect;
}

export interface ToolLayout {
  readonly view: ViewName;
  /** As people call the tool. */
  readonly title: string;
  /** False: folders that several tools read; what has no place there is missing nowhere. */
  readonly isTool: boolean;
  /** Whose variant of a symbol is shown. */
  readonly tool: Tool | null;
  /** A project that has one of these uses the tool. */
  readonly marks: readonly string[];
  readonly agents: AgentPlace | null;
  readonly skills: SkillPlace | null;
  readonly instructions: InstructionPlace | null;
  readonly rules: RulePlace | null;
  readonly servers: ServerPlace | null;
}
