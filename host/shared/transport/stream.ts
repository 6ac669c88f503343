/**
 * One bidirectional stream of bytes.
 *
 * Reading is a pull, so a reader that stops asking pauses the sender: the engine returns credit only for what was
 * read. Writing resolves when the engine has taken the bytes, so a slow peer slows the writer. Each direction ends by
 * itself: `finish` ends ours, the iterator ends with the peer's.
 */
import { Gate } from "./gate.ts";
import { engineFailure, failureOf } from "./engine-failure.ts";
import { errorNumber, type ErrorCode, type Failure } from "../ports/failure.ts";
import type { ConnectionCore } from "./connection-core.ts";

/** Memory for reads is taken in pieces of this size. */
const READ_SIZE = 65_536;
/** A piece with less room than this is left to those who read it, so that bulk is not read in crumbs. */
const READ_MIN = 16_384;

/** What streams of bytes and of messages have in common: wake-ups, ends and giving up. */
export abstract class StreamCore {
  readonly id: bigint;
  protected readonly core: ConnectionCore;
  protected readonly readable = new Gate();
  protected readonly writable = new Gate();
  /** Why the peer gave up sending, or the connection ended. */
  protected readFailure: Failure | null = null;
  /** Why the peer wants no more, or the connection ended. */
  protected writeFailure: Failure | null = null;
  #isAcknowledged = false;
  #isReadOver = false;
  readonly #acknowledged = new Gate();

  constructor(core: ConnectionCore, id: bigint) {
    this.core = core;
    this.id = id;
  }

  /** Gives up sending. The peer's reads fail with `stream-reset`. */
  reset(code: ErrorCode): void {
    this.core.engine.reset(this.core.handle, this.id, errorNumber(code));
    this.writeFailure ??= failureOf(code, "this side gave the stream up", "local");
    this.core.wake();
    this.writable.open();
    this.#forgetWhenOver();
  }

  /** Gives up receiving. The peer's writes fail with `stream-stopped`. */
  stop(code: ErrorCode): void {
    this.core.engine.stop(this.core.handle, this.id, errorNumber(code));
    this.readFailure ??= failureOf(code, "this side stopped reading", "local");
    this.core.wake();
    this.readable.open();
    this.endReading();
  }

  /** Cancels: gives up both directions, which frees both sides within one round trip. */
  cancel(code: ErrorCode): void {
    this.reset(code);
    this.stop(code);
  }

  /** Resolves when the peer's transport has everything that was written, the end included. */
  async drain(): Promise<void> {
    while (!this.#isAcknowledged) {
      if (this.writeFailure !== null) throw this.writeFailure;
      await this.#acknowledged.wait();
    }
  }

  /** True once the peer's end was read, or reading failed. */
  get isReadOver(): boolean {
    return this.#isReadOver;
  }

  /** Nothing more can be read: the end was read, or reading failed. */
  protected endReading(): void {
    this.#isReadOver = true;
    this.#forgetWhenOver();
  }

  #forgetWhenOver(): void {
    const isWriteOver = this.#isAcknowledged || this.writeFailure !== null;
    if (this.#isReadOver && isWriteOver) this.core.forget(this.id);
  }

  // --- called by the connection when the engine reports ---

  onReadable(): void {
    this.readable.open();
  }

  onWritable(): void {
    this.writable.open();
  }

  onAcknowledged(): void {
    this.#isAcknowledged = true;
    this.#acknowledged.open();
    this.#forgetWhenOver();
  }

  onReset(code: number): void {
    this.readFailure ??= engineFailure(code, "the peer gave the stream up", "peer");
    this.readable.open();
  }

  onStopped(code: number): void {
    this.writeFailure ??= engineFailure(code, "the peer stopped reading", "peer");
    this.writable.open();
    this.#acknowledged.open();
    this.#forgetWhenOver();
  }

  onClosed(failure: Failure): void {
    this.readFailure ??= failure;
    this.writeFailure ??= failure;
    this.readable.open();
    this.writable.open();
    this.#acknowledged.open();
  }
}

export class Stream extends StreamCore implements AsyncIterable<Uint8Array> {
  readonly protocol: string;
  /** What is left of the memory for reads: small reads share a piece. */
  #room = new Uint8Array(0);

  constructor(core: ConnectionCore, id: bigint, protocol: string) {
    super(core, id);
    this.protocol = protocol;
  }

  /** The next bytes, or null at the peer's end. Fails with `stream-reset`, or with what ended the connection. */
  async read(): Promise<Uint8Array | null> {
    for (;;) {
      if (this.#room.length < READ_MIN) this.#room = new Uint8Array(READ_SIZE);
      const count = this.core.engine.read(this.core.handle, this.id, this.#room);
      if (count > 0) {
        const bytes = this.#room.subarray(0, count);
        this.#room = this.#room.subarray(count);
        this.core.wake();
        return bytes;
      }
      if (count === -1) {
        this.endReading();
        return null;
      }
      if (this.readFailure !== null) {
        this.endReading();
        throw this.readFailure;
      }
      if (count < -1) throw engineFailure(count + 1, "the stream cannot be read", "local");
      await this.readable.wait();
    }
  }

  /** Resolves when the engine has taken all of `bytes`. Fails with `stream-stopped`, or what ended the connection. */
  async write(bytes: Uint8Array): Promise<void> {
    await this.#put(bytes, false);
  }

  /** Ends this direction, after `bytes` when they are given. */
  async finish(bytes: Uint8Array = new Uint8Array(0)): Promise<void> {
    await this.#put(bytes, true);
  }

  async *[Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    for (let bytes = await this.read(); bytes !== null; bytes = await this.read()) yield bytes;
  }

  async #put(bytes: Uint8Array, isLast: boolean): Promise<void> {
    let sent = 0;
    for (;;) {
      if (this.writeFailure !== null) throw this.writeFailure;
      const rest = bytes.subarray(sent);
      const taken = this.core.engine.write(this.core.handle, this.id, rest, isLast);
      if (taken < 0) throw engineFailure(taken, "the stream cannot be written", "local");
      sent += taken;
      this.core.wake();
      if (sent === bytes.length) return;
      await this.writable.wait();
    }
  }
}
