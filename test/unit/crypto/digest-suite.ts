/** What every hash function has to pass; the tests of SHA-256 and SHA-512 call it with theirs. */
import fc from "fast-check";
import { createHash, randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { type TestModule, toHex } from "../../support/wasm.ts";

export interface DigestUnderTest {
  readonly module: TestModule;
  /** Names of the engine's functions begin with it: sha256, sha256Init … */
  readonly name: "sha256" | "sha512";
  readonly blockSize: number;
  readonly digestSize: number;
  readonly twin: (message: Uint8Array) => Uint8Array;
  /** Message as text, repeated so many times, and its digest, from FIPS 180-4 examples. */
  readonly examples: readonly (readonly [text: string, repeats: number, digest: string])[];
}

export function digestSuite(digest: DigestUnderTest): void {
  const { module, name, blockSize, digestSize, twin } = digest;
  const { exports } = module;
  const platform = (message: Uint8Array) => createHash(name).update(message).digest("hex");

  function oneShot(message: Uint8Array): string {
    module.release();
    const out = module.reserve(digestSize);
    exports[name]!(module.put(message), message.length, out);
    return toHex(module.get(out, digestSize));
  }

  function streamed(pieces: readonly Uint8Array[]): string {
    module.release();
    const stateSize = exports[`${name}StateSize`]!();
    const state = module.reserve(stateSize);
    const out = module.reserve(digestSize);
    exports[`${name}Init`]!(state);
    for (const piece of pieces) exports[`${name}Update`]!(state, module.put(piece), piece.length);
    exports[`${name}Final`]!(state, out);
    expect(module.get(state, stateSize).every((byte) => byte === 0)).toBe(true);
    return toHex(module.get(out, digestSize));
  }

  test.each(digest.examples)("example %j × %i", (text, repeats, expected) => {
    const message = new TextEncoder().encode(text.repeat(repeats));
    expect(oneShot(message)).toBe(expected);
    if (message.length < 10_000) expect(toHex(twin(message))).toBe(expected);
  });

  test("every length around the edges of two blocks agrees with node:crypto and the twin", () => {
    const data = randomBytes(2 * blockSize + 3);
    for (let length = 0; length <= data.length; length++) {
      const message = data.subarray(0, length);
      expect(oneShot(message), `${length} bytes`).toBe(platform(message));
      if (length % 16 <= 1) expect(toHex(twin(message))).toBe(platform(message));
    }
  });

  test("pieces of any sizes make the digest of the whole, and leave no state behind", () => {
    const pieces = fc.array(fc.uint8Array({ maxLength: 3 * blockSize }), { maxLength: 8 });
    fc.assert(
      fc.property(pieces, (parts) => {
        expect(streamed(parts)).toBe(platform(Buffer.concat(parts)));
      }),
    );
  });

  test("the digest may overwrite the message", () => {
    module.release();
    const message = randomBytes(blockSize + 5);
    const at = module.put(message);
    exports[name]!(at, message.length, at);
    expect(toHex(module.get(at, digestSize))).toBe(platform(message));
  });
}
