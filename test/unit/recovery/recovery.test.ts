/**
 * Goal: acknowledgements, losses, timers and the window follow RFC 9002 appendix A and B.
 * Method: random histories beside a naive model, and the boundaries of each rule by hand.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { RecoveryTwin } from "../../reference/recovery.ts";
import { Engine } from "../../support/engine-calls.ts";

const engine = new Engine("recovery");
const MSS = 1200;
const GRANULARITY = 1000;
const MAX_ACK_DELAY = 1000;
const ELICITING = 1;
const IN_FLIGHT = 2;
const REF_STREAM = 2;
const PROTOCOL_VIOLATION = -26;
const TIMEOUTS = ["none", "loss", "probe"];

function newRecovery(packets = 1024, refs = 2048): number {
  engine.module.release();
  const r = engine.module.reserve(engine.call("recoverySize", packets, refs));
  engine.call("recoveryInit", r, packets, refs, MSS, BigInt(GRANULARITY));
  engine.call("recoverySetPeer", r, BigInt(MAX_ACK_DELAY));
  return r;
}

/** Sends one packet whose only frame reference carries its own number. */
function send(r: number, now: number, bytes = MSS, flags = ELICITING | IN_FLIGHT): number {
  const refs = engine.call("recoveryRefs", r);
  const first = engine.call("frameRefsNext", refs);
  const number = engine.call64("recoveryNextPacketNumber", r);
  engine.call("frameRefAdd", refs, REF_STREAM, 0, 0, 0, 0, number);
  return engine.call("recoveryOnPacketSent", r, first, bytes, flags, BigInt(now));
}

/** Drains one list; each packet's frame reference must still be its own. */
function drain(r: number, name: "recoveryNextAcked" | "recoveryNextLost"): number[] {
  const refs = engine.call("recoveryRefs", r);
  const numbers: number[] = [];
  for (let packet = engine.call(name, r); packet !== 0; packet = engine.call(name, r)) {
    const number = engine.call("sentPacketNumber", packet);
    expect(engine.call("sentPacketRefCount", packet)).toBe(1);
    const ref = engine.call("frameRefAt", refs, engine.call("sentPacketFirstRef", packet));
    expect(engine.call("frameRefValue", ref)).toBe(number);
    numbers.push(number);
  }
  return numbers;
}

function ack(
  r: number,
  ranges: [number, number][],
  delay: number,
  now: number,
): { acked: number[]; lost: number[] } | "violation" {
  let status = engine.call("recoveryAckBegin", r, BigInt(ranges[0]![1]));
  for (const [smallest, largest] of ranges) {
    if (status !== 0) break;
    status = engine.call("recoveryAckRange", r, BigInt(smallest), BigInt(largest));
  }
  if (status !== 0) {
    expect(status).toBe(PROTOCOL_VIOLATION);
    return "violation";
  }
  engine.call("recoveryAckEnd", r, BigInt(delay), BigInt(now));
  return { acked: drain(r, "recoveryNextAcked"), lost: drain(r, "recoveryNextLost") };
}

function timer(r: number): number {
  return engine.call("recoveryTimerUs", r);
}

/** Ranges with both ends, descending, of the numbers `newest - index` for which `pattern[index]` holds. */
function rangesOf(newest: number, pattern: boolean[], isAllowed: (number: number) => boolean) {
  const ranges: [number, number][] = [];
  pattern.forEach((isIn, index) => {
    const number = newest - index;
    if (!isIn || number < 0 || !isAllowed(number)) return;
    const last = ranges.at(-1);
    if (last !== undefined && last[0] === number + 1) last[0] = number;
    else ranges.push([number, number]);
  });
  return ranges;
}

const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("send" as const),
      count: fc.integer({ min: 1, max: 12 }),
      bytes: fc.integer({ min: 40, max: MSS }),
      isBare: fc.boolean(),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("ack" as const),
      back: fc.nat(6),
      pattern: fc.array(fc.boolean(), { minLength: 1, maxLength: 30 }),
      delay: fc.nat(2000),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("wait" as const),
      us: fc.oneof(fc.nat(120_000), fc.nat(900_000)),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("timeout" as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("skip" as const) }) },
);

test("any history of packets, acknowledgements and timeouts ends as in the model of RFC 9002", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 70 }), (steps) => {
      const r = newRecovery();
      const twin = new RecoveryTwin(MSS, GRANULARITY, MAX_ACK_DELAY);
      const skipped = new Set<number>();
      let now = 1000;
      let sent = 0;
      for (const one of steps) {
        if (one.kind === "wait") {
          now += one.us;
        } else if (one.kind === "skip") {
          skipped.add(sent++);
          twin.skip();
          engine.call("recoverySkipPacketNumber", r);
        } else if (one.kind === "send") {
          for (let count = 0; count < one.count; count++) {
            const isBare = one.isBare && count === 0;
            const flags = isBare ? 0 : ELICITING | IN_FLIGHT;
            const packet = {
              time: now,
              bytes: one.bytes,
              isEliciting: !isBare,
              isInFlight: !isBare,
            };
            expect(send(r, now, one.bytes, flags)).toBe(twin.send(packet));
            sent++;
            now += 3;
          }
        } else if (one.kind === "ack") {
          const ranges = rangesOf(
            sent - 1 - one.back,
            one.pattern,
            (number) => !skipped.has(number),
          );
          if (ranges.length === 0) continue;
          expect(ack(r, ranges, one.delay, now)).toEqual(twin.ack(ranges, one.delay, now, false));
        } else {
          now = Math.max(now, twin.timer);
          const expected = twin.timeout(now);
          expect(TIMEOUTS[engine.call("recoveryOnTimeout", r, BigInt(now))]).toBe(expected.kind);
          expect(drain(r, "recoveryNextLost")).toEqual(expected.lost);
        }
        expect(timer(r)).toBe(twin.timer);
        expect(engine.call("recoveryBytesInFlight", r)).toBe(twin.bytesInFlight);
        const rtt = engine.call("recoveryRtt", r);
        expect(engine.call("rttSmoothedUs", rtt)).toBe(twin.rtt.smoothed);
        const window = engine.call("recoveryCongestionWindow", r);
        expect(Math.abs(window - twin.cubic.windowBytes)).toBeLessThanOrEqual(1);
      }
    }),
    { numRuns: 400 },
  );
});

// spec-test: RFC 9000 §13.1
test("an acknowledgement of a packet that was never sent is a protocol violation", () => {
  const r = newRecovery();
  send(r, 1000);
  expect(ack(r, [[0, 1]], 0, 2000)).toBe("violation");
  expect(ack(r, [[0, 0]], 0, 2000)).toEqual({ acked: [0], lost: [] });
  // Also before anything was sent.
  expect(ack(newRecovery(), [[0, 0]], 0, 2000)).toBe("violation");
});

test("an acknowledgement of a number that was left out is a protocol violation", () => {
  const r = newRecovery();
  send(r, 1000);
  engine.call("recoverySkipPacketNumber", r);
  send(r, 1000);
  expect(ack(r, [[1, 2]], 0, 2000)).toBe("violation");
});

test("an acknowledgement that comes twice changes nothing the second time", () => {
  const r = newRecovery();
  send(r, 1000);
  send(r, 1000);
  expect(ack(r, [[0, 0]], 0, 5000)).toEqual({ acked: [0], lost: [] });
  const before = [timer(r), engine.call("recoveryCongestionWindow", r)];
  expect(ack(r, [[0, 0]], 0, 9000)).toEqual({ acked: [], lost: [] });
  expect([timer(r), engine.call("recoveryCongestionWindow", r)]).toEqual(before);
});

// spec-test: RFC 9002 §6.1.1
test("a packet is lost when one three numbers later is acknowledged, not two", () => {
  for (const [distance, lost] of [
    [2, []],
    [3, [0]],
    [4, [0, 1]],
  ] as const) {
    const r = newRecovery();
    for (let count = 0; count <= distance; count++) send(r, 1000);
    expect(ack(r, [[distance, distance]], 0, 2000)).toEqual({ acked: [distance], lost });
  }
});

// spec-test: RFC 9002 §6.1.2
test("a packet is lost 9/8 of the round trip after it was sent, not a microsecond before", () => {
  const setUp = (): number => {
    const r = newRecovery();
    send(r, 1000);
    send(r, 1000);
    expect(ack(r, [[1, 1]], 0, 81_000)).toEqual({ acked: [1], lost: [] });
    expect(timer(r)).toBe(1000 + 90_000);
    return r;
  };
  const early = setUp();
  expect(engine.call("recoveryOnTimeout", early, 90_999n)).toBe(0);
  const late = setUp();
  expect(engine.call("recoveryOnTimeout", late, 91_000n)).toBe(1);
  expect(drain(late, "recoveryNextLost")).toEqual([0]);
  expect(timer(late)).toBe(0);
});

// spec-test: RFC 9002 §6.2.1
test("the probe timeout doubles each time and an acknowledgement resets it", () => {
  const r = newRecovery();
  send(r, 1000);
  const base = 333_000 + 4 * 166_500 + MAX_ACK_DELAY;
  expect(timer(r)).toBe(1000 + base);
  expect(engine.call("recoveryOnTimeout", r, BigInt(1000 + base - 1))).toBe(0);
  expect(engine.call("recoveryOnTimeout", r, BigInt(1000 + base))).toBe(2);
  expect(engine.call("recoveryProbes", r)).toBe(2);
  expect(timer(r)).toBe(1000 + 2 * base);
  send(r, 1000 + base);
  expect(engine.call("recoveryProbes", r)).toBe(1);
  expect(timer(r)).toBe(1000 + base + 2 * base);
  const at = 1000 + base + 10_000;
  ack(r, [[1, 1]], 0, at);
  expect(engine.call("recoveryProbes", r)).toBe(0);
  send(r, at);
  // Sample 10 ms: variance 5 ms. Packet 0 waits for its time threshold first.
  ack(r, [[2, 2]], 0, at + 10_000);
  drain(r, "recoveryNextLost");
  send(r, at + 20_000);
  expect(timer(r) - (at + 20_000)).toBe(engine.call("recoveryPtoUs", r));
});

test("bare acknowledgements start no timer, take no window and are forgotten when the ring is full", () => {
  const r = newRecovery(8, 16);
  for (let count = 0; count < 20; count++) {
    expect(engine.is("recoveryHasRoom", r, 1)).toBe(true);
    send(r, 1000 + count, 60, 0);
  }
  expect(timer(r)).toBe(0);
  expect(engine.call("recoveryBytesInFlight", r)).toBe(0);
  expect(ack(r, [[0, 19]], 0, 3000)).toMatchObject({ acked: [12, 13, 14, 15, 16, 17, 18, 19] });
});

test("the ring holds as many packets and references as it was made for, and not one more", () => {
  const r = newRecovery(8, 16);
  for (let count = 0; count < 8; count++) {
    expect(engine.is("recoveryHasRoom", r, 1)).toBe(true);
    send(r, 1000);
  }
  expect(engine.is("recoveryHasRoom", r, 0)).toBe(false);
  ack(r, [[0, 0]], 0, 2000);
  expect(engine.is("recoveryHasRoom", r, 9)).toBe(true);
  expect(engine.is("recoveryHasRoom", r, 10)).toBe(false);
  // A newer acknowledgement frees no place while the oldest packet is outstanding.
  send(r, 2000);
  ack(r, [[3, 3]], 0, 3000);
  expect(engine.is("recoveryHasRoom", r, 0)).toBe(false);
});

test("a clock that has not moved gives no sample", () => {
  const r = newRecovery();
  send(r, 1000);
  ack(r, [[0, 0]], 0, 1000);
  expect(engine.is("rttHasSample", engine.call("recoveryRtt", r))).toBe(false);
});

test("an acknowledgement of bare acknowledgements only gives no sample", () => {
  const r = newRecovery();
  send(r, 1000, 60, 0);
  ack(r, [[0, 0]], 0, 9000);
  expect(engine.is("rttHasSample", engine.call("recoveryRtt", r))).toBe(false);
});

// spec-test: RFC 9002 §7.6
test("losing everything for three probe timeouts puts the window to two packets, a moment less does not", () => {
  for (const [extra, isPersistent] of [
    [0, false],
    [1, true],
  ] as const) {
    const r = newRecovery();
    send(r, 1000);
    ack(r, [[0, 0]], 0, 11_000);
    // Two samples of 10 ms: smoothed 10 ms, variance 3.75 ms, so three timeouts are 3 * (10 + 15 + 1) ms.
    const duration = 3 * (10_000 + 15_000 + MAX_ACK_DELAY);
    send(r, 20_000);
    send(r, 20_000 + duration + extra);
    send(r, 20_000 + duration + extra);
    send(r, 20_000 + duration + extra);
    send(r, 20_000 + duration + extra);
    const result = ack(r, [[5, 5]], 0, 20_000 + duration + extra + 10_000);
    expect(result).toEqual({ acked: [5], lost: [1, 2] });
    const window = engine.call("recoveryCongestionWindow", r);
    if (isPersistent) expect(window).toBe(2 * MSS + MSS);
    else expect(window).toBeGreaterThan(2 * MSS + MSS);
  }
});

test("a packet acknowledged in between breaks persistent congestion", () => {
  const r = newRecovery();
  send(r, 1000);
  ack(r, [[0, 0]], 0, 11_000);
  send(r, 20_000);
  send(r, 100_000);
  for (let count = 0; count < 4; count++) send(r, 300_000);
  const result = ack(
    r,
    [
      [6, 6],
      [2, 2],
    ],
    0,
    310_000,
  );
  expect(result).toEqual({ acked: [6, 2], lost: [1, 3] });
  expect(engine.call("recoveryCongestionWindow", r)).toBeGreaterThan(5 * MSS);
});

test("the window opens only while it is what limits the sender", () => {
  const r = newRecovery();
  engine.call("recoverySetAppLimited", r, 1);
  send(r, 1000);
  ack(r, [[0, 0]], 0, 11_000);
  expect(engine.call("recoveryCongestionWindow", r)).toBe(10 * MSS);
  engine.call("recoverySetAppLimited", r, 0);
  send(r, 20_000);
  ack(r, [[1, 1]], 0, 30_000);
  expect(engine.call("recoveryCongestionWindow", r)).toBe(11 * MSS);
});

test("nothing may be sent once the window is full, except the probes that are owed", () => {
  const r = newRecovery();
  expect(engine.call("recoverySendableBytes", r, 1000n)).toBe(10 * MSS);
  for (let count = 0; count < 10; count++) send(r, 1000);
  expect(engine.call("recoverySendableBytes", r, 60_000_000n)).toBe(0);
  expect(engine.call("recoveryPacingTimeUs", r, 60_000_000n)).toBe(0);
  expect(engine.call("recoveryOnTimeout", r, 60_000_000n)).toBe(2);
  expect(engine.call("recoverySendableBytes", r, 60_000_000n)).toBe(2 * MSS);
  const oldest = engine.call("recoveryOldestUnacked", r);
  expect(engine.call("sentPacketNumber", oldest)).toBe(0);
  const second = engine.call("recoveryUnackedBehind", r, oldest);
  expect(engine.call("sentPacketNumber", second)).toBe(1);
});

test("a new address starts window and round trip over", () => {
  const r = newRecovery();
  send(r, 1000);
  ack(r, [[0, 0]], 0, 11_000);
  engine.call("recoveryOnAddressChange", r);
  expect(engine.call("recoveryCongestionWindow", r)).toBe(10 * MSS);
  expect(engine.call("rttSmoothedUs", engine.call("recoveryRtt", r))).toBe(333_000);
});
