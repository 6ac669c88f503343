/**
 * Goal: no byte is shown that was not verified. Method: real files that are whole, rotten, cut, gone, or no files at
 * all; and the bound on what is kept.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { VerifiedContent } from "../../../../host/node/fuse/content.ts";
import { digestText } from "../../../../host/shared/trust/digest-text.ts";
import { failureCode, temporaryFolder, testDigest } from "../../../support/ports.ts";

function fileOf(folder: string, name: string, bytes: Uint8Array) {
  const source = join(folder, name);
  writeFileSync(source, bytes);
  return { source, digest: digestText(testDigest, bytes) };
}

test("a whole file is given, also after it is gone, as long as it is kept", () => {
  const file = fileOf(temporaryFolder(), "a", new Uint8Array([1, 2, 3]));
  const content = new VerifiedContent(testDigest);
  expect(content.of(file)).toEqual(new Uint8Array([1, 2, 3]));
  rmSync(file.source);
  expect(content.of(file)).toEqual(new Uint8Array([1, 2, 3]));
});

test("an empty file is one", () => {
  const file = fileOf(temporaryFolder(), "a", new Uint8Array());
  expect(new VerifiedContent(testDigest).of(file).length).toBe(0);
});

test("bytes that are not those of the digest are refused, each time", async () => {
  const folder = temporaryFolder();
  const content = new VerifiedContent(testDigest);
  const rotten = fileOf(folder, "rotten", new Uint8Array(1000));
  writeFileSync(rotten.source, new Uint8Array(1000).fill(1, 500, 501));
  const cut = fileOf(folder, "cut", new Uint8Array(1000));
  truncateSync(cut.source, 999);
  for (let time = 0; time < 2; time += 1) {
    expect(await failureCode(() => content.of(rotten))).toBe("object-corrupt");
    expect(await failureCode(() => content.of(cut))).toBe("object-corrupt");
  }
  expect(content.keptBytes).toBe(0);
});

test("what is no plain file is refused at once", async () => {
  const folder = temporaryFolder();
  const { source, digest } = fileOf(folder, "a", new Uint8Array([1]));
  symlinkSync(source, join(folder, "link"));
  mkdirSync(join(folder, "folder"));
  execFileSync("mkfifo", [join(folder, "pipe")]);
  const content = new VerifiedContent(testDigest);
  const codeOf = (name: string) =>
    failureCode(() => content.of({ source: join(folder, name), digest }));
  expect(await codeOf("link")).toBe("permission-denied");
  expect(await codeOf("folder")).toBe("object-corrupt");
  expect(await codeOf("pipe")).toBe("object-corrupt");
  expect(await codeOf("nope")).toBe("object-missing");
});

test("no more is kept than the bound, the oldest goes first, and the newest stays in any case", async () => {
  const folder = temporaryFolder();
  const content = new VerifiedContent(testDigest, 250);
  const files = [1, 2, 3].map((value) =>
    fileOf(folder, String(value), new Uint8Array(100).fill(value)),
  );
  const [first, second, third] = files as [
    (typeof files)[0] & object,
    (typeof files)[0] & object,
    (typeof files)[0] & object,
  ];
  content.of(first);
  content.of(second);
  content.of(first);
  content.of(third);
  expect(content.keptBytes).toBe(200);
  for (const { source } of files) rmSync(source);
  expect(await failureCode(() => content.of(second))).toBe("object-missing");
  expect(content.of(first)[0]).toBe(1);
  expect(content.of(third)[0]).toBe(3);
  const large = fileOf(folder, "large", new Uint8Array(1000));
  content.of(large);
  expect(content.keptBytes).toBe(1000);
  rmSync(large.source);
  expect(content.of(large).length).toBe(1000);
});
