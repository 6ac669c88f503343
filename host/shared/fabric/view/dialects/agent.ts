/** Agents as tools' files: `.md` with front matter for most, `.toml` for Codex. */
import type { Json, JsonObject } from "../../../trust/canonical-json.ts";
import { VERSION_INITIAL } from "../../discovery/source-file.ts";
import { type LossSink, type ReferenceSpelling, spelledMembers } from "./references.ts";
import { tomlLines, tomlMembers } from "./toml-writer.ts";
import { yamlMembers } from "./yaml-writer.ts";

/** What every tool understands of an agent, and what the tool itself wrote. */
export interface AgentParts {
  /** The name in its address. */
  readonly name: string;
  readonly description: string;
  readonly instructions: string;
  readonly version: string;
  readonly native: JsonObject;
}

/** A file's text, or why the tool would not take one. */
export type Written = { readonly text: string } | { readonly refused: string };

export interface AgentDialect {
  readonly write: (agent: AgentParts, lose: LossSink) => Written;
}

export interface MarkdownOptions {
  readonly spelling: ReferenceSpelling;
  /** Whether the tool reads the name from the front matter; else it is the file's. */
  readonly hasName: boolean;
  /** Whether the tool passes over a version; else it would take it for a setting. */
  readonly hasVersion: boolean;
}

/** Instructions as readers give them back. */
export function plainInstructions(text: string): string {
  return text.replaceAll("\r\n", "\n").trim();
}

/** What is wrong with an agent for every tool, or null. */
function problemOf({ description, instructions }: AgentParts): string | null {
  if (description.trim() === "") return "It has no description, by which tools choose agents";
  return instructions.includes("\0") ? "Its instructions are no text" : null;
}

/** The tool's own fields without those that are written from the common ones. */
function ownFields(
  { native }: AgentParts,
  spelling: ReferenceSpelling,
  common: readonly string[],
  lose: LossSink,
): JsonObject {
  const entries = Object.entries(native).filter(([name]) => !common.includes(name));
  return spelledMembers(Object.fromEntries(entries), spelling, "native", lose);
}

export function markdownAgent(options: MarkdownOptions): AgentDialect {
  return {
    write(agent, lose) {
      const refused = problemOf(agent);
      if (refused !== null) return { refused };
      const own = ownFields(agent, options.spelling, ["name", "description", "version"], lose);
      const title = titleOf(agent);
      const isVersioned = agent.version !== VERSION_INITIAL;
      if (isVersioned && !options.hasVersion) lose("version", "no-such-field");
      const members: JsonObject = {
        ...(options.hasName || title !== agent.name ? { name: title } : {}),
        description: agent.description,
        ...(isVersioned && options.hasVersion ? { version: agent.version } : {}),
        ...own,
      };
      const text = plainInstructions(agent.instructions);
      const tail = text === "" ? "" : `\n${text}\n`;
      return { text: `---\n${yamlMembers(members)}\n---\n${tail}` };
    },
  };
}

/** The agent's name as its tool has it; another tool calls it by its name in the address. */
function titleOf({ name, native }: AgentParts): string {
  const own: Json | undefined = native["name"];
  return typeof own === "string" && own !== "" ? own : name;
}

export const CODEX_FIELDS = ["name", "description", "developer_instructions", "version"] as const;

export function codexAgent(spelling: ReferenceSpelling): AgentDialect {
  return {
    write(agent, lose) {
      const refused = problemOf(agent);
      if (refused !== null) return { refused };
      const instructions = plainInstructions(agent.instructions);
      if (instructions === "")
        return { refused: "It has no instructions, without which Codex takes none" };
      // Codex refuses files with fields that it does not know.
      if (agent.version !== VERSION_INITIAL) lose("version", "no-such-field");
      const own = ownFields(agent, spelling, CODEX_FIELDS, lose);
      const head = tomlMembers({
        name: titleOf(agent),
        description: agent.description,
        ...withoutNulls(own, lose),
      });
      return { text: `${head}\ndeveloper_instructions = ${tomlLines(instructions)}\n` };
    },
  };
}

/** TOML has no null. */
function withoutNulls(members: JsonObject, lose: LossSink): JsonObject {
  const entries = Object.entries(members).filter(([name, value]) => {
    const isSaid = !holdsNull(value);
    if (!isSaid) lose(`native.${name}`, "no-such-field");
    return isSaid;
  });
  return Object.fromEntries(entries);
}

function holdsNull(value: Json): boolean {
  if (value === null) return true;
  return typeof value === "object" && Object.values(value as object).some(holdsNull);
}
