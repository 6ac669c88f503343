/**
 * Calls over one MXP connection: the transport's side of the lane port.
 *
 * A call is one lazy bidirectional stream of messages: Call one way, then any number of StreamChunk and one last
 * Response, or one Error, the other way. A call that is given up resets and stops its stream, which frees both sides
 * within one round trip. A call whose connection dies ends `outcome-unknown`: the peer may have done the work.
 */
import { BAND, type MessageHeader } from "../engine/contract.ts";
import type { Clock } from "../ports/clock.ts";
import { Failure } from "../ports/failure.ts";
import type {
  CallHandler,
  CallOptions,
  CallRecord,
  IncomingCall,
  Lane,
  LanePeer,
} from "../ports/lane.ts";
import type { Random } from "../ports/random.ts";
import { decodeFailure, encodeFailure } from "./call-error.ts";
import { decodeCall, encodeCall } from "./call-record.ts";
import type { Connection } from "./connection.ts";
import { failureOf } from "./engine-failure.ts";
import { IdPool } from "./id-pool.ts";
import { MESSAGE_FLAG, MESSAGE_TYPE, type MessageStream } from "./message-stream.ts";

/** The protocol name of call streams (docs/protocol.md, "Calls"). */
export const CALL_PROTOCOL = "mxp.call/1";

/** Codes with which a connection dies under a call. */
const CONNECTION_ENDS: ReadonlySet<string> = new Set([
  "connection-closed",
  "connection-lost",
  "idle-timeout",
  "internal",
]);

/** Tells a handler's helpers to stop. One for all calls: an error costs a walk of the stack. */
const CALL_IS_OVER = failureOf("cancelled", "the call is over", "local");

export interface LanePorts {
  readonly clock: Clock;
  readonly random: Random;
}

export class ConnectionLane implements Lane {
  readonly peer: LanePeer;
  readonly closed: Promise<Failure | null>;
  readonly #connection: Connection;
  readonly #ports: LanePorts;
  readonly #agents: ReadonlyMap<string, CallHandler>;

  constructor(
    connection: Connection,
    peer: LanePeer,
    ports: LanePorts,
    agents: ReadonlyMap<string, CallHandler>,
  ) {
    this.peer = peer;
    this.closed = connection.closed;
    this.#connection = connection;
    this.#ports = ports;
    this.#agents = agents;
    connection.onMessageStream = (stream, protocol) => void this.#serve(stream, protocol);
  }

  get rttUs(): number {
    return this.#connection.stats.smoothedRttUs;
  }

  async *call(
    agent: string,
    record: CallRecord,
    payload: Uint8Array,
    options: CallOptions = {},
  ): AsyncIterable<Uint8Array> {
    const message = encodeCall(agent, record, payload);
    if (options.signal?.aborted === true) throw givenUp();
    const kind = { protocol: CALL_PROTOCOL, band: BAND.critical };
    const stream = await this.#connection.openMessages(kind);
    const giveUp = this.#watch(stream, record.timeoutMs, options.signal);
    try {
      await stream.send(this.#header(MESSAGE_TYPE.call, MESSAGE_FLAG.final), message, true);
      for await (const { header, payload: part } of stream) {
        if (header.type === MESSAGE_TYPE.error) throw decodeFailure(part);
        yield part;
        if (header.type === MESSAGE_TYPE.response) return;
      }
      throw failureOf("protocol-violation", "the answer ended without a response", "peer");
    } catch (thrown) {
      throw giveUp.reason() ?? ofCall(thrown);
    } finally {
      giveUp.stop();
      // Leaving early, by an error or because the caller stopped iterating, frees both sides.
      if (!stream.isReadOver) stream.stop("cancelled");
    }
  }

  async close(reason: string): Promise<void> {
    this.#connection.close(reason);
    await this.closed;
  }

  /** Cancels the stream when the deadline passes or the caller gives up, and remembers why. */
  #watch(
    stream: MessageStream,
    timeoutMs: number,
    signal: AbortSignal | undefined,
  ): { stop(): void; reason(): Failure | null } {
    let reason: Failure | null = null;
    const onAbort = (): void => {
      reason ??= givenUp();
      stream.cancel("cancelled");
    };
    const cancelTimer = this.#ports.clock.at(this.#ports.clock.nowUs() + timeoutMs * 1000, () => {
      reason ??= failureOf("deadline-exceeded", `no answer within ${timeoutMs} ms`, "local");
      stream.cancel("deadline-exceeded");
    });
    signal?.addEventListener("abort", onAbort, { once: true });
    return {
      stop() {
        cancelTimer();
        signal?.removeEventListener("abort", onAbort);
      },
      reason: () => reason,
    };
  }

  async #serve(stream: MessageStream, protocol: string): Promise<void> {
    const abort = new AbortController();
    let cancelTimer: () => void = () => undefined;
    try {
      if (protocol !== CALL_PROTOCOL) {
        throw failureOf("unsupported", `streams of protocol ${protocol} are not served`, "peer");
      }
      const request = await stream.receive();
      if (request === null || request.header.type !== MESSAGE_TYPE.call) {
        throw failureOf("protocol-violation", "a call stream begins with a Call message", "peer");
      }
      const { agent, record, payload } = decodeCall(request.payload);
      const handler = this.#agents.get(agent);
      if (handler === undefined) {
        throw failureOf("agent-unknown", `no agent is called ${JSON.stringify(agent)}`, "local");
      }
      cancelTimer = this.#ports.clock.at(this.#ports.clock.nowUs() + record.timeoutMs * 1000, () =>
        abort.abort(failureOf("deadline-exceeded", "the caller's deadline passed", "peer")),
      );
      void abortWhenGivenUp(stream, abort);
      const call: IncomingCall = { peer: this.peer, agent, record, payload, signal: abort.signal };
      await this.#answer(stream, handler, call, request.header.messageId, request.header.traceId);
    } catch (thrown) {
      await this.#refuse(stream, Failure.from(thrown));
    } finally {
      cancelTimer();
      abort.abort(CALL_IS_OVER);
    }
  }

  /** Sends each payload of the answer; the last one is the Response. */
  async #answer(
    stream: MessageStream,
    handler: CallHandler,
    call: IncomingCall,
    messageId: bigint,
    traceId: bigint,
  ): Promise<void> {
    let held: Uint8Array | null = null;
    for await (const part of handler(call)) {
      if (held !== null) {
        const header = { type: MESSAGE_TYPE.streamChunk, flags: 0, messageId, traceId };
        await stream.send(header, held, false);
      }
      held = part;
    }
    const header = { type: MESSAGE_TYPE.response, flags: MESSAGE_FLAG.final, messageId, traceId };
    await stream.send(header, held ?? new Uint8Array(0), true);
  }

  /** Answers with the failure; when even that cannot be sent, the stream is reset with its code. */
  async #refuse(stream: MessageStream, failure: Failure): Promise<void> {
    try {
      const header = this.#header(MESSAGE_TYPE.error, MESSAGE_FLAG.final);
      await stream.send(header, encodeFailure(failure), true);
      if (!stream.isReadOver) stream.stop(failure.code);
    } catch {
      stream.cancel(failure.code);
    }
  }

  /** A header with fresh ids. */
  #header(type: number, flags: number): MessageHeader {
    const { buffer, byteOffset } = IdPool.of(this.#ports.random).take(16);
    const ids = new DataView(buffer, byteOffset, 16);
    return {
      type,
      flags,
      messageId: ids.getBigUint64(0, true),
      traceId: ids.getBigUint64(8, true),
    };
  }
}

/** The caller sends nothing after its Call, so whatever ends the stream early is a cancellation. */
async function abortWhenGivenUp(stream: MessageStream, abort: AbortController): Promise<void> {
  try {
    await stream.drain();
  } catch (thrown) {
    abort.abort(Failure.from(thrown));
  }
}

/** A call that was in flight when its connection died may have been done. */
function ofCall(thrown: unknown): Failure {
  const failure = Failure.from(thrown);
  if (!CONNECTION_ENDS.has(failure.code)) return failure;
  return new Failure("outcome-unknown", "the connection died while the call was in flight", {
    origin: "peer",
    remedy: "Look at the peer's receipts before repeating a call that is not idempotent.",
    cause: failure,
  });
}

function givenUp(): Failure {
  return failureOf("cancelled", "the caller gave the call up", "local");
}
