/**
 * Goal: whatever an authentic peer sends ends in a named close or is taken; nothing traps.
 * Method: a peer with the right keys seals payloads that no honest engine writes.
 */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { errorNumber, type ErrorCode } from "../../../host/shared/ports/failure.ts";
import { Forger } from "../../support/forger.ts";
import { Pair, PARAMETERS } from "../../support/pair.ts";

interface Forged {
  readonly forger: Forger;
  readonly pair: Pair;
  readonly client: number;
  readonly server: number;
}

function connect(): Forged {
  const forger = new Forger();
  const pair = new Pair({ createClient: forger.createEndpoint });
  return { forger, pair, ...pair.connected("IK") };
}

/** A frame: head of 8 bytes, body padded to 8. */
function frame(type: number, flags: number, body: readonly number[], aux = 0): Uint8Array {
  const bytes = new Uint8Array(8 + ((body.length + 7) & ~7));
  const view = new DataView(bytes.buffer);
  view.setUint8(0, type);
  view.setUint8(1, flags);
  view.setUint16(2, body.length, true);
  view.setUint32(4, aux, true);
  bytes.set(body, 8);
  return bytes;
}

function u64(...values: readonly (number | bigint)[]): number[] {
  const bytes = new Uint8Array(values.length * 8);
  const view = new DataView(bytes.buffer);
  for (const [index, value] of values.entries()) view.setBigUint64(index * 8, BigInt(value), true);
  return [...bytes];
}

/** OPENING of a stream of bytes with the name "x". */
const OPENING = [1, 0, 1, 0, 0, 0, 0, 0, 0x78, 0, 0, 0, 0, 0, 0, 0];
const CONTROL = 0x08;
const DATA = 0x05;

const { maxStreamData, maxStreamsBidi } = PARAMETERS;

const CASES: readonly (readonly [string, ErrorCode, Uint8Array])[] = [
  ["no frame at all", "protocol-violation", new Uint8Array(0)],
  ["a frame of no known type", "frame-invalid", frame(0x30, 0, [])],
  ["CRYPTO, which is reserved", "frame-invalid", frame(0x03, 0, u64(0))],
  ["PATH_CHALLENGE, which is reserved", "frame-invalid", frame(CONTROL, 11, u64(0))],
  ["TICKET, which is reserved", "frame-invalid", frame(CONTROL, 16, u64(0))],
  ["a frame that is longer than the packet", "frame-invalid", frame(0x07, 0, []).fill(0xff, 2, 4)],
  ["padding behind a frame that is not zero", "frame-invalid", frame(0x07, 0, [1]).fill(1, 15)],
  ["a payload that is no multiple of 8", "frame-invalid", new Uint8Array(12)],
  [
    "ACK of a packet that was never sent",
    "protocol-violation",
    frame(0x02, 0, [...u64(5000), 0, 0, 0, 0, 0, 0, 0, 0]),
  ],
  [
    "ACK of a range below zero",
    "frame-invalid",
    frame(0x02, 0, [...u64(0), 9, 0, 0, 0, 0, 0, 0, 0]),
  ],
  ["HANDSHAKE_DONE by the initiator", "protocol-violation", frame(CONTROL, 9, [])],
  [
    "more data than the stream's window",
    "flow-control",
    frame(DATA, 2, [...u64(0, maxStreamData), ...OPENING, 1]),
  ],
  [
    "a stream beyond the limit",
    "stream-limit",
    frame(DATA, 2, [...u64(maxStreamsBidi * 4, 0), ...OPENING, 1]),
  ],
  [
    "an opening of a stream that only we open",
    "protocol-violation",
    frame(DATA, 2, [...u64(2, 0), ...OPENING, 1]),
  ],
  ["a unidirectional stream", "frame-invalid", frame(DATA, 2, [...u64(1, 0), ...OPENING, 1])],
  [
    "data on our own stream that was never opened",
    "stream-state",
    frame(DATA, 0, [...u64(2, 0), 1]),
  ],
  ["an offset beyond 2^62", "frame-invalid", frame(DATA, 0, [...u64(0, (1n << 62n) - 1n), 1, 2])],
  [
    "a datagram larger than we take",
    "datagram-too-large",
    frame(
      0x07,
      0,
      Array.from({ length: 1120 }, () => 1),
    ),
  ],
];

describe("the responder closes on", () => {
  test.each(CASES)("%s with %s", (_name, code, payload) => {
    const { forger, pair, client } = connect();
    pair.inject("server", forger.packet(client, payload, pair.nowUs));
    expect(pair.take("server", "closed")).toMatchObject({
      code: errorNumber(code),
      isByPeer: false,
    });
    pair.runUntil(() => pair.find("client", "closed"));
    expect(pair.take("client", "closed")).toMatchObject({
      code: errorNumber(code),
      isByPeer: true,
    });
  });

  test("an opening that differs from the first one, with protocol-violation", () => {
    const { forger, pair, client } = connect();
    const other = [3, ...OPENING.slice(1)];
    const first = frame(DATA, 2, [...u64(0, 0), ...OPENING, 1]);
    pair.inject("server", forger.packet(client, first, pair.nowUs));
    pair.inject("server", forger.packet(client, first, pair.nowUs));
    expect(pair.find("server", "closed")).toBeUndefined();
    const changed = frame(DATA, 2, [...u64(0, 0), ...other, 1]);
    pair.inject("server", forger.packet(client, changed, pair.nowUs));
    expect(pair.take("server", "closed").code).toBe(errorNumber("protocol-violation"));
  });

  test("a final size that changes, with final-size", () => {
    const { forger, pair, client } = connect();
    const first = frame(DATA, 3, [...u64(0, 0), ...OPENING, 1, 2, 3]);
    pair.inject("server", forger.packet(client, first, pair.nowUs));
    expect(pair.find("server", "closed")).toBeUndefined();
    pair.inject("server", forger.packet(client, frame(0x06, 0, u64(0, 4)), pair.nowUs));
    expect(pair.take("server", "closed").code).toBe(errorNumber("final-size"));
  });
});

test("extension frames and padding are taken and mean nothing", () => {
  const { forger, pair, client } = connect();
  const payload = new Uint8Array([
    ...frame(0x41, 0xff, [1, 2, 3], 77),
    ...new Uint8Array(24),
    ...frame(0x5f, 1, []),
  ]);
  pair.inject("server", forger.packet(client, payload, pair.nowUs));
  expect(pair.find("server", "closed")).toBeUndefined();
});

test("a packet is taken once, whoever sends it again", () => {
  const { forger, pair, client } = connect();
  const packet = forger.packet(client, frame(0x07, 0, [7]), pair.nowUs);
  pair.inject("server", packet);
  for (let count = 0; count < 5; count += 1) pair.inject("server", packet, new Uint8Array(24));
  expect(pair.events.server.filter(({ kind }) => kind === "datagram").length).toBe(1);
  expect(pair.server.endpointStats().droppedReplayed).toBe(5);
});

test("any sequence of plausible and implausible frames neither traps nor keeps the endpoint busy", () => {
  const body = fc.oneof(
    fc.uint8Array({ maxLength: 80 }),
    fc
      .tuple(
        fc.bigInt({ min: 0n, max: 300n }),
        fc.bigInt({ min: 0n, max: 1n << 21n }),
        fc.uint8Array({ maxLength: 60 }),
      )
      .map(([id, offset, data]) => Uint8Array.from([...u64(id, offset), ...data])),
  );
  const anyFrame = fc
    .tuple(
      fc.integer({ min: 0, max: 9 }),
      fc.integer({ min: 0, max: 19 }),
      body,
      fc.constantFrom(0, 1, 500),
    )
    .map(([type, flags, bytes, aux]) =>
      frame(type, flags, [...bytes], type === 2 || type === 8 ? aux : 0),
    );
  fc.assert(
    fc.property(fc.array(anyFrame, { minLength: 1, maxLength: 10 }), (frames) => {
      const { forger, pair, client } = connect();
      for (const one of frames) {
        if (pair.find("server", "closed")) break;
        pair.inject("server", forger.packet(client, one, pair.nowUs));
        pair.runFor(20_000);
      }
      pair.runFor(100_000_000);
      expect(pair.server.endpointStats().connections).toBe(0);
    }),
    { numRuns: 60 },
  );
});
