/**
 * The two ends of one direction of a stream, as an application uses them: what is still to be sent, and what may
 * come next. The receiving end is the oracle for "every byte once and in order, every message once and equal".
 */
import type { EndpointEngine, Message } from "../../host/shared/engine/contract.ts";
import { contentBytes, contentView, mismatchIndex } from "./content.ts";
import { OracleFailure, require } from "./failure.ts";
import type { HalfPlan } from "./plan.ts";

/** Where a half lives: its stream on one endpoint. */
export interface StreamPlace {
  readonly engine: EndpointEngine;
  readonly connection: number;
  readonly stream: bigint;
  readonly label: string;
  /** True when a read that failed with `status` is what this side must answer to a violation. */
  readonly isRefusal: (status: number) => boolean;
}

const LARGEST_READ = 65_536;
const readBuffer = new Uint8Array(LARGEST_READ);

export class SendHalf {
  readonly plan: HalfPlan;
  readonly #place: StreamPlace;
  readonly #isMessages: boolean;
  /** Bytes, or messages, that the engine has taken. */
  taken = 0;
  #isEndTaken = false;
  #isEndPlanned = false;
  /** The application wants no more of this half to be sent. */
  isGivenUp = false;
  isAcknowledged = false;
  isStopped = false;
  /** Sends no further than this before the task is cut. */
  sendLimit = Infinity;

  constructor(plan: HalfPlan, place: StreamPlace, isMessages: boolean) {
    this.plan = plan;
    this.#place = place;
    this.#isMessages = isMessages;
  }

  get isDone(): boolean {
    return this.isAcknowledged || this.isGivenUp;
  }

  /**
   * Gives the engine what it takes; it raises `writable` when it can take more.
   * Returns true when all bytes were taken and `writeEnd` must follow later.
   */
  pump(): boolean {
    if (this.isGivenUp || this.#isEndTaken) return false;
    if (this.#isMessages) this.#pumpMessages();
    else this.#pumpBytes();
    const isEndDue = !this.#isMessages && this.taken === this.plan.size && !this.#isEndTaken;
    if (!isEndDue || this.#isEndPlanned) return false;
    this.#isEndPlanned = true;
    return true;
  }

  #pumpBytes(): void {
    const end = Math.min(this.plan.size, this.sendLimit);
    while (this.taken < end) {
      const size = Math.min(this.plan.writeBytes, end - this.taken);
      const bytes = contentView(this.plan.salt, this.taken, size);
      const isLast = this.plan.endDelayUs === 0 && this.taken + bytes.length === this.plan.size;
      if (this.#write(bytes, isLast) < bytes.length) return;
    }
  }

  /** Writes the end by itself. */
  writeEnd(): void {
    if (!this.isGivenUp) this.#write(new Uint8Array(0), true);
  }

  #write(bytes: Uint8Array, isLast: boolean): number {
    const { engine, connection, stream, label } = this.#place;
    const result = engine.write(connection, stream, bytes, isLast);
    require(result >= 0, "write", () => `${label}: write answered ${result} at ${this.taken}`);
    require(result <= bytes.length, "write", () => `${label}: took ${result} of ${bytes.length}`);
    this.taken += result;
    if (isLast && result === bytes.length) this.#isEndTaken = true;
    return result;
  }

  #pumpMessages(): void {
    const { engine, connection, stream, label } = this.#place;
    for (;;) {
      const message = this.plan.messages[this.taken];
      if (message === undefined) return;
      const isLast = this.taken === this.plan.messages.length - 1;
      const payload = contentBytes(message.salt, message.size);
      const result = engine.sendMessage(connection, stream, message, payload, isLast);
      if (result === WOULD_BLOCK) return;
      require(result === 0, "send-message", () => `${label}: sendMessage answered ${result}`);
      this.taken++;
      this.#isEndTaken = isLast;
      if (isLast) return;
    }
  }

  /** Tries a message of `size` bytes, which the engine must refuse without side effect. */
  tryTooLarge(size: number, isViolator: boolean): void {
    const { engine, connection, stream, label } = this.#place;
    const message = this.plan.messages[0];
    if (message === undefined) return;
    const result = engine.sendMessage(connection, stream, message, new Uint8Array(size), false);
    if (isViolator) return;
    const isRefused = result < 0 && result !== WOULD_BLOCK;
    require(isRefused, "message-limit", () => `${label}: ${size} bytes answered ${result}`);
  }

  acknowledged(): void {
    const { label } = this.#place;
    const isDue = this.#isEndTaken && !this.isAcknowledged;
    require(isDue, "acknowledged", () =>
      `${label}: acknowledged, but not sent to its end, or twice`);
    this.isAcknowledged = true;
  }

  describe(): string {
    const total = this.#isMessages ? this.plan.messages.length : this.plan.size;
    return `sent ${this.taken}/${total}${this.isAcknowledged ? " acknowledged" : ""}`;
  }
}

/** `would-block` of wit/types.wit as a status. */
export const WOULD_BLOCK = -38;

export class ReceiveHalf {
  readonly plan: HalfPlan;
  readonly #place: StreamPlace;
  readonly #isMessages: boolean;
  /** Bytes, or messages, that were read and were right. */
  received = 0;
  payloadBytes = 0;
  isEnded = false;
  /** The stream ended by a reset of the peer. */
  isReset = false;
  /** The application wants no more of this half. */
  isGivenUp = false;
  /** A reset may come: data can then vanish, and reads can fail. */
  mayBreak = false;
  /** A read is due later, because the reader takes its time. */
  isPaced = false;

  constructor(plan: HalfPlan, place: StreamPlace, isMessages: boolean) {
    this.plan = plan;
    this.#place = place;
    this.#isMessages = isMessages;
  }

  get isDone(): boolean {
    return this.isEnded || this.isReset || this.isGivenUp;
  }

  /**
   * Reads what there is, or one chunk or message when the reader is slow.
   * Returns true when another read must follow after the pace's interval.
   */
  read(): boolean {
    for (;;) {
      if (this.isDone) return false;
      const result = this.#isMessages ? this.#readMessage() : this.#readBytes();
      if (result === 0) return false;
      if (result < 0) {
        this.#end(result);
        return false;
      }
      if (this.plan.pace !== null) return true;
    }
  }

  #readBytes(): number {
    const { engine, connection, stream } = this.#place;
    const target = readBuffer.subarray(0, this.plan.pace?.chunkBytes ?? LARGEST_READ);
    const result = engine.read(connection, stream, target);
    if (result > 0) this.#checkBytes(target.subarray(0, result));
    return result;
  }

  /** Returns 1 for a message. */
  #readMessage(): number {
    const { engine, connection, stream } = this.#place;
    const result = engine.readMessage(connection, stream);
    if (typeof result === "number") return result;
    this.#checkMessage(result);
    return 1;
  }

  #end(result: number): void {
    const { label, isRefusal } = this.#place;
    if (result !== -1) {
      if (isRefusal(result + 1)) {
        this.isGivenUp = true;
        return;
      }
      require(this.mayBreak, "read", () => `${label}: read answered ${result} at ${this.received}`);
      return;
    }
    const total = this.#isMessages ? this.plan.messages.length : this.plan.size;
    require(this.received === total, "stream-content", () =>
      `${label}: the stream ended at ${this.received} of ${total}`);
    this.isEnded = true;
  }

  #checkBytes(bytes: Uint8Array): void {
    const { label } = this.#place;
    const { salt, size } = this.plan;
    const index = mismatchIndex(salt, this.received, bytes);
    require(index < 0, "stream-content", () => `${label}: wrong byte at ${this.received + index}`);
    this.received += bytes.length;
    this.payloadBytes += bytes.length;
    require(this.received <= size, "stream-content", () =>
      `${label}: ${this.received} bytes came, ${size} were sent`);
  }

  /** Checks the next message against the plan. */
  #checkMessage({ header, payload, isLast }: Message): void {
    const { label } = this.#place;
    const expected = this.plan.messages[this.received];
    const name = `${label}: message ${this.received} of ${this.plan.messages.length}`;
    if (expected === undefined) throw new OracleFailure("message", `${name} was not expected`);
    const isHeaderEqual =
      header.type === expected.type &&
      header.flags === expected.flags &&
      header.messageId === expected.messageId &&
      header.traceId === expected.traceId;
    require(isHeaderEqual, "message", () => `${name} has the wrong header`);
    require(payload.length === expected.size &&
      mismatchIndex(expected.salt, 0, payload) < 0, "message", () =>
      `${name} has the wrong payload (${payload.length} bytes of ${expected.size})`);
    this.received++;
    this.payloadBytes += payload.length;
    // The end may become known only after the last message; it must never be told too early.
    const isEndRight = !isLast || this.received === this.plan.messages.length;
    require(isEndRight, "message", () => `${name} is called the last`);
  }

  describe(): string {
    const total = this.#isMessages ? this.plan.messages.length : this.plan.size;
    return `received ${this.received}/${total}${this.isDone ? " done" : ""}`;
  }
}
