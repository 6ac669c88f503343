/**
 * Goal: between a host and a device that are processes of their own, a wire-tap finds neither path nor content, a
 * flipped bit in any class of packet breaks nothing, and silence is a named error.
 * Method: two paired `rtt up`; afterwards a forwarder takes the host's place on the wire.
 */
import dgram from "node:dgram";
import { mkdirSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { Bench, rule, type RttNode, type Run } from "../support/rtt.ts";
import { type Direction, flipOnce, PACKET_TYPE, Wiretap } from "../support/wiretap.ts";

const CONTENT = "the treasure lies under the third oak";
const FILE = "plans-for-tomorrow.txt";

const bench = new Bench();
let tap: Wiretap;
let device: RttNode;

/** A UDP port that was free a moment ago. */
function freePort(): Promise<number> {
  const socket = dgram.createSocket("udp4");
  return new Promise((resolve) =>
    socket.bind(0, "127.0.0.1", () => {
      const { port } = socket.address();
      socket.close(() => resolve(port));
    }),
  );
}

async function upDevice(): Promise<void> {
  device = await bench.up("device", "--device", "--name", "laptop", "--folder", bench.path("open"));
  await vi.waitFor(
    async () => {
      const { tools } = await bench.ask<{ tools: unknown[] }>("host", "tools");
      expect(tools).not.toHaveLength(0);
    },
    { timeout: 90_000, interval: 300 },
  );
}

function read(...more: readonly string[]): Promise<Run> {
  const args = JSON.stringify({ path: bench.path("open", FILE) });
  return bench.run("host", "call", "fs.read", "--args", args, ...more);
}

beforeAll(async () => {
  mkdirSync(bench.path("open"));
  writeFileSync(bench.path("open", FILE), CONTENT);
  const port = await freePort();
  const first = await bench.up("host", "--host", "--name", "desk", "--listen", `127.0.0.1:${port}`);
  await bench.allow("host", "host", [rule(["fs.read@^1"])]);
  const { code } = await bench.ask<{ code: string }>("host", "invite");
  await bench.ask("device", "join", code, "--name", "laptop");
  await bench.allow("device", "device", [rule(["fs.read"], { paths: [bench.path("open")] })]);
  await first.stop();
  // The device goes on dialling the port of the pairing, where the forwarder listens now.
  const host = await bench.up("host", "--host", "--name", "desk", "--listen", "127.0.0.1:0");
  tap = new Wiretap(host.ready.udp.port);
  await tap.listen(port);
  await upDevice();
}, 240_000);

afterAll(async () => {
  await bench.close();
  tap.close();
});

test("neither path, content nor tool is on the wire", async () => {
  const called = await read();
  expect(called).toMatchObject({ code: 0, stderr: "" });
  expect(called.stdout).toContain(CONTENT);
  const wire = Buffer.concat(tap.seen.map(({ datagram }) => datagram));
  expect(tap.seen.length).toBeGreaterThan(10);
  for (const secret of [
    FILE,
    CONTENT.slice(0, 10),
    "fs.read",
    "read_text_file",
    "laptop",
    "tool.call",
  ]) {
    expect(wire.indexOf(secret)).toBe(-1);
  }
});

test.each<[string, Direction]>([
  ["a packet to the host", "to-server"],
  ["a packet to the device", "to-client"],
])("one flipped bit in %s breaks nothing", async (_name, direction) => {
  let isFlipped = false;
  const onChange = (): void => {
    isFlipped = true;
  };
  tap.meddle = flipOnce(PACKET_TYPE.oneRtt, direction, (length) => length - 1, onChange);
  expect((await read()).stdout).toContain(CONTENT);
  expect(isFlipped).toBe(true);
});

test.each<[string, number, Direction]>([
  ["the first handshake message", PACKET_TYPE.initial, "to-server"],
  ["the second handshake message", PACKET_TYPE.handshake, "to-client"],
])("one flipped bit in %s breaks nothing", async (_name, type, direction) => {
  await device.stop();
  let isFlipped = false;
  const onChange = (): void => {
    isFlipped = true;
  };
  tap.meddle = flipOnce(type, direction, (length) => Math.floor(length / 2), onChange);
  await upDevice();
  expect((await read()).stdout).toContain(CONTENT);
  expect(isFlipped).toBe(true);
});

test("when everything is swallowed, the call ends with a named error and a receipt", async () => {
  tap.meddle = () => null;
  const silent = await read("--timeout", "2000");
  expect(silent.code).not.toBe(0);
  expect(silent.stderr).toMatch(
    /^rtt: (tool-timeout|deadline-exceeded|outcome-unknown|device-offline): .*\n {5}→ .*rtt why [0-9a-f]{32}/,
  );
  tap.meddle = (datagram) => datagram;
});
