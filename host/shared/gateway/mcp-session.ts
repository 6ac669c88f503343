/**
 * One MCP session with a server, whatever revision it speaks. Callers see one type; the revision decides only how
 * the session opens and what every request carries.
 *
 * 2025-11-25 and earlier open with `initialize` and a notification. 2026-07-28 has no session: every request
 * carries its protocol version and client in `_meta`, and `server/discover` tells what the server can do. The older
 * opening is tried first, because servers of both revisions answer it and a modern-only one refuses it by name
 * (error -32022 with the versions it speaks), while an old server may hang on a method it has never heard of.
 */
import { Failure } from "../ports/failure.ts";
import { RpcError, type JsonRpcClient, type RequestOptions } from "./json-rpc.ts";
import { memberBytes, parseJson, scanObject, splice } from "./raw-json.ts";

export const LEGACY_REVISION = "2025-11-25";
export const MODERN_REVISION = "2026-07-28";
export type McpRevision = typeof LEGACY_REVISION | typeof MODERN_REVISION;

/** JSON-RPC errors that mean "I do not speak this revision" or "I know no initialize". */
const UNSUPPORTED_VERSION = -32022;
const METHOD_NOT_FOUND = -32601;

/** Earlier revisions that differ from 2025-11-25 in nothing that this client uses. */
const COMPATIBLE: ReadonlySet<string> = new Set([
  LEGACY_REVISION,
  "2025-06-18",
  "2025-03-26",
  "2024-11-05",
]);

export interface ServerTool {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly inputSchema: Readonly<Record<string, unknown>>;
  readonly outputSchema: Readonly<Record<string, unknown>> | null;
  readonly annotations: Readonly<Record<string, unknown>>;
}

export interface McpSession {
  readonly revision: McpRevision;
  readonly serverName: string;
  readonly serverVersion: string;
  listTools(options: RequestOptions): Promise<readonly ServerTool[]>;
  /** Calls a tool with the bytes of its arguments; resolves with the bytes of the result. */
  callTool(name: string, args: Uint8Array, options: RequestOptions): Promise<Uint8Array>;
}

const CLIENT = { name: "rtt", version: "0.1.0" };

/** Tools a server may offer, over all pages; more is a server gone wrong. */
const TOOLS_MAX = 1000;

/** Opens a session; fails with `tool-protocol` when no revision is shared. */
export async function openMcpSession(
  rpc: JsonRpcClient,
  options: RequestOptions,
): Promise<McpSession> {
  try {
    return await openLegacy(rpc, options);
  } catch (thrown) {
    if (!(thrown instanceof RpcError)) throw thrown;
    if (thrown.code !== UNSUPPORTED_VERSION && thrown.code !== METHOD_NOT_FOUND) {
      throw protocolFailure(`the server refused to initialize: ${thrown.message}`);
    }
    return openModern(rpc, options);
  }
}

async function openLegacy(rpc: JsonRpcClient, options: RequestOptions): Promise<McpSession> {
  const params = { protocolVersion: LEGACY_REVISION, capabilities: {}, clientInfo: CLIENT };
  const answer = await rpc.request("initialize", splice(JSON.stringify(params)), options);
  const result = record(parseJson(answer));
  const version = text(result["protocolVersion"]);
  if (!COMPATIBLE.has(version)) {
    throw protocolFailure(`the server speaks MCP ${version || "without a version"}`);
  }
  await rpc.notify("notifications/initialized", null);
  return session(rpc, LEGACY_REVISION, record(result["serverInfo"]), "");
}

async function openModern(rpc: JsonRpcClient, options: RequestOptions): Promise<McpSession> {
  const meta = JSON.stringify({
    "io.modelcontextprotocol/protocolVersion": MODERN_REVISION,
    "io.modelcontextprotocol/clientInfo": CLIENT,
    "io.modelcontextprotocol/clientCapabilities": {},
  });
  const answer = await rpc.request("server/discover", splice(`{"_meta":${meta}}`), options);
  const result = record(parseJson(answer));
  const versions = Array.isArray(result["supportedVersions"]) ? result["supportedVersions"] : [];
  if (!versions.includes(MODERN_REVISION)) {
    throw protocolFailure(`the server speaks none of ${LEGACY_REVISION} and ${MODERN_REVISION}`);
  }
  const info = record(record(result["_meta"])["io.modelcontextprotocol/serverInfo"]);
  return session(rpc, MODERN_REVISION, info, meta);
}

function session(
  rpc: JsonRpcClient,
  revision: McpRevision,
  info: Readonly<Record<string, unknown>>,
  meta: string,
): McpSession {
  const tail = meta === "" ? "" : `,"_meta":${meta}`;
  return {
    revision,
    serverName: text(info["name"]) || "unnamed",
    serverVersion: text(info["version"]) || "0.0.0",
    listTools: (options) => listTools(rpc, meta, options),
    callTool: async (name, args, options) => {
      const params = splice(`{"name":${JSON.stringify(name)},"arguments":`, args, tail, "}");
      const result = await rpc.request("tools/call", params, options);
      // 2026-07-28 lets a server ask back instead of answering; a relayed call has nobody to ask.
      const kind = memberBytes(result, scanObject(result), "resultType");
      if (kind !== null && parseJson(kind) !== "complete") {
        throw protocolFailure("the server asks for more input, which a relayed call cannot give");
      }
      return result;
    },
  };
}

async function listTools(
  rpc: JsonRpcClient,
  meta: string,
  options: RequestOptions,
): Promise<readonly ServerTool[]> {
  const tools: ServerTool[] = [];
  let cursor: unknown = undefined;
  do {
    const page = typeof cursor === "string" ? `"cursor":${JSON.stringify(cursor)}` : "";
    const members = [page, meta === "" ? "" : `"_meta":${meta}`].filter((part) => part !== "");
    const answer = await rpc.request("tools/list", splice(`{${members.join(",")}}`), options);
    const result = record(parseJson(answer));
    for (const tool of Array.isArray(result["tools"]) ? result["tools"] : []) {
      tools.push(serverTool(record(tool)));
    }
    cursor = result["nextCursor"];
    if (tools.length > TOOLS_MAX) throw protocolFailure(`the server lists over ${TOOLS_MAX} tools`);
  } while (typeof cursor === "string");
  return tools;
}

function serverTool(tool: Readonly<Record<string, unknown>>): ServerTool {
  const name = text(tool["name"]);
  if (name === "" || name.length > 128) throw protocolFailure("a tool has no usable name");
  const output = tool["outputSchema"];
  return {
    name,
    title: text(tool["title"]),
    description: text(tool["description"]).slice(0, 8192),
    inputSchema: record(tool["inputSchema"]),
    outputSchema: output === undefined || output === null ? null : record(output),
    annotations: record(tool["annotations"]),
  };
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return value !== null && typeof value === "object" && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {};
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function protocolFailure(message: string): Failure {
  return new Failure("tool-protocol", message, {
    origin: "peer",
    remedy: "Use a server that speaks MCP 2025-11-25 or 2026-07-28 over stdio.",
  });
}
