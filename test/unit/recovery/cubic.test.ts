/**
 * Goal: the window follows RFC 9438 and leaves slow start by RFC 9406.
 * Method: random histories beside a twin in segments and seconds, and the formulas of the texts by hand.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { CubicTwin } from "../../reference/cubic.ts";
import { Engine } from "../../support/engine-calls.ts";

const engine = new Engine("recovery");
const MSS = 1200;
const SIZE = 88 + 48;

function newCubic(mss = MSS): number {
  engine.module.release();
  const cubic = engine.module.reserve(SIZE);
  engine.call("cubicInit", cubic, mss);
  return cubic;
}

function windowOf(cubic: number): number {
  return engine.call("cubicWindow", cubic);
}

function onAcked(
  cubic: number,
  sentAt: number,
  now: number,
  { bytes = MSS, isAppLimited = false, srtt = 50_000 } = {},
): void {
  const limited = isAppLimited ? 1 : 0;
  engine.call("cubicOnAcked", cubic, bytes, BigInt(sentAt), limited, BigInt(srtt), BigInt(now));
}

function onLoss(cubic: number, sentAt: number, now: number): void {
  engine.call("cubicOnLoss", cubic, BigInt(sentAt), BigInt(now));
}

const event = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constant("acked" as const),
      count: fc.integer({ min: 1, max: 60 }),
      bytes: fc.integer({ min: 40, max: MSS }),
      age: fc.nat(80_000),
      isAppLimited: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("lost" as const), age: fc.nat(80_000) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("collapse" as const) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("wait" as const),
      us: fc.oneof(fc.nat(900_000), fc.nat(20_000_000)),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("sample" as const),
      us: fc.integer({ min: 1, max: 90_000 }),
    }),
  },
);

test("any history gives the window of the twin to within a millionth", () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 80 }), fc.nat(3000), (events, grown) => {
      const cubic = newCubic();
      const twin = new CubicTwin(MSS);
      let now = 1_000_000;
      // Only a wide window leaves the region where Reno would be as fast.
      for (let count = 0; count < grown; count++) {
        onAcked(cubic, now, now);
        twin.onAcked(MSS, now / 1e6, false, 0.05, now / 1e6);
      }
      let packets = 0;
      for (const one of events) {
        if (one.kind === "wait") now += one.us;
        if (one.kind === "acked") {
          const { bytes, isAppLimited, age } = one;
          for (let count = 0; count < one.count; count++) {
            onAcked(cubic, now - age, now, { bytes, isAppLimited });
            twin.onAcked(bytes, (now - age) / 1e6, isAppLimited, 0.05, now / 1e6);
            now += 10;
          }
        } else if (one.kind === "lost") {
          onLoss(cubic, now - one.age, now);
          twin.onLoss((now - one.age) / 1e6, now / 1e6);
        } else if (one.kind === "collapse") {
          engine.call("cubicOnPersistentCongestion", cubic);
          twin.onPersistentCongestion();
        } else if (one.kind === "sample") {
          const next = BigInt(packets + 20);
          engine.call("cubicOnRttSample", cubic, BigInt(packets), next, BigInt(one.us));
          twin.onRttSample(packets, packets + 20, one.us);
          packets += 5;
        }
        const expected = twin.windowBytes;
        expect(Math.abs(windowOf(cubic) - expected)).toBeLessThan(1 + expected / 1e6);
        expect(windowOf(cubic)).toBeGreaterThanOrEqual(2 * MSS);
      }
    }),
    { numRuns: 300 },
  );
});

// spec-test: RFC 9002 §7.2
test("the first window is ten segments, and no more than 14720 bytes unless two segments need it", () => {
  expect(windowOf(newCubic(1200))).toBe(12_000);
  expect(windowOf(newCubic(1472))).toBe(14_720);
  expect(windowOf(newCubic(1473))).toBe(14_720);
  expect(windowOf(newCubic(9000))).toBe(18_000);
});

test("slow start grows by what was acknowledged", () => {
  const cubic = newCubic();
  onAcked(cubic, 1000, 51_000);
  expect(windowOf(cubic)).toBe(12_000 + MSS);
});

// spec-test: RFC 9438 §4.6
test("a loss multiplies the window by 0.7 once in a recovery period", () => {
  const cubic = newCubic();
  onLoss(cubic, 1000, 50_000);
  expect(windowOf(cubic)).toBe(8400);
  // Sent before or at the beginning of the period: the same congestion.
  onLoss(cubic, 50_000, 60_000);
  expect(windowOf(cubic)).toBe(8400);
  onAcked(cubic, 50_000, 70_000);
  expect(windowOf(cubic)).toBe(8400);
  onLoss(cubic, 50_001, 80_000);
  expect(windowOf(cubic)).toBe(5880);
});

test("the window never falls below two segments", () => {
  const cubic = newCubic();
  for (let loss = 1; loss < 30; loss++) onLoss(cubic, loss * 1000, loss * 1000);
  expect(windowOf(cubic)).toBe(2 * MSS);
});

/** Grows to `segments` in slow start, loses at time 0, and acknowledges a window each round trip. */
function windowAfterLoss(segments: number, seconds: number, srtt: number, losses = 1): number {
  const cubic = newCubic();
  while (windowOf(cubic) < segments * MSS) onAcked(cubic, 1, 2);
  for (let loss = 1; loss <= losses; loss++) onLoss(cubic, loss * 5, loss * 5);
  for (let now = 20; now <= seconds * 1e6; now += srtt) {
    const packets = Math.floor(windowOf(cubic) / MSS);
    for (let packet = 0; packet < packets; packet++) {
      onAcked(cubic, now, now + Math.floor((packet * srtt) / packets), { srtt });
    }
  }
  return windowOf(cubic) / MSS;
}

// spec-test: RFC 9438 §4.2
test("the window comes back to where it was after K seconds, and stays near it around K", () => {
  // W_max 1000 segments: K = cbrt(1000 * 0.3 / 0.4) = 9.09 s.
  const k = Math.cbrt((1000 * 0.3) / 0.4);
  expect(windowAfterLoss(1000, k, 100_000)).toBeCloseTo(1000, -1);
  const early = windowAfterLoss(1000, k / 2, 100_000);
  expect(early).toBeGreaterThan(1000 - 0.4 * (k / 2) ** 3 - 5);
  expect(early).toBeLessThan(1000);
  const late = windowAfterLoss(1000, k + 4, 100_000);
  expect(late).toBeGreaterThan(1000 + 0.4 * 3.8 ** 3);
});

// spec-test: RFC 9438 §4.3
test("on a short path the window grows as Reno's would, and by a segment a round trip once it is back", () => {
  // 20 segments, 10 ms: K is 2.5 s, so the cubic curve is far below the line of alpha segments a round trip.
  const alpha = (3 * 0.3) / 1.7;
  expect(Math.abs(windowAfterLoss(20, 0.1, 10_000) - (14 + alpha * 10))).toBeLessThan(1);
  const roundsToPrior = 6 / alpha;
  const expected = 20 + (30 - roundsToPrior);
  expect(Math.abs(windowAfterLoss(20, 0.3, 10_000) - expected)).toBeLessThan(1.5);
});

// spec-test: RFC 9438 §4.7
test("a second loss below the old maximum gives way: the plateau is lower", () => {
  // 1000 segments, then 700, then 490: the plateau is 700 * 0.85 = 595, reached after cbrt(105 / 0.4) s.
  const k = Math.cbrt(105 / 0.4);
  expect(Math.abs(windowAfterLoss(1000, k, 100_000, 2) - 595)).toBeLessThan(5);
});

// spec-test: RFC 9438 §4.4
test("however far the curve has run ahead, a window of acknowledgements grows the window by at most half", () => {
  const cubic = newCubic();
  while (windowOf(cubic) < 100 * MSS) onAcked(cubic, 1, 2);
  onLoss(cubic, 10, 10);
  onAcked(cubic, 20, 20);
  const before = windowOf(cubic);
  onAcked(cubic, 100_000_000, 100_000_000);
  expect(windowOf(cubic) - before).toBeGreaterThan(MSS / 2 - 2);
  expect(windowOf(cubic) - before).toBeLessThanOrEqual(MSS / 2 + 1);
});

// spec-test: RFC 9438 §5.8
test("time without data is not time of growth", () => {
  const grow = (isIdle: boolean): number => {
    const cubic = newCubic();
    while (windowOf(cubic) < 100 * MSS) onAcked(cubic, 1, 2);
    onLoss(cubic, 10, 10);
    for (let now = 100; now < 1_000_000; now += 10_000) onAcked(cubic, now, now);
    let start = 1_000_000;
    if (isIdle) {
      onAcked(cubic, start, start, { isAppLimited: true });
      start += 60_000_000;
    }
    onAcked(cubic, start, start);
    for (let at = start; at < start + 1_000_000; at += 10_000) onAcked(cubic, at, at);
    return windowOf(cubic);
  };
  expect(Math.abs(grow(true) - grow(false))).toBeLessThan(2 * MSS);
});

test("the cube root is exact to the last digits over the whole range", () => {
  for (const value of [1e-9, 0.001, 0.5, 1, 2, 26.25, 750, 1e6, 1e12]) {
    const root = engine.call("cubeRoot", value);
    expect(Math.abs(root / Math.cbrt(value) - 1)).toBeLessThan(1e-12);
  }
  expect(engine.call("cubeRoot", 0)).toBe(0);
  expect(engine.call("cubeRoot", -1)).toBe(0);
});

/** One round: eight samples of `rtt`, whose packets end the round before. */
function round(cubic: number, state: { packet: number }, rtt: number): void {
  for (let sample = 0; sample < 8; sample++) {
    const next = BigInt(state.packet + 8);
    engine.call("cubicOnRttSample", cubic, BigInt(state.packet), next, BigInt(rtt));
    state.packet++;
  }
}

// spec-test: RFC 9406 §4.2
test("slow start turns conservative when the round trip grows by an eighth, and ends five rounds later", () => {
  const cubic = newCubic();
  const state = { packet: 0 };
  round(cubic, state, 100_000);
  round(cubic, state, 112_499);
  onAcked(cubic, 1, 2);
  expect(windowOf(cubic)).toBe(12_000 + MSS);
  const grown = newCubic();
  const other = { packet: 0 };
  round(grown, other, 100_000);
  round(grown, other, 112_500);
  onAcked(grown, 1, 2);
  expect(windowOf(grown)).toBe(12_000 + MSS / 4);
  for (let rounds = 0; rounds < 4; rounds++) round(grown, other, 112_500);
  expect(engine.is("cubicIsSlowStart", grown)).toBe(true);
  round(grown, other, 112_500);
  expect(engine.is("cubicIsSlowStart", grown)).toBe(false);
});

test("a delay that goes away turns conservative slow start back into slow start", () => {
  const cubic = newCubic();
  const state = { packet: 0 };
  round(cubic, state, 100_000);
  round(cubic, state, 120_000);
  round(cubic, state, 100_000);
  onAcked(cubic, 1, 2);
  expect(windowOf(cubic)).toBe(12_000 + MSS);
});
