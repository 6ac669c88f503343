/**
 * Goal: what the documents show works as it is printed. Method: the package is built as it ships, and each example of
 * docs/examples runs in a process of its own against it.
 */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { ROOT, textOf } from "../support/tree.ts";

beforeAll(() => {
  execFileSync(process.execPath, [join(ROOT, "build.ts"), "dist", "--quiet"], { stdio: "inherit" });
}, 120_000);

test("the README shows docs/examples/echo.ts to the letter", () => {
  const shown = /```ts\n([\s\S]*?)```/.exec(textOf("README.md"))?.[1];
  expect(shown).toBe(textOf("docs/examples/echo.ts"));
});

test("the README's example prints the greeting with the caller's proved id", () => {
  const output = execFileSync(process.execPath, [join(ROOT, "docs/examples/echo.ts")], {
    encoding: "utf8",
    timeout: 20_000,
  });
  expect(output).toMatch(/^Hello Bob, I know you as 12D3Koo[1-9A-HJ-NP-Za-km-z]{45}\n$/);
});
