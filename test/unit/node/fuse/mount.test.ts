/**
 * Goal: the views are there for every ordinary program, and whatever happens to files, readers or the server, nothing
 * wrong is shown, nothing hangs, and the folder is left as it was. Method: real mounts of real projects, looked at by
 * `diff`, `find`, `cat` and this process; rotten objects, flips, busy folders, killed servers, another user. Where
 * nothing can be mounted, the named failure is what is shown.
 */
import { type ChildProcess, execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  accessSync,
  chmodSync,
  chownSync,
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { expect, onTestFinished, test, vi } from "vitest";
import { mountPointAt, parseMountInfo } from "../../../../host/node/fuse/system.ts";
import { failureCode, temporaryFolder } from "../../../support/ports.ts";
import { ROOT } from "../../../support/tree.ts";
import { ViewProject } from "./project.ts";

const run = promisify(execFile);
const PROCESS = join(import.meta.dirname, "mount-process.ts");
const NOBODY = 65_534;

const SHOWN = {
  "claude-code": { ".claude/agents/a.md": "hello", ".claude/skills/s/SKILL.md": "# Skill\n" },
  cursor: { ".cursor/agents/a.md": "hello", ".cursor/rules/r.mdc": "a rule" },
};

/** Whether this machine lets this process mount. */
const CAN_MOUNT = ((): boolean => {
  try {
    accessSync("/dev/fuse", constants.R_OK | constants.W_OK);
    return process.getuid?.() === 0;
  } catch {
    return false;
  }
})();

/** A project with something in force. */
async function projectWith(shown: Parameters<ViewProject["apply"]>[0] = SHOWN) {
  const root = temporaryFolder();
  const project = await ViewProject.make(root);
  await project.apply(shown);
  return { root, project, folder: join(root, "mnt") };
}

/** Mounts, and unmounts when the test is over. */
async function mounted(project: ViewProject, folder: string, view: string | null = null) {
  const mount = await project.mount(folder, { view });
  onTestFinished(() => mount.close());
  return mount;
}

const codeOf = (task: () => unknown): string => {
  try {
    task();
    return "none";
  } catch (error) {
    return String((error as { readonly code?: unknown }).code);
  }
};

if (!CAN_MOUNT) {
  test("where nothing can be mounted, the failure is named and says what was tried", async () => {
    const { project, folder, root } = await projectWith();
    expect(await failureCode(() => project.mount(folder))).toBe("mount-unsupported");
    expect(readdirSync(root)).not.toContain("mnt");
  });
} else {
  mountTests();
}

function mountTests(): void {
  test("every view is shown under its name, byte for byte, each content once", async () => {
    const { project, folder } = await projectWith();
    const mount = await mounted(project, folder);
    expect(mount.views).toEqual(["claude-code", "cursor"]);
    for (const [view, files] of Object.entries(SHOWN)) {
      for (const [path, content] of Object.entries(files)) {
        // Read in the turn of the event loop that would serve it, if it were not served by a thread of its own.
        expect(readFileSync(join(folder, view, path), "utf8")).toBe(content);
      }
    }
    const inode = (path: string) => statSync(join(folder, path)).ino;
    expect(inode("claude-code/.claude/agents/a.md")).toBe(inode("cursor/.cursor/agents/a.md"));
    expect(statSync(join(folder, "cursor/.cursor/agents/a.md"))).toMatchObject({
      size: 5,
      nlink: 2,
      mode: 0o100444,
      uid: process.getuid?.(),
    });
    expect((await run("findmnt", ["-n", "-o", "FSTYPE,SOURCE", folder])).stdout).toMatch(
      /fuse.rtt +rtt/,
    );
  });

  test("one view's layout is the root when it is asked for, and an unknown one is refused", async () => {
    const { project, folder } = await projectWith();
    expect(await failureCode(() => project.mount(folder, { view: "vscode" }))).toBe(
      "argument-invalid",
    );
    await mounted(project, folder, "cursor");
    expect(readdirSync(folder)).toEqual([".cursor"]);
    expect(readFileSync(join(folder, ".cursor/rules/r.mdc"), "utf8")).toBe("a rule");
  });

  test("what is not there is not found, and nothing can be changed", async () => {
    const { project, folder } = await projectWith();
    await mounted(project, folder);
    const file = join(folder, "cursor/.cursor/rules/r.mdc");
    expect(codeOf(() => readFileSync(join(folder, "nope")))).toBe("ENOENT");
    expect(codeOf(() => readFileSync(`${file}/x`))).toBe("ENOTDIR");
    expect(codeOf(() => readFileSync(folder))).toBe("EISDIR");
    expect(codeOf(() => writeFileSync(file, "x"))).toBe("EROFS");
    expect(codeOf(() => writeFileSync(join(folder, "new"), "x"))).toBe("EROFS");
    expect(codeOf(() => mkdirSync(join(folder, "new")))).toBe("EROFS");
    expect(codeOf(() => unlinkSync(file))).toBe("EROFS");
    expect(codeOf(() => chmodSync(file, 0o777))).toBe("EROFS");
    expect(codeOf(() => execFileSync(file))).toBe("EACCES");
  });

  test("a file that is partly the user's is shown while it is as it was applied", async () => {
    const { project, folder, root } = await projectWith();
    await project.apply(SHOWN, { ".cursor/mcp.json": '{"mcpServers":{}}' });
    await mounted(project, folder);
    const shown = join(folder, "cursor/.cursor/mcp.json");
    writeFileSync(join(root, ".cursor/mcp.json"), '{"mcpServers":{"mine":1}}');
    expect(codeOf(() => readFileSync(shown))).toBe("EIO");
    writeFileSync(join(root, ".cursor/mcp.json"), '{"mcpServers":{}}');
    expect(readFileSync(shown, "utf8")).toBe('{"mcpServers":{}}');
  });

  test("1,000 files and a large one are the same to diff and find, for eight readers at once", async () => {
    const root = temporaryFolder();
    const large = new Uint8Array(5_000_000).map((_, at) => (at * 2_654_435_761) >>> 13);
    const contents: Record<string, string | Uint8Array> = { "large.bin": large };
    for (let at = 0; at < 1000; at += 1) {
      contents[`agents/${at % 10}/agent-${at}.md`] = `# Agent ${at}\n${"text ".repeat(at % 300)}`;
    }
    for (const [path, content] of Object.entries(contents)) {
      mkdirSync(dirname(join(root, "copy", path)), { recursive: true });
      writeFileSync(join(root, "copy", path), content);
    }
    const project = await ViewProject.make(root);
    await project.apply({ cursor: contents });
    const folder = join(root, "mnt");
    await mounted(project, folder, "cursor");
    const find = async (at: string) => (await run("find", [".", "-type", "f"], { cwd: at })).stdout;
    const lines = (text: string) => text.trim().split("\n").sort();
    expect(lines(await find(folder))).toEqual(lines(await find(join(root, "copy"))));
    const readers = Array.from({ length: 8 }, () =>
      run("diff", ["-r", join(root, "copy"), folder]),
    );
    for (const { stdout } of await Promise.all(readers)) expect(stdout).toBe("");
  });

  test("an object that does not verify gives an input/output error and a line in the log, never a byte", async () => {
    const { project, folder } = await projectWith();
    const [rotten, gone] = [project.objectPath("a rule"), project.objectPath("# Skill\n")];
    chmodSync(rotten, 0o644);
    writeFileSync(rotten, "a lie!");
    await rm(gone);
    await mounted(project, folder);
    expect(codeOf(() => readFileSync(join(folder, "cursor/.cursor/rules/r.mdc")))).toBe("EIO");
    expect(codeOf(() => readFileSync(join(folder, "claude-code/.claude/skills/s/SKILL.md")))).toBe(
      "EIO",
    );
    await expect
      .poll(() => project.log.map(({ failure }) => failure?.code))
      .toEqual(["object-corrupt", "object-missing"]);
    // Emptied, it must not pass for an empty file either.
    writeFileSync(rotten, "");
    expect(codeOf(() => readFileSync(join(folder, "cursor/.cursor/rules/r.mdc")))).toBe("EIO");
    expect(readFileSync(join(folder, "cursor/.cursor/agents/a.md"), "utf8")).toBe("hello");
  });

  test("another generation is shown when it is in force; whoever has a file open reads the old one", async () => {
    const { project, folder } = await projectWith();
    const mount = await mounted(project, folder);
    const path = join(folder, "cursor/.cursor/rules/r.mdc");
    expect(readFileSync(path, "utf8")).toBe("a rule");
    const open = openSync(path, "r");
    await project.apply({
      cursor: { ".cursor/rules/r.mdc": "another rule", ".cursor/rules/new.mdc": "new" },
    });
    await expect
      .poll(() => project.log.map(({ event }) => event), { interval: 5 })
      .toEqual(["view.followed"]);
    // At once: the kernel was told that the name means something else.
    expect(readFileSync(path, "utf8")).toBe("another rule");
    expect(readdirSync(folder, { recursive: true }).map(String).sort()).toEqual([
      "cursor",
      "cursor/.cursor",
      "cursor/.cursor/rules",
      "cursor/.cursor/rules/new.mdc",
      "cursor/.cursor/rules/r.mdc",
    ]);
    const buffer = Buffer.alloc(100);
    expect(buffer.toString("utf8", 0, readSync(open, buffer, 0, 100, 0))).toBe("a rule");
    closeSync(open);
    expect(mount.generation).toBe(2);
  });

  test("a generation that cannot be believed changes nothing", async () => {
    const { project, folder } = await projectWith();
    const mount = await mounted(project, folder);
    const path = join(project.paths.folder, "generation.dsse.json");
    writeFileSync(path, readFileSync(path, "utf8").replace(/"sig":"./, '"sig":"A'));
    await expect.poll(() => project.log.map(({ event }) => event)).toEqual(["view.stayed"]);
    expect(readFileSync(join(folder, "cursor/.cursor/rules/r.mdc"), "utf8")).toBe("a rule");
    expect(mount.generation).toBe(1);
  });

  test("nothing applied is nothing to mount", async () => {
    const root = temporaryFolder();
    const project = await ViewProject.make(root);
    expect(await failureCode(() => project.mount(join(root, "mnt")))).toBe("generation-missing");
  });

  test("folders with something in them, files, links and mounts of others are refused", async () => {
    const { project, folder, root } = await projectWith();
    mkdirSync(folder);
    writeFileSync(join(folder, "mine"), "");
    expect(await failureCode(() => project.mount(folder))).toBe("view-conflict");
    expect(await failureCode(() => project.mount(join(folder, "mine")))).toBe("folder-unwritable");
    expect(await failureCode(() => project.mount(join(root, "no/such")))).toBe("file-missing");
    execFileSync("ln", ["-s", root, join(root, "link")]);
    expect(await failureCode(() => project.mount(join(root, "link")))).toBe("folder-unwritable");
    const other = join(root, "link", "other");
    const mount = await mounted(project, other);
    expect(mount.folder).toBe(join(root, "other"));
    expect(await failureCode(() => project.mount(other))).toBe("already-running");
    expect(await failureCode(() => project.mount("/proc"))).toBe("already-running");
  });

  test("the folder is left as it was: an empty one stays, one that was made goes", async () => {
    const { project, root } = await projectWith();
    mkdirSync(join(root, "empty"));
    for (const name of ["empty", "made"]) {
      const mount = await project.mount(join(root, name));
      expect(readdirSync(join(root, name)).length).toBe(2);
      await mount.close();
      await mount.close();
    }
    expect(readdirSync(root).sort()).toEqual([".rtt", "empty"]);
    expect(readdirSync(join(root, "empty"))).toEqual([]);
  });

  test("somebody who sits in the folder does not keep it mounted", async () => {
    const { project, folder } = await projectWith();
    const mount = await project.mount(folder);
    const sitting = spawn("sleep", ["60"], { cwd: join(folder, "cursor") });
    onTestFinished(() => void sitting.kill());
    await once(sitting, "spawn");
    await mount.close();
    expect(mountPointAt(folder)).toBeNull();
    expect(await mount.ended).toBeNull();
  });

  test("unmounted by hand, the mount ends without a failure", async () => {
    const { project, folder } = await projectWith();
    const mount = await project.mount(folder);
    await run("umount", [folder]);
    expect(await mount.ended).toBeNull();
  });

  test("a connection that the kernel gives up ends the mount and frees the folder", async () => {
    const { project, folder } = await projectWith();
    const mount = await project.mount(folder);
    const sitting = spawn("sleep", ["60"], { cwd: join(folder, "cursor") });
    onTestFinished(() => void sitting.kill());
    await once(sitting, "spawn");
    // Forced, it stays mounted while it is used, but the kernel no longer asks.
    await run("umount", ["-f", folder]).catch(() => undefined);
    await mount.ended;
    expect(mountPointAt(folder)).toBeNull();
  });

  test("what a killed server leaves behind is taken off by the next one", async () => {
    const { project, folder, root } = await projectWith();
    const { child } = await serving(root, folder);
    expect(readdirSync(folder)).toEqual(["claude-code", "cursor"]);
    child.kill("SIGKILL");
    await once(child, "exit");
    expect(codeOf(() => readdirSync(folder))).toBe("ENOTCONN");
    await mounted(project, folder);
    expect(readdirSync(folder)).toEqual(["claude-code", "cursor"]);
  });

  test("a signal unmounts and ends the process well", async () => {
    const { folder, root } = await projectWith();
    const { child } = await serving(root, folder);
    child.kill("SIGTERM");
    const [code] = (await once(child, "exit")) as [number | null];
    expect(code).toBe(0);
    expect(readdirSync(root)).not.toContain("mnt");
  });

  test("a program that ends without having closed its mount ends, and leaves nothing mounted", async () => {
    for (const [action, isUsed] of [
      ["serve", false],
      ["serve", true],
      ["throw", false],
    ] as const) {
      const { folder, root } = await projectWith();
      const { child } = await serving(root, folder, action);
      const sitting = isUsed ? spawn("sleep", ["60"], { cwd: join(folder, "cursor") }) : null;
      onTestFinished(() => void sitting?.kill());
      if (sitting !== null) await once(sitting, "spawn");
      if (action === "serve") child.kill("SIGUSR2");
      if (child.exitCode === null) await once(child, "exit");
      expect(child.exitCode).toBe(action === "serve" ? 3 : 1);
      expect(mountPointAt(folder)).toBeNull();
    }
  });

  test("a user who may not mount does so through fusermount3", async () => {
    const { root } = await projectWith();
    // In a namespace of mounts in which the repository can be reached by everybody, wherever it lies, and the device
    // opened, as udev lets everybody.
    const repository = join(root, "repository");
    mkdirSync(repository);
    giveAway(root);
    const script = [
      'mknod -m 666 "$5/fuse" c 10 229',
      'mount --bind "$5/fuse" /dev/fuse',
      'mount --bind "$1" "$2"',
      'cd "$2"',
      'exec setpriv --reuid=65534 --regid=65534 --clear-groups "$3" "$2/$4" check "$5" "$6"',
    ].join(" && ");
    const path = PROCESS.slice(ROOT.length + 1);
    const args = [ROOT, repository, process.execPath, path, root, join(root, "mnt")];
    const { stdout } = await run("unshare", ["-m", "sh", "-c", script, "sh", ...args]).catch(
      (error: { readonly stdout: string }) => error,
    );
    const seen = JSON.parse(stdout) as Record<string, unknown>;
    if (!existsSync("/usr/bin/fusermount3")) {
      expect(seen).toMatchObject({ failure: { code: "mount-unsupported" } });
      return;
    }
    expect(seen).toMatchObject({ uid: NOBODY, write: "EROFS" });
    expect(seen["contents"]).toEqual(["hello", "# Skill\n", "hello", "a rule"]);
    expect(readdirSync(root)).not.toContain("mnt");
  });
}

/** Gives a folder and everything in it to nobody. */
function giveAway(folder: string): void {
  chmodSync(folder, 0o755);
  chownSync(folder, NOBODY, NOBODY);
  for (const name of readdirSync(folder, { recursive: true })) {
    chownSync(join(folder, String(name)), NOBODY, NOBODY);
  }
}

/** A mount in a process of its own, ready. */
async function serving(
  root: string,
  folder: string,
  action = "serve",
): Promise<{ readonly child: ChildProcess }> {
  const child = spawn(process.execPath, [PROCESS, action, root, folder], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const [line] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
  expect(JSON.parse(line)).toEqual({ ready: true });
  return { child };
}

test("where neither way to mount is there, the failure says what was tried, and the folder is not made", async () => {
  const { project, root, folder } = await projectWith();
  vi.stubEnv("PATH", join(root, "nowhere"));
  onTestFinished(() => void vi.unstubAllEnvs());
  const failure: unknown = await project.mount(folder).catch((thrown: unknown) => thrown);
  expect(failure).toMatchObject({
    code: "mount-unsupported",
    context: { fusermount3: expect.stringContaining("ENOENT"), fusermount: expect.any(String) },
  });
  expect(readdirSync(root)).not.toContain("mnt");
});

test("the system's list of mounts is read, with blanks in paths", () => {
  const text = [
    "22 1 0:21 / /proc rw,nosuid - proc proc rw",
    "36 22 0:40 / /home/a\\040b/c\\134d rw shared:1 master:2 - fuse.rtt rtt rw,user_id=0",
    "broken line",
    "",
  ].join("\n");
  expect(parseMountInfo(text)).toEqual([
    { folder: "/proc", type: "proc" },
    { folder: "/home/a b/c\\d", type: "fuse.rtt" },
  ]);
});
