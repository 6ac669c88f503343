/**
 * Goal: the Node ports of files, clock, entropy and vault keep what their interfaces promise.
 * Method: real files with modes, links and failures by name; real timers; one wrong thing at a time for the vault.
 */
import { randomBytes } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { ed25519 } from "@noble/curves/ed25519.js";
import { expect, test, vi } from "vitest";
import { nodeClock } from "../../../host/node/clock.ts";
import { nodeFiles } from "../../../host/node/files.ts";
import { readPassphrase } from "../../../host/node/passphrase.ts";
import { nodeRandom } from "../../../host/node/random.ts";
import { nodeSignatures } from "../../../host/node/signatures.ts";
import { nodeVault } from "../../../host/node/vault.ts";
import { sleep } from "../../../host/shared/ports/clock.ts";
import { failureCode, temporaryFolder } from "../../support/ports.ts";
import { hex, toHex } from "../../support/wasm.ts";

const bytes = (text: string) => new Uint8Array(Buffer.from(text));

// --- files ---

test("write replaces a file in one step, with the mode that was asked for", async () => {
  const folder = temporaryFolder();
  const path = join(folder, "file");
  writeFileSync(path, "old", { mode: 0o644 });
  await nodeFiles.write(path, bytes("new"), 0o600);
  expect(readFileSync(path, "utf8")).toBe("new");
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(readdirSync(folder)).toEqual(["file"]);
});

test("a write that fails leaves the old file and nothing beside it", async () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, "taken/inside"), { recursive: true });
  expect(
    await failureCode(() => nodeFiles.write(join(folder, "taken"), bytes("x"), 0o600)),
  ).not.toBe("none");
  expect(readdirSync(folder)).toEqual(["taken"]);
});

test("create never replaces a file and leaves nothing beside it", async () => {
  const folder = temporaryFolder();
  const path = join(folder, "file");
  expect(await nodeFiles.create(path, bytes("first"), 0o640)).toBe(true);
  expect(await nodeFiles.create(path, bytes("second"), 0o600)).toBe(false);
  expect(readFileSync(path, "utf8")).toBe("first");
  expect(statSync(path).mode & 0o777).toBe(0o640);
  expect(readdirSync(folder)).toEqual(["file"]);
});

test("createAll creates those that are not there, once for two of one name, whatever the folder", async () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, "sub"));
  writeFileSync(join(folder, "old"), "old");
  symlinkSync("nowhere", join(folder, "link"));
  const names = [
    "a",
    "old",
    "sub/b",
    "link",
    "a",
    ...Array.from({ length: 40 }, (_, at) => `n${at}`),
  ];
  const made = await nodeFiles.createAll(
    names.map((name, at) => ({ path: join(folder, name), bytes: bytes(`${at}`), mode: 0o444 })),
  );
  expect([made[1], made[2], made[3]]).toEqual([false, true, false]);
  // Which of two of one name came first is not said, only that one did.
  expect([made[0], made[4]].filter(Boolean)).toHaveLength(1);
  expect(["0", "4"]).toContain(readFileSync(join(folder, "a"), "utf8"));
  expect(readFileSync(join(folder, "old"), "utf8")).toBe("old");
  expect(made.slice(5).every(Boolean)).toBe(true);
  expect(statSync(join(folder, "sub/b")).mode & 0o777).toBe(0o444);
  expect(readdirSync(folder).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  expect(await nodeFiles.createAll([])).toEqual([]);
  const bad = [{ path: join(folder, "no/file"), bytes: bytes("x"), mode: 0o600 }];
  expect(await failureCode(() => nodeFiles.createAll(bad))).toBe("file-missing");
});

test("append adds to the end and creates the file", async () => {
  const path = join(temporaryFolder(), "file");
  await nodeFiles.append(path, bytes("a"));
  await nodeFiles.append(path, bytes("b"));
  expect(readFileSync(path, "utf8")).toBe("ab");
});

test("what is not there is null or empty, and may be removed", async () => {
  const path = join(temporaryFolder(), "missing");
  expect(await nodeFiles.read(path)).toBeNull();
  expect(await nodeFiles.info(path)).toBeNull();
  expect(await nodeFiles.realPath(path)).toBeNull();
  expect(await nodeFiles.list(path)).toEqual([]);
  await nodeFiles.remove(path);
});

test("info tells files, folders and links apart, and names are sorted by code unit", async () => {
  const folder = realpathSync(temporaryFolder());
  for (const name of ["b", "B", "a", "é"]) writeFileSync(join(folder, name), "12345");
  await nodeFiles.makeFolder(join(folder, "Z/deep"), 0o700);
  symlinkSync(join(folder, "a"), join(folder, "link"));
  expect(await nodeFiles.list(folder)).toEqual(["B", "Z", "a", "b", "link", "é"]);
  chmodSync(join(folder, "a"), 0o600);
  const info = await nodeFiles.info(join(folder, "a"));
  expect(info).toMatchObject({ kind: "file", sizeBytes: 5, mode: 0o600 });
  expect(Number.isInteger(info?.modifiedMs)).toBe(true);
  expect(await nodeFiles.info(join(folder, "Z"))).toMatchObject({ kind: "folder" });
  expect(await nodeFiles.info(join(folder, "link"))).toMatchObject({ kind: "other" });
  expect(await nodeFiles.realPath(join(folder, "link"))).toBe(join(folder, "a"));
  await nodeFiles.remove(join(folder, "a"));
  expect(existsSync(join(folder, "a"))).toBe(false);
});

test("system errors become failures that name the path", async () => {
  const folder = temporaryFolder();
  const file = join(folder, "file");
  writeFileSync(file, "");
  symlinkSync("loop", join(folder, "loop"));
  for (const [task, code] of [
    [() => nodeFiles.write(join(folder, "no/file"), bytes("x"), 0o600), "file-missing"],
    [() => nodeFiles.append(join(folder, "no/file"), bytes("x")), "file-missing"],
    [() => nodeFiles.create(join(folder, "no/file"), bytes("x"), 0o600), "file-missing"],
    [() => nodeFiles.read(join(file, "below")), "folder-unwritable"],
    [() => nodeFiles.makeFolder(join(file, "below"), 0o700), "folder-unwritable"],
    [() => nodeFiles.realPath(join(folder, "loop")), "internal"],
  ] as const) {
    expect(await failureCode(task)).toBe(code);
  }
  await expect(nodeFiles.append(join(folder, "no/file"), bytes("x"))).rejects.toMatchObject({
    origin: "host",
    context: { path: join(folder, "no/file"), system: "ENOENT" },
  });
});

test("where there are no modes and no folder syncs, files work all the same", async () => {
  const folder = temporaryFolder();
  const { platform } = process;
  Object.defineProperty(process, "platform", { value: "win32" });
  try {
    await nodeFiles.write(join(folder, "file"), bytes("x"), 0o644);
    expect(await nodeFiles.info(join(folder, "file"))).toMatchObject({ mode: 0o600 });
  } finally {
    Object.defineProperty(process, "platform", { value: platform });
  }
});

// --- clock ---

test("both clocks give whole numbers and the monotonic one advances", async () => {
  const before = nodeClock.nowUs();
  await sleep(nodeClock, 5);
  expect(nodeClock.nowUs() - before).toBeGreaterThanOrEqual(5000);
  for (const value of [before, nodeClock.wallMs()]) expect(Number.isInteger(value)).toBe(true);
});

test("a timer never fires early, fires once, and not at all when it was cancelled", async () => {
  const fired: number[] = [];
  const at = nodeClock.nowUs() + 3500;
  nodeClock.at(at, () => fired.push(nodeClock.nowUs()));
  nodeClock.at(0, () => fired.push(0));
  const cancel = nodeClock.at(at, () => fired.push(Number.NaN));
  cancel();
  const cancelFar = nodeClock.at(at + 2 ** 50, () => fired.push(Number.NaN));
  await sleep(nodeClock, 20);
  cancelFar();
  expect(fired).toHaveLength(2);
  expect(fired[0]).toBe(0);
  expect(fired[1]).toBeGreaterThanOrEqual(at);
});

test("a wait beyond what the platform takes comes in pieces", () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  try {
    let fired = 0;
    const waitMs = 2 ** 31 + 1000;
    nodeClock.at(nodeClock.nowUs() + waitMs * 1000, () => (fired += 1));
    vi.advanceTimersByTime(2 ** 31 - 1);
    expect(fired).toBe(0);
    vi.advanceTimersByTime(1002);
    expect(fired).toBe(1);
  } finally {
    vi.useRealTimers();
  }
});

test("soon runs after the promises and inputs of this turn", async () => {
  const order: string[] = [];
  const done = new Promise<void>((resolve) => {
    nodeClock.soon(() => {
      order.push("soon");
      resolve();
    });
  });
  queueMicrotask(() => order.push("microtask"));
  order.push("now");
  await done;
  expect(order).toEqual(["now", "microtask", "soon"]);
});

// --- entropy ---

test("entropy has the size that was asked for and does not repeat", () => {
  expect(nodeRandom.bytes(0)).toHaveLength(0);
  const drawn = new Set(Array.from({ length: 64 }, () => nodeRandom.bytes(16).join()));
  expect(drawn.size).toBe(64);
});

// --- signatures ---

const WYCHEPROOF = join(
  import.meta.dirname,
  "../../../../shared/vectors/wycheproof/ed25519_test.json",
);

interface WycheproofFile {
  readonly testGroups: readonly {
    readonly publicKey: { readonly pk: string };
    readonly tests: readonly {
      readonly tcId: number;
      readonly msg: string;
      readonly sig: string;
      readonly result: string;
    }[];
  }[];
}

test.skipIf(!existsSync(WYCHEPROOF))(
  "signatures verify as Wycheproof says, from ../shared/vectors",
  () => {
    const { testGroups } = JSON.parse(readFileSync(WYCHEPROOF, "utf8")) as WycheproofFile;
    let count = 0;
    for (const { publicKey, tests } of testGroups) {
      for (const { tcId, msg, sig, result } of tests) {
        const isValid = nodeSignatures.verify(hex(publicKey.pk), hex(msg), hex(sig));
        expect(isValid, `test ${tcId}`).toBe(result === "valid");
        count += 1;
      }
    }
    expect(count).toBeGreaterThan(100);
  },
);

test("a key of small order, in any spelling, has signed nothing", () => {
  const forged = hex(`01${"00".repeat(63)}`);
  const identity = hex(`01${"00".repeat(31)}`);
  // Without the check this is a valid signature of every message: R = S·B − k·A with S = 0 and A = 0.
  expect(ed25519.verify(forged, bytes("anything"), identity, { zip215: true })).toBe(true);
  for (const y of [
    `01${"00".repeat(31)}`,
    "00".repeat(32),
    `ec${"ff".repeat(30)}7f`,
    `ed${"ff".repeat(30)}7f`,
    `ee${"ff".repeat(30)}7f`,
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  ]) {
    const key = hex(y);
    for (const sign of [0, 0x80]) {
      key[31] = ((key[31] as number) & 0x7f) | sign;
      expect(nodeSignatures.verify(key, bytes("anything"), forged), toHex(key)).toBe(false);
    }
  }
});

test("no bytes, however odd, verify or throw", () => {
  for (let count = 0; count < 2000; count++) {
    const key = new Uint8Array(randomBytes(32));
    const signature = new Uint8Array(randomBytes(count % 3 === 0 ? count % 130 : 64));
    expect(nodeSignatures.verify(key, bytes("x"), signature)).toBe(false);
  }
});

test("what is not a key or a signature verifies nothing and does not throw", () => {
  const key = nodeSignatures.publicKey(new Uint8Array(32));
  expect(nodeSignatures.verify(key.subarray(1), bytes("x"), new Uint8Array(64))).toBe(false);
  expect(nodeSignatures.verify(key, bytes("x"), new Uint8Array(0))).toBe(false);
  expect(nodeSignatures.verify(new Uint8Array(32).fill(2), bytes("x"), new Uint8Array(64))).toBe(
    false,
  );
});

// --- vault ---

test("a secret opens with its passphrase and context alone", async () => {
  const vault = nodeVault(10);
  const secret = new Uint8Array(randomBytes(64));
  const sealed = await vault.seal("pass", secret, bytes("context"));
  expect(await vault.open("pass", sealed, bytes("context"))).toEqual(secret);
  expect(await vault.open("Pass", sealed, bytes("context"))).toBeNull();
  expect(await vault.open("pass", sealed, bytes("other"))).toBeNull();
  for (const member of ["salt", "nonce", "ciphertext"] as const) {
    for (let at = 0; at < sealed[member].length; at++) {
      const changed = sealed[member].slice();
      changed[at] = (changed[at] as number) ^ 1;
      const broken = { ...sealed, [member]: changed };
      expect(await vault.open("pass", broken, bytes("context")), `${member} ${at}`).toBeNull();
    }
  }
});

test("a passphrase is the same however its accents were typed", async () => {
  const vault = nodeVault(10);
  const sealed = await vault.seal("caf\u00e9", bytes("secret"), bytes(""));
  expect(await vault.open("cafe\u0301", sealed, bytes(""))).toEqual(bytes("secret"));
});

test("two seals of one secret have nothing in common, and the default cost is high", async () => {
  const vault = nodeVault();
  const [a, b] = await Promise.all([1, 2].map(() => vault.seal("pass", bytes("x"), bytes(""))));
  expect(a?.costLog2).toBe(17);
  expect(a?.salt).not.toEqual(b?.salt);
  expect(a?.ciphertext).not.toEqual(b?.ciphertext);
});

test("a cost that the platform refuses is a failure of the call", async () => {
  await expect(nodeVault(31).seal("pass", bytes("x"), bytes(""))).rejects.toThrow();
});

// --- passphrases ---

test("a passphrase is the first line of its file", async () => {
  const folder = temporaryFolder();
  const path = join(folder, "passphrase");
  writeFileSync(path, "correct horse\r\nsecond line\n");
  expect(await readPassphrase(nodeFiles, path)).toBe("correct horse");
  expect(await readPassphrase(nodeFiles, undefined)).toBeUndefined();
  writeFileSync(join(folder, "binary"), Buffer.from([0xff]));
  for (const name of ["binary", "missing"]) {
    const task = () => readPassphrase(nodeFiles, join(folder, name));
    expect(await failureCode(task)).toBe("identity-locked");
  }
});
