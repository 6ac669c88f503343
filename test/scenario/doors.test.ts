/** The doors of a running node: MCP over stdio with the official client in both revisions, and local HTTP. */
import { readFileSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { Client, ProtocolError } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { Control } from "../../host/node/control.ts";
import { Bench, MAIN, rule } from "../support/rtt.ts";

const bench = new Bench();
const DOUBLE = new URL("../support/tool-server-double.ts", import.meta.url).pathname;
const PAIR_ROUNDS_MS = 120_000;

beforeAll(async () => {
  const open = bench.folder("open");
  writeFileSync(bench.path("open/note.txt"), "grüße\n");
  const servers = { mcpServers: { slow: { command: "node", args: [DOUBLE, "slow"] } } };
  const imported = bench.file("mcp.json", JSON.stringify(servers));
  await bench.up("host", "--host", "--name", "desk");
  await bench.allow("host", "host", [rule(["fs.read@^1"]), rule(["slow.*"])]);
  const { code } = await bench.ask<{ code: string }>("host", "invite");
  await bench.ask("device", "join", code, "--name", "laptop");
  await bench.allow("device", "device", [rule(["fs.read"], { paths: [open] }), rule(["slow.*"])]);
  await bench.up("device", "--device", "--name", "laptop", "--folder", open, "--import", imported);
  await vi.waitFor(
    async () => {
      const { tools } = await bench.ask<{ tools: unknown[] }>("host", "tools");
      expect(tools).toHaveLength(2);
    },
    { timeout: 60_000, interval: 500 },
  );
}, PAIR_ROUNDS_MS);
afterAll(() => bench.close());

/** An official client that talks to `rtt mcp`. */
async function connect(mode: "legacy" | "auto", home = "host"): Promise<Client> {
  const options = mode === "auto" ? { versionNegotiation: { mode } } : {};
  const client = new Client({ name: "probe", version: "1" }, options);
  const environment = { ...process.env, RTT_HOME: bench.path(home) };
  await client.connect(
    new StdioClientTransport({
      command: process.execPath,
      args: [MAIN, "mcp"],
      env: environment,
    }),
  );
  return client;
}

describe.each([
  ["legacy", "2025-11-25"],
  ["auto", "2026-07-28"],
] as const)("rtt mcp with a client that negotiates %s", (mode, revision) => {
  let client: Client;
  beforeAll(async () => {
    client = await connect(mode);
  });
  afterAll(() => client.close());

  it("speaks its revision and offers the permitted tools under stable names", async () => {
    expect(client.getNegotiatedProtocolVersion()).toBe(revision);
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual(["laptop__fs_read", "laptop__slow_echo"]);
    expect(tools[0]?.outputSchema).toMatchObject({ required: ["content", "bytes", "truncated"] });
    expect(tools[0]?.inputSchema).toMatchObject({ required: ["path"] });
  });

  it("calls a bound tool: text, structure that fits its schema, and a receipt", async () => {
    const args = { path: bench.path("open/note.txt") };
    const result = await client.callTool({ name: "laptop__fs_read", arguments: args });
    expect(result.isError).not.toBe(true);
    expect(result.content).toEqual([{ type: "text", text: "grüße\n" }]);
    expect(result.structuredContent).toEqual({ content: "grüße\n", bytes: 8, truncated: false });
    expect(result._meta).toMatchObject({ "rtt/receipt": { isCountersigned: true } });
  });

  it("relays an unbound tool, with the arguments as the client wrote them", async () => {
    const result = await client.callTool({ name: "laptop__slow_echo", arguments: { text: "hi" } });
    expect(result.content).toEqual([{ type: "text", text: "hi" }]);
    const { id } = (result._meta as { "rtt/receipt": { id: string } })["rtt/receipt"];
    const { facts } = await bench.ask<{ facts: Record<string, unknown> }>("host", "why", id);
    const served = facts["served"] as { received: string; returned: string };
    expect(facts["sent"]).toBe(served.received);
    expect(facts["delivered"]).toBe(served.returned);
    expect(facts["client"]).toBe("mcp:probe");
  });

  it("tells a denial as a result that a model can read", async () => {
    const args = { path: "/etc/passwd" };
    const result = await client.callTool({ name: "laptop__fs_read", arguments: args });
    expect(result.isError).toBe(true);
    expect(JSON.stringify(result.content)).toContain("path-denied");
    expect(result._meta).toMatchObject({
      "rtt/failure": { code: "path-denied", origin: "policy" },
    });
  });

  it("tells a tool that does not exist as a protocol error", async () => {
    const call = client.callTool({ name: "laptop__nothing", arguments: {} });
    await expect(call).rejects.toThrow(/tool-unknown/);
    await expect(call).rejects.toBeInstanceOf(ProtocolError);
  });

  it("cancels a call all the way down", async () => {
    const stop = new AbortController();
    const params = { name: "laptop__slow_echo", arguments: { text: "x" } };
    const call = client.callTool(params, { signal: stop.signal });
    setTimeout(() => stop.abort(), 100);
    await expect(call).rejects.toThrow();
    await vi.waitFor(
      async () => {
        const { outcome } = await bench.ask<{ outcome: string }>("host", "why");
        expect(outcome).toContain("cancelled");
      },
      { timeout: 20_000, interval: 250 },
    );
  });
});

describe("rtt mcp without a node", () => {
  it("says so, and serves as soon as there is one", async () => {
    const client = await connect("auto", "late");
    await expect(client.listTools()).rejects.toThrow(/not-running/);
    await bench.up("late", "--host", "--name", "late");
    expect((await client.listTools()).tools).toEqual([]);
    await client.close();
  });
});

describe("the local HTTP door", () => {
  const control = (): Control =>
    JSON.parse(readFileSync(bench.path("host/control.json"), "utf8")) as Control;

  /** `fetch` forbids to set Host and Origin, which is what these tests are about. */
  function ask(
    path: string,
    headers: Record<string, string> = {},
    body?: string,
  ): Promise<{ status: number; body: string; headers: Record<string, unknown> }> {
    const { port, token } = control();
    const method = body === undefined ? "GET" : "POST";
    const all = { authorization: `Bearer ${token}`, ...headers };
    return new Promise((resolve, reject) => {
      const call = request({ host: "127.0.0.1", port, path, method, headers: all }, (response) => {
        let text = "";
        response.on("data", (bytes: Buffer) => (text += bytes.toString()));
        response.on("end", () =>
          resolve({ status: response.statusCode ?? 0, body: text, headers: response.headers }),
        );
      });
      call.once("error", reject);
      call.end(body);
    });
  }

  it("tells its health to anybody on this machine, and nothing else", async () => {
    const health = await ask("/v1/health", { authorization: "" });
    expect([health.status, JSON.parse(health.body)]).toEqual([
      200,
      { status: "ok", roles: ["host"], problems: [] },
    ]);
    for (const path of ["/v1/status", "/v1/tools", "/v1/receipts", "/v1/wire"]) {
      expect((await ask(path, { authorization: "" })).status).toBe(401);
      expect((await ask(path, { authorization: "Bearer wrong" })).status).toBe(401);
    }
  });

  it("refuses a page of somebody else, also under a name of its own", async () => {
    const { port } = control();
    expect((await ask("/v1/health", { host: `evil.example:${port}` })).status).toBe(403);
    expect((await ask("/v1/health", { origin: "http://evil.example" })).status).toBe(403);
    expect((await ask("/v1/health", { origin: "null" })).status).toBe(403);
    expect((await ask("/v1/health", { origin: `http://127.0.0.1:${port}` })).status).toBe(200);
  });

  it("serves the page under a policy that lets it talk to nobody else", async () => {
    const page = await ask("/", { authorization: "" });
    expect(page.status).toBe(200);
    expect(page.headers["content-security-policy"]).toContain("default-src 'none'");
    expect(page.body).toContain("What a wire-tap sees");
    expect(page.body).not.toMatch(/src=|href=|https?:\/\//);
  });

  it.each([
    ["{", 400],
    ["[]", 400],
    ['{"name":"x"}', 400],
    ['{"name":"x","client":""}', 400],
    ['{"name":"x","client":"a","timeoutMs":-1}', 400],
    ['{"name":"x","name":"y","client":"a"}', 400],
    ["x".repeat(3_000_000), 413],
  ])("refuses a call that is none: %.40s", async (body, status) => {
    expect((await ask("/v1/calls", {}, body)).status).toBe(status);
  });

  it("answers what it does not know with 404", async () => {
    expect((await ask("/v1/nothing")).status).toBe(404);
  });
});
