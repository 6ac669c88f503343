/**
 * Goal: on disks without links, on disks that ignore case, beside huge files and hostile paths, views do what can be
 * done, say what cannot, and lose nothing.
 * Method: doubles of the files port that behave as such disks do, and plans with paths that no honest plan has.
 */
import { describe, expect, test } from "vitest";
import { viewStatus } from "../../../../../host/shared/fabric/view/status/status.ts";
import { mergeConfig } from "../../../../../host/shared/fabric/view/merge/merge.ts";
import type { FileIdentity } from "../../../../../host/shared/ports/files.ts";
import { nodeFiles } from "../../../../../host/node/files.ts";
import { failureCode } from "../../../../support/ports.ts";
import { MemoryFiles } from "../../../../support/memory-files.ts";
import { server, ViewWorld } from "./world.ts";

const PATH = ".cursor/agents/a.md";

/** A disk without hard links. */
const noLinks = { ...nodeFiles, link: async () => false };

/** A disk on which "A.md" and "a.md" are one file, as on most Macs and on Windows. */
class CaseBlindFiles extends MemoryFiles {
  override read(path: string) {
    return super.read(path.toLowerCase());
  }
  override write(path: string, bytes: Uint8Array) {
    return super.write(path.toLowerCase(), bytes);
  }
  override create(path: string, bytes: Uint8Array) {
    return super.create(path.toLowerCase(), bytes);
  }
  override link(source: string, path: string) {
    return super.link(source.toLowerCase(), path.toLowerCase());
  }
  override remove(path: string) {
    return super.remove(path.toLowerCase());
  }
  override info(path: string) {
    return super.info(path.toLowerCase());
  }
  override identity(path: string): Promise<FileIdentity | null> {
    return super.identity(path.toLowerCase());
  }
}

describe("a disk without links", () => {
  test("gets nothing, unless copies are allowed", async () => {
    const world = await ViewWorld.open(noLinks);
    const { files } = await world.plan([await world.link(PATH, "a")]);
    const transaction = world.transaction(files);
    expect(await failureCode(() => world.prepare(transaction))).toBe("link-unsupported");
    await world.abort(transaction);
    expect(await nodeFiles.list(world.root)).toEqual([".rtt"]);
  });

  test("gets copies that are counted and no drift, where they are allowed", async () => {
    const world = await ViewWorld.open(noLinks, undefined, { mayCopy: true });
    const links = [await world.link(PATH, "four"), await world.link("b.md", "four")];
    await world.apply([...links, await world.merge("mcp.json", "json", [server("a")])]);
    const { ports, root, registry, generation } = world;
    const report = await viewStatus(ports, root, registry, generation);
    expect(report).toMatchObject({ ok: true, files: 2, copies: 2, duplicateBytes: 8, merged: 1 });
    expect((await nodeFiles.info(world.path(PATH)))?.mode).toBe(0o444);
    expect((await world.plan([...links])).files.map(({ path }) => path)).toEqual(["mcp.json"]);
    await world.apply([]);
    expect(await nodeFiles.list(world.root)).toEqual([".rtt"]);
  });

  test("that runs out of links after the vote gets a copy", async () => {
    let left = 1;
    const files = {
      ...nodeFiles,
      link: async (source: string, path: string) =>
        left-- > 0 ? nodeFiles.link(source, path) : false,
    };
    const world = await ViewWorld.open(files);
    await world.apply([await world.link(PATH, "a")]);
    const { ports, root, registry, generation } = world;
    const report = await viewStatus(ports, root, registry, generation);
    expect(report).toMatchObject({ ok: true, copies: 1, duplicateBytes: 1 });
    // Once there are links again, the next change of it makes one.
    left = Number.POSITIVE_INFINITY;
    await world.apply([await world.link(PATH, "b")]);
    const after = await viewStatus(ports, root, registry, world.generation);
    expect(after).toMatchObject({ ok: true, copies: 0, duplicateBytes: 0 });
  });
});

describe("a disk that ignores case", () => {
  test("keeps the user's file of the same name", async () => {
    const world = await ViewWorld.open(new CaseBlindFiles(), "/p");
    await world.write("agents.md", "mine");
    const planned = await world.plan([await world.link("AGENTS.md", "theirs")]);
    expect(planned.problems.map(({ code }) => code)).toEqual(["view-conflict"]);
    expect(await world.text("agents.md")).toBe("mine");
  });

  test("shows a file under another spelling of its name", async () => {
    const world = await ViewWorld.open(new CaseBlindFiles(), "/p");
    await world.apply([await world.link("Agent.md", "one")]);
    await world.apply([await world.link("agent.md", "two")]);
    expect(await world.text("AGENT.md")).toBe("two");
    expect(world.generation?.files.map(({ path }) => path)).toEqual(["agent.md"]);
  });
});

describe("what this machine remembers", () => {
  test.each(["", "{", "[]", '{"folders": 1, "copies": [2]}'])("may be lost: %j", async (book) => {
    const world = await ViewWorld.open();
    const link = await world.link(PATH, "a");
    await world.apply([link]);
    await world.write(".rtt/private/view-book.json", book);
    expect(await world.plan([link])).toEqual({ files: [], problems: [], kept: [] });
    await world.apply([]);
    // Nobody knows any more who made the folder, so it stays.
    expect(await nodeFiles.list(world.path(".cursor/agents"))).toEqual([]);
    expect(await nodeFiles.list(world.path(".cursor"))).toEqual(["agents"]);
  });

  test("without the first bytes of a configuration it still says what it said", async () => {
    const world = await ViewWorld.open();
    await world.write("mcp.json", '{ "mine"  : 1 }');
    await world.apply([await world.merge("mcp.json", "json", [server("a"), server("b")])]);
    for (const name of await nodeFiles.list(world.path(".rtt/private/sha256"))) {
      await nodeFiles.remove(world.path(`.rtt/private/sha256/${name}`));
    }
    await world.apply([await world.merge("mcp.json", "json", [server("b", "node")])]);
    await world.apply([]);
    const left = JSON.parse((await world.text("mcp.json")) ?? "") as object;
    expect(left).toEqual({ mine: 1, mcpServers: {} });
  });

  test("a configuration that is no text is left alone", async () => {
    const world = await ViewWorld.open();
    await nodeFiles.write(world.path("mcp.json"), Uint8Array.of(0x7b, 0xff, 0x7d), 0o644);
    const planned = await world.plan([await world.merge("mcp.json", "json", [server("a")])]);
    expect(planned.problems.map(({ code }) => code)).toEqual(["view-conflict"]);
  });
});

describe("paths", () => {
  test.each([
    "../outside.md",
    "a/../../outside.md",
    "/etc/passwd",
    ".rtt/registry/index.json",
    ".RTT/registry/index.json",
    "a//b.md",
    "a\\b.md",
    "a\u0000.md",
    "c:evil.md",
    "",
  ])("%j is refused", async (path) => {
    const world = await ViewWorld.open();
    const planned = await world.plan([await world.link(path, "a")]);
    expect(planned.files).toEqual([]);
    expect(planned.problems.map(({ code }) => code)).toEqual(["path-denied"]);
  });
});

describe("large configurations", () => {
  const large = (count: number): string =>
    `{\n${Array.from({ length: count }, (_, at) => `  "key${at}": { "a": [1, 2, "x"] }, // ${at}`).join("\n")}\n  "last": 1\n}\n`;

  test("of megabytes are merged into", () => {
    const now = large(20_000);
    const wanted = Array.from({ length: 200 }, (_, at) =>
      server(`s${String(at).padStart(3, "0")}`),
    );
    const outcome = mergeConfig({ format: "jsonc", now, last: [], wanted, original: now });
    expect(outcome.ok && outcome.owned).toHaveLength(200);
    if (!outcome.ok) return;
    const last = { now: outcome.text, last: outcome.owned, original: undefined };
    const undone = mergeConfig({ format: "jsonc", ...last, wanted: [] });
    expect(undone.ok && undone.text?.length).toBe(now.length + ',\n  "mcpServers": {}'.length);
  });

  test("that are too large for an object are left alone", async () => {
    const world = await ViewWorld.open();
    await world.write("mcp.json", large(260_000));
    const planned = await world.plan([await world.merge("mcp.json", "jsonc", [server("a")])]);
    expect(planned.files).toEqual([]);
    expect(planned.problems.map(({ code }) => code)).toEqual(["view-conflict"]);
  });
});
