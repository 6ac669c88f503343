import { readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ScanCache } from "../../../../host/shared/fabric/discovery/scan-cache.ts";
import { testPorts } from "../../../support/ports.ts";
import {
  scanFolder,
  type ScannedFolder,
  SECRET,
  toolFolder,
  writeTree,
} from "../../../support/tool-folders.ts";

const ports = testPorts();
const AGENT = ".claude/agents/reviewer.md";

/** A scan with the cache of the last one. */
async function scanAgain(folder: string): Promise<ScannedFolder> {
  const cache = await ScanCache.open(ports, join(folder, ".rtt/cache/scan.json"), folder);
  const scan = await scanFolder(folder, { cache });
  await cache.save();
  return scan;
}

test("a second scan reads nothing and answers the same", async () => {
  const folder = toolFolder();
  const first = await scanAgain(folder);
  const second = await scanAgain(folder);
  expect(first.stats.read).toBe(first.stats.files);
  expect(second.stats.read).toBe(0);
  expect(second.found).toEqual(first.found);
  expect(second.problems).toEqual(first.problems);
});

test("what has changed is read, what is gone is forgotten, and the cache holds no secret", async () => {
  const folder = toolFolder();
  await scanAgain(folder);
  const text = readFileSync(join(folder, AGENT), "utf8");
  writeTree(folder, { [AGENT]: text.replace("sonnet", "opus") }, 1_700_000_100_000);
  rmSync(join(folder, ".mcp.json"));
  const scan = await scanAgain(folder);
  expect(scan.stats.read).toBe(1);
  expect(JSON.stringify(scan.at("rtt://local/agent/reviewer@1.0.0").body)).toContain("opus");
  expect(scan.addresses).not.toContain("rtt://local/mcp-server/docs@1.0.0");
  const cache = readFileSync(join(folder, ".rtt/cache/scan.json"), "utf8");
  expect(cache).not.toContain(SECRET);
  expect(cache).not.toContain("docs.example");
});

test("a change that kept size and time is seen when every file is read", async () => {
  const folder = toolFolder();
  await scanAgain(folder);
  const path = join(folder, AGENT);
  const { mtime } = statSync(path);
  writeFileSync(path, readFileSync(path, "utf8").replace("sonnet", "falcon"));
  utimesSync(path, mtime, mtime);
  const cache = await ScanCache.open(ports, join(folder, ".rtt/cache/scan.json"), folder);
  expect(JSON.stringify((await scanFolder(folder, { cache })).found)).toContain("sonnet");
  expect(JSON.stringify((await scanFolder(folder, { cache, isFull: true })).found)).toContain(
    "falcon",
  );
});

test("a file that changed a moment ago, or in the future, is read again", async () => {
  const folder = toolFolder();
  const text = readFileSync(join(folder, AGENT), "utf8");
  for (const changedMs of [Date.now(), Date.now() + 3_600_000]) {
    writeTree(folder, { [AGENT]: text }, changedMs);
    await scanAgain(folder);
    writeTree(folder, { [AGENT]: text.replace("sonnet", "falcon") }, changedMs);
    expect(JSON.stringify((await scanAgain(folder)).found)).toContain("falcon");
  }
});

test("a cache that was changed, or belongs to another folder, counts as empty", async () => {
  const folder = toolFolder();
  const path = join(folder, ".rtt/cache/scan.json");
  await scanAgain(folder);
  const good = readFileSync(path, "utf8");
  const bad = ["", "{}", good.slice(1), good.replace("sonnet", "falcon"), good.replace("v1", "v0")];
  for (const text of [...bad, good.replace(`"base":"${folder}"`, '"base":"/elsewhere"')]) {
    expect(text).not.toBe(good);
    writeFileSync(path, text);
    const scan = await scanAgain(folder);
    expect(scan.stats.read).toBe(scan.stats.files);
    expect(JSON.stringify(scan.found)).toContain("sonnet");
  }
});

test("a new file of a skill makes another skill, although SKILL.md is the same", async () => {
  const folder = toolFolder();
  await scanAgain(folder);
  for (const tool of [".claude", ".agents"])
    writeTree(folder, { [`${tool}/skills/pdf/b.txt`]: "b" });
  const scan = await scanAgain(folder);
  expect(scan.stats.read).toBe(2);
  const { contents } = scan.at("rtt://local/skill/pdf@1.2.0");
  expect(new Set(contents.map(({ id }) => id)).size).toBe(3);
  expect(contents).toHaveLength(6);
});
