/** The MCP door by its lines: what goes in as bytes stays bytes, and every failure has its form. */
import { PassThrough } from "node:stream";
import { createServer, type Server } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { writeControl } from "../../../host/node/control.ts";
import { serveMcpDoor } from "../../../host/node/mcp-door/door.ts";
import { failedResult, protocolErrorOf } from "../../../host/node/mcp-door/mcp-errors.ts";
import { Failure } from "../../../host/shared/ports/failure.ts";
import { SILENT } from "../../../host/shared/telemetry/logger.ts";

const root = mkdtempSync(join(tmpdir(), "rtt-door-"));
const control = join(root, "control.json");
/** Requests that reached the node, and what it answers next. */
const asked: { readonly url: string; readonly body: string }[] = [];
let answer: { readonly status: number; readonly body: string };
let node: Server;

beforeAll(async () => {
  node = createServer((request, response) => {
    let body = "";
    request.on("data", (bytes: Buffer) => (body += bytes.toString()));
    request.on("end", () => {
      asked.push({ url: request.url ?? "", body });
      response.writeHead(answer.status).end(answer.body);
    });
  }).listen(0, "127.0.0.1");
  await once(node, "listening");
  writeControl(control, (node.address() as AddressInfo).port, "token");
});
afterAll(() => {
  node.close();
  rmSync(root, { recursive: true });
});
beforeEach(() => {
  asked.length = 0;
  answer = { status: 200, body: '{"tools":[],"devices":[],"policies":{}}' };
});

/** A door with its lines. */
class Door {
  readonly #input = new PassThrough();
  readonly #output = new PassThrough();
  readonly #done: Promise<void>;
  #lines: Record<string, unknown>[] = [];

  constructor() {
    this.#output.on("data", (bytes: Buffer) => {
      for (const line of bytes.toString().trim().split("\n")) {
        this.#lines.push(JSON.parse(line) as Record<string, unknown>);
      }
    });
    this.#done = serveMcpDoor({ control, log: SILENT, input: this.#input, output: this.#output });
  }

  send(line: string): void {
    this.#input.write(`${line}\n`);
  }

  async answerTo(id: number): Promise<Record<string, unknown>> {
    return vi.waitFor(
      () => {
        const found = this.#lines.find((line) => line["id"] === id);
        expect(found).toBeDefined();
        return found!;
      },
      { timeout: 5000 },
    );
  }

  async open(): Promise<void> {
    const params = `{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"my agent!","version":"1"}}`;
    this.send(`{"jsonrpc":"2.0","id":0,"method":"initialize","params":${params}}`);
    await this.answerTo(0);
    this.send('{"jsonrpc":"2.0","method":"notifications/initialized"}');
  }

  async close(): Promise<void> {
    this.#input.end();
    await this.#done;
  }
}

describe("the MCP door", () => {
  let door: Door;
  beforeEach(async () => {
    door = new Door();
    await door.open();
  });
  afterEach(() => door.close());

  const ok = {
    ok: true,
    correlationId: "c",
    receipt: { id: "c" },
    decision: {},
    elapsedUs: {},
    attempts: 1,
    text: null,
    failure: null,
  };
  const calls = () => asked.filter(({ url }) => url === "/v1/calls");

  it("passes arguments on as the bytes that the client wrote", async () => {
    answer = { status: 200, body: JSON.stringify({ ...ok, result: { content: [] } }) };
    door.send(
      '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t", "arguments" : {"z":1.50,"a":"\\u0061"} }}',
    );
    await door.answerTo(1);
    expect(calls()[0]?.body).toBe(
      '{"name":"t","client":"mcp:my-agent-","arguments":{"z":1.50,"a":"\\u0061"}}',
    );
  });

  it("writes arguments anew when they have two readings, so that there is one", async () => {
    answer = { status: 200, body: JSON.stringify({ ...ok, result: { content: [] } }) };
    door.send(
      '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t","arguments":{"a":1,"a":2}}}',
    );
    await door.answerTo(1);
    expect(calls()[0]?.body).toContain('"arguments":{"a":2}');
  });

  it("passes on the trace, and what the client asks for in _meta", async () => {
    answer = { status: 200, body: JSON.stringify({ ...ok, result: { content: [] } }) };
    const meta = '{"traceparent":"00-a-b-01","rtt/timeoutMs":7,"other":1}';
    door.send(
      `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t","_meta":${meta}}}`,
    );
    await door.answerTo(1);
    expect(JSON.parse(calls()[0]?.body ?? "")).toEqual({
      name: "t",
      client: "mcp:my-agent-",
      traceparent: "00-a-b-01",
      timeoutMs: 7,
      arguments: {},
    });
  });

  it("shows a contract's result as text and structure, a tool's own as it is", async () => {
    const contract = {
      ...ok,
      text: "content",
      result: { content: "hi", bytes: 2, truncated: false },
    };
    answer = { status: 200, body: JSON.stringify(contract) };
    door.send('{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t"}}');
    expect((await door.answerTo(1))["result"]).toMatchObject({
      content: [{ type: "text", text: "hi" }],
      structuredContent: { content: "hi", bytes: 2, truncated: false },
      _meta: { "rtt/receipt": { id: "c" }, "rtt/attempts": 1 },
    });
    const own = { content: [{ type: "text", text: "x" }], isError: true, _meta: { own: 1 } };
    answer = { status: 200, body: JSON.stringify({ ...ok, result: own }) };
    door.send('{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"t"}}');
    expect((await door.answerTo(2))["result"]).toMatchObject({ isError: true, _meta: { own: 1 } });
  });

  it("tells a failed call as a result and an unknown tool as an error", async () => {
    const failure = { code: "policy-denied", message: "no", origin: "policy", remedy: "Ask." };
    answer = { status: 200, body: JSON.stringify({ ...ok, ok: false, failure, result: null }) };
    door.send('{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t"}}');
    expect((await door.answerTo(1))["result"]).toMatchObject({
      isError: true,
      content: [{ text: "policy-denied: no. Ask." }],
    });
    const unknown = { ...failure, code: "tool-unknown", origin: "local" };
    answer = { status: 200, body: JSON.stringify({ ...ok, ok: false, failure: unknown }) };
    door.send('{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"t"}}');
    expect((await door.answerTo(2))["error"]).toMatchObject({ code: -32602 });
  });

  it.each([
    [401, '{"error":{"code":"permission-denied","message":"m","remedy":"r"}}', "permission-denied"],
    [500, "<html>", "HTTP status 500"],
  ])("tells what the node answers: %i", async (status, body, text) => {
    answer = { status, body };
    door.send('{"jsonrpc":"2.0","id":1,"method":"tools/list"}');
    expect(JSON.stringify((await door.answerTo(1))["error"])).toContain(text);
  });

  it("keeps going after lines that are no messages", async () => {
    door.send("hello");
    door.send('{"jsonrpc":"2.0"');
    door.send('{"jsonrpc":"2.0","id":5,"method":"ping"}');
    expect((await door.answerTo(5))["result"]).toEqual({});
  });
});

describe("failures at the MCP door", () => {
  const failure = (code: Failure["code"]) =>
    new Failure(code, "text", { origin: "policy", remedy: "Do this." });

  it("are results when they are about the tool, errors when about the request", () => {
    expect(protocolErrorOf(failure("tool-unknown"))?.code).toBe(-32602);
    expect(protocolErrorOf(failure("not-running"))?.code).toBe(-32603);
    expect(protocolErrorOf(failure("policy-denied"))).toBeNull();
    expect(failedResult(failure("policy-denied"), { a: 1 })).toMatchObject({
      isError: true,
      content: [{ type: "text", text: "policy-denied: text. Do this." }],
      _meta: { a: 1, "rtt/failure": { code: "policy-denied" } },
    });
  });
});
