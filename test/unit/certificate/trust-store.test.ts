/**
 * Goal: the store holds what was put in, refuses when full, and forgets what was taken out.
 * Method: run random commands against a model, then fill each table to its end.
 */
import fc from "fast-check";
import { randomBytes } from "node:crypto";
import { beforeEach, describe, expect, test } from "vitest";
import { TestModule } from "../../support/wasm.ts";

const OK = 0;
const MEMORY_LIMIT = -37;
const module = new TestModule("certificate");
const { exports } = module;
beforeEach(() => module.release());

function newStore(): number {
  const trust = module.reserve(exports["trustStoreSize"]!());
  module.bytes.fill(0xaa, trust, trust + exports["trustStoreSize"]!());
  exports["trustStoreInit"]!(trust);
  return trust;
}

const TABLES = [
  { add: "trustAuthority", remove: "distrustAuthority", has: "isAuthorityTrusted", max: 16 },
  { add: "pinIdentity", remove: "unpinIdentity", has: "isIdentityPinned", max: 1024 },
];

describe.each(TABLES)("$add", ({ add, remove, has, max }) => {
  test("behaves as a set under random commands", () => {
    const keys = Array.from({ length: 12 }, () => randomBytes(32));
    const command = fc.tuple(fc.boolean(), fc.nat(keys.length - 1));
    fc.assert(
      fc.property(fc.array(command, { maxLength: 60 }), (commands) => {
        module.release();
        const trust = newStore();
        const addresses = keys.map((key) => module.put(key));
        const model = new Set<number>();
        for (const [isAdd, index] of commands) {
          if (isAdd) {
            expect(exports[add]!(trust, addresses[index]!)).toBe(OK);
            model.add(index);
          } else {
            expect(exports[remove]!(trust, addresses[index]!) !== 0).toBe(model.delete(index));
          }
          for (const [other, address] of addresses.entries()) {
            expect(exports[has]!(trust, address) !== 0).toBe(model.has(other));
          }
        }
      }),
    );
  });

  test("refuses one more than fits, and keeps all that it had", () => {
    const trust = newStore();
    const addresses = Array.from({ length: max + 1 }, () => module.put(randomBytes(32)));
    const last = addresses.pop()!;
    for (const address of addresses) expect(exports[add]!(trust, address)).toBe(OK);
    expect(exports[add]!(trust, last)).toBe(MEMORY_LIMIT);
    expect(exports[has]!(trust, last)).toBe(0);
    expect(exports[add]!(trust, addresses[0]!), "a known key is no new one").toBe(OK);
    for (const address of addresses) expect(exports[has]!(trust, address)).toBe(1);
    expect(exports[remove]!(trust, addresses[3]!)).toBe(1);
    expect(exports[add]!(trust, last)).toBe(OK);
  });
});

test("a key in one table is not in another, and an empty store does not hold zeros", () => {
  const trust = newStore();
  const key = module.put(randomBytes(32));
  const zeros = module.reserve(32);
  for (const { has } of TABLES) expect(exports[has]!(trust, zeros)).toBe(0);
  expect(exports["isVerified"]!(trust, zeros)).toBe(0);
  exports["pinIdentity"]!(trust, key);
  expect(exports["isAuthorityTrusted"]!(trust, key)).toBe(0);
  expect(exports["isVerified"]!(trust, key)).toBe(0);
});

test("the 65th verified digest takes the place of the first", () => {
  const trust = newStore();
  const digests = Array.from({ length: 65 }, () => module.put(randomBytes(32)));
  for (const digest of digests) exports["rememberVerified"]!(trust, digest);
  expect(digests.map((digest) => exports["isVerified"]!(trust, digest))).toEqual([
    0,
    ...Array.from({ length: 64 }, () => 1),
  ]);
});
