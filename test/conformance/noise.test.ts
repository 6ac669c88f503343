/**
 * Goal: our Noise is Noise. Method: replay the vectors of cacophony, byte for byte, in both roles,
 * with the handshake hash and the transport messages after Split. They lie beside the repository
 * and are not part of it.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { EngineCipher, EngineHandshake, PATTERNS } from "../support/noise.ts";
import { hex, TestModule, toHex } from "../support/wasm.ts";
import type { PatternName } from "../reference/noise.ts";

const FILE = join(import.meta.dirname, "../../../shared/vectors/noise/cacophony-25519-sha256.json");

interface Vector {
  readonly protocol_name: string;
  readonly init_prologue: string;
  readonly init_psks?: string[];
  readonly init_static?: string;
  readonly init_ephemeral: string;
  readonly init_remote_static?: string;
  readonly resp_prologue: string;
  readonly resp_psks?: string[];
  readonly resp_static?: string;
  readonly resp_ephemeral: string;
  readonly handshake_hash: string;
  readonly messages: readonly { readonly payload: string; readonly ciphertext: string }[];
}

const vectors: readonly Vector[] = existsSync(FILE)
  ? (JSON.parse(readFileSync(FILE, "utf8")) as { vectors: Vector[] }).vectors
  : [];
if (vectors.length === 0) console.warn(`noise: ${FILE} is absent, so its vectors are not replayed`);

function optional(name: "s" | "rs" | "psk", value: string | undefined): Record<string, Uint8Array> {
  return value === undefined ? {} : { [name]: hex(value) };
}

function sides(vector: Vector, pattern: PatternName): [EngineHandshake, EngineHandshake] {
  const initiator = new EngineHandshake(new TestModule("noise"), {
    pattern,
    isInitiator: true,
    prologue: hex(vector.init_prologue),
    e: hex(vector.init_ephemeral),
    ...optional("s", vector.init_static),
    ...optional("rs", vector.init_remote_static),
    ...optional("psk", vector.init_psks?.[0]),
  });
  const responder = new EngineHandshake(new TestModule("noise"), {
    pattern,
    isInitiator: false,
    prologue: hex(vector.resp_prologue),
    e: hex(vector.resp_ephemeral),
    ...optional("s", vector.resp_static),
    ...optional("psk", vector.resp_psks?.[0]),
  });
  return [initiator, responder];
}

describe.runIf(vectors.length > 0)("cacophony", () => {
  test.each(Object.keys(PATTERNS) as PatternName[])("%s", (pattern) => {
    const name = `Noise_${pattern}_25519_ChaChaPoly_SHA256`;
    const vector = vectors.find((candidate) => candidate.protocol_name === name);
    expect(vector, `${name} is in the file`).toBeDefined();
    const [initiator, responder] = sides(vector!, pattern);
    const module = new TestModule("noise");
    let ciphers: EngineCipher[] = [];
    let transportMessages = 0;
    for (const [index, { payload, ciphertext }] of vector!.messages.entries()) {
      const isInitiatorsTurn = index % 2 === 0;
      if (!initiator.isComplete) {
        const [writer, reader] = isInitiatorsTurn ? [initiator, responder] : [responder, initiator];
        expect(toHex(writer.write(hex(payload)))).toBe(ciphertext);
        expect(toHex(reader.read(hex(ciphertext)))).toBe(payload);
        continue;
      }
      if (ciphers.length === 0) {
        expect(responder.isComplete).toBe(true);
        const keys = initiator.split();
        expect(responder.split()).toEqual(keys);
        expect(toHex(initiator.hash)).toBe(vector!.handshake_hash);
        expect(toHex(responder.hash)).toBe(vector!.handshake_hash);
        ciphers = [...keys, ...keys].map((key) => new EngineCipher(module, key));
      }
      const direction = isInitiatorsTurn ? 0 : 1;
      expect(toHex(ciphers[direction]!.encrypt(hex(payload)))).toBe(ciphertext);
      expect(toHex(ciphers[direction + 2]!.decrypt(hex(ciphertext)))).toBe(payload);
      transportMessages++;
    }
    expect(transportMessages).toBeGreaterThanOrEqual(3);
  });
});
