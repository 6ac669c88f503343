/**
 * Goal: plans are found again by their id, its beginning or as the latest one, and only verified ones are given out.
 * Method: a store in memory, and files in it that are not what their names say.
 */
import { expect, test } from "vitest";
import type { PlanGoal } from "../../../../host/shared/fabric/plan-file/plan-file.ts";
import {
  makePlan,
  planBytes,
  signPlan,
} from "../../../../host/shared/fabric/plan-file/plan-file.ts";
import {
  latestPlan,
  listPlans,
  planPath,
  readPlan,
  readPlanFile,
  resolvePlanId,
  storePlan,
} from "../../../../host/shared/fabric/plan-file/plan-store.ts";
import { utf8 } from "../../../../host/shared/trust/bytes.ts";
import { MemoryFiles } from "../../../support/memory-files.ts";
import { failureCode, testPorts } from "../../../support/ports.ts";
import { OWNER, STRANGER } from "../../../support/registry.ts";

const FOLDER = "/p/.rtt";
const signers = { keyOf: (key: string) => (key === OWNER.key ? OWNER.publicKey : null) };

function bench() {
  const files = new MemoryFiles();
  const ports = testPorts({ files });
  const planTo = (node: string, signer = OWNER) => {
    const goal: PlanGoal = {
      base: { generation: 0, digest: null },
      present: [],
      routes: [],
      placement: { "rtt://a/agent/x@1.0.0": node },
      symbols: {},
      files: [],
    };
    return signPlan(ports, makePlan(ports, goal), signer);
  };
  return { files, ports, planTo };
}

test("a plan that was stored is read by its id, and the last one is the latest", async () => {
  const { ports, planTo } = bench();
  expect(await latestPlan(ports, FOLDER)).toBeNull();
  expect(await listPlans(ports, FOLDER)).toEqual([]);
  const [one, two] = [planTo("n1"), planTo("n2")];
  await storePlan(ports, FOLDER, one);
  await storePlan(ports, FOLDER, two);
  expect(await latestPlan(ports, FOLDER)).toBe(two.plan_id);
  await storePlan(ports, FOLDER, one);
  expect(await latestPlan(ports, FOLDER)).toBe(one.plan_id);
  const kept = (await listPlans(ports, FOLDER)).map(({ planId }) => planId);
  expect(kept.toSorted()).toEqual([one.plan_id, two.plan_id].toSorted());
  expect((await readPlan(ports, FOLDER, two.plan_id, signers)).plan).toEqual(two);
});

test("an id is meant by itself, by its digits, and by the first of them", async () => {
  const { files, ports, planTo } = bench();
  const plan = planTo("n1");
  await storePlan(ports, FOLDER, plan);
  const digits = plan.plan_id.slice("sha256-".length);
  for (const text of [plan.plan_id, digits, digits.slice(0, 4), `sha256-${digits.slice(0, 9)}`]) {
    expect(await resolvePlanId(ports, FOLDER, text)).toBe(plan.plan_id);
  }
  const near = `${digits.slice(0, 10)}${"0".repeat(54)}`;
  files.all.set(`${FOLDER}/plans/${near}.json`, planBytes(plan));
  const odd = [
    digits.slice(0, 3),
    digits.slice(0, 8),
    "f00d".repeat(3),
    "xyz",
    "../x",
    "",
    `${digits}0`,
  ];
  for (const text of odd) {
    expect([text, await failureCode(() => resolvePlanId(ports, FOLDER, text))]).toEqual([
      text,
      "argument-invalid",
    ]);
  }
});

test("a file that is not what its name says is refused", async () => {
  const { files, ports, planTo } = bench();
  const [one, two] = [planTo("n1"), planTo("n2")];
  await storePlan(ports, FOLDER, one);
  await storePlan(ports, FOLDER, two);
  const read = (): Promise<string> =>
    failureCode(() => readPlan(ports, FOLDER, one.plan_id, signers));
  files.all.set(planPath(FOLDER, one.plan_id), planBytes(two));
  expect(await read()).toBe("plan-invalid");
  files.all.set(planPath(FOLDER, one.plan_id), planBytes(planTo("n1", STRANGER)));
  expect(await read()).toBe("signer-untrusted");
  files.all.delete(planPath(FOLDER, one.plan_id));
  expect(await read()).toBe("file-missing");
  expect(await failureCode(() => readPlanFile(ports, "/elsewhere.json", signers))).toBe(
    "file-missing",
  );
  expect(await failureCode(() => planPath(FOLDER, "../../etc/passwd"))).toBe("plan-invalid");
});

test("what lies in the folder and is no plan is passed over", async () => {
  const { files, ports, planTo } = bench();
  const plan = planTo("n1");
  await storePlan(ports, FOLDER, plan);
  for (const name of ["note.txt", "abc.json", `${"a".repeat(64)}.json.tmp`]) {
    files.all.set(`${FOLDER}/plans/${name}`, utf8("x"));
  }
  expect((await listPlans(ports, FOLDER)).map(({ planId }) => planId)).toEqual([plan.plan_id]);
  for (const text of ["", "sha256-x", "../../x"]) {
    files.all.set(`${FOLDER}/plans/LATEST`, utf8(text));
    expect(await latestPlan(ports, FOLDER)).toBeNull();
  }
});
