/**
 * The device's notes of the calls that it served, until both sides have signed for them.
 *
 * After an answer the host sends its signed statement; the device compares it with its own notes and signs only what
 * agrees. A call for which no host ever asks (it died, or will not say what it did) becomes a receipt of the device
 * alone, so that no call is without one.
 */
import type { Clock } from "../ports/clock.ts";
import { Failure } from "../ports/failure.ts";
import type { IncomingCall } from "../ports/lane.ts";
import { bundleJson, parseBundle, verifyBundle } from "../trust/bundle.ts";
import type { Json } from "../trust/canonical-json.ts";
import type { Identity } from "../trust/identity.ts";
import type { TrustPorts } from "../trust/ports.ts";
import type { DeviceFacts, ReceiptFacts } from "../trust/receipt/fields.ts";
import { deviceDifferences, receiptBytes, signReceipt } from "../trust/receipt/sign.ts";
import { composeReceipt } from "../trust/receipt/statement.ts";
import type { Logger } from "../telemetry/logger.ts";
import { encodeFrame, type Frame, readFields } from "./frames.ts";
import type { ReceiptBook } from "./receipt-book.ts";

/** How long the host may take to ask for a signature. */
const PATIENCE_MS = 30_000;

export interface CountersignOptions {
  readonly identity: Identity;
  readonly clock: Clock;
  readonly signatures: TrustPorts["signatures"];
  readonly book: ReceiptBook;
  readonly log: Logger;
}

interface ReceiptSign {
  readonly correlation_id: string;
  /** The host's signed statement. */
  readonly bundle: object;
}

interface Note {
  readonly facts: DeviceFacts;
  readonly traceparent: string;
  readonly stopTimer: () => void;
}

export class Countersigner {
  readonly #options: CountersignOptions;
  readonly #notes = new Map<string, Note>();
  readonly #keeping = new Set<Promise<void>>();

  constructor(options: CountersignOptions) {
    this.#options = options;
  }

  /** Remembers a call that was served. */
  note(facts: DeviceFacts, call: IncomingCall): void {
    const { clock } = this.#options;
    const { traceparent } = call.record;
    const stopTimer = clock.at(clock.nowUs() + PATIENCE_MS * 1000, () => this.#signAlone(note));
    const note: Note = { facts, traceparent, stopTimer };
    this.#notes.get(facts.correlationId)?.stopTimer();
    this.#notes.set(facts.correlationId, note);
  }

  /** Answers the host's request for a signature. */
  async sign(frame: Frame, call: IncomingCall): Promise<Uint8Array> {
    const { identity, signatures } = this.#options;
    const { correlation_id: id } = readFields<ReceiptSign>(frame, {
      correlation_id: "string",
      bundle: "object",
    });
    const note = this.#notes.get(id);
    if (note === undefined || note.facts.caller !== call.peer.id) throw unknownCall(id);
    const host = parseBundle(frame.fields["bundle"] as Json);
    const statement = verifyBundle(signatures, host, call.peer.publicKey);
    const differences = deviceDifferences(statement, note.facts);
    if (differences.length > 0) throw disagreement(id, differences);
    const device = signReceipt({ signatures }, statement, identity);
    this.#forget(id);
    // The host waits for the signature, not for this disk: it keeps the same receipt on its own.
    this.#keep(id, receiptBytes(host, device));
    return encodeFrame({
      type: "tool.receipt.signed",
      correlation_id: id,
      bundle: bundleJson(device),
    });
  }

  /** Signs alone for every call that is still open: the device is going down. */
  async close(): Promise<void> {
    for (const note of this.#notes.values()) this.#signAlone(note);
    await Promise.all(this.#keeping);
  }

  #signAlone(note: Note): void {
    const { identity, signatures } = this.#options;
    const { correlationId } = note.facts;
    if (this.#notes.get(correlationId) !== note) return;
    this.#forget(correlationId);
    const statement = composeReceipt(factsAlone(note));
    const device = signReceipt({ signatures }, statement, identity);
    this.#keep(correlationId, receiptBytes(null, device));
  }

  #keep(correlationId: string, file: Uint8Array<ArrayBuffer>): void {
    const { book, log } = this.#options;
    const kept: Promise<void> = book
      .add(correlationId, file)
      .then(
        () => {},
        (thrown: unknown) =>
          log.error("receipt.lost", { correlationId, failure: Failure.from(thrown) }),
      )
      .finally(() => this.#keeping.delete(kept));
    this.#keeping.add(kept);
  }

  #forget(correlationId: string): void {
    this.#notes.get(correlationId)?.stopTimer();
    this.#notes.delete(correlationId);
  }
}

/** What a device can say without its host: nothing about what the caller sent or was given. */
function factsAlone({ facts, traceparent }: Note): ReceiptFacts {
  const { channelBinding: _, served, ...shared } = facts;
  return {
    ...shared,
    traceparent,
    client: "unknown",
    host: null,
    served,
    caps: served.caps,
    sent: null,
    delivered: null,
    isTruncated: false,
    outcome: served.outcome,
    code: served.code,
    channel: null,
  };
}

function unknownCall(id: string): Failure {
  return new Failure("receipt-invalid", "this device knows of no such call of this host", {
    origin: "peer",
    context: { correlationId: id },
    remedy: "Keep the receipt with the host's signature alone; the device may have restarted.",
  });
}

function disagreement(id: string, differences: readonly string[]): Failure {
  return new Failure("receipt-invalid", "the statement differs from what this device noted", {
    origin: "peer",
    context: { correlationId: id, members: differences.join(", ") },
    remedy: "Compare the receipts of both machines with `rtt receipt show`.",
  });
}
