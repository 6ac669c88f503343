/**
 * A scan of 10,000 files, the first time and again: what the cache is worth.
 *
 * The first scan reads, digests and parses every file and writes the cache; the second opens the cache and asks the
 * file system for each file's size and time. Both go through the ports of a node.
 */
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nodeFolders } from "../../host/node/folders.ts";
import { trustPorts } from "../../host/node/trust-ports.ts";
import { ScanCache } from "../../host/shared/fabric/discovery/scan-cache.ts";
import { scanTree } from "../../host/shared/fabric/discovery/scan.ts";
import { type Bench, type BenchContext, quantile } from "../harness.ts";

const FILES = 10_000;
const ROUNDS = 5;
const FILES_PER_FOLDER = 100;
/** How many times as fast the second scan has to be. */
const GOAL = 5;
/** Long enough ago for the cache to trust it. */
const CHANGED_S = 1_700_000_000;

/** Agents as people write them, a hundred in each of a hundred packages. */
function makeTree(folder: string): void {
  for (let index = 0; index < FILES; index++) {
    const under = join(folder, `package-${Math.floor(index / FILES_PER_FOLDER)}`, ".claude/agents");
    mkdirSync(under, { recursive: true });
    const path = join(under, `agent-${index}.md`);
    const steps = Array.from(
      { length: 12 },
      (_, step) => `${step + 1}. Look at part ${index + step}.`,
    );
    const fields = [`name: agent-${index}`, `description: Works on ${index}`, "tools: Read, Grep"];
    writeFileSync(path, ["---", ...fields, "model: sonnet", "---", "", ...steps, ""].join("\n"));
    utimesSync(path, CHANGED_S, CHANGED_S);
  }
}

interface ScanTime {
  readonly cpuMs: number;
  readonly wallMs: number;
}

/** What a scan takes; fails when it does not find everything or reads what it need not. */
async function timedScan(folder: string, path: string, filesRead: number): Promise<ScanTime> {
  const [startMs, startUsage] = [performance.now(), process.cpuUsage()];
  const ports = { ...trustPorts(), folders: nodeFolders };
  const cache = ScanCache.open(ports, path, folder);
  const options = { base: folder, ignore: ["node_modules"] };
  const { found, stats } = await scanTree(ports, [folder], cache, options);
  await (await cache).save();
  const wallMs = performance.now() - startMs;
  const { user, system } = process.cpuUsage(startUsage);
  if (found.length === FILES && stats.read === filesRead) {
    return { cpuMs: (user + system) / 1000, wallMs };
  }
  throw new Error(`found ${found.length} of ${FILES}, read ${stats.read}`);
}

interface Round {
  readonly first: ScanTime;
  readonly again: ScanTime;
}

/** The harness repeats what it measures many times; a scan is long enough to be timed by itself. */
async function compareScans(context: BenchContext): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "mxp-scan-"));
  try {
    makeTree(folder);
    const path = join(folder, ".rtt/cache/scan.json");
    const rounds: Round[] = [];
    // One more than is counted: the first scan of all also warms the compiler and the system's caches.
    for (let round = 0; round <= ROUNDS; round++) {
      rmSync(path, { force: true });
      const first = await timedScan(folder, path, FILES);
      rounds.push({ first, again: await timedScan(folder, path, 0) });
    }
    // CPU time is the work; the wall is what a person waits, and also shows who else uses the machine.
    report(context, "CPU time", rounds.slice(1), ({ cpuMs }) => cpuMs, GOAL);
    report(context, "wall time", rounds.slice(1), ({ wallMs }) => wallMs, GOAL);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function report(
  context: BenchContext,
  what: string,
  rounds: readonly Round[],
  msOf: (time: ScanTime) => number,
  goal?: number,
): void {
  const ratios = rounds.map(({ first, again }) => msOf(first) / msOf(again));
  const medianNs = (of: keyof Round): number =>
    quantile(
      rounds.map((round) => msOf(round[of])),
      0.5,
    ) * 1e6;
  context.report(`scan of ${FILES} files, ${what}`, "first", [
    { name: "first", medianNs: medianNs("first"), ratio: 1, ratioQuartiles: [1, 1] },
    {
      name: "again",
      medianNs: medianNs("again"),
      ratio: quantile(ratios, 0.5),
      ratioQuartiles: [quantile(ratios, 0.25), quantile(ratios, 0.75)],
      ...(goal === undefined ? {} : { goal }),
    },
  ]);
}

export const bench: Bench = {
  summary: "a scan of 10,000 files, the first time and again",
  run: compareScans,
};
