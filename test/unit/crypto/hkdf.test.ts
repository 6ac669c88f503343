/**
 * Goal: HKDF is that of RFC 5869 for every length it allows, and traps above.
 * Method: the vectors of the RFC and Wycheproof, then random inputs against node:crypto, noble and the twin.
 */
import { expand as nobleExpand } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import fc from "fast-check";
import { hkdfSync } from "node:crypto";
import { expect, test } from "vitest";
import { hkdfExpand as twinExpand, hkdfExtract as twinExtract } from "../../reference/hmac.ts";
import { hex, TestModule, toHex } from "../../support/wasm.ts";
import { WYCHEPROOF_ABSENT, wycheproof } from "../../support/wycheproof.ts";

const OUTPUT_MAX = 255 * 32;
const module = new TestModule("crypto-a");
const { exports } = module;

function extract(salt: Uint8Array, ikm: Uint8Array): Uint8Array<ArrayBuffer> {
  module.release();
  const out = module.reserve(32);
  exports["hkdfExtract"]!(module.put(salt), salt.length, module.put(ikm), ikm.length, out);
  return module.get(out, 32);
}

function expand(prk: Uint8Array, info: Uint8Array, size: number): Uint8Array<ArrayBuffer> {
  module.release();
  const out = module.reserve(Math.max(size, 1));
  exports["hkdfExpand"]!(module.put(prk), module.put(info), info.length, out, size);
  return module.get(out, size);
}

/** The bytes from `first` to `last`, as RFC 5869 appendix A.2 uses them. */
const run = (first: number, last: number) =>
  Uint8Array.from({ length: last - first + 1 }, (_, index) => first + index);

// RFC 5869 appendix A.1 to A.3.
const RFC5869 = [
  {
    title: "A.1",
    ikm: hex("0b".repeat(22)),
    salt: run(0x00, 0x0c),
    info: run(0xf0, 0xf9),
    prk: "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5",
    okm: "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
  },
  {
    title: "A.2",
    ikm: run(0x00, 0x4f),
    salt: run(0x60, 0xaf),
    info: run(0xb0, 0xff),
    prk: "06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244",
    okm:
      "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c" +
      "59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71" +
      "cc30c58179ec3e87c14c01d5c1f3434f1d87",
  },
  {
    title: "A.3",
    ikm: hex("0b".repeat(22)),
    salt: new Uint8Array(0),
    info: new Uint8Array(0),
    prk: "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04",
    okm: "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
  },
];

test.each(RFC5869)("RFC 5869 $title", ({ ikm, salt, info, prk, okm }) => {
  expect(toHex(extract(salt, ikm))).toBe(prk);
  expect(toHex(expand(hex(prk), info, okm.length / 2))).toBe(okm);
  expect(toHex(twinExtract(salt, ikm))).toBe(prk);
  expect(toHex(twinExpand(hex(prk), info, okm.length / 2))).toBe(okm);
});

test("Wycheproof hkdf_sha256", ({ skip }) => {
  const cases = wycheproof("hkdf_sha256");
  if (cases === undefined) return skip(WYCHEPROOF_ABSENT);
  for (const { title, isValid, bytes, number } of cases) {
    // The invalid ones ask for more than RFC 5869 §2.3 allows: a bug of the caller, so the engine stops.
    const derive = () =>
      expand(extract(bytes("salt"), bytes("ikm")), bytes("info"), number("size"));
    if (isValid) expect(toHex(derive()), title).toBe(toHex(bytes("okm")));
    else expect(derive, title).toThrow(WebAssembly.RuntimeError);
  }
  return undefined;
});

test("random inputs agree with node:crypto and the twin", () => {
  const bytes = fc.uint8Array({ maxLength: 100 });
  fc.assert(
    fc.property(bytes, bytes, bytes, fc.integer({ min: 1, max: 200 }), (ikm, salt, info, size) => {
      const expected = toHex(new Uint8Array(hkdfSync("sha256", ikm, salt, info, size)));
      expect(toHex(expand(extract(salt, ikm), info, size))).toBe(expected);
    }),
  );
});

test("the longest output is right and one byte more traps", () => {
  const prk = hex("42".repeat(32));
  const info = new Uint8Array(3);
  expect(expand(prk, info, OUTPUT_MAX)).toEqual(nobleExpand(sha256, prk, info, OUTPUT_MAX));
  expect(expand(prk, info, 0)).toEqual(new Uint8Array(0));
  expect(() => expand(prk, info, OUTPUT_MAX + 1)).toThrow(WebAssembly.RuntimeError);
});

test("the output may overwrite the key, as a key update does", () => {
  const prk = hex("42".repeat(32));
  const expected = toHex(expand(prk, prk, 64));
  module.release();
  const [at, info] = [module.put(new Uint8Array(64)), module.put(prk)];
  module.bytes.set(prk, at);
  exports["hkdfExpand"]!(at, info, 32, at, 64);
  expect(toHex(module.get(at, 64))).toBe(expected);
});
