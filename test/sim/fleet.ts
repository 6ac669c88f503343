/**
 * Runs many seeds on worker threads. Seeds are handed out in small pieces, so that one slow seed does not leave a
 * core idle; the result does not depend on which worker ran what.
 */
import { Worker } from "node:worker_threads";
import type { Engines } from "./engines.ts";
import type { RunFailure, RunReport } from "./run.ts";
import type { Violation } from "./world.ts";

export interface FleetTask {
  readonly from: number;
  /** Inclusive. */
  readonly to: number;
  /** Every n-th seed runs twice and must give the same wire digest; 0 for none. */
  readonly twiceEvery: number;
}

export interface FleetWorkerData {
  readonly engines: Engines;
  readonly twiceEvery: number;
  readonly violation: Violation | null;
}

export interface FleetOptions extends FleetTask {
  readonly engines: Engines;
  readonly violation: Violation | null;
  readonly workers: number;
  /** Stop handing out seeds after this many failures. */
  readonly failuresMax: number;
  readonly onProgress: (summary: FleetSummary) => void;
}

export interface FleetSummary {
  seeds: number;
  failures: RunFailure[];
  retransmits: number;
  ptos: number;
  duplicates: number;
  reorderDepth: number;
  datagrams: number;
  virtualMs: number;
  messages: number;
  payloadBytes: number;
}

export type FleetMessage =
  | { readonly kind: "report"; readonly report: RunReport }
  | { readonly kind: "failure"; readonly failure: RunFailure }
  | { readonly kind: "idle" };

const PIECE = 5;

function emptySummary(): FleetSummary {
  return {
    seeds: 0,
    failures: [],
    retransmits: 0,
    ptos: 0,
    duplicates: 0,
    reorderDepth: 0,
    datagrams: 0,
    virtualMs: 0,
    messages: 0,
    payloadBytes: 0,
  };
}

function addReport(summary: FleetSummary, report: RunReport): void {
  summary.seeds++;
  summary.retransmits += report.retransmits;
  summary.ptos += report.ptos;
  summary.duplicates += report.duplicates;
  summary.reorderDepth = Math.max(summary.reorderDepth, report.reorderDepth);
  summary.datagrams += report.datagrams;
  summary.virtualMs += report.virtualMs;
  summary.messages += report.messages;
  summary.payloadBytes += report.payloadBytes;
}

export async function runFleet(options: FleetOptions): Promise<FleetSummary> {
  const { engines, violation, twiceEvery, from, to, workers, failuresMax } = options;
  const summary = emptySummary();
  let next = from;
  const workerData: FleetWorkerData = { engines, violation, twiceEvery };
  const runOne = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const worker = new Worker(new URL("worker.ts", import.meta.url), { workerData });
      const handOut = (): void => {
        if (next > to || summary.failures.length >= failuresMax) {
          void worker.terminate().then(() => resolve());
          return;
        }
        const last = Math.min(to, next + PIECE - 1);
        worker.postMessage({ from: next, to: last }, []);
        next = last + 1;
      };
      worker.on("error", reject);
      worker.on("message", (message: FleetMessage) => {
        if (message.kind === "idle") return handOut();
        if (message.kind === "report") addReport(summary, message.report);
        if (message.kind === "failure") {
          summary.seeds++;
          summary.failures.push(message.failure);
        }
        options.onProgress(summary);
        return undefined;
      });
      handOut();
    });
  await Promise.all(Array.from({ length: workers }, runOne));
  summary.failures.sort((left, right) => left.seed - right.seed);
  return summary;
}
