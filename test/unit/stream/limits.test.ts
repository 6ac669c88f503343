/** Goal: no peer sends or opens more than it was permitted, and permissions come back. Method: limits met exactly, missed by one, and lost on the way. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { Engine } from "../../support/engine-calls.ts";
import { CONTROL, type DataFrame, type Side, newPair, pattern } from "./side.ts";

const engine = new Engine("stream");
const OK = 0;
const FLOW_CONTROL = -27;
const STREAM_LIMIT = -28;
const STREAM_STATE = -29;
const FINAL_SIZE = -30;
const MEMORY_LIMIT = -37;
const WOULD_BLOCK = -38n;
const ARGUMENT_INVALID = -42n;

/** A frame as a peer may forge it. */
function frame(id: bigint, offset: number, length: number, isFin = false): DataFrame {
  const bytes = pattern(offset, length);
  return { type: "data", id, slot: 0, generation: 0, offset, bytes, isFin, open: undefined };
}

function reset(side: Side, id: bigint, finalSize: bigint): number {
  return engine.call("streamsOnReset", side.streams, id, 1n, finalSize);
}

/** Opens, ends both ways and frees the next stream of the client. */
function useUp(client: Side, server: Side): void {
  const id = client.open();
  client.finish(id);
  for (const sent of client.allFrames()) {
    server.receive(sent);
    client.onAcked(sent);
  }
  server.events();
  server.finish(id);
  for (const sent of server.allFrames()) {
    client.receive(sent);
    server.onAcked(sent);
  }
  for (const side of [client, server]) {
    side.events();
    expect(engine.is("streamTakeEnd", side.at(id))).toBe(true);
    side.events();
    side.settle();
  }
}

// spec-test: RFC 9000 §4.1
test("the last byte of a stream's window is taken, the next one is an error", () => {
  const { server } = newPair(engine, {}, { maxStreamData: 1000, maxData: 5000 });
  expect(server.receive(frame(0n, 999, 1))).toBe(OK);
  expect(server.receive(frame(0n, 1000, 1))).toBe(FLOW_CONTROL);
  expect(server.receive(frame(0n, 999, 2))).toBe(FLOW_CONTROL);
  // An end without bytes needs no credit, but may not lie beyond it either.
  expect(server.receive(frame(4n, 1000, 0, true))).toBe(OK);
  expect(server.receive(frame(8n, 1001, 0, true))).toBe(FLOW_CONTROL);
});

test("the connection's window counts the highest byte of every stream, once", () => {
  const { server } = newPair(engine, {}, { maxStreamData: 1000, maxData: 1500 });
  expect(server.receive(frame(0n, 0, 1000))).toBe(OK);
  expect(server.receive(frame(0n, 0, 1000))).toBe(OK);
  expect(server.receive(frame(4n, 0, 501))).toBe(FLOW_CONTROL);
  expect(server.receive(frame(4n, 499, 1))).toBe(OK);
  expect(server.receive(frame(4n, 0, 499))).toBe(OK);
  expect(server.receive(frame(8n, 0, 1))).toBe(FLOW_CONTROL);
  expect(reset(server, 8n, 1n)).toBe(FLOW_CONTROL);
  expect(reset(server, 8n, 0n)).toBe(OK);
});

test("an offset that no stream can have is an error, not a wrap", () => {
  const { server } = newPair(engine);
  const limit = 2n ** 62n;
  const at = engine.module.put(pattern(0, 8));
  const onData = (offset: bigint, length: number): number =>
    engine.call("streamsOnData", server.streams, 0n, offset, at, length, 0);
  expect(onData(limit - 4n, 8)).toBe(FLOW_CONTROL);
  expect(onData(2n ** 64n - 4n, 8)).toBe(FLOW_CONTROL);
  expect(reset(server, 0n, 2n ** 64n - 1n)).toBe(FLOW_CONTROL);
});

// spec-test: RFC 9000 §4.5
test("a final size never changes, by an end, by a reset or by later bytes", () => {
  const { server } = newPair(engine);
  expect(server.receive(frame(0n, 0, 100, true))).toBe(OK);
  expect(server.receive(frame(0n, 0, 100, true))).toBe(OK);
  expect(server.receive(frame(0n, 0, 99, true))).toBe(FINAL_SIZE);
  expect(server.receive(frame(0n, 0, 101, true))).toBe(FINAL_SIZE);
  expect(server.receive(frame(0n, 100, 1))).toBe(FINAL_SIZE);
  expect(reset(server, 0n, 99n)).toBe(FINAL_SIZE);
  expect(reset(server, 0n, 101n)).toBe(FINAL_SIZE);
  expect(server.receive(frame(4n, 0, 100))).toBe(OK);
  expect(reset(server, 4n, 99n)).toBe(FINAL_SIZE);
  expect(reset(server, 4n, 120n)).toBe(OK);
  expect(reset(server, 4n, 121n)).toBe(FINAL_SIZE);
  expect(server.receive(frame(4n, 119, 1))).toBe(OK);
  expect(server.receive(frame(4n, 120, 1))).toBe(FINAL_SIZE);
});

test("a reset gives back the credit of all bytes up to its final size", () => {
  const { server } = newPair(engine, {}, { maxStreamData: 1000, maxData: 1000 });
  server.receive(frame(0n, 0, 300));
  expect(reset(server, 0n, 1000n)).toBe(OK);
  expect(server.nextControl()).toMatchObject({ kind: CONTROL.maxData, value: 2000n });
  expect(server.receive(frame(4n, 0, 1000))).toBe(OK);
});

test("a window is announced when half of it was read, and not a byte before", () => {
  const { client, server } = newPair(engine, {}, { maxStreamData: 1000, maxData: 3000 });
  const id = client.open();
  client.write(id, pattern(0, 1000));
  server.receive(client.nextData(1000)!);
  server.read(id, 499);
  expect(server.nextControl()).toBeUndefined();
  server.read(id, 1);
  expect(server.nextControl()).toMatchObject({ kind: CONTROL.maxStreamData, id, value: 1500n });
  expect(server.nextControl()).toBeUndefined();
});

test("a lost window frame is sent again with the newest limit, and one that was overtaken is not", () => {
  const { client, server } = newPair(engine, {}, { maxStreamData: 1000, maxData: 100_000 });
  const id = client.open();
  client.write(id, pattern(0, 3000));
  server.receive(client.nextData(1000)!);
  server.read(id, 500);
  const first = server.nextControl()!;
  server.read(id, 100);
  server.onLost(first);
  const second = server.nextControl()!;
  expect(second).toMatchObject({ kind: CONTROL.maxStreamData, value: 1600n });
  server.onLost(first);
  expect(server.nextControl()).toBeUndefined();
  expect(client.receive(second)).toBe(OK);
  expect(client.nextData(1000)).toMatchObject({ offset: 1000, bytes: { length: 600 } });
  // An older limit that comes late takes nothing back.
  expect(client.receive(first)).toBe(OK);
  expect(client.receive({ ...second, value: 1700n })).toBe(OK);
  expect(client.nextData(1000)).toMatchObject({ offset: 1600, bytes: { length: 100 } });
});

test("no window is announced for a stream whose end is known", () => {
  const { client, server } = newPair(engine, {}, { maxStreamData: 1000, maxData: 100_000 });
  const id = client.open();
  client.write(id, pattern(0, 1000));
  client.finish(id);
  server.receive(client.nextData(1000)!);
  server.read(id, 1000);
  expect(server.nextControl()).toBeUndefined();
});

test("a lost blocked frame is sent again while the sender is still blocked there, and not afterwards", () => {
  const { client } = newPair(engine, {}, { maxStreamData: 100, maxData: 150 });
  const id = client.open();
  client.write(id, pattern(0, 500));
  client.nextData(1000);
  expect(client.nextData(1000)).toBeUndefined();
  const blocked = client.nextControl()!;
  expect(blocked).toMatchObject({ kind: CONTROL.streamDataBlocked, value: 100n });
  client.onLost(blocked);
  expect(client.nextControl()).toEqual(blocked);
  engine.call("streamsOnMaxStreamData", client.streams, id, 200n);
  client.onLost(blocked);
  expect(client.nextControl()).toBeUndefined();
  client.nextData(1000);
  expect(client.nextData(1000)).toBeUndefined();
  const ofConnection = client.nextControl()!;
  expect(ofConnection).toMatchObject({ kind: CONTROL.dataBlocked, value: 150n });
  client.onLost(ofConnection);
  expect(client.nextControl()).toEqual(ofConnection);
  engine.call("streamsOnMaxData", client.streams, 160n);
  client.onLost(ofConnection);
  expect(client.nextControl()).toBeUndefined();
});

// spec-test: RFC 9000 §4.6
test("the last permitted stream is taken, the next one is an error, and so is every unidirectional one", () => {
  const { server } = newPair(engine, {}, { maxStreams: 3 });
  expect(server.receive(frame(2n << 2n, 0, 1))).toBe(OK);
  expect(server.receive(frame(3n << 2n, 0, 1))).toBe(STREAM_LIMIT);
  expect(server.receive(frame(2n ** 62n, 0, 1))).toBe(STREAM_LIMIT);
  expect(server.receive(frame(1n, 0, 1))).toBe(STREAM_LIMIT);
  expect(server.receive(frame(3n, 0, 1))).toBe(STREAM_LIMIT);
});

test("a stream of one's own that was never opened is an error when the peer names it", () => {
  const { client, server } = newPair(engine);
  const id = client.open();
  expect(id).toBe(0n);
  expect(client.receive(frame(0n, 0, 1))).toBe(OK);
  expect(client.receive(frame(4n, 0, 1))).toBe(STREAM_STATE);
  expect(server.open()).toBe(2n);
  expect(server.receive(frame(2n, 0, 1))).toBe(OK);
  expect(server.receive(frame(6n, 0, 1))).toBe(STREAM_STATE);
});

test("skipped streams cost no record, and may come later in any order", () => {
  const { server } = newPair(engine, {}, { maxStreams: 8 });
  server.receive(frame(7n << 2n, 0, 1));
  expect(server.count).toBe(1);
  expect(engine.call("slabUsed", server.slab)).toBe(1);
  for (const index of [3n, 0n, 6n, 1n]) expect(server.receive(frame(index << 2n, 0, 1))).toBe(OK);
  expect(server.count).toBe(5);
});

test("streams that are over make room for as many new ones, told at half of the limit", () => {
  const { client, server } = newPair(engine, {}, { maxStreams: 4 });
  useUp(client, server);
  expect(server.nextControl()).toBeUndefined();
  useUp(client, server);
  const more = server.nextControl()!;
  expect(more).toMatchObject({ kind: CONTROL.maxStreams, value: 6n });
  server.onLost(more);
  expect(server.nextControl()).toEqual(more);
  expect(client.open()).toBe(8n);
  expect(client.open()).toBe(12n);
  expect(client.open()).toBe(WOULD_BLOCK);
  const blocked = client.nextControl()!;
  expect(blocked).toMatchObject({ kind: CONTROL.streamsBlocked, value: 4n });
  client.onLost(blocked);
  expect(client.nextControl()).toEqual(blocked);
  expect(client.receive(more)).toBe(OK);
  client.onLost(blocked);
  expect(client.nextControl()).toBeUndefined();
  expect(client.open()).toBe(16n);
});

test("a frame for a stream that is over is ignored, however late", () => {
  const { client, server } = newPair(engine);
  useUp(client, server);
  expect(server.count).toBe(0);
  expect(server.receive(frame(0n, 0, 100))).toBe(OK);
  expect(reset(server, 0n, 5n)).toBe(OK);
  expect(engine.call("streamsOnStopSending", server.streams, 0n, 1n)).toBe(OK);
  expect(engine.call("streamsOnMaxStreamData", server.streams, 0n, 1n)).toBe(OK);
  expect(server.count).toBe(0);
  expect(server.allFrames()).toEqual([]);
});

test("a window frame may come before the stream is announced, and the band is right afterwards", () => {
  const { client, server } = newPair(engine);
  const id = client.open(3);
  expect(engine.call("streamsOnMaxStreamData", server.streams, id, 1_000_000n)).toBe(OK);
  client.write(id, pattern(0, 10));
  server.receive(client.nextData(100)!);
  server.write(id, pattern(0, 10));
  expect(server.nextData(100)).toMatchObject({ id, bytes: { length: 10 } });
  expect(server.nextData(100)).toBeUndefined();
});

test("one's own limit of streams and the endpoint's records bound what is opened", () => {
  const { client } = newPair(engine, { idsMax: 10, maxStreams: 8 }, { maxStreams: 8 });
  expect(client.open()).toBe(0n);
  expect(client.open()).toBe(4n);
  expect(client.open()).toBe(BigInt(MEMORY_LIMIT));
  const { server } = newPair(engine, {}, { records: 1, maxStreams: 4 });
  expect(server.receive(frame(0n, 0, 1))).toBe(OK);
  expect(server.receive(frame(4n, 0, 1))).toBe(MEMORY_LIMIT);
  expect(server.open()).toBe(BigInt(MEMORY_LIMIT));
});

test("a description that no frame can carry is refused before anything is opened", () => {
  const { client } = newPair(engine);
  expect(client.open(4)).toBe(ARGUMENT_INVALID);
  expect(client.open(0, 2)).toBe(ARGUMENT_INVALID);
  expect(client.open(0, 0, pattern(0, 129))).toBe(ARGUMENT_INVALID);
  expect(client.open(0, 0, pattern(0, 128))).toBe(0n);
});

test("no sequence of forged frames traps, overdraws the window or keeps memory after the close", () => {
  const forged = fc.record({
    kind: fc.constantFrom("data", "reset", "stop", "credit", "read", "settle"),
    id: fc.bigInt({ min: 0n, max: 40n }),
    offset: fc.nat(6000),
    length: fc.nat(1200),
    isFin: fc.boolean(),
    isStop: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(forged, { maxLength: 150 }), (frames) => {
      const { server } = newPair(engine, {}, { maxData: 8000, maxStreamData: 4000, poolBlocks: 6 });
      server.open();
      for (const { kind, id, offset, length, isFin, isStop } of frames) {
        const known = server.find(id);
        if (kind === "data") server.receive(frame(id, offset, length, isFin));
        else if (kind === "reset") reset(server, id, BigInt(offset));
        else if (kind === "stop") engine.call("streamsOnStopSending", server.streams, id, 1n);
        else if (kind === "credit") {
          engine.call("streamsOnMaxStreamData", server.streams, id, BigInt(offset));
        } else if (kind === "settle") {
          server.events();
          server.settle();
          for (const sent of server.allFrames()) {
            if (isStop) server.onAcked(sent);
            else server.onLost(sent);
          }
        } else if (known !== 0) {
          server.read(id, length);
          engine.is("streamTakeEnd", known);
          if (isStop) engine.call("streamStop", known, 1n);
        }
        expect(engine.call("streamsCount", server.streams)).toBe(
          engine.call("slabUsed", server.slab),
        );
      }
      engine.call("streamsClose", server.streams);
      expect(server.freeBlocks).toBe(6);
      expect(engine.call("slabUsed", server.slab)).toBe(0);
    }),
    { numRuns: 200 },
  );
});
