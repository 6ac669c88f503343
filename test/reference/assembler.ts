/** Twin of assembly/stream/assembler.ts: a sparse map from offset to byte. */
export class AssemblerTwin {
  readonly #bytes = new Map<number, number>();
  readOffset = 0;
  highest = 0;
  finalSize: number | undefined;

  /** False when the frame contradicts what is known about the size. */
  accepts(end: number, isFinal: boolean): boolean {
    if (this.finalSize !== undefined) {
      if (end > this.finalSize) return false;
      if (isFinal && end !== this.finalSize) return false;
    }
    return !(isFinal && end < this.highest);
  }

  insert(offset: number, data: Uint8Array): void {
    data.forEach((byte, index) => {
      if (offset + index >= this.readOffset) this.#bytes.set(offset + index, byte);
    });
    this.highest = Math.max(this.highest, offset + data.length);
  }

  get readable(): number {
    let end = this.readOffset;
    while (this.#bytes.has(end)) end++;
    return end - this.readOffset;
  }

  read(length: number): Uint8Array {
    const count = Math.min(length, this.readable);
    const start = this.readOffset;
    this.readOffset += count;
    return Uint8Array.from({ length: count }, (_, index) => {
      const byte = this.#bytes.get(start + index)!;
      this.#bytes.delete(start + index);
      return byte;
    });
  }

  get isComplete(): boolean {
    return this.readOffset + this.readable === this.finalSize;
  }
}
