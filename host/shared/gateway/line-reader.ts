/** Cuts a stream of bytes into lines, with a bound on the longest one (MCP stdio: one message a line). */
import { concatBytes } from "../trust/bytes.ts";

const NEWLINE = 0x0a;
const RETURN = 0x0d;

export class LineReader {
  readonly #lineBytesMax: number;
  readonly #onLine: (line: Uint8Array) => void;
  #pieces: Uint8Array[] = [];
  #size = 0;

  constructor(lineBytesMax: number, onLine: (line: Uint8Array) => void) {
    this.#lineBytesMax = lineBytesMax;
    this.#onLine = onLine;
  }

  /** Takes bytes as they come. False when a line grew beyond the bound; the reader is then of no more use. */
  push(bytes: Uint8Array): boolean {
    let start = 0;
    for (;;) {
      const end = bytes.indexOf(NEWLINE, start);
      if (end < 0) break;
      if (!this.#keep(bytes.subarray(start, end))) return false;
      this.#flush();
      start = end + 1;
    }
    return this.#keep(bytes.subarray(start));
  }

  #keep(piece: Uint8Array): boolean {
    if (piece.length === 0) return true;
    this.#size += piece.length;
    if (this.#size > this.#lineBytesMax) return false;
    // The host may use its buffer again after the callback, so what stays is a copy.
    this.#pieces.push(piece.slice());
    return true;
  }

  #flush(): void {
    const line = concatBytes(...this.#pieces);
    this.#pieces = [];
    this.#size = 0;
    const end = line.at(-1) === RETURN ? line.length - 1 : line.length;
    if (end > 0) this.#onLine(line.subarray(0, end));
  }
}
