/**
 * Goal: a task that holds a view reads by one state of the registry, sees its own writes, and leaves nothing behind: what
 * others wrote or revoked counts once it is over.
 * Method: two programs at one registry in memory, files changed under the one that holds, and reads counted.
 */
import { expect, test } from "vitest";
import { Registry } from "../../../../host/shared/fabric/registry/registry.ts";
import {
  revokeSigner,
  trustSigner,
} from "../../../../host/shared/fabric/registry/signer-changes.ts";
import { MemoryFiles } from "../../../support/memory-files.ts";
import { failureCode, testPorts } from "../../../support/ports.ts";
import { agentObject, COLLEAGUE, FOLDER, OWNER } from "../../../support/registry.ts";

/** Counts reads of each file. */
class CountingFiles extends MemoryFiles {
  readonly reads = new Map<string, number>();

  override async read(path: string): Promise<Uint8Array<ArrayBuffer> | null> {
    this.reads.set(path, (this.reads.get(path) ?? 0) + 1);
    return super.read(path);
  }
}

const INDEX = `${FOLDER}/index.json`;

async function bench() {
  const files = new CountingFiles();
  const ports = testPorts({ files });
  const open = (signer = OWNER) =>
    Registry.open(ports, FOLDER, { signer, anchors: [OWNER.publicKey] });
  const registry = await open();
  const byOwner = { folder: FOLDER, owner: OWNER };
  await trustSigner(ports, byOwner, OWNER.publicKey);
  await trustSigner(ports, byOwner, COLLEAGUE.publicKey);
  return { files, ports, registry, open, byOwner };
}

const names = async (registry: Registry): Promise<readonly string[]> =>
  (await registry.list()).map(({ address }) => address.name);

test("the index is read once, an object once, however often they are asked for", async () => {
  const { files, registry } = await bench();
  const id = await registry.put(agentObject("a"));
  const object = registry.layout.content(id, "json");
  await registry.holding(async () => {
    files.reads.clear();
    for (let count = 0; count < 5; count++) {
      await registry.find("rtt://test/agent/a@1.0.0");
      await registry.get(id);
    }
    expect(files.reads.get(INDEX)).toBeUndefined();
    // Once for its address and once by its id alone, which are two questions.
    expect(files.reads.get(object)).toBe(2);
  });
  files.reads.clear();
  await registry.get(id);
  expect(files.reads.get(object)).toBe(1);
  expect(files.reads.get(INDEX)).toBeUndefined();
});

test("a large object is verified each time", async () => {
  const { files, registry } = await bench();
  const id = await registry.put(agentObject("a", "1.0.0", { desc: "x".repeat(20_000) }));
  await registry.holding(async () => {
    files.reads.clear();
    await registry.get(id);
    await registry.get(id);
    expect(files.reads.get(registry.layout.content(id, "json"))).toBe(2);
  });
});

test("others' writes are seen once it is over, its own at once, and none is lost", async () => {
  const { registry, open } = await bench();
  await registry.put(agentObject("a"));
  const other = await open();
  await registry.holding(async () => {
    await other.put(agentObject("b"));
    expect(await names(registry)).toEqual(["a"]);
    await registry.put(agentObject("c"));
    expect(await names(registry)).toContain("c");
    await registry.holding(async () => other.put(agentObject("d")));
    expect(await names(registry)).not.toContain("d");
  });
  expect(await names(registry)).toEqual(["a", "b", "c", "d"]);
  expect(await names(other)).toEqual(["a", "b", "c", "d"]);
});

test("a revocation counts as soon as it is over, also for what was read before", async () => {
  const { ports, registry, open, byOwner } = await bench();
  const id = await (await open(COLLEAGUE)).put(agentObject("a"));
  await registry.resignIndex();
  await registry.holding(async () => {
    await registry.get(id);
    await revokeSigner(ports, byOwner, COLLEAGUE.publicKey, "The key was lost");
    expect((await registry.get(id)).signer).toBe(COLLEAGUE.key);
  });
  expect(await failureCode(() => registry.get(id))).toBe("signer-untrusted");
});

test("a task that fails lets go", async () => {
  const { registry, open } = await bench();
  const failing = registry.holding(async () => {
    throw new Error("no");
  });
  await expect(failing).rejects.toThrow("no");
  await (await open()).put(agentObject("b"));
  expect(await names(registry)).toEqual(["b"]);
});

test("a writer that was revoked meanwhile writes nothing, although it holds a view", async () => {
  const { ports, open, byOwner, registry } = await bench();
  const colleague = await open(COLLEAGUE);
  await colleague.holding(async () => {
    await revokeSigner(ports, byOwner, COLLEAGUE.publicKey, "The key was lost");
    expect(await failureCode(() => colleague.put(agentObject("a")))).toBe("signer-untrusted");
  });
  expect(await names(registry)).toEqual([]);
});
