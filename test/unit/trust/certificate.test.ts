/**
 * Goal: certificates have exactly the published bytes, and no other bytes are read as one.
 * Method: a layout written out by hand, round trips, every byte flipped, every truncation.
 */
import * as fc from "fast-check";
import { expect, test } from "vitest";
import {
  isCertificateSigned,
  issueCertificate,
  parseCertificate,
  selfSignedCertificate,
} from "../../../host/shared/trust/certificate.ts";
import { createIdentity } from "../../../host/shared/trust/identity.ts";
import { failureCode, testPorts } from "../../support/ports.ts";
import { toHex } from "../../support/wasm.ts";

const ports = testPorts();
const { signatures } = ports;
const authority = createIdentity(ports.random, signatures);
const subject = createIdentity(ports.random, signatures);
const request = {
  identity: subject.publicKey,
  staticKey: subject.staticPublicKey,
  issuer: authority,
  serial: 0x0102030405060708n,
  notBeforeMs: 1_700_000_000_000,
  notAfterMs: 1_800_000_000_000,
  names: ["fs", "größe"],
};

test("every field is where the layout says", () => {
  const grantsDigest = new Uint8Array(32).fill(7);
  const bytes = issueCertificate(signatures, { ...request, grantsDigest, isAuthority: true });
  const names = "02667307" + Buffer.from("größe").toString("hex");
  expect(toHex(bytes.subarray(0, bytes.length - 64))).toBe(
    "4d584331" +
      "01" +
      "02" +
      "02" +
      "00" +
      "0807060504030201" +
      le64(request.notBeforeMs) +
      le64(request.notAfterMs) +
      toHex(subject.publicKey) +
      toHex(subject.staticPublicKey) +
      toHex(authority.publicKey) +
      toHex(grantsDigest) +
      names,
  );
});

/** Little-endian hexadecimal of 8 bytes, written without the code under test. */
function le64(value: number): string {
  const buffer = Buffer.alloc(8);
  buffer.writeBigUInt64LE(BigInt(value));
  return buffer.toString("hex");
}

test("a certificate reads back as it was issued", () => {
  const bytes = issueCertificate(signatures, request);
  const certificate = parseCertificate(bytes);
  expect(certificate).toMatchObject({
    isSelfSigned: false,
    isAuthority: false,
    serial: request.serial,
    notBeforeMs: request.notBeforeMs,
    notAfterMs: request.notAfterMs,
    names: request.names,
    identity: subject.publicKey,
    staticKey: subject.staticPublicKey,
    issuer: authority.publicKey,
    grantsDigest: new Uint8Array(32),
  });
  expect(isCertificateSigned(signatures, certificate)).toBe(true);
});

test("a node's own certificate is self-signed and already valid", () => {
  const certificate = parseCertificate(selfSignedCertificate(ports, subject, ["me"], 1000));
  expect(certificate.isSelfSigned).toBe(true);
  expect(certificate.notBeforeMs).toBeLessThan(ports.clock.wallMs());
  expect(isCertificateSigned(signatures, certificate)).toBe(true);
});

test("a clock before 1970 plus skew does not wrap around", () => {
  const clock = { ...ports.clock, wallMs: () => 10 };
  const bytes = selfSignedCertificate({ ...ports, clock }, subject, [], 1000);
  expect(parseCertificate(bytes)).toMatchObject({ notBeforeMs: 0, notAfterMs: 1010, names: [] });
});

test("no certificate with a changed byte is both read and verified", async () => {
  const bytes = issueCertificate(signatures, request);
  for (let at = 0; at < bytes.length; at++) {
    for (const bit of [1, 0x80]) {
      const broken = bytes.slice();
      broken[at] = (broken[at] as number) ^ bit;
      const code = await failureCode(() => {
        const isSigned = isCertificateSigned(signatures, parseCertificate(broken));
        expect(isSigned, `byte ${at}`).toBe(false);
      });
      expect(["none", "certificate-malformed"]).toContain(code);
    }
  }
});

test("arbitrary and truncated bytes are refused", async () => {
  const bytes = issueCertificate(signatures, request);
  for (let length = 0; length < bytes.length; length++) {
    const isRead = (await failureCode(() => parseCertificate(bytes.slice(0, length)))) === "none";
    expect(isRead, `${length} bytes`).toBe(false);
  }
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ minLength: 200, maxLength: 600 }), async (noise) => {
      expect(await failureCode(() => parseCertificate(noise.slice()))).toBe(
        "certificate-malformed",
      );
      noise.set([0x4d, 0x58, 0x43, 0x31, 1, 0, 0, 0]);
      expect(await failureCode(() => parseCertificate(noise.slice()))).toMatch(/none|malformed/);
    }),
  );
});

test("names that end early, are empty, too many or not text are refused", async () => {
  const one = issueCertificate(signatures, { ...request, names: ["ab"] });
  const withBytes = (...edits: (readonly [number, number])[]) => {
    const copy = one.slice();
    for (const [at, value] of edits) copy[at] = value;
    return copy;
  };
  for (const bytes of [
    withBytes([160, 3]),
    withBytes([160, 1]),
    withBytes([160, 0]),
    withBytes([160, 64]),
    withBytes([161, 0xff]),
    withBytes([6, 2]),
  ]) {
    expect(await failureCode(() => parseCertificate(bytes))).toBe("certificate-malformed");
  }
  const long = new Uint8Array(512);
  long.set(one.subarray(0, 160));
  expect(await failureCode(() => parseCertificate(long))).toBe("certificate-malformed");
});

test("a self-signed flag on a foreign issuer and a backward validity are refused", async () => {
  const bytes = issueCertificate(signatures, request);
  bytes[5] = 1;
  expect(await failureCode(() => parseCertificate(bytes))).toBe("certificate-malformed");
  const backward = issueCertificate(signatures, request);
  backward.copyWithin(24, 16, 24);
  expect(await failureCode(() => parseCertificate(backward))).toBe("certificate-malformed");
});

test.each([
  ["an empty name", { names: [""] }],
  ["a long name", { names: ["x".repeat(64)] }],
  ["half a surrogate pair", { names: ["\ud800"] }],
  ["too many names", { names: Array.from({ length: 4 }, () => "x".repeat(60)) }],
  ["a validity that ends first", { notAfterMs: request.notBeforeMs }],
  ["a broken time", { notBeforeMs: 0.5 }],
  ["a time before 1970", { notAfterMs: -1 }],
])("%s cannot be issued", async (_name, change) => {
  expect(await failureCode(() => issueCertificate(signatures, { ...request, ...change }))).toBe(
    "argument-invalid",
  );
});

test("the largest certificate stays within its limit", () => {
  const names = Array.from({ length: 3 }, () => "x".repeat(63));
  expect(issueCertificate(signatures, { ...request, names }).length).toBeLessThanOrEqual(512);
});
