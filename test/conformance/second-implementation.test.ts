/**
 * Goal: docs/protocol.md is enough to make another implementation from, and the engine speaks what
 * it says. Method: an initiator written from the document over node:crypto
 * (test/reference/initiator.ts) shakes hands with the engine in every pattern, exchanges frames
 * with it, and breaks the rules one by one.
 */
import { describe, expect, test } from "vitest";
import { encodeFrame, type FrameValue } from "../reference/frames.ts";
import { ByteWriter } from "../reference/bytes.ts";
import { ENGINE_PERSON, ScriptedServer } from "../support/scripted-peer.ts";

const PING = encodeFrame({ type: "ping" });
const name = new TextEncoder().encode("test/1");

/** The code of the CLOSE among the frames, or null. */
function closeCode(frames: readonly FrameValue[]): number | null {
  const close = frames.find((frame) => frame.type === "close");
  return close === undefined ? null : Number(close.code);
}

describe("a second implementation", () => {
  test.each(["IK", "NK", "XX", "NX"] as const)("shakes hands by %s", (pattern) => {
    const server = new ScriptedServer();
    const peer = server.peer({ pattern });
    const { parameters, responderStatic } = peer.shakeHands();
    expect(parameters.numbers.get(9)).toBe(1200n);
    expect(parameters.strings.has(11)).toBe(true);
    if (pattern === "XX" || pattern === "NX") {
      expect(responderStatic).toEqual(ENGINE_PERSON.staticPublic);
    }
    // Nothing is shown to the application before the first packet.
    expect(server.events).toEqual([]);
    const frames = peer.send(PING);
    expect(frames.map((frame) => frame.type)).toContain("handshake-done");
    const connected = server.events.find((event) => event.kind === "connected");
    expect(connected).toMatchObject({ pattern, isInitiator: false });
    expect(connected?.kind === "connected" && connected.channelBinding).toEqual(
      peer.initiator.channelBinding,
    );
  });

  test("sends a stream and reads the answer", () => {
    const server = new ScriptedServer();
    const peer = server.peer();
    peer.shakeHands();
    peer.send(PING);
    const data = new TextEncoder().encode("hello");
    const opening = { band: 1, kind: 0, name };
    const stream = { type: "stream-data", id: 0n, offset: 0n, isFin: true, opening, data } as const;
    peer.send(encodeFrame(stream));
    const opened = server.events.find((event) => event.kind === "stream-opened");
    expect(opened).toMatchObject({ stream: 0n, band: 1, streamKind: "bytes", protocol: "test/1" });
    if (opened?.kind !== "stream-opened") throw new Error("no stream");
    const target = new Uint8Array(64);
    const { engine } = server;
    expect(engine.read(opened.connection, 0n, target)).toBe(5);
    expect(target.subarray(0, 5)).toEqual(data);
    expect(engine.write(opened.connection, 0n, Uint8Array.of(1, 2, 3), true)).toBe(3);
    const answer = peer.read(server.deliver(new Uint8Array(), peer.remote));
    expect(answer.find((frame) => frame.type === "stream-data")).toMatchObject({
      id: 0n,
      offset: 0n,
      isFin: true,
      data: Uint8Array.of(1, 2, 3),
    });
  });

  test("is acknowledged exactly for what it sent", () => {
    const server = new ScriptedServer();
    const peer = server.peer();
    peer.shakeHands();
    const frames = [...peer.send(PING), ...peer.send(PING), ...peer.send(PING)];
    const acks = frames.filter((frame) => frame.type === "ack");
    expect(acks.at(-1)?.ranges[0]).toMatchObject({ smallest: 0n });
    for (const { ranges } of acks) expect(ranges[0]!.largest).toBeLessThanOrEqual(2n);
  });

  test("sees the same message 2 for the same message 1, and nothing for another one", () => {
    const server = new ScriptedServer();
    const peer = server.peer();
    const initial = peer.initiator.initial();
    const [first] = peer.deliver(initial);
    const [again] = peer.deliver(initial);
    expect(again).toEqual(first);
    initial[initial.length - 1]! ^= 1;
    expect(peer.deliver(initial)).toEqual([]);
  });

  test.each([
    ["a smaller datagram", (initial: Uint8Array) => initial.subarray(0, 1199)],
    ["a reserved type", (initial: Uint8Array) => initial.with(8, 3)],
    ["a reserved kind", (initial: Uint8Array) => initial.with(9, 5)],
    ["a reserved bit", (initial: Uint8Array) => initial.with(8, 0x81)],
    ["a changed version list", (initial: Uint8Array) => initial.with(36, 0x7a)],
    ["a wrong tag", (initial: Uint8Array) => initial.with(1199, initial[1199]! ^ 1)],
  ])("is not answered for %s", (_title, change) => {
    const server = new ScriptedServer();
    const peer = server.peer();
    expect(peer.deliver(change(peer.initiator.initial()))).toEqual([]);
    expect(server.engine.endpointStats().datagramsDropped).toBe(1);
  });

  test("gets a Hint for a version and for a key that the engine does not have", () => {
    const server = new ScriptedServer();
    const peer = server.peer();
    const initial = peer.initiator.initial();
    const [versions] = peer.deliver(initial.with(12, 2));
    expect([versions![8], versions![9]]).toEqual([7, 1]);
    const [useXx] = peer.deliver(initial.with(16, initial[16]! ^ 1));
    expect([useXx![8], useXx![9]]).toEqual([7, 2]);
    expect(versions!.slice(0, 8)).toEqual(initial.slice(0, 8));
  });
});

describe("an authentic peer that breaks the rules is told so", () => {
  const frame = (...numbers: number[]) => new ByteWriter().bytes(Uint8Array.from(numbers)).pad(8);

  test.each([
    ["a reserved frame", frame(3, 0).finish(), 25],
    ["a reserved CONTROL", frame(8, 16).finish(), 25],
    ["an unknown frame", frame(0x3f).finish(), 25],
    ["HANDSHAKE_DONE to a responder", encodeFrame({ type: "handshake-done" }), 26],
    ["no frame at all", new Uint8Array(), 26],
    [
      "an ACK of what was never sent",
      encodeFrame({ type: "ack", delayUs: 0, ranges: [{ smallest: 900n, largest: 900n }] }),
      26,
    ],
    [
      "more data than the window",
      encodeFrame({
        type: "stream-data",
        id: 0n,
        offset: 2n ** 40n,
        isFin: false,
        opening: null,
        data: Uint8Array.of(1),
      }),
      27,
    ],
    [
      "a stream beyond the limit",
      encodeFrame({ type: "stream-fin", id: 4n << 40n, finalSize: 0n }),
      28,
    ],
    ["a stream of the other side", encodeFrame({ type: "stream-fin", id: 2n, finalSize: 0n }), 29],
    [
      "two final sizes",
      Uint8Array.from([
        ...encodeFrame({ type: "stream-fin", id: 0n, finalSize: 5n }),
        ...encodeFrame({ type: "stream-fin", id: 0n, finalSize: 6n }),
      ]),
      30,
    ],
    [
      "a datagram that is too large",
      encodeFrame({ type: "datagram", data: new Uint8Array(1104) }),
      32,
    ],
  ])("%s", (_title, payload, code) => {
    const server = new ScriptedServer();
    const peer = server.peer();
    peer.shakeHands();
    peer.send(PING);
    expect(closeCode(peer.send(payload))).toBe(code);
  });

  test.each([
    ["the key phase", 0x08, 0],
    ["flags bit 4", 0x10, 0],
    ["flags bit 7", 0x80, 0],
    ["number byte bit 2", 0, 0x04],
    ["number byte bit 7", 0, 0x80],
  ])("reserved bit: %s", (_title, flags, numberByte) => {
    const server = new ScriptedServer();
    const peer = server.peer();
    peer.shakeHands();
    peer.send(PING);
    const packets = peer.deliver(peer.initiator.sealWithBits(PING, flags, numberByte));
    expect(closeCode(peer.read(packets))).toBe(24);
  });

  test("extension frames are ignored", () => {
    const server = new ScriptedServer();
    const peer = server.peer();
    peer.shakeHands();
    const data = Uint8Array.of(1, 2, 3);
    const grease = encodeFrame({ type: "extension", code: 0x5f, flags: 255, aux: 7, data });
    expect(closeCode(peer.send(grease))).toBeNull();
  });
});

describe("what the specification promises about streams and the end", () => {
  const opening = { band: 2, kind: 0, name };
  const data = (offset: bigint, text: string, opens: boolean) =>
    encodeFrame({
      type: "stream-data",
      id: 0n,
      offset,
      isFin: false,
      opening: opens ? opening : null,
      data: new TextEncoder().encode(text),
    });

  /** A peer that is connected, and the connection's number in the engine. */
  function connected() {
    const server = new ScriptedServer();
    const peer = server.peer();
    peer.shakeHands();
    peer.send(PING);
    const event = server.events.find((one) => one.kind === "connected");
    if (event?.kind !== "connected") throw new Error("not connected");
    return { server, peer, connection: event.connection };
  }

  test("data that comes before its opening is kept", () => {
    const { server, peer, connection } = connected();
    peer.send(data(5n, "world", false));
    expect(server.events.some((event) => event.kind === "stream-opened")).toBe(false);
    peer.send(data(0n, "hello", true));
    expect(server.events.find((event) => event.kind === "stream-opened")).toMatchObject({
      band: 2,
    });
    const target = new Uint8Array(64);
    expect(server.engine.read(connection, 0n, target)).toBe(10);
    expect(new TextDecoder().decode(target.subarray(0, 10))).toBe("helloworld");
  });

  test("an opening that says something else than before closes with protocol-violation", () => {
    const { peer } = connected();
    peer.send(data(0n, "hello", true));
    const other = { type: "stream-open", id: 0n, opening: { ...opening, band: 3 } } as const;
    expect(closeCode(peer.send(encodeFrame(other)))).toBe(26);
  });

  test("a packet is taken once, however often it comes", () => {
    const { server, peer, connection } = connected();
    const packet = peer.initiator.seal(data(0n, "once", true));
    peer.deliver(packet);
    const dropped = server.engine.endpointStats().droppedReplayed;
    peer.deliver(packet);
    expect(server.engine.endpointStats().droppedReplayed).toBe(dropped + 1);
    expect(server.engine.read(connection, 0n, new Uint8Array(64))).toBe(4);
  });

  test("while closing, the 1st, 2nd, 4th and 8th packet are answered with the same bytes", () => {
    const { server, peer, connection } = connected();
    server.engine.close(connection, 7n, "enough", server.now);
    const [close, ...others] = peer.deliver(new Uint8Array());
    expect(others).toEqual([]);
    const answered: number[] = [];
    for (let count = 1; count <= 9; count++) {
      const answer = peer.deliver(peer.initiator.seal(PING));
      if (answer.length > 0) answered.push(count);
      for (const packet of answer) expect(packet).toEqual(close);
    }
    expect(answered).toEqual([1, 2, 4, 8]);
    expect(peer.read([close!])[0]).toMatchObject({ isByApplication: true, applicationCode: 7n });
  });

  test("after the peer's CLOSE nothing is sent", () => {
    const { server, peer } = connected();
    const close: FrameValue = {
      type: "close",
      code: 0n,
      isByApplication: true,
      applicationCode: 3n,
      reason: name,
    };
    expect(peer.send(encodeFrame(close))).toEqual([]);
    expect(peer.send(PING)).toEqual([]);
    expect(server.wait(10_000_000)).toEqual([]);
    const closed = server.events.find((event) => event.kind === "closed");
    expect(closed).toMatchObject({ isByPeer: true, applicationCode: 3n, reason: "test/1" });
  });

  test("a peer that never proves its keys is forgotten after ten seconds, without a word", () => {
    const server = new ScriptedServer();
    server.peer().shakeHands();
    expect(server.engine.endpointStats().connections).toBe(1);
    expect(server.wait(9_900_000)).toEqual([]);
    expect(server.engine.endpointStats().connections).toBe(1);
    expect(server.wait(200_000)).toEqual([]);
    expect(server.engine.endpointStats().connections).toBe(0);
    expect(server.events).toEqual([]);
  });

  test("HANDSHAKE_DONE is sent again until it is acknowledged", () => {
    const server = new ScriptedServer();
    const peer = server.peer();
    peer.shakeHands();
    expect(peer.send(PING).some((frame) => frame.type === "handshake-done")).toBe(true);
    const again = peer.read(server.wait(3_000_000));
    expect(again.some((frame) => frame.type === "handshake-done")).toBe(true);
  });
});
