/** One bidirectional stream of whole MXP messages. Backpressure is that of `stream.ts`. */
import type { Message, MessageHeader } from "../engine/contract.ts";
import { errorNumber } from "../ports/failure.ts";
import { engineFailure } from "./engine-failure.ts";
import { StreamCore } from "./stream.ts";

/** The published message types (docs/protocol.md, "Messages"). */
export const MESSAGE_TYPE = {
  agentRegister: 0x01,
  agentDiscover: 0x02,
  agentHeartbeat: 0x03,
  call: 0x10,
  response: 0x11,
  event: 0x12,
  streamOpen: 0x20,
  streamChunk: 0x21,
  streamClose: 0x22,
  ack: 0xf0,
  error: 0xf1,
} as const;

export const MESSAGE_FLAG = { compressed: 1, encrypted: 2, requiresAck: 4, final: 8 } as const;

const WOULD_BLOCK = -errorNumber("would-block");

/** A message to be sent. */
export type OutgoingMessage = Pick<Message, "header" | "payload">;

export class MessageStream extends StreamCore implements AsyncIterable<Message> {
  /**
   * Resolves when the engine has taken the whole message. Fails with `message-too-large`, `stream-stopped`, or with
   * what ended the connection.
   */
  async send(header: MessageHeader, payload: Uint8Array, isLast: boolean): Promise<void> {
    await this.sendBatch([{ header, payload }], isLast);
  }

  /**
   * Resolves when the engine has taken all messages, as many in one turn as there is room for; with `isLast` the last
   * of them ends this direction. Fails as `send` does; those before the failing one are sent.
   */
  async sendBatch(batch: readonly OutgoingMessage[], isLast: boolean): Promise<void> {
    const { engine, handle } = this.core;
    let index = 0;
    for (;;) {
      if (this.writeFailure !== null) throw this.writeFailure;
      let status = 0;
      for (; index < batch.length && status >= 0; index += status >= 0 ? 1 : 0) {
        const { header, payload } = batch[index] as OutgoingMessage;
        const isEnd = isLast && index === batch.length - 1;
        status = engine.sendMessage(handle, this.id, header, payload, isEnd);
      }
      this.core.wake();
      if (status >= 0) return;
      if (status !== WOULD_BLOCK) {
        throw engineFailure(status, "the message cannot be sent", "local");
      }
      await this.writable.wait();
    }
  }

  /** The next message, or null at the peer's end. */
  async receive(): Promise<Message | null> {
    for (;;) {
      if (this.isReadOver && this.readFailure === null) return null;
      const message = this.core.engine.readMessage(this.core.handle, this.id);
      if (typeof message !== "number") {
        // Taking the end too lets the engine free the stream without waiting for another read.
        if (message.isLast && this.core.engine.readMessage(this.core.handle, this.id) === -1) {
          this.endReading();
        }
        this.core.wake();
        return message;
      }
      if (message === -1) {
        this.endReading();
        return null;
      }
      if (this.readFailure !== null) {
        this.endReading();
        throw this.readFailure;
      }
      if (message < -1) throw engineFailure(message + 1, "the stream cannot be read", "local");
      await this.readable.wait();
    }
  }

  /**
   * The batch cursor for high rates: waits for at least one message, then returns all that are there, at most
   * `countMax`, in one turn; null at the peer's end. Fails as `receive` does.
   */
  async receiveBatch(countMax = 256): Promise<Message[] | null> {
    const first = await this.receive();
    if (first === null) return null;
    const batch = [first];
    while (batch.length < countMax && !this.isReadOver) {
      const message = this.core.engine.readMessage(this.core.handle, this.id);
      // What is not a message, the next receive finds again and names.
      if (typeof message === "number") break;
      batch.push(message);
    }
    return batch;
  }

  /** The next message refused by the engine, such as one larger than this side takes. */
  onRefused(code: number): void {
    this.readFailure ??= engineFailure(code, "the engine refused the peer's message", "peer");
    this.readable.open();
  }

  async *[Symbol.asyncIterator](): AsyncIterator<Message> {
    for (let next = await this.receive(); next !== null; next = await this.receive()) yield next;
  }
}
