/**
 * Goal: packets are sealed and opened as RFC 8439 says; a forgery changes nothing; no secret stays behind.
 * Method: the RFC, Wycheproof, every length at which another kernel takes over against node:crypto, every single
 * changed bit of small packets, and a search of the engine's static memory for key stream and one-time keys.
 */
import fc from "fast-check";
import { createCipheriv, randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { chacha20Block } from "../../reference/chacha20.ts";
import { open as twinOpen, seal as twinSeal } from "../../reference/chacha20-poly1305.ts";
import { hex, TestModule, toHex } from "../../support/wasm.ts";
import { WYCHEPROOF_ABSENT, wycheproof } from "../../support/wycheproof.ts";
import { KEY_APPENDIX, SUNSCREEN } from "./rfc8439.ts";

const TAG_SIZE = 16;
/** Filler around a packet, to see what is written beside it. */
const FENCE = 0xa5;
const FENCE_SIZE = 64;

const module = new TestModule("crypto-a");
const { exports } = module;

interface Aead {
  readonly seal: (
    key: Uint8Array,
    nonce: Uint8Array,
    aad: Uint8Array,
    plaintext: Uint8Array,
  ) => Uint8Array;
  readonly open: (
    key: Uint8Array,
    nonce: Uint8Array,
    aad: Uint8Array,
    sealed: Uint8Array,
  ) => Uint8Array | undefined;
}

/** The engine with a fence around every packet and a look at what a refused one holds afterwards. */
const engine: Aead = {
  seal: (key, nonce, aad, plaintext) => {
    const { at, inputs } = lay(key, nonce, aad, plaintext, plaintext.length + TAG_SIZE);
    exports["aeadSeal"]!(...inputs, aad.length, at, plaintext.length);
    expectFences(at, plaintext.length + TAG_SIZE);
    return module.get(at, plaintext.length + TAG_SIZE);
  },
  open: (key, nonce, aad, sealed) => {
    const { at, inputs } = lay(key, nonce, aad, sealed, sealed.length);
    const length = sealed.length - TAG_SIZE;
    const isAuthentic: number = exports["aeadOpen"]!(...inputs, aad.length, at, length);
    expectFences(at, sealed.length);
    if (isAuthentic === 1) return module.get(at, length);
    expect(toHex(module.get(at, sealed.length)), "a refused packet stays as it was").toBe(
      toHex(sealed),
    );
    return undefined;
  },
};

function lay(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, data: Uint8Array, size: number) {
  module.release();
  const inputs = [module.put(key), module.put(nonce), module.put(aad)] as const;
  const fence = module.reserve(size + 2 * FENCE_SIZE);
  module.bytes.fill(FENCE, fence, fence + size + 2 * FENCE_SIZE);
  const at = fence + FENCE_SIZE;
  module.bytes.set(data, at);
  return { at, inputs };
}

function expectFences(at: number, size: number): void {
  const beside = [module.get(at - FENCE_SIZE, FENCE_SIZE), module.get(at + size, FENCE_SIZE)];
  expect(beside.every((fence) => fence.every((byte) => byte === FENCE))).toBe(true);
}

function platformSeal(
  key: Uint8Array,
  nonce: Uint8Array,
  aad: Uint8Array,
  plaintext: Uint8Array,
): Buffer {
  const cipher = createCipheriv("chacha20-poly1305", key, nonce, { authTagLength: TAG_SIZE });
  cipher.setAAD(aad, { plaintextLength: plaintext.length });
  return Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}

describe.each([
  ["engine", engine],
  ["twin", { seal: twinSeal, open: twinOpen }],
])("%s", (_, aead: Aead) => {
  test("RFC 8439 §2.8.2", () => {
    const key = hex("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f");
    const nonce = hex("070000004041424344454647");
    const aad = hex("50515253c0c1c2c3c4c5c6c7");
    const sealed =
      "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d6" +
      "3dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36" +
      "92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc" +
      "3ff4def08e4b7a9de576d26586cec64b61161ae10b594f09e26a7e902ecbd0600691";
    expect(toHex(aead.seal(key, nonce, aad, SUNSCREEN))).toBe(sealed);
    expect(aead.open(key, nonce, aad, hex(sealed))).toEqual(SUNSCREEN);
  });

  test("RFC 8439 appendix A.5", () => {
    const sealed =
      "64a0861575861af460f062c79be643bd5e805cfd345cf389f108670ac76c8cb2" +
      "4c6cfc18755d43eea09ee94e382d26b0bdb7b73c321b0100d4f03b7f355894cf" +
      "332f830e710b97ce98c8a84abd0b948114ad176e008d33bd60f982b1ff37c855" +
      "9797a06ef4f0ef61c186324e2b3506383606907b6a7c02b0f9f6157b53c867e4" +
      "b9166c767b804d46a59b5216cde7a4e99040c5a40433225ee282a1b0a06c523e" +
      "af4534d7f83fa1155b0047718cbc546a0d072b04b3564eea1b422273f548271a" +
      "0bb2316053fa76991955ebd63159434ecebb4e466dae5a1073a6727627097a10" +
      "49e617d91d361094fa68f0ff77987130305beaba2eda04df997b714d6c6f2c29" +
      "a6ad5cb4022b02709beead9d67890cbb22392336fea1851f38";
    const plaintext = aead.open(
      hex(KEY_APPENDIX),
      hex("000000000102030405060708"),
      hex("f33388860000000000004e91"),
      hex(sealed),
    );
    expect(new TextDecoder().decode(plaintext)).toBe(
      "Internet-Drafts are draft documents valid for a maximum of six months and may be updated, " +
        "replaced, or obsoleted by other documents at any time. It is inappropriate to use " +
        "Internet-Drafts as reference material or to cite them other than as " +
        "/\u201cwork in progress./\u201d",
    );
  });

  test("Wycheproof chacha20_poly1305", ({ skip }) => {
    const cases = wycheproof("chacha20_poly1305");
    if (cases === undefined) return skip(WYCHEPROOF_ABSENT);
    // Nonces of other lengths are no input that the engine's functions could be given.
    for (const { title, isValid, bytes } of cases.filter(({ number }) => number("ivSize") === 96)) {
      const [key, nonce, aad, message] = [bytes("key"), bytes("iv"), bytes("aad"), bytes("msg")];
      const sealed = Uint8Array.from([...bytes("ct"), ...bytes("tag")]);
      expect(aead.open(key, nonce, aad, sealed), title).toEqual(isValid ? message : undefined);
      if (isValid) expect(aead.seal(key, nonce, aad, message), title).toEqual(sealed);
    }
    return undefined;
  });
});

test("every length up to two long kernels agrees with node:crypto and opens again", () => {
  const [key, nonce, data] = [randomBytes(32), randomBytes(12), randomBytes(1100)];
  for (let length = 0; length <= data.length; length++) {
    const [aad, plaintext] = [data.subarray(0, length % 37), data.subarray(0, length)];
    const sealed = engine.seal(key, nonce, aad, plaintext);
    expect(toHex(sealed), `${length} bytes`).toBe(toHex(platformSeal(key, nonce, aad, plaintext)));
    expect(toHex(engine.open(key, nonce, aad, sealed)!)).toBe(toHex(plaintext));
  }
});

test("additional data of every length counts, with short and long messages", () => {
  const [key, nonce, aad] = [randomBytes(32), randomBytes(12), randomBytes(600)];
  for (let length = 0; length <= aad.length; length++) {
    const plaintext = randomBytes(length % 3 === 0 ? 300 : length % 20);
    const sealed = engine.seal(key, nonce, aad.subarray(0, length), plaintext);
    const expected = platformSeal(key, nonce, aad.subarray(0, length), plaintext);
    expect(toHex(sealed), `${length} bytes`).toBe(toHex(expected));
  }
});

test("random packets up to 64 KiB agree with node:crypto, and one changed bit is refused", () => {
  const byte = fc.nat(0xffff_ffff);
  fc.assert(
    fc.property(fc.nat(65536), fc.nat(64), byte, (length, aadLength, spot) => {
      const [key, nonce] = [randomBytes(32), randomBytes(12)];
      const [aad, plaintext] = [randomBytes(aadLength), randomBytes(length)];
      const sealed = engine.seal(key, nonce, aad, plaintext);
      expect(platformSeal(key, nonce, aad, plaintext).equals(sealed)).toBe(true);
      const forged = sealed.slice();
      forged[spot % forged.length]! ^= 1 << (spot & 7);
      expect(engine.open(key, nonce, aad, forged)).toBeUndefined();
      expect(Buffer.compare(engine.open(key, nonce, aad, sealed)!, plaintext)).toBe(0);
    }),
    { numRuns: 60 },
  );
});

test.each([0, 1, 15, 16, 64, 65, 129])("every bit of a packet of %i bytes counts", (length) => {
  const [key, nonce, aad] = [randomBytes(32), randomBytes(12), randomBytes(16)];
  const sealed = engine.seal(key, nonce, aad, randomBytes(length));
  for (const input of [key, nonce, aad, sealed]) {
    for (let bit = 0; bit < input.length * 8; bit++) {
      input[bit >> 3]! ^= 1 << (bit & 7);
      expect(engine.open(key, nonce, aad, sealed), `bit ${bit}`).toBeUndefined();
      input[bit >> 3]! ^= 1 << (bit & 7);
    }
  }
  expect(engine.open(key, nonce, aad, sealed)).toHaveLength(length);
});

test.each([0, 64, 128, 192, 300, 448, 1200, 5000])(
  "after a packet of %i bytes no key stream, one-time key or right tag is left in memory",
  (length) => {
    const [key, nonce, aad] = [randomBytes(32), randomBytes(12), randomBytes(16)];
    const sealed = engine.seal(key, nonce, aad, randomBytes(length));
    const statics = Buffer.from(module.bytes.buffer, 0, exports["staticEnd"]!());
    const secrets: Buffer[] = [];
    for (let counter = 0; counter <= Math.ceil(length / 64); counter++) {
      const block = Buffer.from(chacha20Block(key, counter, nonce));
      for (let at = 0; at < 64; at += 8) secrets.push(block.subarray(at, at + 8));
    }
    const expectClean = () => {
      for (const secret of secrets) expect(statics.includes(secret)).toBe(false);
      expect(statics.includes(key.subarray(0, 8))).toBe(false);
    };
    expectClean();
    engine.open(key, nonce, aad, sealed);
    expectClean();
    const rightTag = Buffer.from(sealed.subarray(length));
    const forged = Uint8Array.from(sealed);
    forged[length]! ^= 1;
    expect(engine.open(key, nonce, aad, forged)).toBeUndefined();
    expectClean();
    expect(statics.includes(rightTag.subarray(0, 8))).toBe(false);
  },
);

test("an authenticator leaves its scratch zeroed, so that r cannot be read afterwards", () => {
  const statics = () => Buffer.from(module.get(0, exports["staticEnd"]!()));
  const before = statics();
  engine.seal(randomBytes(32), randomBytes(12), randomBytes(16), randomBytes(1200));
  expect(statics().equals(before)).toBe(true);
});

test("a negative length stops the engine before anything is read or written", () => {
  const [key, nonce] = [module.reserve(32), module.reserve(12)];
  const data = module.put(randomBytes(64));
  const before = toHex(module.get(data, 64));
  for (const name of ["aeadSeal", "aeadOpen"]) {
    for (const [aadLength, length] of [
      [0, -1],
      [-1, 0],
    ] as const) {
      const call = () => exports[name]!(key, nonce, data, aadLength, data, length);
      expect(call).toThrow(WebAssembly.RuntimeError);
    }
  }
  expect(toHex(module.get(data, 64))).toBe(before);
});
