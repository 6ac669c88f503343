/**
 * Two linked lanes inside one process: `ports/lane.ts` without a network, for tests of what runs above it. Everything
 * that crosses is serialised and copied, calls have deadlines and can be cancelled, and the link can be cut.
 */
import type { Clock } from "../../host/shared/ports/clock.ts";
import { Failure } from "../../host/shared/ports/failure.ts";
import type {
  CallHandler,
  CallOptions,
  CallRecord,
  Lane,
  LanePeer,
} from "../../host/shared/ports/lane.ts";

export interface LaneSide {
  readonly id: string;
  readonly publicKey: Uint8Array;
  readonly handlers: ReadonlyMap<string, CallHandler>;
}

export interface LanePair {
  /** The lane as the left side holds it: it leads to the right side. */
  readonly left: Lane;
  readonly right: Lane;
  /** Cuts the link without a word, as a lost network does: calls in flight end with an unknown outcome. */
  cut(): void;
}

const MESSAGE_BYTES_MAX = 1024 * 1024;
let links = 0;

export function linkLanes(left: LaneSide, right: LaneSide, clock: Clock): LanePair {
  links += 1;
  const channelBinding = new Uint8Array(32).fill(links % 251);
  new DataView(channelBinding.buffer).setUint32(0, links);
  const link = new Link();
  const lane = (from: LaneSide, to: LaneSide): Lane => ({
    peer: peerOf(to, channelBinding),
    rttUs: 100,
    closed: link.closed,
    close: async () => link.end(null),
    call: (agent, record, payload, options) =>
      new MemoryCall({ link, clock, from: peerOf(from, channelBinding), to }).run(
        agent,
        record,
        payload,
        options,
      ),
  });
  return {
    left: lane(left, right),
    right: lane(right, left),
    cut: () => link.end(lost()),
  };
}

function peerOf(side: LaneSide, channelBinding: Uint8Array): LanePeer {
  return {
    id: side.id,
    publicKey: side.publicKey,
    trust: "pinned",
    carrier: "memory",
    handshake: "none",
    channelBinding,
    remote: `memory:${side.id}`,
  };
}

function lost(): Failure {
  return new Failure("connection-lost", "the link was cut", {
    origin: "host",
    remedy: "Reconnect.",
  });
}

class Link {
  readonly closed: Promise<Failure | null>;
  readonly #controller = new AbortController();
  #resolve: (failure: Failure | null) => void = () => {};

  constructor() {
    this.closed = new Promise((resolve) => (this.#resolve = resolve));
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  end(failure: Failure | null): void {
    this.#resolve(failure);
    this.#controller.abort(
      new Failure("outcome-unknown", "the lane died while the call was in flight", {
        origin: "host",
        remedy: "Ask the tool whether it has done the work before you call again.",
      }),
    );
  }
}

class MemoryCall {
  readonly #options: { link: Link; clock: Clock; from: LanePeer; to: LaneSide };

  constructor(options: { link: Link; clock: Clock; from: LanePeer; to: LaneSide }) {
    this.#options = options;
  }

  async *run(
    agent: string,
    record: CallRecord,
    payload: Uint8Array,
    options: CallOptions = {},
  ): AsyncGenerator<Uint8Array> {
    const { link, clock, from, to } = this.#options;
    if (link.signal.aborted) throw lost();
    if (payload.length > MESSAGE_BYTES_MAX) throw tooLarge(payload.length);
    const handler = to.handlers.get(agent);
    if (handler === undefined) throw unknownAgent(agent);
    const deadline = new AbortController();
    const stopTimer = clock.at(clock.nowUs() + record.timeoutMs * 1000, () =>
      deadline.abort(
        new Failure("deadline-exceeded", `no answer within ${record.timeoutMs} ms`, {
          origin: "peer",
          remedy: "Give the call more time.",
        }),
      ),
    );
    const signals = [deadline.signal, link.signal];
    if (options.signal !== undefined) signals.push(options.signal);
    const signal = AbortSignal.any(signals);
    const answers = handler({
      peer: from,
      agent,
      record: JSON.parse(JSON.stringify(record)) as CallRecord,
      payload: payload.slice(),
      signal,
    })[Symbol.asyncIterator]();
    try {
      for (;;) {
        const next = await untilAborted(answers.next(), signal);
        if (next.done === true) return;
        if (next.value.length > MESSAGE_BYTES_MAX) throw tooLarge(next.value.length);
        yield next.value.slice();
      }
    } finally {
      stopTimer();
      // The handler hears of the end by its signal; one that ignores it is left alone.
      deadline.abort(cancelled());
      void answers.return?.();
    }
  }
}

/** The value of `promise`, or the reason of the signal when that comes first. */
function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      const { reason } = signal;
      reject(reason instanceof Failure ? reason : cancelled());
    };
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    promise
      .then(resolve, reject)
      .finally(() => signal.removeEventListener("abort", abort))
      .catch(() => {});
  });
}

function cancelled(): Failure {
  return new Failure("cancelled", "the caller cancelled", { origin: "local", remedy: "None." });
}

function tooLarge(size: number): Failure {
  return new Failure("message-too-large", `${size} bytes do not fit one message`, {
    origin: "local",
    remedy: "Send it in pieces.",
  });
}

function unknownAgent(agent: string): Failure {
  return new Failure("agent-unknown", `nobody answers to "${agent}"`, {
    origin: "peer",
    remedy: "Use an agent that the peer offers.",
  });
}
