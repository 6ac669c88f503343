/** A ring for one writer and one reader, as a list: the readable twin of assembly/base/ring.ts. */
export class RingTwin {
  readonly #entries: Uint8Array[] = [];
  readonly #slots: number;
  readonly #entryMax: number;

  constructor(slots: number, slotBytes: number) {
    this.#slots = slots;
    this.#entryMax = slotBytes - 8;
  }

  push(entry: Uint8Array): "ok" | "would-block" | "message-too-large" {
    if (entry.length > this.#entryMax) return "message-too-large";
    if (this.#entries.length === this.#slots) return "would-block";
    this.#entries.push(entry);
    return "ok";
  }

  pop(): Uint8Array | null {
    return this.#entries.shift() ?? null;
  }

  get depth(): number {
    return this.#entries.length;
  }
}
