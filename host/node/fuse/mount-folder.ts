/**
 * The folder that is mounted on: made when it is missing, refused when something would be hidden, freed from what a
 * mount of ours left behind when it was killed.
 */
import { mkdirSync, readdirSync, realpathSync, rmdirSync, statfs } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { Failure } from "../../shared/ports/failure.ts";
import { mountPointAt, unmountFrom, unmountingHelper } from "./system.ts";

export interface MountFolder {
  /** Without symbolic links, as the system lists mounts. */
  readonly path: string;
  /** It was not there before, and will not be afterwards. */
  readonly wasMade: boolean;
}

/** A mount whose program hangs does not answer, and then it is not stale. */
const ANSWER_MS = 2_000;

/** Fails with `view-conflict`, `already-running`, or what keeps the folder from being made. */
export async function takeFolder(given: string): Promise<MountFolder> {
  const path = withoutLinks(resolve(given));
  const present = mountPointAt(path);
  if (present?.isOurs === true && (await isStale(path))) {
    await unmountFrom(path, unmountingHelper(), true);
  } else if (present !== null) {
    throw new Failure("already-running", `${given} is mounted on already (${present.type})`, {
      origin: "local",
      remedy: present.isOurs ? "End the `rtt view mount` that serves it." : "Name another folder.",
      context: { path },
    });
  }
  const wasMade = makeFolder(path);
  if (readdirSync(path).length > 0) {
    throw new Failure("view-conflict", `${given} is not empty; a mount would hide what is in it`, {
      origin: "local",
      remedy: "Name an empty folder, or one that does not exist yet.",
      context: { path },
    });
  }
  return { path, wasMade };
}

/** Removes the folder if it was made for the mount, and nothing is in it. */
export function leaveFolder({ path, wasMade }: MountFolder): void {
  if (!wasMade) return;
  try {
    rmdirSync(path);
  } catch {
    // Somebody has put something there in the meantime, or removed it: either is theirs to do.
  }
}

/** The last part stays as it is: of a mount whose program was killed nothing can be asked, not even this. */
function withoutLinks(path: string): string {
  try {
    return join(realpathSync(dirname(path)), basename(path));
  } catch (cause) {
    throw new Failure("file-missing", `${dirname(path)} is not there`, {
      origin: "local",
      remedy: "Make the folder above first, or name another one.",
      context: { path },
      cause,
    });
  }
}

function makeFolder(path: string): boolean {
  try {
    mkdirSync(path, { mode: 0o700 });
    return true;
  } catch (cause) {
    const system = String((cause as { readonly code?: unknown }).code);
    if (system === "EEXIST" && isFolder(path)) return false;
    throw new Failure("folder-unwritable", `${path} cannot be made (${system})`, {
      origin: "host",
      remedy: "Name an empty folder that is yours.",
      context: { path, system },
      cause,
    });
  }
}

function isFolder(path: string): boolean {
  try {
    // With a link in the last place, the mount would be listed under another name.
    return realpathSync(path) === path && readdirSync(path) !== null;
  } catch {
    return false;
  }
}

/** Whether nobody serves the mount any more (ENOTCONN, "transport endpoint is not connected"). */
function isStale(path: string): Promise<boolean> {
  return new Promise((settle) => {
    const timer = setTimeout(() => settle(false), ANSWER_MS);
    statfs(path, (error) => {
      clearTimeout(timer);
      settle(error?.code === "ENOTCONN");
    });
  });
}
