/**
 * Goal: a generation that is rightly signed is still refused where the log names another one of its number.
 * Method: histories in memory in which a generation is exchanged for a sound one that was never decided: while a change
 * is open, and after what is in force was deleted.
 */
import { expect, test } from "vitest";
import { wholeChange } from "../../../../host/shared/fabric/apply/coordinator.ts";
import {
  generationPath,
  historyPath,
  openGeneration,
  signGeneration,
} from "../../../../host/shared/fabric/generation-file/generation-file.ts";
import { Failure } from "../../../../host/shared/ports/failure.ts";
import { MemoryFiles } from "../../../support/memory-files.ts";
import {
  always,
  applyTo,
  changed,
  FileView,
  FIRST,
  FOLDER,
  judge,
  openCoordinator,
  OWNER,
  planTo,
  portsOf,
  SECOND,
  SIGNERS,
  VIEWS,
} from "./apply-world.ts";

/** A disk on which nothing can be written for a while. */
class FillingFiles extends MemoryFiles {
  isFull = false;

  override async write(path: string, bytes: Uint8Array): Promise<void> {
    if (this.isFull) throw new Failure("folder-unwritable", path, { origin: "host", remedy: "" });
    await super.write(path, bytes);
  }
}

/** The change to SECOND is decided, and nothing that follows can be written. */
async function leftOpen(): Promise<MemoryFiles> {
  const files = new FillingFiles();
  await applyTo(files, FIRST);
  const participants = VIEWS.map((name) => {
    const view = new FileView(files, name);
    const commit = async (transaction: Parameters<FileView["commit"]>[0]): Promise<void> => {
      files.isFull = true;
      await view.commit(transaction);
    };
    return changed(view, { commit });
  });
  const coordinator = await openCoordinator(files, always(participants));
  const plan = planTo(await coordinator.current(), SECOND);
  await expect(coordinator.apply(wholeChange(plan))).rejects.toMatchObject({
    code: "folder-unwritable",
  });
  files.isFull = false;
  return files;
}

/** Puts a sound generation of the same number, by the same signer, in the place of one of the history. */
function exchange(files: MemoryFiles, number: number): void {
  const path = historyPath(FOLDER, number);
  const ports = portsOf(files);
  const { generation } = openGeneration(ports, files.all.get(path) as Uint8Array, SIGNERS);
  const other = { ...generation, canaryPercent: 50 };
  files.all.set(path, signGeneration(ports, other, OWNER).file);
}

test.each([
  ["that was begun", 2],
  ["that was in force", 1],
])("an open change is not ended by another generation than the one %s", async (what, number) => {
  const files = await leftOpen();
  const whole = new Map(files.all);
  exchange(files, number);
  const exchanged = new Map(files.all);
  await expect((await openCoordinator(files)).recover()).rejects.toMatchObject({
    code: "log-corrupt",
    message: expect.stringContaining(`generation ${number} is not the one ${what}`) as string,
  });
  expect(files.all).toEqual(exchanged);
  for (const [path, bytes] of whole) files.all.set(path, bytes);
  expect((await (await openCoordinator(files)).recover())?.outcome).toBe("applied");
  expect((await judge(files))?.generation).toBe(2);
});

test("what was deleted is not put back from another generation of its number", async () => {
  const files = new MemoryFiles();
  await applyTo(files, FIRST);
  await applyTo(files, SECOND);
  exchange(files, 2);
  files.all.delete(generationPath(FOLDER));
  await expect((await openCoordinator(files)).recover()).rejects.toMatchObject({
    code: "log-corrupt",
    message: expect.stringContaining("generation 2 is not the one that was in force") as string,
  });
  expect(files.all.has(generationPath(FOLDER))).toBe(false);
});
