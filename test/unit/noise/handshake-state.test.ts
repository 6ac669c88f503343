/**
 * Goal: the handshakes hold up against anything a peer can send. Method: run every pattern against
 * the readable twin in both roles with random keys and payloads, then damage, cut and replay
 * messages, and look at the bytes of the state.
 */
import fc from "fast-check";
import { randomBytes } from "node:crypto";
import { beforeEach, describe, expect, test } from "vitest";
import { HandshakeState, publicKeyOf } from "../../reference/noise.ts";
import type { HandshakeOptions, PatternName } from "../../reference/noise.ts";
import { EngineHandshake, PATTERNS } from "../../support/noise.ts";
import { TestModule } from "../../support/wasm.ts";

const NAMES = Object.keys(PATTERNS) as PatternName[];
const HANDSHAKE_FAILED = -10;
const module = new TestModule("noise");
beforeEach(() => module.release());

/** Fresh keys for both sides: exactly those that the pattern uses. */
function options(pattern: PatternName, prologue: Uint8Array): [HandshakeOptions, HandshakeOptions] {
  const si = randomBytes(32);
  const sr = randomBytes(32);
  const shared = { pattern, prologue, ...(pattern === "NNpsk0" && { psk: randomBytes(32) }) };
  const initiator = {
    ...shared,
    isInitiator: true,
    e: randomBytes(32),
    ...((pattern === "IK" || pattern === "XX") && { s: si }),
    ...((pattern === "IK" || pattern === "NK") && { rs: publicKeyOf(sr) }),
  };
  const responder = {
    ...shared,
    isInitiator: false,
    e: randomBytes(32),
    ...(pattern !== "NNpsk0" && { s: sr }),
  };
  return [initiator, responder];
}

type Side = HandshakeState | EngineHandshake;

/** Runs a handshake to its end and checks that both sides agree on everything. */
function run(initiator: Side, responder: Side, payloads: Uint8Array[]): void {
  let [writer, reader] = [initiator, responder];
  for (let index = 0; !initiator.isComplete; index++) {
    const payload = payloads[index]!;
    expect(Buffer.compare(reader.read(writer.write(payload)), payload)).toBe(0);
    [writer, reader] = [reader, writer];
  }
  expect(responder.isComplete).toBe(true);
  expect(initiator.hash).toEqual(responder.hash);
  expect(initiator.split()).toEqual(responder.split());
}

describe.each(NAMES)("%s", (pattern) => {
  const payloads = fc.array(fc.uint8Array({ maxLength: 1200 }), { minLength: 3, maxLength: 3 });

  test("interoperates with the twin as initiator and as responder", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        payloads,
        fc.boolean(),
        (prologue, data, hasPair) => {
          module.release();
          const [first, second] = options(pattern, prologue);
          run(new EngineHandshake(module, first, hasPair), new HandshakeState(second), data);
          run(new HandshakeState(first), new EngineHandshake(module, second, hasPair), data);
          run(new EngineHandshake(module, first), new EngineHandshake(module, second), data);
        },
      ),
      { numRuns: 25 },
    );
  });

  test("a side learns the other's static key exactly when the pattern carries it", () => {
    const [first, second] = options(pattern, new Uint8Array(0));
    const initiator = new EngineHandshake(module, first);
    const responder = new EngineHandshake(module, second);
    run(initiator, responder, [randomBytes(9), randomBytes(9), randomBytes(9)]);
    const expected = (key: Uint8Array | undefined): Uint8Array | undefined =>
      key === undefined ? undefined : publicKeyOf(key);
    expect(initiator.remoteStatic).toEqual(expected(second.s));
    expect(responder.remoteStatic).toEqual(expected(first.s));
  });

  test("every cut and flipped bit of a protected message fails and changes nothing", () => {
    const [first, second] = options(pattern, randomBytes(4));
    let writer = new EngineHandshake(module, first);
    let reader = new EngineHandshake(module, second);
    while (!writer.isComplete) {
      const message = writer.write(randomBytes(20));
      const before = reader.bytes;
      const isClear = message.length === 52; // "-> e" and a payload: nothing there is authenticated
      for (let length = 0; length < (isClear ? 32 : message.length); length++) {
        expect(reader.tryRead(message.subarray(0, length))).toBe(HANDSHAKE_FAILED);
      }
      for (let index = 0; index < (isClear ? 0 : message.length); index++) {
        const forged = message.slice();
        forged[index]! ^= 1 << (index % 8);
        // X25519 ignores the highest bit of a key, but the handshake hash does not.
        expect(reader.tryRead(forged)).toBe(HANDSHAKE_FAILED);
      }
      expect(reader.bytes).toEqual(before);
      reader.read(message);
      [writer, reader] = [reader, writer];
    }
    expect(reader.isComplete).toBe(true);
  });

  test("a different prologue ends the handshake at its first protected message", () => {
    const [first, second] = options(pattern, Uint8Array.of(1));
    const initiator = new EngineHandshake(module, first);
    const responder = new EngineHandshake(module, { ...second, prologue: Uint8Array.of(2) });
    const read = responder.tryRead(initiator.write(randomBytes(8)));
    if (typeof read === "number") expect(read).toBe(HANDSHAKE_FAILED);
    else expect(initiator.tryRead(responder.write(randomBytes(8)))).toBe(HANDSHAKE_FAILED);
  });

  test("wiping leaves no byte behind", () => {
    const [first] = options(pattern, randomBytes(4));
    const initiator = new EngineHandshake(module, first);
    initiator.write(randomBytes(8));
    expect(initiator.bytes.some((byte) => byte !== 0)).toBe(true);
    initiator.wipe();
    expect(initiator.bytes.every((byte) => byte === 0)).toBe(true);
  });

  test("nothing of a handshake, failed or complete, stays in static memory", () => {
    const fresh = new TestModule("noise");
    // Static data and heap lie below the arena, which holds states and arguments.
    const statics = (): Buffer => Buffer.from(fresh.bytes.slice(0, 1 << 20));
    const before = statics();
    const [first, second] = options(pattern, randomBytes(4));
    const initiator = new EngineHandshake(fresh, first);
    const responder = new EngineHandshake(fresh, second);
    run(initiator, responder, [randomBytes(9), randomBytes(9), randomBytes(9)]);
    expect(statics().equals(before)).toBe(true);
    const other = new EngineHandshake(fresh, second);
    other.tryRead(randomBytes(200));
    expect(statics().equals(before)).toBe(true);
  });
});

test("a pair of small order is refused by the writer and by the reader", () => {
  // Points of order 1, 2, 4 and 8 (RFC 7748 §6.1: the result is then all zero), here 0 and 1.
  for (const u of [0, 1]) {
    const smallOrder = new Uint8Array(32);
    smallOrder[0] = u;
    const [first, second] = options("NK", new Uint8Array(0));
    const initiator = new EngineHandshake(module, { ...first, rs: smallOrder });
    expect(initiator.tryWrite(new Uint8Array(0))).toBe(HANDSHAKE_FAILED);
    const responder = new EngineHandshake(module, second);
    const before = responder.bytes;
    expect(responder.tryRead(Buffer.concat([smallOrder, randomBytes(16)]))).toBe(HANDSHAKE_FAILED);
    expect(responder.bytes).toEqual(before);
  }
});

test("a wrong responder key is refused by the responder", () => {
  for (const pattern of ["IK", "NK"] as const) {
    const [first, second] = options(pattern, new Uint8Array(0));
    const initiator = new EngineHandshake(module, { ...first, rs: publicKeyOf(randomBytes(32)) });
    const responder = new EngineHandshake(module, second);
    expect(responder.tryRead(initiator.write(randomBytes(3)))).toBe(HANDSHAKE_FAILED);
  }
});

test("a wrong psk is refused by the responder", () => {
  const [first, second] = options("NNpsk0", new Uint8Array(0));
  const initiator = new EngineHandshake(module, { ...first, psk: randomBytes(32) });
  const responder = new EngineHandshake(module, second);
  expect(responder.tryRead(initiator.write(randomBytes(3)))).toBe(HANDSHAKE_FAILED);
});

test("a message from another handshake is refused", () => {
  const [first, second] = options("IK", new Uint8Array(0));
  const one = new EngineHandshake(module, first);
  const two = new EngineHandshake(module, { ...first, e: randomBytes(32) });
  const responder = new EngineHandshake(module, second);
  responder.read(one.write(randomBytes(3)));
  two.write(randomBytes(3));
  expect(two.tryRead(responder.write(randomBytes(3)))).toBe(HANDSHAKE_FAILED);
});

test("a message longer than 65535 bytes is refused", () => {
  const [, second] = options("XX", new Uint8Array(0));
  const responder = new EngineHandshake(module, second);
  expect(responder.tryRead(new Uint8Array(65536))).toBe(HANDSHAKE_FAILED);
  expect(responder.tryRead(new Uint8Array(65535))).toHaveLength(65535 - 32);
});

test("writing out of turn is a bug, and traps", () => {
  const [first, second] = options("XX", new Uint8Array(0));
  const responder = new EngineHandshake(new TestModule("noise"), second);
  expect(() => responder.write(new Uint8Array(0))).toThrow(WebAssembly.RuntimeError);
  const initiator = new EngineHandshake(new TestModule("noise"), first);
  expect(() => initiator.read(new Uint8Array(64))).toThrow(WebAssembly.RuntimeError);
  expect(() => initiator.split()).toThrow(WebAssembly.RuntimeError);
});

test("writing or reading after the last message is a bug, and traps", () => {
  for (const attempt of [
    (side: EngineHandshake) => side.write(new Uint8Array(0)),
    (side: EngineHandshake) => side.read(new Uint8Array(64)),
  ]) {
    const [first, second] = options("NK", new Uint8Array(0));
    for (const isInitiator of [true, false]) {
      const fresh = new TestModule("noise");
      const initiator = new EngineHandshake(fresh, first);
      const responder = new EngineHandshake(fresh, second);
      run(initiator, responder, [randomBytes(1), randomBytes(1)]);
      expect(() => attempt(isInitiator ? initiator : responder)).toThrow(WebAssembly.RuntimeError);
    }
  }
});

test("the sides take turns, and after the last message it is nobody's turn", () => {
  const [first, second] = options("XX", new Uint8Array(0));
  const sides = [new EngineHandshake(module, first), new EngineHandshake(module, second)] as const;
  const turns = (): boolean[] =>
    sides.map(({ state }) => module.exports["handshakeIsTurnToWrite"]!(state) !== 0);
  for (const [writer, reader] of [sides, sides.toReversed(), sides] as const) {
    expect(turns()).toEqual(sides.map((side) => side === writer));
    reader.read(writer.write(randomBytes(3)));
  }
  expect(turns()).toEqual([false, false]);
});
