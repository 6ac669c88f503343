/**
 * Goal: CRC-32C is that of RFC 3720, whole and in pieces.
 * Method: the examples of the RFC, then lengths around the 16-byte step and random cuts against the twin.
 */
import fc from "fast-check";
import { createCRC32 } from "hash-wasm";
import { expect, test } from "vitest";
import { crc32c as twin } from "../../reference/crc32c.ts";
import { hex, TestModule } from "../../support/wasm.ts";

const module = new TestModule("crypto-a");

function crc32c(data: Uint8Array, crc = 0): number {
  module.release();
  return module.exports["crc32c"]!(crc, module.put(data), data.length) >>> 0;
}

const counting = Uint8Array.from({ length: 32 }, (_, index) => index);
const command =
  "01c00000" + "00".repeat(12) + "1400000000000400000000140000001828" + "00".repeat(7);

// RFC 3720 appendix B.4, whose bytes on the wire are the little-endian ones of these; the last is the check
// value of the catalogue of parametrised CRC algorithms.
const EXAMPLES = [
  ["32 bytes of zeros", new Uint8Array(32), 0x8a9136aa],
  ["32 bytes of ones", new Uint8Array(32).fill(0xff), 0x62a8ab43],
  ["32 bytes counting up", counting, 0x46dd794e],
  ["32 bytes counting down", counting.toReversed(), 0x113fdb5c],
  ["an iSCSI Read (10) command", hex(command + "02" + "00".repeat(7)), 0xd9963a56],
  ["the digits 1 to 9", new TextEncoder().encode("123456789"), 0xe3069283],
] as const;

test.each(EXAMPLES)("%s", (_, data, expected) => {
  expect(crc32c(data)).toBe(expected);
  expect(twin(0, data)).toBe(expected);
});

test("every length around three steps agrees with the twin and hash-wasm", async () => {
  const oracle = await createCRC32(0x82f63b78);
  const data = Uint8Array.from({ length: 53 }, (_, index) => (index * 167 + 13) & 255);
  for (let length = 0; length <= data.length; length++) {
    const piece = data.subarray(0, length);
    expect(crc32c(piece), `${length} bytes`).toBe(twin(0, piece));
    const foreign = Number.parseInt(oracle.init().update(piece).digest("hex"), 16);
    expect(crc32c(piece)).toBe(foreign);
  }
});

test("continuing over pieces is the checksum of the whole", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 6 }), (pieces) => {
      const continued = pieces.reduce((crc, piece) => crc32c(piece, crc), 0);
      expect(continued).toBe(twin(0, Buffer.concat(pieces)));
    }),
  );
});
