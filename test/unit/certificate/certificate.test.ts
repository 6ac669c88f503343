/**
 * Goal: the engine accepts exactly the bytes that are a certificate. Method: honest certificates,
 * then every field out of its range, every truncation, and random bytes.
 */
import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { buildCertificate, signer } from "../../reference/certificate.ts";
import type { CertificateFields } from "../../reference/certificate.ts";
import { TestModule } from "../../support/wasm.ts";

const MALFORMED = -14;
const module = new TestModule("certificate");
beforeEach(() => module.release());

const authority = signer();
const subject = signer();

/** Parses bytes that end at the end of memory, so that a read past them would trap. */
function parse(bytes: Uint8Array): number {
  const at = module.bytes.length - bytes.length;
  module.bytes.set(bytes, at);
  return module.exports["certificateParse"]!(at, bytes.length);
}

function build(fields: Partial<CertificateFields>): Uint8Array<ArrayBuffer> {
  return buildCertificate({ subject, issuer: authority, ...fields });
}

test("an honest certificate is as long as it says, whatever follows it", () => {
  for (const names of [[], ["a"], ["files.example", "x".repeat(63)], ["ü", "日本", "😀"]]) {
    const bytes = build({ names });
    expect(parse(bytes)).toBe(bytes.length);
    expect(parse(Buffer.concat([bytes, bytes]))).toBe(bytes.length);
    expect(parse(Buffer.concat([bytes, new Uint8Array(1)]))).toBe(bytes.length);
  }
});

test("192 bytes of names fit and 193 do not", () => {
  const names = ["x".repeat(63), "y".repeat(63)];
  expect(parse(build({ names: [...names, "z".repeat(63)] }))).toBe(416);
  expect(parse(build({ names: [...names, "z".repeat(62), "w"] }))).toBe(MALFORMED);
});

test("every shorter length is refused", () => {
  const bytes = build({ names: ["files.example", "other.example"] });
  for (let length = 0; length < bytes.length; length++) {
    expect(parse(bytes.subarray(0, length)), `${length} bytes`).toBe(MALFORMED);
  }
});

describe.each<[string, Partial<CertificateFields>]>([
  ["another magic", { edit: (body) => body.set([0x4d, 0x58, 0x43, 0x32]) }],
  ["version 0", { edit: (body) => body.set([0], 4) }],
  ["version 2", { edit: (body) => body.set([2], 4) }],
  ["a reserved flag", { flags: 4 }],
  ["the highest flag", { flags: 128 }],
  ["a reserved byte", { edit: (body) => body.set([1], 7) }],
  ["self-signed by another", { flags: 1 }],
  ["issued by itself without the flag", { issuer: subject, flags: 0 }],
  ["no validity at all", { notBeforeMs: 5n, notAfterMs: 5n }],
  ["an end before its beginning", { notBeforeMs: 6n, notAfterMs: 5n }],
  ["an empty name", { names: [""] }],
  ["a name of 64 bytes", { names: ["x".repeat(64)] }],
  ["more names than it says", { names: ["a"], nameCount: 255 }],
  ["a name that is not UTF-8", { names: [Uint8Array.of(0x61, 0xff)] }],
])("refuses %s", (_, fields) => {
  test("as malformed", () => {
    expect(parse(build(fields))).toBe(MALFORMED);
  });
});

test("fewer names than it carries make it end earlier, so that the rest is foreign", () => {
  const bytes = build({ names: ["a", "b"], nameCount: 1 });
  expect(parse(bytes)).toBe(bytes.length - 2);
});

test("random bytes and random damage never trap", () => {
  const honest = build({ names: ["files.example", "other.example"] });
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
      expect(parse(bytes)).toBeLessThan(0);
    }),
    { numRuns: 1000 },
  );
  const damage = fc.array(fc.tuple(fc.nat(honest.length - 1), fc.nat(255)), { maxLength: 6 });
  fc.assert(
    fc.property(damage, fc.nat(honest.length), (changes, length) => {
      const bytes = honest.slice(0, length);
      for (const [at, value] of changes) if (at < length) bytes[at] = value;
      const result = parse(bytes);
      expect(result === MALFORMED || (result >= 224 && result <= length)).toBe(true);
    }),
    { numRuns: 5000 },
  );
});

test("text is what the platform's strict decoder takes for text", () => {
  const isText = (bytes: Uint8Array): boolean => {
    try {
      new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
      return true;
    } catch {
      return false;
    }
  };
  const engine = (bytes: Uint8Array): boolean =>
    module.exports["isUtf8"]!(module.put(bytes), bytes.length) !== 0;
  // The interesting bytes are those next to a border of RFC 3629 §4.
  const border = fc.constantFrom(
    0x00,
    0x7f,
    0x80,
    0x8f,
    0x90,
    0x9f,
    0xa0,
    0xbf,
    0xc0,
    0xc1,
    0xc2,
    0xdf,
    0xe0,
    0xe1,
    0xec,
    0xed,
    0xee,
    0xef,
    0xf0,
    0xf1,
    0xf3,
    0xf4,
    0xf5,
    0xff,
  );
  fc.assert(
    fc.property(fc.array(border, { maxLength: 6 }), (values) => {
      module.release();
      expect(engine(Uint8Array.from(values))).toBe(isText(Uint8Array.from(values)));
    }),
    { numRuns: 1500 },
  );
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 20 }), (text) => {
      module.release();
      expect(engine(new TextEncoder().encode(text))).toBe(true);
    }),
  );
});
