import fc from "fast-check";
import { expect, test } from "vitest";
import { Claims, pathFault } from "../../../../../host/shared/fabric/view/projection/claims.ts";

test("hostile names are no paths", () => {
  const bad = [
    "",
    "/etc/passwd",
    "a/../../b",
    "./a",
    "a//b",
    "a/",
    "..",
    "a\\b",
    "C:/x",
    "a:stream",
    "a\0b",
    "a\nb",
    "con",
    "folder/NUL.md",
    "Com1.txt",
    "lpt9",
    "COM¹",
    "aux.tar.gz",
    "conin$",
    "name.",
    "name ",
    "folder./x",
    "a*b",
    'a"b',
    "a<b",
    "a|b",
    "what?",
    "right\u202eto-left",
    "zero\u200bwidth",
    "\ufeffmark",
    "\ud800half",
    "x".repeat(256),
    "é".repeat(128),
    "x/".repeat(600),
  ];
  for (const path of bad) expect([path, pathFault(path)]).toEqual([path, expect.any(String)]);
  const good = [
    "a",
    ".claude/skills/pdf/SKILL.md",
    "console.md",
    "com10",
    "日本語/ä.md",
    "a b/c-d_e",
  ];
  for (const path of good) expect([path, pathFault(path)]).toEqual([path, null]);
});

test("a path that is none of those stays below the folder that it is put in", () => {
  const property = fc.property(fc.string({ unit: "grapheme", maxLength: 30 }), (path) => {
    if (pathFault(path) !== null) return;
    const resolved = new URL(`file:///p/root/${path.split("/").map(encodeURIComponent).join("/")}`);
    expect(resolved.pathname.startsWith("/p/root/")).toBe(true);
  });
  fc.assert(property, { numRuns: 500 });
});

test("paths that differ in case or composition only are one, and the first has it", () => {
  const claims = new Claims();
  const take = (path: string, content = path): string | null => claims.take([{ path, content }]);
  expect(take("a/Read.md")).toBeNull();
  expect(take("a/Read.md")).toBeNull();
  expect(take("a/Read.md", "other")).toContain("a/Read.md");
  expect(take("a/READ.md")).toContain("a/Read.md");
  expect(take("A/other.md")).toContain("also spelled a");
  expect(take("b/\u00e9.md")).toBeNull();
  expect(take("b/e\u0301.md")).toContain("b/\u00e9.md");
  expect(take("a")).toContain("is a folder");
  expect(take("a/Read.md/below")).toContain("below the file a/Read.md");
});

test("of several paths all are taken or none", () => {
  const claims = new Claims();
  expect(claims.take([{ path: "x/b.md", content: "1" }])).toBeNull();
  const fault = claims.take([
    { path: "y/a.md", content: "2" },
    { path: "x/c.md", content: "2" },
    { path: "x/B.md", content: "2" },
  ]);
  expect(fault).toContain("x/b.md");
  expect(claims.take([{ path: "Y/A.md", content: "3" }])).toBeNull();
  expect(claims.take([{ path: "x/C.md", content: "3" }])).toBeNull();
  // What was there before stays.
  expect(claims.take([{ path: "X/d.md", content: "3" }])).toContain("also spelled x");
});
