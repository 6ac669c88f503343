/**
 * Digests and checksums by the engine against the platform's and hash-wasm's, on bytes already in its memory.
 *
 * They tell from which size on a host should digest by itself: the platform has instructions for SHA-256 that
 * WebAssembly cannot reach.
 */
import { hash } from "node:crypto";
import { crc32 } from "node:zlib";
import { createCRC32, createSHA256, createXXHash3 } from "hash-wasm";
import { TestModule } from "../../test/support/wasm.ts";
import { buildEntry, candidate, type Bench, type BenchContext } from "../harness.ts";

const SIZES = [64, 1024, 65536];
const CASTAGNOLI = 0x82f63b78;

async function compareAll(context: BenchContext): Promise<void> {
  buildEntry("crypto-a");
  const engine = new TestModule("crypto-a");
  const [sha256, xxh3, crc32c] = ["sha256", "xxh3", "crc32c"].map((name) => engine.exports[name]!);
  const foreign = {
    sha256: await createSHA256(),
    xxh3: await createXXHash3(),
    crc32c: await createCRC32(CASTAGNOLI),
  };
  for (const size of SIZES) {
    engine.release();
    const data = Uint8Array.from({ length: size }, (_, index) => (index * 31) & 255);
    const [at, out] = [engine.put(data), engine.reserve(32)];
    const viaHashWasm = (name: keyof typeof foreign) =>
      candidate("hash-wasm", () => foreign[name].init().update(data).digest("binary")[0]!);
    await context.compare(`SHA-256 of ${size} B`, "node:crypto", [
      candidate("node:crypto", () => hash("sha256", data, "buffer")[0]!),
      viaHashWasm("sha256"),
      candidate("engine", () => {
        sha256!(at, size, out);
        return engine.bytes[out]!;
      }),
    ]);
    await context.compare(`XXH3 of ${size} B`, "zlib.crc32", [
      candidate("zlib.crc32", () => crc32(data)),
      viaHashWasm("xxh3"),
      candidate("engine", () => Number(BigInt.asUintN(32, xxh3!(at, size)))),
    ]);
    await context.compare(`CRC-32C of ${size} B`, "zlib.crc32", [
      candidate("zlib.crc32", () => crc32(data)),
      viaHashWasm("crc32c"),
      candidate("engine", () => crc32c!(0, at, size)),
    ]);
  }
}

export const bench: Bench = {
  summary: "SHA-256, XXH3 and CRC-32C of 64 B to 64 KiB: engine, node, hash-wasm",
  run: compareAll,
};
