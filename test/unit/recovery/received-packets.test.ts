/**
 * Goal: no packet is taken twice, and ACK frames name what arrived, in time.
 * Method: random arrivals beside a set of all numbers, and the edges of window, ranges and timer by hand.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { ReceivedPacketsTwin } from "../../reference/received-packets.ts";
import { Engine } from "../../support/engine-calls.ts";

const engine = new Engine("recovery");
const MAX_ACK_DELAY = 1000;
const SIZE = 72 + 512 + 8 + 65 * 16;

function newReceived(): number {
  engine.module.release();
  const received = engine.module.reserve(SIZE);
  engine.call("receivedInit", received, BigInt(MAX_ACK_DELAY));
  return received;
}

function isNew(received: number, number: number): boolean {
  return engine.is("receivedIsNew", received, BigInt(number));
}

function record(received: number, number: number, isEliciting = true, now = 5000): void {
  engine.call("receivedRecord", received, BigInt(number), isEliciting ? 1 : 0, BigInt(now));
}

function ranges(received: number): [number, number][] {
  return Array.from({ length: engine.call("receivedRangeCount", received) }, (_, index) => [
    engine.call("receivedRangeSmallest", received, index),
    engine.call("receivedRangeLargest", received, index),
  ]);
}

test("any order of arrivals is reported, refused twice and acknowledged as by a set of all numbers", () => {
  const arrival = fc.record({
    // Steps forward with gaps, and back by as much as reordering does.
    step: fc.integer({ min: -12, max: 6 }),
    isEliciting: fc.boolean(),
    wait: fc.nat(800),
    isAckSent: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(arrival, { maxLength: 120 }), (arrivals) => {
      const received = newReceived();
      const twin = new ReceivedPacketsTwin(MAX_ACK_DELAY);
      let number = 0;
      let now = 1000;
      for (const { step, isEliciting, wait, isAckSent } of arrivals) {
        number = Math.max(0, number + step);
        now += wait;
        expect(isNew(received, number)).toBe(twin.isNew(number));
        if (twin.isNew(number)) {
          record(received, number, isEliciting, now);
          twin.record(number, isEliciting, now);
        }
        expect(engine.call("receivedAckTimerUs", received)).toBe(twin.ackTimer);
        expect(engine.is("receivedIsAckDue", received, BigInt(now))).toBe(twin.isDue(now));
        expect(engine.call("receivedReorderDepth", received)).toBe(twin.reorderDepth);
        expect(ranges(received)).toEqual(twin.ranges(65));
        if (!isAckSent || !twin.isDue(now)) continue;
        engine.call("receivedOnAckSent", received);
        twin.onAckSent();
      }
    }),
    { numRuns: 200 },
  );
});

test("the replay window reaches back 4095 packets and no further", () => {
  const received = newReceived();
  record(received, 10_000);
  expect(isNew(received, 10_000)).toBe(false);
  expect(isNew(received, 10_000 - 4095)).toBe(true);
  expect(isNew(received, 10_000 - 4096)).toBe(false);
  expect(isNew(received, 10_000 - 4097)).toBe(false);
  record(received, 10_000 - 4095);
  expect(isNew(received, 10_000 - 4095)).toBe(false);
  // One step forward puts it behind the window, where it stays refused; the place in the bitmap is free again.
  record(received, 10_001);
  expect(isNew(received, 10_000 - 4095)).toBe(false);
  expect(isNew(received, 10_001)).toBe(false);
  expect(isNew(received, 10_002)).toBe(true);
});

test("a jump by a whole window, one less and one more, leaves nothing of the old window behind", () => {
  for (const jump of [4095, 4096, 4097, 100_000]) {
    const received = newReceived();
    for (let number = 0; number < 300; number++) record(received, number);
    record(received, 299 + jump);
    for (let number = 300; number < 299 + jump; number += 97) {
      expect(isNew(received, number)).toBe(299 + jump - number < 4096);
    }
    expect(isNew(received, 299)).toBe(false);
  }
});

test("numbers that a short step leaves out are new, though their places were taken a window before", () => {
  const received = newReceived();
  for (let number = 0; number < 4096; number++) record(received, number);
  record(received, 4099);
  expect([4096, 4097, 4098, 4099].map((number) => isNew(received, number))).toEqual([
    true,
    true,
    true,
    false,
  ]);
});

test("the number to expect next is one behind the largest, and 0 at first", () => {
  const received = newReceived();
  expect(engine.call("receivedExpected", received)).toBe(0);
  record(received, 7);
  record(received, 3);
  expect(engine.call("receivedExpected", received)).toBe(8);
});

test("65 ranges are kept, and the oldest is forgotten for the 66th", () => {
  const received = newReceived();
  for (let range = 0; range < 65; range++) record(received, range * 2);
  expect(ranges(received).at(-1)).toEqual([0, 0]);
  record(received, 130);
  expect(ranges(received)).toHaveLength(65);
  expect(ranges(received).at(-1)).toEqual([2, 2]);
  // What was forgotten is still refused as a duplicate.
  expect(isNew(received, 0)).toBe(false);
  // A late number below all ranges does not push a newer one out.
  expect(isNew(received, 1)).toBe(true);
  record(received, 1);
  expect(ranges(received).at(-1)).toEqual([1, 2]);
});

// spec-test: RFC 9000 §13.2.1
test("one ack-eliciting packet waits for the promised delay, the second is acknowledged at once", () => {
  const received = newReceived();
  record(received, 0, true, 5000);
  expect(engine.is("receivedIsAckDue", received, 5999n)).toBe(false);
  expect(engine.is("receivedIsAckDue", received, 6000n)).toBe(true);
  expect(engine.call("receivedAckTimerUs", received)).toBe(6000);
  record(received, 1, true, 5100);
  expect(engine.is("receivedIsAckDue", received, 5100n)).toBe(true);
});

test("packets that elicit nothing owe nothing, however many", () => {
  const received = newReceived();
  for (let number = 0; number < 10; number++) record(received, number, false);
  expect(engine.call("receivedAckTimerUs", received)).toBe(0);
  expect(engine.is("receivedIsAckDue", received, 1_000_000n)).toBe(false);
  expect(engine.is("receivedIsAckUseful", received)).toBe(false);
});

test("a gap and a late packet are acknowledged at once", () => {
  const received = newReceived();
  record(received, 0, true, 5000);
  engine.call("receivedOnAckSent", received);
  record(received, 2, true, 6000);
  expect(engine.is("receivedIsAckDue", received, 6000n)).toBe(true);
  engine.call("receivedOnAckSent", received);
  record(received, 1, true, 7000);
  expect(engine.is("receivedIsAckDue", received, 7000n)).toBe(true);
  engine.call("receivedOnAckSent", received);
  record(received, 3, true, 8000);
  expect(engine.is("receivedIsAckDue", received, 8000n)).toBe(false);
});

// spec-test: RFC 9000 §13.2.4
test("ranges that the peer knows to be received are no longer sent, but still refused", () => {
  const received = newReceived();
  for (const number of [0, 1, 5, 6, 9]) record(received, number);
  engine.call("receivedOnAckAcknowledged", received, 5n);
  expect(ranges(received)).toEqual([
    [9, 9],
    [6, 6],
  ]);
  expect(isNew(received, 5)).toBe(false);
  engine.call("receivedOnAckAcknowledged", received, 9n);
  expect(ranges(received)).toEqual([[9, 9]]);
});

test("the delay of an acknowledgement counts from the arrival of the largest packet", () => {
  const received = newReceived();
  record(received, 4, true, 5000);
  record(received, 2, true, 8000);
  expect(engine.call("receivedAckDelayUs", received, 9000n)).toBe(4000);
});
