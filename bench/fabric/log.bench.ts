/**
 * The log of changes: replaying 100,000 entries, every byte verified, and finding what a crash has left open. CPU time:
 * the files are in the system's cache by then, and others use the processor too.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadDigest } from "../../host/node/engine.ts";
import { nodeFiles } from "../../host/node/files.ts";
import { nodeSignatures } from "../../host/node/signatures.ts";
import {
  ApplyLog,
  lastTransaction,
  readHistory,
} from "../../host/shared/fabric/apply/apply-log.ts";
import type { LogRecord } from "../../host/shared/fabric/apply/log-record.ts";
import { identityOf } from "../../host/shared/trust/identity.ts";
import { formatIdentityKey } from "../../host/shared/trust/key-text.ts";
import type { Bench, BenchContext, Measurement } from "../harness.ts";

const ENTRIES = 100_000;
const BOUND_MS = 2_000;
const OPEN_BOUND_MS = 50;
/** Entries that wait for the disk together. */
const BATCH = 256;
const ROUNDS = 5;

const ports = {
  files: nodeFiles,
  signatures: nodeSignatures,
  digest: loadDigest(),
};
const owner = identityOf(new Uint8Array(32).fill(1), new Uint8Array(32).fill(2), nodeSignatures);

const digestOf = (number: number): string => `sha256:${String(number).padStart(64, "0")}`;

/** The three entries of the change that makes a generation. */
function changeTo(generation: number): LogRecord[] {
  const transaction = `${String(generation).padStart(16, "0")}.${generation}`;
  const at = 1_764_000_000_000 + generation;
  const participants = ["view:claude-code", "view:cursor", "registry"];
  const base = generation - 1;
  return [
    {
      at,
      facts: {
        transaction,
        purpose: "plan",
        plan: `sha256-${String(generation).padStart(64, "0")}`,
        of: null,
        base: { generation: base, digest: base === 0 ? null : digestOf(base) },
        generation,
        target: digestOf(generation),
        by: formatIdentityKey(owner.publicKey),
      },
      step: { type: "begin", participants },
    },
    { at, transaction, step: { type: "commit" } },
    { at, transaction, step: { type: "end", outcome: "applied", left: [] } },
  ];
}

async function writeLog(folder: string): Promise<number> {
  const log = await ApplyLog.open(ports, folder, owner);
  let waiting: Promise<void>[] = [];
  for (let generation = 1; log.size + waiting.length < ENTRIES; generation += 1) {
    for (const record of changeTo(generation)) waiting.push(log.append(record));
    if (waiting.length < BATCH) continue;
    await Promise.all(waiting);
    waiting = [];
  }
  await Promise.all(waiting);
  return log.size;
}

function row(name: string, ms: readonly number[], boundMs: number, goal?: number): Measurement {
  const sorted = ms.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.floor((sorted.length - 1) * share)] as number;
  return {
    name,
    medianNs: at(0.5) * 1e6,
    ratio: boundMs / at(0.5),
    ratioQuartiles: [boundMs / at(0.75), boundMs / at(0.25)],
    ...(goal === undefined ? {} : { goal }),
  };
}

async function timed(task: () => Promise<unknown>): Promise<number[]> {
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const before = process.cpuUsage();
    await task();
    const { user, system } = process.cpuUsage(before);
    times.push((user + system) / 1000);
  }
  return times;
}

async function run(context: BenchContext): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "mxp-bench-"));
  try {
    const entries = await writeLog(folder);
    const replayed = await timed(async () => {
      const history = await readHistory(ports, folder, owner);
      if (history?.entries !== entries) throw new Error("not everything was replayed");
    });
    const opened = await timed(() => lastTransaction(ports, folder, owner));
    context.report(`a log of ${entries} entries`, "bound of the replay", [
      row("bound of the replay", [BOUND_MS], BOUND_MS),
      row("replay, all verified", replayed, BOUND_MS, 1),
    ]);
    context.report(`the last change of ${entries} entries`, "bound", [
      row("bound", [OPEN_BOUND_MS], OPEN_BOUND_MS),
      row("find, verified", opened, OPEN_BOUND_MS, 1),
    ]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export const bench: Bench = {
  summary: "a log of 100,000 changes' entries replayed and verified",
  run,
};
