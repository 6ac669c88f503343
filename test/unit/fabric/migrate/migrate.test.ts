/**
 * Goal: `rtt migrate` takes a published tree over and loses nothing; its undoing gives the same bytes, modes and links.
 * Method: the tree that the vectors and facts describe on a real disk, migrated, scanned, judged and undone; then trees
 * in which something is in the way.
 */
import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { runCli } from "../../../../host/node/cli.ts";
import { temporaryFolder } from "../../../support/ports.ts";
import { PUBLISHED } from "../../../support/published-registry.ts";
import {
  AGENT_ADDRESSES,
  TOOL_ADDRESSES,
  walFile,
  writePublishedTree,
} from "../../../support/published-tree.ts";

const PROVIDER = "providers/claude/.claude/agents";

interface Answer {
  readonly migration: number | null;
  readonly state: string;
  readonly removed: readonly string[];
  readonly created: readonly string[];
  readonly symbols: readonly string[];
  readonly keys: readonly string[];
  readonly notes: readonly string[];
  readonly log: { readonly entries: number; readonly broken: string | null } | null;
}

/** Everything below a folder: its kind, its mode, its bytes or what the link says. */
function snapshot(root: string): Readonly<Record<string, string>> {
  const all: Record<string, string> = {};
  for (const name of readdirSync(root, { recursive: true, encoding: "utf8" }).sort()) {
    const path = join(root, name);
    const stats = lstatSync(path);
    const mode = (stats.mode & 0o777).toString(8);
    if (stats.isSymbolicLink()) all[name] = `link ${readlinkSync(path)}`;
    else if (stats.isDirectory()) all[name] = "folder";
    else all[name] = `${mode} ${readFileSync(path, "base64")}`;
  }
  return all;
}

class Person {
  readonly root = temporaryFolder();
  readonly home = join(temporaryFolder(), "home");

  async run(...words: readonly string[]) {
    let [out, err] = ["", ""];
    const code = await runCli(words, {
      environment: { RTT_HOME: this.home, RTT_PROJECT: this.root },
      writeOut: (text) => (out += text),
      writeError: (text) => (err += text),
    });
    return { code, out, err };
  }

  async json<T = Answer>(...words: readonly string[]): Promise<T> {
    const { code, out, err } = await this.run(...words, "--json");
    if (code !== 0) throw new Error(`${words.join(" ")} ended with ${code}: ${err}`);
    return JSON.parse(out) as T;
  }

  async failure(...words: readonly string[]): Promise<string> {
    const { code, err } = await this.run(...words);
    expect(code).not.toBe(0);
    return err;
  }

  path(...parts: readonly string[]): string {
    return join(this.root, ...parts);
  }
}

function publishedPerson(): Person {
  const person = new Person();
  writePublishedTree(person.root);
  return person;
}

test("a published tree becomes a project whose symbols are signed; what is somebody's own stays", async () => {
  const person = publishedPerson();
  const answer = await person.json("migrate");
  expect(answer.migration).toBe(1);
  expect([...answer.symbols].sort()).toEqual([...AGENT_ADDRESSES, ...TOOL_ADDRESSES]);
  expect(answer.log).toEqual({ entries: 1, broken: null });
  expect(answer.keys).toHaveLength(1);
  expect(answer.notes.join("\n")).toContain("dev-ed25519.priv is a private key");
  expect(answer.removed.filter((path) => path.startsWith("providers/")).sort()).toEqual([
    `${PROVIDER}/code_fix.agent.json`,
    `${PROVIDER}/search.agent.json`,
    `${PROVIDER}/summarize_1.0.0.agent.json`,
    `${PROVIDER}/summarize_1.0.0.agent.json.link`,
  ]);
  expect(readdirSync(person.path(PROVIDER)).sort()).toEqual(["mine.agent.json", "notes.txt"]);
  expect(readdirSync(person.path(".rtt/wal"))).toEqual([]);
  expect(existsSync(person.path(".rtt/linkmap.json"))).toBe(false);
  expect(answer.created).toEqual([
    ".rtt/manifests/mcp.claude.tool.summarize.json",
    ".rtt/manifests/mcp.claude.tool.search.json",
  ]);
  const { symbols } = await person.json<{ symbols: { address: string; id: string }[] }>("ls");
  expect(symbols.map(({ id }) => id).sort()).toEqual(
    [...PUBLISHED.cas.cases, ...PUBLISHED.mcp_tool_records].map(({ sha256 }) => sha256).sort(),
  );
  expect((await person.run("fsck")).code).toBe(0);
  const objects = person.path(".rtt/registry/cas/sha256");
  for (const name of readdirSync(objects).filter((one) => one.endsWith(".json"))) {
    expect(lstatSync(join(objects, name)).mode & 0o777).toBe(0o444);
  }
  const { trusted } = await person.json<{ trusted: readonly string[] }>("registry", "signers");
  expect(trusted).not.toContain(answer.keys[0]);
});

test("the next scan finds the same objects, and takes no manifest for another tool", async () => {
  const person = publishedPerson();
  await person.json("migrate");
  interface ScanAnswer {
    readonly problems: readonly object[];
    readonly registered: { readonly added: readonly string[]; readonly changed: readonly string[] };
  }
  const { problems, registered } = await person.json<ScanAnswer>("scan");
  expect(problems).toEqual([]);
  expect(registered.changed).toEqual([]);
  expect(registered.added).toEqual(["rtt://obs/extension/logger@1.3.0"]);
  expect((await person.json("migrate")).migration).toBeNull();
});

test("undoing brings back every byte, mode and link, and leaves nothing", async () => {
  const person = publishedPerson();
  const before = snapshot(person.root);
  await person.json("migrate");
  expect(snapshot(person.root)).not.toEqual(before);
  const undone = await person.json("migrate", "--undo");
  expect(undone).toMatchObject({ migration: 1, state: "undone" });
  expect(snapshot(person.root)).toEqual(before);
  expect((await person.json("migrate", "--undo")).migration).toBeNull();
  // And once more, to show that an undone migration is as if there had been none.
  expect((await person.json("migrate")).migration).toBe(1);
  await person.json("migrate", "--undo");
  expect(snapshot(person.root)).toEqual(before);
});

test("without a project and without a registry there is one afterwards, and none when it is undone", async () => {
  const person = publishedPerson();
  rmSync(person.path(".rtt"), { recursive: true });
  const before = snapshot(person.root);
  const { created, symbols } = await person.json("migrate");
  expect(created).toContain(".rtt/panel.yaml");
  expect(symbols).toEqual(expect.arrayContaining(TOOL_ADDRESSES));
  expect((await person.json<{ symbols: object[] }>("scan")).symbols.length).toBeGreaterThan(2);
  expect(await person.failure("migrate", "--undo")).toContain("symbols that the migration did not");
  await person.json("migrate", "--undo", "--force");
  const left = Object.keys(snapshot(person.root)).filter((path) => !(path in before));
  expect(left).toEqual([".rtt", ".rtt/cache", ".rtt/cache/scan.json"]);
});

test("a dry run tells the same and changes nothing", async () => {
  const person = publishedPerson();
  const before = snapshot(person.root);
  const told = await person.json("migrate", "--dry-run");
  expect(snapshot(person.root)).toEqual(before);
  const text = await person.run("migrate", "--dry-run");
  expect(text.out).toContain("put aside  .rtt/wal/LATEST");
  expect(text.out).toContain("rtt registry trust z6Mk");
  const done = await person.json("migrate");
  expect(told.removed).toEqual(done.removed);
  expect(told.created).toEqual(done.created);
  expect(told.symbols).toEqual(done.symbols);
});

test("a folder of nobody's tools has nothing to migrate", async () => {
  const person = new Person();
  writeFileSync(person.path("AGENTS.md"), "Be brief.\n");
  expect((await person.json("migrate")).migration).toBeNull();
  expect((await person.json("migrate", "--dry-run")).migration).toBeNull();
  expect((await person.run("migrate", "--undo")).out).toContain("nothing to migrate");
  expect(readdirSync(person.root)).toEqual(["AGENTS.md"]);
});

test("a project of ours keeps its registry; only what the published tools left there goes", async () => {
  const person = new Person();
  await person.run("init", person.root);
  writePublishedTree(person.root, {
    files: new Map(
      [
        [`.rtt/wal/${walFile()[0]}`, walFile()[1]],
        ["agents/common/x.txt", "x"],
        ["providers/providers.yaml", 'providers:\n  claude:\n    agent_target: "p/agents"\n'],
        [
          "connector-mcp/bridge.yaml",
          "mcp:\n  providers:\n    c:\n      tools_manifest: tools.json\n",
        ],
        ["tools.json", '{"tools": [{"name": "go"}]}'],
      ].map(([path, text]) => [path as string, new Uint8Array(Buffer.from(text as string))]),
    ),
    links: new Map([["p/agents", "../agents/common"]]),
  });
  const before = snapshot(person.root);
  const { removed, symbols } = await person.json("migrate");
  expect([...removed].sort()).toEqual([`.rtt/wal/${walFile()[0]}`, "p/agents"]);
  expect(symbols).toEqual(["rtt://mcp/c/tool/go@1.0.0"]);
  expect((await person.json<{ symbols: object[] }>("ls")).symbols).toHaveLength(1);
  await person.json("migrate", "--undo");
  expect((await person.json<{ symbols: object[] }>("ls")).symbols).toHaveLength(0);
  const { ".rtt/registry/index.json": _, ...after } = snapshot(person.root);
  const { ".rtt/registry/index.json": __, ...wanted } = before;
  for (const path of Object.keys(wanted)) expect(after[path]).toBe(wanted[path]);
});

// --- what is in the way ---

test("an object that is not what its name says stops the migration before anything changes", async () => {
  const person = publishedPerson();
  const objects = person.path(".rtt/registry/cas/sha256");
  const [name = ""] = readdirSync(objects);
  writeFileSync(join(objects, name), '{"id":"evil"}');
  const before = snapshot(person.root);
  expect(await person.failure("migrate")).toContain("object-corrupt");
  expect(snapshot(person.root)).toEqual(before);
});

test("of several objects for one address the published index decides; what nobody knows is put aside", async () => {
  const person = publishedPerson();
  const objects = person.path(".rtt/registry/cas/sha256");
  const wrapped = PUBLISHED.cas.cases.map(
    ({ canonical_utf8: text }) => `{"agent":${text},"type":"agent"}`,
  );
  for (const text of wrapped) {
    const id = createHash("sha256").update(text).digest("hex");
    writeFileSync(join(objects, `${id}.json`), text);
  }
  const odd = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
  writeFileSync(join(objects, `${odd}.json`), "{}");
  writeFileSync(join(objects, "README"), "hello");
  const before = snapshot(person.root);
  const { symbols, notes } = await person.json("migrate");
  expect([...symbols].sort()).toEqual([...AGENT_ADDRESSES, ...TOOL_ADDRESSES]);
  const aside = notes.filter((note) => note.includes("put aside, not registered"));
  expect(aside).toHaveLength(wrapped.length + 2);
  await person.json("migrate", "--undo");
  expect(snapshot(person.root)).toEqual(before);
});

test("a broken log is told, and put aside as it is", async () => {
  const person = publishedPerson();
  const path = person.path(".rtt/wal", walFile()[0]);
  writeFileSync(path, walFile()[1].replace("1.1.0", "1.1.1"));
  const { log, notes } = await person.json("migrate");
  expect(log?.broken).toContain("does not have the root of its content");
  expect(notes).toContain(log?.broken);
});

test("settings and lists that cannot be read stop it; routes and policies are only told", async () => {
  for (const [path, text] of [
    [".rtt/panel.yaml", "scan:\n  rootz: []\n"],
    ["providers/providers.yaml", "providers: 7\n"],
    ["connector-mcp/bridge.yaml", "mcp: []\n"],
    ["providers/claude/tools.json", '{"tools": [7]}'],
  ] as const) {
    const person = publishedPerson();
    writeFileSync(person.path(path), text);
    const before = snapshot(person.root);
    expect(await person.failure("migrate")).toContain("config-invalid");
    expect(snapshot(person.root)).toEqual(before);
  }
  const person = publishedPerson();
  writeFileSync(person.path(".rtt/routes.json"), '{"routes": 7}');
  expect((await person.json("migrate")).notes.join("\n")).toContain(".rtt/routes.json");
});

test("a registry behind a link, and a link on the way, are refused", async () => {
  const person = publishedPerson();
  renameSync(person.path(".rtt/registry"), person.path("elsewhere"));
  symlinkSync("../elsewhere", person.path(".rtt/registry"));
  expect(await person.failure("migrate")).toContain("path-denied");
  const other = publishedPerson();
  const outside = temporaryFolder();
  rmSync(other.path(".rtt/manifests"), { recursive: true });
  symlinkSync(outside, other.path(".rtt/manifests"));
  expect(await other.failure("migrate")).toContain("path-denied");
  expect(readdirSync(outside)).toEqual([]);
});

test("undoing refuses where a generation is in force, or somebody has the place by now", async () => {
  const person = publishedPerson();
  await person.json("migrate");
  writeFileSync(person.path(".rtt/linkmap.json"), "mine");
  expect(await person.failure("migrate", "--undo")).toContain(".rtt/linkmap.json is somebody's");
  rmSync(person.path(".rtt/linkmap.json"));
  writeFileSync(person.path(".rtt/generation.dsse.json"), "{}");
  expect(await person.failure("migrate", "--undo")).not.toContain("undone");
  rmSync(person.path(".rtt/generation.dsse.json"));
  await person.json("migrate", "--undo");
  writeFileSync(person.path(".rtt/generation.dsse.json"), "{}");
  expect(await person.failure("migrate")).not.toContain("is in force");
  expect(await person.failure("migrate", "--dry-run")).not.toContain("is in force");
});

test("the whole way: migrated, scanned, planned, applied, rolled back, and undone", async () => {
  const person = publishedPerson();
  const before = snapshot(person.root);
  await person.json("migrate");
  await person.json("scan");
  await person.json("plan");
  await person.json("apply");
  const shown = JSON.parse(
    readFileSync(person.path(PROVIDER, "search_1.0.0.agent.json"), "utf8"),
  ) as { readonly id: string };
  expect(shown.id).toBe("search");
  expect(readFileSync(person.path(PROVIDER, "mine.agent.json"), "utf8")).toContain("mine");
  expect(await person.failure("migrate", "--undo")).toContain("rtt rollback 0");
  await person.json("rollback", "0");
  await person.json("migrate", "--undo", "--force");
  const after = snapshot(person.root);
  for (const [path, content] of Object.entries(before))
    expect([path, after[path]]).toEqual([path, content]);
});

test("what somebody has changed since is theirs: an edited manifest stays", async () => {
  const person = publishedPerson();
  await person.json("migrate");
  const path = person.path(".rtt/manifests/mcp.claude.tool.search.json");
  writeFileSync(path, "edited");
  await person.json("migrate", "--undo");
  expect(readFileSync(path, "utf8")).toBe("edited");
});

test("a record that this node has not signed, or was changed, is not followed", async () => {
  const person = publishedPerson();
  await person.json("migrate");
  const path = person.path(".rtt/migration/1.dsse.json");
  const record = readFileSync(path, "utf8");
  for (const text of ["{}", record.replace(/"payload":"..../, '"payload":"AAAA')]) {
    writeFileSync(path, text);
    expect(await person.failure("migrate", "--undo")).toMatch(/invalid|malformed/);
  }
  writeFileSync(path, record);
  const stranger = new Person();
  mkdirSync(stranger.path(".rtt/migration"), { recursive: true });
  writeFileSync(stranger.path(".rtt/migration/1.dsse.json"), record);
  expect(await stranger.failure("migrate", "--undo")).toContain("signer-untrusted");
  renameSync(path, person.path(".rtt/migration/2.dsse.json"));
  expect(await person.failure("migrate", "--undo")).toContain("number is not that of its file");
});

test("a copy that was lost or changed stops the undoing before anything changes", async () => {
  const person = publishedPerson();
  await person.json("migrate");
  const kept = person.path(".rtt/migration/1");
  const [name = ""] = readdirSync(kept).filter((one) => {
    return readFileSync(join(kept, one), "utf8").startsWith("AAECAwQ");
  });
  const bytes = readFileSync(join(kept, name));
  chmodSync(join(kept, name), 0o600);
  writeFileSync(join(kept, name), "other");
  const before = snapshot(person.root);
  expect(await person.failure("migrate", "--undo")).toContain("object-corrupt");
  rmSync(join(kept, name));
  expect(await person.failure("migrate", "--undo")).toContain("object-missing");
  writeFileSync(join(kept, name), bytes, { mode: 0o600 });
  expect(Object.keys(snapshot(person.root))).toEqual(Object.keys(before));
  expect((await person.json("migrate", "--undo")).state).toBe("undone");
});

test("help, and words that exclude each other", async () => {
  const person = new Person();
  const help = await person.run("migrate", "--help");
  expect([help.code, help.out]).toEqual([0, expect.stringContaining("--json") as string]);
  expect(await person.failure("migrate", "--undo", "--dry-run")).toContain("exclude each other");
});
