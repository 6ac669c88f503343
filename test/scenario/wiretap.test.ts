/**
 * Goal: whoever sits on the wire learns nothing and breaks nothing but time.
 * Method: a forwarder between two real nodes looks for what was said, flips one bit in each class of packet and of
 * field, replays and reflects, and at last swallows everything.
 */
import { expect, onTestFinished, test } from "vitest";
import { callRecord, type Lane } from "../../host/node/index.ts";
import { gather, startNodes, type TestNode } from "../support/nodes.ts";
import { failureCode } from "../support/ports.ts";
import { type Direction, flipOnce, PACKET_TYPE, Wiretap } from "../support/wiretap.ts";

const SECRET_PATH = "/home/someone/private/plans-for-tomorrow.txt";
const SECRET_CONTENT = "the treasure lies under the third oak";

interface Scene {
  readonly client: TestNode;
  readonly server: TestNode;
  readonly tap: Wiretap;
  readonly dial: () => Promise<Lane>;
}

async function scene(): Promise<Scene> {
  const [client, server] = (await startNodes(2)) as [TestNode, TestNode];
  server.transport.serve("read", async function* ({ payload }) {
    yield new TextEncoder().encode(`${new TextDecoder().decode(payload)}: ${SECRET_CONTENT}`);
  });
  const tap = new Wiretap(server.transport.local.port);
  const port = await tap.listen();
  onTestFinished(() => tap.close());
  const staticKey = server.identity.staticPublicKey;
  const dial = (): Promise<Lane> =>
    client.transport.connect({ host: "127.0.0.1", port, staticKey }, { timeoutMs: 8_000 });
  return { client, server, tap, dial };
}

async function read(lane: Lane, timeoutMs = 8_000): Promise<string> {
  const [answer] = await gather(
    lane.call("read", callRecord({ timeoutMs }), new TextEncoder().encode(SECRET_PATH)),
  );
  return new TextDecoder().decode(answer);
}

test("neither path, content, agent, identity nor any key is on the wire", async () => {
  const { client, server, tap, dial } = await scene();
  expect(await read(await dial())).toBe(`${SECRET_PATH}: ${SECRET_CONTENT}`);
  const wire = Buffer.concat(tap.seen.map(({ datagram }) => datagram));
  expect(tap.seen.length).toBeGreaterThan(3);
  for (const secret of [
    Buffer.from(SECRET_PATH.slice(0, 12)),
    Buffer.from(SECRET_CONTENT.slice(0, 8)),
    Buffer.from("mxp.call/1"),
    Buffer.from(client.identity.publicKey).subarray(0, 8),
    Buffer.from(server.identity.publicKey).subarray(0, 8),
    Buffer.from(client.identity.staticPublicKey).subarray(0, 8),
    Buffer.from(server.identity.staticPublicKey).subarray(0, 8),
  ]) {
    expect(wire.indexOf(secret)).toBe(-1);
  }
});

const PLACES: readonly (readonly [string, (length: number) => number])[] = [
  ["the connection id", () => 3],
  ["the flags", () => 8],
  ["the length", () => 10],
  ["the last clear bytes", () => 13],
  ["the body", (length) => Math.floor(length / 2)],
  ["the last byte", (length) => length - 1],
];
const CLASSES: readonly (readonly [string, number, Direction])[] = [
  ["the first handshake message", PACKET_TYPE.initial, "to-server"],
  ["the second handshake message", PACKET_TYPE.handshake, "to-client"],
  ["a packet to the server", PACKET_TYPE.oneRtt, "to-server"],
  ["a packet to the client", PACKET_TYPE.oneRtt, "to-client"],
];
const FLIPS = CLASSES.flatMap(([packet, type, direction]) =>
  PLACES.map(([place, at]) => ({ name: `${place} of ${packet}`, type, direction, at })),
);

test.each(FLIPS)("one flipped bit in $name breaks nothing", async ({ type, direction, at }) => {
  const { tap, dial } = await scene();
  tap.meddle = flipOnce(type, direction, at);
  expect(await read(await dial())).toBe(`${SECRET_PATH}: ${SECRET_CONTENT}`);
});

test("replayed and reflected datagrams change nothing and are not answered with more", async () => {
  const { server, tap, dial } = await scene();
  let served = 0;
  server.transport.serve("count", async function* () {
    served += 1;
    yield new Uint8Array(1);
  });
  const lane = await dial();
  await gather(lane.call("count", callRecord(), new Uint8Array(1)));
  const recorded = [...tap.seen];
  tap.meddle = (datagram, direction) => {
    // Each new datagram brings an old one of the other direction along.
    const old = recorded.find((entry) => entry.direction !== direction);
    return old === undefined ? datagram : Buffer.concat([datagram, old.datagram]);
  };
  await gather(lane.call("count", callRecord(), new Uint8Array(1)));
  tap.meddle = (_datagram, direction) =>
    recorded.find((entry) => entry.direction === direction)?.datagram ?? null;
  await read(lane, 300).catch(() => undefined);
  tap.meddle = (datagram) => datagram;
  await gather(lane.call("count", callRecord(), new Uint8Array(1)));
  expect(served).toBe(3);
});

test("when everything is swallowed the call ends with a named failure, and so does a dial", async () => {
  const { tap, dial } = await scene();
  const lane = await dial();
  await read(lane);
  tap.meddle = () => null;
  expect(await failureCode(() => read(lane, 400))).toBe("deadline-exceeded");
  expect(await failureCode(dial)).toBe("handshake-timeout");
}, 20_000);
