/**
 * Goal: streams and datagrams behave as a programmer expects: order, half-close, backpressure, giving up.
 * Method: raw connections between two real transports over loopback UDP.
 */
import { expect, test } from "vitest";
import { type Connection, Stream } from "../../../host/node/index.ts";
import { startPair } from "../../support/nodes.ts";
import { failureCode } from "../../support/ports.ts";

const MEBIBYTE = 1024 * 1024;

async function connections(): Promise<{ near: Connection; far: Connection }> {
  const { client, server } = await startPair();
  const [near, far] = [client.connections[0], server.connections[0]];
  if (near === undefined || far === undefined) throw new Error("the pair has no connection");
  return { near, far };
}

async function accept(connection: Connection): Promise<Stream> {
  const stream = await connection.accept();
  if (!(stream instanceof Stream)) throw new Error("no stream of bytes arrived");
  return stream;
}

async function readAll(stream: Stream): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts);
}

const pattern = (size: number): Buffer =>
  Buffer.from(Uint8Array.from({ length: size }, (_, index) => (index * 31) >> 4));

test("four mebibytes cross both ways at once, and each direction ends by itself", async () => {
  const { near, far } = await connections();
  const sent = pattern(4 * MEBIBYTE);
  const out = await near.openStream({ protocol: "echo/1" });
  const echo = (async () => {
    const stream = await accept(far);
    expect(stream.protocol).toBe("echo/1");
    for await (const part of stream) await stream.write(part);
    await stream.finish();
  })();
  const [received] = await Promise.all([readAll(out), out.finish(sent), echo]);
  expect(Buffer.compare(received, sent)).toBe(0);
});

test("a response may end before its request does", async () => {
  const { near, far } = await connections();
  const out = await near.openStream({ protocol: "early/1" });
  await out.write(pattern(10));
  const stream = await accept(far);
  await stream.finish(pattern(5));
  expect((await readAll(out)).length).toBe(5);
  await out.finish(pattern(3));
  expect((await readAll(stream)).length).toBe(13);
});

test("a reader that does not read stops the writer within the window, and nothing is lost", async () => {
  const { near, far } = await connections();
  const out = await near.openStream({ protocol: "slow/1" });
  const sent = pattern(16 * MEBIBYTE);
  let isDone = false;
  const writing = out.finish(sent).then(() => {
    isDone = true;
  });
  const stream = await accept(far);
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(isDone).toBe(false);
  const received = await readAll(stream);
  await writing;
  expect(Buffer.compare(received, sent)).toBe(0);
});

test("drain resolves when the peer's transport has everything", async () => {
  const { near, far } = await connections();
  const out = await near.openStream({ protocol: "drain/1" });
  await out.finish(pattern(100_000));
  const stream = await accept(far);
  const reading = readAll(stream);
  await out.drain();
  expect((await reading).length).toBe(100_000);
});

test("a reset fails the peer's reads, a stop fails its writes", async () => {
  const { near, far } = await connections();
  const out = await near.openStream({ protocol: "give-up/1" });
  await out.write(pattern(10));
  const stream = await accept(far);
  out.reset("cancelled");
  expect(await failureCode(() => readAll(stream))).toBe("cancelled");
  out.stop("policy-denied");
  const writing = async (): Promise<void> => {
    for (;;) await stream.write(pattern(1_000));
  };
  expect(await failureCode(writing)).toBe("policy-denied");
});

test("a stream of its own is not disturbed by one that is given up", async () => {
  const { near, far } = await connections();
  const doomed = await near.openStream({ protocol: "doomed/1" });
  const healthy = await near.openStream({ protocol: "healthy/1" });
  await doomed.write(pattern(1_000));
  const first = await accept(far);
  doomed.cancel("cancelled");
  await healthy.finish(pattern(50_000));
  const second = await accept(far);
  expect([first.protocol, second.protocol]).toEqual(["doomed/1", "healthy/1"]);
  expect((await readAll(second)).length).toBe(50_000);
});

test("datagrams arrive, and one that does not fit is refused", async () => {
  const { near, far } = await connections();
  near.sendDatagram(pattern(500));
  expect(await far.receiveDatagram()).toEqual(new Uint8Array(pattern(500)));
  expect(await failureCode(() => near.sendDatagram(pattern(5_000)))).toBe("datagram-too-large");
});

test("a closed connection ends everything on both sides with the reason", async () => {
  const { near, far } = await connections();
  const out = await near.openStream({ protocol: "ending/1" });
  await out.write(pattern(10));
  const stream = await accept(far);
  await stream.read();
  near.close("enough");
  expect(await near.closed).toBeNull();
  expect(await far.closed).toBeNull();
  expect(await failureCode(() => stream.read())).toBe("connection-closed");
  expect(await far.accept()).toBeNull();
  expect(await far.receiveDatagram()).toBeNull();
  expect(await failureCode(() => near.openStream({ protocol: "late/1" }))).toBe(
    "connection-closed",
  );
});

test("the statistics of a connection tell what happened on it", async () => {
  const { near, far } = await connections();
  const out = await near.openStream({ protocol: "count/1" });
  await out.finish(pattern(MEBIBYTE));
  await readAll(await accept(far));
  expect(near.stats.bytesSent).toBeGreaterThan(MEBIBYTE);
  expect(near.stats.smoothedRttUs).toBeGreaterThan(0);
  expect(far.stats.bytesReceived).toBeGreaterThan(MEBIBYTE);
});
