/** Goal: bands share by weight, no band starves, streams of a band take turns. Method: busy streams and counted bytes. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { fairShares, waitBound } from "../../reference/scheduler.ts";
import { Engine } from "../../support/engine-calls.ts";
import { CONTROL, newPair, type Side } from "./side.ts";

const engine = new Engine("stream");
const OVERHEAD = 24;
const LARGE = {
  maxData: 10_000_000,
  maxStreamData: 10_000_000,
  sendBufferBytes: 2_000_000,
  sendBlocks: 2000,
  poolBlocks: 2000,
};

/** A pair whose client has a busy stream in each of `bands`. */
function busy(bands: number[], bytesEach = 300_000): { client: Side; ids: bigint[] } {
  const { client } = newPair(engine, LARGE, LARGE);
  const ids = bands.map((band) => {
    const id = client.open(band);
    expect(client.write(id, new Uint8Array(bytesEach))).toBe(bytesEach);
    return id;
  });
  return { client, ids };
}

/** Sends frames until `total` bytes left; the bytes of each stream. */
function serve(client: Side, total: number, room = 1000): Map<bigint, number> {
  const sent = new Map<bigint, number>();
  for (let left = total; left > 0;) {
    const frame = client.nextData(room, OVERHEAD);
    if (frame === undefined) break;
    const bytes = frame.bytes.length + OVERHEAD;
    sent.set(frame.id, (sent.get(frame.id) ?? 0) + bytes);
    left -= bytes;
  }
  return sent;
}

test("busy bands share the bytes 8:4:2:1, and an idle band's share goes to the others", () => {
  fc.assert(
    fc.property(
      fc.subarray([0, 1, 2, 3], { minLength: 1 }),
      fc.integer({ min: 200, max: 1400 }),
      (bands, room) => {
        const { client, ids } = busy(bands);
        const total = 150_000;
        const sent = serve(client, total, room);
        const shares = fairShares(
          [0, 1, 2, 3].map((band) => bands.includes(band)),
          total,
        );
        bands.forEach((band, index) => {
          // Off by at most one quantum and one frame, wherever the round was cut.
          const slack = (8 >> band) * 1200 + 2 * (room + OVERHEAD);
          expect(Math.abs((sent.get(ids[index]!) ?? 0) - shares[band]!)).toBeLessThanOrEqual(slack);
        });
      },
    ),
    { numRuns: 40 },
  );
});

test("streams of one band take turns, frame by frame", () => {
  const { client, ids } = busy([1, 1, 1], 5000);
  const order = Array.from({ length: 9 }, () => client.nextData(500)!.id);
  expect(order).toEqual([...ids, ...ids, ...ids]);
});

test("a band that becomes busy waits for at most the others' quanta", () => {
  fc.assert(
    fc.property(fc.nat(3), fc.nat(30_000), (late, before) => {
      const { client } = busy([0, 1, 2, 3].filter((band) => band !== late));
      serve(client, before);
      const id = client.open(late);
      client.write(id, new Uint8Array(5000));
      let waited = 0;
      for (let frame = client.nextData(1000); frame!.id !== id; frame = client.nextData(1000)) {
        waited += frame!.bytes.length + OVERHEAD;
      }
      expect(waited).toBeLessThanOrEqual(waitBound(late, 1000 + OVERHEAD));
    }),
    { numRuns: 60 },
  );
});

test("a band saves nothing while it is idle", () => {
  // Band 1 keeps the rounds going past the idle bands.
  const { client } = busy([0, 1]);
  const id = client.open(3);
  serve(client, 200_000);
  client.write(id, new Uint8Array(50_000));
  const sent = serve(client, 60_000);
  expect(sent.get(id) ?? 0).toBeLessThan(60_000 / 13 + 1200 + 1024);
});

test("asking again without sending gives the same stream", () => {
  const { client } = busy([0, 1, 2, 3]);
  const first = engine.call("schedulerNext", client.streams);
  for (let count = 0; count < 5; count++) {
    expect(engine.call("schedulerNext", client.streams)).toBe(first);
  }
});

test("streams without credit hold up no other, and say once for each limit that they are blocked", () => {
  const { client } = newPair(engine, {}, { maxStreamData: 100 });
  const blocked = client.open(0);
  const free = client.open(3);
  client.write(blocked, new Uint8Array(500));
  expect(client.nextData(1000)).toMatchObject({ id: blocked, bytes: { length: 100 } });
  client.write(free, new Uint8Array(50));
  expect(client.nextData(1000)).toMatchObject({ id: free });
  expect(client.nextData(1000)).toBeUndefined();
  const frames = [client.nextControl(), client.nextControl()];
  expect(frames[0]).toMatchObject({ kind: CONTROL.streamDataBlocked, id: blocked, value: 100n });
  expect(frames[1]).toBeUndefined();
  expect(client.nextData(1000)).toBeUndefined();
  expect(client.nextControl()).toBeUndefined();
  engine.call("streamsOnMaxStreamData", client.streams, blocked, 150n);
  expect(client.nextData(1000)).toMatchObject({ id: blocked, offset: 100, bytes: { length: 50 } });
});

test("without credit for the connection only lost bytes and ends are sent, and new credit wakes all", () => {
  const { client } = newPair(engine, {}, { maxData: 100 });
  const ids = [client.open(1), client.open(1), client.open(1)];
  client.write(ids[0]!, new Uint8Array(100));
  const first = client.nextData(1000)!;
  client.write(ids[1]!, new Uint8Array(10));
  client.finish(ids[2]!);
  expect(client.nextData(1000)).toMatchObject({ id: ids[2], isFin: true });
  expect(client.nextData(1000)).toBeUndefined();
  expect(client.nextControl()).toMatchObject({ kind: CONTROL.dataBlocked, value: 100n });
  client.onLost(first);
  expect(client.nextData(1000)).toMatchObject({ id: ids[0], offset: 0, bytes: { length: 100 } });
  engine.call("streamsOnMaxData", client.streams, 105n);
  expect(client.nextData(1000)).toMatchObject({ id: ids[1], bytes: { length: 5 } });
});
