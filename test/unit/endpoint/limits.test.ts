/**
 * Goal: an endpoint keeps its limits and its word at their edges: answers to strangers, slots, windows, names, timeouts.
 * Method: two engines over a link of the test; single datagrams changed by hand.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { WasmEndpoint } from "../../../host/shared/engine/endpoint.ts";
import { EngineMemory } from "../../../host/shared/engine/memory.ts";
import { errorNumber } from "../../../host/shared/ports/failure.ts";
import { configOf, createPerson, Pair, PARAMETERS } from "../../support/pair.ts";
import { content } from "../../support/pair-streams.ts";

const REPLIES_MAX = 16;
/** Where an Initial says its version, and where its list of versions begins (docs/protocol.md §3). */
const VERSION = 12;
const VERSIONS = 32;
const HEADER = { type: 0x12, flags: 0, messageId: 1n, traceId: 2n };

/** The first packet of a dial, which was not delivered. */
function initialOf(pair: Pair, pattern: "IK" | "XX" = "IK", expectations: object = {}): Uint8Array {
  pair.fate = () => ({ delayUs: 0, copies: [] });
  pair.dial(pattern, expectations);
  return pair.wire[0]!.bytes.slice();
}

const stranger = (host: number): Uint8Array =>
  Uint8Array.from({ length: 24 }, (_, index) => (index < 4 ? 4 : host));

describe("strangers", () => {
  test.each([
    ["an unknown version", (initial: Uint8Array) => setVersion(initial, VERSION, 0x4d58_5003)],
    ["another key", (initial: Uint8Array) => void (initial[16]! ^= 1)],
  ])("with %s all at once get a bounded number of answers", (_name, change) => {
    const pair = new Pair();
    const initial = initialOf(pair);
    change(initial);
    for (let count = 0; count < 40; count += 1) {
      pair.server.queueDatagram(initial, stranger(count + 10));
    }
    pair.server.receive(pair.now());
    pair.drain("server");
    const answers = pair.wire.filter(({ from }) => from === "server");
    expect(answers).toHaveLength(REPLIES_MAX);
    expect(pair.server.endpointStats().connections).toBe(0);
    // The next batch is answered again.
    pair.inject("server", initial, stranger(9));
    expect(pair.wire.filter(({ from }) => from === "server")).toHaveLength(REPLIES_MAX + 1);
  });

  test("who chooses a version outside of its own list is dropped", () => {
    const pair = new Pair();
    const initial = initialOf(pair);
    const view = new DataView(initial.buffer);
    for (let index = 0; index < initial[24]!; index += 1) {
      view.setUint32(VERSIONS + 4 * index, 0x0a0a_0a0a, true);
    }
    pair.inject("server", initial);
    expect(pair.server.endpointStats()).toMatchObject({ droppedMalformed: 1, connections: 0 });
  });

  test("with a first message that does not decrypt get neither a slot nor an answer", () => {
    const pair = new Pair();
    const initial = initialOf(pair);
    initial[initial.length - 1]! ^= 1;
    pair.inject("server", initial);
    expect(pair.server.endpointStats()).toMatchObject({ droppedUnauthentic: 1, connections: 0 });
    expect(pair.wire.filter(({ from }) => from === "server")).toEqual([]);
  });

  test("find a full endpoint full, and its connection undisturbed", () => {
    const pair = new Pair({ serverConfig: { connectionsMax: 1 } });
    const { client } = pair.connected("IK");
    const other = new Pair({ client: createPerson(3) });
    pair.inject("server", initialOf(other), stranger(5));
    expect(pair.server.endpointStats()).toMatchObject({ droppedFull: 1, connections: 1 });
    expect(pair.client.sendDatagram(client, content(9, 1))).toBeGreaterThanOrEqual(0);
    pair.drain("client");
    pair.runUntil(() => pair.find("server", "datagram"));
  });
});

function setVersion(bytes: Uint8Array, at: number, version: number): void {
  new DataView(bytes.buffer).setUint32(at, version, true);
}

describe("dials", () => {
  test.each(["IK", "XX"] as const)("by name with %s keep the name out of the clear", (pattern) => {
    const pair = new Pair({ server: createPerson(2, { names: ["hidden.example"] }) });
    pair.dial(pattern, { expectedName: "hidden.example" });
    pair.runUntil(() => pair.find("client", "connected") && pair.find("server", "connected"));
    for (const { bytes } of pair.wire) {
      expect(Buffer.from(bytes).includes("hidden.example")).toBe(false);
    }
  });

  test("to a key of small order fail, and leave their slot free", () => {
    const pair = new Pair({ clientConfig: { connectionsMax: 1 } });
    const status = pair.dial("IK", { remoteStatic: new Uint8Array(32) });
    expect(status).toBe(-errorNumber("handshake-failed"));
    pair.connected("IK");
  });
});

describe("windows", () => {
  test("hold at least one whole message, however small they were asked for", () => {
    const parameters = { ...PARAMETERS, maxData: 1, maxStreamData: 1 };
    const pair = new Pair({ serverConfig: { parameters } });
    expectMessage(pair, PARAMETERS.maxMessageBytes);
  });

  test("and buffers grow with the largest message", () => {
    const size = 3 * 1024 * 1024;
    const large = { parameters: { ...PARAMETERS, maxMessageBytes: size } };
    const pair = new Pair({
      clientConfig: { ...large, connectionsMax: 1 },
      serverConfig: { ...large, connectionsMax: 1 },
    });
    expectMessage(pair, size);
  });

  function expectMessage(pair: Pair, size: number): void {
    const { client, server } = pair.connected("IK");
    const stream = pair.open(client, { kind: "messages" });
    const payload = content(size, 11);
    expect(pair.client.sendMessage(client, stream, HEADER, payload, true)).toBe(0);
    pair.drain("client");
    let received: unknown = 0;
    pair.runUntil(() => {
      if (pair.find("server", "readable") === undefined) return false;
      received = pair.server.readMessage(server, stream);
      pair.drain("server");
      return typeof received === "object";
    });
    expect((received as { payload: Uint8Array }).payload.length).toBe(size);
    expect(Buffer.compare((received as { payload: Uint8Array }).payload, payload)).toBe(0);
  }
});

describe("the idle timeout", () => {
  test.each([
    ["ours is none", "clientConfig"],
    ["the peer's is none", "serverConfig"],
  ])("is the other side's when %s", (_name, side) => {
    const parameters = { ...PARAMETERS, idleTimeoutMs: 0 };
    const pair = new Pair({ [side]: { parameters } });
    const { client } = pair.connected("IK");
    pair.fate = () => ({ delayUs: 0, copies: [] });
    pair.runFor((PARAMETERS.idleTimeoutMs + 5_000) * 1_000);
    const closed = pair.take("client", "closed");
    expect([closed.connection, closed.code]).toEqual([client, errorNumber("idle-timeout")]);
  });

  test("never comes when both sides have none", () => {
    const none = { parameters: { ...PARAMETERS, idleTimeoutMs: 0 } };
    const pair = new Pair({ clientConfig: none, serverConfig: none });
    pair.connected("IK");
    pair.runFor(24 * 3_600 * 1_000_000);
    expect(pair.find("client", "closed")).toBeUndefined();
    expect(pair.server.endpointStats().connections).toBe(1);
  });
});

describe("an instance", () => {
  const module = new WebAssembly.Module(
    readFileSync(join(import.meta.dirname, "../../../build/engine.wasm")),
  );

  test("may be disposed of twice, and answers calls afterwards as if nothing were there", () => {
    const memory = new EngineMemory(module);
    const endpoint = new WasmEndpoint(memory, configOf(createPerson(1), 1));
    expect(endpoint.nextEvent()).toBeNull();
    const { exports } = memory;
    exports.endpointDispose();
    exports.endpointDispose();
    expect(exports.connectionSendDatagram(0, 1)).toBeLessThan(0);
    expect(exports.streamRead(0, 0n, 1)).toBeLessThan(0);
    exports.connectionClose(0, 0n, 0, 1);
  });

  test("holds one endpoint: a second one is a bug, and traps", () => {
    const memory = new EngineMemory(module);
    const endpoint = new WasmEndpoint(memory, configOf(createPerson(1), 1));
    expect(endpoint.entropyWanted()).toBeGreaterThan(0);
    expect(() => memory.exports.endpointCreate()).toThrow(WebAssembly.RuntimeError);
  });
});
