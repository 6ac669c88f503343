/** One stream of the model: what was read, what may still be sent, and messages over bytes. */
import type {
  Band,
  Message,
  MessageHeader,
  StreamKind,
} from "../../../host/shared/engine/contract.ts";

/** 0 payload length u32 | 4 type | 5 flags | 6 isLast | 7 zero | 8 message id u64 | 16 trace id u64 | payload */
const MESSAGE_HEAD_SIZE = 24;

export class ModelStream {
  readonly id: number;
  readonly kind: StreamKind;
  readonly band: Band;
  readonly isOpener: boolean;
  // What we send.
  sentBytes = 0;
  creditBytes: number;
  isEndSent = false;
  isSendOver = false;
  wantsWrite = false;
  // What we receive.
  readonly windowBytes: number;
  #chunks: Uint8Array[] = [];
  #bufferedBytes = 0;
  readBytes = 0;
  grantedBytes: number;
  isEndReceived = false;
  isReceiveOver = false;
  isReadableDue = true;

  constructor(
    id: number,
    kind: StreamKind,
    band: Band,
    isOpener: boolean,
    creditBytes: number,
    windowBytes: number,
  ) {
    this.id = id;
    this.kind = kind;
    this.band = band;
    this.isOpener = isOpener;
    this.creditBytes = creditBytes;
    this.windowBytes = windowBytes;
    this.grantedBytes = windowBytes;
  }

  get isOver(): boolean {
    return this.isSendOver && this.isReceiveOver;
  }

  push(data: Uint8Array): void {
    this.#chunks.push(data);
    this.#bufferedBytes += data.length;
  }

  get isAtEnd(): boolean {
    return this.isEndReceived && this.#bufferedBytes === 0;
  }

  get bufferedBytes(): number {
    return this.#bufferedBytes;
  }

  /** Moves up to `target.length` bytes out of the buffer. */
  take(target: Uint8Array): number {
    let size = 0;
    while (size < target.length) {
      const chunk = this.#chunks[0];
      if (chunk === undefined) break;
      const part = chunk.subarray(0, target.length - size);
      target.set(part, size);
      size += part.length;
      if (part.length === chunk.length) this.#chunks.shift();
      else this.#chunks[0] = chunk.subarray(part.length);
    }
    this.#bufferedBytes -= size;
    this.readBytes += size;
    return size;
  }

  /** The next whole message; null when it is not all there. */
  takeMessage(): Message | null {
    if (this.#bufferedBytes < MESSAGE_HEAD_SIZE) return null;
    const whole = Buffer.concat(this.#chunks);
    const size = MESSAGE_HEAD_SIZE + whole.readUInt32LE(0);
    if (whole.length < size) return null;
    this.#chunks = [new Uint8Array(whole.subarray(size))];
    this.#bufferedBytes -= size;
    this.readBytes += size;
    return {
      header: {
        type: whole[4] ?? 0,
        flags: whole[5] ?? 0,
        messageId: whole.readBigUInt64LE(8),
        traceId: whole.readBigUInt64LE(16),
      },
      payload: new Uint8Array(whole.subarray(MESSAGE_HEAD_SIZE, size)),
      isLast: whole[6] === 1,
    };
  }
}

export function encodeMessage(
  header: MessageHeader,
  payload: Uint8Array,
  isLast: boolean,
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(MESSAGE_HEAD_SIZE + payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, payload.length, true);
  view.setUint8(4, header.type);
  view.setUint8(5, header.flags);
  view.setUint8(6, isLast ? 1 : 0);
  view.setBigUint64(8, header.messageId, true);
  view.setBigUint64(16, header.traceId, true);
  bytes.set(payload, MESSAGE_HEAD_SIZE);
  return bytes;
}
