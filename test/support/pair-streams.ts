/** What tests move over the streams of a pair: known bytes, a writer, a reader, and a link that spoils things. */
import type { Fate, Pair, Side } from "./pair.ts";

/** `size` bytes that follow from `salt`. */
export function content(size: number, salt: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: size }, (_, index) => (index * salt + (index >> 8)) & 0xff);
}

/** Writes as much as the engine takes, and the end. */
export class Writer {
  taken = 0;
  #isFinished = false;
  readonly #pair: Pair;
  readonly #side: Side;
  readonly #connection: number;
  readonly #stream: bigint;
  readonly #bytes: Uint8Array;

  constructor(pair: Pair, side: Side, connection: number, stream: bigint, bytes: Uint8Array) {
    this.#pair = pair;
    this.#side = side;
    this.#connection = connection;
    this.#stream = stream;
    this.#bytes = bytes;
  }

  pump(): void {
    if (this.#isFinished) return;
    const rest = this.#bytes.subarray(this.taken);
    const engine = this.#pair.engineOf(this.#side);
    const count = engine.write(this.#connection, this.#stream, rest, true);
    if (count < 0) throw new Error(`write answered ${count}`);
    this.taken += count;
    this.#isFinished = this.taken === this.#bytes.length;
    this.#pair.drain(this.#side);
  }
}

/** Reads whatever is there, until the end. */
export class Reader {
  isEnded = false;
  count = 0;
  readonly #parts: Uint8Array[] = [];
  readonly #pair: Pair;
  readonly #side: Side;
  readonly #connection: number;
  readonly #stream: bigint;

  constructor(pair: Pair, side: Side, connection: number, stream: bigint) {
    this.#pair = pair;
    this.#side = side;
    this.#connection = connection;
    this.#stream = stream;
  }

  /** The side that did not open the stream knows it from its announcement on. */
  get #isKnown(): boolean {
    const isOwn = ((this.#stream & 2n) === 0n) === (this.#side === "client");
    return (
      isOwn ||
      this.#pair.events[this.#side].some(
        (event) => event.kind === "stream-opened" && event.stream === this.#stream,
      )
    );
  }

  pump(): void {
    if (!this.#isKnown) return;
    const engine = this.#pair.engineOf(this.#side);
    const target = new Uint8Array(65_536);
    while (!this.isEnded) {
      const count = engine.read(this.#connection, this.#stream, target);
      if (count < -1) throw new Error(`read answered ${count}`);
      if (count === 0) break;
      this.isEnded = count === -1;
      if (this.isEnded) break;
      this.#parts.push(target.slice(0, count));
      this.count += count;
    }
    this.#pair.drain(this.#side);
  }

  bytes(): Uint8Array {
    const all = new Uint8Array(this.count);
    let at = 0;
    for (const part of this.#parts) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  }
}

/** A fate for `Pair.fate`: loses, repeats, delays and damages datagrams by a fixed sequence of numbers. */
export function damagingLink(lossRate: number): (from: Side, bytes: Uint8Array) => Fate {
  let state = 12_345;
  const random = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  return (_from, bytes) => {
    const copies: Uint8Array[] = [];
    if (random() >= lossRate) copies.push(bytes);
    if (random() < 0.05) copies.push(bytes);
    if (random() < 0.03) {
      const damaged = bytes.slice();
      const at = Math.floor(random() * damaged.length);
      damaged[at] = (damaged[at] ?? 0) ^ (1 << Math.floor(random() * 8));
      copies.push(damaged);
    }
    return { delayUs: Math.floor(4000 + random() * 8000), copies };
  };
}
