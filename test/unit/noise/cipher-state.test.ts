/**
 * Goal: a key and nonce meet one message only, and a forged message changes nothing.
 * Method: run transport messages against the twin, and look at the counter in the record.
 */
import fc from "fast-check";
import { randomBytes } from "node:crypto";
import { beforeEach, expect, test } from "vitest";
import { CipherState } from "../../reference/noise.ts";
import { PATTERNS } from "../../support/noise.ts";
import { TestModule } from "../../support/wasm.ts";

const N = 32;
const module = new TestModule("noise");
const { exports } = module;
beforeEach(() => module.release());

function newCipher(key: Uint8Array): number {
  const state = module.reserve(exports["cipherStateSize"]!());
  exports["cipherInitializeKey"]!(state, module.put(key));
  return state;
}

/** The ciphertext of `plaintext`. */
function encrypt(state: number, ad: Uint8Array, plaintext: Uint8Array): Uint8Array {
  const data = module.reserve(plaintext.length + 16);
  module.bytes.set(plaintext, data);
  const at = [module.put(ad), ad.length, data, plaintext.length] as const;
  return module.get(data, exports["cipherEncryptWithAd"]!(state, ...at));
}

/** The plaintext, or undefined; then the bytes have to be as they were. */
function decrypt(state: number, ad: Uint8Array, ciphertext: Uint8Array): Uint8Array | undefined {
  const data = module.put(ciphertext);
  const at = [module.put(ad), ad.length, data, ciphertext.length] as const;
  const length: number = exports["cipherDecryptWithAd"]!(state, ...at);
  if (length >= 0) return module.get(data, length);
  expect(module.get(data, ciphertext.length)).toEqual(new Uint8Array(ciphertext));
  return undefined;
}

test("agrees with the twin on a run of messages with additional data", () => {
  const message = fc.tuple(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ maxLength: 400 }));
  fc.assert(
    fc.property(fc.array(message, { maxLength: 10 }), (messages) => {
      module.release();
      const key = new Uint8Array(randomBytes(32));
      const [ours, theirs, twin] = [newCipher(key), newCipher(key), new CipherState(key)];
      for (const [ad, plaintext] of messages) {
        const ciphertext = encrypt(ours, ad, plaintext);
        expect(ciphertext).toEqual(twin.encryptWithAd(ad, plaintext));
        expect(decrypt(theirs, ad, ciphertext)).toEqual(new Uint8Array(plaintext));
      }
    }),
    { numRuns: 40 },
  );
});

test("a forged, shortened or differently addressed message is refused and not counted", () => {
  const key = randomBytes(32);
  const [ours, theirs] = [newCipher(key), newCipher(key)];
  const ad = Uint8Array.of(1);
  const ciphertext = encrypt(ours, ad, randomBytes(20));
  for (let length = 0; length < ciphertext.length; length++) {
    expect(decrypt(theirs, ad, ciphertext.subarray(0, length))).toBeUndefined();
  }
  expect(decrypt(theirs, Uint8Array.of(2), ciphertext)).toBeUndefined();
  expect(module.view.getBigUint64(theirs + N, true)).toBe(0n);
  expect(decrypt(theirs, ad, ciphertext)).toHaveLength(20);
  expect(module.view.getBigUint64(theirs + N, true)).toBe(1n);
  expect(decrypt(theirs, ad, ciphertext), "a repeated message").toBeUndefined();
});

test("without a key messages pass as they are", () => {
  const state = module.reserve(exports["cipherStateSize"]!());
  const plaintext = new Uint8Array(randomBytes(20));
  expect(encrypt(state, Uint8Array.of(1), plaintext)).toEqual(plaintext);
  expect(decrypt(state, Uint8Array.of(1), plaintext)).toEqual(plaintext);
});

test("the last nonce is reserved: to use it is a bug, and traps", () => {
  const own = new TestModule("noise");
  const state = own.reserve(48);
  own.exports["cipherInitializeKey"]!(state, own.put(randomBytes(32)));
  const data = own.reserve(32);
  own.view.setBigUint64(state + N, 2n ** 64n - 2n, true);
  expect(own.exports["cipherEncryptWithAd"]!(state, 0, 0, data, 1)).toBe(17);
  expect(() => own.exports["cipherEncryptWithAd"]!(state, 0, 0, data, 1)).toThrow(
    WebAssembly.RuntimeError,
  );
  expect(() => own.exports["cipherDecryptWithAd"]!(state, 0, 0, data, 17)).toThrow(
    WebAssembly.RuntimeError,
  );
});

test("each pattern has the name of the specification", () => {
  for (const [name, pattern] of Object.entries(PATTERNS)) {
    const out = module.reserve(48);
    const length: number = exports["patternProtocolName"]!(pattern, out);
    const text = new TextDecoder().decode(module.get(out, length));
    expect(text).toBe(`Noise_${name}_25519_ChaChaPoly_SHA256`);
  }
});
