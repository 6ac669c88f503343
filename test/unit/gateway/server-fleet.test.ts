/**
 * Goal: servers come and go without a call that is lost or a process that is left. Method: real child processes that
 * start, hang and die, and the fleet asked for each change.
 */
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { nodeClock } from "../../../host/node/clock.ts";
import { nodeProcesses } from "../../../host/node/processes.ts";
import { nodeRandom } from "../../../host/node/random.ts";
import { ServerFleet, type WiredSpec } from "../../../host/shared/gateway/server-fleet.ts";
import { ToolServer, type ToolServerSpec } from "../../../host/shared/gateway/tool-server.ts";
import { SILENT } from "../../../host/shared/telemetry/logger.ts";

const DOUBLE = join(import.meta.dirname, "../../support/tool-server-double.ts");

function specOf(name: string, mode: string): ToolServerSpec {
  return {
    name,
    command: process.execPath,
    args: [DOUBLE, mode],
    folder: import.meta.dirname,
    environment: { PATH: process.env["PATH"] ?? "" },
  };
}

function wired(name: string, mode: string, key = `${name} ${mode}`): WiredSpec {
  return { key, spec: specOf(name, mode) };
}

function fleetOf(...fixed: readonly ToolServerSpec[]) {
  const created: ToolServer[] = [];
  const fleet = new ServerFleet({
    clock: nodeClock,
    fixed,
    create: (spec) => {
      const server = new ToolServer({
        spec,
        processes: nodeProcesses,
        clock: nodeClock,
        random: nodeRandom,
        log: SILENT,
        onTools: () => {},
      });
      created.push(server);
      return server;
    },
  });
  onTestFinished(() => fleet.stop());
  return { fleet, created };
}

const nothing = async (): Promise<void> => {};
const gone = (pid: number): void => {
  expect(() => process.kill(pid, 0)).toThrow();
};

test("a server with the same key is the same server, staged or serving", async () => {
  const { fleet, created } = fleetOf();
  await fleet.stage([wired("a", "good")], 10_000);
  const staged = fleet.get("a good");
  expect([staged?.state, fleet.servers.length]).toEqual(["ready", 0]);
  await fleet.wire([wired("a", "good")], nothing);
  await fleet.wire([wired("a", "good"), wired("b", "good")], nothing);
  expect(fleet.get("a good")).toBe(staged);
  expect([created.length, fleet.servers.length]).toEqual([2, 2]);
});

test("the old servers end after the swap, those of the configuration never", async () => {
  const { fleet } = fleetOf(specOf("fixed", "good"));
  await fleet.start();
  await fleet.wire([wired("a", "good")], nothing);
  const pid = fleet.get("a good")?.pid ?? 0;
  const names: string[][] = [];
  await fleet.wire([wired("b", "good")], async () => {
    names.push(fleet.servers.map(({ spec }) => spec.name));
    // At the moment of the swap the old one still runs: a call may have it in its hands.
    expect(() => process.kill(pid, 0)).not.toThrow();
  });
  expect(names).toEqual([["fixed", "b"]]);
  await vi.waitFor(() => gone(pid), { timeout: 5000 });
});

test("a server that is in use ends with its last call", async () => {
  const { fleet } = fleetOf();
  await fleet.wire([wired("a", "good")], nothing);
  const server = fleet.get("a good") as ToolServer;
  const [first, second] = [server.hold(), server.hold()];
  const pid = server.pid ?? 0;
  await fleet.wire([], nothing);
  first();
  first();
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(server.state).toBe("ready");
  second();
  await vi.waitFor(() => gone(pid), { timeout: 5000 });
});

test.each([
  ["mute", /was not ready in 300 ms/],
  ["dies", /ended with exit code 3/],
])("a server that comes up %s is refused by name and leaves no process", async (mode, message) => {
  const { fleet, created } = fleetOf();
  await expect(
    fleet.stage([wired("good", "good"), wired("bad", mode)], mode === "mute" ? 300 : 10_000),
  ).rejects.toThrow(message);
  const pids = created.flatMap(({ pid }) => pid ?? []);
  await fleet.unstage(["good good", `bad ${mode}`, "unknown"]);
  for (const pid of pids) gone(pid);
  expect(fleet.get("good good")).toBeUndefined();
});

test("a server that does not come up keeps no change back, and serves when it does", async () => {
  const { fleet } = fleetOf();
  await fleet.wire([wired("good", "good"), wired("bad", "dies")], nothing);
  expect(fleet.servers.map(({ state }) => state)).toEqual(["ready", "waiting"]);
});

test("stopping ends everything: serving, staged, retiring with a call that never ends", async () => {
  const { fleet, created } = fleetOf(specOf("fixed", "good"));
  await fleet.start();
  await fleet.wire([wired("a", "good")], nothing);
  (fleet.get("a good") as ToolServer).hold();
  await fleet.wire([wired("b", "good")], nothing);
  await fleet.stage([wired("c", "good")], 10_000);
  const pids = created.map(({ pid }) => pid ?? 0);
  expect(pids).toHaveLength(4);
  await fleet.stop();
  for (const pid of pids) gone(pid);
  await fleet.wire([wired("d", "good")], nothing);
  await fleet.stage([wired("e", "good")], 10_000);
  expect(created).toHaveLength(4);
});
