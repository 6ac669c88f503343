/**
 * Goal: what the benches measure is done, and goes on for longer than any window lasts.
 * Method: each workload over two engines in memory, several times, far beyond the credit and the lists of one flight.
 */
import { expect, test } from "vitest";
import { Link } from "../../../bench/engine/link.ts";
import { bytes, calls, messages } from "../../../bench/engine/workloads.ts";

const CHUNK = new Uint8Array(16_384);
const MESSAGE = new Uint8Array(64);

test.each([1, 4, 16])("32 MiB arrive over %i streams", (streamCount) => {
  const link = new Link();
  const send = bytes(link, streamCount, CHUNK);
  for (let round = 0; round < 4; round += 1) send(512);
  const { packetsLost, streamsOpen } = link.client.engine.connectionStats(link.client.connection);
  expect({ packetsLost, streamsOpen }).toEqual({ packetsLost: 0, streamsOpen: streamCount });
});

test.each([1, 64])("100,000 messages arrive over %i streams", (streamCount) => {
  const link = new Link();
  const send = messages(link, streamCount, MESSAGE);
  for (let round = 0; round < 4; round += 1) send(25_000);
  const received = link.server.engine.connectionStats(link.server.connection).bytesReceived;
  expect(received).toBeGreaterThan(100_000 * MESSAGE.length);
});

test.each([1, 32, 300])("2,000 calls are answered, %i at once, and leave no stream", (atOnce) => {
  const link = new Link();
  calls(link, atOnce, MESSAGE)(2_000);
  link.runFor(1_000_000);
  for (const { engine, connection } of [link.client, link.server]) {
    expect(engine.connectionStats(connection).streamsOpen).toBe(0);
  }
});
