/**
 * Goal: a view shows links to the registry's objects and merged configurations, and nothing of the user's is lost.
 * Method: real files in a temporary folder; plans are made, applied, taken back and disturbed in between.
 */
import { mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { planFilesBack } from "../../../../../host/shared/fabric/view/files/plan-files.ts";
import { failureCode } from "../../../../support/ports.ts";
import { server, ViewWorld } from "./world.ts";

const AGENT = ".cursor/agents/reviewer.md";

describe("links", () => {
  test("are further names of read-only objects", async () => {
    const world = await ViewWorld.open();
    const one = await world.link(AGENT, "You review.\n");
    const two = await world.link(".claude/agents/reviewer.md", "You review.\n", {
      view: "claude-code",
    });
    const { problems } = await world.apply([two, one]);
    expect(problems).toEqual([]);
    const object = statSync(world.registry.layout.content(one.object, "blob"));
    for (const path of [one.path, two.path]) {
      const shown = statSync(world.path(path));
      expect([shown.ino, shown.mode & 0o777]).toEqual([object.ino, 0o444]);
    }
    expect(object.nlink).toBe(3);
    expect(await world.plan([two, one])).toEqual({ files: [], problems: [], kept: [] });
  });

  test("go with their folders, and a folder of the user's stays", async () => {
    const world = await ViewWorld.open();
    mkdirSync(world.path(".claude"));
    await world.apply([
      await world.link(".claude/agents/a.md", "a"),
      await world.link(".cursor/agents/a.md", "a"),
    ]);
    await world.apply([]);
    expect(readdirSync(world.root).sort()).toEqual([".claude", ".rtt"]);
    expect(readdirSync(world.path(".claude"))).toEqual([]);
    expect(world.generation?.files).toEqual([]);
  });

  test("change in one step, and go back", async () => {
    const world = await ViewWorld.open();
    await world.apply([await world.link(AGENT, "one")]);
    const planned = await world.plan([
      await world.link(AGENT, "two"),
      await world.link("x/y.md", "y"),
    ]);
    const forward = world.transaction(planned.files);
    await world.prepare(forward);
    expect(await world.text(AGENT)).toBe("one");
    await world.commit(forward);
    expect(await world.wrong(forward)).toEqual([]);
    expect(await world.text(AGENT)).toBe("two");
    const back = world.back(forward);
    await world.prepare(back);
    await world.commit(back);
    await world.abort(forward);
    expect(await world.wrong(back)).toEqual([]);
    expect(await world.text(AGENT)).toBe("one");
    expect(readdirSync(world.root).sort()).toEqual([".cursor", ".rtt"]);
  });

  test("take the place of a file with the same bytes", async () => {
    const world = await ViewWorld.open();
    await world.write(AGENT, "same");
    const link = await world.link(AGENT, "same", { isSource: true });
    await world.apply([link]);
    const object = statSync(world.registry.layout.content(link.object, "blob"));
    expect(statSync(world.path(AGENT)).ino).toBe(object.ino);
  });

  test.each([
    ["a program that may be run", 0o755],
    ["a file that nobody else may read", 0o600],
  ])("leave %s to the user", async (_, mode) => {
    const world = await ViewWorld.open();
    await world.write("run.sh", "#!/bin/sh\n", mode);
    const planned = await world.apply([await world.link("run.sh", "#!/bin/sh\n")]);
    expect(planned).toEqual({ files: [], problems: [], kept: ["run.sh"] });
    expect(statSync(world.path("run.sh")).mode & 0o777).toBe(mode);
  });

  test("leave another file as it is, and a source without a word", async () => {
    const world = await ViewWorld.open();
    await world.write(AGENT, "mine");
    await world.write("b.md", "mine too");
    const planned = await world.apply([
      await world.link(AGENT, "theirs"),
      await world.link("b.md", "theirs", { isSource: true }),
    ]);
    expect(planned.files).toEqual([]);
    expect(planned.kept).toEqual(["b.md"]);
    expect(planned.problems.map(({ code, path }) => [code, path])).toEqual([
      ["view-conflict", AGENT],
    ]);
    expect(await world.text(AGENT)).toBe("mine");
  });

  test("leave what somebody has changed, and come back where they were removed", async () => {
    const world = await ViewWorld.open();
    const links = [await world.link("a.md", "a"), await world.link("b.md", "b")];
    await world.apply(links);
    await world.write("a.md", "edited");
    await world.files.remove(world.path("b.md"));
    const planned = await world.apply(links);
    expect(planned.problems.map(({ code, path }) => [code, path])).toEqual([
      ["view-drift", "a.md"],
    ]);
    expect([await world.text("a.md"), await world.text("b.md")]).toEqual(["edited", "b"]);
    const without = await world.apply([]);
    expect(without.problems.map(({ code, path }) => [code, path])).toEqual([
      ["view-drift", "a.md"],
    ]);
    expect([await world.text("a.md"), await world.text("b.md")]).toEqual(["edited", null]);
  });
});

describe("a link in place of the user's own file", () => {
  test("becomes a plain file of its own again when it is no longer wanted", async () => {
    const world = await ViewWorld.open();
    await world.write(AGENT, "one");
    const link = await world.link(AGENT, "one");
    await world.apply([link]);
    const { files } = await world.apply([]);
    expect(files.map(({ how }) => how)).toEqual(["restore"]);
    const { ino, mode, nlink } = statSync(world.path(AGENT));
    expect(ino).not.toBe(statSync(world.registry.layout.content(link.object, "blob")).ino);
    expect([mode & 0o777, nlink, await world.text(AGENT)]).toEqual([0o644, 1, "one"]);
    expect(world.generation?.files).toEqual([]);
    expect((await world.plan([])).files).toEqual([]);
    await world.apply([link]);
    expect(statSync(world.path(AGENT)).nlink).toBe(2);
  });

  test("gets its first bytes back on the way back, and its last ones otherwise", async () => {
    for (const [isBack, text] of [[true, "one"] as const, [false, "two"] as const]) {
      const world = await ViewWorld.open();
      await world.write(AGENT, "one");
      await world.apply([await world.link(AGENT, "one")]);
      await world.apply([await world.link(AGENT, "two")]);
      await (isBack ? world.rollback(null) : world.apply([]));
      expect(await world.text(AGENT)).toBe(text);
      expect(statSync(world.path(AGENT)).mode & 0o777).toBe(0o644);
    }
  });

  test("stays as somebody has edited it", async () => {
    const world = await ViewWorld.open();
    await world.write(AGENT, "one");
    await world.apply([await world.link(AGENT, "one")]);
    await world.write(AGENT, "edited");
    await world.rollback(null);
    expect(await world.text(AGENT)).toBe("edited");
    expect(world.generation?.files).toEqual([]);
  });

  test("is a link once more when its end is taken back", async () => {
    const world = await ViewWorld.open();
    await world.write(AGENT, "one");
    await world.apply([await world.link(AGENT, "one")]);
    await world.apply([await world.link(AGENT, "two")]);
    const { ports, root, registry, generation } = world;
    const planned = await planFilesBack(ports, root, registry, { files: [] }, generation);
    const forward = world.transaction(planned.files);
    await world.prepare(forward);
    await world.commit(forward);
    expect(await world.text(AGENT)).toBe("one");
    const back = world.back(forward);
    await world.prepare(back);
    await world.commit(back);
    expect([await world.text(AGENT), statSync(world.path(AGENT)).nlink]).toEqual(["two", 2]);
  });

  test("that is gone is let go of", async () => {
    const world = await ViewWorld.open();
    await world.apply([await world.link(AGENT, "one")]);
    await world.files.remove(world.path(AGENT));
    await world.apply([]);
    expect(world.generation?.files).toEqual([]);
  });
});

describe("merges", () => {
  const TEXT = '{\n  // mine\n  "theme": "dark"\n}\n';

  test("come into a file and out of it, byte for byte, with its mode", async () => {
    const world = await ViewWorld.open();
    await world.write("mcp.json", TEXT, 0o600);
    await world.apply([await world.merge("mcp.json", "jsonc", [server("a"), server("b")])]);
    expect(await world.text("mcp.json")).toContain('"theme": "dark",\n  "mcpServers": {\n    "a"');
    expect(statSync(world.path("mcp.json")).mode & 0o777).toBe(0o600);
    const kept = readdirSync(world.path(".rtt/private/sha256"));
    expect(kept).toHaveLength(1);
    expect(statSync(world.path(`.rtt/private/sha256/${kept[0]}`)).mode & 0o777).toBe(0o600);
    await world.apply([await world.merge("mcp.json", "jsonc", [server("b", "node")])]);
    expect(await world.text("mcp.json")).not.toContain('"a"');
    await world.apply([]);
    expect(await world.text("mcp.json")).toBe(TEXT);
    expect(world.generation?.files).toEqual([]);
    // What nothing can go back to any more is not kept either, nor does a repository take it in.
    await world.apply([await world.link("x.md", "x")]);
    expect(readdirSync(world.path(".rtt/private/sha256"))).toEqual([]);
    expect(await world.text(".rtt/private/.gitignore")).toBe("*\n");
  });

  test("make a file and take it away", async () => {
    const world = await ViewWorld.open();
    await world.apply([await world.merge(".cursor/mcp.json", "json", [server("a")])]);
    expect(JSON.parse((await world.text(".cursor/mcp.json")) ?? "")).toEqual({
      mcpServers: { a: { command: "npx", args: ["-y", "a"] } },
    });
    await world.apply([]);
    expect(readdirSync(world.root)).toEqual([".rtt"]);
  });

  test("make a file anew that somebody has deleted, or let go of it", async () => {
    const world = await ViewWorld.open();
    await world.write("mcp.json", TEXT);
    const fields = await world.merge("mcp.json", "jsonc", [server("a")]);
    await world.apply([fields]);
    await world.files.remove(world.path("mcp.json"));
    expect((await world.apply([fields])).problems).toEqual([]);
    expect(JSON.parse((await world.text("mcp.json")) ?? "")).toEqual({
      mcpServers: { a: { command: "npx", args: ["-y", "a"] } },
    });
    await world.files.remove(world.path("mcp.json"));
    await world.apply([]);
    expect([await world.text("mcp.json"), world.generation?.files]).toEqual([null, []]);
  });

  test("own only what they have put there", async () => {
    const world = await ViewWorld.open();
    const mine = { mcpServers: { a: { command: "mine" }, same: server("same").value } };
    await world.write("mcp.json", JSON.stringify(mine));
    const fields = [server("a"), server("b"), server("same")];
    const planned = await world.apply([await world.merge("mcp.json", "json", fields)]);
    expect(planned.problems.map(({ code, message }) => [code, message])).toEqual([
      ["view-conflict", "mcpServers.a has another value there, which stays"],
    ]);
    await world.apply([]);
    expect(await world.text("mcp.json")).toBe(JSON.stringify(mine));
  });

  test("do not mind what the user does beside them, and keep what the user does to them", async () => {
    const world = await ViewWorld.open();
    await world.write("mcp.json", TEXT);
    const fields = [server("a"), server("b"), server("c")];
    await world.apply([await world.merge("mcp.json", "jsonc", fields)]);
    const text = (await world.text("mcp.json")) ?? "";
    await world.write("mcp.json", text.replace("dark", "light").replace('["-y", "b"]', '["mine"]'));
    const planned = await world.apply([await world.merge("mcp.json", "jsonc", [server("c")])]);
    expect(planned.problems.map(({ code, message }) => [code, message])).toEqual([
      ["view-drift", "mcpServers.b was edited, which stays so"],
    ]);
    const after = (await world.text("mcp.json")) ?? "";
    expect(after).toContain("light");
    expect(after).toContain('["mine"]');
    expect(after).not.toContain('"a"');
    expect(after).toContain("// mine");
  });

  test("go back to the bytes that were there", async () => {
    const world = await ViewWorld.open();
    const odd = '{ "mcpServers"  : {  } }';
    await world.write("mcp.json", odd);
    const planned = await world.plan([await world.merge("mcp.json", "json", [server("a")])]);
    const forward = world.transaction(planned.files);
    await world.prepare(forward);
    await world.commit(forward);
    const back = world.back(forward);
    await world.prepare(back);
    await world.commit(back);
    await world.abort(forward);
    expect(await world.text("mcp.json")).toBe(odd);
    expect(readdirSync(world.path(".rtt/private/sha256"))).toEqual([]);
    expect(readdirSync(world.path(".rtt/staging"))).toEqual([]);
  });

  test.each([
    ["twice", '{"a": 1, "a": 2}', "duplicate-key"],
    ["a prototype", '{"__proto__": {}}', "prototype-name"],
    ["broken", '{"a": ', "not-json"],
    ["empty", "", "not-json"],
    ["too deep", `${'{"a":'.repeat(40)}1${"}".repeat(40)}`, "too-deep"],
    ["no object", "[]", "field-type"],
  ])("leave a configuration alone that is %s", async (_, text, rule) => {
    const world = await ViewWorld.open();
    await world.write("mcp.json", text);
    const planned = await world.apply([await world.merge("mcp.json", "json", [server("a")])]);
    expect(planned.files).toEqual([]);
    expect(planned.problems[0]?.code).toBe("view-conflict");
    expect(planned.problems[0]?.message).toContain(rule);
    expect(await world.text("mcp.json")).toBe(text);
  });
});

describe("bad surroundings", () => {
  test("a link on the way is not followed", async () => {
    const world = await ViewWorld.open();
    const outside = (await ViewWorld.open()).root;
    symlinkSync(outside, world.path(".cursor"));
    symlinkSync(world.path("loop"), world.path("loop"));
    symlinkSync(`${outside}/x.json`, world.path("mcp.json"));
    const planned = await world.plan([
      await world.link(AGENT, "a"),
      await world.link("loop/a.md", "a"),
      await world.merge("mcp.json", "json", [server("a")]),
    ]);
    expect(planned.files).toEqual([]);
    expect(planned.problems.map(({ code, path }) => [code, path])).toEqual([
      ["path-denied", AGENT],
      ["path-denied", "loop/a.md"],
      ["view-conflict", "mcp.json"],
    ]);
    expect(readdirSync(outside)).toEqual([]);
  });

  test("a link that comes between vote and commit stops the commit", async () => {
    const world = await ViewWorld.open();
    const outside = (await ViewWorld.open()).root;
    const { files } = await world.plan([await world.link(AGENT, "a")]);
    const transaction = world.transaction(files);
    await world.prepare(transaction);
    symlinkSync(outside, world.path(".cursor"));
    expect(await failureCode(() => world.commit(transaction))).toBe("path-denied");
    expect(readdirSync(outside)).toEqual([]);
  });

  test("a folder in place of a file, and a file in place of a folder, stay", async () => {
    const world = await ViewWorld.open();
    mkdirSync(world.path("a.md"));
    writeFileSync(world.path(".cursor"), "mine");
    const planned = await world.plan([await world.link("a.md", "a"), await world.link(AGENT, "a")]);
    expect(planned.files).toEqual([]);
    expect(planned.problems.map(({ code }) => code)).toEqual(["view-conflict", "view-conflict"]);
  });

  test("a merge that would not give what the plan says refuses", async () => {
    const world = await ViewWorld.open();
    await world.write("mcp.json", '{"mine": 1}');
    const [file] = (await world.plan([await world.merge("mcp.json", "json", [server("a")])])).files;
    if (file === undefined) throw new Error("nothing is planned");
    const forged = world.transaction([{ ...file, after: `sha256:${"a".repeat(64)}` }]);
    expect(await failureCode(() => world.prepare(forged))).toBe("plan-stale");
    await world.abort(forged);
    expect(await world.text("mcp.json")).toBe('{"mine": 1}');
  });

  test("what is edited between vote and removal stays", async () => {
    const world = await ViewWorld.open();
    await world.apply([await world.link("a.md", "a")]);
    const transaction = world.transaction((await world.plan([])).files);
    await world.prepare(transaction);
    await world.write("a.md", "mine");
    await world.commit(transaction);
    expect(await world.text("a.md")).toBe("mine");
    expect(await world.wrong(transaction)).toEqual(["a.md"]);
  });

  test("what changes between plan and vote refuses, what changes after it stays", async () => {
    const world = await ViewWorld.open();
    await world.apply([await world.link("a.md", "a"), await world.link("b.md", "b")]);
    const desired = [await world.link("a.md", "a2"), await world.link("b.md", "b2")];
    const transaction = world.transaction((await world.plan(desired)).files);
    await world.write("a.md", "mine");
    expect(await failureCode(() => world.prepare(transaction))).toBe("plan-stale");
    await world.abort(transaction);
    await world.files.remove(world.path("a.md"));
    const again = world.transaction((await world.plan(desired)).files);
    await world.prepare(again);
    await world.write("b.md", "mine");
    await world.commit(again);
    expect(await world.wrong(again)).toEqual(["b.md"]);
    expect([await world.text("a.md"), await world.text("b.md")]).toEqual(["a2", "mine"]);
    const back = world.back(again);
    await world.prepare(back);
    await world.commit(back);
    expect(await world.wrong(back)).toEqual(["b.md"]);
    expect([await world.text("a.md"), await world.text("b.md")]).toEqual([null, "mine"]);
  });
});
