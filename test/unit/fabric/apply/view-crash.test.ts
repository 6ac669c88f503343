/**
 * Goal: power may be lost at any step of a whole change of real views and the registry; afterwards every file is that of
 * the one generation or of the other, the user's own bytes are all there, and the change after it succeeds.
 * Method: links and merges that come, change and go, applied once on files that record every step of the disk; then
 * every disk that a loss of power can leave is started from. Equal disks are judged once.
 */
import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { nodeSignatures } from "../../../../host/node/signatures.ts";
import { readHistory } from "../../../../host/shared/fabric/apply/apply-log.ts";
import { Coordinator, wholeChange } from "../../../../host/shared/fabric/apply/coordinator.ts";
import { registryParticipant } from "../../../../host/shared/fabric/apply/registry-participant.ts";
import { baseOf } from "../../../../host/shared/fabric/apply/target.ts";
import type { Plan } from "../../../../host/shared/fabric/plan.ts";
import { makePlan } from "../../../../host/shared/fabric/plan-file/plan-file.ts";
import {
  viewParticipants,
  viewsOf,
} from "../../../../host/shared/fabric/view/files/participant.ts";
import type { Files } from "../../../../host/shared/ports/files.ts";
import { fromUtf8 } from "../../../../host/shared/trust/bytes.ts";
import { digestText } from "../../../../host/shared/trust/digest-text.ts";
import { identityOf } from "../../../../host/shared/trust/identity.ts";
import { MemoryFiles } from "../../../support/memory-files.ts";
import { testDigest } from "../../../support/ports.ts";
import { OWNER } from "../../../support/registry.ts";
import { TearingFiles } from "../../../support/tearing-files.ts";
import { server, type Shown, ViewWorld } from "../view/files/world.ts";

const ROOT = "/p";
const FOLDER = "/p/.rtt";
const USERS = '{\n  // mine\n  "theme": "dark"\n}\n';
const IDENTITY = identityOf(
  Uint8Array.from(OWNER.seed),
  new Uint8Array(32).fill(9),
  nodeSignatures,
);

async function open(files: Files) {
  const world = await ViewWorld.open(files, ROOT);
  const { ports, registry } = world;
  const participantsOf = (plan: Plan) => [
    ...viewParticipants(ports, ROOT, registry, viewsOf(plan.files)),
    registryParticipant(registry),
  ];
  const signers = await registry.signers();
  const around = { root: ROOT, folder: FOLDER, identity: IDENTITY, signers, participantsOf };
  return { world, coordinator: await Coordinator.open(ports, around) };
}

type Desired = (world: ViewWorld) => Promise<readonly Shown[]>;

const FIRST: Desired = async (world) => [
  await world.link("stays.md", "stays"),
  await world.link("changes.md", "one"),
  await world.link("a/goes.md", "goes"),
  await world.merge("own.json", "jsonc", [server("a"), server("b")]),
  await world.merge("gone.json", "json", [server("a")]),
];
const SECOND: Desired = async (world) => [
  await world.link("stays.md", "stays"),
  await world.link("changes.md", "two"),
  await world.link("b/comes.md", "comes", { view: "claude-code" }),
  await world.merge("mcp.json", "jsonc", [server("a")], "claude-code"),
  await world.merge("own.json", "jsonc", [server("b", "node")]),
];

/** Plans, without changing anything that is seen; what the plan refers to is in the registry. */
async function planTo(files: Files, desired: Desired) {
  const { world, coordinator } = await open(files);
  world.current = await coordinator.current();
  const planned = await world.plan(await desired(world));
  expect(planned.problems).toEqual([]);
  return makePlan(world.ports, {
    base: baseOf(world.current),
    present: [],
    routes: [],
    placement: {},
    symbols: {},
    files: planned.files,
  });
}

async function applyTo(files: Files, desired: Desired): Promise<void> {
  const plan = await planTo(files, desired);
  const { coordinator } = await open(files);
  await coordinator.apply(wholeChange(coordinator.sign(plan)));
}

/** What is in force is what is shown, to the byte, and what the user wrote is there. */
async function judge(files: MemoryFiles): Promise<number> {
  const { world, coordinator } = await open(files);
  const stored = await coordinator.current();
  const shown = stored?.generation.files ?? [];
  for (const { path, digest } of shown) {
    const bytes = files.all.get(`${ROOT}/${path}`);
    expect(bytes === undefined ? null : digestText(testDigest, bytes), path).toBe(digest);
  }
  const known = new Set(shown.map(({ path }) => `${ROOT}/${path}`));
  const others = [...files.all.keys()].filter(
    (path) => !path.startsWith(`${FOLDER}/`) && !known.has(path) && !path.endsWith(".tmp"),
  );
  expect(others.filter((path) => !path.endsWith("mcp.json"))).toEqual([]);
  for (const name of ["mcp.json", "own.json"]) {
    const text = fromUtf8(files.all.get(`${ROOT}/${name}`) ?? new Uint8Array());
    expect(text, name).toMatch(/^\{\n {2}\/\/ mine\n {2}"theme": "dark"/);
  }
  const log = await readHistory(world.ports, FOLDER, IDENTITY);
  const last = log?.transactions.findLast(({ outcome }) => outcome === "applied");
  expect(last?.facts.target ?? null).toBe(stored?.digest ?? null);
  return stored?.generation.generation ?? 0;
}

function nameOf(disk: ReadonlyMap<string, Uint8Array>): string {
  const hash = createHash("sha1");
  for (const path of [...disk.keys()].sort()) {
    hash.update(`${path}\n`).update(disk.get(path) as Uint8Array);
  }
  return hash.digest("base64");
}

test("power lost at any step of a change of views", async () => {
  const before = new MemoryFiles();
  const { world } = await open(before);
  await world.write("mcp.json", USERS);
  await world.write("own.json", USERS);
  await applyTo(before, FIRST);
  const plan = await planTo(before, SECOND);
  const files = new TearingFiles(before.all);
  const { coordinator } = await open(files);
  await coordinator.apply(wholeChange(coordinator.sign(plan)));
  expect(await judge(files)).toBe(2);
  const doneStep = files.steps.length;
  const seen = new Set<string>();
  const counted = { points: 0, first: 0, second: 0 };
  for (const state of files.crashStates()) {
    if (state.step > doneStep) break;
    counted.points += 1;
    const name = nameOf(state.files);
    if (seen.has(name)) continue;
    seen.add(name);
    const disk = new MemoryFiles();
    for (const [path, bytes] of state.files) disk.all.set(path, bytes);
    const again = await open(disk);
    const recovered = await again.coordinator.recover();
    expect(recovered?.left ?? []).toEqual([]);
    const number = await judge(disk);
    expect([1, 2]).toContain(number);
    if (state.step === doneStep) expect(number).toBe(2);
    counted[number === 1 ? "first" : "second"] += 1;
    // Now and then the project goes on from there, to the byte where it would have gone anyway.
    if (seen.size % 16 !== 0) continue;
    await applyTo(disk, number === 1 ? SECOND : FIRST);
    expect(await judge(disk)).toBe(number + 1);
  }
  process.stdout.write(
    `crash points of views: ${JSON.stringify({ ...counted, disks: seen.size })}\n`,
  );
  expect(counted.first).toBeGreaterThan(50);
  expect(counted.second).toBeGreaterThan(50);
}, 600_000);
