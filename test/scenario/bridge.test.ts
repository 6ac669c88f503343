/**
 * What is wired is what is offered: the whole way from a `.mcp.json` to an agent's list of tools and back, with `rtt` as
 * processes, real MCP servers, and the faults that such servers have.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import type { NodeStatus } from "../../host/node/node-face.ts";
import type { Control } from "../../host/node/control.ts";
import { Bench, MAIN, rule } from "../support/rtt.ts";

const bench = new Bench();
const DOUBLE = new URL("../support/tool-server-double.ts", import.meta.url).pathname;
const FILE_SERVER = join(
  dirname(
    createRequire(import.meta.url).resolve("@modelcontextprotocol/server-filesystem/package.json"),
  ),
  "dist/index.js",
);
const HOME = "node";
const PATIENCE = { timeout: 20_000, interval: 200 };
const ROUNDS_MS = 180_000;

interface Applied {
  readonly generation: number;
}

/** Writes the project's `.mcp.json`. */
function configure(servers: Record<string, readonly string[]>): void {
  const entries = Object.entries(servers).map(([name, args]) => [name, { command: "node", args }]);
  writeFileSync(
    bench.path(".mcp.json"),
    JSON.stringify({ mcpServers: Object.fromEntries(entries) }),
  );
}

async function wire(): Promise<Applied> {
  await bench.ask(HOME, "scan", "--prune");
  await bench.ask(HOME, "plan");
  return bench.ask<Applied>(HOME, "apply");
}

async function offered(): Promise<readonly string[]> {
  const { tools } = await bench.ask<{ tools: { name: string }[] }>(HOME, "tools");
  return tools.map(({ name }) => name);
}

async function status(): Promise<NodeStatus> {
  const { port, token } = JSON.parse(
    readFileSync(bench.path(HOME, "control.json"), "utf8"),
  ) as Control;
  const headers = { authorization: `Bearer ${token}` };
  return (
    await fetch(`http://127.0.0.1:${port}/v1/status`, { headers })
  ).json() as Promise<NodeStatus>;
}

const files = [FILE_SERVER, bench.folder("open")];
const good = [DOUBLE, "good"];

beforeAll(async () => {
  writeFileSync(bench.path("open/note.txt"), "from the wire\n");
  configure({ files });
  await bench.ask(HOME, "init", bench.root);
  await bench.ask(HOME, "scan");
  await bench.ask(HOME, "tools", "import");
  await bench.ask(HOME, "plan");
  expect(await bench.ask<Applied>(HOME, "apply")).toMatchObject({ generation: 1 });
  for (const role of ["host", "device"] as const) await bench.allow(HOME, role, [rule(["*"])]);
  await bench.up(HOME, "--host", "--device", "--name", "desk");
}, ROUNDS_MS);
afterAll(() => bench.close());

it(
  "a server of .mcp.json is scanned, imported, planned, applied, and offered to an agent",
  async () => {
    await vi.waitFor(async () => expect(await offered()).toContain("desk__fs_read"), PATIENCE);
    const client = new Client({ name: "agent", version: "1" });
    const env = { ...process.env, RTT_HOME: bench.path(HOME) } as Record<string, string>;
    const [command, args] = [process.execPath, [MAIN, "mcp", "--only", "rtt://mcp/files/*"]];
    await client.connect(new StdioClientTransport({ command, args, env }));
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toContain("desk__files_read_text_file");
    const path = bench.path("open/note.txt");
    const read = await client.callTool({ name: "desk__fs_read", arguments: { path } });
    expect(read.structuredContent).toMatchObject({ content: "from the wire\n" });
    await client.close();
    const why = await bench.ask<{ facts: { planGeneration: number } }>(HOME, "why");
    expect(why.facts.planGeneration).toBe(1);
  },
  ROUNDS_MS,
);

it(
  "a server that is added is offered when apply returns, and one that is taken back no longer is",
  async () => {
    configure({ files, extra: good });
    const before = (await status()).servers.find(({ name }) => name === "files");
    await wire();
    expect(await offered()).toContain("desk__extra_echo");
    const called = await bench.run(HOME, "call", "extra.echo", "--args", '{"text":"hello"}');
    expect([called.code, called.stdout.trim()]).toEqual([0, "hello"]);
    // What was there before was not touched.
    expect((await status()).servers.find(({ name }) => name === "files")?.pid).toBe(before?.pid);
    await bench.ask(HOME, "rollback", "1");
    expect(await offered()).not.toContain("desk__extra_echo");
    expect((await bench.run(HOME, "call", "extra.echo")).code).toBe(6);
  },
  ROUNDS_MS,
);

it(
  "a server that does not come up refuses the change, which leaves everything as it was",
  async () => {
    const before = await offered();
    configure({ files, broken: [DOUBLE, "dies"] });
    await bench.ask(HOME, "scan");
    await bench.ask(HOME, "plan");
    const refused = await bench.run(HOME, "apply", "--json");
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toContain("ended with exit code 3");
    expect(await offered()).toEqual(before);
    expect((await status()).servers.map(({ name }) => name)).toEqual(["files"]);
  },
  ROUNDS_MS,
);

it(
  "a canary whose calls fail is taken back by itself, one whose calls go well stays",
  async () => {
    const before = await offered();
    configure({ files, risky: [DOUBLE, "crash"] });
    await bench.ask(HOME, "scan", "--prune");
    await bench.ask(HOME, "plan");
    const slo = ["--canary", "50", "--watch-ms", "20000", "--slo", "err<10%"];
    const applying = bench.run(HOME, "apply", ...slo, "--json");
    await vi.waitFor(async () => expect(await offered()).toContain("desk__risky_echo"), PATIENCE);
    const crashed = await bench.run(HOME, "call", "risky.echo", "--args", '{"text":"crash"}');
    expect(crashed.code).toBe(6);
    const reverted = await applying;
    expect([reverted.code, reverted.stderr]).toEqual([
      6,
      expect.stringContaining("apply-reverted"),
    ]);
    expect(await offered()).toEqual(before);
    // The same plan, but nobody calls the server in a way that it does not bear.
    await bench.ask(HOME, "plan");
    const watched = ["--canary", "50", "--watch-ms", "1500", "--slo", "err<10%"];
    const staying = bench.run(HOME, "apply", ...watched);
    await vi.waitFor(async () => expect(await offered()).toContain("desk__risky_echo"), PATIENCE);
    const calls = await bench.run(HOME, "call", "risky.echo", "--args", '{"text":"fine"}');
    expect([calls.code, (await staying).code]).toEqual([0, 0]);
    expect(await offered()).toContain("desk__risky_echo");
  },
  ROUNDS_MS,
);

it(
  "a server that is killed comes back, and a node that starts again runs what is in force",
  async () => {
    configure({ files, extra: good });
    await wire();
    const pid = (await status()).servers.find(({ name }) => name === "extra")?.pid ?? 0;
    process.kill(pid, "SIGKILL");
    await vi.waitFor(async () => {
      const server = (await status()).servers.find(({ name }) => name === "extra");
      expect([server?.state, server?.pid === pid]).toEqual(["ready", false]);
    }, PATIENCE);
    const called = await bench.run(HOME, "call", "extra.echo", "--args", '{"text":"again"}');
    expect([called.code, called.stdout.trim()]).toEqual([0, "again"]);
    await bench.ask(HOME, "down");
    await vi.waitFor(
      () => expect(existsSync(bench.path(HOME, "control.json"))).toBe(false),
      PATIENCE,
    );
    // Nobody to ask: the change is made without the node, which finds it when it starts.
    configure({ extra: good });
    await bench.ask(HOME, "scan", "--prune");
    await bench.ask(HOME, "plan");
    await bench.ask(HOME, "apply");
    await bench.up(HOME, "--host", "--device", "--name", "desk");
    await vi.waitFor(async () => expect(await offered()).toEqual(["desk__extra_echo"]), PATIENCE);
  },
  ROUNDS_MS,
);
