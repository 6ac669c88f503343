/**
 * Goal: the run loop loses nothing without counting it, plans one turn at a time, and stops for good.
 * Method: the loop itself over a real engine, with a carrier of the test, on a virtual clock.
 */
import { expect, test } from "vitest";
import { loadEngine } from "../../../host/node/engine.ts";
import { nodeRandom } from "../../../host/node/random.ts";
import type { EndpointEngine } from "../../../host/shared/engine/contract.ts";
import type { DatagramSocket, SocketAddress } from "../../../host/shared/ports/datagrams.ts";
import { Driver } from "../../../host/shared/transport/driver.ts";
import { configOf, createPerson } from "../../support/pair.ts";
import { Network } from "./network.ts";

const PEER: SocketAddress = { family: 4, host: "10.0.0.2", port: 2 };

interface Loop {
  readonly network: Network;
  readonly engine: EndpointEngine;
  readonly driver: Driver;
  readonly bugs: unknown[];
  /** Datagrams that reached the carrier. */
  readonly sent: Uint8Array[];
  readonly socket: DatagramSocket;
}

function loopOf(): Loop {
  const network = new Network();
  const engine = loadEngine().createEndpoint(configOf(createPerson(1), 1));
  const bugs: unknown[] = [];
  const sent: Uint8Array[] = [];
  const driver = new Driver({
    engine,
    clock: network.clock,
    random: nodeRandom,
    onEvent: () => undefined,
    onBug: (error) => bugs.push(error),
  });
  const socket: DatagramSocket = {
    local: { family: 4, host: "10.0.0.1", port: 1 },
    capabilities: { gso: false, gro: false, ecn: false, df: false, pktinfo: false },
    send: (bytes) => sent.push(Uint8Array.from(bytes)) > 0,
    close: async () => undefined,
  };
  return { network, engine, driver, bugs, sent, socket };
}

function dial({ engine, driver }: Loop): void {
  const remote = driver.addresses.toBytes(PEER);
  const entropy = new Uint8Array(32).fill(7);
  expect(engine.connect({ remote, pattern: "XX", entropy }, driver.now())).toBeGreaterThanOrEqual(
    0,
  );
  driver.wake();
}

test("what waits before there is a carrier is sent once there is one", async () => {
  const loop = loopOf();
  dial(loop);
  await loop.network.pass(0);
  expect(loop.sent).toEqual([]);
  loop.driver.attach(loop.socket);
  loop.driver.wake();
  await loop.network.pass(0);
  expect(loop.sent.length).toBeGreaterThan(0);
  expect(loop.bugs).toEqual([]);
});

test("a datagram that no batch can hold is counted, and those beside it are taken", async () => {
  const { network, engine, driver } = loopOf();
  driver.onDatagram(new Uint8Array(30), PEER);
  driver.onDatagram(new Uint8Array(64 * 1024 * 1024), PEER);
  driver.onDatagram(new Uint8Array(30), PEER);
  await network.pass(1);
  expect(driver.overflowCount).toBe(1);
  expect(engine.endpointStats().datagramsReceived).toBe(2);
});

test("many wake-ups in one turn are one turn", async () => {
  const { network, driver } = loopOf();
  for (let index = 0; index < 10; index++) driver.wake();
  expect(network.timerCount).toBe(1);
  await network.pass(1);
  expect(network.timerCount).toBe(0);
});

test("a stopped loop has no timer, takes no datagram and plans no turn", async () => {
  const loop = loopOf();
  loop.driver.attach(loop.socket);
  dial(loop);
  await loop.network.pass(0);
  expect(loop.network.timerCount).toBe(1);
  await loop.driver.stop();
  loop.driver.onDatagram(new Uint8Array(30), PEER);
  loop.driver.wake();
  expect(loop.network.timerCount).toBe(0);
  expect(loop.bugs).toEqual([]);
});
