/**
 * Goal: receipts and their log survive crashes, verify offline, and no byte of either can change unnoticed.
 * Method: real files; every byte of every file flipped in turn; crashes simulated at each write.
 */
import { cpSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { nodeFiles } from "../../../host/node/files.ts";
import { Failure } from "../../../host/shared/ports/failure.ts";
import type { Files } from "../../../host/shared/ports/files.ts";
import {
  peekReceipt,
  ReceiptArchive,
  verifyLoggedReceipt,
} from "../../../host/shared/trust/receipt/archive.ts";
import { ReceiptStore } from "../../../host/shared/trust/receipt/store.ts";
import { MemoryFiles } from "../../support/memory-files.ts";
import { failureCode, temporaryFolder, testPorts } from "../../support/ports.ts";
import { deviceNode, factsOf, hostNode, receiptOf } from "../../support/receipts.ts";

const ports = testPorts();
const options = (folder: string) => ({ folder, identity: hostNode });
const archiveOf = (folder: string) => new ReceiptArchive(ports, folder, hostNode.id);

/** A state folder with `count` receipts, "call-1" first. */
async function folderWith(count: number): Promise<string> {
  const folder = temporaryFolder();
  const store = await ReceiptStore.open(ports, options(folder));
  for (let call = 1; call <= count; call++) {
    await store.record(receiptOf({ correlationId: `call-${call}` }));
  }
  return folder;
}

/** Every file below `folder`. */
function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile());
}

test("recorded receipts are listed in order and verify, one by one and all together", async () => {
  const folder = await folderWith(3);
  const archive = archiveOf(folder);
  const logged = await archive.list();
  expect(logged.map(({ index, correlationId }) => [index, correlationId])).toEqual([
    [0, "call-1"],
    [1, "call-2"],
    [2, "call-3"],
  ]);
  const verified = await archive.verify("call-2", { host: hostNode.id, device: deviceNode.id });
  expect(verified).toMatchObject({ host: hostNode.id, device: deviceNode.id });
  expect(verified.facts).toEqual(factsOf({ correlationId: "call-2" }));
  expect(await archive.verifyAll()).toMatchObject({ receipts: 3, head: { size: 3 } });
  expect(peekReceipt(await archive.read("call-2"))).toEqual(verified.facts);
});

test("a stranger verifies a receipt with its proof and the node's id alone", async () => {
  const folder = await folderWith(5);
  const archive = archiveOf(folder);
  const file = await archive.read("call-4");
  const proof = await archive.prove("call-4");
  const verified = verifyLoggedReceipt(ports, file, proof, hostNode.id);
  expect(verified).toMatchObject({ facts: { correlationId: "call-4" }, head: { size: 5 } });
  const other = await archive.read("call-3");
  for (const task of [
    () => verifyLoggedReceipt(ports, other, proof, hostNode.id),
    () => verifyLoggedReceipt(ports, file, proof, deviceNode.id),
  ]) {
    expect(await failureCode(task)).toBe("log-corrupt");
  }
  expect(await failureCode(() => verifyLoggedReceipt(ports, file, proof, "nobody"))).toBe(
    "receipt-invalid",
  );
});

test("no byte of a receipt or of the log can change unnoticed", async () => {
  const files = new MemoryFiles();
  const inMemory = { ...ports, files };
  const store = await ReceiptStore.open(inMemory, options("/state"));
  await store.record(receiptOf());
  expect(files.all.size).toBe(4);
  for (const [path, whole] of files.all) {
    for (let at = 0; at < whole.length; at++) {
      const broken = whole.slice();
      broken[at] = (broken[at] as number) ^ (1 << (at % 8));
      files.all.set(path, broken);
      const code = await failureCode(() => store.archive.verifyAll());
      expect(code, `${path} byte ${at}`).not.toBe("none");
    }
    files.all.set(path, whole);
  }
  expect(await store.archive.verifyAll()).toMatchObject({ receipts: 1 });
}, 120_000);

test("a file that is missing, cut or longer is noticed", async () => {
  const folder = await folderWith(2);
  const archive = archiveOf(folder);
  for (const path of filesIn(folder)) {
    const whole = readFileSync(path);
    for (const bytes of [whole.subarray(0, -1), Buffer.concat([whole, whole.subarray(0, 1)])]) {
      writeFileSync(path, bytes);
      expect(await failureCode(() => archive.verifyAll()), path).not.toBe("none");
    }
    rmSync(path);
    expect(await failureCode(() => archive.verifyAll()), path).not.toBe("none");
    writeFileSync(path, whole);
  }
});

test("a receipt that was never logged proves nothing", async () => {
  const folder = await folderWith(1);
  const archive = archiveOf(folder);
  writeFileSync(archive.path("call-9"), receiptOf({ correlationId: "call-9" }));
  expect(await failureCode(() => archive.verify("call-9"))).toBe("receipt-invalid");
  expect(await failureCode(() => archive.verifyAll())).toBe("receipt-invalid");
});

test("the same receipt twice is one, another receipt of the same call is refused", async () => {
  const folder = await folderWith(1);
  const store = await ReceiptStore.open(ports, options(folder));
  await store.record(receiptOf());
  const other = receiptOf({ client: "mcp:other" });
  expect(await failureCode(() => store.record(other))).toBe("receipt-invalid");
  expect(await store.archive.list()).toHaveLength(1);
  expect(store.checkpoint).toContain(hostNode.id);
});

test("the same receipt twice at once is logged once", async () => {
  const store = await ReceiptStore.open(ports, options(temporaryFolder()));
  await Promise.all([receiptOf(), receiptOf(), receiptOf()].map((file) => store.record(file)));
  expect(await store.archive.list()).toHaveLength(1);
});

test("a receipt whose log entry failed is not taken for recorded", async () => {
  const files = new MemoryFiles();
  const folder = "/state";
  await ReceiptStore.open({ ...ports, files }, options(folder));
  const failing: Files = Object.assign(Object.create(files) as MemoryFiles, {
    write: () => Promise.reject(new TypeError("no room")),
  });
  const store = await ReceiptStore.open({ ...ports, files: failing }, options(folder));
  for (const _attempt of [1, 2]) {
    expect(await failureCode(() => store.record(receiptOf()))).toBe("internal");
  }
  const again = await ReceiptStore.open({ ...ports, files }, options(folder));
  expect(await again.archive.list()).toHaveLength(1);
});

test("a receipt that is logged a moment after its file is no gap", async () => {
  const folder = await folderWith(1);
  const archive = archiveOf(folder);
  writeFileSync(archive.path("call-2"), receiptOf({ correlationId: "call-2" }));
  const verified = archive.verifyAll();
  // The next start logs it, well before the reader looks again.
  setTimeout(() => void ReceiptStore.open(ports, options(folder)), 50);
  expect(await verified).toMatchObject({ receipts: 1 });
  expect(await archive.verifyAll()).toMatchObject({ receipts: 2 });
});

test("a log that never holds still is given up", async () => {
  const files = new MemoryFiles();
  const store = await ReceiptStore.open({ ...ports, files }, options("/state"));
  const checkpoints: Uint8Array<ArrayBuffer>[] = [];
  for (const call of [1, 2]) {
    await store.record(receiptOf({ correlationId: `call-${call}` }));
    checkpoints.push(files.all.get("/state/log/checkpoint") as Uint8Array<ArrayBuffer>);
  }
  let reads = 0;
  const restless: Files = Object.assign(Object.create(files) as MemoryFiles, {
    read: async (path: string) => {
      if (path.endsWith("/checkpoint")) return checkpoints[reads++ % 2] ?? null;
      return path.includes("/entries/") ? null : files.read(path);
    },
  });
  const archive = new ReceiptArchive({ ...ports, files: restless }, "/state", hostNode.id);
  expect(await failureCode(() => archive.list())).toBe("log-corrupt");
  expect(reads).toBe(10);
});

test("what is not a receipt is not recorded", async () => {
  const store = await ReceiptStore.open(ports, options(temporaryFolder()));
  expect(await failureCode(() => store.record(new Uint8Array(3)))).toBe("canonical-json-invalid");
  expect(await failureCode(() => store.archive.read("../../etc/passwd"))).toBe("receipt-invalid");
  expect(await failureCode(() => store.archive.read("call-1"))).toBe("file-missing");
  expect(await failureCode(() => archiveOf(temporaryFolder()).list())).toBe("file-missing");
});

test("a crash at any write loses no receipt that was recorded and keeps the log whole", async () => {
  const start = await folderWith(2);
  for (let survivors = 0; ; survivors++) {
    const folder = temporaryFolder();
    cpSync(start, folder, { recursive: true });
    // The machine dies before the write after `survivors` others.
    let left = survivors;
    const orDie = <T>(task: () => Promise<T>): Promise<T> => {
      left -= 1;
      if (left >= 0) return task();
      return Promise.reject(
        new Failure("folder-unwritable", "the disk died", { origin: "host", remedy: "None." }),
      );
    };
    const files: Files = {
      ...nodeFiles,
      write: (...parameters) => orDie(() => nodeFiles.write(...parameters)),
      create: (...parameters) => orDie(() => nodeFiles.create(...parameters)),
      remove: (...parameters) => orDie(() => nodeFiles.remove(...parameters)),
    };
    const dead = await ReceiptStore.open({ ...ports, files }, options(folder));
    const code = await failureCode(() => dead.record(receiptOf({ correlationId: "call-3" })));
    const store = await ReceiptStore.open(ports, options(folder));
    const ids = (await store.archive.list()).map(({ correlationId }) => correlationId);
    // Once the file is written, the next start logs it, so only a death before that loses the call.
    expect(ids).toEqual(survivors === 0 ? ["call-1", "call-2"] : ["call-1", "call-2", "call-3"]);
    expect(await store.archive.verifyAll()).toMatchObject({ receipts: ids.length });
    await store.record(receiptOf({ correlationId: "call-4" }));
    expect(await store.archive.verifyAll()).toMatchObject({ receipts: ids.length + 1 });
    if (code === "none") break;
    expect(survivors).toBeLessThan(20);
  }
});

test("a defect while leftovers are checked is not taken for a damaged receipt", async () => {
  const folder = await folderWith(1);
  writeFileSync(archiveOf(folder).path("call-2"), receiptOf({ correlationId: "call-2" }));
  const signatures = {
    ...ports.signatures,
    verify: (key: Uint8Array, message: Uint8Array, signature: Uint8Array) => {
      if (message.length > 1000) throw new TypeError("bug");
      return ports.signatures.verify(key, message, signature);
    },
  };
  await expect(ReceiptStore.open({ ...ports, signatures }, options(folder))).rejects.toThrow("bug");
});

test("a damaged leftover is reported, not logged", async () => {
  const folder = await folderWith(1);
  const archive = archiveOf(folder);
  writeFileSync(archive.path("call-2"), "{}\n");
  writeFileSync(`${archive.path("call-3")}.tmp`, "half a fi");
  await ReceiptStore.open(ports, options(folder));
  expect(await archive.list()).toHaveLength(1);
  expect(await failureCode(() => archive.verifyAll())).toBe("receipt-invalid");
});

test("a reader finds a whole log while a node writes it", async () => {
  const folder = await folderWith(1);
  const store = await ReceiptStore.open(ports, options(folder));
  const archive = archiveOf(folder);
  const written: string[] = [];
  const writing = (async () => {
    for (let call = 2; call <= 12; call++) {
      await store.record(receiptOf({ correlationId: `call-${call}` }));
      written.push(`call-${call}`);
    }
  })();
  const sizes: number[] = [];
  while (written.length < 11) sizes.push((await archive.list()).length);
  await writing;
  expect(sizes).toEqual(sizes.toSorted((a, b) => a - b));
  expect(await archive.verifyAll()).toMatchObject({ receipts: 12 });
});
