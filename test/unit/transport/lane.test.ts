/**
 * Goal: calls between two nodes end with the answer or with the failure that describes what happened.
 * Method: two real transports over loopback UDP, the released engine, and handlers that behave and misbehave.
 */
import { expect, test } from "vitest";
import { callRecord, createIdentity, Failure } from "../../../host/node/index.ts";
import { formatAddress } from "../../../host/shared/trust/address.ts";
import { failureCode } from "../../support/ports.ts";
import { gather, startNode, startPair } from "../../support/nodes.ts";

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes);

/** A promise and what resolves it. */
function deferred<Value>(): { promise: Promise<Value>; resolve: (value: Value) => void } {
  return Promise.withResolvers<Value>();
}

test("a call reaches its agent with its record and the caller's proved identity", async () => {
  const { client, server, lane } = await startPair();
  const record = callRecord({ tenant: "acme", timeoutMs: 5_000 });
  server.transport.serve("who", async function* (call) {
    yield utf8(JSON.stringify({ id: call.peer.id, record: call.record, agent: call.agent }));
  });
  const [answer] = await gather(lane.call("who", record, utf8("?")));
  expect(JSON.parse(text(answer))).toEqual({ id: client.identity.id, record, agent: "who" });
});

test("both ends of a lane have one channel binding, and name carrier and handshake", async () => {
  const { client, server, lane } = await startPair();
  expect(server.lanes[0]?.peer.channelBinding).toEqual(lane.peer.channelBinding);
  expect(lane.peer.channelBinding.length).toBe(32);
  expect(lane.peer.id).toBe(server.identity.id);
  expect(server.lanes[0]?.peer.id).toBe(client.identity.id);
  expect(lane.peer).toMatchObject({
    carrier: "udp",
    handshake: "Noise_IK_25519_ChaChaPoly_SHA256",
  });
  expect(lane.rttUs).toBeGreaterThan(0);
});

test("the side that accepted the connection calls over it too", async () => {
  const { client, server } = await startPair();
  client.transport.serve("tools", async function* () {
    yield utf8("from the device");
  });
  const back = server.lanes[0];
  if (back === undefined) throw new Error("the server has no lane");
  expect((await gather(back.call("tools", callRecord(), utf8("")))).map(text)).toEqual([
    "from the device",
  ]);
});

test("an answer of many parts arrives in order", async () => {
  const { server, lane } = await startPair();
  server.transport.serve("count", async function* () {
    for (let index = 0; index < 50; index++) yield utf8(String(index));
  });
  const parts = await gather(lane.call("count", callRecord(), utf8("")));
  expect(parts.map(text)).toEqual(Array.from({ length: 50 }, (_, index) => String(index)));
});

test("an answer without parts is one empty part", async () => {
  const { server, lane } = await startPair();
  server.transport.serve("nothing", async function* () {
    // Yields nothing.
  });
  expect(await gather(lane.call("nothing", callRecord(), utf8("")))).toEqual([new Uint8Array(0)]);
});

test("two hundred calls at once all get their own answer", async () => {
  const { server, lane } = await startPair();
  server.transport.serve("echo", async function* ({ payload }) {
    yield payload;
  });
  const answers = await Promise.all(
    Array.from({ length: 200 }, (_, index) =>
      gather(lane.call("echo", callRecord(), utf8(String(index)))),
    ),
  );
  expect(answers.map(([answer]) => text(answer))).toEqual(
    Array.from({ length: 200 }, (_, index) => String(index)),
  );
});

test("a payload close to the limit crosses whole, a larger one is refused before it is sent", async () => {
  const { server, lane } = await startPair();
  server.transport.serve("size", async function* ({ payload }) {
    yield utf8(String(payload.length));
  });
  const [size] = await gather(lane.call("size", callRecord(), new Uint8Array(1_000_000)));
  expect(text(size)).toBe("1000000");
  const tooLarge = new Uint8Array(2 * 1024 * 1024);
  expect(await failureCode(() => gather(lane.call("size", callRecord(), tooLarge)))).toBe(
    "message-too-large",
  );
});

test("a failure of the handler reaches the caller with code, remedy and facts", async () => {
  const { server, lane } = await startPair();
  server.transport.serve("refuse", async function* () {
    yield* [];
    throw new Failure("policy-denied", "no rule allows it", {
      origin: "policy",
      remedy: "Ask for a rule.",
      context: { rule: "none" },
    });
  });
  const failure = await gather(lane.call("refuse", callRecord(), utf8(""))).catch(
    (error: unknown) => Failure.from(error),
  );
  expect(failure).toMatchObject({
    code: "policy-denied",
    origin: "policy",
    remedy: "Ask for a rule.",
    context: { rule: "none" },
  });
});

test("an agent that nobody serves is a named failure", async () => {
  const { lane } = await startPair();
  expect(await failureCode(() => gather(lane.call("nobody", callRecord(), utf8(""))))).toBe(
    "agent-unknown",
  );
});

test("a call that is given up aborts its handler", async () => {
  const { server, lane } = await startPair();
  const [started, ended] = [deferred<void>(), deferred<string>()];
  server.transport.serve("wait", async function* ({ signal }) {
    started.resolve();
    await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
    ended.resolve(Failure.from(signal.reason).code);
    yield utf8("");
  });
  const abort = new AbortController();
  const call = gather(lane.call("wait", callRecord(), utf8(""), { signal: abort.signal }));
  await started.promise;
  abort.abort();
  expect(await failureCode(() => call)).toBe("cancelled");
  expect(await ended.promise).toBe("cancelled");
});

test("a call that takes longer than its timeout ends at both sides", async () => {
  const { server, lane } = await startPair();
  const ended = deferred<void>();
  server.transport.serve("wait", async function* ({ signal }) {
    await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
    ended.resolve();
    yield utf8("");
  });
  const record = callRecord({ timeoutMs: 100 });
  expect(await failureCode(() => gather(lane.call("wait", record, utf8(""))))).toBe(
    "deadline-exceeded",
  );
  await ended.promise;
});

test("a caller that stops reading an answer stops its handler", async () => {
  const { server, lane } = await startPair();
  const ended = deferred<void>();
  server.transport.serve("endless", async function* ({ signal }) {
    try {
      while (!signal.aborted) yield new Uint8Array(100_000);
    } finally {
      ended.resolve();
    }
  });
  for await (const part of lane.call("endless", callRecord(), utf8(""))) {
    expect(part.length).toBe(100_000);
    break;
  }
  await ended.promise;
});

test("a call whose connection dies in flight has an unknown outcome", async () => {
  const { server, lane } = await startPair();
  const started = deferred<void>();
  server.transport.serve("hang", async function* ({ signal }) {
    started.resolve();
    await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
    yield utf8("");
  });
  const call = gather(lane.call("hang", callRecord(), utf8("")));
  await started.promise;
  await server.transport.close("going away");
  expect(await failureCode(() => call)).toBe("outcome-unknown");
  expect(await failureCode(() => gather(lane.call("hang", callRecord(), utf8(""))))).toBe(
    "connection-closed",
  );
});

test("a stranger is refused, and learns why", async () => {
  const server = await startNode(createIdentity(), []);
  const stranger = await startNode(createIdentity(), [server.identity.publicKey]);
  const dial = stranger.transport.connect({
    ...server.transport.local,
    staticKey: server.identity.staticPublicKey,
  });
  expect(await failureCode(() => dial)).toBe("peer-unknown");
});

test("a peer that is not the expected one is refused by the caller", async () => {
  const { client, server } = await startPair();
  const dial = client.transport.connect({
    ...server.transport.local,
    staticKey: server.identity.staticPublicKey,
    identity: createIdentity().publicKey,
  });
  expect(await failureCode(() => dial)).not.toBe("none");
});

test("a wrong handshake key gets nowhere", async () => {
  const { client, server } = await startPair();
  const dial = client.transport.connect(
    { ...server.transport.local, staticKey: createIdentity().staticPublicKey },
    { timeoutMs: 2_000 },
  );
  expect(["key-unknown", "handshake-failed"]).toContain(await failureCode(() => dial));
});

test("without the peer's key the first contact uses XX and proves the same identity", async () => {
  const { client, server } = await startPair();
  const lane = await client.transport.connect({
    ...server.transport.local,
    identity: server.identity.publicKey,
  });
  expect(lane.peer.handshake).toBe("Noise_XX_25519_ChaChaPoly_SHA256");
  expect(lane.peer.id).toBe(server.identity.id);
});

test("a host that does not answer ends the dial with a named failure", async () => {
  const { client } = await startPair();
  const dial = client.transport.connect(
    { host: "127.0.0.1", port: 9, staticKey: createIdentity().staticPublicKey },
    { timeoutMs: 300 },
  );
  expect(await failureCode(() => dial)).toBe("handshake-timeout");
});

test("a dial can be given up", async () => {
  const { client } = await startPair();
  const abort = new AbortController();
  const dial = client.transport.connect(
    { host: "127.0.0.1", port: 9, staticKey: createIdentity().staticPublicKey },
    { signal: abort.signal },
  );
  abort.abort();
  expect(await failureCode(() => dial)).toBe("cancelled");
});

test("an address with a static key dials IK, one with an identity dials XX", async () => {
  const { client, server } = await startPair();
  const { host, port } = server.transport.local;
  const { staticPublicKey, publicKey, id } = server.identity;
  const agent = "tools";
  const byKey = formatAddress({ key: staticPublicKey, keyKind: "static", host, port, agent });
  const byIdentity = formatAddress({ key: publicKey, keyKind: "identity", host, port, agent });
  const [ik, xx] = [await client.transport.dial(byKey), await client.transport.dial(byIdentity)];
  expect([ik.peer.id, xx.peer.id]).toEqual([id, id]);
  expect(ik.peer.handshake).toContain("_IK_");
  expect(xx.peer.handshake).toContain("_XX_");
});
