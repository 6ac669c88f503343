/**
 * Key agreement and signatures by the engine against the platform's, libsodium's and noble's.
 *
 * node:crypto gets KeyObjects; importing raw keys, as a handshake must, is a case of its own.
 */
import {
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  randomBytes,
  sign,
  verify,
  type KeyObject,
} from "node:crypto";
import { ed25519, x25519 } from "@noble/curves/ed25519.js";
import sodium from "libsodium-wrappers";
import { TestModule } from "../../test/support/wasm.ts";
import { buildEntry, type Bench, type BenchContext, type Candidate } from "../harness.ts";

const NODE = "node:crypto";
/** How many times as fast as node:crypto the engine has to be. */
const X25519_GOAL = 0.3;
const VERIFY_GOAL = 0.5;

/** What the candidates write to, so that no compiler takes their work for useless. */
let sink = 0;

/** `action` in a loop, as a candidate. */
function candidate(name: string, action: () => number, goal?: number): Candidate {
  const run = (iterations: number) => {
    for (let i = 0; i < iterations; i++) sink ^= action();
  };
  return goal === undefined ? { name, run } : { name, run, goal };
}

function rawKey(key: KeyObject): Uint8Array {
  return new Uint8Array(key.export({ format: "der", type: "spki" }).subarray(-32));
}

function agreement(): Candidate[] {
  const engine = new TestModule("crypto-b");
  const ours = generateKeyPairSync("x25519");
  const theirs = generateKeyPairSync("x25519");
  const secret = new Uint8Array(
    ours.privateKey.export({ format: "der", type: "pkcs8" }).subarray(-32),
  );
  const raw = rawKey(theirs.publicKey);
  const spki = theirs.publicKey.export({ format: "der", type: "spki" });
  const [out, scalar, point] = [engine.reserve(32), engine.put(secret), engine.put(raw)];
  const call = engine.exports["x25519"]!;
  const dh = (publicKey: KeyObject): number =>
    diffieHellman({ privateKey: ours.privateKey, publicKey })[0]!;
  return [
    candidate(NODE, () => dh(theirs.publicKey)),
    candidate("node:crypto, raw public key", () =>
      dh(createPublicKey({ key: spki, format: "der", type: "spki" })),
    ),
    candidate("libsodium-wrappers", () => sodium.crypto_scalarmult(secret, raw)[0]!),
    candidate("@noble/curves", () => x25519.getSharedSecret(secret, raw)[0]!),
    candidate("engine", () => call(out, scalar, point), X25519_GOAL),
  ];
}

function verification(): Candidate[] {
  const engine = new TestModule("crypto-b");
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const message = randomBytes(300);
  const signature = sign(null, message, privateKey);
  const raw = rawKey(publicKey);
  const at = [engine.put(signature), engine.put(message), message.length, engine.put(raw)];
  const call = engine.exports["ed25519Verify"]!;
  return [
    candidate(NODE, () => Number(verify(null, message, publicKey, signature))),
    candidate("libsodium-wrappers", () =>
      Number(sodium.crypto_sign_verify_detached(signature, message, raw)),
    ),
    candidate("@noble/curves", () => Number(ed25519.verify(signature, message, raw))),
    candidate("engine", () => call(...at), VERIFY_GOAL),
  ];
}

export const bench: Bench = {
  summary: "X25519 and Ed25519 verification: engine, node:crypto, libsodium, noble",
  run: async (context: BenchContext) => {
    buildEntry("crypto-b");
    await sodium.ready;
    await context.compare("x25519", NODE, agreement());
    await context.compare("ed25519 verify 300 B", NODE, verification());
    if (sink === 0.5) throw new Error("unreachable: the sink holds whole numbers");
  },
};
