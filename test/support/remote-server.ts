/** An MCP server over streamable HTTP, by the official library, that wants a token and misbehaves on demand. */
import { createAdaptorServer } from "@hono/node-server";
import { createMcpHandler, Server } from "@modelcontextprotocol/server";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";

export const REMOTE_TOKEN = "remote-secret-token";

export interface RemoteServer {
  readonly url: string;
  /** What was called, in order. */
  readonly calls: string[];
  /** Answers every further request like this instead. */
  fault: (() => Response | Promise<Response>) | null;
  stop(): Promise<void>;
}

const ECHO = {
  name: "echo",
  description: "Returns its text, from far away.",
  inputSchema: { type: "object" as const, properties: { text: { type: "string" } } },
};

export async function remoteServer(): Promise<RemoteServer> {
  const calls: string[] = [];
  const handler = createMcpHandler(() => {
    const server = new Server(
      { name: "remote", version: "3.1.0" },
      { capabilities: { tools: {} } },
    );
    server.setRequestHandler("tools/list", () => ({ tools: [ECHO] }));
    server.setRequestHandler("tools/call", async ({ params }) => {
      const given = params.arguments?.["text"];
      const text = typeof given === "string" ? given : "";
      calls.push(text);
      if (text === "slow") await new Promise((resolve) => setTimeout(resolve, 400));
      return { content: [{ type: "text", text }] };
    });
    return server;
  });
  const remote: RemoteServer = {
    url: "",
    calls,
    fault: null,
    stop: async () => {
      server.close();
      if ("closeAllConnections" in server) server.closeAllConnections();
      await handler.close();
    },
  };
  const server = createAdaptorServer({
    fetch: async (request) => {
      if (remote.fault !== null) return remote.fault();
      const isKnown = request.headers.get("authorization") === `Bearer ${REMOTE_TOKEN}`;
      return isKnown ? handler.fetch(request) : new Response("who are you?", { status: 401 });
    },
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => remote.stop());
  return Object.assign(remote, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
  });
}
