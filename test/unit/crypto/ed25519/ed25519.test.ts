/**
 * Goal: a signature is accepted exactly when its signer made it, and each has one form. Method: the
 * vectors of RFC 8032, Wycheproof, random signatures of node:crypto against the BigInt twin and
 * noble, and made-up signatures that a lenient verifier would accept.
 */
import { ed25519 as noble } from "@noble/curves/ed25519.js";
import fc from "fast-check";
import { createHash, randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { signer } from "../../../reference/certificate.ts";
import {
  addPoints,
  decodePoint,
  encodePoint,
  isIdentity,
  L,
  multiplyBase,
  multiplyPoint,
  verify as twin,
} from "../../../reference/ed25519.ts";
import { fromLittleEndian, P, toLittleEndian } from "../../../reference/field25519.ts";
import { hex, TestModule, toHex } from "../../../support/wasm.ts";

const module = new TestModule("crypto-b");
const { exports } = module;
beforeEach(() => module.release());

function verify(signature: Uint8Array, message: Uint8Array, key: Uint8Array): boolean {
  const at = [module.put(signature), module.put(message), message.length, module.put(key)];
  return exports["ed25519Verify"]!(...at) !== 0;
}

// RFC 8032 §7.1: TEST 1, TEST 2, TEST 3 and TEST SHA(abc).
const RFC8032 = [
  {
    key: "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    message: "",
    signature:
      "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155" +
      "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
  },
  {
    key: "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
    message: "72",
    signature:
      "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da" +
      "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
  },
  {
    key: "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
    message: "af82",
    signature:
      "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac" +
      "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
  },
  {
    key: "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
    message:
      "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a" +
      "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
    signature:
      "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b589" +
      "09351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704",
  },
];

test.each(RFC8032)("RFC 8032 §7.1 $key", ({ key, message, signature }) => {
  expect(verify(hex(signature), hex(message), hex(key))).toBe(true);
  expect(twin(hex(signature), hex(message), hex(key))).toBe(true);
});

test("signatures of node:crypto verify, and any flipped bit of them does not", () => {
  const input = fc.tuple(
    fc.uint8Array({ minLength: 32, maxLength: 32 }),
    fc.uint8Array({ maxLength: 300 }),
    fc.nat(64 * 8 - 1),
  );
  fc.assert(
    fc.property(input, ([seed, message, bit]) => {
      module.release();
      const { publicKey, ...pair } = signer(seed);
      const signature = pair.sign(message);
      expect(verify(signature, message, publicKey)).toBe(true);
      expect(noble.verify(signature, message, publicKey, { zip215: false })).toBe(true);
      signature[bit >> 3]! ^= 1 << (bit & 7);
      expect(verify(signature, message, publicKey)).toBe(false);
      expect(verify(signature, message, signer().publicKey)).toBe(false);
    }),
    { numRuns: 60 },
  );
});

test("agrees with the twin on honest, damaged and random input", () => {
  for (let round = 0; round < 6; round++) {
    const { publicKey, ...pair } = signer();
    const message = randomBytes(round * 40);
    const signature = pair.sign(message);
    const other = randomBytes(64);
    expect(twin(signature, message, publicKey)).toBe(true);
    expect(verify(signature, message, publicKey)).toBe(true);
    expect(verify(other, message, publicKey)).toBe(twin(other, message, publicKey));
    const key = randomBytes(32);
    expect(verify(signature, message, key)).toBe(twin(signature, message, key));
  }
});

/** S for the point R = [nonce] B (+ anything) and the key of `secret`. */
function scalarOf(
  secret: bigint,
  key: Uint8Array,
  message: Uint8Array,
  r: Uint8Array,
  nonce: bigint,
): bigint {
  const hash = createHash("sha512").update(r).update(key).update(message).digest();
  return (nonce + fromLittleEndian(hash) * secret) % L;
}

describe("one form only", () => {
  const secret = fromLittleEndian(randomBytes(31));
  const key = encodePoint(multiplyBase(secret));
  const message = randomBytes(20);
  const nonce = fromLittleEndian(randomBytes(31));
  const r = encodePoint(multiplyBase(nonce));
  const s = scalarOf(secret, key, message, r, nonce);
  const signature = (scalar: bigint, point: Uint8Array = r): Uint8Array =>
    Buffer.concat([point, toLittleEndian(scalar)]);

  test("S as it is verifies; S + L, which a lenient verifier takes too, does not", () => {
    expect(verify(signature(s), message, key)).toBe(true);
    for (let added = s + L; added < 2n ** 256n; added += L) {
      expect(verify(signature(added), message, key)).toBe(false);
    }
  });

  test("S at the border", () => {
    const canonical = (value: bigint): boolean =>
      exports["scalarIsCanonical"]!(module.put(toLittleEndian(value))) !== 0;
    for (const value of [0n, 1n, L - 1n, 2n ** 252n]) expect(canonical(value)).toBe(true);
    for (const value of [L, L + 1n, 2n ** 253n, 2n ** 256n - 1n])
      expect(canonical(value)).toBe(false);
  });

  test("an R that is off by a point of small order is refused: no cofactor", () => {
    const offset = encodePoint(addPoints(multiplyBase(nonce), SMALL_ORDER[2]!));
    const shifted = scalarOf(secret, key, message, offset, nonce);
    expect(verify(signature(shifted, offset), message, key)).toBe(false);
    expect(twin(signature(shifted, offset), message, key)).toBe(false);
  });

  test("an R spelled with y = p + 1 is refused, although its value is that point", () => {
    // R is the identity when the nonce is 0; p + 1 is another spelling of its y.
    const canonical = encodePoint(multiplyBase(0n));
    const other = toLittleEndian(P + 1n);
    const of = (point: Uint8Array): boolean =>
      verify(signature(scalarOf(secret, key, message, point, 0n), point), message, key);
    expect(of(canonical)).toBe(true);
    expect(of(other)).toBe(false);
  });
});

/**
 * The eight points whose order divides 8: the multiples of one of order 8, [L] of a random point.
 */
const SMALL_ORDER = (() => {
  for (let y = 2n; ; y++) {
    const point = decodePoint(toLittleEndian(y));
    if (point === undefined) continue;
    const torsion = multiplyPoint(L, point);
    if (isIdentity(multiplyPoint(4n, torsion))) continue;
    return Array.from({ length: 8 }, (_, index) => multiplyPoint(BigInt(index), torsion));
  }
})();

test("a key of small order is refused, although its signatures fit many messages", () => {
  expect(new Set(SMALL_ORDER.map((point) => toHex(encodePoint(point)))).size).toBe(8);
  const accepted = SMALL_ORDER.map((point) => {
    const key = encodePoint(point);
    // With S = 0 the equation is R = -[k]A, which holds for one message in eight at worst.
    for (let attempt = 0; attempt < 64; attempt++) {
      const r = encodePoint(multiplyPoint(BigInt(attempt % 8), SMALL_ORDER[1]!));
      const signature = Buffer.concat([r, new Uint8Array(32)]);
      if (verify(signature, Uint8Array.of(attempt), key)) return true;
    }
    return false;
  });
  expect(accepted).toEqual(Array.from({ length: 8 }, () => false));
});

describe("keys", () => {
  const decodes = (bytes: Uint8Array): boolean => {
    const out = module.reserve(320);
    const isPoint: number = exports["pointDecode"]!(out, module.put(bytes));
    if (isPoint === 0) return false;
    const back = module.reserve(32);
    exports["pointEncode"]!(back, out);
    expect(module.get(back, 32)).toEqual(new Uint8Array(bytes));
    return true;
  };

  test("are decoded exactly when the twin decodes them, and encode to the same bytes", () => {
    for (let y = 0n; y < 40n; y++) {
      for (const value of [y, P - y, P + y, y + 2n ** 255n, P - y + 2n ** 255n]) {
        if (value >= 2n ** 256n) continue;
        const bytes = toLittleEndian(value);
        expect(decodes(bytes), `${value}`).toBe(decodePoint(bytes) !== undefined);
      }
    }
    for (let round = 0; round < 40; round++) {
      const bytes = new Uint8Array(randomBytes(32));
      expect(decodes(bytes)).toBe(decodePoint(bytes) !== undefined);
    }
  });

  test("have no y from p on, and no negative zero", () => {
    for (let value = P; value < 2n ** 255n; value++) {
      expect(decodes(toLittleEndian(value))).toBe(false);
    }
    expect(decodes(toLittleEndian(1n))).toBe(true);
    expect(decodes(toLittleEndian(1n + 2n ** 255n))).toBe(false);
    expect(decodes(toLittleEndian(P - 1n))).toBe(true);
    expect(decodes(toLittleEndian(P - 1n + 2n ** 255n))).toBe(false);
  });
});

describe("scalars", () => {
  const edges = [0n, 1n, L - 1n, L, L + 1n, 2n * L, L << 200n, 2n ** 252n, 2n ** 512n - 1n];
  const wide = fc.oneof(fc.constantFrom(...edges), fc.bigInt({ min: 0n, max: 2n ** 512n - 1n }));

  test("64 bytes are reduced modulo L", () => {
    fc.assert(
      fc.property(wide, (value) => {
        module.release();
        const out = module.reserve(32);
        exports["scalarReduce"]!(out, module.put(toLittleEndian(value, 64)));
        expect(fromLittleEndian(module.get(out, 32))).toBe(value % L);
      }),
      { numRuns: 500 },
    );
  });

  test("digits add up to the scalar, are odd and small, and stand five apart", () => {
    fc.assert(
      fc.property(wide, (value) => {
        module.release();
        const scalar = value % 2n ** 253n;
        const at = module.reserve(48);
        module.bytes.set(toLittleEndian(scalar), at);
        module.bytes.fill(0xff, at + 32, at + 48);
        const out = module.reserve(256);
        exports["scalarDigits"]!(out, at);
        const digits = Array.from(new Int8Array(module.get(out, 256).buffer));
        const sum = digits.reduce(
          (total, digit, index) => total + (BigInt(digit) << BigInt(index)),
          0n,
        );
        expect(sum).toBe(scalar);
        const used = digits.flatMap((digit, index) => (digit === 0 ? [] : [index]));
        for (const [order, index] of used.entries()) {
          expect(Math.abs(digits[index]! % 2)).toBe(1);
          expect(Math.abs(digits[index]!)).toBeLessThan(16);
          expect(index - (used[order - 1] ?? -5)).toBeGreaterThanOrEqual(5);
        }
      }),
      { numRuns: 300 },
    );
  });
});

const WYCHEPROOF = join(
  import.meta.dirname,
  "../../../../../shared/vectors/wycheproof/ed25519_test.json",
);
interface EddsaGroup {
  readonly publicKey: { readonly pk: string };
  readonly tests: readonly {
    readonly tcId: number;
    readonly comment: string;
    readonly msg: string;
    readonly sig: string;
    readonly result: "valid" | "invalid";
  }[];
}
const groups = existsSync(WYCHEPROOF)
  ? (JSON.parse(readFileSync(WYCHEPROOF, "utf8")) as { testGroups: EddsaGroup[] }).testGroups
  : [];
if (groups.length === 0) console.warn(`ed25519: ${WYCHEPROOF} is absent and is not replayed`);

describe.runIf(groups.length > 0)("Wycheproof", () => {
  test("every vector; a signature of another length than 64 never reaches the engine", () => {
    let replayed = 0;
    for (const { publicKey, tests } of groups) {
      for (const { tcId, comment, msg, sig, result } of tests) {
        module.release();
        const signature = hex(sig);
        if (signature.length !== 64) {
          expect(result).toBe("invalid");
          continue;
        }
        const verdict = verify(signature, hex(msg), hex(publicKey.pk));
        expect(verdict, `tcId ${tcId}: ${comment}`).toBe(result === "valid");
        replayed++;
      }
    }
    expect(replayed).toBeGreaterThan(100);
  });
});
