/**
 * Paths that a policy allows. A host compares texts, because the files are on another machine; a device compares
 * real paths, with ".." and symbolic links resolved.
 */
import { Failure } from "../../ports/failure.ts";
import type { Files } from "../../ports/files.ts";
import type { Policy, PolicyRule } from "./model.ts";

/**
 * Stands for a path that leads nobody knows where. It lies in no folder and the evaluator refuses it, so a caller
 * that forgets to look at it denies the call.
 */
export const UNRESOLVED = "";

const DRIVE = /^[A-Za-z]:/;

/**
 * The absolute path without ".", ".." and double slashes; null when it is not absolute or leaves the root.
 * Windows paths come out with slashes ("C:/x").
 */
export function lexicalPath(path: string): string | null {
  if (path.includes("\0")) return null;
  const drive = DRIVE.exec(path)?.[0] ?? "";
  const rest = drive === "" ? path : path.slice(drive.length).replaceAll("\\", "/");
  if (!rest.startsWith("/")) return null;
  const parts: string[] = [];
  for (const part of rest.split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== "..") parts.push(part);
    else if (parts.pop() === undefined) return null;
  }
  return `${drive.toUpperCase()}/${parts.join("/")}`;
}

/** Whether `path` is `folder` or lies in it. Both are results of `lexicalPath` or `resolveRealPath`. */
export function isInside(path: string, folder: string): boolean {
  if (path === folder) return true;
  return path.startsWith(folder.endsWith("/") ? folder : `${folder}/`);
}

/**
 * Where `path` really leads: with every symbolic link resolved, for a file that does not exist yet by its nearest
 * existing folder. `UNRESOLVED` when that cannot be said for certain: a relative path, a link to nowhere, a loop, a
 * folder that cannot be read, or a ".." that means one thing to the system and another to a program that first
 * shortens the text.
 */
export async function resolveRealPath(files: Files, path: string): Promise<string> {
  const lexical = lexicalPath(path);
  if (lexical === null) return UNRESOLVED;
  const byText = await realOrFuture(files, lexical);
  if (lexical === path || byText === null) return byText ?? UNRESOLVED;
  const bySystem = await realOrFuture(files, path);
  return bySystem === byText ? byText : UNRESOLVED;
}

/** The real path of the longest part that exists, and the rest, which must not climb. */
async function realOrFuture(files: Files, path: string): Promise<string | null> {
  const rest: string[] = [];
  let part = path;
  for (;;) {
    const real = await realOrNull(files, part);
    if (real === "refused") return null;
    if (real !== null) return lexicalPath([real, ...rest.reverse()].join("/"));
    const at = Math.max(part.lastIndexOf("/"), part.lastIndexOf("\\"));
    const name = part.slice(at + 1);
    if (at < 0 || name === "..") return null;
    rest.push(name);
    // The root keeps its slash: "/x" is looked up as "/", "C:/x" as "C:/".
    const isRoot = /^(?:[A-Za-z]:)?$/.test(part.slice(0, at));
    const above = part.slice(0, isRoot ? at + 1 : at);
    if (above === part) return null;
    part = above;
  }
}

/** The real path, null when nothing is there, "refused" for what must not be followed. */
async function realOrNull(files: Files, path: string): Promise<string | null> {
  try {
    const real = await files.realPath(path);
    if (real !== null) return real;
    // Something that is there but leads nowhere is a dangling link: writing to it would create its target.
    return (await files.info(path)) === null ? null : "refused";
  } catch (error) {
    if (error instanceof Failure) return "refused";
    throw error;
  }
}

/**
 * The policy with its folders resolved, once when a device loads it; a folder that does not exist stays as it is
 * written.
 */
export async function resolvePolicyPaths(files: Files, policy: Policy): Promise<Policy> {
  const rules: PolicyRule[] = [];
  for (const rule of policy.rules) {
    const paths = rule.paths === null ? null : await resolveFolders(files, rule.paths);
    rules.push({ ...rule, paths });
  }
  return { ...policy, rules };
}

async function resolveFolders(files: Files, folders: readonly string[]): Promise<string[]> {
  const resolved: string[] = [];
  for (const folder of folders) {
    const real = await resolveRealPath(files, folder);
    resolved.push(real === UNRESOLVED ? folder : real);
  }
  return resolved;
}
