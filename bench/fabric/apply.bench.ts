/** Applying a plan of 1,000 routes on a disk: signed plan, log, registry, generation, and the way back. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nodeClock } from "../../host/node/clock.ts";
import { loadDigest } from "../../host/node/engine.ts";
import { nodeFiles } from "../../host/node/files.ts";
import { nodeSignatures } from "../../host/node/signatures.ts";
import { Coordinator, wholeChange } from "../../host/shared/fabric/apply/coordinator.ts";
import { registryParticipant } from "../../host/shared/fabric/apply/registry-participant.ts";
import { baseOf, NOTHING } from "../../host/shared/fabric/apply/target.ts";
import { makePlan } from "../../host/shared/fabric/plan-file/plan-file.ts";
import type { SignedPlan } from "../../host/shared/fabric/plan.ts";
import type { RegistryPorts } from "../../host/shared/fabric/registry/ports.ts";
import { Registry } from "../../host/shared/fabric/registry/registry.ts";
import { formatSymbolAddress } from "../../host/shared/fabric/symbol.ts";
import { identityOf } from "../../host/shared/trust/identity.ts";
import { agentObject } from "../../test/support/registry.ts";
import type { Bench, BenchContext, Measurement } from "../harness.ts";

const ROUTES = 1_000;
const BOUND_MS = 1_000;
/** Each there and back. */
const ROUNDS = 5;

const ports: RegistryPorts = {
  files: nodeFiles,
  signatures: nodeSignatures,
  clock: nodeClock,
  digest: loadDigest(),
};
const identity = identityOf(new Uint8Array(32).fill(1), new Uint8Array(32).fill(2), nodeSignatures);
const from = "rtt://local/service/door@1.0.0";

function row(name: string, ms: readonly number[], goal?: number): Measurement {
  const sorted = ms.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.floor((sorted.length - 1) * share)] as number;
  return {
    name,
    medianNs: at(0.5) * 1e6,
    ratio: BOUND_MS / at(0.5),
    ratioQuartiles: [BOUND_MS / at(0.75), BOUND_MS / at(0.25)],
    ...(goal === undefined ? {} : { goal }),
  };
}

async function run(context: BenchContext): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), "mxp-bench-"));
  try {
    await measureIn(context, root);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

async function measureIn(context: BenchContext, root: string): Promise<void> {
  const folder = join(root, ".rtt");
  const registry = await Registry.open(ports, join(folder, "registry"), { signer: identity });
  const objects = Array.from({ length: ROUTES }, (_, at) => agentObject(`agent-${at}`));
  const ids = await registry.putAll(objects);
  const addresses = objects.map(({ address }) => formatSymbolAddress(address!));
  const symbols = Object.fromEntries(addresses.map((to, at) => [to, `sha256:${ids[at]}`]));
  const coordinator = await Coordinator.open(ports, {
    root,
    folder,
    identity,
    signers: await registry.signers(),
    participantsOf: () => [registryParticipant(registry)],
  });
  const planTo = async (isThere: boolean): Promise<SignedPlan> => {
    const current = await coordinator.current();
    const plan = makePlan(ports, {
      base: baseOf(current),
      present: (current?.generation ?? NOTHING).routes,
      routes: isThere ? addresses.map((to) => ({ from, to, lane: "uds" as const })) : [],
      placement: {},
      symbols: isThere ? symbols : {},
      files: [],
    });
    return coordinator.sign(plan);
  };
  const times: Record<"there" | "back", number[]> = { there: [], back: [] };
  for (let round = 0; round < ROUNDS * 2; round += 1) {
    const isThere = round % 2 === 0;
    const plan = await planTo(isThere);
    const begin = nodeClock.nowUs();
    await coordinator.apply(wholeChange(plan));
    times[isThere ? "there" : "back"].push((nodeClock.nowUs() - begin) / 1000);
  }
  context.report(`apply of ${ROUTES} routes on disk, by the wall`, "bound", [
    row("bound", [BOUND_MS]),
    row(`${ROUTES} routes added`, times.there, 1),
    row(`${ROUTES} routes removed`, times.back, 1),
  ]);
}

export const bench: Bench = {
  summary: "a signed plan of 1,000 routes applied and taken back, on disk",
  run,
};
