/** One worker thread of the fleet: runs the seeds that it is given and reports each. */
import { parentPort, workerData } from "node:worker_threads";
import { enginesOf } from "./engines.ts";
import type { FleetMessage, FleetWorkerData } from "./fleet.ts";
import { isFailure, runSeed } from "./run.ts";

const { engines, violation, twiceEvery } = workerData as FleetWorkerData;
const port = parentPort;
if (port === null) throw new Error("worker.ts runs as a worker thread");
const send = (message: FleetMessage): void => port.postMessage(message);

function runOne(seed: number): void {
  const run = { seed, createModule: () => enginesOf(engines), violation };
  const first = runSeed(run);
  if (isFailure(first)) return send({ kind: "failure", failure: first });
  if (twiceEvery > 0 && seed % twiceEvery === 0) {
    const second = runSeed(run);
    if (isFailure(second) || second.digest !== first.digest) {
      const detail = "the same seed gave two different runs";
      return send({ kind: "failure", failure: { seed, oracle: "determinism", detail, trace: [] } });
    }
  }
  return send({ kind: "report", report: first });
}

port.on("message", ({ from, to }: { readonly from: number; readonly to: number }) => {
  for (let seed = from; seed <= to; seed++) runOne(seed);
  send({ kind: "idle" });
});
