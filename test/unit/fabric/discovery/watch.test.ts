/**
 * Goal: a watching scan sees every change that a scan would see, however it is made, and no other, and ends when told.
 * Method: real folders watched by the system while files in them are written, replaced, moved and removed; the whole
 * program with an interrupt; and a host that cannot watch.
 */
import { type ChildProcessWithoutNullStreams as Child, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, onTestFinished, test, vi } from "vitest";
import { runCli } from "../../../../host/node/cli.ts";
import { openFolderWatcher } from "../../../../host/node/folder-watcher.ts";
import { nodeFiles } from "../../../../host/node/files.ts";
import {
  type FolderChange,
  type WatchPorts,
  watchScans,
} from "../../../../host/shared/fabric/discovery/watch.ts";
import type { Clock } from "../../../../host/shared/ports/clock.ts";
import { nodeClock } from "../../../../host/node/clock.ts";
import { temporaryFolder } from "../../../support/ports.ts";
import { MAIN } from "../../../support/rtt.ts";
import {
  linkIn,
  scanFolder,
  type ScannedFolder,
  toolFolder,
  writeTree,
} from "../../../support/tool-folders.ts";

const agent = (name: string, text = "Go."): string =>
  `---\nname: ${name}\ndescription: d\n---\n${text}\n`;

/** Longer than any change takes to be noticed, shorter than anybody would wait. */
const BOUND_MS = 20_000;
/** Long enough for a needless scan to begin. */
const IDLE_MS = 400;

const PORTS: WatchPorts = { clock: nodeClock, files: nodeFiles, openWatcher: openFolderWatcher };

/** A folder that is being watched, and its scans. */
class Watched {
  readonly folder: string;
  readonly scans: ScannedFolder[] = [];
  isScanning = true;
  #tookMs = 0;
  readonly ended: Promise<void>;
  readonly end: () => void;

  constructor(folder: string, ports: WatchPorts = PORTS) {
    this.folder = folder;
    let end = (): void => {};
    const until = new Promise<void>((resolve) => (end = resolve));
    this.end = end;
    this.ended = watchScans(ports, {
      until,
      scan: async () => {
        this.isScanning = true;
        const beganMs = performance.now();
        const scan = await scanFolder(folder, { ignore: ["node_modules"] });
        this.scans.push(scan);
        this.#tookMs = performance.now() - beganMs;
        this.isScanning = false;
        return { ...scan, base: { root: folder } };
      },
    });
    onTestFinished(async () => {
      end();
      await this.ended;
    });
  }

  /** Waits until a scan has found what is wanted. */
  async until(isSo: (scan: ScannedFolder) => boolean): Promise<void> {
    await vi.waitFor(
      () => {
        const last = this.scans.at(-1);
        expect(last !== undefined && isSo(last)).toBe(true);
      },
      { timeout: BOUND_MS, interval: 10 },
    );
  }

  /** Waits until no scan is due any more; after a scan comes a pause as long as the scan was. */
  async quiet(): Promise<number> {
    for (let count = -1; count !== this.scans.length || this.isScanning;) {
      count = this.scans.length;
      await new Promise((resolve) => setTimeout(resolve, IDLE_MS + 2 * this.#tookMs));
    }
    return this.scans.length;
  }
}

const bodyOf = (scan: ScannedFolder, name: string): string =>
  JSON.stringify(scan.found.find(({ address }) => address.name === name)?.body ?? "");

test("a file that is written, replaced by a rename, moved and removed is seen each time", async () => {
  const folder = toolFolder({ ".claude/agents/a.md": agent("a") });
  const watched = new Watched(folder);
  await watched.quiet();
  const path = join(folder, ".claude/agents/a.md");
  writeFileSync(path, agent("a", "Written."));
  await watched.until((scan) => bodyOf(scan, "a").includes("Written"));
  // As editors do it: a new file beside the old one, and then in its place.
  writeFileSync(`${path}.swp`, agent("a", "Replaced."));
  renameSync(`${path}.swp`, path);
  await watched.until((scan) => bodyOf(scan, "a").includes("Replaced"));
  writeFileSync(path, agent("a", "Again."));
  await watched.until((scan) => bodyOf(scan, "a").includes("Again"));
  renameSync(path, join(folder, ".claude/agents/b.md"));
  await watched.until((scan) => scan.paths.has(join(folder, ".claude/agents/b.md")));
  rmSync(join(folder, ".claude/agents/b.md"));
  await watched.until((scan) => scan.addresses.length === 0);
});

test("folders that come, go and come again are watched", async () => {
  const folder = toolFolder({ "readme.txt": "nothing" });
  const watched = new Watched(folder);
  await watched.quiet();
  const path = join(folder, "services/search/.claude/agents/a.md");
  for (const text of ["First.", "Second."]) {
    mkdirSync(join(path, ".."), { recursive: true });
    writeFileSync(path, agent("a", text));
    await watched.until((scan) => bodyOf(scan, "a").includes(text));
    await watched.quiet();
    writeFileSync(path, agent("a", `${text} Changed.`));
    await watched.until((scan) => bodyOf(scan, "a").includes("Changed"));
    rmSync(join(folder, "services"), { recursive: true });
    await watched.until((scan) => scan.addresses.length === 0);
  }
});

test("what a link leads to is watched, and so is a skill's script", async () => {
  const folder = toolFolder({
    "docs/long-name.txt": agent("a"),
    ".claude/skills/pdf/SKILL.md": agent("pdf"),
    ".claude/skills/pdf/scripts/read.py": "1",
  });
  linkIn(folder, ".claude/agents/a.md", "../../docs/long-name.txt");
  const watched = new Watched(folder);
  await watched.until((scan) => scan.addresses.length === 2);
  await watched.quiet();
  writeFileSync(join(folder, "docs/long-name.txt"), agent("a", "Changed."));
  await watched.until((scan) => bodyOf(scan, "a").includes("Changed"));
  const before = bodyOf(watched.scans.at(-1) as ScannedFolder, "pdf");
  writeFileSync(join(folder, ".claude/skills/pdf/scripts/read.py"), "2");
  await watched.until((scan) => bodyOf(scan, "pdf") !== before);
});

test("what no scan would look at causes none, and many changes at once cause few", async () => {
  const folder = toolFolder({ ".claude/agents/a.md": agent("a"), "src/main.c": "int main;" });
  mkdirSync(join(folder, "node_modules/x"), { recursive: true });
  const watched = new Watched(folder);
  const count = await watched.quiet();
  for (let round = 0; round < 20; round++) {
    writeFileSync(join(folder, "src/main.c"), `int main; // ${round}`);
    writeFileSync(join(folder, "src/other.o"), "");
    writeFileSync(join(folder, "node_modules/x/AGENTS.md"), `${round}`);
    rmSync(join(folder, "src/other.o"));
  }
  expect(await watched.quiet()).toBe(count);
  for (let round = 0; round < 200; round++) {
    writeFileSync(join(folder, ".claude/agents/a.md"), agent("a", `Round ${round}.`));
  }
  await watched.until((scan) => bodyOf(scan, "a").includes("Round 199"));
  expect((await watched.quiet()) - count).toBeLessThan(10);
});

/** A clock whose timers fire at once, so that nobody waits for seconds. */
function hurriedClock(): Clock {
  let us = 0;
  return {
    nowUs: () => us,
    wallMs: () => nodeClock.wallMs(),
    soon: (task) => nodeClock.soon(task),
    at: (atUs, task) => {
      const timer = setImmediate(() => {
        us = Math.max(us, atUs);
        task();
      });
      return () => clearImmediate(timer);
    },
  };
}

test("where the system cannot watch, a scan looks from time to time", async () => {
  const folder = toolFolder({ ".claude/agents/a.md": agent("a") });
  let isClosed = false;
  const openWatcher = () => ({
    watch: (folders: ReadonlySet<string>) => ({ added: 0, unwatched: folders.size }),
    close: () => (isClosed = true),
  });
  const watched = new Watched(folder, { clock: hurriedClock(), files: nodeFiles, openWatcher });
  await watched.until(() => watched.scans.length > 3);
  writeFileSync(join(folder, ".claude/agents/a.md"), agent("a", "Found."));
  await watched.until((scan) => bodyOf(scan, "a").includes("Found"));
  watched.end();
  await watched.ended;
  expect(isClosed).toBe(true);
});

test("a change of which the system does not tell the name counts, one during a scan too", async () => {
  const folder = toolFolder({ ".claude/agents/a.md": agent("a") });
  const told: FolderChange[] = [];
  const openWatcher = (onChange: FolderChange) => {
    told.push(onChange);
    onChange(folder, "anything");
    return { watch: () => ({ added: 0, unwatched: 0 }), close: () => {} };
  };
  const watched = new Watched(folder, { ...PORTS, openWatcher });
  const count = await watched.quiet();
  expect(count).toBe(2);
  told[0]?.(folder, null);
  expect(await watched.quiet()).toBe(3);
  told[0]?.(folder, "src");
  told[0]?.(folder, ".claude/agents");
  told[0]?.("/elsewhere", "x.md");
  expect(await watched.quiet()).toBe(4);
  told[0]?.(`${folder}/.rtt`, "generation.dsse.json");
  expect(await watched.quiet()).toBe(5);
});

test("a folder that cannot be watched is told, one that is gone closes nothing else", async () => {
  const folder = toolFolder({ ".claude/agents/a.md": agent("a") });
  const changes: string[] = [];
  const watcher = openFolderWatcher((path, name) => changes.push(`${path}/${name}`));
  const gone = join(folder, "none");
  expect(watcher.watch(new Set([folder, gone]))).toEqual({ added: 1, unwatched: 1 });
  expect(watcher.watch(new Set([folder]))).toEqual({ added: 0, unwatched: 0 });
  writeTree(folder, { "AGENTS.md": "Hello." });
  await vi.waitFor(() => expect(changes).toContain(`${folder}/AGENTS.md`), { timeout: BOUND_MS });
  watcher.close();
  watcher.close();
});

/** The program itself, watching. */
function spawnWatch(project: string, home: string, ...more: readonly string[]): Child {
  const child = spawn(process.execPath, [MAIN, "scan", "--watch", ...more], {
    env: { ...process.env, RTT_HOME: home, RTT_PROJECT: project },
    stdio: ["pipe", "pipe", "pipe"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  return child;
}

test("rtt scan --watch prints one line of JSON for each difference, and an interrupt ends it well", async () => {
  const project = toolFolder({ ".claude/agents/a.md": agent("a") });
  const home = join(temporaryFolder(), "home");
  const around = { RTT_HOME: home, RTT_PROJECT: project };
  const init = await runCli(["init", project], {
    environment: around,
    writeOut: () => {},
    writeError: () => {},
  });
  expect(init).toBe(0);
  const child = spawnWatch(project, home, "--json");
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () =>
    JSON.parse(((await lines.next()) as { value: string }).value) as {
      readonly changes: readonly string[];
      readonly registered: { readonly added: readonly string[] };
    };
  expect((await next()).registered.added).toEqual(["rtt://local/agent/a@1.0.0"]);
  writeTree(project, { ".cursor/agents/b.md": agent("b") });
  const { changes, registered } = await next();
  expect(changes).toEqual(["+ rtt://local/agent/b@1.0.0"]);
  expect(registered.added).toEqual(["rtt://local/agent/b@1.0.0"]);
  rmSync(join(project, ".claude"), { recursive: true });
  expect((await next()).changes).toEqual(["- rtt://local/agent/a@1.0.0"]);
  const ended = once(child, "exit");
  child.kill("SIGINT");
  expect(await ended).toEqual([0, null]);
});

test("for a person it prints what changed, and nothing else", async () => {
  const project = toolFolder({ ".claude/agents/a.md": agent("a") });
  const home = join(temporaryFolder(), "home");
  const around = { RTT_HOME: home, RTT_PROJECT: project };
  await runCli(["init", project], {
    environment: around,
    writeOut: () => {},
    writeError: () => {},
  });
  const child = spawnWatch(project, home, "--no-register");
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => ((await lines.next()) as { value: string }).value;
  expect(await next()).toContain("1 symbols in 1 files");
  expect(await next()).toContain("Watching");
  writeTree(project, { ".claude/agents/a.md": agent("a", "Other.") }, Date.now());
  expect(await next()).toBe("~ rtt://local/agent/a@1.0.0");
  writeTree(project, { ".mcp.json": "{" }, Date.now());
  expect(await next()).toMatch(/^\+ .*\.mcp\.json:1: not-json: /);
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  expect(await ended).toEqual([0, null]);
});
