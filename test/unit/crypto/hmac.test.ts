/**
 * Goal: HMAC-SHA256 is that of RFC 2104 for every length of key and message.
 * Method: the vectors of RFC 4231 and Wycheproof, then random ones against node:crypto and the twin.
 */
import fc from "fast-check";
import { createHmac } from "node:crypto";
import { beforeEach, expect, test } from "vitest";
import { hmacSha256 as twin } from "../../reference/hmac.ts";
import { hex, TestModule, toHex } from "../../support/wasm.ts";
import { WYCHEPROOF_ABSENT, wycheproof } from "../../support/wycheproof.ts";

const module = new TestModule("crypto-a");
const { exports } = module;
beforeEach(() => module.release());

function hmac(key: Uint8Array, message: Uint8Array): string {
  module.release();
  const out = module.reserve(32);
  exports["hmacSha256"]!(module.put(key), key.length, module.put(message), message.length, out);
  return toHex(module.get(out, 32));
}

const text = (value: string) => toHex(new TextEncoder().encode(value));

// RFC 4231 §4.2 to §4.8; case 5 truncates the tag to 128 bits.
const RFC4231 = [
  {
    key: "0b".repeat(20),
    message: text("Hi There"),
    tag: "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
  },
  {
    key: text("Jefe"),
    message: text("what do ya want for nothing?"),
    tag: "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
  },
  {
    key: "aa".repeat(20),
    message: "dd".repeat(50),
    tag: "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
  },
  {
    key: "0102030405060708090a0b0c0d0e0f10111213141516171819",
    message: "cd".repeat(50),
    tag: "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
  },
  {
    key: "0c".repeat(20),
    message: text("Test With Truncation"),
    tag: "a3b6167473100ee06e0c796c2955552b",
  },
  {
    key: "aa".repeat(131),
    message: text("Test Using Larger Than Block-Size Key - Hash Key First"),
    tag: "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
  },
  {
    key: "aa".repeat(131),
    message: text(
      "This is a test using a larger than block-size key and a larger than block-size data. " +
        "The key needs to be hashed before being used by the HMAC algorithm.",
    ),
    tag: "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
  },
];

test.each(RFC4231)("RFC 4231 $message", ({ key, message, tag }) => {
  expect(hmac(hex(key), hex(message)).slice(0, tag.length)).toBe(tag);
  expect(toHex(twin(hex(key), hex(message))).slice(0, tag.length)).toBe(tag);
});

test("Wycheproof hmac_sha256", ({ skip }) => {
  const cases = wycheproof("hmac_sha256");
  if (cases === undefined) return skip(WYCHEPROOF_ABSENT);
  for (const { title, isValid, bytes, number } of cases) {
    const code = hmac(bytes("key"), bytes("msg")).slice(0, number("tagSize") / 4);
    expect(code === toHex(bytes("tag")), title).toBe(isValid);
  }
  return undefined;
});

test("random keys and messages agree with node:crypto and the twin", () => {
  const bytes = fc.uint8Array({ maxLength: 200 });
  fc.assert(
    fc.property(bytes, bytes, (key, message) => {
      const expected = createHmac("sha256", key).update(message).digest("hex");
      expect(hmac(key, message)).toBe(expected);
      expect(toHex(twin(key, message))).toBe(expected);
    }),
  );
});

test("pieces make the code of the whole and leave no state behind", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 150 }), { maxLength: 5 }), (pieces) => {
      module.release();
      const key = Uint8Array.of(1, 2, 3);
      const stateSize = exports["hmacStateSize"]!();
      const [state, out] = [module.reserve(stateSize), module.reserve(32)];
      exports["hmacInit"]!(state, module.put(key), key.length);
      for (const piece of pieces) exports["hmacUpdate"]!(state, module.put(piece), piece.length);
      exports["hmacFinal"]!(state, out);
      expect(module.get(state, stateSize).every((byte) => byte === 0)).toBe(true);
      expect(toHex(module.get(out, 32))).toBe(hmac(key, Buffer.concat(pieces)));
    }),
  );
});

test("the code may overwrite the key or the message, as Noise does with its chaining key", () => {
  const [key, message] = [hex("11".repeat(32)), hex("22".repeat(32))];
  const expected = hmac(key, message);
  for (const target of [0, 1]) {
    module.release();
    const inputs = [module.put(key), module.put(message)] as const;
    exports["hmacSha256"]!(inputs[0], 32, inputs[1], 32, inputs[target]!);
    expect(toHex(module.get(inputs[target]!, 32))).toBe(expected);
  }
});
