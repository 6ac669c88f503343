/** MCP servers as entries of tools' lists. Each tool has its names for the same parts. */
import { isJsonObject, type Json, type JsonObject } from "../../../trust/canonical-json.ts";
import { present } from "../../discovery/formats/fields.ts";
import { type LossSink, type ReferenceSpelling, spelled, spelledMembers } from "./references.ts";

/** What every tool understands of a server, as its body has it, and what the tool itself wrote. */
export interface ServerParts {
  readonly common: JsonObject;
  readonly native: JsonObject;
}

/** An entry, or why the tool cannot have one. */
export type WrittenServer =
  | { readonly entry: JsonObject }
  | { readonly refused: string; readonly reason: "no-reference" | "not-expressible" };

export interface ServerDialect {
  readonly write: (server: ServerParts, lose: LossSink) => WrittenServer;
}

/** The parts of a server, spelled for one tool. */
interface SpelledServer {
  readonly transport: string;
  readonly command: string | null;
  readonly args: readonly string[];
  readonly env: JsonObject;
  readonly cwd: string | null;
  readonly url: string | null;
  readonly headers: JsonObject;
}

type EntryOf = (server: SpelledServer, lose: LossSink) => JsonObject;

/** Names that stand in the file around an entry, or are said by the common parts. */
const NOT_OWN = ["name"];

/** What cannot be left out of a server without making another one of it. */
function isNeeded(field: string): boolean {
  return /^(?:command|args|url|cwd)\b/.test(field);
}

/** The name that the tool itself has for the server; null when it is that of its address. */
export function spelledName({ name }: JsonObject): string | null {
  return typeof name === "string" && name !== "" ? name : null;
}

export function problemOfServer({ common }: ServerParts): string | null {
  const hasCommand = common["command"] !== undefined;
  if (hasCommand === (common["url"] !== undefined)) return "It needs one of command and url";
  return null;
}

/** Everything but `names`, in the tool's spelling. */
export function ownMembers(
  { native }: ServerParts,
  names: readonly string[],
  spelling: ReferenceSpelling,
  lose: LossSink,
): JsonObject {
  const entries = Object.entries(native).filter(([name]) => !names.includes(name));
  return spelledMembers(Object.fromEntries(entries), spelling, "native", lose);
}

/** The dialect of a tool whose entries are JSON and whose references can stand anywhere. */
function jsonServer(
  spelling: ReferenceSpelling,
  entryOf: EntryOf,
  initial: JsonObject = {},
): ServerDialect {
  return {
    write(server, lose) {
      const problem = problemOfServer(server);
      if (problem !== null) return { refused: problem, reason: "not-expressible" };
      const spell = spellServer(server.common, spelling, lose);
      if (spell.missing !== null) return cannotRefer(spell.missing);
      const own = ownMembers(server, NOT_OWN, spelling, lose);
      return { entry: { ...initial, ...own, ...entryOf(spell.server, lose) } };
    },
  };
}

export function cannotRefer(field: string): WrittenServer {
  const refused = `The tool cannot refer to a secret in "${field}", and no secret is written out`;
  return { refused, reason: "no-reference" };
}

/** Spells the parts; `missing` names a part that cannot be spelled and without which there is no server. */
export function spellServer(
  common: JsonObject,
  spelling: ReferenceSpelling,
  lose: LossSink,
): { readonly server: SpelledServer; readonly missing: string | null } {
  let missing: string | null = null;
  const spell = (value: Json | undefined, field: string): string | null => {
    if (value === undefined) return null;
    return spelled(value, spelling, field, (part, reason) => {
      if (isNeeded(part) && (reason === "no-reference" || reason === "no-such-field"))
        missing ??= part;
      else lose(part, reason);
    });
  };
  const { args = [], env, headers } = common;
  const server: SpelledServer = {
    transport: typeof common["transport"] === "string" ? common["transport"] : "",
    command: spell(common["command"], "command"),
    args: (Array.isArray(args) ? (args as readonly Json[]) : []).map(
      (item, at) => spell(item, `args[${at}]`) ?? "",
    ),
    env: spellMap(env, "env", spell),
    cwd: spell(common["cwd"], "cwd"),
    url: spell(common["url"], "url"),
    headers: spellMap(headers, "headers", spell),
  };
  return { server, missing };
}

function spellMap(
  values: Json | undefined,
  field: string,
  spell: (value: Json, field: string) => string | null,
): JsonObject {
  const entries = Object.entries(isJsonObject(values) ? values : {});
  return Object.fromEntries(
    entries.flatMap(([name, value]): [string, Json][] => {
      const text = spell(value, `${field}.${name}`);
      return text === null ? [] : [[name, text]];
    }),
  );
}

/** An object, or null when it is empty, so that `present` leaves it out. */
function some(members: JsonObject): JsonObject | null {
  return Object.keys(members).length === 0 ? null : members;
}

/** A member that the tool has not. */
function without(value: Json, field: string, lose: LossSink): void {
  if (value !== null) lose(field, "no-such-field");
}

/** `mcpServers` of `.mcp.json` and most others; the kind of an address is said by "type". */
export function commonServer(
  spelling: ReferenceSpelling,
  { hasFolder, local, initial, kind = "type" }: CommonOptions,
): ServerDialect {
  const entryOf: EntryOf = ({ transport, command, args, env, cwd, url, headers }, lose) => {
    if (command === null) {
      const type = transport === "sse" ? "sse" : "http";
      return present({ [kind]: type, url, headers: some(headers) });
    }
    if (!hasFolder) without(cwd, "cwd", lose);
    return present({
      [kind]: local,
      command,
      args: [...args],
      env: some(env),
      cwd: hasFolder ? cwd : null,
    });
  };
  return jsonServer(spelling, entryOf, initial);
}

export interface CommonOptions {
  /** Whether a program may have a folder of its own to run in. */
  readonly hasFolder: boolean;
  /** The "type" of a program; null: the tool has none. */
  readonly local: string | null;
  /** The member that says whether it is a program or an address, and of which kind. */
  readonly kind?: "type" | "transport";
  /** What stands in an entry where the tool's own fields say nothing else. */
  readonly initial?: JsonObject;
}

/** Gemini CLI says by the name of the address what it is. */
export function geminiServer(spelling: ReferenceSpelling): ServerDialect {
  return jsonServer(spelling, ({ transport, command, args, env, cwd, url, headers }) => {
    if (command !== null) return present({ command, args: [...args], env: some(env), cwd });
    const isSse = transport === "sse";
    return present({ [isSse ? "url" : "httpUrl"]: url, headers: some(headers) });
  });
}

/** OpenCode finds out itself how a server at an address speaks. */
export function opencodeServer(spelling: ReferenceSpelling): ServerDialect {
  return jsonServer(spelling, ({ transport, command, args, env, cwd, url, headers }, lose) => {
    if (command !== null) {
      return present({
        type: "local",
        command: [command, ...args],
        environment: some(env),
        cwd,
      });
    }
    if ((transport === "sse") !== (url ?? "").endsWith("/sse")) lose("transport", "no-such-field");
    return present({ type: "remote", url, headers: some(headers) });
  });
}
