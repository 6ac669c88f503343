/** Goal: conditions are read as they are published, and a breach says what was seen. Method: each form, each mistake. */
import { expect, test } from "vitest";
import { breachOf, type CallSample, parseSlo } from "../../../../host/shared/fabric/apply/slo.ts";
import { failureCode } from "../../../support/ports.ts";

function calls(durationsMs: readonly number[], errors = 0): CallSample[] {
  return durationsMs.map((elapsedMs, at) => ({ elapsedMs, isError: at < errors }));
}

/** 1, 2, … 100 ms. */
const HUNDRED = Array.from({ length: 100 }, (_, at) => at + 1);

test.each([
  ["p95<5ms,err<0.1%", calls([1, 2, 3]), null],
  ["p95<96ms", calls(HUNDRED), null],
  ["p95<95ms", calls(HUNDRED), "p95<95ms, but 95 ms in 100 calls"],
  ["p95<=95ms", calls(HUNDRED), null],
  ["p50<0.05s", calls(HUNDRED), "p50<0.05s, but 50 ms in 100 calls"],
  ["p99<=99000us", calls(HUNDRED), null],
  ["p1<1ms", calls([1]), "p1<1ms, but 1 ms in 1 calls"],
  ["err<1%", calls(HUNDRED, 1), "err<1%, but 1 % in 100 calls"],
  ["err<=1%", calls(HUNDRED, 1), null],
  ["err < 50% , p50 < 1ms", calls([1, 1], 1), "err<50%, but 50 % in 2 calls"],
  ["err<=0%", calls([1]), null],
  ["err<0.1%", [], null],
])("%s", (text, samples, breach) => {
  expect(breachOf(parseSlo(text), samples)).toBe(breach);
});

test.each([
  "",
  "p95",
  "p95<5",
  "p95<5%",
  "err<5ms",
  "p0<5ms",
  "p100<5ms",
  "err>1%",
  "p95<5ms;err<1%",
])("%j is refused", async (text) => {
  expect(await failureCode(() => parseSlo(text))).toBe("config-invalid");
});
