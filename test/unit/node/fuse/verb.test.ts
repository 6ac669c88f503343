/**
 * Goal: `rtt view mount` shows a real project's views as a person expects, follows what is applied and rolled back, and
 * ends well. Method: the whole command line on folders with files of every tool; the mount a process of its own, each
 * file compared with the one that `rtt apply` put into the project.
 */
import { once } from "node:events";
import { accessSync, constants, existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { expect, onTestFinished, test } from "vitest";
import { temporaryFolder } from "../../../support/ports.ts";
import { Person } from "../../fabric/apply/project-world.ts";

interface Ready {
  readonly ready: boolean;
  readonly folder: string;
  readonly generation: number;
  readonly views: readonly string[];
}

const CAN_MOUNT = ((): boolean => {
  try {
    accessSync("/dev/fuse", constants.R_OK | constants.W_OK);
    return process.getuid?.() === 0;
  } catch {
    return false;
  }
})();

/** Every file below a folder, from it. */
function filesIn(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true })
    .map(String)
    .filter((name) => statSync(join(folder, name)).isFile())
    .sort();
}

async function start(person: Person, folder: string, ...more: readonly string[]) {
  const child = person.start("view", "mount", folder, ...more, "--json");
  const [line] = (await once(createInterface({ input: child.stdout as Readable }), "line")) as [
    string,
  ];
  const ready = JSON.parse(line) as Ready;
  // Registered last, this comes before folders are removed.
  onTestFinished(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGTERM");
    await once(child, "exit");
  });
  const stop = async (): Promise<number | null> => {
    child.kill("SIGTERM");
    return ((await once(child, "exit")) as [number | null])[0];
  };
  return { ready, stop };
}

test("what cannot be mounted is named, with an exit code", async () => {
  const person = await Person.create();
  const folder = join(temporaryFolder(), "mnt");
  expect(await person.failure("view", "mount", folder)).toMatchObject({
    exit: 12,
    code: "generation-missing",
  });
  await person.change();
  if (!CAN_MOUNT) {
    expect(await person.failure("view", "mount", folder)).toMatchObject({
      exit: 11,
      code: "mount-unsupported",
    });
    return;
  }
  expect(await person.failure("view", "mount", folder, "--provider", "nope")).toMatchObject({
    exit: 2,
    code: "argument-invalid",
  });
  expect(await person.failure("view", "mount", person.path())).toMatchObject({
    code: "view-conflict",
  });
  expect(existsSync(folder)).toBe(false);
});

if (CAN_MOUNT) mountTests();

function mountTests(): void {
  test("the views of a project are shown, followed and taken away", async () => {
    const person = await Person.create();
    await person.change();
    const folder = join(temporaryFolder(), "mnt");
    const { ready, stop } = await start(person, folder);
    expect(ready).toMatchObject({ ready: true, folder, generation: 1 });
    expect(ready.views).toContain("cursor");
    expect(readdirSync(folder)).toEqual(ready.views);
    const shown = filesIn(folder);
    expect(shown).toContain("cursor/.cursor/agents/planner.md");
    expect(shown.length).toBeGreaterThan(10);
    for (const name of shown) {
      const [view = "", ...path] = name.split("/");
      expect(readFileSync(join(folder, view, ...path)), name).toEqual(
        readFileSync(person.path(...path)),
      );
    }
    person.addAgent("tester");
    await person.change();
    const tester = join(folder, "cursor/.cursor/agents/tester.md");
    await expect.poll(() => existsSync(tester)).toBe(true);
    expect(readFileSync(tester)).toEqual(readFileSync(person.path(".cursor/agents/tester.md")));
    await person.json("rollback");
    await expect.poll(() => existsSync(tester)).toBe(false);
    expect(await stop()).toBe(0);
    expect(existsSync(folder)).toBe(false);
  });

  test("one tool's layout is shown at the root", async () => {
    const person = await Person.create();
    await person.change();
    const folder = join(temporaryFolder(), "mnt");
    const { ready, stop } = await start(person, folder, "--provider", "cursor");
    expect(ready.views).toEqual(["cursor"]);
    expect(filesIn(folder)).toContain(".cursor/agents/planner.md");
    expect(await stop()).toBe(0);
  });
}
