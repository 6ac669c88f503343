/** What the main job proves after its calls: receipts hold, a flipped byte is refused, the wire tells nothing. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Failure } from "../../shared/ports/failure.ts";
import { ReceiptArchive } from "../../shared/trust/receipt/archive.ts";
import { verifyReceipt } from "../../shared/trust/receipt/sign.ts";
import { askNodeJson } from "../control.ts";
import type { ShownWire } from "../node-face.ts";
import { trustPorts } from "../trust-ports.ts";
import type { DemoWorld } from "./world.ts";

export interface CheckedReceipt {
  readonly id: string;
  readonly isVerified: boolean;
  readonly signers: readonly string[];
  readonly outcome: string;
}

/** Verifies a receipt as a stranger would: both signatures, and that the host's log holds it. */
export async function checkReceipt(world: DemoWorld, id: string): Promise<CheckedReceipt> {
  const archive = new ReceiptArchive(trustPorts(), world.host.paths.home, world.host.identity.id);
  const { facts, host, device } = await archive.verify(id);
  const signers = [host === null ? [] : ["host"], device === null ? [] : ["device"]].flat();
  return { id, isVerified: true, signers, outcome: facts.outcome };
}

export interface Tampering {
  readonly isDetected: boolean;
  readonly offset: number;
  /** What the verifier said. */
  readonly said: string;
}

/** Flips one bit of a copy of the receipt, in the middle of what was signed, and verifies that. */
export function tamper(world: DemoWorld, path: string): Tampering {
  const bytes = Uint8Array.from(readFileSync(path));
  const signed = /"payload":"([A-Za-z0-9+/=]+)"/.exec(new TextDecoder().decode(bytes));
  const offset = (signed?.index ?? 0) + Math.floor((signed?.[0].length ?? 2) / 2);
  // The lowest bit of a base64 digit: the file still reads, and only the signature can tell.
  bytes[offset] = (bytes[offset] ?? 0) ^ 1;
  writeFileSync(join(world.root, "tampered-receipt.json"), bytes);
  try {
    verifyReceipt(trustPorts(), bytes);
    return { isDetected: false, offset, said: "nothing" };
  } catch (thrown) {
    return { isDetected: true, offset, said: Failure.from(thrown).message };
  }
}

export interface WireReport {
  readonly datagrams: number;
  readonly bytes: number;
  /** Texts that must not be readable and were found; none is what we want to see. */
  readonly found: readonly string[];
  /** The first bytes of one full datagram, in hexadecimal. */
  readonly sample: string;
}

/** Looks for these texts in everything that went over the wire. */
export async function searchWire(
  world: DemoWorld,
  secrets: readonly string[],
): Promise<WireReport> {
  const request = { method: "GET", path: "/v1/wire" } as const;
  const { wire } = await askNodeJson<{ wire: ShownWire }>(world.host.paths.control, request);
  const datagrams = wire.datagrams.map(({ base64 }) => Buffer.from(base64, "base64"));
  const all = Buffer.concat(datagrams);
  return {
    datagrams: wire.seen,
    bytes: all.length,
    found: secrets.filter((secret) => all.includes(secret)),
    sample: (datagrams.at(-1) ?? Buffer.alloc(0)).subarray(0, 48).toString("hex"),
  };
}
