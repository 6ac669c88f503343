/**
 * Goal: every byte of every stream arrives once and in order, and neither side ever holds more than it granted.
 * Method: two engines over a link that loses, repeats, delays and damages by a fixed pattern.
 */
import { expect, test } from "vitest";
import { errorNumber } from "../../../host/shared/ports/failure.ts";
import { Pair, PARAMETERS, type Side } from "../../support/pair.ts";
import { content, damagingLink, Reader, Writer } from "../../support/pair-streams.ts";

const WOULD_BLOCK = -errorNumber("would-block");
const STREAM_STATE = -errorNumber("stream-state");

/** Moves `size` bytes both ways on one stream and checks every byte. */
function exchange(pair: Pair, size: number): void {
  const { client, server } = pair.connected("IK");
  const stream = pair.open(client);
  const forward = new Writer(pair, "client", client, stream, content(size, 3));
  const forwardReader = new Reader(pair, "server", server, stream);
  const backward = new Writer(pair, "server", server, stream, content(size, 5));
  const backwardReader = new Reader(pair, "client", client, stream);
  pair.runUntil(() => {
    forward.pump();
    if (pair.find("server", "stream-opened")) {
      forwardReader.pump();
      backward.pump();
    }
    backwardReader.pump();
    return forwardReader.isEnded && backwardReader.isEnded;
  });
  expect(forwardReader.bytes()).toEqual(content(size, 3));
  expect(backwardReader.bytes()).toEqual(content(size, 5));
}

test("a megabyte each way over a perfect link needs no retransmission", () => {
  const pair = new Pair();
  exchange(pair, 1_000_000);
  const stats = pair.client.connectionStats(pair.take("client", "connected").connection);
  expect(stats).toMatchObject({ packetsLost: 0, retransmittedBytes: 0, probeTimeouts: 0 });
});

test.each([0.05, 0.2])(
  "bytes survive a link that damages, repeats, reorders and loses %f",
  (loss) => {
    const pair = new Pair();
    pair.fate = damagingLink(loss);
    exchange(pair, 150_000);
    const stats = pair.client.connectionStats(pair.take("client", "connected").connection);
    expect(stats.packetsLost).toBeGreaterThan(0);
    expect(stats.duplicatePackets).toBeGreaterThan(0);
    expect(pair.client.endpointStats().droppedUnauthentic).toBeGreaterThan(0);
  },
);

test("the streams of both ends are gone when everything was read and acknowledged", () => {
  const pair = new Pair();
  exchange(pair, 10_000);
  pair.runFor(1_000_000);
  for (const side of ["client", "server"] as const) {
    const { connection } = pair.take(side, "connected");
    expect(pair.engineOf(side).connectionStats(connection).streamsOpen).toBe(0);
    expect(pair.find(side, "stream-acknowledged")).toBeDefined();
  }
});

test("a reader that does not read stops the writer at the window, and reading sets it going again", () => {
  const parameters = { ...PARAMETERS, maxStreamData: 300_000, maxData: 300_000 };
  const pair = new Pair({ serverConfig: { parameters } });
  const { client, server } = pair.connected("IK");
  const stream = pair.open(client);
  const writer = new Writer(pair, "client", client, stream, content(2_000_000, 1));
  writer.pump();
  pair.runFor(2_000_000);
  writer.pump();
  // The peer's window, and what one stream may hold that was not acknowledged.
  expect(writer.taken).toBeLessThanOrEqual(300_000 + 512 * 1024);
  expect(pair.server.connectionStats(server).bytesReceived).toBeLessThan(340_000);
  expect(pair.find("client", "stream-acknowledged")).toBeUndefined();
  const reader = new Reader(pair, "server", server, stream);
  pair.runUntil(() => {
    writer.pump();
    reader.pump();
    return reader.isEnded;
  });
  expect(reader.bytes()).toEqual(content(2_000_000, 1));
  expect(pair.find("client", "writable")).toBeDefined();
});

test("a stream is announced with its name, kind and band, and once", () => {
  const pair = new Pair();
  const { client } = pair.connected("NK");
  const stream = pair.open(client, { band: 2, protocol: "größe/1", kind: "bytes" });
  pair.client.write(client, stream, content(10, 1), false);
  pair.client.write(client, stream, content(10, 1), true);
  pair.drain("client");
  pair.runFor(100_000);
  const opened = pair.events.server.filter(({ kind }) => kind === "stream-opened");
  expect(opened).toMatchObject([{ stream, streamKind: "bytes", band: 2, protocol: "größe/1" }]);
});

test("reset reaches the reader with its code, and stop reaches the writer", () => {
  const pair = new Pair();
  const { client, server } = pair.connected("IK");
  const stream = pair.open(client);
  pair.client.write(client, stream, content(5000, 1), false);
  pair.drain("client");
  pair.runFor(50_000);
  expect(pair.server.write(server, stream, content(100, 1), false)).toBe(100);
  expect(pair.client.reset(client, stream, 77)).toBe(0);
  expect(pair.client.stop(client, stream, 78)).toBe(0);
  pair.drain("client");
  pair.runFor(500_000);
  expect(pair.take("server", "stream-reset")).toMatchObject({ stream, code: 77 });
  expect(pair.take("server", "stream-stopped")).toMatchObject({ stream, code: 78 });
  for (const side of ["client", "server"] as const) {
    const { connection } = pair.take(side, "connected");
    expect(pair.engineOf(side).connectionStats(connection).streamsOpen).toBe(0);
  }
});

test("opening beyond the peer's limit waits, and the wait ends with streams-available", () => {
  const parameters = { ...PARAMETERS, maxStreamsBidi: 2 };
  const pair = new Pair({ serverConfig: { parameters } });
  const { client, server } = pair.connected("IK");
  const streams = [pair.open(client), pair.open(client)];
  expect(Number(pair.open(client))).toBe(WOULD_BLOCK);
  for (const stream of streams) pair.client.write(client, stream, content(10, 1), true);
  pair.drain("client");
  const readers = streams.map((stream) => new Reader(pair, "server", server, stream));
  pair.runUntil(() => {
    for (const reader of readers) reader.pump();
    return readers.every(({ isEnded }) => isEnded);
  });
  expect(pair.find("client", "streams-available")).toBeUndefined();
  for (const stream of streams) pair.server.write(server, stream, new Uint8Array(0), true);
  pair.drain("server");
  const back = streams.map((stream) => new Reader(pair, "client", client, stream));
  pair.runUntil(() => {
    for (const reader of back) reader.pump();
    return pair.find("client", "streams-available");
  });
  expect(pair.open(client)).toBe(8n);
});

test("a stream that nobody opened, or that is over, answers stream-state", () => {
  const pair = new Pair();
  const { client } = pair.connected("IK");
  const target = new Uint8Array(10);
  expect(pair.client.write(client, 400n, target, false)).toBe(STREAM_STATE);
  expect(pair.client.read(client, 400n, target)).toBe(STREAM_STATE - 1);
  expect(pair.client.readMessage(client, 400n)).toBe(STREAM_STATE - 1);
  expect(pair.client.reset(client, 400n, 1)).toBe(STREAM_STATE);
  const bytes = pair.open(client);
  expect(pair.client.readMessage(client, bytes)).toBe(STREAM_STATE - 1);
  expect(pair.client.write(client, bytes, target, true)).toBe(10);
  expect(pair.client.write(client, bytes, target, true)).toBe(STREAM_STATE);
});

test("a busy background stream does not hold up a critical one", () => {
  const pair = new Pair({ delayUs: 10_000 });
  const { client, server } = pair.connected("IK");
  const bulk = pair.open(client, { band: 3 });
  const writer = new Writer(pair, "client", client, bulk, content(3_000_000, 1));
  const bulkReader = new Reader(pair, "server", server, bulk);
  pair.runUntil(() => {
    writer.pump();
    bulkReader.pump();
    return bulkReader.count > 500_000;
  });
  const call = pair.open(client, { band: 0 });
  const startUs = pair.nowUs;
  pair.client.write(client, call, content(2000, 2), true);
  const callReader = new Reader(pair, "server", server, call);
  pair.runUntil(() => {
    writer.pump();
    bulkReader.pump();
    if (
      pair.events.server.some((event) => event.kind === "stream-opened" && event.stream === call)
    ) {
      callReader.pump();
    }
    return callReader.isEnded;
  });
  expect(bulkReader.count).toBeLessThan(3_000_000);
  expect(pair.nowUs - startUs).toBeLessThan(60_000);
});

test("many streams at once fill a wide window for as long as they like", () => {
  const parameters = { ...PARAMETERS, maxData: 16 * 1024 * 1024, maxStreamData: 4 * 1024 * 1024 };
  const configs = { clientConfig: { parameters }, serverConfig: { parameters } };
  const pair = new Pair({ ...configs, delayUs: 30_000 });
  const { client, server } = pair.connected("IK");
  const streams = Array.from({ length: 4 }, () => pair.open(client));
  const bytes = content(3_000_000, 1);
  const writers = streams.map((id) => new Writer(pair, "client", client, id, bytes));
  const readers = streams.map((id) => new Reader(pair, "server", server, id));
  pair.runUntil(() => {
    for (const one of [...writers, ...readers]) one.pump();
    return readers.every(({ isEnded }) => isEnded);
  });
  for (const reader of readers) expect(reader.count).toBe(bytes.length);
  expect(pair.client.connectionStats(client).probeTimeouts).toBe(0);
});

test("every packet stays within the smaller of both maxima, and sends carry equal segments", () => {
  const pair = new Pair({
    clientConfig: { maxPacketBytes: 1452 },
    serverConfig: { maxPacketBytes: 1300 },
  });
  exchange(pair, 100_000);
  const sizes: Record<Side, number> = { client: 0, server: 0 };
  for (const { from, bytes } of pair.wire) sizes[from] = Math.max(sizes[from], bytes.length);
  expect(sizes).toEqual({ client: 1296, server: 1296 });
});
