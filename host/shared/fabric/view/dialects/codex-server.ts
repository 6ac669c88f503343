/**
 * MCP servers of Codex. Values of its file are what they are, so references are only where a field names variables:
 *
 *   env TOKEN = ${env:TOKEN}                → env_vars = ["TOKEN"], under the same name only
 *   header Authorization = Bearer ${env:X}  → bearer_token_env_var = "X"
 *   header X-Key = ${env:X}                 → env_http_headers = { X-Key = "X" }
 */
import { isJsonObject, type Json, type JsonObject } from "../../../trust/canonical-json.ts";
import { present } from "../../discovery/formats/fields.ts";
import { bodyText, type LossSink, NO_REFERENCES } from "./references.ts";
import {
  cannotRefer,
  ownMembers,
  problemOfServer,
  type ServerDialect,
  spellServer,
} from "./server.ts";

const VARIABLE = /^\$\{env:(\w+)\}$/;
const BEARER = /^Bearer \$\{env:(\w+)\}$/;

export const codexServer: ServerDialect = {
  write(server, lose) {
    const { common } = server;
    const problem = problemOfServer(server);
    if (problem !== null) return { refused: problem, reason: "not-expressible" };
    if (common["transport"] === "sse") {
      return { refused: "Codex does not speak server-sent events", reason: "not-expressible" };
    }
    const { env, headers, ...rest } = common;
    const { server: spelled, missing } = spellServer(rest, NO_REFERENCES, lose);
    if (missing !== null) return cannotRefer(missing);
    const { command, args, cwd, url } = spelled;
    const own = ownMembers(server, ["name"], NO_REFERENCES, lose);
    const entry =
      command === null
        ? present({ url, ...headerFields(membersOf(headers), lose) })
        : present({ command, args: [...args], cwd, ...variableFields(membersOf(env), lose) });
    return { entry: { ...own, ...entry } };
  },
};

function membersOf(value: Json | undefined): [string, Json][] {
  return Object.entries(isJsonObject(value) ? value : {});
}

/** Null for no members, so that `present` leaves the field out. */
function some(entries: readonly (readonly [string, string])[]): JsonObject | null {
  return entries.length === 0 ? null : Object.fromEntries(entries);
}

function variableFields(variables: readonly [string, Json][], lose: LossSink): JsonObject {
  const plain: [string, string][] = [];
  const named: string[] = [];
  for (const [name, value] of variables) {
    const text = bodyText(value);
    if (typeof value === "string") plain.push([name, value]);
    else if (text !== null && VARIABLE.exec(text)?.[1] === name) named.push(name);
    else lose(`env.${name}`, "no-reference");
  }
  return { env: some(plain), env_vars: named.sort() };
}

function headerFields(headers: readonly [string, Json][], lose: LossSink): JsonObject {
  const plain: [string, string][] = [];
  const named: [string, string][] = [];
  let bearer: string | null = null;
  for (const [name, value] of headers) {
    const text = bodyText(value) ?? "";
    const variable = VARIABLE.exec(text)?.[1];
    const token = name === "Authorization" ? BEARER.exec(text)?.[1] : undefined;
    if (typeof value === "string") plain.push([name, value]);
    else if (token !== undefined) bearer = token;
    else if (variable !== undefined) named.push([name, variable]);
    else lose(`headers.${name}`, "no-reference");
  }
  return {
    http_headers: some(plain),
    env_http_headers: some(named),
    bearer_token_env_var: bearer,
  };
}
