/**
 * Packet protection by the engine against the platform's, libsodium's and noble's.
 *
 * The engine works in place in its memory; opening includes copying the packet in, because sealing has used the
 * buffer up. node:crypto gets a KeyObject: with raw key bytes it would take three times as long.
 */
import {
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  randomBytes,
  type KeyObject,
} from "node:crypto";
import { chacha20poly1305 } from "@noble/ciphers/chacha.js";
import sodium from "libsodium-wrappers";
import { TestModule } from "../../test/support/wasm.ts";
import {
  buildEntry,
  candidate,
  type Bench,
  type BenchContext,
  type Candidate,
} from "../harness.ts";

const NODE = "node:crypto";
const TAG_SIZE = 16;
const AAD_SIZE = 16;
const OPTIONS = { authTagLength: TAG_SIZE };
/** How many times as fast as node:crypto the engine has to be, by packet size in bytes. */
const GOALS = new Map([
  [64, 10],
  [256, 5.5],
  [1200, 2.3],
  [4096, 0.95],
  [16384, 0.42],
]);

/** A packet of one size with its key, ready for every implementation. */
interface Packet {
  readonly key: Buffer;
  readonly keyObject: KeyObject;
  readonly nonce: Buffer;
  readonly aad: Buffer;
  readonly plaintext: Buffer;
  readonly ciphertext: Buffer;
  readonly tag: Buffer;
  readonly sealed: Buffer;
}

function packetOf(size: number): Packet {
  const key = randomBytes(32);
  const keyObject = createSecretKey(key);
  const [nonce, aad, plaintext] = [randomBytes(12), randomBytes(AAD_SIZE), randomBytes(size)];
  const cipher = createCipheriv("chacha20-poly1305", keyObject, nonce, OPTIONS);
  cipher.setAAD(aad, { plaintextLength: size });
  const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()]);
  const tag = cipher.getAuthTag();
  const sealed = Buffer.concat([ciphertext, tag]);
  return { key, keyObject, nonce, aad, plaintext, ciphertext, tag, sealed };
}

/** The engine with a packet in its memory. */
function withPacket(engine: TestModule, packet: Packet) {
  engine.release();
  const [key, nonce, aad] = [
    engine.put(packet.key),
    engine.put(packet.nonce),
    engine.put(packet.aad),
  ];
  const data = engine.put(packet.sealed);
  const seal = engine.exports["aeadSeal"]!;
  const open = engine.exports["aeadOpen"]!;
  const size = packet.plaintext.length;
  return {
    bytes: engine.bytes,
    data,
    seal: () => seal(key, nonce, aad, AAD_SIZE, data, size),
    open: () => open(key, nonce, aad, AAD_SIZE, data, size),
  };
}

function sealing(module: TestModule, packet: Packet, goal: number): Candidate[] {
  const { key, keyObject, nonce, aad, plaintext } = packet;
  const engine = withPacket(module, packet);
  return [
    candidate(NODE, () => {
      const cipher = createCipheriv("chacha20-poly1305", keyObject, nonce, OPTIONS);
      cipher.setAAD(aad, { plaintextLength: plaintext.length });
      const ciphertext = cipher.update(plaintext);
      cipher.final();
      return ciphertext[0]! ^ cipher.getAuthTag()[0]!;
    }),
    candidate(
      "libsodium-wrappers",
      () => sodium.crypto_aead_chacha20poly1305_ietf_encrypt(plaintext, aad, null, nonce, key)[0]!,
    ),
    candidate("@noble/ciphers", () => chacha20poly1305(key, nonce, aad).encrypt(plaintext)[0]!),
    candidate(
      "engine",
      () => {
        engine.seal();
        return engine.bytes[engine.data]!;
      },
      goal,
    ),
  ];
}

function opening(module: TestModule, packet: Packet, goal: number): Candidate[] {
  const { key, keyObject, nonce, aad, ciphertext, tag, sealed } = packet;
  const engine = withPacket(module, packet);
  if (engine.open() !== 1) throw new Error("the engine does not open what node:crypto sealed");
  return [
    candidate(NODE, () => {
      const decipher = createDecipheriv("chacha20-poly1305", keyObject, nonce, OPTIONS);
      decipher.setAAD(aad, { plaintextLength: ciphertext.length });
      decipher.setAuthTag(tag);
      const plaintext = decipher.update(ciphertext);
      decipher.final();
      return plaintext[0]!;
    }),
    candidate(
      "libsodium-wrappers",
      () => sodium.crypto_aead_chacha20poly1305_ietf_decrypt(null, sealed, aad, nonce, key)[0]!,
    ),
    candidate("@noble/ciphers", () => chacha20poly1305(key, nonce, aad).decrypt(sealed)[0]!),
    candidate(
      "engine, copy in included",
      () => {
        engine.bytes.set(sealed, engine.data);
        return engine.open();
      },
      goal,
    ),
  ];
}

async function compareAll(context: BenchContext): Promise<void> {
  buildEntry("crypto-a");
  await sodium.ready;
  // One instance for all cases: a new one would start with code that is not optimised yet.
  const module = new TestModule("crypto-a");
  for (const [size, goal] of GOALS) {
    const packet = packetOf(size);
    await context.compare(`seal ${size} B`, NODE, sealing(module, packet, goal));
    await context.compare(`open ${size} B`, NODE, opening(module, packet, goal));
  }
}

export const bench: Bench = {
  summary: "seal and open packets of 64 to 16384 bytes: engine, node:crypto, libsodium, noble",
  run: compareAll,
};
