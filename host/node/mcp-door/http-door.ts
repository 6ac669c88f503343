/**
 * `/mcp` on the local HTTP door: the tools of the node over MCP's streamable HTTP, for clients that start no program.
 * Both current revisions, behind the same guard as every other path: this machine, our name, the token.
 *
 * A client of 2026-07-28 names itself in every request and has no session. One of 2025-11-25 opens a session, in which
 * the door remembers by which name; a session that is not used makes room for others.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { randomUUID } from "node:crypto";
import {
  createMcpHandler,
  isInitializeRequest,
  isLegacyRequest,
  type Server,
  WebStandardStreamableHTTPServerTransport,
} from "@modelcontextprotocol/server";
import { fromUtf8 } from "../../shared/trust/bytes.ts";
import { callAnswer, readCall } from "../http/call-body.ts";
import type { NodeFace } from "../node-face.ts";
import { callBody, type DoorNode, sightOf } from "./door-node.ts";
import { createDoorServer } from "./door-server.ts";
import { keyOfId, rawArguments } from "./raw-arguments.ts";
import { Selection } from "./selection.ts";
import { watchSight } from "./watch-sight.ts";

/** Sessions that are kept at once; the one that was used longest ago makes room. */
const SESSIONS_MAX = 128;
const PATTERNS_MAX = 64;
const SESSION_HEADER = "mcp-session-id";

interface Session {
  readonly transport: WebStandardStreamableHTTPServerTransport;
  readonly server: Server;
}

/** What one request brought along. */
interface Exchange {
  readonly selection: Selection;
  readonly takeArguments: (id: string | number) => Uint8Array | null;
}

export class HttpMcpDoor {
  readonly #node: DoorNode;
  readonly #sessions = new Map<string, Session>();
  readonly #exchange = new AsyncLocalStorage<Exchange>();
  readonly #modern = createMcpHandler(() => this.#createServer(), { legacy: "reject" });
  readonly #stopLooking: () => void;

  constructor(face: NodeFace) {
    this.#node = nodeOf(face);
    this.#stopLooking = watchSight(this.#node, async () => {
      this.#modern.notify.toolsChanged();
      for (const { server } of this.#sessions.values()) {
        await server.sendToolListChanged().catch(() => {
          // A client that does not listen asks again by itself.
        });
      }
    });
  }

  /** Serves one request, whose body was read already. */
  async serve(request: Request, body: Uint8Array<ArrayBuffer>): Promise<Response> {
    const only = new URL(request.url).searchParams.getAll("only").slice(0, PATTERNS_MAX);
    const raw = rawArguments(body);
    const exchange: Exchange = {
      selection: new Selection(only),
      takeArguments: (id) => (raw?.key === keyOfId(id) ? raw.args : null),
    };
    return this.#exchange.run(exchange, () => this.#route(withBody(request, body), body));
  }

  async close(): Promise<void> {
    this.#stopLooking();
    await this.#modern.close();
    await Promise.all([...this.#sessions.values()].map(({ server }) => server.close()));
    this.#sessions.clear();
  }

  async #route(request: Request, body: Uint8Array): Promise<Response> {
    if (!(await isLegacyRequest(request))) return this.#modern.fetch(request);
    const id = request.headers.get(SESSION_HEADER);
    const session = id === null ? undefined : this.#sessions.get(id);
    if (id !== null && session !== undefined) {
      // The last one used is the last of the map.
      this.#sessions.delete(id);
      this.#sessions.set(id, session);
      return session.transport.handleRequest(request);
    }
    if (id !== null) return refusal(404, -32001, "There is no such session");
    if (!isOpening(body)) return refusal(400, -32000, "A session begins with initialize");
    return (await this.#openSession()).handleRequest(request);
  }

  async #openSession(): Promise<WebStandardStreamableHTTPServerTransport> {
    const server = this.#createServer();
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: () => randomUUID(),
      onsessioninitialized: (id) => {
        this.#sessions.set(id, { transport, server });
        const [oldest] = this.#sessions;
        if (this.#sessions.size <= SESSIONS_MAX || oldest === undefined) return;
        this.#sessions.delete(oldest[0]);
        void oldest[1].server.close();
      },
      onsessionclosed: (id) => void this.#sessions.delete(id),
    });
    await server.connect(transport);
    return transport;
  }

  #createServer(): Server {
    // The choice of tools is part of the address, so each request brings its own.
    const exchange = (): Exchange | undefined => this.#exchange.getStore();
    const everything = new Selection([]);
    return createDoorServer({
      node: this.#node,
      selection: () => exchange()?.selection ?? everything,
      takeArguments: (id) => exchange()?.takeArguments(id) ?? null,
    });
  }
}

/** The node that this process is. */
function nodeOf(face: NodeFace): DoorNode {
  return {
    tools: async (client) => face.tools(client),
    call: async (head, args, signal) => {
      const request = readCall(callBody(head, args));
      return callAnswer(await face.call({ ...request, signal }));
    },
    sight: async () => sightOf(await face.status()),
  };
}

function withBody(request: Request, body: Uint8Array<ArrayBuffer>): Request {
  if (request.method !== "POST") return request;
  const { url, method, headers, signal } = request;
  return new Request(url, { method, headers, signal, body });
}

function isOpening(body: Uint8Array): boolean {
  try {
    return isInitializeRequest(JSON.parse(fromUtf8(body) ?? "null"));
  } catch {
    return false;
  }
}

function refusal(status: number, code: number, message: string): Response {
  return Response.json({ jsonrpc: "2.0", id: null, error: { code, message } }, { status });
}
