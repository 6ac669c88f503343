/**
 * Goal: Poly1305 is that of RFC 8439 where carries, the final subtraction and the four-way step have their edges.
 * Method: the vectors of the RFC, chosen extremes of r and message, then all lengths against the twin and noble.
 */
import { poly1305 as noble } from "@noble/ciphers/_poly1305.js";
import fc from "fast-check";
import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { poly1305 as twin } from "../../reference/poly1305.ts";
import { hex, TestModule, toHex } from "../../support/wasm.ts";
import { IETF, JABBERWOCKY, KEY_APPENDIX } from "./rfc8439.ts";

const module = new TestModule("crypto-a");
const { exports } = module;

function engine(key: Uint8Array, message: Uint8Array): Uint8Array<ArrayBuffer> {
  module.release();
  const out = module.reserve(16);
  exports["poly1305"]!(module.put(key), module.put(message), message.length, out);
  return module.get(out, 16);
}

const ZERO = "00".repeat(16);
const ONES = "ff".repeat(16);
const small = (value: number) => value.toString(16).padStart(2, "0") + "00".repeat(15);
const R_10 = "01000000000000000400000000000000";
const MESSAGE_10 = "e33594d7505e43b900000000000000003394d7505e4379cd01" + "00".repeat(7 + 16);

// RFC 8439 §2.5.2 and appendix A.3.
const VECTORS = [
  {
    title: "§2.5.2",
    key: "85d6be7857556d337f4452fe42d506a80103808afb0db2fd4abff6af4149f51b",
    message: toHex(new TextEncoder().encode("Cryptographic Forum Research Group")),
    tag: "a8061dc1305136c6c22b8baf0c0127a9",
  },
  { title: "A.3 #1", key: ZERO + ZERO, message: "00".repeat(64), tag: ZERO },
  {
    title: "A.3 #2",
    key: ZERO + "36e5f6b5c5e06070f0efca96227a863e",
    message: toHex(IETF),
    tag: "36e5f6b5c5e06070f0efca96227a863e",
  },
  {
    title: "A.3 #3",
    key: "36e5f6b5c5e06070f0efca96227a863e" + ZERO,
    message: toHex(IETF),
    tag: "f3477e7cd95417af89a6b8794c310cf0",
  },
  {
    title: "A.3 #4",
    key: KEY_APPENDIX,
    message: toHex(JABBERWOCKY),
    tag: "4541669a7eaaee61e708dc7cbcc5eb62",
  },
  { title: "A.3 #5", key: small(2) + ZERO, message: ONES, tag: small(3) },
  { title: "A.3 #6", key: small(2) + ONES, message: small(2), tag: small(3) },
  {
    title: "A.3 #7",
    key: small(1) + ZERO,
    message: ONES + "f0" + "ff".repeat(15) + small(0x11),
    tag: small(5),
  },
  {
    title: "A.3 #8",
    key: small(1) + ZERO,
    message: ONES + "fb" + "fe".repeat(15) + "01".repeat(16),
    tag: ZERO,
  },
  {
    title: "A.3 #9",
    key: small(2) + ZERO,
    message: "fd" + "ff".repeat(15),
    tag: "fa" + "ff".repeat(15),
  },
  {
    title: "A.3 #10",
    key: R_10 + ZERO,
    message: MESSAGE_10 + "01" + "00".repeat(15),
    tag: "14000000000000005500000000000000",
  },
  { title: "A.3 #11", key: R_10 + ZERO, message: MESSAGE_10, tag: small(0x13) },
];

describe.each([
  ["engine", engine],
  ["twin", twin],
])("%s", (_, poly1305) => {
  test.each(VECTORS)("RFC 8439 $title", ({ key, message, tag }) => {
    expect(toHex(poly1305(hex(key), hex(message)))).toBe(tag);
  });
});

test("every length up to six hundred bytes agrees with the twin and noble", () => {
  const [key, data] = [randomBytes(32), randomBytes(600)];
  for (let length = 0; length <= data.length; length++) {
    const message = data.subarray(0, length);
    const tag = toHex(engine(key, message));
    expect(tag, `${length} bytes`).toBe(toHex(twin(key, message)));
    expect(tag, `${length} bytes`).toBe(toHex(noble(message, key)));
  }
});

test("extreme limbs carry rightly on the one-block and the four-block path", () => {
  const word = fc.constantFrom(ZERO, ONES, small(1), small(5), "ff".repeat(15) + "00", R_10);
  const block = fc.oneof(word, fc.constantFrom("fb" + "ff".repeat(15), "fa" + "ff".repeat(15)));
  const blocks = fc.array(block, { maxLength: 40, size: "max" });
  fc.assert(
    fc.property(word, word, blocks, (r, s, message) => {
      const [key, bytes] = [hex(r + s), hex(message.join(""))];
      expect(toHex(engine(key, bytes))).toBe(toHex(twin(key, bytes)));
    }),
    { numRuns: 500 },
  );
});

test("the last reduction carries what five times its own excess adds to the lowest limb", () => {
  // With r = 1 the four lanes add up the blocks: the highest limbs to 3 × 2^26 and more, which come back as 15,
  // and the lowest ones, 20 of which are such excess already, to 2^26 - 1.
  const high = "00".repeat(13) + "ffffff";
  const message = hex("ebffff03" + high.slice(8) + high.repeat(15));
  const key = hex(small(1) + ZERO);
  expect(toHex(engine(key, message))).toBe(toHex(twin(key, message)));
});

test("the bytes before a short message do not reach its tag", () => {
  const key = randomBytes(32);
  for (let length = 1; length < 16; length++) {
    const message = randomBytes(length);
    const tags = [0x00, 0xff].map((filler) => {
      module.release();
      const [at, out] = [module.reserve(48), module.reserve(16)];
      module.bytes.fill(filler, at, at + 48);
      module.bytes.set(message, at + 16);
      exports["poly1305"]!(module.put(key), at + 16, length, out);
      return toHex(module.get(out, 16));
    });
    expect(tags).toEqual([toHex(twin(key, message)), toHex(twin(key, message))]);
  }
});
