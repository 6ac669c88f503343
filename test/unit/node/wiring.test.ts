/**
 * Goal: a node in a project runs exactly what the generation in force wires, changes over without losing a call, and
 * believes nothing that is not signed. Method: real generations, real nodes, real servers as child processes; what is
 * offered is asked of the door, as an agent would.
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { expect, test, vi } from "vitest";
import { generationPath } from "../../../host/shared/fabric/generation-file/generation-file.ts";
import { nodeParticipant } from "../../../host/node/wiring/participant.ts";
import { statePaths } from "../../../host/node/state.ts";
import type { RunningNode } from "../../../host/node/node.ts";
import { revokeSigner, trustSigner } from "../../../host/shared/fabric/registry/signer-changes.ts";
import { trustPorts } from "../../../host/node/trust-ports.ts";
import { signerOf } from "../../support/registry.ts";
import { DOUBLE, echo, PATIENCE, WiringWorld } from "../../support/wiring-world.ts";

const offers = (world: WiringWorld, ...names: readonly string[]) =>
  vi.waitFor(async () => expect(await world.offered()).toEqual(names), PATIENCE);

const pidOf = (node: RunningNode, name: string) =>
  node.parts.device?.servers.find(({ spec }) => spec.name === name)?.pid;

async function participantOf(world: WiringWorld) {
  const found = await nodeParticipant(statePaths(world.home).control, world.project.root);
  if (found === null) throw new Error("no node takes part");
  return found;
}

test("what is wired is offered within a second, what is unwired no longer, what stays keeps running", async () => {
  const world = await WiringWorld.create();
  await world.allow(["*"]);
  const [one, two] = [await world.double("one", "good"), await world.double("two", "good")];
  const node = await world.up();
  expect(await world.offered()).toEqual([]);
  await world.wire([one]);
  const startedMs = Date.now();
  await offers(world, "desk__one_echo");
  expect(Date.now() - startedMs).toBeLessThan(5000);
  expect(await world.call("one.echo", { text: "hi" })).toEqual({ text: "hi", code: "" });
  const pid = pidOf(node, "one");
  await world.wire([one, two]);
  await offers(world, "desk__one_echo", "desk__two_echo");
  expect(pidOf(node, "one")).toBe(pid);
  await world.wire([two]);
  await offers(world, "desk__two_echo");
  expect((await world.call("one.echo", { text: "hi" })).code).toBe("tool-unknown");
  expect(node.health().problems).toEqual([]);
  const { facts } = await world.ask<{ facts: { planGeneration: number } }>("why");
  expect(facts.planGeneration).toBe(0);
  await world.call("two.echo", { text: "hi" });
  const last = await world.ask<{ facts: { planGeneration: number } }>("why");
  expect(last.facts.planGeneration).toBe(3);
});

test("without a project a node runs what its configuration says, and asks nothing of a generation", async () => {
  const world = await WiringWorld.create();
  await world.allow(["*"]);
  await world.wire([await world.double("one", "good")]);
  const node = await world.up({}, false);
  expect([node.wiring, await world.offered()]).toEqual([null, []]);
});

test("a call under way ends where it began, while its server is replaced", async () => {
  const world = await WiringWorld.create();
  await world.allow(["*"]);
  await world.wire([await world.double("work", "gate")]);
  const node = await world.up();
  await offers(world, "desk__work_echo");
  const oldPid = pidOf(node, "work");
  const gate = world.path("gate");
  const slow = world.call("work.echo", { text: gate });
  await vi.waitFor(() => readFileSync(`${gate}.started`), PATIENCE);
  await world.wire([await world.double("work", "good")]);
  await vi.waitFor(() => expect(pidOf(node, "work")).not.toBe(oldPid), PATIENCE);
  expect(await world.call("work.echo", { text: "new" })).toEqual({ text: "new", code: "" });
  expect(() => process.kill(oldPid as number, 0)).not.toThrow();
  writeFileSync(gate, "");
  expect(await slow).toEqual({ text: gate, code: "" });
  await vi.waitFor(() => expect(() => process.kill(oldPid as number, 0)).toThrow(), PATIENCE);
});

test("no call is lost and none is made twice while servers come and go", async () => {
  const world = await WiringWorld.create();
  await world.allow(["*"]);
  const other = await world.double("other", "good");
  const versions = [1, 2, 3].map((version) =>
    world.script(`v${version}`, { version: `${version}.0.0`, tools: [echo("Says it.")] }),
  );
  const address = await world.double("work", "scripted", versions[0] as string);
  await world.wire([address]);
  await world.up();
  await offers(world, "desk__work_echo");
  const over = new AbortController();
  const answers: { readonly text: string; readonly code: string }[] = [];
  const sent: string[] = [];
  const caller = async (name: string): Promise<void> => {
    for (let index = 0; !over.signal.aborted; index++) {
      const text = `${name}-${index}`;
      sent.push(text);
      answers.push(await world.call("desk__work_echo", { text }));
    }
  };
  const callers = ["a", "b", "c"].map(caller);
  for (const version of [1, 2, 0]) {
    await world.double("work", "scripted", versions[version] as string);
    await world.wire(version === 1 ? [address, other] : [address]);
    await new Promise((resolve) => setTimeout(resolve, 900));
  }
  over.abort();
  await Promise.all(callers);
  expect(answers.filter(({ code }) => code !== "")).toEqual([]);
  expect(answers.map(({ text }) => text).sort()).toEqual(sent.sort());
  expect(sent.length).toBeGreaterThan(20);
  // Every server wrote down what it was called with: each call reached one of them, once.
  const made = versions.flatMap((script) =>
    existsSync(`${script}.calls`) ? readFileSync(`${script}.calls`, "utf8").trim().split("\n") : [],
  );
  expect(made.sort()).toEqual(sent.sort());
});

test("a generation that cannot be believed wires nothing, and says so, until it is whole again", async () => {
  const world = await WiringWorld.create();
  await world.allow(["*"]);
  await world.wire([await world.double("one", "good")]);
  const node = await world.up();
  await offers(world, "desk__one_echo");
  const path = generationPath(world.project.folder);
  const whole = readFileSync(path);
  const forged = JSON.parse(whole.toString()) as { signatures: { sig: string }[] };
  forged.signatures[0]!.sig = Buffer.alloc(64).toString("base64");
  writeFileSync(path, `${JSON.stringify(forged)}\n`);
  await offers(world);
  expect(node.health().problems.join()).toMatch(/wiring: .*signature/);
  writeFileSync(path, whole);
  await offers(world, "desk__one_echo");
  expect(node.health().problems).toEqual([]);
});

test("a signer who is revoked takes along what they have signed, while the node runs", async () => {
  const world = await WiringWorld.create();
  await world.allow(["*"]);
  const colleague = signerOf(2);
  const [ports, change] = [trustPorts(), await world.change()];
  await trustSigner(ports, change, colleague.publicKey);
  const own = await world.double("own", "good");
  const double = { command: "node", args: [DOUBLE, "good"] };
  const theirs = await world.server("theirs", double, colleague);
  await world.wire([own, theirs]);
  const node = await world.up();
  await offers(world, "desk__own_echo", "desk__theirs_echo");
  await revokeSigner(ports, change, colleague.publicKey, "left");
  await offers(world, "desk__own_echo");
  expect(node.health().problems.join()).toMatch(/wiring: .*(signed|signature|trusted)/);
});

test("an object that is not what the generation names is not run, and hinders no other", async () => {
  const world = await WiringWorld.create();
  await world.allow(["*"]);
  const [one, two] = [await world.double("one", "good"), await world.double("two", "good")];
  const { target } = await world.transaction([one, two]);
  const id = (target.symbols[one] as string).slice("sha256:".length);
  const object = `${world.project.registry}/cas/sha256/${id}.dsse`;
  rmSync(object);
  await world.wire([one, two]);
  const node = await world.up();
  await offers(world, "desk__two_echo");
  expect(node.health().problems.join()).toMatch(/wiring: .*is not signed/);
});

test("a server whose secret is not set, or that the node has itself, is named in health", async () => {
  const world = await WiringWorld.create();
  await world.allow(["*"]);
  const secret = await world.server("secret", {
    command: "node",
    env: { TOKEN: { ref: "env:WIRING_TEST_TOKEN" } },
  });
  const files = await world.double("files", "good");
  await world.wire([secret, files]);
  const node = await world.up({ "device.folders": [world.root] });
  const problems = node.health().problems.join("\n");
  expect(problems).toContain("needs WIRING_TEST_TOKEN, which is not set");
  expect(problems).toContain('this node\'s own server "files" stands before');
});

test("the node takes part in a change: it starts aside, votes, changes over, and goes back", async () => {
  const world = await WiringWorld.create();
  await world.allow(["*"]);
  const [one, two] = [await world.double("one", "good"), await world.double("two", "good")];
  await world.wire([one]);
  const node = await world.up();
  await offers(world, "desk__one_echo");
  const { participant, health } = await participantOf(world);
  expect(participant.name).toBe(`node:${node.parts.identity.id}`);
  const forward = await world.transaction([two]);
  expect(await participant.prepare(forward)).toEqual({ ok: true });
  expect(await world.offered()).toEqual(["desk__one_echo"]);
  expect(await participant.observe(forward)).not.toEqual(participant.expect(forward));
  await participant.commit(forward);
  expect(await participant.observe(forward)).toEqual(participant.expect(forward));
  await offers(world, "desk__two_echo");
  await participant.commit(forward);
  expect(await participant.observe(forward)).toEqual(participant.expect(forward));
  await world.call("two.echo", { text: "hi" });
  expect(await health.calls(forward.target.generation)).toMatchObject([{ isError: false }]);
  expect(await health.calls(7)).toEqual([]);
  // Back to what the file has said all the time.
  const back = { ...forward, id: "back", current: forward.target, target: forward.current! };
  expect(await participant.prepare(back)).toEqual({ ok: true });
  await participant.commit(back);
  expect(await participant.observe(back)).toEqual(participant.expect(back));
  await offers(world, "desk__one_echo");
});

test("a change is refused with the reason, and leaves no process behind", async () => {
  const world = await WiringWorld.create();
  await world.allow(["*"]);
  const good = await world.double("good", "good");
  const node = await world.up();
  const { participant } = await participantOf(world);
  const refusal = async (to: readonly string[], more: object = {}): Promise<string> => {
    const vote = await participant.prepare({ ...(await world.transaction(to)), ...more });
    return vote.ok ? "" : vote.failure.message;
  };
  expect(await refusal([good, await world.double("dies", "dies")])).toMatch(
    /ended with exit code 3/,
  );
  expect(await refusal([good, await world.server("gone", { command: "/no/such" })])).toMatch(
    /program-missing/,
  );
  const { plan } = await world.transaction([good]);
  const forged = { ...plan, sign: { ...plan.sign, sig: Buffer.alloc(64).toString("base64") } };
  expect(await refusal([good], { plan: forged })).toMatch(/signature-invalid/);
  const aborted = await world.transaction([good]);
  expect(await participant.prepare(aborted)).toEqual({ ok: true });
  expect(node.parts.device?.fleet.get(`good ${aborted.target.symbols[good]}`)).toBeDefined();
  await participant.abort(aborted);
  await participant.abort(aborted);
  expect(node.parts.device?.fleet.get(`good ${aborted.target.symbols[good]}`)).toBeUndefined();
  expect(await world.offered()).toEqual([]);
});

test("a node that ends in the middle of a change stands in nobody's way", async () => {
  const world = await WiringWorld.create();
  const node = await world.up();
  const { participant, health } = await participantOf(world);
  const change = await world.transaction([await world.double("one", "good")]);
  await node.close();
  expect(await participant.prepare(change)).toEqual({ ok: true });
  await participant.commit(change);
  expect(await participant.observe(change)).toEqual(participant.expect(change));
  expect(await health.calls(1)).toEqual([]);
  expect(await nodeParticipant(statePaths(world.home).control, world.project.root)).toBeNull();
});
