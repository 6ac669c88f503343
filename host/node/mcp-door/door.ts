/**
 * `rtt mcp`: an MCP server over stdio that offers every permitted tool of every paired node, through the running node
 * of this state folder. Both current revisions are served from the same handlers; the library tells them apart.
 */
import type { Readable, Writable } from "node:stream";
import { CLIENT_INFO_META_KEY, Server, type ServerContext } from "@modelcontextprotocol/server";
import { serveStdio, StdioServerTransport } from "@modelcontextprotocol/server/stdio";
import type { CallToolResult, Tool } from "@modelcontextprotocol/server";
import { fromWire } from "../../shared/gateway/frames.ts";
import { memberBytes, parseJson, scanObject, splice } from "../../shared/gateway/raw-json.ts";
import type { Logger } from "../../shared/telemetry/logger.ts";
import { askNode, askNodeJson } from "../control.ts";
import type { NodeStatus, ShownTool } from "../node-face.ts";
import { ArgumentTap } from "./argument-tap.ts";
import { failedResult, protocolErrorOf, toProtocolError } from "./mcp-errors.ts";

const INFO = { name: "rtt", title: "Tools of paired nodes", version: "0.1.0" };
const INSTRUCTIONS =
  "Each tool runs on one of the user's own machines; its name begins with the machine's. " +
  "A denied call names the rule that denied it. Every result names its receipt in _meta.";

/** How often the node is asked whether its tools have changed. */
const LOOK_MS = 2000;

export interface DoorOptions {
  /** Path of `control.json`. */
  readonly control: string;
  readonly log: Logger;
  readonly input: Readable;
  readonly output: Writable;
}

/** Serves until the client closes its end. */
export async function serveMcpDoor(options: DoorOptions): Promise<void> {
  const tap = new ArgumentTap(options.input);
  const transport = new StdioServerTransport(tap.output, options.output);
  const instances: Server[] = [];
  const handle = serveStdio(
    () => {
      const server = createDoor(options, tap);
      instances.push(server);
      return server;
    },
    { transport, onerror: (error) => options.log.debug("mcp.error", { message: error.message }) },
  );
  const stopLooking = watchTools(options, instances);
  await new Promise<void>((resolve) => {
    options.input.once("end", resolve);
    options.input.once("close", resolve);
  });
  stopLooking();
  await handle.close();
}

function createDoor(options: DoorOptions, tap: ArgumentTap): Server {
  const capabilities = { tools: { listChanged: true } };
  const server = new Server(INFO, { capabilities, instructions: INSTRUCTIONS });
  server.setRequestHandler("tools/list", async (_, context) => {
    const tools = await listTools(options, clientOf(server, context));
    return { tools: tools.map(showTool) };
  });
  server.setRequestHandler("tools/call", async ({ params }, context) => {
    const raw = tap.take(context.mcpReq.id);
    const args = raw ?? splice(JSON.stringify(params.arguments ?? {}));
    try {
      return await callTool(options, clientOf(server, context), params.name, args, context);
    } catch (thrown) {
      throw toProtocolError(thrown);
    }
  });
  return server;
}

/** The principal that policies see: "mcp:" and the name by which the client introduced itself. */
function clientOf(server: Server, context: ServerContext): string {
  // The newer revision names the client in each request, the older one when the session opens.
  const envelope: Readonly<Record<string, unknown>> = { ...context.mcpReq.envelope };
  const info = envelope[CLIENT_INFO_META_KEY] as { readonly name?: unknown } | undefined;
  const given = typeof info?.name === "string" ? info.name : undefined;
  const name = given ?? server.getClientVersion()?.name ?? "unknown";
  return `mcp:${name.replace(/[^A-Za-z0-9._-]/g, "-").slice(0, 64)}`;
}

async function listTools(options: DoorOptions, client: string): Promise<readonly ShownTool[]> {
  const path = `/v1/tools?client=${encodeURIComponent(client)}`;
  try {
    return (
      await askNodeJson<{ tools: readonly ShownTool[] }>(options.control, { method: "GET", path })
    ).tools;
  } catch (thrown) {
    throw toProtocolError(thrown);
  }
}

/** A tool as MCP has it. Only a contract's result schema is promised: a relayed result may have been cut. */
function showTool({ name, device, tool }: ShownTool): Tool {
  const where = `${device.name}${device.isOnline ? "" : ", offline now"}`;
  const description = `${tool.description} (on ${where})`.trim();
  const { $id: _, ...inputSchema } = tool.argsSchema;
  const { $id: __, ...outputSchema } = tool.resultSchema ?? {};
  return {
    name,
    ...(tool.title === "" ? {} : { title: `${tool.title} (${device.name})` }),
    description,
    inputSchema: inputSchema as Tool["inputSchema"],
    ...(tool.isBound ? { outputSchema } : {}),
    annotations: tool.annotations,
  };
}

/** What a client may ask for beside the arguments, in `_meta`; policy can only lower it. */
function wishesOf(context: ServerContext): Readonly<Record<string, unknown>> {
  const meta: Readonly<Record<string, unknown>> = { ...context.mcpReq._meta };
  const wishes = {
    traceparent: meta["traceparent"],
    timeoutMs: meta["rtt/timeoutMs"],
    maxBytes: meta["rtt/maxBytes"],
    depth: meta["rtt/depth"],
  };
  return Object.fromEntries(Object.entries(wishes).filter(([, wish]) => wish !== undefined));
}

async function callTool(
  options: DoorOptions,
  client: string,
  name: string,
  args: Uint8Array,
  context: ServerContext,
): Promise<CallToolResult> {
  const head = JSON.stringify({ name, client, ...wishesOf(context) });
  const answer = await askNode(options.control, {
    method: "POST",
    path: "/v1/calls",
    body: splice(head.slice(0, -1), `,"arguments":`, args, "}"),
    signal: context.mcpReq.signal,
  });
  const members = scanObject(answer);
  const value = (member: string): unknown => parseJson(memberBytes(answer, members, member)!);
  const meta = {
    "rtt/receipt": value("receipt"),
    "rtt/correlationId": value("correlationId"),
    "rtt/decision": value("decision"),
    "rtt/elapsedUs": value("elapsedUs"),
    "rtt/attempts": value("attempts"),
  };
  if (value("ok") !== true) {
    const failure = fromWire(value("failure"));
    const error = protocolErrorOf(failure);
    if (error !== null) throw error;
    return failedResult(failure, meta);
  }
  return resultOf(value("result"), value("text"), meta);
}

/** A tool's own result as it is, or a contract's result as text and structure. */
function resultOf(
  result: unknown,
  textMember: unknown,
  meta: Readonly<Record<string, unknown>>,
): CallToolResult {
  const value = result as Record<string, unknown>;
  if (typeof textMember !== "string") {
    const own = value as CallToolResult;
    return { ...own, _meta: { ...own._meta, ...meta } };
  }
  return {
    content: [{ type: "text", text: String(value[textMember]) }],
    structuredContent: value,
    _meta: { ...meta },
  };
}

/** Tells the client when the tools of the node have changed: a device came, went, or offers others. */
function watchTools(options: DoorOptions, instances: readonly Server[]): () => void {
  let known: string | null = null;
  const look = async (): Promise<void> => {
    const seen = await sightOf(options);
    if (seen === null || seen === known) return;
    const isFirst = known === null;
    known = seen;
    if (isFirst) return;
    for (const server of instances) {
      await server.sendToolListChanged().catch(() => {
        // A probe instance of the library has no connection to tell anything to.
      });
    }
  };
  const timer = setInterval(() => void look(), LOOK_MS);
  timer.unref();
  void look();
  return () => clearInterval(timer);
}

/** What the list of tools depends on, as one text; null while no node answers. */
async function sightOf(options: DoorOptions): Promise<string | null> {
  try {
    const request = { method: "GET", path: "/v1/status" } as const;
    const { devices, policies } = await askNodeJson<NodeStatus>(options.control, request);
    const seen = devices.map(({ id, name, isOnline, tools }) => [id, name, isOnline, tools]);
    return JSON.stringify([seen, policies]);
  } catch {
    return null;
  }
}
