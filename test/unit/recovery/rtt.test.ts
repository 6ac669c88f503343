/** Goal: the estimator follows RFC 9002 §5.3. Method: hand-computed samples, and random ones beside a twin. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { RttTwin } from "../../reference/rtt.ts";
import { Engine } from "../../support/engine-calls.ts";

const engine = new Engine("recovery");

function newRtt(initialRttUs = 333_000): number {
  engine.module.release();
  const rtt = engine.module.reserve(40);
  engine.call("rttInit", rtt, BigInt(initialRttUs));
  return rtt;
}

function update(rtt: number, sample: number, ackDelay: number, maxAckDelay: number): void {
  engine.call("rttUpdate", rtt, BigInt(sample), BigInt(ackDelay), BigInt(maxAckDelay));
}

function state(rtt: number): Record<string, number> {
  return {
    latest: engine.call("rttLatestUs", rtt),
    smoothed: engine.call("rttSmoothedUs", rtt),
    variance: engine.call("rttVarianceUs", rtt),
    minimum: engine.call("rttMinimumUs", rtt),
  };
}

test("before the first sample the round trip is the assumed one and half of it varies", () => {
  const rtt = newRtt();
  expect(engine.is("rttHasSample", rtt)).toBe(false);
  expect(state(rtt)).toEqual({ latest: 0, smoothed: 333_000, variance: 166_500, minimum: 0 });
});

test("the first sample replaces the assumption, whatever the delay says", () => {
  const rtt = newRtt();
  update(rtt, 10_000, 9000, 25_000);
  expect(state(rtt)).toEqual({ latest: 10_000, smoothed: 10_000, variance: 5000, minimum: 10_000 });
});

// spec-test: RFC 9002 §5.3
test("the peer's delay is taken off up to its promise, and never below the minimum", () => {
  const rtt = newRtt();
  update(rtt, 10_000, 0, 25_000);
  // 18 ms with 4 ms of delay: adjusted 14 ms; variance (3*5 + 4)/4, smoothed (7*10 + 14)/8 milliseconds.
  update(rtt, 18_000, 4000, 25_000);
  expect(state(rtt)).toEqual({ latest: 18_000, smoothed: 10_500, variance: 4750, minimum: 10_000 });
  // A delay of 9 ms would put an 18 ms sample below the minimum of 10 ms: it is not believed.
  update(rtt, 18_000, 9000, 25_000);
  expect(state(rtt)["smoothed"]).toBe(Math.floor((7 * 10_500 + 18_000) / 8));
  // A delay beyond the promise counts as the promise.
  const capped = newRtt();
  update(capped, 10_000, 0, 2000);
  update(capped, 18_000, 4000, 2000);
  expect(state(capped)["smoothed"]).toBe((7 * 10_000 + 16_000) / 8);
});

test("any sequence of samples gives what the twin gives", () => {
  const sample = fc.record({
    rtt: fc.integer({ min: 1, max: 10_000_000 }),
    delay: fc.integer({ min: 0, max: 100_000 }),
  });
  fc.assert(
    fc.property(fc.array(sample, { maxLength: 40 }), fc.nat(50_000), (samples, maxAckDelay) => {
      const rtt = newRtt();
      const twin = new RttTwin(333_000);
      for (const { rtt: value, delay } of samples) {
        update(rtt, value, delay, maxAckDelay);
        twin.update(value, delay, maxAckDelay);
        const { latest, smoothed, variance, minimum } = twin;
        expect(state(rtt)).toEqual({ latest, smoothed, variance, minimum });
      }
    }),
  );
});
