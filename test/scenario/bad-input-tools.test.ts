/**
 * What a tool server or a caller of a tool gets wrong, through the real command line: each ends in a named error with a
 * remedy and an exit code of its kind, each leaves a receipt, and everything else keeps working.
 */
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { clear, receiptOf, startPaired } from "../support/paired.ts";
import { Bench, type Run } from "../support/rtt.ts";

const SERVERS = ["good", "crash", "hang", "flood", "huge", "nonsense", "stranger"];
const LONG_MS = 60_000;

const bench = new Bench();
const open = bench.folder("open");
const secret = bench.file("secret.txt", "not for you\n");

beforeAll(async () => {
  writeFileSync(bench.path("open/note.txt"), "hello\n");
  mkdirSync(bench.path("open/sub"));
  symlinkSync(secret, bench.path("open/link"));
  symlinkSync("/", bench.path("open/root"));
  symlinkSync(bench.path("missing"), bench.path("open/dangling"));
  symlinkSync("loop", bench.path("open/loop"));
  symlinkSync("../note.txt", bench.path("open/sub/inside"));
  await startPaired(bench, { folder: open, servers: SERVERS, tools: SERVERS.length + 1 });
}, 180_000);
afterAll(() => bench.close());

function call(tool: string, args: object, ...more: readonly string[]): Promise<Run> {
  return bench.run("host", "call", tool, "--args", JSON.stringify(args), ...more);
}

describe.concurrent("an MCP server that", () => {
  it.each([
    ["crashes", "crash", "tool-crashed", 6, "failed"],
    ["hangs", "hang", "tool-timeout", 5, "timed-out"],
    ["floods with messages", "flood", "tool-flooded", 6, "failed"],
    ["answers with an endless line", "huge", "tool-flooded", 6, "failed"],
    ["writes nonsense", "nonsense", "tool-protocol", 6, "failed"],
    ["answers what nobody asked", "stranger", "tool-protocol", 6, "failed"],
  ])(
    "%s fails its call by name, has a receipt, and is there again",
    async (_, mode, code, exit, outcome) => {
      const limits = mode === "hang" ? ["--timeout", "1500"] : [];
      const failed = await call(`${mode}.echo`, { text: mode }, ...limits);
      expect(failed).toEqual({ code: exit, stdout: "", stderr: clear(code) });
      expect(receiptOf(bench, "host", failed)).toMatchObject({ outcome, code });
      // The others never noticed; this one was started anew.
      expect((await call("good.echo", { text: "still here" })).stdout).toBe("still here\n");
      expect(await call(`${mode}.echo`, { text: "again" })).toMatchObject({
        code: 0,
        stdout: "again\n",
      });
    },
    LONG_MS,
  );
});

describe.concurrent("a path outside the allowed folders", () => {
  it.each([
    ["plainly", () => secret],
    ["by ..", () => `${open}/../secret.txt`],
    ["by a folder and ..", () => `${open}/sub/../../secret.txt`],
    ["by .. above the root", () => `${open}/../../../../../../../../etc/passwd`],
    ["by a symbolic link", () => `${open}/link`],
    ["by a symbolic link to a folder", () => `${open}/root/etc/passwd`],
    ["by a link to nowhere", () => `${open}/dangling`],
    ["by a loop of links", () => `${open}/loop/x`],
    ["by a zero byte", () => `${open}/note.txt\0`],
    ["by a name that only begins alike", () => `${open}-not/note.txt`],
  ])("%s is denied, with a receipt", async (_, path) => {
    const denied = await call("fs.read", { path: path() });
    expect(denied).toEqual({ code: 3, stdout: "", stderr: clear("path-denied") });
    expect(receiptOf(bench, "host", denied)).toMatchObject({
      outcome: "denied",
      code: "path-denied",
    });
  });

  it("is not created through a link to nowhere", () => {
    expect(existsSync(bench.path("missing"))).toBe(false);
  });

  it("is not every path with .. or a link in it", async () => {
    for (const path of [`${open}/sub/../note.txt`, `${open}/sub/inside`]) {
      expect(await call("fs.read", { path })).toMatchObject({ code: 0, stdout: "hello\n\n" });
    }
  });
});

describe.concurrent("arguments", () => {
  it.each([
    ["that the schema does not know", '{"paths":"/x"}'],
    ["that are missing", "{}"],
    ["that are relative", '{"path":"note.txt"}'],
    ["that are no object", "[1]"],
  ])("%s are refused by name, with a receipt", async (_, args) => {
    const refused = await bench.run("host", "call", "fs.read", "--args", args);
    expect(refused).toEqual({ code: 2, stdout: "", stderr: clear("tool-args-invalid") });
    expect(receiptOf(bench, "host", refused)).toMatchObject({
      outcome: "failed",
      code: "tool-args-invalid",
    });
  });

  it("with two readings never leave the command line", async () => {
    const args = `{"path":"${open}/note.txt","path":"${secret}"}`;
    const refused = await bench.run("host", "call", "fs.read", "--args", args);
    expect(refused).toEqual({ code: 2, stdout: "", stderr: clear("argument-invalid") });
  });
});

describe("a tool", () => {
  it("that nobody has is told from one that policy denies", async () => {
    const unknown = await call("no.such.tool", {});
    expect(unknown).toEqual({ code: 6, stdout: "", stderr: clear("tool-unknown") });
    const denied = await call("files.write_file", { path: `${open}/new.txt`, content: "x" });
    expect(denied).toEqual({ code: 3, stdout: "", stderr: clear("policy-denied") });
    expect(existsSync(`${open}/new.txt`)).toBe(false);
  });
});

describe("after all that", () => {
  it("every receipt of both nodes holds", async () => {
    for (const home of ["host", "device"]) {
      const verified = await bench.run(home, "receipt", "verify");
      expect([verified.code, verified.stderr]).toEqual([0, ""]);
    }
  });
});
