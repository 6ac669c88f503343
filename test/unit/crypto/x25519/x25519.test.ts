/**
 * Goal: X25519 computes what RFC 7748 says, also for the points an attacker would pick. Method: the
 * vectors of the RFC, Wycheproof, and random inputs against the BigInt twin, node:crypto and noble.
 */
import { x25519 as noble } from "@noble/curves/ed25519.js";
import fc from "fast-check";
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { dh, publicKeyOf } from "../../../reference/noise.ts";
import { x25519 as twin } from "../../../reference/x25519.ts";
import { hex, TestModule, toHex } from "../../../support/wasm.ts";

const module = new TestModule("crypto-b");
const { exports } = module;
beforeEach(() => module.release());

/** The result, and whether the engine called it usable. */
function x25519(scalar: Uint8Array, point: Uint8Array): [Uint8Array<ArrayBuffer>, boolean] {
  const out = module.reserve(32);
  const isUsable: number = exports["x25519"]!(out, module.put(scalar), module.put(point));
  return [module.get(out, 32), isUsable !== 0];
}

// RFC 7748 §5.2.
const RFC7748 = [
  {
    scalar: "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
    point: "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
    result: "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552",
  },
  {
    scalar: "4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
    point: "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
    result: "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957",
  },
];

// RFC 7748 §5.2: start from 9 and 9, then the result is the scalar and the scalar is the point.
const ITERATED = [
  [1, "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079"],
  [1000, "684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51"],
] as const;

test.each(RFC7748)("RFC 7748 §5.2 $scalar", ({ scalar, point, result }) => {
  expect(toHex(x25519(hex(scalar), hex(point))[0])).toBe(result);
  expect(toHex(twin(hex(scalar), hex(point)))).toBe(result);
});

test.each(ITERATED)("RFC 7748 §5.2 after %i iterations", (iterations, result) => {
  let scalar = new Uint8Array(32);
  scalar[0] = 9;
  let point = scalar;
  for (let done = 0; done < iterations; done++) {
    module.release();
    [scalar, point] = [x25519(scalar, point)[0], scalar];
  }
  expect(toHex(scalar)).toBe(result);
});

test("RFC 7748 §6.1: both sides of the exchange", () => {
  const a = hex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a");
  const b = hex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb");
  const publicA = "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a";
  const publicB = "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f";
  const shared = "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742";
  expect(toHex(publicKey(a))).toBe(publicA);
  expect(toHex(publicKey(b))).toBe(publicB);
  expect(toHex(x25519(a, hex(publicB))[0])).toBe(shared);
  expect(toHex(x25519(b, hex(publicA))[0])).toBe(shared);
});

function publicKey(scalar: Uint8Array): Uint8Array<ArrayBuffer> {
  const out = module.reserve(32);
  exports["x25519PublicKey"]!(out, module.put(scalar));
  return module.get(out, 32);
}

test("agrees with the twin, node:crypto and noble on random keys", () => {
  const bytes = fc.uint8Array({ minLength: 32, maxLength: 32 });
  fc.assert(
    fc.property(bytes, bytes, (scalar, point) => {
      module.release();
      const [result, isUsable] = x25519(scalar, point);
      expect(result).toEqual(twin(scalar, point));
      expect(isUsable).toBe(result.some((byte) => byte !== 0));
      expect(publicKey(scalar)).toEqual(publicKeyOf(scalar));
      expect(publicKey(scalar)).toEqual(new Uint8Array(noble.getPublicKey(scalar)));
      if (isUsable) expect(dh(scalar, point)).toEqual(result);
    }),
    { numRuns: 60 },
  );
});

test("the result may be written over either operand", () => {
  const { scalar, point, result } = RFC7748[0]!;
  for (const target of [0, 1]) {
    const operands = [module.put(hex(scalar)), module.put(hex(point))];
    exports["x25519"]!(operands[target]!, operands[0]!, operands[1]!);
    expect(toHex(module.get(operands[target]!, 32))).toBe(result);
  }
});

test("the ladder leaves nothing in static memory", () => {
  const fresh = new TestModule("crypto-b");
  const before = Buffer.from(fresh.bytes.subarray(0, 1 << 20));
  const out = fresh.reserve(32);
  fresh.exports["x25519"]!(
    out,
    fresh.put(randomBytes(32)),
    fresh.put(publicKeyOf(randomBytes(32))),
  );
  expect(Buffer.from(fresh.bytes.subarray(0, 1 << 20)).equals(before)).toBe(true);
});

const WYCHEPROOF = join(
  import.meta.dirname,
  "../../../../../shared/vectors/wycheproof/x25519_test.json",
);
interface XdhVector {
  readonly tcId: number;
  readonly comment: string;
  readonly flags: readonly string[];
  readonly public: string;
  readonly private: string;
  readonly shared: string;
  readonly result: "valid" | "acceptable" | "invalid";
}
const groups = existsSync(WYCHEPROOF)
  ? (JSON.parse(readFileSync(WYCHEPROOF, "utf8")) as { testGroups: { tests: XdhVector[] }[] })
      .testGroups
  : [];
if (groups.length === 0) console.warn(`x25519: ${WYCHEPROOF} is absent and is not replayed`);

describe.runIf(groups.length > 0)("Wycheproof", () => {
  test("every vector, and an all-zero result is refused", () => {
    const vectors = groups.flatMap((group) => group.tests);
    expect(vectors.length).toBeGreaterThan(500);
    for (const vector of vectors) {
      module.release();
      const [result, isUsable] = x25519(hex(vector.private), hex(vector.public));
      const context = `tcId ${vector.tcId}: ${vector.comment}`;
      expect(toHex(result), context).toBe(vector.shared);
      expect(isUsable, context).toBe(!vector.flags.includes("ZeroSharedSecret"));
    }
  });
});
