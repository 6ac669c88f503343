/**
 * The official inspector, as a stranger to this program, lists and calls the tools of paired nodes through `rtt mcp`
 * and over HTTP, in each of the two revisions that it can be told to speak. (`doors.test.ts` and
 * `test/unit/node/http-mcp-door.test.ts` do it with the official client.)
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Control } from "../../host/node/control.ts";
import { fetchRuntimes } from "../hosts/fetch.ts";
import { startPaired } from "../support/paired.ts";
import { Bench, MAIN, type Run } from "../support/rtt.ts";

const PACKAGE = "../hosts/node_modules/@modelcontextprotocol/inspector";
const INSPECTOR = join(import.meta.dirname, PACKAGE, "clients/launcher/build/index.js");
const LONG_MS = 60_000;

const isFetched = fetchRuntimes();
if (!isFetched && process.env["CI"] === "true") throw new Error("CI must fetch test/hosts");

const bench = new Bench();
const note = join(bench.folder("open"), "note.txt");
afterAll(() => bench.close());

/** How the inspector is told of the host's door. */
const DOORS: Readonly<Record<string, () => readonly string[]>> = {
  "rtt mcp": () => [process.execPath, MAIN, "mcp", "-e", `RTT_HOME=${bench.path("host")}`],
  "/mcp": () => {
    const control = readFileSync(bench.path("host/control.json"), "utf8");
    const { port, token } = JSON.parse(control) as Control;
    const header = ["--header", `Authorization: Bearer ${token}`];
    return [`http://127.0.0.1:${port}/mcp`, "--transport", "http", ...header];
  },
};

/** Runs the inspector once against a door of the host. */
async function inspect(door: string, era: string, ...args: readonly string[]): Promise<Run> {
  const server = DOORS[door]?.() ?? [];
  const options = ["--cli", ...server, "--protocol-era", era, "--quiet", "--format", "json"];
  const patience = ["--connect-timeout", "60000"];
  // It keeps settings in the home folder of its user.
  const env = { ...process.env, HOME: bench.root, MCP_INSPECTOR_SECRET_STORE: "memory" };
  const child = spawn(process.execPath, [INSPECTOR, ...options, ...patience, ...args], {
    cwd: bench.root,
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (bytes: Buffer) => (stdout += bytes.toString()));
  child.stderr.on("data", (bytes: Buffer) => (stderr += bytes.toString()));
  const [code] = (await once(child, "close")) as [number | null];
  return { code, stdout, stderr };
}

interface Listed {
  readonly tools: readonly { readonly name: string; readonly inputSchema: object }[];
}

interface Called {
  readonly content: readonly { readonly type: string; readonly text: string }[];
  readonly structuredContent?: object;
  readonly isError?: boolean;
  readonly _meta: Readonly<Record<string, unknown>>;
}

beforeAll(async () => {
  if (!isFetched) return;
  writeFileSync(note, "hello\n");
  await startPaired(bench, { folder: bench.path("open"), servers: ["good"], tools: 2 });
}, 180_000);

describe.skipIf(!isFetched).each([
  ["rtt mcp", "legacy", false],
  ["rtt mcp", "modern", true],
  ["/mcp", "legacy", false],
  ["/mcp", "modern", true],
])("the inspector at %s, speaking %s", (door, era, isModern) => {
  const read = (path: string): Promise<Run> => {
    const call = ["--method", "tools/call", "--tool-name", "laptop__fs_read"];
    return inspect(door, era, ...call, "--tool-args-json", JSON.stringify({ path }));
  };

  it(
    "finds every tool, with schemas that any client can use",
    async () => {
      const { code, stdout, stderr } = await inspect(
        door,
        era,
        "--method",
        "tools/list",
        "--strict",
      );
      expect([code, stderr]).toEqual([0, ""]);
      const { tools } = resultOf(stdout) as Listed;
      expect(tools.map(({ name }) => name)).toEqual(["laptop__fs_read", "laptop__good_echo"]);
    },
    LONG_MS,
  );

  it(
    "reads a file through a bound tool, and has a receipt",
    async () => {
      const { code, stdout } = await read(note);
      expect(code).toBe(0);
      const result = resultOf(stdout) as Called;
      // Only the newer revision names the server in every result.
      expect("io.modelcontextprotocol/serverInfo" in result._meta).toBe(isModern);
      expect(result).toMatchObject({
        content: [{ type: "text", text: "hello\n" }],
        structuredContent: { content: "hello\n", bytes: 6, truncated: false },
        _meta: { "rtt/receipt": { isCountersigned: true } },
      });
    },
    LONG_MS,
  );

  it(
    "is told of a denial as a result",
    async () => {
      const { code, stdout, stderr } = await read("/etc/passwd");
      expect([code, stderr]).toEqual([5, expect.stringContaining("tool_is_error")]);
      const result = resultOf(stdout) as Called;
      expect(result.isError).toBe(true);
      expect(result.content[0]?.text).toMatch(/^path-denied: .*rtt policy explain/);
      expect(result._meta).toMatchObject({ "rtt/failure": { origin: "policy" } });
    },
    LONG_MS,
  );
});

/** With `--format json` the result is one object, or lies in one. */
function resultOf(stdout: string): unknown {
  const answer = JSON.parse(stdout) as { readonly result?: unknown };
  return answer.result ?? answer;
}
