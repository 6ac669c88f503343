/**
 * Goal: streams of messages and the events of a connection do what their documentation says, also when the peer or
 * the caller does not. Method: real transports on a network of the test, on a virtual clock.
 */
import { expect, test } from "vitest";
import { errorNumber } from "../../../host/shared/ports/failure.ts";
import {
  type Connection,
  MESSAGE_TYPE,
  MessageStream,
  Stream,
} from "../../../host/shared/transport/index.ts";
import { failureCode } from "../../support/ports.ts";
import { Network } from "./network.ts";

const HEADER = { type: MESSAGE_TYPE.event, flags: 0, messageId: 1n, traceId: 2n };
const PROTOCOL = { protocol: "test/1" };

/** A connection whose peer leaves message streams to whoever accepts them. */
async function connections() {
  const network = new Network();
  const { near, far } = await network.pair();
  far.onMessageStream = null;
  return { network, near, far };
}

/** A stream of messages, both ends, after the first message crossed. */
async function messageStreams() {
  const { network, near, far } = await connections();
  const out = await network.settle(near.openMessages(PROTOCOL));
  await network.settle(out.send(HEADER, Uint8Array.of(1), false));
  const stream = await network.settle(far.accept());
  if (!(stream instanceof MessageStream)) throw new Error("no stream of messages arrived");
  const first = await network.settle(stream.receive());
  expect(first).toMatchObject({ header: HEADER, payload: Uint8Array.of(1), isLast: false });
  return { network, near, far, out, stream };
}

test("messages keep their bounds and order, and the end comes once and stays", async () => {
  const { network, out, stream } = await messageStreams();
  await network.settle(out.send(HEADER, new Uint8Array(100_000).fill(2), false));
  await network.settle(out.send(HEADER, new Uint8Array(0), true));
  const sizes: number[] = [];
  const reading = (async () => {
    for await (const { payload } of stream) sizes.push(payload.length);
  })();
  await network.settle(reading);
  expect(sizes).toEqual([100_000, 0]);
  expect(stream.isReadOver).toBe(true);
  expect(await stream.receive()).toBeNull();
});

test("an end without a message is an end too", async () => {
  const { network, near, far } = await connections();
  const out = await network.settle(near.openMessages(PROTOCOL));
  await network.settle(out.send(HEADER, Uint8Array.of(1), true));
  const stream = await network.settle(far.accept());
  if (!(stream instanceof MessageStream)) throw new Error("no stream of messages arrived");
  await network.settle(stream.send(HEADER, Uint8Array.of(2), true));
  expect((await network.settle(out.receive()))?.isLast).toBe(true);
  expect(await network.settle(out.receive())).toBeNull();
  expect((await network.settle(stream.receive()))?.isLast).toBe(true);
});

test("a reader that does not read stops the writer, and reading lets it go on", async () => {
  const { network, out, stream } = await messageStreams();
  const payload = new Uint8Array(512 * 1024);
  let sentCount = 0;
  const writing = (async () => {
    for (; sentCount < 20; sentCount++) await out.send(HEADER, payload, sentCount === 19);
  })();
  await network.pass(5_000);
  expect(sentCount).toBeLessThan(20);
  for (let left = 20; left > 0; left--) await network.settle(stream.receive());
  await network.settle(writing);
  expect(sentCount).toBe(20);
});

test("giving up sending fails the peer's reads, every time; giving up reading fails its writes", async () => {
  const { network, out, stream } = await messageStreams();
  out.reset("policy-denied");
  expect(await failureCode(() => network.settle(stream.receive()))).toBe("policy-denied");
  expect(await failureCode(() => stream.receive())).toBe("policy-denied");
  expect(await failureCode(() => out.send(HEADER, Uint8Array.of(1), false))).toBe("policy-denied");
  out.stop("cancelled");
  const writing = async () => {
    for (;;) await stream.send(HEADER, new Uint8Array(10_000), false);
  };
  expect(await failureCode(() => network.settle(writing()))).toBe("cancelled");
});

test("a message that the engine refuses fails the reader, and one for no known stream does nothing", async () => {
  const { network, far, stream } = await messageStreams();
  const reading = failureCode(() => stream.receive());
  const code = errorNumber("message-too-large");
  const refused = { kind: "message-refused", connection: far.handle, code } as const;
  far.handleEvent({ ...refused, stream: 4_000n });
  far.handleEvent({ ...refused, stream: stream.id });
  expect(await network.settle(reading)).toBe("message-too-large");
});

test("a stream that does not exist cannot be read or written, and says so", async () => {
  const { near } = await connections();
  const [messages, bytes] = [new MessageStream(near, 4_000n), new Stream(near, 4_000n, "test/1")];
  for (const attempt of [
    () => messages.receive(),
    () => messages.send(HEADER, Uint8Array.of(1), false),
    () => bytes.read(),
    () => bytes.write(Uint8Array.of(1)),
  ]) {
    expect(await failureCode(attempt)).toBe("stream-state");
  }
});

test("a stream cannot be written after its end", async () => {
  const { network, near } = await connections();
  const stream = await network.settle(near.openStream(PROTOCOL));
  await network.settle(stream.finish(Uint8Array.of(1)));
  expect(await failureCode(() => stream.write(Uint8Array.of(2)))).not.toBe("none");
});

test("the name of a protocol is bounded", async () => {
  const { near } = await connections();
  const opening = near.openStream({ protocol: "p".repeat(129) });
  expect(await failureCode(() => opening)).toBe("argument-invalid");
});

test("streams beyond the peer's limit wait until one of them has ended", async () => {
  const network = new Network();
  const { near, far } = await network.pair({}, { parameters: { maxStreamsBidi: 1 } });
  const first = await network.settle(near.openStream(PROTOCOL));
  let second: Stream | null = null;
  const opening = near.openStream(PROTOCOL).then((stream) => (second = stream));
  await network.settle(first.finish(Uint8Array.of(1)));
  await network.pass(100);
  expect(second).toBeNull();
  const accepted = await network.settle(far.accept());
  if (!(accepted instanceof Stream)) throw new Error("no stream of bytes arrived");
  await network.settle(accepted.finish());
  const drain = async (stream: Stream): Promise<void> => {
    while ((await stream.read()) !== null);
  };
  await network.settle(Promise.all([drain(accepted), drain(first)]));
  await network.settle(opening);
  expect(second).toBeInstanceOf(Stream);
});

test("datagrams for a reader that is behind are dropped oldest first", async () => {
  const { network, far } = await connections();
  for (let index = 0; index < 300; index++) {
    const payload = Uint8Array.of(index >> 8, index & 255);
    far.handleEvent({ kind: "datagram", connection: far.handle, payload });
  }
  const received = await take(network, far, 256);
  expect(received[0]).toEqual(Uint8Array.of(0, 44));
  expect(received.at(-1)).toEqual(Uint8Array.of(1, 43));
  const next = far.receiveDatagram();
  far.handleEvent({ kind: "datagram", connection: far.handle, payload: Uint8Array.of(9) });
  expect(await next).toEqual(Uint8Array.of(9));
});

async function take(network: Network, connection: Connection, count: number) {
  const received: (Uint8Array | null)[] = [];
  for (let index = 0; index < count; index++) {
    received.push(await network.settle(connection.receiveDatagram()));
  }
  return received;
}

test("batches cross in order, as many at a time as are there, and end where the stream ends", async () => {
  const { network, out, stream } = await messageStreams();
  const batch = Array.from({ length: 1_000 }, (_, index) => ({
    header: { ...HEADER, messageId: BigInt(index) },
    payload: Uint8Array.of(index & 255),
  }));
  const sending = out.sendBatch(batch, true);
  const received: bigint[] = [];
  let batches = 0;
  for (;;) {
    const next = await network.settle(stream.receiveBatch(100));
    if (next === null) break;
    expect(next.length).toBeLessThanOrEqual(100);
    received.push(...next.map(({ header }) => header.messageId));
    batches += 1;
  }
  await network.settle(sending);
  expect(received).toEqual(batch.map(({ header }) => header.messageId));
  expect(batches).toBeLessThan(500);
});

test("a batch with a message that is too large sends those before it and names the size", async () => {
  const { network, out, stream } = await messageStreams();
  const small = { header: HEADER, payload: Uint8Array.of(7) };
  const large = { header: HEADER, payload: new Uint8Array(2 * 1024 * 1024) };
  const sending = failureCode(() => out.sendBatch([small, large, small], true));
  expect(await network.settle(sending)).toBe("message-too-large");
  expect(await network.settle(stream.receiveBatch())).toHaveLength(1);
});
