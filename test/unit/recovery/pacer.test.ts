/** Goal: bursts are bounded and the rate is the window over the round trip. Method: turns at chosen times. */
import { expect, test } from "vitest";
import { Engine } from "../../support/engine-calls.ts";

const engine = new Engine("recovery");
const MSS = 1200;
const WINDOW = 120_000n;
const RTT = 100_000n;

function newPacer(granularityUs = 1000): number {
  engine.module.release();
  const pacer = engine.module.reserve(32);
  engine.call("pacerInit", pacer, MSS, BigInt(granularityUs));
  return pacer;
}

function refill(pacer: number, now: number, window = WINDOW, rtt = RTT): number {
  return engine.call("pacerRefill", pacer, window, rtt, 0, BigInt(now));
}

/** Sends whole packets while there is credit; returns how many. */
function sendAll(pacer: number, now: number): number {
  let packets = 0;
  while (refill(pacer, now) >= MSS) {
    engine.call("pacerUse", pacer, MSS);
    packets++;
  }
  return packets;
}

// spec-test: RFC 9002 §7.7
test("the first burst is ten packets, later ones after any pause sixteen", () => {
  const pacer = newPacer();
  expect(sendAll(pacer, 1_000_000)).toBe(10);
  engine.call("pacerOnFirstSample", pacer);
  expect(sendAll(pacer, 60_000_000)).toBe(16);
});

test("between bursts packets leave at 1.25 windows for each round trip", () => {
  const pacer = newPacer();
  sendAll(pacer, 0);
  let packets = 0;
  for (let now = 0; now <= 1_000_000; now += 1000) packets += sendAll(pacer, now);
  // 1.25 * 120000 bytes in 100 ms is 1250 packets in a second.
  expect(Math.abs(packets - 1250)).toBeLessThanOrEqual(2);
});

test("in slow start the rate is two windows for each round trip", () => {
  const pacer = newPacer();
  sendAll(pacer, 0);
  engine.call("pacerRefill", pacer, WINDOW, RTT, 0, 0n);
  // 2 * 120000 bytes in 100 ms earn one packet in 500 microseconds, 1.25 * 120000 in 800.
  expect(engine.call("pacerRefill", pacer, WINDOW, RTT, 1, 499n)).toBe(0);
  expect(engine.call("pacerRefill", pacer, WINDOW, RTT, 1, 500n)).toBe(MSS);
});

test("the time to come back is when one packet may leave, and never sooner than a timer can", () => {
  const fine = newPacer(1);
  sendAll(fine, 0);
  expect(engine.call("pacerTimeUs", fine, WINDOW, RTT, 0, 0n)).toBe(800);
  const coarse = newPacer(1000);
  sendAll(coarse, 0);
  expect(engine.call("pacerTimeUs", coarse, WINDOW, RTT, 0, 0n)).toBe(1000);
  refill(coarse, 1000);
  expect(engine.call("pacerTimeUs", coarse, WINDOW, RTT, 0, 1000n)).toBe(0);
});

test("a turn of one timer granularity earns its whole credit, however fast the path", () => {
  const pacer = newPacer(1000);
  sendAll(pacer, 0);
  // 1.25 * 12 MB in 10 ms: 1.5 MB in a millisecond, far beyond sixteen packets.
  expect(refill(pacer, 1000, 12_000_000n, 10_000n)).toBe(1_500_000);
  expect(refill(pacer, 9000, 12_000_000n, 10_000n)).toBe(1_500_000);
});

test("a clock that stands still earns nothing", () => {
  const pacer = newPacer();
  sendAll(pacer, 5000);
  expect(refill(pacer, 5000)).toBe(0);
  expect(refill(pacer, 4000)).toBe(0);
});
