/**
 * Goal: power may be lost at any write; what was committed is there afterwards, and nothing is half done.
 * Method: a history of every operation that changes a registry, crashed at each of its writes, with the last one done
 * and not done; then the registry is opened again, judged, and the history is finished.
 */
import { expect, test } from "vitest";
import { fsck } from "../../../../host/shared/fabric/registry/fsck.ts";
import { Registry } from "../../../../host/shared/fabric/registry/registry.ts";
import {
  revokeSigner,
  rotateOwner,
  trustSigner,
} from "../../../../host/shared/fabric/registry/signer-changes.ts";
import { formatSymbolAddress, parseSymbolAddress } from "../../../../host/shared/fabric/symbol.ts";
import { utf8 } from "../../../../host/shared/trust/bytes.ts";
import { CrashingFiles, PowerLoss } from "../../../support/crashing-files.ts";
import type { MemoryFiles } from "../../../support/memory-files.ts";
import { testPorts } from "../../../support/ports.ts";
import { agentObject, COLLEAGUE, FOLDER, OWNER, STRANGER } from "../../../support/registry.ts";

const ANCHORS = [OWNER.publicKey, COLLEAGUE.publicKey];

interface Step {
  readonly name: string;
  run(files: MemoryFiles): Promise<unknown>;
  /** What has to be true from then on, also after the later steps. */
  holds(registry: Registry): Promise<boolean>;
}

function open(files: MemoryFiles, signer = OWNER): Promise<Registry> {
  return Registry.open(testPorts({ files }), FOLDER, { signer, anchors: ANCHORS });
}

const isListed = async (registry: Registry, name: string): Promise<boolean> =>
  (await registry.resolve(`rtt://test/agent/${name}`)) !== null;

const owner = { folder: FOLDER, owner: OWNER, anchors: ANCHORS };

const HISTORY: readonly Step[] = [
  {
    name: "put",
    run: async (files) => (await open(files)).put(agentObject("a")),
    holds: (registry) => isListed(registry, "a"),
  },
  {
    name: "put many",
    run: async (files) => (await open(files)).putAll(["b", "c", "d"].map((id) => agentObject(id))),
    holds: async (registry) => (await isListed(registry, "b")) && (await isListed(registry, "c")),
  },
  {
    name: "put a blob and keep it",
    run: async (files) => {
      const registry = await open(files);
      const bytes = utf8("dialect");
      await registry.setRoots("view:x", [
        await registry.putBlob({ kind: "dialect", address: null, bytes }),
      ]);
    },
    holds: async (registry) => (await registry.view()).index.roots.has("view:x"),
  },
  {
    name: "trust",
    run: (files) => trustSigner(testPorts({ files }), owner, STRANGER.publicKey),
    // A later step revokes it again.
    holds: async (registry) => {
      const signers = await registry.signers();
      return signers.keyOf(STRANGER.key) !== null || signers.isRevoked(STRANGER.key);
    },
  },
  {
    name: "revoke",
    run: (files) => revokeSigner(testPorts({ files }), owner, STRANGER.publicKey, "lost"),
    holds: async (registry) => (await registry.signers()).isRevoked(STRANGER.key),
  },
  {
    name: "pack",
    run: async (files) => (await open(files)).writePack(),
    holds: async (registry) =>
      (await registry.store.packed((await registry.resolve("rtt://test/agent/a"))!.id)) !== null,
  },
  {
    name: "remove and collect",
    run: async (files) => {
      const registry = await open(files);
      await registry.remove([parseSymbolAddress("rtt://test/agent/d@1.0.0")]);
      await registry.gc();
    },
    holds: async (registry) => !(await isListed(registry, "d")),
  },
  {
    name: "rotate",
    run: (files) => rotateOwner(testPorts({ files }), owner, COLLEAGUE),
    holds: async (registry) => (await registry.signers()).isRevoked(OWNER.key),
  },
  {
    name: "put by the new owner",
    run: async (files) => (await open(files, COLLEAGUE)).put(agentObject("e")),
    holds: (registry) => isListed(registry, "e"),
  },
];

/** Everything that must hold whatever happened. */
async function judge(files: MemoryFiles, done: readonly Step[]): Promise<void> {
  const registry = await open(files);
  for (const step of done) expect(await step.holds(registry), step.name).toBe(true);
  for (const { address } of await registry.list()) {
    const found = await registry.find(address);
    expect(formatSymbolAddress(found.address!)).toBe(formatSymbolAddress(address));
  }
  const options = { signer: null, anchors: ANCHORS, isDry: true };
  const { findings } = await fsck(testPorts({ files }), FOLDER, options);
  // A pack whose table was not written yet differs from it; it is a copy, and is written again. Objects of a first
  // change that has listed nothing yet look like those of a registry whose index somebody has deleted.
  const hasListed = done.length > 0 || (await registry.view()).hasIndex;
  const excused = hasListed ? ["pack/"] : ["pack/", "index.json"];
  expect(
    findings.filter(({ where }) => !excused.some((prefix) => where.startsWith(prefix))),
  ).toEqual([]);
}

/** The steps before `index`, on fresh files. */
async function filesBefore(index: number): Promise<CrashingFiles> {
  const files = new CrashingFiles();
  for (const step of HISTORY.slice(0, index)) await step.run(files);
  return files;
}

test.each(HISTORY.map(({ name }, index) => [name, index] as const))(
  "power lost at any write of: %s",
  async (_, index) => {
    const done = HISTORY.slice(0, index);
    const step = HISTORY[index] as Step;
    let crashes = 0;
    for (let at = 0; ; at += 1) {
      let isFinished = false;
      for (const isLastDone of [false, true]) {
        const files = await filesBefore(index);
        files.crashAt(at, isLastDone);
        try {
          await step.run(files);
          isFinished = true;
        } catch (error) {
          if (!(error instanceof PowerLoss)) throw error;
          crashes += 1;
        }
        const survivors = files.survivors();
        await judge(survivors, isFinished ? [...done, step] : done);
        // The same step again, and the rest of the history, on what the crash has left.
        for (const next of HISTORY.slice(index)) await next.run(survivors);
        await judge(
          survivors,
          HISTORY.slice(index).filter(({ name }) => name !== "put many"),
        );
      }
      if (isFinished) break;
    }
    expect(crashes).toBeGreaterThan(1);
  },
  120_000,
);
