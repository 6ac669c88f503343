/**
 * Goal: a connection ends once, with one reason, on both sides, and leaves nothing behind.
 * Method: two engines; the clock is moved over the periods of RFC 9000 §10.
 */
import { expect, test } from "vitest";
import { errorNumber } from "../../../host/shared/ports/failure.ts";
import { Pair, PARAMETERS } from "../../support/pair.ts";
import { content, Reader, Writer } from "../../support/pair-streams.ts";

const CONNECTION_CLOSED = -errorNumber("connection-closed");

test("close tells the other side code and reason, and both sides forget the connection", () => {
  const pair = new Pair();
  const { client, server } = pair.connected("IK");
  pair.client.close(client, 0xffff_ffff_ffff_fffen, "genug für heute", pair.now());
  pair.drain("client");
  pair.runUntil(() => pair.find("server", "closed"));
  const expected = { code: 0, applicationCode: 0xffff_ffff_ffff_fffen, reason: "genug für heute" };
  expect(pair.take("server", "closed")).toMatchObject({
    ...expected,
    connection: server,
    isByPeer: true,
  });
  expect(pair.take("client", "closed")).toMatchObject({
    ...expected,
    connection: client,
    isByPeer: false,
  });
  pair.runFor(5_000_000);
  for (const engine of [pair.client, pair.server]) {
    expect(engine.endpointStats().connections).toBe(0);
    expect(engine.nextTimeoutUs()).toBe(Infinity);
  }
});

test("a long reason is cut between characters", () => {
  const pair = new Pair();
  const { client } = pair.connected("IK");
  pair.client.close(client, 1n, "ü".repeat(300), pair.now());
  pair.drain("client");
  pair.runUntil(() => pair.find("server", "closed"));
  expect(pair.take("server", "closed").reason).toBe("ü".repeat(128));
});

// spec-test: RFC 9000 §10.2.1
test("a lost CLOSE is repeated byte for byte when the other side still sends, ever more rarely", () => {
  const pair = new Pair();
  const { client, server } = pair.connected("IK");
  const before = pair.wire.length;
  pair.fate = (from, bytes) => ({ delayUs: 1000, copies: from === "client" ? [] : [bytes] });
  pair.client.close(client, 1n, "", pair.now());
  pair.drain("client");
  for (let count = 0; count < 16; count += 1) {
    pair.server.sendDatagram(server, content(10, 1));
    pair.drain("server");
    pair.runFor(1500);
  }
  const closes = pair.wire.slice(before).filter(({ from }) => from === "client");
  expect(new Set(closes.map(({ bytes }) => bytes.join())).size).toBe(1);
  expect(closes.length).toBe(6);
});

test("both sides may close at once", () => {
  const pair = new Pair();
  const { client, server } = pair.connected("IK");
  pair.client.close(client, 1n, "a", pair.now());
  pair.server.close(server, 2n, "b", pair.now());
  pair.drain("client");
  pair.drain("server");
  pair.runFor(5_000_000);
  expect(pair.take("client", "closed").applicationCode).toBe(1n);
  expect(pair.take("server", "closed").applicationCode).toBe(2n);
  expect(pair.events.client.filter(({ kind }) => kind === "closed").length).toBe(1);
  expect(pair.client.endpointStats().connections + pair.server.endpointStats().connections).toBe(0);
});

// spec-test: RFC 9000 §10.1
test("silence for the shorter of both idle timeouts ends both sides without a word", () => {
  const parameters = { ...PARAMETERS, idleTimeoutMs: 2000 };
  const pair = new Pair({ serverConfig: { parameters } });
  pair.connected("IK");
  pair.runFor(500_000);
  const sent = pair.wire.length;
  pair.runFor(10_000_000);
  for (const side of ["client", "server"] as const) {
    expect(pair.take(side, "closed")).toMatchObject({
      code: errorNumber("idle-timeout"),
      isByPeer: false,
    });
  }
  expect(pair.wire.length).toBe(sent);
});

test("traffic keeps a connection alive", () => {
  const parameters = { ...PARAMETERS, idleTimeoutMs: 2000 };
  const pair = new Pair({ serverConfig: { parameters } });
  const { client } = pair.connected("IK");
  for (let count = 0; count < 20; count += 1) {
    pair.client.sendDatagram(client, content(10, 1));
    pair.drain("client");
    pair.runFor(1_000_000);
  }
  expect(pair.find("client", "closed")).toBeUndefined();
  expect(pair.find("server", "closed")).toBeUndefined();
});

test("a path that dies ends the connection by its idle timeout, however much was in flight", () => {
  const parameters = { ...PARAMETERS, idleTimeoutMs: 3000 };
  const pair = new Pair({ clientConfig: { parameters } });
  const { client } = pair.connected("IK");
  const stream = pair.open(client);
  pair.fate = () => ({ delayUs: 0, copies: [] });
  pair.client.write(client, stream, content(500_000, 1), true);
  pair.drain("client");
  pair.runFor(60_000_000);
  expect(pair.take("client", "closed").code).toBe(errorNumber("idle-timeout"));
  expect(pair.client.endpointStats().connections).toBe(0);
  expect(pair.client.nextTimeoutUs()).toBe(Infinity);
});

test("a path that dies without an idle timeout is probed every few seconds, and nothing spins", () => {
  const parameters = {
    ...PARAMETERS,
    idleTimeoutMs: 0,
    maxData: 16 * 1024 * 1024,
    maxStreamData: 8 * 1024 * 1024,
  };
  const configs = { clientConfig: { parameters }, serverConfig: { parameters } };
  const pair = new Pair({ ...configs, delayUs: 50_000 });
  const { client, server } = pair.connected("IK");
  const streams = Array.from({ length: 8 }, () => pair.open(client));
  const writers = streams.map(
    (id) => new Writer(pair, "client", client, id, content(4_000_000, 1)),
  );
  const readers = streams.map((id) => new Reader(pair, "server", server, id));
  const isGrown = (): boolean =>
    pair.client.connectionStats(client).congestionWindowBytes > 2_600_000;
  pair.runUntil(() => {
    for (const one of [...writers, ...readers]) one.pump();
    return isGrown();
  });
  pair.fate = () => ({ delayUs: 0, copies: [] });
  for (const writer of writers) writer.pump();
  pair.runFor(10_000_000);
  const before = pair.wire.length;
  pair.runFor(900_000_000);
  expect(pair.wire.length - before).toBeGreaterThan(200);
  expect(pair.wire.length - before).toBeLessThan(2000);
  expect(pair.find("client", "closed")).toBeUndefined();
});

test("after the end every call on the connection answers connection-closed", () => {
  const pair = new Pair();
  const { client } = pair.connected("IK");
  const stream = pair.open(client);
  pair.client.close(client, 0n, "", pair.now());
  pair.drain("client");
  pair.runFor(5_000_000);
  const bytes = new Uint8Array(1);
  expect(pair.client.write(client, stream, bytes, true)).toBe(CONNECTION_CLOSED);
  expect(pair.client.read(client, stream, bytes)).toBe(CONNECTION_CLOSED - 1);
  expect(Number(pair.open(client))).toBe(CONNECTION_CLOSED);
  expect(pair.client.sendDatagram(client, bytes)).toBe(CONNECTION_CLOSED);
  expect(pair.client.connectionStats(client).packetsSent).toBe(0);
  const again = pair.dial("IK");
  expect(again).toBeGreaterThan(client);
});
