/**
 * Goal: what a plan or a generation may hold is bounded in each of its parts, and an answer is a verdict or a fault of
 * this program, never a guess in between.
 * Method: each part one beyond its bound, or of a type that it does not have, read by the reader that both files share.
 */
import { expect, test } from "vitest";
import type { Generation } from "../../../../host/shared/fabric/generation.ts";
import { historyPath } from "../../../../host/shared/fabric/generation-file/generation-file.ts";
import {
  isNodeName,
  isViewName,
  PartReader,
  pathProblem,
  ROUTES_MAX,
  SYMBOLS_MAX,
} from "../../../../host/shared/fabric/plan-file/parts.ts";
import {
  isEmptyPlan,
  makePlan,
  openPlan,
  planBytes,
  signPlan,
  verifyPlan,
} from "../../../../host/shared/fabric/plan-file/plan-file.ts";
import { readPublishedPlan } from "../../../../host/shared/fabric/plan-file/published-plan.ts";
import { listPlans, planPath } from "../../../../host/shared/fabric/plan-file/plan-store.ts";
import { documentId } from "../../../../host/shared/fabric/plan-file/plan-document.ts";
import {
  documentBytes,
  type Json,
  type JsonObject,
  parseJson,
} from "../../../../host/shared/trust/canonical-json.ts";
import { utf8 } from "../../../../host/shared/trust/bytes.ts";
import { Failure } from "../../../../host/shared/ports/failure.ts";
import { MemoryFiles } from "../../../support/memory-files.ts";
import { failureCode, testPorts } from "../../../support/ports.ts";
import { OWNER } from "../../../support/registry.ts";

const A = `sha256:${"a".repeat(64)}`;
const AGENT = "rtt://a/agent/x@1.0.0";
const TOOL = "rtt://a/tool/y@1.0.0";
const ports = testPorts();
const signers = { keyOf: (key: string) => (key === OWNER.key ? OWNER.publicKey : null) };

const parts = new PartReader((where, problem) => {
  return new Failure("plan-invalid", `${where} ${problem}`, { origin: "local", remedy: "None." });
});

/** What the reader objects to. */
function objection(read: () => unknown): string {
  try {
    read();
  } catch (thrown) {
    return Failure.from(thrown).message;
  }
  return "nothing";
}

const plan = makePlan(ports, {
  base: { generation: 0, digest: null },
  present: [],
  routes: [{ from: AGENT, to: TOOL, lane: "uds" }],
  placement: { [AGENT]: "n1" },
  symbols: { [AGENT]: A },
  files: [],
});
const document = parseJson(planBytes(signPlan(ports, plan, OWNER))) as JsonObject;

test("no list and no table is longer than its bound", () => {
  const routes: Json = Array.from({ length: ROUTES_MAX + 1 }, () => null);
  expect(objection(() => parts.routes(routes, "routes"))).toBe(
    `plan-invalid: routes has more than ${ROUTES_MAX} entries`,
  );
  const table = Object.fromEntries(
    Array.from({ length: SYMBOLS_MAX + 1 }, (_, at) => [`rtt://a/agent/x${at}@1.0.0`, "n1"]),
  );
  expect(objection(() => parts.placement(table, "placement"))).toBe(
    `plan-invalid: placement has more than ${SYMBOLS_MAX} members`,
  );
});

test.each<readonly [string, () => unknown]>([
  [
    "routes[0].from is not an address",
    () => parts.routes([{ from: 1, to: TOOL, lane: "uds" }], "routes"),
  ],
  ["placement is not an object", () => parts.placement([], "placement")],
  ["is not the name of a node", () => parts.placement({ [AGENT]: 1 }, "placement")],
  ["view is not the name of a view", () => parts.view(7, "view")],
  ["path is not a path", () => parts.path(null, "path")],
  ["path has half of a surrogate pair", () => parts.path("a/\ud800", "path")],
  ["path has more than 1024 characters", () => parts.path("a".repeat(1025), "path")],
])("refused: %s", (problem, read) => {
  expect(objection(read)).toContain(problem);
});

test("names are texts, whatever else is asked for", () => {
  for (const other of [null, 1, ["n1"], {}]) {
    expect([isNodeName(other), isViewName(other), pathProblem(other)]).toEqual([
      false,
      false,
      "is not a path",
    ]);
  }
});

test.each([0, -1, 1.5, Number.NaN, Number.MAX_SAFE_INTEGER + 1])(
  "no generation has the number %d",
  async (number) => {
    expect(await failureCode(() => historyPath("/p/.rtt", number))).toBe("argument-invalid");
  },
);

test.each([[null], [1], ["sig"], [[]], [{ alg: "ed25519" }]])("%j is no signature", (sign) => {
  const bytes = documentBytes({ ...document, sign });
  expect(verifyPlan(ports, bytes, signers)).toMatchObject({ ok: false, code: "signature-invalid" });
});

test.each([
  { alg: "ed25519", key_id: 1, sig: "" },
  { alg: "ed25519", key_id: OWNER.key, sig: 1 },
  { alg: "none", key_id: OWNER.key, sig: "" },
])("%j is not one of Ed25519", (sign) => {
  expect(objection(() => openPlan(ports, documentBytes({ ...document, sign }), signers))).toContain(
    "is not one of Ed25519",
  );
});

test("a fault of this program is no verdict about a plan", () => {
  const broken = {
    keyOf: () => {
      throw new Error("the list of signers was not read");
    },
  };
  expect(() => verifyPlan(ports, documentBytes(document), broken)).toThrow(/was not read/);
});

test.each([
  [["D1", "D2"]],
  [["A1", "A2"]],
  [["A1", "A1"]],
  [["A1"]],
  [["A1", "D1", "D2"]],
  [["a1", "D1"]],
])("the order %j does not name one addition and one removal", async (order) => {
  const [added, removed] = ["uds", "tcp"].map((lane) => ({ from: AGENT, to: TOOL, lane }));
  const changed: JsonObject = {
    ...document,
    routes_add: [added as JsonObject],
    routes_del: [removed as JsonObject],
    order,
  };
  const whole = { ...changed, plan_id: documentId(ports.digest, changed) };
  expect(objection(() => openPlan(ports, documentBytes(whole), signers))).toContain(
    "order does not name each route once",
  );
});

test("a published route may name its lane", () => {
  const bare = {
    routes_add: [{ from: AGENT, to: TOOL, lane: "shm" }],
    routes_del: [],
    order: ["A1"],
    placement: {},
  };
  const published = { ...bare, plan_id: documentId(ports.digest, bare) };
  expect(readPublishedPlan(ports.digest, published).routes_add).toEqual([
    { from: AGENT, to: TOOL, lane: "shm" },
  ]);
  const other = { ...bare, routes_add: [{ from: AGENT, to: TOOL, lane: "pigeon" }] };
  const id = documentId(ports.digest, other);
  expect(objection(() => readPublishedPlan(ports.digest, { ...other, plan_id: id }))).toContain(
    "routes_add[0].lane",
  );
});

test("a plan that moves what is in force is not empty, one that leaves it is", () => {
  const inForce: Generation = {
    generation: 1,
    plan: plan.plan_id,
    previous: null,
    restores: null,
    canaryPercent: 100,
    routes: [],
    placement: plan.placement,
    symbols: plan.symbols,
    files: [],
  };
  const same = { ...plan, routes_add: [], order: [] };
  expect(isEmptyPlan(same, inForce)).toBe(true);
  expect(isEmptyPlan({ ...same, placement: { [AGENT]: "n2" } }, inForce)).toBe(false);
  // As many symbols, one of them another.
  expect(isEmptyPlan({ ...same, symbols: { [TOOL]: A } }, inForce)).toBe(false);
});

test("a folder under the name of a plan is no plan", async () => {
  const files = new MemoryFiles();
  const path = planPath("/p/.rtt", plan.plan_id);
  await files.write(`${path}/inside`, utf8("{}"));
  expect(await listPlans({ files }, "/p/.rtt")).toEqual([]);
});
