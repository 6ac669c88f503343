/**
 * Goal: an MCP server somewhere else is imported, wired, called and supervised like one of this machine, and its secret
 * goes to nobody else. Method: a real HTTP server by the official library, with faults.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { REMOTE_TOKEN, remoteServer } from "../../support/remote-server.ts";
import { PATIENCE, WiringWorld } from "../../support/wiring-world.ts";

const HEADERS = { Authorization: { template: "Bearer ${env:REMOTE_TEST_TOKEN}" } };

async function remoteWorld() {
  const remote = await remoteServer();
  const world = await WiringWorld.create();
  await world.allow(["*"]);
  world.environment["REMOTE_TEST_TOKEN"] = REMOTE_TOKEN;
  const server = { transport: "streamable-http", url: remote.url, headers: HEADERS };
  const address = await world.server("far", server);
  return { remote, world, address };
}

test("its tools are imported, offered and called, and the secret stays in the environment", async () => {
  const { remote, world, address } = await remoteWorld();
  const answer = await world.ask<{ registered: string[] }>("tools", "import");
  expect(answer.registered).toEqual(["rtt://mcp/far/tool/echo@3.1.0"]);
  await world.wire([address]);
  const node = await world.up();
  await vi.waitFor(async () => expect(await world.offered()).toEqual(["desk__far_echo"]), PATIENCE);
  expect(await world.call("far.echo", { text: "hi" })).toEqual({ text: "hi", code: "" });
  expect(remote.calls).toEqual(["hi"]);
  const { servers } = await node.status();
  expect(servers).toMatchObject([{ name: "far", state: "ready", pid: null, tools: 1 }]);
  for (const entry of readdirSync(world.project.folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    expect(readFileSync(join(entry.parentPath, entry.name), "utf8")).not.toContain(REMOTE_TOKEN);
  }
});

test("a server that refuses us, is not there, or is none at all is named", async () => {
  const { remote, world } = await remoteWorld();
  const failureOf = async (): Promise<string> => {
    const { out } = await world.rtt("tools", "import", "--json");
    const { servers } = JSON.parse(out) as { servers: { failure: { message: string } | null }[] };
    return servers[0]?.failure?.message ?? "";
  };
  world.environment["REMOTE_TEST_TOKEN"] = "wrong";
  expect(await failureOf()).toContain("HTTP status 401");
  world.environment["REMOTE_TEST_TOKEN"] = REMOTE_TOKEN;
  remote.fault = () =>
    new Response("<html>hello</html>", { headers: { "content-type": "text/html" } });
  expect(await failureOf()).toMatch(/did not take a request \(.*content type/i);
  remote.fault = () => Response.redirect("http://127.0.0.1:1/elsewhere", 307);
  expect(await failureOf()).toContain("did not take a request");
  await remote.stop();
  expect(await failureOf()).toContain("ECONNREFUSED");
});

test("a call ends with the fault that befell it, and the server is found again when it is back", async () => {
  const { remote, world, address } = await remoteWorld();
  await world.wire([address]);
  await world.up();
  await vi.waitFor(async () => expect(await world.offered()).toEqual(["desk__far_echo"]), PATIENCE);
  remote.fault = () => new Response("no", { status: 400 });
  expect((await world.call("far.echo", { text: "a" })).code).toBe("tool-failed");
  remote.fault = null;
  expect(await world.call("far.echo", { text: "b" })).toEqual({ text: "b", code: "" });
  remote.fault = () => new Response("broken", { status: 500 });
  expect((await world.call("far.echo", { text: "c" })).code).toMatch(/tool-(failed|crashed)/);
  remote.fault = null;
  await vi.waitFor(
    async () =>
      expect(await world.call("far.echo", { text: "d" })).toEqual({ text: "d", code: "" }),
    PATIENCE,
  );
  expect(remote.calls).toEqual(["b", "d"]);
});

test("an answer that never comes ends with the time limit of the call", async () => {
  const { remote, world, address } = await remoteWorld();
  await world.wire([address]);
  await world.up();
  await vi.waitFor(async () => expect(await world.offered()).toEqual(["desk__far_echo"]), PATIENCE);
  remote.fault = () => new Promise<Response>(() => {});
  const { out } = await world.rtt("call", "far.echo", "--timeout", "300", "--json");
  expect((JSON.parse(out) as { failure: { code: string } }).failure.code).toBe("tool-timeout");
});

test("an answer that never ends is given up, and its call with it", async () => {
  const { remote, world, address } = await remoteWorld();
  await world.wire([address]);
  await world.up();
  await vi.waitFor(async () => expect(await world.offered()).toEqual(["desk__far_echo"]), PATIENCE);
  let isAborted = false;
  const chunk = new Uint8Array(1 << 20).fill(0x20);
  remote.fault = () => {
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(chunk),
      cancel: () => void (isAborted = true),
    });
    return new Response(body, { headers: { "content-type": "application/json" } });
  };
  expect((await world.call("far.echo", { text: "x" })).code).toMatch(/tool-(failed|crashed)/);
  await vi.waitFor(() => expect(isAborted).toBe(true), PATIENCE);
});
