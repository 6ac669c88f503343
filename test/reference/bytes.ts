/** Appends little-endian numbers and bytes to a growing buffer: how the readable twins encode. */
export class ByteWriter {
  readonly #bytes: number[] = [];

  get length(): number {
    return this.#bytes.length;
  }

  /** `value` in `size` bytes, the lowest first. */
  number(value: number | bigint, size: number): this {
    let rest = BigInt(value);
    for (let index = 0; index < size; index++) {
      this.#bytes.push(Number(rest & 0xffn));
      rest >>= 8n;
    }
    return this;
  }

  bytes(value: Uint8Array): this {
    this.#bytes.push(...value);
    return this;
  }

  /** Zeros up to the next multiple of `alignment`. */
  pad(alignment: number): this {
    while (this.#bytes.length % alignment !== 0) this.#bytes.push(0);
    return this;
  }

  zeros(count: number): this {
    for (let index = 0; index < count; index++) this.#bytes.push(0);
    return this;
  }

  finish(): Uint8Array<ArrayBuffer> {
    return Uint8Array.from(this.#bytes);
  }
}

/** Thrown by `ByteReader` past the end, and by the twins for anything that they refuse. */
export class Refused extends Error {}

/** Reads little-endian numbers and bytes, and refuses to read past the end. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get remaining(): number {
    return this.#bytes.length - this.#at;
  }

  bytes(size: number): Uint8Array<ArrayBuffer> {
    if (size > this.remaining) throw new Refused("past the end");
    this.#at += size;
    return Uint8Array.from(this.#bytes.subarray(this.#at - size, this.#at));
  }

  big(size: number): bigint {
    return this.bytes(size).reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  }

  number(size: number): number {
    return Number(this.big(size));
  }

  /** Everything that is left. */
  rest(): Uint8Array<ArrayBuffer> {
    return this.bytes(this.remaining);
  }

  /** Reads `size` bytes that must be zero. */
  zeros(size: number): void {
    refuseUnless(this.bytes(size).every((byte) => byte === 0));
  }
}

export function refuseUnless(condition: boolean): void {
  if (!condition) throw new Refused("not allowed");
}

/**
 * The result of `decode`, or null when it refused its input. Other errors are bugs and go through.
 */
export function orNull<T>(decode: () => T): T | null {
  try {
    return decode();
  } catch (error) {
    if (error instanceof Refused) return null;
    throw error;
  }
}
