/**
 * Goal: an endpoint takes what belongs to it, counts what it drops, bounds what strangers can use up, and joins
 * what it sends. Method: datagrams of every sort, handed to an endpoint by a test that plays the network.
 */
import { describe, expect, test } from "vitest";
import { errorNumber, Failure } from "../../../host/shared/ports/failure.ts";
import {
  bytes32,
  configOf,
  createEndpoint,
  createPerson,
  Pair,
  PARAMETERS,
} from "../../support/pair.ts";
import { content } from "../../support/pair-streams.ts";

/** A packet head of 16 bytes with `type`, and a body of `size` bytes. */
function packet(type: number, size: number): Uint8Array {
  const bytes = new Uint8Array(16 + size);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, 0x0102_0304_0506_0708n, true);
  view.setUint8(8, type);
  view.setUint16(10, size, true);
  return bytes;
}

describe("strange datagrams", () => {
  test.each([
    ["an empty one", new Uint8Array(0), "droppedMalformed"],
    ["one shorter than a head", new Uint8Array(15), "droppedMalformed"],
    ["one whose length reaches beyond it", packet(4, 40).subarray(0, 40), "droppedMalformed"],
    ["type 0", packet(0, 40), "droppedMalformed"],
    ["ZERO_RTT, reserved", packet(3, 40), "droppedMalformed"],
    ["PROBE, reserved", packet(5, 40), "droppedMalformed"],
    ["RETRY, reserved", packet(6, 40), "droppedMalformed"],
    ["a long head with reserved bits", packet(0x82, 40), "droppedMalformed"],
    ["1-RTT of nobody", packet(4, 40), "droppedUnknownConnection"],
    ["an Initial that is too short to be one", packet(1, 1184), "droppedMalformed"],
  ] as const)("%s is dropped, counted and not answered", (_name, bytes, counter) => {
    const pair = new Pair();
    pair.inject("server", bytes);
    const stats = pair.server.endpointStats();
    expect(stats).toMatchObject({
      datagramsReceived: 1,
      datagramsDropped: 1,
      [counter]: 1,
      connections: 0,
    });
    expect(pair.wire).toEqual([]);
  });

  test("behind a packet with a wrong length the rest of the datagram is dropped, before it nothing is", () => {
    const pair = new Pair();
    const { client } = pair.connected("IK");
    pair.client.sendDatagram(client, content(20, 1));
    const held: Uint8Array[] = [];
    pair.fate = (_from, bytes) => {
      held.push(bytes);
      return { delayUs: 0, copies: [] };
    };
    pair.drain("client");
    const joined = new Uint8Array([...held[0]!, ...packet(4, 400).subarray(0, 60)]);
    const before = pair.server.endpointStats();
    pair.inject("server", joined);
    expect(pair.find("server", "datagram")).toBeDefined();
    expect(pair.server.endpointStats().droppedMalformed).toBe(before.droppedMalformed + 1);
  });

  test("ten thousand random ones neither trap nor take a slot", () => {
    const pair = new Pair();
    let state = 7;
    const random = (): number => (state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0) >>> 8;
    for (let count = 0; count < 10_000; count += 1) {
      const bytes = Uint8Array.from({ length: random() % 1400 }, () => random());
      if (bytes.length > 10) bytes[8] = bytes[8]! & 7;
      if (bytes.length > 16 && count % 2 === 0)
        new DataView(bytes.buffer).setUint16(10, bytes.length - 16, true);
      expect(pair.server.queueDatagram(bytes, pair.addresses.client)).toBe(true);
      pair.server.receive(pair.now());
    }
    expect(pair.server.endpointStats()).toMatchObject({
      datagramsReceived: 10_000,
      connections: 0,
    });
    expect(pair.server.transmit(pair.now())).toEqual([]);
  });
});

describe("strangers", () => {
  test("an unknown version is answered with the versions we speak, smaller than what came", () => {
    const pair = new Pair();
    pair.dial("IK");
    const initial = pair.wire[0]!.bytes.slice();
    new DataView(initial.buffer).setUint32(12, 0x4d58_5003, true);
    pair.inject("server", initial);
    const answer = pair.wire.at(-1)!;
    expect(answer.from).toBe("server");
    expect(answer.bytes.length).toBeLessThan(initial.length);
    expect(answer.bytes.subarray(0, 8)).toEqual(initial.subarray(0, 8));
    expect(new DataView(answer.bytes.buffer).getUint32(24, true)).toBe(0x4d58_5001);
    expect(pair.server.endpointStats().connections).toBe(0);
  });

  test("an endpoint that accepts nothing answers nothing", () => {
    const pair = new Pair({ serverConfig: { acceptsConnections: false } });
    pair.dial("IK");
    pair.runFor(50_000);
    expect(pair.wire.every(({ from }) => from === "client")).toBe(true);
    expect(pair.server.endpointStats().droppedUnknownConnection).toBe(1);
    expect(pair.server.entropyWanted()).toBe(0);
  });

  test("no handshake begins without fresh entropy, and each begun one uses a piece", () => {
    const pair = new Pair({ entropy: 0 });
    expect(pair.server.entropyWanted()).toBe(64);
    pair.dial("IK");
    pair.runFor(100_000);
    expect(pair.server.endpointStats()).toMatchObject({ droppedFull: 1, connections: 0 });
    pair.server.addEntropy(bytes32(5));
    expect(pair.server.entropyWanted()).toBe(63);
    pair.runUntil(() => pair.find("client", "connected"));
    expect(pair.server.entropyWanted()).toBe(64);
  });

  test("initiators that prove nothing get at most half of the slots", () => {
    const pair = new Pair({ entropy: 64, serverConfig: { connectionsMax: 8 } });
    pair.fate = () => ({ delayUs: 0, copies: [] });
    for (let count = 0; count < 8; count += 1) {
      const attacker = createEndpoint(createPerson(20 + count), 30 + count);
      attacker.connect(
        {
          remote: pair.addresses.server,
          pattern: "IK",
          remoteStatic: pair.people.server.staticPublic,
          entropy: bytes32(90 + count),
        },
        pair.now(),
      );
      for (const { bytes } of attacker.transmit(pair.now())) {
        pair.inject(
          "server",
          bytes,
          Uint8Array.from({ length: 24 }, () => count + 1),
        );
      }
    }
    expect(pair.server.endpointStats()).toMatchObject({ connections: 4, droppedFull: 4 });
    pair.runFor(11_000_000);
    expect(pair.server.endpointStats().connections).toBe(0);
  });

  test("a first packet that is copied from another address takes nothing from its sender", () => {
    const pair = new Pair();
    pair.dial("IK");
    pair.inject(
      "server",
      pair.wire[0]!.bytes,
      Uint8Array.from({ length: 24 }, () => 9),
    );
    pair.runUntil(() => pair.find("client", "connected"));
    expect(pair.take("server", "connected").remote).toEqual(pair.addresses.client);
  });
});

describe("sends", () => {
  test("join datagrams of equal size, the last may be shorter, and stay within one UDP payload", () => {
    const pair = new Pair({ delayUs: 1000 });
    const { client, server } = pair.connected("IK");
    const stream = pair.open(client);
    pair.client.write(client, stream, content(500_000, 1), true);
    let largest = 0;
    pair.runUntil(() => {
      for (const { bytes, segmentBytes } of pair.client.transmit(pair.now())) {
        expect(segmentBytes).toBeLessThanOrEqual(1200);
        expect(bytes.length).toBeLessThanOrEqual(65_507);
        largest = Math.max(largest, bytes.length / segmentBytes);
        for (let at = 0; at < bytes.length; at += segmentBytes) {
          pair.server.queueDatagram(bytes.subarray(at, at + segmentBytes), pair.addresses.client);
        }
      }
      pair.server.receive(pair.now());
      const target = new Uint8Array(500_000);
      if (pair.find("server", "stream-opened")) pair.server.read(server, stream, target);
      pair.drain("server");
      return largest > 5;
    });
  });

  test("segments that the kernel has merged are taken apart again", () => {
    const pair = new Pair();
    const { client, server } = pair.connected("IK");
    const stream = pair.open(client);
    pair.client.write(client, stream, content(9000, 1), true);
    const sends = pair.client.transmit(pair.now());
    expect(sends.length).toBe(1);
    expect(sends[0]!.bytes.length).toBeGreaterThan(sends[0]!.segmentBytes);
    pair.inject("server", sends[0]!.bytes.slice());
    const target = new Uint8Array(10_000);
    expect(pair.server.read(server, stream, target)).toBe(9000);
  });

  test("the receive batch says when it is full", () => {
    const pair = new Pair();
    for (let count = 0; count < 64; count += 1) {
      expect(pair.server.queueDatagram(new Uint8Array(20), pair.addresses.client)).toBe(true);
    }
    expect(pair.server.queueDatagram(new Uint8Array(20), pair.addresses.client)).toBe(false);
    pair.server.receive(pair.now());
    let merged = 0;
    while (pair.server.queueDatagram(new Uint8Array(65_507), pair.addresses.client)) merged += 1;
    expect(merged).toBeGreaterThanOrEqual(4);
  });
});

describe("creation", () => {
  const person = createPerson(1);
  const failing = (changes: object): string => {
    try {
      createEndpoint(person, 1, changes);
    } catch (thrown) {
      return Failure.from(thrown).code;
    }
    return "created";
  };

  test.each([
    ["argument-invalid", { seed: new Uint8Array(31) }],
    ["argument-invalid", { staticPrivateKey: new Uint8Array(33) }],
    ["argument-invalid", { certificate: new Uint8Array(513) }],
    ["argument-invalid", { certificate: new Uint8Array(0), acceptsConnections: true }],
    ["argument-invalid", { basePacketBytes: 1000 }],
    ["argument-invalid", { maxPacketBytes: 1100, basePacketBytes: 1200 }],
    ["argument-invalid", { maxPacketBytes: 1453 }],
    ["argument-invalid", { connectionsMax: 0 }],
    ["argument-invalid", { parameters: { ...PARAMETERS, maxMessageBytes: 17 * 1024 * 1024 } }],
    ["memory-limit", { connectionsMax: 4000 }],
    ["memory-limit", { parameters: { ...PARAMETERS, maxData: 200 * 1024 * 1024 } }],
    ["created", { connectionsMax: 64 }],
    ["created", { connectionsMax: 1, maxPacketBytes: 1452, basePacketBytes: 1024 }],
  ] as const)("%s for %o", (outcome, changes) => {
    expect(failing(changes)).toBe(outcome);
  });

  test("a dial that cannot begin says why", () => {
    const pair = new Pair({ clientConfig: { certificate: new Uint8Array(0), connectionsMax: 1 } });
    expect(pair.dial("IK")).toBe(-errorNumber("identity-missing"));
    expect(pair.dial("XX")).toBe(-errorNumber("identity-missing"));
    expect(pair.dial("NK", { remoteStatic: undefined })).toBe(-errorNumber("argument-invalid"));
    expect(pair.dial("NX", { expectedName: "x".repeat(129) })).toBe(
      -errorNumber("argument-invalid"),
    );
    expect(pair.dial("NX")).toBeGreaterThan(0);
    expect(pair.dial("NX")).toBe(-errorNumber("memory-limit"));
  });

  test("the same seed and inputs give the same bytes, another seed gives others", () => {
    const wire = (seed: number): string[] => {
      const pair = new Pair({ clientConfig: { seed: bytes32(seed) } });
      pair.connected("XX");
      return pair.wire.map(({ bytes }) => Buffer.from(bytes).toString("hex"));
    };
    expect(wire(3)).toEqual(wire(3));
    expect(wire(3)[0]).not.toEqual(wire(4)[0]);
  });

  test("two endpoints of one module share nothing", () => {
    const config = configOf(person, 1);
    expect(config.seed.length).toBe(32);
    const first = new Pair();
    const second = new Pair();
    first.connected("IK");
    expect(second.server.endpointStats().datagramsReceived).toBe(0);
  });
});
