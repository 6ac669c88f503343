/**
 * An MCP server somewhere else, over streamable HTTP, in the place of a child process: what is written to it is
 * posted, what it answers is its output. So it is supervised, probed and called like any other; the official client
 * does what HTTP needs. It is parsed on the way, so numbers that JavaScript cannot hold are rounded.
 */
import { SdkHttpError, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { Failure } from "../../shared/ports/failure.ts";
import type { ChildProcess, Processes, ProcessExit } from "../../shared/ports/processes.ts";
import { fromUtf8, utf8 } from "../../shared/trust/bytes.ts";

/** The longest answer to one request. */
const ANSWER_BYTES_MAX = 32 * 1024 * 1024;
/** Statuses after which the session is gone, or never was. */
const SESSION_LOST = new Set([401, 403, 404]);

type Message = Parameters<StreamableHTTPClientTransport["send"]>[0];
interface Parts {
  readonly id?: number;
  readonly method?: string;
  readonly params?: { readonly requestId?: number };
  readonly result?: { readonly protocolVersion?: unknown };
}

/** Starts nothing: connects to the server at `url` each time it is asked to start one. */
export function remoteProcesses(url: string, headers: Readonly<Record<string, string>>): Processes {
  return {
    spawn: async ({ onOutput, onErrorOutput }) => {
      const connection = new RemoteConnection(url, headers, onOutput, onErrorOutput);
      await connection.open();
      return connection;
    },
  };
}

class RemoteConnection implements ChildProcess {
  /** No process of this machine. */
  readonly pid = 0;
  readonly exited: Promise<ProcessExit>;
  readonly #url: string;
  readonly #transport: StreamableHTTPClientTransport;
  readonly #onErrorOutput: (bytes: Uint8Array) => void;
  /** Requests that are under way, so that one that is given up ends. */
  readonly #requests = new Map<number, AbortController>();
  #end: (exit: ProcessExit) => void = () => {};

  constructor(
    url: string,
    headers: Readonly<Record<string, string>>,
    onOutput: (bytes: Uint8Array) => void,
    onErrorOutput: (bytes: Uint8Array) => void,
  ) {
    this.#url = url;
    this.#onErrorOutput = onErrorOutput;
    this.exited = new Promise((resolve) => (this.#end = resolve));
    this.#transport = new StreamableHTTPClientTransport(new URL(url), {
      requestInit: { headers: { ...headers } },
      fetch: fetchBounded,
    });
    Object.assign(this.#transport, {
      onmessage: (message: Parts) => {
        // The header of every later request names the revision that the server has chosen.
        const version = message.result?.protocolVersion;
        if (typeof version === "string") this.#transport.setProtocolVersion(version);
        onOutput(utf8(`${JSON.stringify(message)}\n`));
      },
      onclose: () => this.#end({ code: 0, signal: null }),
    });
  }

  open(): Promise<void> {
    return this.#transport.start();
  }

  async write(bytes: Uint8Array): Promise<void> {
    const message = JSON.parse(fromUtf8(bytes) ?? "null") as Message & Parts;
    const { id, method, params } = message;
    if (method === "notifications/cancelled" && params?.requestId !== undefined) {
      this.#requests.get(params.requestId)?.abort();
    }
    const stop = new AbortController();
    if (id !== undefined) this.#requests.set(id, stop);
    try {
      await this.#transport.send(message, { requestSignal: stop.signal });
    } catch (thrown) {
      if (!stop.signal.aborted) throw this.#broken(thrown);
    } finally {
      if (id !== undefined) this.#requests.delete(id);
    }
  }

  closeInput(): void {
    this.kill();
  }

  kill(): void {
    // A server that hears nothing forgets the session by itself.
    void this.#transport
      .terminateSession()
      .catch(() => {})
      .then(() => this.#transport.close());
    this.#end({ code: null, signal: "closed" });
  }

  /** What a request failed of. One that the server refused leaves the session as it is; anything else ends it. */
  #broken(thrown: unknown): Failure {
    const status = thrown instanceof SdkHttpError ? thrown.status : undefined;
    const cause = thrown instanceof Error ? (thrown.cause ?? thrown) : thrown;
    const why = status === undefined ? textOf(cause) : `HTTP status ${status}`;
    const isRefused = status !== undefined && status < 500 && !SESSION_LOST.has(status);
    const { host } = new URL(this.#url);
    if (!isRefused) {
      this.#onErrorOutput(utf8(`${why}\n`));
      // After the request has failed with its own reason.
      setTimeout(() => this.#end({ code: 1, signal: null }), 0);
    }
    return new Failure("tool-failed", `${host} did not take a request (${why.slice(0, 200)})`, {
      origin: "peer",
      context: { host, status: status ?? 0 },
      remedy:
        "See that the address is right, the server runs, and the variables of its headers are set.",
      cause: thrown,
    });
  }
}

function textOf(cause: unknown): string {
  const { code, message } = cause as { readonly code?: unknown; readonly message?: unknown };
  // The system's own codes say more than "fetch failed".
  if (typeof code === "string" && /^E[A-Z]+$/.test(code)) return code;
  return typeof message === "string" ? message : "no reason";
}

/** `fetch`, but an answer that goes on for ever ends with an error. A stream of events has no end by its nature. */
const fetchBounded: typeof fetch = async (input, init) => {
  const response = await fetch(input, init);
  if (init?.method !== "POST" || response.body === null) return response;
  let size = 0;
  const bounded = new TransformStream<Uint8Array, Uint8Array>({
    transform: (chunk, controller) => {
      size += chunk.length;
      if (size > ANSWER_BYTES_MAX) controller.error(new Error("the answer is too long"));
      else controller.enqueue(chunk);
    },
  });
  const { status, statusText, headers } = response;
  return new Response(response.body.pipeThrough(bounded), { status, statusText, headers });
};
