/**
 * Goal: an endpoint lets in whom it should, names every way in which a dial or a connection ends, and leaves nothing
 * behind. Method: real engines and transports on a network of the test, on a virtual clock.
 */
import { expect, test } from "vitest";
import { loadEngine } from "../../../host/node/engine.ts";
import type { EndpointEngine, EngineModule } from "../../../host/shared/engine/contract.ts";
import type { UnknownPeer } from "../../../host/shared/transport/index.ts";
import { failureCode } from "../../support/ports.ts";
import { Network, targetOf } from "./network.ts";

/** An engine that traps from the moment on at which `breakIt` is called. */
function fragileEngine(): { engine: EngineModule; breakIt: () => void } {
  const real = loadEngine();
  let isBroken = false;
  return {
    breakIt: () => {
      isBroken = true;
    },
    engine: {
      createEndpoint: (config) => {
        const endpoint = real.createEndpoint(config);
        const guarded = new Set<keyof EndpointEngine>(["receive", "handleTimeout", "transmit"]);
        return new Proxy(endpoint, {
          get: (target, name: keyof EndpointEngine) => {
            if (isBroken && guarded.has(name)) throw new Error("unreachable");
            return target[name].bind(target);
          },
        });
      },
    },
  };
}

// --- who comes in ---

test("an unknown peer is shown with its key and certificate, and comes in when it is accepted", async () => {
  const network = new Network();
  const asked: UnknownPeer[] = [];
  const server = await network.node({
    authenticate: (peer) => {
      asked.push(peer);
      return true;
    },
  });
  const client = await network.node({ host: "10.0.0.7" });
  client.transport.pin(server.identity.publicKey);
  const lane = await network.settle(client.transport.connect(targetOf(server)));
  await network.until(() => server.lanes.length > 0);
  expect(asked).toHaveLength(1);
  expect(Buffer.from(asked[0]!.publicKey)).toEqual(Buffer.from(client.identity.publicKey));
  expect(asked[0]!.certificate.length).toBeGreaterThan(100);
  expect(asked[0]!.remote).toEqual(client.transport.local);
  expect(server.lanes[0]!.peer).toMatchObject({ id: client.identity.id, trust: "unknown" });
  expect(lane.peer.trust).toBe("pinned");
});

test("an unknown peer that is not accepted learns that it was refused", async () => {
  const network = new Network();
  const server = await network.node({ authenticate: () => false });
  const client = await network.node();
  client.transport.pin(server.identity.publicKey);
  const dial = network.settle(client.transport.connect(targetOf(server)));
  expect(await failureCode(() => dial)).toBe("peer-refused");
  expect(server.lanes).toEqual([]);
});

test("a peer is let in after it was pinned, and no more after it was unpinned", async () => {
  const network = new Network();
  const [client, server] = [await network.node(), await network.node()];
  client.transport.pin(server.identity.publicKey);
  const dial = () => network.settle(client.transport.connect(targetOf(server)));
  expect(await failureCode(dial)).toBe("peer-unknown");
  server.transport.pin(client.identity.publicKey);
  expect((await dial()).peer.id).toBe(server.identity.id);
  server.transport.unpin(client.identity.publicKey);
  expect(await failureCode(dial)).toBe("peer-unknown");
});

test.each(["NK", "NX"])(
  "a client without a certificate stays anonymous with %s",
  async (pattern) => {
    const network = new Network();
    const server = await network.node({ authenticate: () => true });
    const client = await network.node({
      certificate: new Uint8Array(0),
      acceptsConnections: false,
      pinned: [server.identity.publicKey],
    });
    const { staticKey, ...first } = targetOf(server);
    const target = pattern === "NK" ? { ...first, staticKey } : first;
    const lane = await network.settle(client.transport.connect(target));
    await network.until(() => server.lanes.length > 0);
    expect(lane.peer.id).toBe(server.identity.id);
    expect(lane.peer.handshake).toBe(`Noise_${pattern}_25519_ChaChaPoly_SHA256`);
    expect(server.lanes[0]!.peer).toMatchObject({ id: "", trust: "anonymous" });
  },
);

test("a certificate must carry the name that is dialled", async () => {
  const network = new Network();
  const [client, server] = [await network.node(), await network.node()];
  client.transport.pin(server.identity.publicKey);
  server.transport.pin(client.identity.publicKey);
  const dial = client.transport.connect({ ...targetOf(server), name: "other.example" });
  expect(await failureCode(() => network.settle(dial))).toBe("certificate-name");
});

test("nodes reach each other by IPv6 addresses", async () => {
  const network = new Network();
  const { client, server, lane } = await network.pair({ host: "fd00::1" }, { host: "fd00::2" });
  expect(lane.peer.id).toBe(server.identity.id);
  expect(server.lanes[0]!.peer.id).toBe(client.identity.id);
  expect(client.transport.capabilities).toMatchObject({ gso: true, df: true });
});

// --- dials that do not succeed ---

test("a dial that cannot begin fails at once", async () => {
  const network = new Network();
  const [client, server] = [await network.node(), await network.node()];
  const dial = client.transport.connect({ ...targetOf(server), name: "n".repeat(129) });
  expect(await failureCode(() => network.settle(dial))).toBe("argument-invalid");
  expect(network.timerCount).toBe(0);
});

test("an endpoint that is full takes no further dial", async () => {
  const network = new Network();
  const { client, server } = await network.pair({ connectionsMax: 1 });
  const dial = client.transport.connect(targetOf(server));
  expect(await failureCode(() => network.settle(dial))).toBe("memory-limit");
});

test("a dial whose signal fired before it began is given up", async () => {
  const network = new Network();
  const [client, server] = [await network.node(), await network.node()];
  const dial = client.transport.connect(targetOf(server), { signal: AbortSignal.abort() });
  expect(await failureCode(() => network.settle(dial))).toBe("cancelled");
  expect(server.lanes).toEqual([]);
});

test("closing an endpoint ends its dials; closing it again waits for the same end", async () => {
  const network = new Network();
  const client = await network.node();
  const dial = client.transport.connect({ host: "10.9.9.9", port: 9 });
  const failed = failureCode(() => dial);
  await network.pass(10);
  await Promise.all([client.transport.close("enough"), client.transport.close("again")]);
  expect(await network.settle(failed)).not.toBe("none");
  expect(network.timerCount).toBe(0);
});

// --- how connections end ---

test("a peer that falls silent ends the connection on both sides, and nothing is left to do", async () => {
  const network = new Network();
  const { client, server, near, far, lane } = await network.pair(
    { parameters: { idleTimeoutMs: 2_000 } },
    { parameters: { idleTimeoutMs: 2_000 } },
  );
  const stream = await network.settle(near.openStream({ protocol: "test/1" }));
  const reading = failureCode(() => stream.read());
  network.isCut = true;
  const ends = await network.settle(Promise.all([near.closed, far.closed]));
  expect(ends.map((end) => end?.code)).toEqual(["idle-timeout", "idle-timeout"]);
  expect(await reading).toBe("idle-timeout");
  expect(await lane.closed).toMatchObject({ code: "idle-timeout", origin: "local" });
  expect(client.transport.endpoint.engine.endpointStats().connections).toBe(0);
  expect(server.transport.endpoint.engine.endpointStats().connections).toBe(0);
  expect(network.timerCount).toBe(0);
});

test("closing twice says goodbye once", async () => {
  const network = new Network();
  const { near, far } = await network.pair();
  near.close("first", 7n);
  expect(await network.settle(Promise.all([near.closed, far.closed]))).toEqual([null, null]);
  await network.pass(5_000);
  const { sentCount } = network;
  near.close("second");
  await network.pass(5_000);
  expect(network.sentCount).toBe(sentCount);
});

test("when the engine breaks, all connections and dials end, once, and nothing is taken any more", async () => {
  const network = new Network();
  const { engine, breakIt } = fragileEngine();
  const bugs: unknown[] = [];
  const { client, server, near, far } = await network.pair({
    engine,
    onBug: (error) => bugs.push(error),
  });
  const dial = failureCode(() => client.transport.connect({ host: "10.9.9.9", port: 9 }));
  const opening = near.accept();
  await network.pass(1);
  breakIt();
  network.inject(new Uint8Array(64), server.transport.local, client.transport.local);
  expect(await network.settle(near.closed)).toMatchObject({ code: "internal", origin: "local" });
  expect(await network.settle(dial)).toBe("internal");
  expect(await opening).toBeNull();
  network.inject(new Uint8Array(64), server.transport.local, client.transport.local);
  far.sendDatagram(Uint8Array.of(1));
  await network.pass(1_000);
  expect(bugs).toHaveLength(1);
});

// --- the run loop ---

test("more datagrams than a batch holds, in one turn, are all handed to the engine", async () => {
  const network = new Network();
  const [client, server] = [await network.node(), await network.node()];
  const { engine } = server.transport.endpoint;
  for (let index = 0; index < 150; index++) {
    network.inject(Uint8Array.of(index), client.transport.local, server.transport.local);
  }
  await network.pass(10);
  expect(engine.endpointStats()).toMatchObject({ datagramsReceived: 150, datagramsDropped: 150 });
});
