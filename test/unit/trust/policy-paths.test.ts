/**
 * Goal: a path that leaves an allowed folder by "..", a link or a name that does not exist yet is never inside it.
 * Method: real folders and links; lexical properties over random paths.
 */
import { mkdirSync, realpathSync, symlinkSync, writeFileSync } from "node:fs";
import { join, posix } from "node:path";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { nodeFiles } from "../../../host/node/files.ts";
import { Failure } from "../../../host/shared/ports/failure.ts";
import { evaluate } from "../../../host/shared/trust/policy/evaluate.ts";
import {
  isInside,
  lexicalPath,
  resolvePolicyPaths,
  resolveRealPath,
  UNRESOLVED,
} from "../../../host/shared/trust/policy/paths.ts";
import { MemoryFiles } from "../../support/memory-files.ts";
import { allowRead, NOW_MS, policyOf, requestOf } from "../../support/policies.ts";
import { temporaryFolder } from "../../support/ports.ts";

const resolve = (path: string) => resolveRealPath(nodeFiles, path);

/** `allowed/{file, sub/}` beside `secret/key`, with links from one to the other. */
function tree(): string {
  const root = realpathSync(temporaryFolder());
  mkdirSync(join(root, "allowed/sub"), { recursive: true });
  mkdirSync(join(root, "secret/deep"), { recursive: true });
  writeFileSync(join(root, "allowed/file"), "");
  writeFileSync(join(root, "secret/key"), "");
  symlinkSync(join(root, "secret"), join(root, "allowed/out"));
  symlinkSync(join(root, "secret/deep"), join(root, "allowed/deep"));
  symlinkSync("sub", join(root, "allowed/in"));
  symlinkSync(join(root, "secret/new"), join(root, "allowed/dangling"));
  symlinkSync("loop", join(root, "allowed/loop"));
  symlinkSync(join(root, "allowed"), join(root, "alias"));
  return root;
}

test("lexical paths are absolute, without dots and double slashes, like Node's", () => {
  const part = fc.constantFrom("a", "b", ".", "..", "", "c.d");
  fc.assert(
    fc.property(fc.array(part, { maxLength: 8 }), (parts) => {
      const path = `/${parts.join("/")}`;
      const lexical = lexicalPath(path);
      const expected = posix.resolve(path);
      // Node stays at the root where we refuse, so only what we accept is compared.
      expect(lexical === null || lexical === expected, path).toBe(true);
      if (!parts.includes("..")) expect(lexical).toBe(expected);
    }),
  );
});

test.each([
  ["/a/../../b", null],
  ["..", null],
  ["", null],
  ["a/b", null],
  ["~/a", null],
  ["/a\0", null],
  ["C:relative", null],
  ["c:\\Users\\me\\..\\you", "C:/Users/you"],
  ["/", "/"],
])("the lexical form of %j is %j", (path, lexical) => {
  expect(lexicalPath(path)).toBe(lexical);
});

test("inside means the folder itself or below it, not a longer name", () => {
  expect(isInside("/data", "/data")).toBe(true);
  expect(isInside("/data/a", "/data")).toBe(true);
  expect(isInside("/database", "/data")).toBe(false);
  expect(isInside("/a", "/")).toBe(true);
});

test("real paths follow links, also for files that do not exist yet", async () => {
  const root = tree();
  const allowed = join(root, "allowed");
  for (const [path, real] of [
    ["allowed/file", "allowed/file"],
    ["allowed/in", "allowed/sub"],
    ["allowed/in/new/file", "allowed/sub/new/file"],
    ["alias/file", "allowed/file"],
    ["allowed/out/key", "secret/key"],
    ["allowed/out/new", "secret/new"],
    ["allowed/sub/../file", "allowed/file"],
    ["allowed//sub/.", "allowed/sub"],
    ["allowed/../secret/key", "secret/key"],
  ] as const) {
    expect(await resolve(`${root}/${path}`), path).toBe(join(root, real));
  }
  expect(isInside(await resolve(`${root}/allowed/out/key`), allowed)).toBe(false);
});

test("what cannot be said for certain is refused", async () => {
  const root = tree();
  for (const path of [
    "allowed/dangling",
    "allowed/dangling/x",
    "allowed/loop",
    "allowed/loop/x",
    "allowed/file/x",
    // For the system this is secret/../file, for a program that shortens the text allowed/file.
    "allowed/deep/../file",
    "allowed/new/../file/x",
    "allowed/missing/../../x",
  ]) {
    expect(await resolve(`${root}/${path}`), path).toBe(UNRESOLVED);
  }
  expect(await resolve("relative")).toBe(UNRESOLVED);
  expect(await resolve("/../x")).toBe(UNRESOLVED);
});

test("an unresolved path is permitted by no rule, not even by one for everything", () => {
  const policy = policyOf({ ...allowRead, paths: ["/"] }, { ...allowRead, id: "anywhere" });
  const decision = evaluate(policy, requestOf({ paths: [UNRESOLVED] }), NOW_MS);
  expect(decision).toMatchObject({ effect: "deny", code: "path-denied" });
});

test("a root that does not exist ends the search", async () => {
  const files = new MemoryFiles();
  expect(await resolveRealPath(files, "/no/such")).toBe(UNRESOLVED);
  expect(await resolveRealPath(files, "C:\\no\\such")).toBe(UNRESOLVED);
  files.all.set("C:/x/y", new Uint8Array());
  expect(await resolveRealPath(files, "C:/x/new")).toBe("C:/x/new");
});

test("a defect of the port is not taken for a refusal", async () => {
  const failing = (error: Error) => ({ ...nodeFiles, realPath: () => Promise.reject(error) });
  const failure = new Failure("permission-denied", "no", { origin: "host", remedy: "None." });
  expect(await resolveRealPath(failing(failure), "/x")).toBe(UNRESOLVED);
  await expect(resolveRealPath(failing(new TypeError("bug")), "/x")).rejects.toThrow("bug");
});

test("a policy's folders are resolved once; those that do not exist stay", async () => {
  const root = tree();
  const paths = [join(root, "alias"), join(root, "alias/dangling")];
  const policy = await resolvePolicyPaths(
    nodeFiles,
    policyOf({ ...allowRead, paths }, { ...allowRead, id: "anywhere" }),
  );
  expect(policy.rules[0]?.paths).toEqual([join(root, "allowed"), paths[1]]);
  expect(policy.rules[1]?.paths).toBeNull();
});
