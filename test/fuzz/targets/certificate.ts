/** Certificates, as peers send them: the engine's parser against the host's. */
import { parseCertificate } from "../../../host/shared/trust/certificate.ts";
import { Failure } from "../../../host/shared/ports/failure.ts";
import { ByteWriter } from "../../reference/bytes.ts";
import type { Random } from "../../sim/random.ts";
import { TestModule } from "../../support/wasm.ts";
import { putAtEnd } from "../../support/wire-frames.ts";
import { mutate } from "../mutate.ts";
import { judged, requireEqual, type Target } from "../target.ts";

const CERTIFICATE_MALFORMED = -14;
/** The host keeps times as numbers; what it cannot tell apart is not compared. */
const SAFE = BigInt(Number.MAX_SAFE_INTEGER);
const NAMES = ["a", "files.example", "gerät", "東京", "x".repeat(63)];

function anyName(random: Random): Uint8Array {
  if (random.chance(0.8)) return new TextEncoder().encode(random.pick(NAMES));
  return random.bytes(random.between(0, 64));
}

/** A certificate in shape; its signature is noise, which parsers do not look at. */
function anyCertificate(random: Random): Uint8Array<ArrayBuffer> {
  const isSelfSigned = random.chance(0.5);
  const identity = random.bytes(32);
  const begins = random.u64() >> 20n;
  const names = Array.from({ length: random.between(0, 4) }, () => anyName(random));
  const writer = new ByteWriter()
    .bytes(new TextEncoder().encode("MXC1"))
    .number(1, 1)
    .number((isSelfSigned ? 1 : 0) + (random.chance(0.3) ? 2 : 0), 1)
    .number(names.length, 1)
    .zeros(1)
    .number(random.u64(), 8)
    .number(begins, 8)
    .number(begins + BigInt(random.between(0, 1_000_000)), 8)
    .bytes(identity)
    .bytes(random.bytes(32))
    .bytes(isSelfSigned ? identity : random.bytes(32))
    .bytes(random.bytes(32));
  for (const name of names) writer.number(name.length, 1).bytes(name);
  return writer.bytes(random.bytes(64)).finish();
}

/** True when the host's parser takes exactly these bytes. */
function isAcceptedByHost(bytes: Uint8Array<ArrayBuffer>): boolean {
  try {
    parseCertificate(bytes);
    return true;
  } catch (error) {
    if (error instanceof Failure) return false;
    throw error;
  }
}

function hasSafeTimes(bytes: Uint8Array<ArrayBuffer>): boolean {
  if (bytes.length < 32) return true;
  const view = new DataView(bytes.buffer);
  return view.getBigUint64(16, true) <= SAFE && view.getBigUint64(24, true) <= SAFE;
}

export const certificate: Target = {
  name: "certificate",
  about: "certificates against the host's parser",
  entries: ["certificate"],
  prepare() {
    const wasm = new TestModule("certificate");
    return (random) => {
      const input = mutate(random, anyCertificate(random));
      return judged(input, () => {
        const size = wasm.exports["certificateParse"]!(putAtEnd(wasm, input), input.length);
        if (!hasSafeTimes(input)) return size >= 0;
        if (size < 0) {
          requireEqual(Number(size), CERTIFICATE_MALFORMED, "the status of a refusal");
          requireEqual(false, isAcceptedByHost(input), "refusing");
          return false;
        }
        // The engine finds the end by itself: what follows may be the issuer's certificate.
        requireEqual(true, isAcceptedByHost(input.slice(0, size)), "accepting");
        return true;
      });
    };
  },
};
