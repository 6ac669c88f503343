/**
 * Goal: the binding copies, decodes and stops as the contract says. Method: engines of the build, one of them with
 * its memory spoiled.
 */
import { createHash, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createDigest } from "../../../host/shared/engine/digest.ts";
import { WasmEndpoint } from "../../../host/shared/engine/endpoint.ts";
import { EngineBug } from "../../../host/shared/engine/engine-bug.ts";
import { EngineMemory } from "../../../host/shared/engine/memory.ts";
import { Forger } from "../../support/forger.ts";
import { bytes32, configOf, createPerson, Pair, WALL_MS } from "../../support/pair.ts";
import { content, Reader } from "../../support/pair-streams.ts";

const wasm = readFileSync(join(import.meta.dirname, "../../../build/engine.wasm"));
const NOW = { nowUs: 1, wallMs: WALL_MS };

test("the digest is SHA-256, at every size around a block and around the area", () => {
  const digest = createDigest(new Uint8Array(wasm));
  for (const size of [0, 1, 55, 56, 63, 64, 65, 65_535, 65_536, 65_537, 300_000]) {
    const bytes = new Uint8Array(randomBytes(size));
    expect(Buffer.from(digest.sha256(bytes))).toEqual(createHash("sha256").update(bytes).digest());
  }
});

test("a trap becomes EngineBug, and the endpoint answers nothing else afterwards", () => {
  const memory = new EngineMemory(new WebAssembly.Module(wasm));
  // A broken invariant: more datagrams than a batch can hold.
  const endpointReceive = (): void => memory.exports.endpointReceive(65, 0, 0);
  const exports = { ...memory.exports, endpointReceive };
  const broken: EngineMemory = Object.create(memory, { exports: { value: exports } });
  const endpoint = new WasmEndpoint(broken, configOf(createPerson(1), 1));
  expect(endpoint.nextEvent()).toBeNull();
  expect(() => endpoint.receive(NOW)).toThrow(EngineBug);
  expect(() => endpoint.nextEvent()).toThrow(EngineBug);
  expect(() => endpoint.transmit(NOW)).toThrow(EngineBug);
});

test("a disposed endpoint takes no further call", () => {
  const pair = new Pair();
  pair.connected("IK");
  pair.client.dispose();
  expect(() => pair.client.nextTimeoutUs()).toThrow(EngineBug);
});

test("a write larger than the input arena goes in parts, and a read takes what the target holds", () => {
  const pair = new Pair();
  const { client, server } = pair.connected("IK");
  const stream = pair.open(client);
  const bytes = content(3_000_000, 7);
  const taken = pair.client.write(client, stream, bytes, true);
  expect(taken).toBe(512 * 1024);
  pair.drain("client");
  const reader = new Reader(pair, "server", server, stream);
  pair.runUntil(() => {
    reader.pump();
    return reader.count >= taken;
  });
  expect(Buffer.compare(reader.bytes(), bytes.subarray(0, taken))).toBe(0);
});

test.each(["IK", "NK", "XX", "NX"] as const)(
  "after a %s connection has closed its keys are nowhere in memory",
  (pattern) => {
    const forger = new Forger();
    const pair = new Pair({ createClient: forger.createEndpoint });
    const { client } = pair.connected(pattern);
    const stream = pair.open(client);
    pair.client.write(client, stream, content(100_000, 1), true);
    pair.drain("client");
    pair.runFor(1_000_000);
    const keys = [...forger.keys(client, true), ...forger.keys(client, false)];
    for (const key of keys) expect(forger.placesOf(key).length).toBeGreaterThan(0);
    pair.client.close(client, 0n, "", pair.now());
    pair.drain("client");
    for (const key of keys) expect(forger.placesOf(key)).toEqual([]);
  },
);

test("after disposal no secret that was put in, and no byte of the application, is left in memory", () => {
  const forger = new Forger();
  const pair = new Pair({ createClient: forger.createEndpoint });
  const { client } = pair.connected("XX");
  const stream = pair.open(client);
  const plaintext = content(32, 201);
  pair.client.write(client, stream, plaintext, true);
  pair.drain("client");
  const { staticPrivate } = pair.people.client;
  for (const secret of [staticPrivate, plaintext]) {
    expect(forger.placesOf(secret).length).toBeGreaterThan(0);
  }
  const { seed } = configOf(pair.people.client, 11);
  const keys = [...forger.keys(client, true), ...forger.keys(client, false)];
  pair.client.dispose();
  for (const secret of [staticPrivate, seed, bytes32(77), plaintext, ...keys]) {
    expect(forger.placesOf(secret)).toEqual([]);
  }
});
