/**
 * Mounting and unmounting, as the system allows it: root through mount(8), everybody else through the `fusermount3`
 * of the system, which is allowed what they are not and hands the open device over.
 */
import { execFile, spawn, spawnSync } from "node:child_process";
import { closeSync, constants, openSync, readFileSync } from "node:fs";
import { promisify } from "node:util";
import { Failure } from "../../shared/ports/failure.ts";
import { receiveDescriptor, socketPair } from "../libc.ts";

/** The type that `mount` and `findmnt` show, by which our mounts are told from others. */
const TYPE = "fuse.rtt";
const DEVICE = "/dev/fuse";
/** The setuid helper of libfuse 3, and its predecessor, which speaks the same way. */
const HELPERS = ["fusermount3", "fusermount"] as const;

type Helper = (typeof HELPERS)[number];

export interface MountOptions {
  /** Whether other users may look, too. */
  readonly allowOther: boolean;
}

/** A mounted file system, and the device on which the kernel asks. */
export interface MountedDevice {
  readonly device: number;
  /** The helper that mounted it, which is the one to unmount it; null for root. */
  readonly helper: Helper | null;
}

/** Mounts on a folder. Fails with `mount-unsupported`, which says what was tried. */
export async function mountOn(folder: string, options: MountOptions): Promise<MountedDevice> {
  if (process.platform !== "linux") {
    throw unsupported(`${process.platform} has no FUSE that is spoken here`, {});
  }
  const tried: Record<string, string> = {};
  if (process.geteuid?.() === 0) {
    const device = await mountAsRoot(folder, options, tried);
    if (device !== null) return { device, helper: null };
  }
  for (const helper of HELPERS) {
    const device = await mountByHelper(helper, folder, options, tried);
    if (device !== null) return { device, helper };
  }
  throw unsupported("this user may not mount", tried);
}

async function mountAsRoot(
  folder: string,
  { allowOther }: MountOptions,
  tried: Record<string, string>,
): Promise<number | null> {
  let device: number;
  try {
    device = openSync(DEVICE, constants.O_RDWR);
  } catch (error) {
    tried[DEVICE] = (error as Error).message;
    return null;
  }
  // The program that mounts inherits the device as its descriptor 3.
  const words = ["fd=3", "rootmode=40000", "user_id=0", "group_id=0", ...shared(allowOther)];
  const args = ["-i", "-t", TYPE, "-o", words.join(","), "rtt", folder];
  const problem = await run("mount", args, device);
  if (problem === null) return device;
  closeSync(device);
  tried["mount"] = problem;
  return null;
}

/** The helper mounts, sends the device through the socket that `_FUSE_COMMFD` names, and ends (fusermount3(1)). */
async function mountByHelper(
  helper: Helper,
  folder: string,
  { allowOther }: MountOptions,
  tried: Record<string, string>,
): Promise<number | null> {
  const pair = socketPair();
  if (pair === null) {
    tried[helper] = "local sockets cannot be made";
    return null;
  }
  const [ours, theirs] = pair;
  try {
    const words = ["fsname=rtt", "subtype=rtt", ...shared(allowOther)];
    const problem = await run(helper, ["-o", words.join(","), "--", folder], theirs);
    const device = problem === null ? receiveDescriptor(ours) : null;
    if (device === null) tried[helper] = problem ?? "it sent no device";
    return device;
  } finally {
    closeSync(ours);
    closeSync(theirs);
  }
}

/** Read-only, nothing in it runs, and the kernel checks the modes itself. */
function shared(allowOther: boolean): readonly string[] {
  const words = ["ro", "nosuid", "nodev", "noexec", "default_permissions"];
  return allowOther ? [...words, "allow_other"] : words;
}

/** Runs a program with a descriptor as its third; null when it ended well, else what it said. */
function run(program: string, args: readonly string[], descriptor: number): Promise<string | null> {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      stdio: ["ignore", "ignore", "pipe", descriptor],
      env: { ...process.env, _FUSE_COMMFD: "3" },
    });
    let said = "";
    child.stderr?.on("data", (bytes: Buffer) => (said += bytes.toString()));
    child.once("error", (error) => resolve(error.message));
    child.once("close", (code) => {
      resolve(code === 0 ? null : said.trim() || `${program} ended with ${code}`);
    });
  });
}

/**
 * Takes a mount off its folder. False while somebody uses it, unless `isForced`: then it leaves the folder at once,
 * and those who still use it keep what they have until the device is closed.
 */
export async function unmountFrom(
  folder: string,
  helper: Helper | null,
  isForced = false,
): Promise<boolean> {
  const [program, args] = unmountCommand(folder, helper, isForced);
  try {
    await promisify(execFile)(program, args);
    return true;
  } catch {
    return false;
  }
}

/** The same, done when it returns: for a process that ends. */
export function unmountAtOnce(folder: string, helper: Helper | null, isForced: boolean): boolean {
  const [program, args] = unmountCommand(folder, helper, isForced);
  return spawnSync(program, args, { stdio: "ignore" }).status === 0;
}

function unmountCommand(
  folder: string,
  helper: Helper | null,
  isForced: boolean,
): [string, string[]] {
  if (helper === null) return ["umount", ["-i", ...(isForced ? ["-l"] : []), "--", folder]];
  return [helper, ["-u", ...(isForced ? ["-z"] : []), "--", folder]];
}

/** Which program takes off what an earlier run of this user has mounted. */
export function unmountingHelper(): Helper | null {
  return process.geteuid?.() === 0 ? null : HELPERS[0];
}

/** A mount on a folder: ours or somebody else's. */
export interface MountPoint {
  readonly isOurs: boolean;
  readonly type: string;
}

/** What is mounted on exactly this folder, the topmost; null when nothing is. */
export function mountPointAt(folder: string): MountPoint | null {
  if (process.platform !== "linux") return null;
  const types = parseMountInfo(readFileSync("/proc/self/mountinfo", "utf8")).filter(
    (mount) => mount.folder === folder,
  );
  const type = types.at(-1)?.type;
  return type === undefined ? null : { isOurs: type === TYPE, type };
}

/**
 * The mounts of /proc/self/mountinfo (proc_pid_mountinfo(5)), in their order:
 * `36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw`. Lines that are none are left out.
 */
export function parseMountInfo(
  text: string,
): readonly { readonly folder: string; readonly type: string }[] {
  return text.split("\n").flatMap((line) => {
    const [before = "", after = ""] = line.split(" - ");
    const folder = before.split(" ")[4];
    const [type = ""] = after.split(" ");
    return folder === undefined || type === "" ? [] : [{ folder: unescape(folder), type }];
  });
}

/** Blanks and backslashes are written as three octal digits, byte by byte. */
function unescape(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}

/** A failure that tells what was tried, and what each attempt said. */
export function unsupported(problem: string, tried: Readonly<Record<string, string>>): Failure {
  return new Failure("mount-unsupported", `Nothing can be mounted here: ${problem}`, {
    origin: "host",
    remedy:
      "On Linux install fuse3, and see that /dev/fuse is there. Elsewhere use the views as files, which " +
      "`rtt apply` puts into the project: docs/operating/mount.md.",
    context: tried,
  });
}
