/**
 * Loads one test entry (test/entry/<name>.ts, compiled to build/test/<name>.wasm) with a memory of its own.
 *
 * Inputs and outputs of raw-pointer functions go through a bump allocator at the top half of memory, far from
 * the engine's static data and heap.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** Other builds of the same entries (instrumented ones, for coverage) lie in a folder of their own. */
const ENTRIES = process.env["MXP_TEST_MODULES"] ?? join(import.meta.dirname, "../../build/test");
const PAGES = 1024;

/** An instance of a test entry: its exports, its memory and an arena for arguments. */
export class TestModule {
  readonly memory: WebAssembly.Memory;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly view: DataView;
  // Every export is a function of numbers and bigints; tests name them freely.
  readonly exports: Record<string, (...parameters: (number | bigint)[]) => number & bigint>;
  #top = (PAGES / 2) * 65536;

  constructor(name: string) {
    const module = new WebAssembly.Module(readFileSync(join(ENTRIES, `${name}.wasm`)));
    this.memory = new WebAssembly.Memory({ initial: PAGES, maximum: PAGES });
    this.bytes = new Uint8Array(this.memory.buffer);
    this.view = new DataView(this.memory.buffer);
    const instance = new WebAssembly.Instance(module, { env: { memory: this.memory } });
    this.exports = instance.exports as TestModule["exports"];
  }

  /** Reserves `size` zeroed bytes, aligned to 16, and returns their address. */
  reserve(size: number): number {
    const at = this.#top;
    this.#top = (this.#top + size + 15) & ~15;
    if (this.#top > this.bytes.length)
      throw new Error("the argument arena is full; call release()");
    this.bytes.fill(0, at, at + size);
    return at;
  }

  /** Copies `data` into the arena and returns its address. */
  put(data: Uint8Array): number {
    const at = this.reserve(Math.max(data.length, 1));
    this.bytes.set(data, at);
    return at;
  }

  /** A copy of `size` bytes at `at`. */
  get(at: number, size: number): Uint8Array<ArrayBuffer> {
    return this.bytes.slice(at, at + size);
  }

  /** Gives the whole arena back. */
  release(): void {
    this.#top = (PAGES / 2) * 65536;
  }
}

/** Bytes of a hexadecimal string; spaces are allowed. */
export function hex(text: string): Uint8Array<ArrayBuffer> {
  const digits = text.replace(/\s/g, "");
  return Uint8Array.from({ length: digits.length / 2 }, (_, index) =>
    Number.parseInt(digits.slice(index * 2, index * 2 + 2), 16),
  );
}

/** The hexadecimal string of `bytes`. */
export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
