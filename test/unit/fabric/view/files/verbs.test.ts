/**
 * Goal: `rtt view` tells a person what is shown, whether it still is, and takes an edit back, with exit codes and one
 * line of JSON. Method: the whole command line on a real folder, from the scan to the time before the first change.
 */
import { chmodSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { runCli } from "../../../../../host/node/cli.ts";
import { temporaryFolder } from "../../../../support/ports.ts";

const SERVERS = '{\n  "mcpServers": {\n    // mine\n    "github": { "command": "npx" },\n  },\n}\n';
const FILES: Readonly<Record<string, string>> = {
  ".claude/agents/reviewer.md": "---\nname: reviewer\ndescription: Reviews\n---\nYou review.\n",
  ".cursor/mcp.json": SERVERS,
  ".codex/config.toml": 'model = "gpt-5" # mine\n',
  ".mcp.json": '{"mcpServers":{"docs":{"url":"https://docs.example/mcp"}}}\n',
  "AGENTS.md": "Be brief.\n",
};
const SHOWN = ".cursor/agents/reviewer.md";

class Person {
  readonly root = temporaryFolder();
  readonly project = join(this.root, "project");

  constructor() {
    for (const [path, text] of Object.entries(FILES)) this.write(path, text);
  }

  write(path: string, text: string): void {
    const file = join(this.project, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }

  read(path: string): string {
    return readFileSync(join(this.project, path), "utf8");
  }

  async run(...words: readonly string[]) {
    let [out, err] = ["", ""];
    const code = await runCli(words, {
      environment: { RTT_HOME: join(this.root, "home"), RTT_PROJECT: this.project },
      writeOut: (text) => (out += text),
      writeError: (text) => (err += text),
    });
    return { code, out, err };
  }

  async ask(...words: readonly string[]): Promise<[number, Record<string, unknown>]> {
    const { code, out, err } = await this.run(...words, "--json");
    expect(err).toBe("");
    return [code, JSON.parse(out) as Record<string, unknown>];
  }

  /** Runs verbs that have to do it. */
  async all(...verbs: readonly string[]): Promise<void> {
    for (const verb of verbs) {
      const { code, err } = await this.run(...verb.split(" "));
      expect([verb, code, err]).toEqual([verb, 0, ""]);
    }
  }
}

test("views are shown, watched, adopted and gone again", async () => {
  const person = new Person();
  await person.all(`init ${person.project}`);
  expect(await person.run("view", "status")).toMatchObject({
    code: 0,
    out: "Nothing is shown yet.\n",
  });
  expect((await person.run("view", "list")).out).toContain("Nothing is shown yet");
  expect((await person.run("view", "adopt", SHOWN)).code).toBe(12);
  await person.all("scan", "plan", "apply");

  const [code, status] = await person.ask("view", "status");
  expect([code, status["ok"], status["duplicateBytes"]]).toEqual([0, true, 0]);
  expect(status["inodes"]).toBe(status["objects"]);
  const [, listed] = await person.ask("view", "list");
  const views = (listed["views"] as { view: string }[]).map(({ view }) => view);
  expect(views).toContain("cursor");
  expect((await person.run("view", "list")).out).toContain(`  ${SHOWN}\n`);

  const shown = join(person.project, SHOWN);
  expect(statSync(shown).mode & 0o777).toBe(0o444);
  // As an editor saves: another file in its place.
  const edited = person.read(SHOWN).replace("You review.", "You review code.");
  writeFileSync(`${shown}.new`, edited);
  renameSync(`${shown}.new`, shown);
  const drifted = await person.run("view", "status");
  expect(drifted.code).toBe(13);
  expect(drifted.out).toContain(`changed  ${SHOWN} (cursor)`);
  const adopted = await person.run("view", "adopt", SHOWN);
  expect(adopted.out).toContain("rtt://local/agent/reviewer@1.0.0");
  expect(adopted.out).toContain(".claude/agents/reviewer.md still says what it said");
  await person.all("plan", "apply", "view status");
  expect(person.read(".codex/agents/reviewer.toml")).toContain("You review code.");

  const nowhere = await person.run("view", "adopt", "nowhere.md");
  expect([nowhere.code, nowhere.err.startsWith("rtt: view-conflict")]).toEqual([13, true]);
  await person.all("rollback 0", "view status");
  for (const [path, text] of Object.entries(FILES)) expect(person.read(path)).toBe(text);
});

test("what was changed in place says so under all its names, and none has to be changed too", async () => {
  const person = new Person();
  await person.all(`init ${person.project}`, "scan", "plan", "apply");
  chmodSync(join(person.project, "CLAUDE.md"), 0o644);
  person.write("CLAUDE.md", "Be brief, and kind.\n");
  expect(person.read("AGENTS.md")).toBe("Be brief, and kind.\n");
  const [code, adopted] = await person.ask("view", "adopt", "CLAUDE.md");
  expect([code, adopted["others"]]).toEqual([0, []]);
  await person.all("plan", "apply", "view status");
});
