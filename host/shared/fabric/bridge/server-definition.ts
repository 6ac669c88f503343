/**
 * How an MCP server of the registry is started or reached. Its object holds no secret: where one belongs it names a
 * variable, which is looked up here, at the last moment, and goes to nobody but the server.
 *
 *   { "ref": "env:GITHUB_TOKEN" }              { "template": "Bearer ${env:TOKEN}" }        "${env:HOST:-localhost}"
 */
import { Failure } from "../../ports/failure.ts";
import { isJsonObject, type Json } from "../../trust/canonical-json.ts";

/** A server that is started here, or one somewhere else. Every text is ready for use. */
export type ServerDefinition =
  | {
      readonly kind: "stdio";
      readonly command: string;
      readonly args: readonly string[];
      readonly environment: Readonly<Record<string, string>>;
      /** Null: the project's root. */
      readonly folder: string | null;
    }
  | {
      readonly kind: "http";
      readonly url: string;
      readonly headers: Readonly<Record<string, string>>;
    };

/** Looks a variable up; undefined when it is not set. */
export type Lookup = (name: string) => string | undefined;

/** Reads the body of an object of kind "mcp-server". Fails with `config-invalid` or `unsupported`. */
export function readServer(name: string, body: Json, lookup: Lookup): ServerDefinition {
  const server = isJsonObject(body) && body["type"] === "mcp-server" ? body["server"] : undefined;
  if (!isJsonObject(server)) throw invalid(name, "its object is no server");
  const text = (value: Json | undefined, field: string): string => {
    const spoken = isJsonObject(value) ? (value["template"] ?? referenceOf(value["ref"])) : value;
    if (typeof spoken !== "string") throw invalid(name, `"${field}" is no text`);
    return expand(name, spoken, lookup);
  };
  const texts = (field: string): Record<string, string> => {
    const members = server[field] ?? {};
    if (!isJsonObject(members)) throw invalid(name, `"${field}" is no object`);
    return Object.fromEntries(
      Object.entries(members).map(([key, value]) => [key, text(value, `${field}.${key}`)]),
    );
  };
  const { command, url, args = [], cwd, transport } = server;
  if (command !== undefined && url === undefined) {
    if (!Array.isArray(args)) throw invalid(name, `"args" is no list`);
    return {
      kind: "stdio",
      command: text(command, "command"),
      args: args.map((arg: Json, at) => text(arg, `args[${at}]`)),
      environment: texts("env"),
      folder: cwd === undefined ? null : text(cwd, "cwd"),
    };
  }
  if (url === undefined || command !== undefined) {
    throw invalid(name, "it must have one of command and url");
  }
  if (transport === "sse") throw eventStream(name);
  const address = text(url, "url");
  if (!/^https?:\/\/[^\s]+$/i.test(address)) throw invalid(name, "its address is not of HTTP");
  return { kind: "http", url: address, headers: texts("headers") };
}

function referenceOf(ref: Json | undefined): Json | undefined {
  return typeof ref === "string" ? `\${${ref}}` : undefined;
}

/** `${env:NAME}` and `${env:NAME:-otherwise}`. What asks a person ("input:…") cannot be answered here. */
function expand(server: string, text: string, lookup: Lookup): string {
  return text.replace(
    /\$\{(env|input):([\w-]+)(?::-([^}]*))?\}/g,
    (_, source: string, variable: string, otherwise: string | undefined) => {
      const value = source === "env" ? (lookup(variable) ?? otherwise) : otherwise;
      if (value !== undefined) return value;
      throw new Failure(
        "config-invalid",
        `the server "${server}" needs ${variable}, which is not set`,
        {
          origin: "local",
          context: { server, variable },
          remedy: `Set ${variable} in the environment of rtt.`,
        },
      );
    },
  );
}

function invalid(server: string, problem: string): Failure {
  return new Failure("config-invalid", `the server "${server}" cannot be started: ${problem}`, {
    origin: "local",
    context: { server },
    remedy: "Correct its entry and run `rtt scan`.",
  });
}

function eventStream(server: string): Failure {
  return new Failure("unsupported", `the server "${server}" speaks over an event stream (SSE)`, {
    origin: "local",
    context: { server },
    remedy: "Use its streamable HTTP address; MCP has given up the other.",
  });
}
