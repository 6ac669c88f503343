/** Goal: both halves of a stream go through the states of RFC 9000 §3, and records are freed when both ends know. Method: two sides, frame by frame. */
import { expect, test } from "vitest";
import { Engine } from "../../support/engine-calls.ts";
import { CONTROL, EVENT, type Side, type StreamFrame, newPair, pattern } from "./side.ts";

const engine = new Engine("stream");
const OK = 0;
const FRAME_INVALID = -25;
const PROTOCOL_VIOLATION = -26;
const STREAM_STATE = -29;
const STREAM_STOPPED = -40;
const SEND = { ready: 0, send: 1, dataSent: 2, resetSent: 3, dataReceived: 4, resetReceived: 5 };
const RECEIVE = {
  receive: 0,
  sizeKnown: 1,
  dataReceived: 2,
  resetReceived: 3,
  dataRead: 4,
  resetRead: 5,
};

function sendState(side: Side, id: bigint): number {
  return engine.call("streamSendState", side.at(id));
}

function receiveState(side: Side, id: bigint): number {
  return engine.call("streamReceiveState", side.at(id));
}

/** Delivers all frames that one side can send, and acknowledges them. */
function pass(from: Side, to: Side): StreamFrame[] {
  const frames = from.allFrames();
  for (const frame of frames) {
    expect(to.receive(frame)).toBe(OK);
    from.onAcked(frame);
  }
  return frames;
}

function settle(...sides: Side[]): void {
  for (const side of sides) side.settle();
}

test("a call is one frame each way, and nothing is left of it", () => {
  const { client, server } = newPair(engine);
  const id = client.open(0, 1, pattern(0, 20));
  client.write(id, pattern(0, 100));
  client.finish(id);
  const [request, ...none] = client.allFrames();
  expect(none).toEqual([]);
  expect(request).toMatchObject({
    type: "data",
    offset: 0,
    isFin: true,
    open: { band: 0, kind: 1, name: pattern(0, 20) },
  });
  expect(sendState(client, id)).toBe(SEND.dataSent);
  expect(server.receive(request!)).toBe(OK);
  expect(server.events()).toEqual([
    [id, EVENT.opened],
    [id, EVENT.readable],
  ]);
  expect(receiveState(server, id)).toBe(RECEIVE.dataReceived);
  expect(server.read(id, 1000)).toEqual(pattern(0, 100));
  expect(engine.is("streamTakeEnd", server.at(id))).toBe(true);
  server.write(id, pattern(0, 50));
  server.finish(id);
  client.onAcked(request!);
  expect(client.events()).toEqual([[id, EVENT.acknowledged]]);
  const [response, ...more] = pass(server, client);
  expect(more).toEqual([]);
  // The answer needs no OPEN fields: the stream is the client's.
  expect(response).toMatchObject({ type: "data", isFin: true, open: undefined });
  expect(server.events()).toEqual([[id, EVENT.acknowledged]]);
  expect(client.events()).toEqual([[id, EVENT.readable]]);
  expect(client.read(id, 1000)).toEqual(pattern(0, 50));
  settle(client, server);
  expect([client.count, server.count]).toEqual([1, 0]);
  expect(engine.is("streamTakeEnd", client.at(id))).toBe(true);
  settle(client);
  expect(client.count).toBe(0);
});

test("a response may finish before its request", () => {
  const { client, server } = newPair(engine);
  const id = client.open();
  client.write(id, pattern(0, 10));
  pass(client, server);
  server.finish(id);
  pass(server, client);
  expect(receiveState(client, id)).toBe(RECEIVE.dataReceived);
  expect(client.write(id, pattern(10, 10))).toBe(10);
  client.finish(id);
  pass(client, server);
  expect(server.read(id, 100)).toEqual(pattern(0, 20));
});

test("the frame at offset 0 announces the stream again when it is sent again", () => {
  const { client, server } = newPair(engine);
  const id = client.open(2, 0, pattern(0, 5));
  client.write(id, pattern(0, 30));
  const first = client.nextData(10)!;
  const second = client.nextData(20)!;
  expect([first.open !== undefined, second.open !== undefined]).toEqual([true, false]);
  // The second arrives alone: the stream exists, but nobody is told.
  expect(server.receive(second)).toBe(OK);
  expect(server.count).toBe(1);
  expect(server.events()).toEqual([]);
  client.onLost(first);
  const again = client.nextData(100)!;
  expect(again).toMatchObject({ offset: 0, open: { band: 2 }, bytes: { length: 10 } });
  expect(server.receive(again)).toBe(OK);
  expect(server.events()).toEqual([
    [id, EVENT.opened],
    [id, EVENT.readable],
  ]);
  expect(server.read(id, 100)).toEqual(pattern(0, 30));
  // A late copy of the first changes nothing.
  expect(server.receive(first)).toBe(OK);
  expect(server.events()).toEqual([]);
});

test("a stream without data can be announced, and is announced again when that was lost", () => {
  const { client, server } = newPair(engine);
  const id = client.open(1, 1, pattern(0, 128));
  expect(client.allFrames()).toEqual([]);
  engine.call("streamAnnounce", client.at(id));
  const frame = client.nextControl()!;
  expect(frame).toMatchObject({ kind: CONTROL.open, id });
  expect(client.nextControl()).toBeUndefined();
  client.onLost(frame);
  pass(client, server);
  expect(server.events()).toEqual([[id, EVENT.opened]]);
});

test("a description never changes, and nobody else describes a stream", () => {
  const { client, server } = newPair(engine);
  const id = client.open(1, 0, pattern(0, 9));
  client.write(id, pattern(0, 4));
  const frame = client.nextData(100)!;
  expect(server.receive(frame)).toBe(OK);
  const open = frame.open!;
  expect(server.receive({ ...frame, open: { ...open, band: 2 } })).toBe(PROTOCOL_VIOLATION);
  expect(server.receive({ ...frame, open: { ...open, kind: 1 } })).toBe(PROTOCOL_VIOLATION);
  expect(server.receive({ ...frame, open: { ...open, name: pattern(1, 9) } })).toBe(
    PROTOCOL_VIOLATION,
  );
  expect(server.receive({ ...frame, open: { ...open, name: pattern(0, 8) } })).toBe(
    PROTOCOL_VIOLATION,
  );
  expect(client.receive(frame)).toBe(PROTOCOL_VIOLATION);
  const fresh = { ...frame, id: 4n };
  expect(server.receive({ ...fresh, open: { ...open, band: 4 } })).toBe(FRAME_INVALID);
  expect(server.receive({ ...fresh, open: { ...open, kind: 2 } })).toBe(FRAME_INVALID);
  expect(server.receive({ ...fresh, open: { ...open, name: pattern(0, 129) } })).toBe(
    FRAME_INVALID,
  );
});

// spec-test: RFC 9000 §3.1
test("a reset drops what was written, is repeated until acknowledged, and is told to the peer once", () => {
  const { client, server } = newPair(engine);
  const id = client.open();
  client.write(id, pattern(0, 5000));
  const data = client.nextData(100)!;
  server.receive(data);
  server.events();
  engine.call("streamReset", client.at(id), 77n);
  expect(client.freeBlocks).toBe(client.options.poolBlocks);
  expect(client.nextData(100)).toBeUndefined();
  const reset = client.nextControl()!;
  expect(reset).toMatchObject({ kind: CONTROL.resetStream, id, value: 100n, code: 77n });
  client.onLost(data);
  expect(client.nextData(100)).toBeUndefined();
  client.onLost(reset);
  expect(client.nextControl()).toEqual(reset);
  expect(server.receive(reset)).toBe(OK);
  expect(server.receive(reset)).toBe(OK);
  expect(server.events()).toEqual([[id, EVENT.reset]]);
  expect(engine.call("streamResetCode", server.at(id))).toBe(77);
  expect(receiveState(server, id)).toBe(RECEIVE.resetRead);
  expect(server.freeBlocks).toBe(server.options.poolBlocks);
  client.onAcked(reset);
  expect(sendState(client, id)).toBe(SEND.resetReceived);
  client.onLost(reset);
  expect(client.nextControl()).toBeUndefined();
  expect(client.write(id, pattern(0, 1))).toBe(STREAM_STATE);
  expect(client.finish(id)).toBe(STREAM_STATE);
});

test("a reset that comes after everything arrived takes nothing away", () => {
  const { client, server } = newPair(engine);
  const id = client.open();
  client.write(id, pattern(0, 100));
  client.finish(id);
  const data = client.nextData(1000)!;
  server.receive(data);
  engine.call("streamReset", client.at(id), 1n);
  server.receive(client.nextControl()!);
  expect(server.read(id, 1000)).toEqual(pattern(0, 100));
  expect(server.events()).toEqual([
    [id, EVENT.opened],
    [id, EVENT.readable],
  ]);
});

test("a reset after everything was acknowledged does nothing", () => {
  const { client, server } = newPair(engine);
  const id = client.open();
  client.finish(id);
  pass(client, server);
  expect(sendState(client, id)).toBe(SEND.dataReceived);
  expect(engine.call("streamReset", client.at(id), 1n)).toBe(OK);
  expect(client.nextControl()).toBeUndefined();
});

// spec-test: RFC 9000 §3.5
test("who is asked to stop resets with the same code, and is told once", () => {
  const { client, server } = newPair(engine);
  const id = client.open();
  client.write(id, pattern(0, 100));
  pass(client, server);
  server.events();
  engine.call("streamStop", server.at(id), 9n);
  const stop = server.nextControl()!;
  expect(stop).toMatchObject({ kind: CONTROL.stopSending, id, code: 9n });
  server.onLost(stop);
  expect(server.nextControl()).toEqual(stop);
  expect(client.receive(stop)).toBe(OK);
  expect(client.receive(stop)).toBe(OK);
  expect(client.events()).toEqual([[id, EVENT.stopped]]);
  expect(engine.call("streamStopCode", client.at(id))).toBe(9);
  expect(client.write(id, pattern(0, 1))).toBe(STREAM_STOPPED);
  const reset = client.nextControl()!;
  expect(reset).toMatchObject({ kind: CONTROL.resetStream, code: 9n, value: 100n });
  expect(server.receive(reset)).toBe(OK);
  // Who stopped is not told of the reset that was asked for.
  expect(server.events()).toEqual([]);
  expect(receiveState(server, id)).toBe(RECEIVE.resetRead);
  server.onLost(stop);
  expect(server.nextControl()).toBeUndefined();
});

test("cancelling is reset and stop, and frees both sides in one round trip", () => {
  const { client, server } = newPair(engine);
  const id = client.open();
  client.write(id, pattern(0, 100));
  pass(client, server);
  server.events();
  engine.call("streamReset", client.at(id), 3n);
  engine.call("streamStop", client.at(id), 3n);
  expect(pass(client, server)).toHaveLength(2);
  expect(server.events()).toEqual([
    [id, EVENT.reset],
    [id, EVENT.stopped],
  ]);
  pass(server, client);
  settle(client, server);
  expect([client.count, server.count]).toEqual([0, 0]);
});

test("a stream given up before it was announced disappears on both sides without a word", () => {
  const { client, server } = newPair(engine);
  const id = client.open();
  engine.call("streamReset", client.at(id), 3n);
  pass(client, server);
  pass(server, client);
  expect(server.events()).toEqual([]);
  // The server's half was reset in answer; the client is told, as of any reset.
  expect(client.events()).toEqual([[id, EVENT.reset]]);
  settle(client, server);
  expect([client.count, server.count]).toEqual([0, 0]);
});

test("a stop that overtakes the announcement is told after it", () => {
  const { client, server } = newPair(engine);
  const id = client.open();
  client.write(id, pattern(0, 10));
  const data = client.nextData(100)!;
  engine.call("streamStop", client.at(id), 5n);
  server.receive(client.nextControl()!);
  expect(server.events()).toEqual([]);
  server.receive(data);
  expect(server.events()).toEqual([
    [id, EVENT.opened],
    [id, EVENT.readable],
    [id, EVENT.stopped],
  ]);
});

test("stopping a stream whose end is known sends nothing and frees the receiving half", () => {
  const { client, server } = newPair(engine);
  const id = client.open();
  client.write(id, pattern(0, 3000));
  client.finish(id);
  const frames = client.allFrames(1000);
  // The middle is missing.
  server.receive(frames[0]!);
  server.receive(frames.at(-1)!);
  server.events();
  expect(receiveState(server, id)).toBe(RECEIVE.sizeKnown);
  engine.call("streamStop", server.at(id), 1n);
  expect(receiveState(server, id)).toBe(RECEIVE.dataRead);
  expect(
    server
      .allFrames()
      .filter((frame) => frame.type === "control" && frame.kind === CONTROL.stopSending),
  ).toEqual([]);
  expect(server.freeBlocks).toBe(server.options.poolBlocks);
  for (const frame of frames) expect(server.receive(frame)).toBe(OK);
});

test("after a stop the bytes that still come give their credit back", () => {
  const { client, server } = newPair(engine, {}, { maxData: 2000, maxStreamData: 2000 });
  const id = client.open();
  client.write(id, pattern(0, 4000));
  const first = client.nextData(500)!;
  const second = client.nextData(1500)!;
  server.receive(first);
  engine.call("streamStop", server.at(id), 1n);
  expect(server.nextControl()).toMatchObject({ kind: CONTROL.stopSending });
  server.receive(second);
  expect(server.nextControl()).toMatchObject({ kind: CONTROL.maxData, value: 4000n });
  // The stream's own window stays shut: nobody will read it.
  expect(server.nextControl()).toBeUndefined();
  expect(server.freeBlocks).toBe(server.options.poolBlocks);
});

test("readable is raised once, and again only after a read came back empty", () => {
  const { client, server } = newPair(engine);
  const id = client.open();
  for (let turn = 0; turn < 3; turn++) {
    client.write(id, pattern(turn * 10, 10));
    pass(client, server);
  }
  const readable = (): bigint[] =>
    server
      .events()
      .filter(([, event]) => event === EVENT.readable)
      .map(([stream]) => stream);
  expect(readable()).toEqual([id]);
  expect(server.read(id, 10)).toHaveLength(10);
  client.write(id, pattern(30, 10));
  pass(client, server);
  expect(readable()).toEqual([]);
  expect(server.read(id, 100)).toHaveLength(30);
  expect(server.read(id, 100)).toHaveLength(0);
  client.finish(id);
  pass(client, server);
  expect(readable()).toEqual([id]);
  expect(engine.is("streamIsAtEnd", server.at(id))).toBe(true);
});

test("a reader that wants a whole message hears of it when the last byte is there, not before", () => {
  const { client, server } = newPair(engine);
  const id = client.open();
  client.write(id, pattern(0, 32));
  pass(client, server);
  server.events();
  engine.call("streamSetWanted", server.at(id), 100n);
  client.write(id, pattern(32, 67));
  pass(client, server);
  expect(server.events()).toEqual([]);
  client.write(id, pattern(99, 1));
  pass(client, server);
  expect(server.events()).toEqual([[id, EVENT.readable]]);
  engine.call("streamSetWanted", server.at(id), 100n);
  expect(server.events()).toEqual([[id, EVENT.readable]]);
  // The end is told although the wanted bytes will never come.
  engine.call("streamSetWanted", server.at(id), 101n);
  client.finish(id);
  pass(client, server);
  expect(server.events()).toEqual([[id, EVENT.readable]]);
});

test("a write that is cut short is told when room has come, also when others still wait", () => {
  const { client, server } = newPair(engine, { sendBufferBytes: 1000 });
  const stuck = client.open();
  const id = client.open();
  expect(client.write(stuck, pattern(0, 2000))).toBe(1000);
  expect(client.write(id, pattern(0, 2000))).toBe(1000);
  expect(engine.call("streamWritable", client.at(id))).toBe(0);
  for (const frame of client.allFrames()) {
    if (frame.id !== id) continue;
    server.receive(frame);
    client.onAcked(frame);
  }
  settle(client);
  expect(client.events()).toEqual([[id, EVENT.writable]]);
  expect(engine.call("streamWritable", client.at(id))).toBe(1000);
});

test("what is told of a freed stream is ignored, also when its record serves another", () => {
  const { client, server } = newPair(engine);
  const first = client.open();
  client.write(first, pattern(0, 10));
  client.finish(first);
  const frame = client.nextData(100)!;
  server.receive(frame);
  client.onAcked(frame);
  client.events();
  server.finish(first);
  pass(server, client);
  client.events();
  engine.is("streamTakeEnd", client.at(first));
  settle(client);
  expect(client.find(first)).toBe(0);
  const second = client.open();
  client.write(second, pattern(0, 10));
  const other = client.nextData(100)!;
  expect(other.slot).toBe(frame.slot);
  expect(other.generation).not.toBe(frame.generation);
  client.onLost(frame);
  expect(client.nextData(100)).toBeUndefined();
  client.onAcked(frame);
  expect(sendState(client, second)).toBe(SEND.send);
  // Frames of the peer for a stream that is over are ignored too.
  expect(client.receive({ ...frame, open: undefined })).toBe(OK);
});

test("closing gives every block and record back, whatever the streams were doing", () => {
  const { client, server } = newPair(engine);
  for (let count = 0; count < 5; count++) {
    const id = client.open(count % 4);
    client.write(id, pattern(0, 5000));
  }
  pass(client, server);
  const events = server.events();
  expect(events).toHaveLength(10);
  client.write(0n, pattern(0, 3000));
  engine.call("streamReset", client.at(4n), 1n);
  for (const side of [client, server]) {
    engine.call("streamsClose", side.streams);
    expect(side.count).toBe(0);
    expect(side.freeBlocks).toBe(side.options.poolBlocks);
    expect(engine.call("slabUsed", side.slab)).toBe(0);
    expect(side.allFrames()).toEqual([]);
    expect(side.events()).toEqual([]);
  }
});
