/** One MCP server over the tools of a node: the same handlers for every transport and for both current revisions. */
import { CLIENT_INFO_META_KEY, Server, type ServerContext } from "@modelcontextprotocol/server";
import type { CallToolResult, Tool } from "@modelcontextprotocol/server";
import { fromWire } from "../../shared/gateway/frames.ts";
import { memberBytes, parseJson, scanObject, splice } from "../../shared/gateway/raw-json.ts";
import { Failure } from "../../shared/ports/failure.ts";
import type { ShownTool } from "../node-face.ts";
import type { CallHead, DoorNode } from "./door-node.ts";
import { failedResult, protocolErrorOf, toProtocolError } from "./mcp-errors.ts";
import type { Selection } from "./selection.ts";

const INFO = { name: "rtt", title: "Tools of paired nodes", version: "0.1.0" };
const INSTRUCTIONS =
  "Each tool runs on one of the user's own machines; its name begins with the machine's. " +
  "A denied call names the rule that denied it. Every result names its receipt in _meta.";

export interface DoorServerOptions {
  readonly node: DoorNode;
  /** Which tools are shown to the request that is being answered. */
  readonly selection: () => Selection;
  /** The arguments of a request as the client wrote them, once; null when nobody has kept them. */
  readonly takeArguments: (id: string | number) => Uint8Array | null;
}

export function createDoorServer(options: DoorServerOptions): Server {
  const capabilities = { tools: { listChanged: true } };
  const server = new Server(INFO, { capabilities, instructions: INSTRUCTIONS });
  server.setRequestHandler("tools/list", async (_, context) => {
    try {
      const selection = options.selection();
      const tools = await options.node.tools(clientOf(server, context));
      return { tools: tools.filter((tool) => selection.includes(tool)).map(showTool) };
    } catch (thrown) {
      throw toProtocolError(thrown);
    }
  });
  server.setRequestHandler("tools/call", async ({ params }, context) => {
    const raw = options.takeArguments(context.mcpReq.id);
    const args = raw ?? splice(JSON.stringify(params.arguments ?? {}));
    const head = { name: params.name, client: clientOf(server, context), ...wishesOf(context) };
    try {
      return await callTool(options, head, args, context);
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
function wishesOf(context: ServerContext): Partial<CallHead> {
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
  { node, selection: selectionOf }: DoorServerOptions,
  head: CallHead,
  args: Uint8Array,
  context: ServerContext,
): Promise<CallToolResult> {
  const selection = selectionOf();
  // What a door does not show cannot be called through it, whatever the client's policy would permit.
  if (!selection.isAll) {
    const tools = await node.tools(head.client);
    const isChosen = tools.some((tool) => tool.name === head.name && selection.includes(tool));
    if (!isChosen) throw notChosen(head.name);
  }
  const answer = await node.call(head, args, context.mcpReq.signal);
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

function notChosen(name: string): Failure {
  return new Failure("tool-unknown", `this door has no tool "${name.slice(0, 128)}"`, {
    origin: "local",
    context: { tool: name.slice(0, 128) },
    remedy: "List its tools; whoever opened it has chosen which it shows.",
  });
}
