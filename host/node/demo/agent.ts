/**
 * The agent of the main job: the official MCP client, which knows nothing of this program, talking over stdio to
 * `rtt mcp`, as any agent would. Outside of tests, only this file and wiring/remote-server.ts
 * import `@modelcontextprotocol/client`.
 */
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import type { FailureContext } from "../../shared/ports/failure.ts";
import { rttCommand } from "./node-process.ts";
import { CLIENT_NAME } from "./world.ts";

/** What the agent waits for, and what it asks of the call: enough for a device to start anew on a slow machine. */
const CALL_MS = 60_000;
const ASKED_MS = 30_000;

/** What the agent is told in `_meta`, beside the result. */
export interface CallMeta {
  readonly "rtt/receipt": {
    readonly id: string;
    readonly path: string;
    readonly isCountersigned: boolean;
  } | null;
  readonly "rtt/correlationId": string;
  readonly "rtt/decision": {
    readonly host: MetaDecision | null;
    readonly device: MetaDecision | null;
  };
  readonly "rtt/elapsedUs": {
    readonly host: Readonly<Record<string, number>>;
    readonly device: Readonly<Record<string, number>> | null;
  };
  readonly "rtt/attempts": number;
  readonly "rtt/failure"?: {
    readonly code: string;
    readonly message: string;
    readonly context: FailureContext;
  };
}

export interface MetaDecision {
  readonly effect: "allow" | "deny";
  readonly rule: string | null;
  readonly reason: string;
  readonly policy: { readonly id: string; readonly version: number };
}

export interface AgentAnswer {
  readonly isError: boolean;
  readonly text: string;
  readonly meta: CallMeta;
  /** What the agent waited for, in microseconds. */
  readonly elapsedUs: number;
}

export class Agent {
  readonly #client: Client;

  private constructor(client: Client) {
    this.#client = client;
  }

  /** Starts `rtt mcp` for the node in `home` and opens a session with it. */
  static async start(home: string): Promise<Agent> {
    const [command, args] = rttCommand("mcp");
    const environment = Object.entries({ ...process.env, RTT_HOME: home }).filter(
      (entry): entry is [string, string] => entry[1] !== undefined,
    );
    const client = new Client(
      { name: CLIENT_NAME, version: "1.0.0" },
      { versionNegotiation: { mode: "auto" } },
    );
    await client.connect(
      new StdioClientTransport({ command, args: [...args], env: Object.fromEntries(environment) }),
    );
    return new Agent(client);
  }

  get revision(): string {
    return this.#client.getNegotiatedProtocolVersion() ?? "unknown";
  }

  async tools(): Promise<readonly string[]> {
    return (await this.#client.listTools()).tools.map(({ name }) => name);
  }

  async call(name: string, args: Readonly<Record<string, unknown>>): Promise<AgentAnswer> {
    const startedMs = performance.now();
    const params = { name, arguments: { ...args }, _meta: { "rtt/timeoutMs": ASKED_MS } };
    const result = await this.#client.callTool(params, { timeout: CALL_MS });
    const elapsedUs = Math.round((performance.now() - startedMs) * 1000);
    const [first] = result.content;
    return {
      isError: result.isError === true,
      text: first?.type === "text" ? first.text : "",
      meta: result._meta as unknown as CallMeta,
      elapsedUs,
    };
  }

  async close(): Promise<void> {
    await this.#client.close();
  }
}
