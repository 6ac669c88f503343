/**
 * Goal: whatever somebody deletes or changes in `.rtt`, or may not do there, a verb says what it is and what to do, what
 * it says helps, and no file of the project changes before.
 * Method: the whole command line on a project that was applied, one file of `.rtt` gone or changed at a time.
 */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { type AppliedAnswer, Person, type VerifyAnswer } from "./project-world.ts";

const READERS = [["scan"], ["plan"], ["view", "status"], ["ls", "routes"], ["apply", "--dry-run"]];

async function holds(person: Person): Promise<void> {
  expect(await person.json<VerifyAnswer>("log", "verify")).toMatchObject({ ok: true });
  expect((await person.run("view", "status")).code).toBe(0);
}

test("where the generation in force is gone nobody takes it for none, and apply puts it back", async () => {
  const person = await Person.create();
  await person.change();
  const path = person.path(".rtt/generation.dsse.json");
  const bytes = readFileSync(path);
  rmSync(path);
  for (const words of READERS) {
    expect(await person.failure(...words), words.join(" ")).toMatchObject({
      code: "generation-missing",
    });
  }
  expect(await person.json<AppliedAnswer>("apply")).toMatchObject({ generation: 1, isNew: false });
  expect(readFileSync(path)).toEqual(bytes);
  await holds(person);
});

test("a generation in force that was changed is named, and deleting it helps as it is said", async () => {
  const person = await Person.create();
  await person.change();
  const path = person.path(".rtt/generation.dsse.json");
  const bytes = readFileSync(path);
  writeFileSync(path, bytes.toString().replace('"payload":"', '"payload":"AAAA'));
  for (const words of READERS) {
    const { code, message } = await person.failure(...words);
    expect([code, message], words.join(" ")).toEqual([
      "signature-invalid",
      expect.stringContaining("generation.dsse.json: "),
    ]);
  }
  rmSync(path);
  await person.json("apply");
  expect(readFileSync(path)).toEqual(bytes);
  await holds(person);
});

test("a registry that has lost its index is not taken for an empty one, and is made anew as it is said", async () => {
  const person = await Person.create();
  await person.change();
  rmSync(person.path(".rtt/registry/index.json"));
  const { files } = await person.json<{ files: readonly object[] }>("view", "status");
  for (const words of [["plan"], ["scan"], ["scan", "--prune"]]) {
    const failed = await person.failure(...words);
    expect(failed, words.join(" ")).toMatchObject({ code: "signature-missing", exit: 7 });
  }
  const { code, out } = await person.run("fsck", "--json");
  expect([code, (JSON.parse(out) as { ok: boolean }).ok]).toEqual([7, false]);
  await person.json("rollback", "0");
  await person.change();
  await holds(person);
  expect(await person.json("view", "status")).toMatchObject({ files });
});

test("whoever may not plan is told so once, and who can change that", async () => {
  const person = await Person.create();
  const { signer } = await person.json<{ signer: string }>("init", person.project);
  // Everything that is derived is there then, and only the plan is left to be written.
  await person.json("plan");
  const other = await Person.create();
  await other.json("policy", "trust", signer);
  other.environment["RTT_PROJECT"] = person.project;
  const { code, message } = await other.failure("plan");
  expect([code, message]).toEqual([
    "signer-untrusted",
    expect.stringMatching(/^signer-untrusted: The plan is signed by "z6Mk/),
  ]);
});
