import { expect, test } from "vitest";
import { nodeFiles } from "../../../../host/node/files.ts";
import { nodeFolders } from "../../../../host/node/folders.ts";
import { foldersOver } from "../../../../host/shared/fabric/discovery/folders.ts";
import { ScanCache } from "../../../../host/shared/fabric/discovery/scan-cache.ts";
import { scanTree } from "../../../../host/shared/fabric/discovery/scan.ts";
import { failureCode, testPorts } from "../../../support/ports.ts";
import { linkIn, toolFolder, writeTree } from "../../../support/tool-folders.ts";

const slow = foldersOver(nodeFiles);

/** Files of every tool, and links of every kind. */
function folderWithLinks(): string {
  const folder = toolFolder();
  linkIn(folder, ".claude/agents/loop", "..");
  linkIn(folder, ".claude/agents/gone.md", "nowhere.md");
  linkIn(folder, "CLAUDE.md", "AGENTS.md");
  return folder;
}

test("a folder and its files are the same, seen singly or many at a time", async () => {
  const folder = folderWithLinks();
  for (const path of [folder, `${folder}/.claude/agents`, `${folder}/none`]) {
    const entries = [...(await nodeFolders.entries(path))].sort((a, b) =>
      a.name < b.name ? -1 : 1,
    );
    expect(entries).toEqual(await slow.entries(path));
    const paths = [...entries.map(({ name }) => `${path}/${name}`), `${path}/none`];
    expect(await nodeFolders.infos(paths)).toEqual(await slow.infos(paths));
  }
});

test("what fails, fails with the same code", async () => {
  const file = `${toolFolder()}/AGENTS.md`;
  const ways = [nodeFolders, slow].map((folders) => failureCode(() => folders.entries(file)));
  expect(await Promise.all(ways)).toEqual(["folder-unwritable", "folder-unwritable"]);
  const infos = [nodeFolders, slow].map((folders) =>
    failureCode(() => folders.infos([`${file}/x`])),
  );
  expect(await Promise.all(infos)).toEqual(["folder-unwritable", "folder-unwritable"]);
});

test("a scan finds the same, problems included", async () => {
  const folder = folderWithLinks();
  writeTree(folder, { ".cursor/mcp.json": "{" });
  const [one, other] = await Promise.all(
    [nodeFolders, slow].map(async (folders) => {
      const ports = { ...testPorts(), folders };
      const cache = await ScanCache.open(ports, null, folder);
      return scanTree(ports, [folder], cache, { base: folder, ignore: [] });
    }),
  );
  expect(one?.problems.map(({ rule }) => rule)).toEqual(["link-broken", "link-loop", "not-json"]);
  expect(one?.found.length).toBeGreaterThan(10);
  expect(one).toEqual(other);
});
