/**
 * A registry of 10,000 agents: what our own work costs without a disk (files in memory), and on a disk what a signed
 * put costs beside plain synced files, of which it has two: the object and its signature.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nodeClock } from "../../host/node/clock.ts";
import { loadDigest } from "../../host/node/engine.ts";
import { nodeFiles } from "../../host/node/files.ts";
import { nodeSignatures } from "../../host/node/signatures.ts";
import { fsck } from "../../host/shared/fabric/registry/fsck.ts";
import { Registry } from "../../host/shared/fabric/registry/registry.ts";
import type { RegistryPorts } from "../../host/shared/fabric/registry/ports.ts";
import { canonicalText } from "../../host/shared/trust/canonical-json.ts";
import { MemoryFiles } from "../../test/support/memory-files.ts";
import { agentObject, OWNER } from "../../test/support/registry.ts";
import type { Bench, BenchContext, Measurement } from "../harness.ts";

const COUNT = 10_000;
/** So many are put one after the other: each writes an index. */
const SINGLY = 100;
/** With everything in the index, opening, changing and finding have to stay below this to go unnoticed. */
const BOUND_MS = 2_000;

const ports: RegistryPorts = {
  files: nodeFiles,
  signatures: nodeSignatures,
  clock: nodeClock,
  digest: loadDigest(),
};
const agents = (count: number) =>
  Array.from({ length: count }, (_, index) => agentObject(`agent-${index}`));

/** CPU time of a task for each of `count` things, in milliseconds; waiting for the processor does not count. */
async function timed(count: number, task: () => unknown): Promise<number> {
  const before = process.cpuUsage();
  await task();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000 / count;
}

/** Wall time, which waiting for the disk is part of. */
async function waited(count: number, task: () => unknown): Promise<number> {
  const start = nodeClock.nowUs();
  await task();
  return (nodeClock.nowUs() - start) / 1000 / count;
}

function row(name: string, ms: number, baseMs: number, goal?: number): Measurement {
  const ratio = baseMs / ms;
  const measured = { name, medianNs: ms * 1e6, ratio, ratioQuartiles: [ratio, ratio] as const };
  return goal === undefined ? measured : { ...measured, goal };
}

async function run(context: BenchContext): Promise<void> {
  await inMemory(context);
  const root = mkdtempSync(join(tmpdir(), "mxp-bench-"));
  try {
    await onDisk(context, root);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

async function inMemory(context: BenchContext): Promise<void> {
  const memory = { ...ports, files: new MemoryFiles() };
  const objects = agents(COUNT);
  const registry = await Registry.open(memory, "/registry", { signer: OWNER });
  const textMs = await timed(COUNT, () => {
    for (const { body } of objects)
      ports.digest.sha256(new TextEncoder().encode(canonicalText(body)));
  });
  const putMs = await timed(COUNT, () => registry.putAll(objects));
  const getMs = await timed(COUNT, async () => {
    for (const { id } of await registry.list()) await registry.get(id);
  });
  const packMs = await timed(COUNT, () => registry.writePack());
  const checkMs = await timed(COUNT, () => fsck(memory, "/registry", { signer: OWNER }));
  context.report(`each of ${COUNT} objects, in memory`, "canonical text and digest", [
    row("canonical text and digest", textMs, textMs),
    row("put, signed", putMs, textMs),
    row("get, verified", getMs, textMs),
    row("pack, verified", packMs, textMs),
    row("fsck", checkMs, textMs),
  ]);
  const openMs = await timed(1, () => Registry.open(memory, "/registry", { signer: OWNER }));
  const changeMs = await timed(1, () => registry.put(agentObject("one-more")));
  const findMs = await timed(1, () => registry.find("rtt://test/agent/agent-7777@^1"));
  context.report(`one symbol among ${COUNT}, in memory`, "bound", [
    row("bound", BOUND_MS, BOUND_MS),
    row("open", openMs, BOUND_MS, 1),
    row("put", changeMs, BOUND_MS, 1),
    row("find in a range", findMs, BOUND_MS, 1),
  ]);
}

/** All at once, as a scan registers, and one after the other, as somebody who puts them singly does. */
async function onDisk(context: BenchContext, root: string): Promise<void> {
  const objects = agents(COUNT);
  const plainMs = await waited(COUNT, () => {
    for (const [at, { body }] of objects.entries()) {
      writeFileSync(join(root, `${at}.json`), canonicalText(body), { flush: true });
      writeFileSync(join(root, `${at}.dsse`), canonicalText(body), { flush: true });
    }
  });
  const open = (name: string) => Registry.open(ports, join(root, name), { signer: OWNER });
  const one = await open("singly");
  const singlyMs = await waited(SINGLY, async () => {
    for (const object of objects.slice(0, SINGLY)) await one.put(object);
  });
  const all = await open("all");
  const putMs = await waited(COUNT, () => all.putAll(objects));
  const againMs = await waited(COUNT, () => all.putAll(objects));
  context.report(`each of ${COUNT} objects on disk, by the wall`, "two plain synced files", [
    row("two plain synced files", plainMs, plainMs),
    row("put with all others, signed", putMs, plainMs),
    row("the same again", againMs, plainMs),
    row(`put singly (${SINGLY})`, singlyMs, plainMs),
  ]);
}

export const bench: Bench = {
  summary: "10,000 signed objects put, read, found, packed and checked, in memory and on disk",
  run,
};
