/**
 * Goal: what asks a node to change its wiring is checked like anything else from outside, and what nobody decides about
 * does not stay for ever. Method: raw requests, and a wiring whose clock the test sets forward.
 */
import { readFileSync } from "node:fs";
import { expect, onTestFinished, test, vi } from "vitest";
import { nodeClock } from "../../../host/node/clock.ts";
import type { Control } from "../../../host/node/control.ts";
import { nodeProcesses } from "../../../host/node/processes.ts";
import { projectPaths } from "../../../host/node/project.ts";
import { statePaths } from "../../../host/node/state.ts";
import { trustPorts } from "../../../host/node/trust-ports.ts";
import { nodeParticipant } from "../../../host/node/wiring/participant.ts";
import { ProjectFiles } from "../../../host/node/wiring/project-files.ts";
import { RecentCalls } from "../../../host/node/wiring/recent-calls.ts";
import { Wiring, type WiringChange } from "../../../host/node/wiring/wiring.ts";
import { ToolDevice } from "../../../host/shared/gateway/device.ts";
import type { Clock } from "../../../host/shared/ports/clock.ts";
import { Failure } from "../../../host/shared/ports/failure.ts";
import { SILENT } from "../../../host/shared/telemetry/logger.ts";
import { CheckedBook } from "../../support/gateway-world.ts";
import { temporaryFolder } from "../../support/ports.ts";
import { PATIENCE, WiringWorld } from "../../support/wiring-world.ts";

async function asker(world: WiringWorld) {
  const path = statePaths(world.home).control;
  const { port, token } = JSON.parse(readFileSync(path, "utf8")) as Control;
  return async (step: string, body?: unknown): Promise<[number, string]> => {
    const response = await fetch(`http://127.0.0.1:${port}/v1/wiring${step}`, {
      method: body === undefined ? "GET" : "POST",
      headers: { authorization: `Bearer ${token}` },
      ...(body === undefined
        ? {}
        : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const answer = (await response.json()) as { error?: { code: string } };
    return [response.status, answer.error?.code ?? ""];
  };
}

test("what is no change is refused by name, whatever it is", async () => {
  const world = await WiringWorld.create();
  const one = await world.double("one", "good");
  const node = await world.up();
  const ask = await asker(world);
  const { id, plan, target } = await world.transaction([one]);
  const { routes, placement, symbols } = target;
  const change = { id, plan, generation: 1, wires: { routes, placement, symbols } };
  const wires = (parts: object) => ({ ...change, wires: { ...change.wires, ...parts } });
  for (const wrong of [
    "{",
    "[]",
    {},
    { ...change, id: "" },
    { ...change, generation: -1 },
    { ...change, wires: [] },
    wires({ routes: [{ from: "a", to: "b", lane: "mxp" }] }),
    wires({ routes: [...routes, ...routes] }),
    wires({ symbols: { [one]: "sha256:../../x" } }),
    wires({ placement: { [one]: "../x" } }),
  ]) {
    const [status, code] = await ask("/prepare", wrong);
    expect([status, JSON.stringify(wrong), code]).toEqual([
      400,
      JSON.stringify(wrong),
      "argument-invalid",
    ]);
  }
  for (const unsigned of [null, {}, { ...plan, sign: undefined }, { ...plan, routes_add: [] }]) {
    const [, code] = await ask("/prepare", { ...change, plan: unsigned });
    expect(code).toMatch(/^(plan-invalid|signature-missing|signature-invalid)$/);
  }
  const published = {
    plan_id: plan.plan_id,
    routes_add: [],
    routes_del: [],
    order: [],
    placement: {},
  };
  const [, code] = await ask("/prepare", { ...change, plan: { ...published, sign: plan.sign } });
  expect(code).toMatch(/^(plan|signature)-invalid$/);
  expect(node.parts.device?.servers).toEqual([]);
  expect((await ask("/prepare", change))[0]).toBe(200);
});

test("a node in no project takes part in nothing", async () => {
  const world = await WiringWorld.create();
  await world.up({}, false);
  const ask = await asker(world);
  expect(await ask("")).toEqual([200, ""]);
  expect(await ask("/servers")).toEqual([200, ""]);
  expect((await ask("/calls?generation=1"))[1]).toBe("unsupported");
  expect((await ask("/prepare", {}))[1]).toBe("unsupported");
  const control = statePaths(world.home).control;
  expect(await nodeParticipant(control, world.project.root)).toBeNull();
});

test("a node of another project takes no part either", async () => {
  const world = await WiringWorld.create();
  await world.up();
  expect(await nodeParticipant(statePaths(world.home).control, temporaryFolder())).toBeNull();
});

/** The machine's clock, as much later as the test says. */
function shiftedClock(): Clock & { shiftUs: number } {
  const clock = {
    ...nodeClock,
    shiftUs: 0,
    nowUs: () => nodeClock.nowUs() + clock.shiftUs,
    at: (atUs: number, task: () => void) => nodeClock.at(atUs - clock.shiftUs, task),
  };
  return clock;
}

test("what was started for a change that nobody decides ends after a while, and can still be made", async () => {
  const world = await WiringWorld.create();
  const one = await world.double("one", "good");
  const ports = trustPorts();
  const clock = shiftedClock();
  const wiring = new Wiring({
    files: new ProjectFiles(ports, world.home, projectPaths(world.project.root)),
    clock,
    environment: process.env,
    nodeNames: new Set(["local"]),
    taken: new Set(),
    log: SILENT,
  });
  const device = new ToolDevice({
    identity: await world.identity(),
    name: "desk",
    tenant: "default",
    ports,
    processes: nodeProcesses,
    policy: () => new Failure("policy-missing", "none", { origin: "policy", remedy: "None." }),
    book: new CheckedBook(),
    servers: [],
    concurrentMax: 1,
    log: SILENT,
  });
  onTestFinished(async () => {
    wiring.close();
    await device.close();
  });
  await wiring.start(device);
  const { id, plan, target } = await world.transaction([one]);
  const change: WiringChange = { id, plan, generation: 1, wires: target };
  await wiring.prepare(change, 10_000);
  const key = `one ${target.symbols[one]}`;
  expect(device.fleet.get(key)?.state).toBe("ready");
  clock.shiftUs = 599e6;
  await new Promise((resolve) => setTimeout(resolve, 900));
  expect(device.fleet.get(key)?.state).toBe("ready");
  clock.shiftUs = 601e6;
  await vi.waitFor(() => expect(device.fleet.get(key)).toBeUndefined(), PATIENCE);
  await wiring.commit(change);
  expect(device.servers.map(({ spec }) => spec.name)).toEqual(["one"]);
});

test("the last calls are remembered under their generation, and denials are no errors", () => {
  const calls = new RecentCalls();
  const call = { server: "s", serverTool: "t", elapsedUs: 1500, planGeneration: 2 };
  const codes = [
    null,
    "policy-denied",
    "tool-args-invalid",
    "tool-held",
    "tool-crashed",
    "tool-timeout",
  ];
  for (const code of codes) calls.note({ ...call, code });
  expect(calls.under(2).map(({ isError }) => isError)).toEqual([
    false,
    false,
    false,
    false,
    true,
    true,
  ]);
  expect(calls.under(2)[0]).toEqual({ elapsedMs: 1.5, isError: false });
  for (let index = 0; index < 20_000; index++)
    calls.note({ ...call, code: null, planGeneration: 3 });
  expect([calls.under(1), calls.under(2), calls.under(3).length]).toEqual([[], [], 8192]);
});
