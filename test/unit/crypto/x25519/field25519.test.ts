/**
 * Goal: field arithmetic is exact for every input, the edges of the representation included.
 * Method: compare with BigInt over random and chosen values, in chains of sums and products as the
 * curves use.
 */
import fc from "fast-check";
import { beforeEach, expect, test } from "vitest";
import { fromLittleEndian, invert, mod, P, toLittleEndian } from "../../../reference/field25519.ts";
import { TestModule } from "../../../support/wasm.ts";

const module = new TestModule("crypto-b");
const { exports } = module;
beforeEach(() => module.release());

/** Values at which a carry, a borrow or the final subtraction of p changes its mind. */
const EDGES = [
  0n,
  1n,
  2n,
  18n,
  19n,
  20n,
  P - 20n,
  P - 19n,
  P - 2n,
  P - 1n,
  P,
  P + 1n,
  P + 18n,
  2n ** 255n - 1n,
  2n ** 254n,
  2n ** 253n - 1n,
  2n ** 26n - 1n,
  2n ** 51n,
  2n ** 77n - 1n,
  2n ** 128n,
  2n ** 230n - 1n,
  2n ** 230n,
  (2n ** 255n - 1n) / 3n,
];
const number = fc.oneof(fc.constantFrom(...EDGES), fc.bigInt({ min: 0n, max: 2n ** 255n - 1n }));

function element(value: bigint): number {
  const at = module.reserve(exports["fieldSize"]!());
  exports["fieldDecode"]!(at, module.put(toLittleEndian(value)));
  return at;
}

function encoded(at: number): bigint {
  const bytes = module.reserve(32);
  exports["fieldEncode"]!(bytes, at);
  return fromLittleEndian(module.get(bytes, 32));
}

function apply(name: string, ...operands: number[]): number {
  const out = module.reserve(exports["fieldSize"]!());
  exports[name]!(out, ...operands);
  return out;
}

test("decoding and encoding reduces modulo p", () => {
  for (const value of EDGES) expect(encoded(element(value))).toBe(mod(value));
  fc.assert(
    fc.property(number, (value) => {
      module.release();
      expect(encoded(element(value))).toBe(mod(value));
    }),
  );
});

test("sum, difference, product and square of any two values are those of BigInt", () => {
  fc.assert(
    fc.property(number, number, (a, b) => {
      module.release();
      const [x, y] = [element(a), element(b)];
      expect(encoded(apply("fieldMultiply", x, y))).toBe(mod(a * b));
      expect(encoded(apply("fieldSquare", x))).toBe(mod(a * a));
      // A sum of decoded values has limbs twice as large as one of products: reduce it by a product
      // with 1.
      const one = element(1n);
      const [sum, difference] = [apply("fieldAdd", x, y), apply("fieldSubtract", x, y)];
      expect(encoded(apply("fieldMultiply", sum, one))).toBe(mod(a + b));
      expect(encoded(apply("fieldMultiply", difference, one))).toBe(mod(a - b));
    }),
    { numRuns: 500 },
  );
});

test("products of sums and differences stay exact at the largest limbs", () => {
  fc.assert(
    fc.property(number, number, number, (a, b, c) => {
      module.release();
      const [x, y, z] = [element(a), element(b), element(c)];
      const [sum, difference] = [apply("fieldAdd", x, y), apply("fieldSubtract", y, z)];
      expect(encoded(apply("fieldMultiply", sum, difference))).toBe(mod((a + b) * (b - c)));
      expect(encoded(apply("fieldSquare", sum))).toBe(mod((a + b) ** 2n));
      const product = apply("fieldMultiply", sum, sum);
      const other = apply("fieldMultiply", difference, difference);
      expect(encoded(apply("fieldAdd", product, other))).toBe(mod((a + b) ** 2n + (b - c) ** 2n));
      expect(encoded(apply("fieldSubtract", product, other))).toBe(
        mod((a + b) ** 2n - (b - c) ** 2n),
      );
    }),
    { numRuns: 500 },
  );
});

test("a product of two elements may overwrite either of them", () => {
  const [x, y] = [element(3n), element(P - 5n)];
  exports["fieldMultiply"]!(x, x, y);
  expect(encoded(x)).toBe(P - 15n);
  exports["fieldSquare"]!(y, y);
  expect(encoded(y)).toBe(25n);
});

test("the inverse of any value is its inverse, and of 0 is 0", () => {
  fc.assert(
    fc.property(number, (a) => {
      module.release();
      expect(encoded(apply("fieldInvert", element(a)))).toBe(invert(a));
    }),
    { numRuns: 50 },
  );
  expect(encoded(apply("fieldInvert", element(0n)))).toBe(0n);
});
