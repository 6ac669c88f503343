/**
 * Goal: no loss of power during a migration or its undoing loses a byte: the tree is as it was, or as it will be, or
 * the next run makes it one of the two.
 * Method: a disk that tears and reorders what is not synced, and every state that it can leave; a symbolic link is a
 * file of such a disk that says so.
 */
import { expect, test } from "vitest";
import { migrate, type MigrateOptions } from "../../../../host/shared/fabric/migrate/migrate.ts";
import type { SymbolicLinks } from "../../../../host/shared/fabric/migrate/symbolic-links.ts";
import type { MigratePorts } from "../../../../host/shared/fabric/migrate/survey.ts";
import { undoMigration } from "../../../../host/shared/fabric/migrate/undo.ts";
import { fsck } from "../../../../host/shared/fabric/registry/fsck.ts";
import { Registry } from "../../../../host/shared/fabric/registry/registry.ts";
import { fromUtf8, toHex, utf8 } from "../../../../host/shared/trust/bytes.ts";
import { MemoryFiles } from "../../../support/memory-files.ts";
import { testDigest, testPorts } from "../../../support/ports.ts";
import { publishedTree } from "../../../support/published-tree.ts";
import { OWNER } from "../../../support/registry.ts";
import { TearingFiles } from "../../../support/tearing-files.ts";

const ROOT = "/p";
const OPTIONS: MigrateOptions = { root: ROOT, owner: OWNER };
const LINK = "\0link ";

/** The ports of a machine whose files are these, some of them links. */
function portsOver(files: MemoryFiles): MigratePorts {
  const targetOf = (path: string): string | null => {
    const text = fromUtf8(files.all.get(path) ?? new Uint8Array()) ?? "";
    return text.startsWith(LINK) ? text.slice(LINK.length) : null;
  };
  const info = files.info.bind(files);
  files.info = async (path) => {
    const found = await info(path);
    return found === null || targetOf(path) === null ? found : { ...found, kind: "other" };
  };
  const links: SymbolicLinks = {
    read: async (path) => targetOf(path),
    create: async (target, path) => void (await files.create(path, utf8(`${LINK}${target}`))),
  };
  return { ...testPorts({ files }), links };
}

type Disk = ReadonlyMap<string, Uint8Array<ArrayBuffer>>;

/** What is on a disk, without what a crash left unfinished beside it. */
function contentOf(disk: Disk): Readonly<Record<string, string>> {
  const whole = [...disk].filter(([path]) => !path.endsWith(".tmp"));
  return Object.fromEntries(
    whole
      .map(([path, bytes]): [string, string] => [path, toHex(testDigest.sha256(bytes))])
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

/** Without copies that a run had made before its record said so; nobody refers to them. */
function withoutCopies(content: Readonly<Record<string, string>>): object {
  return Object.fromEntries(
    Object.entries(content).filter(([path]) => !path.startsWith(`${ROOT}/.rtt/migration/1/`)),
  );
}

function filesOf(disk: Disk): MemoryFiles {
  const files = new MemoryFiles();
  for (const [path, bytes] of disk) files.all.set(path, bytes.slice());
  return files;
}

const TREE = publishedTree();
const ORIGINAL: Disk = new Map([
  ...[...TREE.files].map(([path, bytes]) => [`${ROOT}/${path}`, bytes] as const),
  ...[...TREE.links].map(([path, to]) => [`${ROOT}/${path}`, utf8(`${LINK}${to}`)] as const),
]);
async function isSound(files: MemoryFiles): Promise<void> {
  const report = await fsck(portsOver(files), `${ROOT}/.rtt/registry`, { signer: OWNER });
  expect(report).toMatchObject({ ok: true });
  const registry = await Registry.open(portsOver(files), `${ROOT}/.rtt/registry`, {
    signer: OWNER,
  });
  expect((await registry.list()).length).toBeGreaterThan(2);
}

/** Whether every state that power loss leaves can be finished and taken back. */
async function judge(files: TearingFiles): Promise<number> {
  let count = 0;
  const seen = new Set<string>();
  for (const { files: disk } of files.crashStates()) {
    const key = JSON.stringify(contentOf(disk));
    if (seen.has(key)) continue;
    seen.add(key);
    count += 1;
    const forward = filesOf(disk);
    const isHalfUndone = await migrate(portsOver(forward), OPTIONS).then(
      () => false,
      (thrown: unknown) => String(thrown).includes("half undone"),
    );
    if (!isHalfUndone) await isSound(forward);
    const back = filesOf(disk);
    await undoMigration(portsOver(back), OPTIONS);
    expect(withoutCopies(contentOf(back.all))).toEqual(contentOf(ORIGINAL));
    if (isHalfUndone) continue;
    await undoMigration(portsOver(forward), OPTIONS);
    expect(withoutCopies(contentOf(forward.all))).toEqual(contentOf(ORIGINAL));
  }
  return count;
}

test("whatever a loss of power leaves of a migration can be finished, and can be undone", async () => {
  const files = new TearingFiles(ORIGINAL);
  await migrate(portsOver(files), OPTIONS);
  await isSound(files);
  expect(await judge(files)).toBeGreaterThan(200);
}, 240_000);

test("whatever a loss of power leaves of an undoing ends in the tree as it was", async () => {
  const before = filesOf(ORIGINAL);
  await migrate(portsOver(before), OPTIONS);
  const files = new TearingFiles(before.all);
  await undoMigration(portsOver(files), OPTIONS);
  expect(contentOf(files.all)).toEqual(contentOf(ORIGINAL));
  expect(await judge(files)).toBeGreaterThan(100);
}, 240_000);
