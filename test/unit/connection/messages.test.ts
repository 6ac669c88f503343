/**
 * Goal: messages arrive whole, in order and right, or the stream ends with a named error; datagrams may be lost.
 * Method: two engines over a link; the limits of both sides differ where that matters.
 */
import { describe, expect, test } from "vitest";
import type { Message } from "../../../host/shared/engine/contract.ts";
import { errorNumber } from "../../../host/shared/ports/failure.ts";
import { Forger } from "../../support/forger.ts";
import { Pair, PARAMETERS } from "../../support/pair.ts";
import { content, damagingLink } from "../../support/pair-streams.ts";

const CALL = { type: 0x10, flags: 4, messageId: 0xffff_ffff_ffff_fff1n, traceId: 2n };
const WOULD_BLOCK = -errorNumber("would-block");

function readAll(pair: Pair, connection: number, stream: bigint): Message[] {
  const messages: Message[] = [];
  for (;;) {
    const message = pair.server.readMessage(connection, stream);
    if (typeof message === "number") {
      expect([0, -1]).toContain(message);
      return messages;
    }
    messages.push(message);
  }
}

describe("messages", () => {
  test("of every size arrive whole, with header, payload and order", () => {
    const pair = new Pair();
    pair.fate = damagingLink(0.1);
    const { client, server } = pair.connected("IK");
    const stream = pair.open(client, { kind: "messages" });
    const sizes = [0, 1, 7, 1000, 1159, 1160, 2048, 65_536, PARAMETERS.maxMessageBytes];
    let sent = 0;
    const got: Message[] = [];
    pair.runUntil(() => {
      for (; sent < sizes.length; sent += 1) {
        const header = { ...CALL, messageId: BigInt(sent) };
        const isLast = sent === sizes.length - 1;
        const payload = content(sizes[sent]!, 9);
        const status = pair.client.sendMessage(client, stream, header, payload, isLast);
        if (status === WOULD_BLOCK) break;
        expect(status).toBe(0);
      }
      pair.drain("client");
      if (pair.find("server", "stream-opened")) got.push(...readAll(pair, server, stream));
      pair.drain("server");
      return got.length === sizes.length;
    });
    for (const [index, message] of got.entries()) {
      expect(message.header).toEqual({ ...CALL, messageId: BigInt(index) });
      expect(Buffer.compare(message.payload, content(sizes[index]!, 9))).toBe(0);
      expect(message.isLast).toBe(index === sizes.length - 1);
    }
  });

  test("raise readable only when one is whole, and again only after a read found nothing", () => {
    const pair = new Pair();
    const { client, server } = pair.connected("IK");
    const stream = pair.open(client, { kind: "messages" });
    pair.client.sendMessage(client, stream, CALL, content(50_000, 1), false);
    pair.drain("client");
    const readable = (): number =>
      pair.events.server.filter(({ kind }) => kind === "readable").length;
    pair.runUntil(() => pair.find("server", "stream-opened"));
    expect(readable()).toBe(0);
    pair.runUntil(() => readable() > 0);
    expect(readAll(pair, server, stream).length).toBe(1);
    pair.client.sendMessage(client, stream, CALL, content(10, 1), true);
    pair.drain("client");
    pair.runUntil(() => readable() === 2);
    expect(readAll(pair, server, stream).length).toBe(1);
    pair.runFor(1_000_000);
    expect(readable()).toBe(2);
  });

  test("larger than the peer takes are refused here, before anything is sent", () => {
    const parameters = { ...PARAMETERS, maxMessageBytes: 10_000 };
    const pair = new Pair({ serverConfig: { parameters } });
    const { client } = pair.connected("IK");
    const stream = pair.open(client, { kind: "messages" });
    const tooLarge = content(10_001, 1);
    expect(pair.client.sendMessage(client, stream, CALL, tooLarge, true)).toBe(
      -errorNumber("message-too-large"),
    );
    expect(pair.client.sendMessage(client, stream, CALL, tooLarge.subarray(1), true)).toBe(0);
  });

  test("with a header that the format does not allow are refused here", () => {
    const pair = new Pair();
    const { client } = pair.connected("IK");
    const stream = pair.open(client, { kind: "messages" });
    const none = new Uint8Array(0);
    const send = (change: object): number =>
      pair.client.sendMessage(client, stream, { ...CALL, ...change }, none, false);
    expect(send({ type: 0x80 })).toBe(-errorNumber("invalid-message-type"));
    expect(send({ flags: 0x10 })).toBe(-errorNumber("invalid-flags"));
    const bytes = pair.open(client);
    expect(pair.client.sendMessage(client, bytes, CALL, none, false)).toBe(
      -errorNumber("stream-state"),
    );
    expect(pair.client.write(client, stream, none, false)).toBe(-errorNumber("stream-state"));
  });

  test("are taken whole or not at all: would-block, then writable, then all of it", () => {
    const parameters = {
      ...PARAMETERS,
      maxStreamData: 100_000,
      maxData: 100_000,
      maxMessageBytes: 60_000,
    };
    const pair = new Pair({ serverConfig: { parameters } });
    const { client, server } = pair.connected("IK");
    const stream = pair.open(client, { kind: "messages" });
    const send = (): number =>
      pair.client.sendMessage(client, stream, CALL, content(60_000, 1), false);
    expect(send()).toBe(0);
    expect(send()).toBe(WOULD_BLOCK);
    pair.drain("client");
    pair.runFor(500_000);
    expect(pair.find("client", "writable")).toBeUndefined();
    expect(readAll(pair, server, stream).length).toBe(1);
    pair.drain("server");
    pair.runUntil(() => pair.find("client", "writable"));
    expect(send()).toBe(0);
  });

  test("of many streams never fill the window with parts of which none can be completed", () => {
    const parameters = {
      ...PARAMETERS,
      maxStreamData: 70_000,
      maxData: 80_000,
      maxMessageBytes: 60_000,
    };
    const pair = new Pair({ serverConfig: { parameters } });
    const { client, server } = pair.connected("IK");
    const waiting = Array.from({ length: 12 }, () => pair.open(client, { kind: "messages" }));
    const streams = [...waiting];
    let got = 0;
    pair.runUntil(() => {
      while (waiting.length > 0) {
        const status = pair.client.sendMessage(client, waiting[0]!, CALL, content(60_000, 1), true);
        if (status === WOULD_BLOCK) break;
        expect(status).toBe(0);
        waiting.shift();
      }
      pair.drain("client");
      for (const stream of streams) {
        const isOpen = pair.events.server.some(
          (event) => event.kind === "stream-opened" && event.stream === stream,
        );
        if (!isOpen) continue;
        const result = pair.server.readMessage(server, stream);
        if (typeof result !== "number") got += 1;
      }
      pair.drain("server");
      return got === streams.length;
    });
  });
});

describe("what a peer may write on a stream of messages", () => {
  /** Raw bytes on a stream that claims to carry messages: the engine's own API would refuse them. */
  function forge(
    bytes: Uint8Array,
    isLast: boolean,
  ): { pair: Pair; server: number; stream: bigint } {
    const forger = new Forger();
    const pair = new Pair({ createClient: forger.createEndpoint });
    const { client, server } = pair.connected("IK");
    const stream = pair.open(client, { kind: "messages" });
    forger.write(client, stream, bytes, isLast);
    pair.drain("client");
    return { pair, server, stream };
  }

  /** The code of the refusal; the peer must hear the same one for both halves, unless its own had ended. */
  function refusal(bytes: Uint8Array, isLast: boolean): number {
    const { pair, stream } = forge(bytes, isLast);
    pair.runUntil(() => pair.find("server", "message-refused"));
    const { code } = pair.take("server", "message-refused");
    pair.runUntil(() => pair.find("client", "stream-reset"));
    expect(pair.take("client", "stream-reset")).toMatchObject({ stream, code });
    if (!isLast) expect(pair.take("client", "stream-stopped")).toMatchObject({ stream, code });
    return code;
  }

  const header = (change: (view: DataView) => void, size = 40): Uint8Array => {
    const bytes = new Uint8Array(size);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, 0x4d58_5031, true);
    view.setUint8(4, 0x10);
    change(view);
    return bytes;
  };

  test.each([
    ["invalid-magic", header((view) => view.setUint32(0, 7, true))],
    ["reserved-field-non-zero", header((view) => view.setUint16(6, 1, true))],
    ["invalid-message-type", header((view) => view.setUint8(4, 0x77))],
    ["invalid-flags", header((view) => view.setUint8(5, 0x80))],
    ["payload-too-large", header((view) => view.setBigUint64(24, 1n << 40n, true))],
    ["message-too-large", header((view) => view.setBigUint64(24, 300_000n, true))],
  ] as const)("%s is refused by that name", (code, bytes) => {
    expect(refusal(bytes, false)).toBe(errorNumber(code));
  });

  test("a wrong checksum is found when the message is read, and both halves end", () => {
    const { pair, server, stream } = forge(
      header(() => undefined),
      false,
    );
    pair.runUntil(() => pair.find("server", "readable"));
    const code = errorNumber("checksum-mismatch");
    expect(pair.server.readMessage(server, stream)).toBe(-code - 1);
    pair.drain("server");
    pair.runUntil(
      () => pair.find("client", "stream-reset") && pair.find("client", "stream-stopped"),
    );
    expect(pair.take("client", "stream-reset")).toMatchObject({ stream, code });
    expect(pair.take("client", "stream-stopped")).toMatchObject({ stream, code });
  });

  test("a stream that ends inside a message is refused as too small", () => {
    expect(refusal(header(() => undefined).subarray(0, 35), true)).toBe(
      errorNumber("buffer-too-small"),
    );
    expect(refusal(new Uint8Array(5), true)).toBe(errorNumber("buffer-too-small"));
  });
});

describe("datagrams", () => {
  test("arrive as they were, each at most once", () => {
    const pair = new Pair();
    const { client } = pair.connected("IK");
    pair.fate = damagingLink(0.1);
    for (let count = 0; count < 100; count += 1) {
      expect(pair.client.sendDatagram(client, content(10 * count, count))).toBe(0);
      pair.drain("client");
      pair.runFor(5000);
    }
    pair.runFor(1_000_000);
    const got = pair.events.server.flatMap((event) =>
      event.kind === "datagram" ? [event.payload] : [],
    );
    expect(got.length).toBeGreaterThan(70);
    expect(got.length).toBeLessThan(100);
    const indexes = got.map((payload) => payload.length / 10);
    expect(new Set(indexes).size).toBe(indexes.length);
    for (const payload of got)
      expect(payload).toEqual(content(payload.length, payload.length / 10));
  });

  test("larger than the peer's limit or the packet are refused here", () => {
    const pair = new Pair();
    const { client } = pair.connected("IK");
    const tooLarge = -errorNumber("datagram-too-large");
    expect(pair.client.sendDatagram(client, new Uint8Array(1101))).toBe(tooLarge);
    expect(pair.client.sendDatagram(client, new Uint8Array(1100))).toBe(0);
    const wide = new Pair({
      serverConfig: { parameters: { ...PARAMETERS, maxDatagramBytes: 60_000 } },
    });
    const { client: other } = wide.connected("IK");
    expect(wide.client.sendDatagram(other, new Uint8Array(1161))).toBe(tooLarge);
    expect(wide.client.sendDatagram(other, new Uint8Array(1160))).toBe(0);
  });

  test("make room by dropping the oldest when the peer is slow to take them", () => {
    const pair = new Pair();
    const { client } = pair.connected("IK");
    pair.fate = () => ({ delayUs: 0, copies: [] });
    for (let count = 0; count < 1000; count += 1) {
      expect(pair.client.sendDatagram(client, content(1000, count))).toBe(0);
    }
  });
});
