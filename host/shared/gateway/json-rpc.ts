/**
 * A JSON-RPC 2.0 client over lines of bytes: what a supervised MCP server is spoken to with.
 *
 * Parameters go out and results come back as the bytes they are; nothing relayed is parsed and written again.
 * Whatever the server sends is bounded: an overlong line or a stream of unasked messages is `tool-flooded`, a line
 * that is no JSON-RPC message is `tool-protocol`, and both end the server, because nothing after it can be trusted.
 */
import type { Clock } from "../ports/clock.ts";
import { Failure } from "../ports/failure.ts";
import { LineReader } from "./line-reader.ts";
import { memberBytes, parseJson, scanObject, splice, type Span } from "./raw-json.ts";

export interface RpcLimits {
  /** The longest message. A larger answer must be asked for in parts. */
  readonly lineBytesMax: number;
  /** Notifications and requests of the server between two answers. */
  readonly unaskedMessagesMax: number;
  /** Lines that are no message, tolerated until the first answer: some launchers print a banner. */
  readonly bannerLinesMax: number;
}

export const DEFAULT_RPC_LIMITS: RpcLimits = {
  lineBytesMax: 32 * 1024 * 1024,
  unaskedMessagesMax: 2000,
  bannerLinesMax: 16,
};

export interface RpcOptions {
  readonly clock: Clock;
  readonly limits: RpcLimits;
  /** Writes one line to the server. */
  readonly write: (line: Uint8Array) => Promise<void>;
  /** The server broke the protocol; the owner ends it. */
  readonly onBroken: (failure: Failure) => void;
  readonly onNotification: (method: string, params: Uint8Array | null) => void;
}

export interface RequestOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/** The server answered with a JSON-RPC error: it works, but says no. */
export class RpcError extends Error {
  override readonly name = "RpcError";
  readonly code: number;
  /** The whole error object, as received. */
  readonly raw: Uint8Array;

  constructor(code: number, message: string, raw: Uint8Array) {
    super(message);
    this.code = code;
    this.raw = raw;
  }
}

interface Pending {
  readonly resolve: (result: Uint8Array) => void;
  readonly reject: (reason: Error) => void;
}

type Members = ReadonlyMap<string, Span>;

export class JsonRpcClient {
  readonly #options: RpcOptions;
  readonly #reader: LineReader;
  readonly #pending = new Map<number, Pending>();
  /** Requests that nobody waits for any more; their late answers are dropped in silence. */
  readonly #retired = new Set<number>();
  #nextId = 1;
  #answers = 0;
  #unasked = 0;
  #banner = 0;
  #broken: Failure | null = null;

  constructor(options: RpcOptions) {
    this.#options = options;
    this.#reader = new LineReader(options.limits.lineBytesMax, (line) => this.#handleLine(line));
  }

  get inFlight(): number {
    return this.#pending.size;
  }

  /** Takes output of the server. */
  push(bytes: Uint8Array): void {
    if (this.#broken !== null) return;
    if (!this.#reader.push(bytes)) {
      this.#break("tool-flooded", "the server sent a message that is too long", {
        lineBytesMax: this.#options.limits.lineBytesMax,
      });
    }
  }

  /** Sends a request and resolves with the bytes of its result. */
  async request(
    method: string,
    params: Uint8Array | null,
    options: RequestOptions,
  ): Promise<Uint8Array> {
    if (this.#broken !== null) throw this.#broken;
    throwIfAborted(options.signal);
    const id = this.#nextId++;
    const answer = this.#await(id, options);
    const head = `{"jsonrpc":"2.0","id":${id},"method":${JSON.stringify(method)}`;
    const line = params === null ? splice(head, "}\n") : splice(head, `,"params":`, params, "}\n");
    // Not waited for: a server that takes no more input must not outlast the time limit.
    this.#options.write(line).catch((thrown: unknown) => {
      this.#pending.get(id)?.reject(Failure.from(thrown));
    });
    return answer;
  }

  async notify(method: string, params: Uint8Array | null): Promise<void> {
    const head = `{"jsonrpc":"2.0","method":${JSON.stringify(method)}`;
    await this.#options.write(
      params === null ? splice(head, "}\n") : splice(head, `,"params":`, params, "}\n"),
    );
  }

  /** Ends every request with `failure`; no request is taken afterwards. */
  fail(failure: Failure): void {
    this.#broken ??= failure;
    for (const pending of this.#pending.values()) pending.reject(failure);
  }

  #await(id: number, options: RequestOptions): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      const { clock } = this.#options;
      const settle = (): void => {
        this.#pending.delete(id);
        stopTimer();
        options.signal?.removeEventListener("abort", onAbort);
      };
      const abandon = (failure: Failure, reason: string): void => {
        settle();
        this.#retire(id);
        const params = splice(JSON.stringify({ requestId: id, reason }));
        // The server may be gone or deaf already; the caller has its answer either way.
        this.notify("notifications/cancelled", params).catch(() => {});
        reject(failure);
      };
      const onAbort = (): void => abandon(abortFailure(options.signal), "the caller gave up");
      const stopTimer = clock.at(clock.nowUs() + options.timeoutMs * 1000, () =>
        abandon(timeoutFailure(options.timeoutMs), "the time limit has passed"),
      );
      options.signal?.addEventListener("abort", onAbort, { once: true });
      this.#pending.set(id, {
        resolve: (result) => {
          settle();
          resolve(result);
        },
        reject: (reason) => {
          settle();
          reject(reason);
        },
      });
    });
  }

  #retire(id: number): void {
    this.#retired.add(id);
    // Ids grow, so the first of the set is the oldest.
    if (this.#retired.size > 1024) this.#retired.delete(this.#retired.values().next().value!);
  }

  #handleLine(line: Uint8Array): void {
    if (this.#broken !== null) return;
    let members: Members;
    try {
      members = scanObject(line);
    } catch {
      this.#handleNonsense();
      return;
    }
    const id = memberBytes(line, members, "id");
    const method = memberBytes(line, members, "method");
    if (method !== null) this.#handleUnasked(parseJson(method), id, line, members);
    else if (id === null) this.#handleNonsense();
    else this.#handleAnswer(parseJson(id), line, members);
  }

  #handleAnswer(id: unknown, line: Uint8Array, members: Members): void {
    if (typeof id === "number" && this.#retired.delete(id)) return;
    const pending = typeof id === "number" ? this.#pending.get(id) : undefined;
    const result = memberBytes(line, members, "result");
    const error = memberBytes(line, members, "error");
    if (pending === undefined || (result === null) === (error === null)) {
      this.#break("tool-protocol", "the server answered a question that nobody asked", {});
      return;
    }
    this.#answers += 1;
    this.#unasked = 0;
    if (result !== null) {
      pending.resolve(result);
      return;
    }
    const value = parseJson(error!) as { code?: unknown; message?: unknown } | null;
    const code = typeof value?.code === "number" ? value.code : 0;
    const message = typeof value?.message === "string" ? value.message : "no message";
    pending.reject(new RpcError(code, message.slice(0, 2000), error!));
  }

  #handleUnasked(method: unknown, id: Uint8Array | null, line: Uint8Array, members: Members): void {
    this.#unasked += 1;
    if (this.#unasked > this.#options.limits.unaskedMessagesMax) {
      this.#break("tool-flooded", "the server sends messages that nobody asked for", {
        unaskedMessagesMax: this.#options.limits.unaskedMessagesMax,
      });
      return;
    }
    if (typeof method !== "string") {
      this.#handleNonsense();
      return;
    }
    if (id === null) {
      this.#options.onNotification(method, memberBytes(line, members, "params"));
      return;
    }
    const answer =
      method === "ping"
        ? `"result":{}`
        : `"error":{"code":-32601,"message":"this client offers no such method"}`;
    this.#options.write(splice(`{"jsonrpc":"2.0","id":`, id, ",", answer, "}\n")).catch(() => {});
  }

  #handleNonsense(): void {
    this.#banner += 1;
    if (this.#answers === 0 && this.#banner <= this.#options.limits.bannerLinesMax) return;
    this.#break("tool-protocol", "the server wrote a line that is no JSON-RPC message", {});
  }

  #break(
    code: "tool-flooded" | "tool-protocol",
    message: string,
    context: Record<string, number>,
  ): void {
    const failure = new Failure(code, message, {
      origin: "peer",
      context,
      remedy: "The server is started again. If this repeats, repair or replace the server.",
    });
    this.fail(failure);
    this.#options.onBroken(failure);
  }
}

/** A call's own limit is over. */
export function timeoutFailure(timeoutMs: number): Failure {
  return new Failure("tool-timeout", `the tool did not answer within ${timeoutMs} ms`, {
    origin: "peer",
    context: { timeoutMs },
    remedy: "Raise timeoutMs in the policy or the call, or ask for less at once.",
  });
}

/** Fails with the signal's reason, as a failure, when it is aborted already. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw abortFailure(signal);
}

/** A signal's own failure says more than "cancelled": a passed deadline or a dead lane. */
function abortFailure(signal: AbortSignal | undefined): Failure {
  if (signal?.reason instanceof Failure) return signal.reason;
  return new Failure("cancelled", "the caller cancelled the call", {
    origin: "local",
    remedy: "Call again if the result is still wanted.",
  });
}
