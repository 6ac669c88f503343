import { describe, expect, it } from "vitest";
import { simulatedAddress } from "../../sim/address.ts";
import { type Datagram, Link, type LinkProfile, noFaults } from "../../sim/link.ts";
import { intactPackets, packetSpans } from "../../sim/packets.ts";
import { Random } from "../../sim/random.ts";

const PERFECT: LinkProfile = {
  delayUs: 1000,
  jitterUs: 0,
  isJitterHeavyTailed: false,
  lossRate: 0,
  burstEnterRate: 0,
  burstLeaveRate: 1,
  reorderRate: 0,
  reorderUs: 0,
  duplicateRate: 0,
  corruptRate: 0,
  truncateRate: 0,
  bytesPerSecond: 1_000_000_000,
  queueBytes: 1_000_000,
  blackouts: [],
  narrowings: [],
  narrowBytes: 500,
};

function datagram(id: number, size = 100): Datagram {
  const bytes = new Uint8Array(size).fill(id);
  const from = simulatedAddress(2, 1);
  return { id, bytes, from, to: simulatedAddress(1, 1), sentUs: 0, original: bytes };
}

function carry(profile: Partial<LinkProfile>, count: number, gapUs = 100) {
  const faults = noFaults();
  const arrivals: { datagram: Datagram; atUs: number }[] = [];
  const link = new Link({ ...PERFECT, ...profile }, new Random(1), faults, (one, atUs) =>
    arrivals.push({ datagram: one, atUs }),
  );
  for (let id = 0; id < count; id++) link.send(datagram(id % 200), id * gapUs);
  return { faults, arrivals };
}

describe("Link", () => {
  it("delivers everything in order, on time and unchanged when it is perfect", () => {
    const { arrivals } = carry({}, 50);
    expect(arrivals.map(({ datagram: { id } }) => id)).toEqual(
      Array.from({ length: 50 }, (_, id) => id),
    );
    for (const [index, { atUs, datagram: one }] of arrivals.entries()) {
      expect(atUs).toBeCloseTo(index * 100 + 1000.1, 3);
      expect(one.original).toBe(one.bytes);
    }
  });

  it("loses the share that it is told to, alone and in bursts", () => {
    const alone = carry({ lossRate: 0.2 }, 5000);
    expect(alone.faults.loss).toBeGreaterThan(850);
    expect(alone.faults.loss).toBeLessThan(1150);
    expect(alone.arrivals.length).toBe(5000 - alone.faults.loss);
    const bursts = carry({ burstEnterRate: 0.05, burstLeaveRate: 0.45 }, 5000);
    expect(bursts.faults.burst).toBeGreaterThan(350);
    expect(bursts.faults.burst).toBeLessThan(650);
  });

  it("drops what its queue cannot hold and delays what it holds", () => {
    const { faults, arrivals } = carry({ bytesPerSecond: 10_000, queueBytes: 1000 }, 30, 0);
    expect(arrivals.length).toBe(10);
    expect(faults.queue).toBe(20);
    expect(arrivals.at(-1)?.atUs).toBe(101_000);
  });

  it("reorders, duplicates, corrupts and truncates", () => {
    const { faults, arrivals } = carry(
      {
        reorderRate: 0.2,
        reorderUs: 5000,
        duplicateRate: 0.1,
        corruptRate: 0.1,
        truncateRate: 0.1,
      },
      2000,
    );
    expect(faults.reorder).toBeGreaterThan(100);
    expect(arrivals.length).toBe(2000 + faults.duplicate);
    const altered = arrivals.filter(({ datagram: { bytes, original } }) => bytes !== original);
    expect(altered.length).toBe(faults.corrupt + faults.truncate);
    expect(faults.truncate).toBeGreaterThan(100);
  });

  it("passes nothing in a blackout and nothing large while narrow", () => {
    const window = { fromUs: 0, untilUs: 1000 };
    expect(carry({ blackouts: [window] }, 20).faults.blackout).toBe(10);
    expect(carry({ narrowings: [window], narrowBytes: 99 }, 20).faults.mtu).toBe(10);
    expect(carry({ narrowings: [window], narrowBytes: 100 }, 20).faults.mtu).toBe(0);
  });
});

describe("packetSpans", () => {
  const packet = (type: number, body: number): Uint8Array => {
    const bytes = new Uint8Array(16 + body).fill(type);
    bytes.set([type, 0, body & 255, body >> 8], 8);
    return bytes;
  };

  it("finds the packets of a datagram and stops at a bad length", () => {
    const bytes = Buffer.concat([packet(1, 20), packet(4, 300), packet(4, 9).subarray(0, 20)]);
    expect(packetSpans(bytes)).toEqual([
      { type: 1, start: 0, end: 36 },
      { type: 4, start: 36, end: 352 },
    ]);
  });

  it("knows which packets survived a change", () => {
    const original = Buffer.concat([packet(1, 20), packet(4, 30)]);
    const received = Buffer.from(original);
    received[40] = (received[40] ?? 0) ^ 1;
    expect(intactPackets(original, received).map(({ type }) => type)).toEqual([1]);
    expect(intactPackets(original, original.subarray(0, 50)).map(({ type }) => type)).toEqual([1]);
    expect(intactPackets(original, original).length).toBe(2);
  });
});
