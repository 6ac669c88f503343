/**
 * Calls and bytes between two transports over loopback UDP, against what Node.js brings along, all in one process.
 *
 * Round trips are wall time, because they wait for sockets; calls and peers alternate in short blocks, and what a
 * ratio compares lies within a few hundred milliseconds. On a machine that others use, only ratios can be quoted:
 * the 99th percentile tells more about the neighbours than about either side. Throughput is CPU time of both ends,
 * the kernel's part included.
 */
import { concurrently } from "../engine/tls-peer.ts";
import {
  quantile,
  type Bench,
  type BenchContext,
  type Candidate,
  type Measurement,
} from "../harness.ts";
import { httpCaller, httpsCaller, tcpCaller, tcpPipe, tlsCaller, tlsPipe } from "./peers.ts";
import type { Caller, Pipe } from "./peers.ts";
import { mxpCaller, mxpMessages, mxpPipe } from "./transports.ts";

const PAYLOAD_SIZE = 64;
const CHUNK_SIZE = 65_536;
const BLOCK = 50;
const WARM_UP = 2_000;
/** Long enough that the end of a sample, when the last acknowledgements come, is a small part of it. */
const PIPE_SAMPLE_MS = 30;
const BASELINE = "node:http";
const CONCURRENCIES = [1, 100];

async function compareAll(context: BenchContext): Promise<void> {
  const payload = new Uint8Array(PAYLOAD_SIZE);
  const callers = [
    await httpCaller(payload),
    await httpsCaller(payload),
    await tcpCaller(payload),
    await tlsCaller(payload),
    await mxpCaller(payload),
  ];
  for (const { call } of callers) await concurrently(WARM_UP, 10, call);
  await roundTrips(context, callers);
  for (const concurrency of CONCURRENCIES) {
    await context.compare(
      `calls of ${PAYLOAD_SIZE} B, at once: ${concurrency}, CPU time of both ends`,
      BASELINE,
      callers.map(({ name, call }): Candidate => ({
        name,
        run: (iterations) => concurrently(iterations, concurrency, call),
        moves: { amount: 1, unit: "calls" },
      })),
    );
  }
  for (const { close } of callers) await close();
  await throughput(context);
}

/** One call at a time; blocks of every caller in every round, and percentiles over all of its calls. */
async function roundTrips(context: BenchContext, callers: readonly Caller[]): Promise<void> {
  const samples = new Map(callers.map(({ name }): [string, number[][]] => [name, []]));
  for (let round = 0; round < context.rounds; round += 1) {
    for (const [index] of callers.entries()) {
      const { name, call } = callers[(index + round) % callers.length]!;
      samples.get(name)!.push(await block(call));
    }
  }
  for (const share of [0.5, 0.99]) {
    const measurements = callers.map(({ name }): Measurement => {
      const baseline = samples.get(BASELINE)!;
      const own = samples.get(name)!;
      // A block is too short for a percentile of its own, so ratios of p99 come from the p99 of all.
      const ratios = own.map(
        (times, round) => quantile(baseline[round]!, share) / quantile(times, share),
      );
      return {
        name,
        medianNs: quantile(own.flat(), share),
        ratio: quantile(baseline.flat(), share) / quantile(own.flat(), share),
        ratioQuartiles: [quantile(ratios, 0.25), quantile(ratios, 0.75)],
      };
    });
    context.report(`round trip of a call, p${share * 100}, wall time`, BASELINE, measurements);
  }
}

async function block(call: () => Promise<void>): Promise<number[]> {
  const times: number[] = [];
  for (let index = 0; index < BLOCK; index += 1) {
    const start = process.hrtime.bigint();
    await call();
    times.push(Number(process.hrtime.bigint() - start));
  }
  return times;
}

async function throughput(context: BenchContext): Promise<void> {
  const message = new Uint8Array(PAYLOAD_SIZE);
  await oneWay(context, `messages of ${PAYLOAD_SIZE} B on one stream`, "messages", 1, [
    await tcpPipe(message),
    await tlsPipe(message),
    await mxpMessages(message),
  ]);
  const chunk = new Uint8Array(CHUNK_SIZE);
  await oneWay(context, `bytes on one stream, chunks of ${CHUNK_SIZE} B`, "MB", CHUNK_SIZE / 1e6, [
    await tcpPipe(chunk),
    await tlsPipe(chunk),
    await mxpPipe(chunk),
  ]);
}

async function oneWay(
  context: BenchContext,
  title: string,
  unit: string,
  amount: number,
  pipes: readonly Pipe[],
): Promise<void> {
  await context.compare(
    `${title}, CPU time of both ends`,
    "node:tls",
    pipes.map(({ name, send }): Candidate => ({ name, run: send, moves: { amount, unit } })),
    { sampleMs: PIPE_SAMPLE_MS },
  );
  for (const { close } of pipes) await close();
}

export const bench: Bench = {
  summary: "calls and bytes over loopback UDP between two transports, beside http, https, TCP, TLS",
  run: compareAll,
};
