/**
 * Goal: `rtt plan`, `rtt qc` and `rtt ls` tell a person what would change and what is in force, with exit codes and one
 * line of JSON; what is wrong with a project is named, and then nothing is written.
 * Method: the whole command line on real folders with tools' own layouts, each answer and exit code judged.
 */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { runCli } from "../../../../host/node/cli.ts";
import type { SignedPlan } from "../../../../host/shared/fabric/plan.ts";
import { temporaryFolder } from "../../../support/ports.ts";

const FILES: Readonly<Record<string, string>> = {
  ".claude/agents/reviewer.md": "---\nname: reviewer\ndescription: Reviews\n---\nYou review.\n",
  ".cursor/rules/style.mdc": "---\ndescription: Style\nalwaysApply: true\n---\nBe brief.\n",
  ".mcp.json": '{"mcpServers":{"github":{"command":"npx","args":["-y","x"]}}}\n',
};

interface Answer {
  readonly code: number;
  readonly out: string;
  readonly error: { readonly code: string; readonly message: string } | null;
}

/** A person with a project that was scanned. */
class Person {
  readonly root = temporaryFolder();
  readonly project = join(this.root, "project");

  write(path: string, text: string): this {
    const file = join(this.project, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    return this;
  }

  async run(...words: readonly string[]): Promise<Answer> {
    let [out, err] = ["", ""];
    const code = await runCli(words, {
      environment: { RTT_HOME: join(this.root, "home"), RTT_PROJECT: this.project },
      writeOut: (text) => (out += text),
      writeError: (text) => (err += text),
    });
    const error = err.startsWith("{")
      ? (JSON.parse(err) as { error: Answer["error"] }).error
      : null;
    return { code, out, error };
  }

  async ask(...words: readonly string[]): Promise<Record<string, unknown>> {
    const { code, out, error } = await this.run(...words, "--json");
    expect([code, error]).toEqual([0, null]);
    expect(out.trim().split("\n")).toHaveLength(1);
    return JSON.parse(out) as Record<string, unknown>;
  }

  plans(): readonly string[] {
    const folder = join(this.project, ".rtt/plans");
    return existsSync(folder) ? readdirSync(folder) : [];
  }
}

async function scannedProject(): Promise<Person> {
  const person = new Person();
  for (const [path, text] of Object.entries(FILES)) person.write(path, text);
  expect((await person.run("init", person.project)).code).toBe(0);
  expect((await person.run("scan")).code).toBe(0);
  return person;
}

test("plan tells what would change, and keeps it signed", async () => {
  const person = await scannedProject();
  const answer = await person.ask("plan");
  expect(answer).toMatchObject({
    planId: expect.stringMatching(/^sha256-[0-9a-f]{64}$/),
    isEmpty: false,
    base: { generation: 0, digest: null },
    routes: [{ to: "rtt://local/mcp-server/github@1.0.0", lane: "uds" }],
    problems: [],
  });
  const paths = (answer["files"] as readonly { path: string }[]).map(({ path }) => path);
  expect(paths).toContain(".cursor/agents/reviewer.md");
  expect(paths).toContain(".cursor/mcp.json");
  const file = JSON.parse(readFileSync(answer["path"] as string, "utf8")) as SignedPlan;
  expect(file.plan_id).toBe(answer["planId"]);
  expect(file.sign.key_id).toMatch(/^z6Mk/);
  // Nothing that anybody sees has changed.
  expect(existsSync(join(person.project, ".cursor/mcp.json"))).toBe(false);
  const { out } = await person.run("plan");
  expect(out).toContain(`Plan ${file.plan_id}, from generation 0`);
  expect(out).toContain("+ rtt://local/service/door@1.0.0 -> rtt://local/mcp-server/github@1.0.0");
  expect(out).toMatch(/^cursor\n(?: {2}. .*\n)*? {2}\+ \.cursor\/mcp\.json \(fields\)/m);
  expect(out).toContain("`rtt apply` does it.");
});

test("the same project gives the same plan, and another one where something was changed", async () => {
  const person = await scannedProject();
  const first = await person.ask("plan");
  expect((await person.ask("plan"))["planId"]).toBe(first["planId"]);
  expect(person.plans()).toHaveLength(2);
  person.write(".claude/agents/writer.md", "---\nname: writer\ndescription: W\n---\nYou write.\n");
  await person.run("scan");
  const second = await person.ask("plan");
  expect(second["planId"]).not.toBe(first["planId"]);
  expect(await person.ask("ls", "plans")).toMatchObject({
    plans: expect.arrayContaining([
      expect.objectContaining({ planId: first["planId"], isLatest: false, isInForce: false }),
      expect.objectContaining({ planId: second["planId"], isLatest: true, base: 0, routesAdd: 1 }),
    ]) as unknown,
  });
});

test("a project that wants nothing has nothing to do", async () => {
  const person = new Person();
  await person.run("init", person.project);
  expect((await person.run("plan")).out).toBe("Nothing to do.\n");
  expect(await person.ask("plan")).toMatchObject({ isEmpty: true, routes: [], files: [] });
  expect((await person.run("ls", "routes")).out).toMatch(/No route is in force/);
  expect(await person.ask("ls", "routes")).toEqual({ generation: null, routes: [] });
});

test("a file of the user's is left alone and told; --strict makes it a failure", async () => {
  const person = await scannedProject();
  person.write(".cursor/agents/reviewer.md", "---\nname: mine\ndescription: m\n---\nMine.\n");
  const answer = await person.ask("plan");
  expect(answer["problems"]).toMatchObject([
    { code: "view-conflict", path: ".cursor/agents/reviewer.md" },
  ]);
  const { code, out } = await person.run("plan", "--strict");
  expect(code).toBe(13);
  expect(out).toContain("left alone\n  view-conflict  .cursor/agents/reviewer.md (cursor)");
});

test("a plan can be written elsewhere too", async () => {
  const person = await scannedProject();
  const path = join(person.root, "out.json");
  const { planId } = await person.ask("plan", "--out", path);
  expect((JSON.parse(readFileSync(path, "utf8")) as SignedPlan).plan_id).toBe(planId);
});

test("routes that cannot be had end with 2 and their reason, and no plan is written", async () => {
  const person = await scannedProject();
  person.write(
    ".rtt/routes.json",
    '{"routes":[{"from":"rtt://local/agent/reviewer","to":"rtt://local/mcp-server/github@^9"}]}',
  );
  const { code, error } = await person.run("plan", "--json");
  expect([code, error?.code]).toEqual([2, "plan-infeasible"]);
  expect(error?.message).toMatch(/reviewer@1\.0\.0 wants .*\^9/);
  expect(error?.message).toMatch(/github@1\.0\.0 \(range\)/);
  expect(person.plans()).toEqual([]);
});

test("quick connect takes two addresses or an arrow", async () => {
  const person = await scannedProject();
  const [from, to] = ["rtt://local/agent/reviewer", "rtt://local/mcp-server/github"];
  const two = await person.ask("qc", from, to);
  expect(two["routesAdd"]).toMatchObject([{ from: `${from}@1.0.0`, to: `${to}@1.0.0` }]);
  expect(two["files"]).toEqual([]);
  expect((await person.ask("qc", `${from} -> ${to}`))["planId"]).toBe(two["planId"]);
  expect((await person.run("qc", from)).code).toBe(2);
  expect((await person.run("qc", from, "nowhere")).code).toBe(2);
  const { code, error } = await person.run("qc", from, "rtt://a/tool/b", "--json");
  expect([code, error?.code]).toEqual([2, "plan-infeasible"]);
});

test("a list of plans says which of them cannot be believed, and shows no others' words", async () => {
  const person = await scannedProject();
  const { path, planId } = await person.ask("plan");
  const text = readFileSync(path as string, "utf8");
  writeFileSync(path as string, text.replace("github", "gitlab"));
  const { plans } = await person.ask("ls", "plans");
  expect(plans).toMatchObject([{ planId, base: null, problem: expect.stringMatching(/plan_id/) }]);
  expect((await person.run("ls", "plans")).out).toMatch(/^[0-9a-f]{12} {2}plan-invalid/);
});

test("what was applied is in force, listed, and nothing to do any more", async () => {
  const person = await scannedProject();
  const { planId } = await person.ask("plan");
  expect(await person.ask("apply")).toMatchObject({ generation: 1 });
  expect(await person.ask("plan")).toMatchObject({ isEmpty: true, base: { generation: 1 } });
  expect((await person.run("plan")).out).toMatch(/Nothing to do\.\n$/);
  const [from, to] = ["rtt://local/service/door@1.0.0", "rtt://local/mcp-server/github@1.0.0"];
  expect(await person.ask("ls", "routes")).toEqual({
    generation: 1,
    routes: [{ from, to, lane: "uds", node: "local" }],
  });
  expect((await person.run("ls", "routes")).out).toBe(`${from} -> ${to} (uds, local)\n`);
  const { plans } = await person.ask("ls", "plans");
  expect(plans).toContainEqual(expect.objectContaining({ planId, isInForce: true, base: 0 }));
  expect((await person.run("ls", "plans")).out).toMatch(/in force/);
  expect(await person.ask("ls", "problems")).toEqual({ problems: [] });
  // What is no longer there is planned away, and then put in order.
  rmSync(join(person.project, ".mcp.json"));
  await person.run("scan", "--prune");
  const { out } = await person.run("plan");
  expect(out).toContain(`  - ${from} -> ${to} (uds)`);
  expect(out).toMatch(/^ {2}[-~] \.cursor\/mcp\.json(?: \(is yours again\))?$/m);
});

test("a person is told what is left out, lost, kept, not shown and without effect", async () => {
  const person = await scannedProject();
  person
    .write(".claude/agents/x.md", "---\nname: x\ndescription: X\nmodel: opus\n---\nX.\n")
    .write(
      ".rtt/policy.json",
      '{"deny":[{"from":"*","to":"rtt://local/mcp-server/*"}],"qos":{"*":{"throughput_qps":1}}}',
    )
    .write(
      ".rtt/routes.json",
      '{"routes":[{"from":"rtt://a/agent/x","to":"rtt://a/tool/y","optional":true}]}',
    )
    .write(
      ".rtt/views/cursor.view.json",
      '{"provider":"cursor","entries":[{"id":"nobody@1.0.0"},{"id":"x@1.0.0"}]}',
    );
  await person.run("scan");
  const { code, out } = await person.run("plan");
  expect(code).toBe(0);
  expect(out).toMatch(/^routes left out\n {2}.*door@1\.0\.0 wants .*github.*\n {4}.*\(denied\)/m);
  expect(out).toContain("rtt://a/agent/x wants rtt://a/tool/y, but no symbol is rtt://a/agent/x");
  expect(out).toMatch(/^without effect\n {2}\.rtt\/policy\.json:1: throughput_qps/m);
  expect(out).toMatch(/^kept: .*\n(?: {2}.*\n)* {2}\.claude\/agents\/x\.md \(claude-code\)/m);
  expect(out).toMatch(/^not shown\n(?: {2}.*\n)*? {2}nobody@1\.0\.0 in cursor: not-in-registry/m);
  expect(out).toMatch(
    /^fields that a tool cannot show\n(?: {2}.*\n)*? {2}.*agent\/x@1\.0\.0: model \(only /m,
  );
});

test("a long list is cut, and its rest counted", async () => {
  const person = await scannedProject();
  for (let at = 0; at < 60; at++) {
    person.write(`.claude/agents/a${at}.md`, `---\nname: a${at}\ndescription: A\n---\nA.\n`);
  }
  await person.run("scan");
  const { out } = await person.run("plan");
  expect(out).toMatch(/^cursor\n(?: {2}.*\n){40} {2}and \d+ more; --json has all of them$/m);
});

// --- hostile configuration ---

const HOSTILE: readonly (readonly [string, string, string])[] = [
  ["a huge file", ".rtt/policy.json", `{"allow":[]}${" ".repeat(5 << 20)}`],
  ["no text", ".rtt/policy.json", "\u0000\u00ff"],
  ["a deep one", ".rtt/routes.json", `{"routes":${"[".repeat(100_000)}`],
  ["the same name twice", ".rtt/routes.json", '{"routes":[],"routes":[]}'],
  ["a prototype's name", ".rtt/topology.json", '{"__proto__":{"nodes":{}}}'],
  ["an unknown member", ".rtt/topology.json", '{"nodes":{"a":{}},"node":{}}'],
  ["a homoglyph", ".rtt/policy.json", '{"deny":[{"from":"*","to":"rtt://loc\u0430l/*"}]}'],
  [
    "a way out of the project",
    "providers/providers.yaml",
    "providers: { a: { agent_target: ../x } }",
  ],
  [
    "a way into .rtt",
    "providers/providers.yaml",
    "providers: { a: { agent_target: .rtt/registry } }",
  ],
  ["an alias that grows", "providers/providers.yaml", "a: &a [x, x]\nproviders: { a: [*a, *a] }\n"],
  ["a view of another name", ".rtt/views/a.view.json", '{"provider":"b","entries":[]}'],
  [
    "an agent that is a path",
    ".rtt/views/a.view.json",
    '{"provider":"a","entries":[{"id":"../x@1.0.0"}]}',
  ],
  ["a control character", "connector-mcp/bridge.yaml", 'mcp: { providers: { "a\\nb": {} } }\n'],
];

test.each(HOSTILE)(
  "%s is refused with its place, before anything is written",
  async (_, path, text) => {
    const person = await scannedProject();
    person.write(path, text);
    const { code, error } = await person.run("plan", "--json");
    expect([code, error?.code]).toEqual([2, "config-invalid"]);
    expect(error?.message).toContain(`${path}:`);
    // What is shown on a terminal has no control characters.
    expect(error?.message).toMatch(/^[\x20-\x7e]*$/);
    expect(person.plans()).toEqual([]);
  },
);

test("a configuration file that is a link or a folder is refused", async () => {
  const person = await scannedProject();
  writeFileSync(join(person.root, "policy.json"), "{}");
  symlinkSync(join(person.root, "policy.json"), join(person.project, ".rtt/policy.json"));
  expect((await person.run("plan", "--json")).error?.code).toBe("path-denied");
  const other = await scannedProject();
  mkdirSync(join(other.project, ".rtt/routes.json"));
  expect((await other.run("plan", "--json")).error?.code).toBe("path-denied");
});

test("two views of one provider are refused", async () => {
  const person = await scannedProject();
  person.write(".rtt/views/a.view.json", '{"provider":"a","entries":[]}');
  person.write("views/a.view.json", '{"provider":"a","entries":[]}');
  const { error } = await person.run("plan", "--json");
  expect(error?.code).toBe("config-invalid");
  expect(error?.message).toContain("(conflict)");
});

test("a generation that cannot be believed is no empty start", async () => {
  const person = await scannedProject();
  for (const words of [["plan"], ["ls", "routes"], ["ls", "plans"]]) {
    person.write(".rtt/generation.dsse.json", "{}\n");
    const { code, error } = await person.run(...words, "--json");
    expect([words, code, error?.code]).toEqual([words, 7, "signature-invalid"]);
  }
});

test("a folder of plans that is a link or a file is refused, and nothing is written through it", async () => {
  const person = await scannedProject();
  const elsewhere = join(person.root, "elsewhere");
  mkdirSync(elsewhere);
  symlinkSync(elsewhere, join(person.project, ".rtt/plans"));
  expect((await person.run("plan", "--json")).error?.code).toBe("path-denied");
  expect(readdirSync(elsewhere)).toEqual([]);
  const other = await scannedProject();
  other.write(".rtt/plans", "");
  expect((await other.run("plan", "--json")).error?.code).toBe("path-denied");
});

test("without an identity that the registry trusts there is no plan", async () => {
  const person = await scannedProject();
  const stranger = new Person();
  await stranger.run("init", stranger.project);
  const environment = { RTT_HOME: join(stranger.root, "home"), RTT_PROJECT: person.project };
  let err = "";
  const writeError = (text: string): void => void (err += text);
  const code = await runCli(["plan", "--json"], { environment, writeOut: () => {}, writeError });
  expect([code, err]).toEqual([7, expect.stringContaining("signer-untrusted")]);
  expect(person.plans()).toEqual([]);
});
