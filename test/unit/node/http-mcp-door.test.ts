/**
 * Goal: the tools of a node are there for MCP clients over HTTP as over stdio, behind the same guard, and a door shows
 * only what it was opened for. Method: the official client in both revisions against a running node, and raw requests.
 */
import { readFileSync } from "node:fs";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import type { Control } from "../../../host/node/control.ts";
import { Selection } from "../../../host/node/mcp-door/selection.ts";
import type { ShownTool } from "../../../host/node/node-face.ts";
import { statePaths } from "../../../host/node/state.ts";
import { MAIN } from "../../support/rtt.ts";
import { PATIENCE, WiringWorld } from "../../support/wiring-world.ts";

const REVISIONS = [
  ["legacy", "2025-11-25"],
  ["auto", "2026-07-28"],
] as const;

/** A running node with two wired servers. */
async function door() {
  const world = await WiringWorld.create();
  await world.allow(["*"]);
  const [one, two] = [await world.double("one", "good"), await world.double("two", "good")];
  await world.wire([one, two]);
  const node = await world.up();
  await vi.waitFor(async () => expect(await world.offered()).toHaveLength(2), PATIENCE);
  const { port, token } = JSON.parse(
    readFileSync(statePaths(world.home).control, "utf8"),
  ) as Control;
  return { world, node, one, two, url: `http://127.0.0.1:${port}/mcp`, token };
}

async function connect(
  mode: "legacy" | "auto",
  url: string,
  token: string,
  onChanged?: () => void,
): Promise<Client> {
  const options = {
    ...(mode === "auto" ? { versionNegotiation: { mode } } : {}),
    ...(onChanged === undefined ? {} : { listChanged: { tools: { onChanged } } }),
  };
  const client = new Client({ name: "probe", version: "1" }, options);
  await client.connect(
    new StreamableHTTPClientTransport(new URL(url), {
      requestInit: { headers: { authorization: `Bearer ${token}` } },
    }),
  );
  onTestFinished(() => client.close());
  return client;
}

describe.each(REVISIONS)("a client that negotiates %s", (mode, revision) => {
  test("lists, calls with the bytes that it wrote, is known by its name and told of changes", async () => {
    const { world, node, one, url, token } = await door();
    const onChanged = vi.fn();
    const client = await connect(mode, url, token, onChanged);
    expect(client.getNegotiatedProtocolVersion()).toBe(revision);
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual(["desk__one_echo", "desk__two_echo"]);
    const result = await client.callTool({ name: "desk__one_echo", arguments: { text: "hü" } });
    expect(result.content).toEqual([{ type: "text", text: "hü" }]);
    const { id } = (result._meta as { "rtt/receipt": { id: string } })["rtt/receipt"];
    const { facts } = await world.ask<{ facts: Record<string, unknown> }>("why", id);
    expect(facts["client"]).toBe("mcp:probe");
    const digest = node.parts.ports.digest.sha256(new TextEncoder().encode('{"text":"hü"}'));
    expect(facts["sent"]).toBe(`sha256:${Buffer.from(digest).toString("hex")}`);
    await expect(client.callTool({ name: "desk__three_echo" })).rejects.toThrow(/tool-unknown/);
    await world.wire([one]);
    await vi.waitFor(() => expect(onChanged).toHaveBeenCalled(), PATIENCE);
    expect((await client.listTools()).tools).toHaveLength(1);
  });

  test("sees and calls only what the address chooses", async () => {
    const { url, token } = await door();
    const client = await connect(mode, `${url}?only=rtt://mcp/two/tool/*`, token);
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(["desk__two_echo"]);
    const call = { arguments: { text: "x" } };
    expect((await client.callTool({ name: "desk__two_echo", ...call })).isError).not.toBe(true);
    await expect(client.callTool({ name: "desk__one_echo", ...call })).rejects.toThrow(
      /tool-unknown/,
    );
  });
});

test("strangers, pages of others and broken requests are turned away", async () => {
  const { url, token } = await door();
  const ask = (headers: Record<string, string>, body?: string | Uint8Array<ArrayBuffer>) =>
    fetch(url, {
      method: body === undefined ? "GET" : "POST",
      headers: {
        "content-type": "application/json",
        accept: "application/json, text/event-stream",
        ...headers,
      },
      ...(body === undefined ? {} : { body }),
    });
  const known = { authorization: `Bearer ${token}` };
  const list = '{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{}}';
  expect((await ask({}, list)).status).toBe(401);
  expect((await ask({ authorization: "Bearer wrong" }, list)).status).toBe(401);
  expect((await ask({ ...known, origin: "http://evil.example" }, list)).status).toBe(403);
  expect((await ask(known, list)).status).toBe(400);
  expect((await ask({ ...known, "mcp-session-id": "no-such" }, list)).status).toBe(404);
  expect((await ask(known, "{")).status).toBe(400);
  expect((await ask(known, new Uint8Array(3 << 20))).status).toBe(413);
  expect((await ask(known)).status).toBeGreaterThanOrEqual(400);
});

test("a session that is closed is gone, and old ones make room for new ones", async () => {
  const { url, token } = await door();
  const opening = JSON.stringify({
    jsonrpc: "2.0",
    id: 0,
    method: "initialize",
    params: {
      protocolVersion: "2025-11-25",
      capabilities: {},
      clientInfo: { name: "many", version: "1" },
    },
  });
  const headers = {
    authorization: `Bearer ${token}`,
    "content-type": "application/json",
    accept: "application/json, text/event-stream",
  };
  const open = async (): Promise<string> => {
    const response = await fetch(url, { method: "POST", headers, body: opening });
    await response.text();
    return response.headers.get("mcp-session-id") ?? "";
  };
  const ping = async (id: string): Promise<number> => {
    const body = '{"jsonrpc":"2.0","id":1,"method":"ping"}';
    const response = await fetch(url, {
      method: "POST",
      headers: { ...headers, "mcp-session-id": id, "mcp-protocol-version": "2025-11-25" },
      body,
    });
    await response.text();
    return response.status;
  };
  const first = await open();
  expect(await ping(first)).toBe(200);
  const second = await open();
  const deleted = await fetch(url, {
    method: "DELETE",
    headers: { ...headers, "mcp-session-id": second },
  });
  expect([deleted.status, await ping(second)]).toEqual([200, 404]);
  const opened = await Promise.all(Array.from({ length: 128 }, open));
  expect(await ping(first)).toBe(404);
  expect(await ping(opened.at(-1) ?? "")).toBe(200);
});

test("rtt mcp --only shows and calls what is chosen, by any of its names", async () => {
  const { world } = await door();
  const client = new Client({ name: "probe", version: "1" });
  const env = { ...process.env, RTT_HOME: world.home } as Record<string, string>;
  const args = [MAIN, "mcp", "--only", "one.*", "--only", "nothing"];
  await client.connect(new StdioClientTransport({ command: process.execPath, args, env }));
  onTestFinished(() => client.close());
  expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(["desk__one_echo"]);
  const refused = client.callTool({ name: "desk__two_echo", arguments: { text: "x" } });
  await expect(refused).rejects.toThrow(/tool-unknown/);
});

test.each([
  ["desk__files_read_text_file", true],
  ["files.read_text_file", true],
  ["files.read_text_file@0.2.0", true],
  ["rtt://mcp/files/tool/read-text-file", true],
  ["rtt://mcp/files/tool/read-text-file@0.*", true],
  ["rtt://mcp/files/*", true],
  ["files", false],
  ["rtt://mcp/other/*", false],
  ["fs.read", false],
])("the pattern %s chooses a relayed tool: %s", (pattern, isChosen) => {
  const tool = {
    name: "desk__files_read_text_file",
    tool: { name: "files.read_text_file", version: "0.2.0", server: "files", isBound: false },
  } as ShownTool;
  expect(new Selection([pattern]).includes(tool)).toBe(isChosen);
});

test("a pattern chooses a contract by its own name and by that of the tool behind it", () => {
  const tool = {
    name: "desk__fs_read",
    tool: { name: "fs.read", version: "1.0.0", server: "files", isBound: true },
  } as ShownTool;
  const chosen = ["fs.read@1.*", "rtt://mcp/files/tool/read-text-file", "other"].map((pattern) =>
    new Selection([pattern]).includes(tool),
  );
  expect(chosen).toEqual([true, true, false]);
});
