/**
 * A view of 1,000 objects: as hard links, as copies with the same promise to last, and as the whole change with its
 * checks, votes and verified signatures. Time on the wall, because waiting for the disk is what there is to save.
 */
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nodeClock } from "../../host/node/clock.ts";
import { loadDigest } from "../../host/node/engine.ts";
import { nodeFiles } from "../../host/node/files.ts";
import { nodeSignatures } from "../../host/node/signatures.ts";
import { generationAfter } from "../../host/shared/fabric/apply/target.ts";
import { makePlan, signPlan } from "../../host/shared/fabric/plan-file/plan-file.ts";
import { OBJECT_MODE, type ObjectId } from "../../host/shared/fabric/registry/layout.ts";
import { Registry } from "../../host/shared/fabric/registry/registry.ts";
import { viewParticipants } from "../../host/shared/fabric/view/files/participant.ts";
import { planFiles } from "../../host/shared/fabric/view/files/plan-files.ts";
import { viewStatus } from "../../host/shared/fabric/view/status/status.ts";
import type { DesiredFile } from "../../host/shared/fabric/view/model.ts";
import { utf8 } from "../../host/shared/trust/bytes.ts";
import { OWNER } from "../../test/support/registry.ts";
import { type Bench, type BenchContext, type Measurement, quantile } from "../harness.ts";

const COUNT = 1_000;
const ROUNDS = 5;
/** About the size of an agent's file. */
const OBJECT_BYTES = 4_096;

const ports = {
  files: nodeFiles,
  signatures: nodeSignatures,
  clock: nodeClock,
  digest: loadDigest(),
};

async function waited(task: () => Promise<unknown>): Promise<number> {
  const start = nodeClock.nowUs();
  await task();
  return (nodeClock.nowUs() - start) / 1000;
}

function row(name: string, times: readonly number[], base: readonly number[]): Measurement {
  const ratios = times.map((ms, round) => (base[round] as number) / ms);
  return {
    name,
    medianNs: quantile(times, 0.5) * 1e6,
    ratio: quantile(ratios, 0.5),
    ratioQuartiles: [quantile(ratios, 0.25), quantile(ratios, 0.75)],
    iterations: ROUNDS,
  };
}

async function run(context: BenchContext): Promise<void> {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "mxp-bench-")));
  try {
    await compare(context, root);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

async function compare(context: BenchContext, root: string): Promise<void> {
  const registry = await Registry.open(ports, `${root}/.rtt/registry`, { signer: OWNER });
  const ids = await registry.putBlobs(
    Array.from({ length: COUNT }, (_, index) => ({
      kind: "view-file",
      address: null,
      bytes: utf8(`agent ${index}\n`.padEnd(OBJECT_BYTES, "x")),
    })),
  );
  const links: number[] = [];
  const copies: number[] = [];
  const whole: number[] = [];
  const looks: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const one = `${root}/links-${round}`;
    const other = `${root}/copies-${round}`;
    mkdirSync(one);
    mkdirSync(other);
    const source = (id: ObjectId): string => registry.layout.content(id, "blob");
    const asLinks = async (): Promise<void> => {
      for (const [at, id] of ids.entries()) await nodeFiles.link(source(id), `${one}/${at}.md`);
      await nodeFiles.syncFolder(one);
    };
    const asCopies = async (): Promise<void> => {
      for (const [at, id] of ids.entries()) {
        const bytes = (await nodeFiles.read(source(id))) ?? new Uint8Array();
        await nodeFiles.write(`${other}/${at}.md`, bytes, OBJECT_MODE);
      }
    };
    if (round % 2 === 0) {
      links.push(await waited(asLinks));
      copies.push(await waited(asCopies));
    } else {
      copies.push(await waited(asCopies));
      links.push(await waited(asLinks));
    }
    const files = ids.map((object, at): DesiredFile => {
      const path = `view-${round}/${at}.md`;
      return { path, view: "cursor", symbols: [], how: "link", object, isSource: false };
    });
    const { planned, shown } = await showAll(root, registry, files);
    whole.push(planned.ms);
    looks.push(await waited(() => viewStatus(ports, root, registry, shown)));
  }
  context.report(`a view of ${COUNT} objects of ${OBJECT_BYTES} bytes`, "copies", [
    row("copies", copies, copies),
    { ...row("hard links", links, copies), goal: 1 },
    { ...row("plan, vote and commit of the view", whole, copies), goal: 1 },
    row("status of the view", looks, copies),
  ]);
}

async function showAll(root: string, registry: Registry, files: readonly DesiredFile[]) {
  let shown = null;
  const ms = await waited(async () => {
    const planned = await planFiles(ports, root, registry, { files }, null);
    const base = { generation: 0, digest: null };
    const goal = { present: [], routes: [], placement: {}, symbols: {}, files: planned.files };
    const plan = signPlan(ports, makePlan(ports, { ...goal, base }), OWNER);
    const target = generationAfter(plan, null, { restores: null, canaryPercent: 100 });
    const transaction = { id: plan.plan_id, plan, current: null, target };
    for (const participant of viewParticipants(ports, root, registry, ["cursor"])) {
      const vote = await participant.prepare(transaction);
      if (!vote.ok) throw vote.failure;
      await participant.commit(transaction);
    }
    shown = target;
  });
  return { planned: { ms }, shown };
}

export const bench: Bench = { summary: "a view of 1,000 objects by links and by copies", run };
