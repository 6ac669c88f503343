/**
 * Goal: a plan is the same bytes for the same decision, and is believed exactly when id and signature hold; the
 * published forms are read byte for byte, and never applied.
 * Method: the published vectors, plans made of goals in random orders, and every way in which a plan can be changed.
 */
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { PlannedFile, PlannedRoute, SignedPlan } from "../../../../host/shared/fabric/plan.ts";
import {
  applicablePlan,
  isEmptyPlan,
  makePlan,
  openPlan,
  planBytes,
  type PlanGoal,
  signPlan,
  verifyPlan,
} from "../../../../host/shared/fabric/plan-file/plan-file.ts";
import { documentId, signedBytes } from "../../../../host/shared/fabric/plan-file/plan-document.ts";
import { decodeBase64, encodeBase64 } from "../../../../host/shared/trust/base64.ts";
import { fromUtf8, utf8 } from "../../../../host/shared/trust/bytes.ts";
import {
  documentBytes,
  type Json,
  type JsonObject,
  parseJson,
} from "../../../../host/shared/trust/canonical-json.ts";
import { formatIdentityKey } from "../../../../host/shared/trust/key-text.ts";
import { failureCode, testPorts } from "../../../support/ports.ts";
import { OWNER, STRANGER } from "../../../support/registry.ts";
import { hex } from "../../../support/wasm.ts";

const ports = testPorts();
const signers = { keyOf: (key: string) => (key === OWNER.key ? OWNER.publicKey : null) };
const A = `sha256:${"a".repeat(64)}`;
const B = `sha256:${"b".repeat(64)}`;

const route = (from: string, to: string, lane: PlannedRoute["lane"] = "uds"): PlannedRoute => ({
  from: `rtt://a/agent/${from}@1.0.0`,
  to: `rtt://a/tool/${to}@1.0.0`,
  lane,
});

const FILES: readonly PlannedFile[] = [
  { path: ".claude/agents/x.md", view: "claude-code", before: null, after: A, how: "link" },
  { path: ".mcp.json", view: "claude-code", before: A, after: B, how: "merge", fields: A },
  { path: "old.md", view: "cursor", before: B, after: null, how: "link" },
];

const GOAL: PlanGoal = {
  base: { generation: 3, digest: B },
  present: [route("x", "gone"), route("x", "kept"), route("x", "moved", "tcp")],
  routes: [route("x", "moved"), route("x", "kept"), route("b", "new")],
  placement: { "rtt://a/agent/x@1.0.0": "n1", "rtt://a/agent/b@1.0.0": "n2" },
  symbols: { "rtt://a/agent/x@1.0.0": A, "rtt://a/agent/b@1.0.0": B },
  files: FILES,
};

const signed = (goal: PlanGoal = GOAL): SignedPlan => signPlan(ports, makePlan(ports, goal), OWNER);

function documentOf(plan: SignedPlan): JsonObject {
  return parseJson(planBytes(plan)) as JsonObject;
}

/** The document with its id and the owner's signature made anew, whatever is in it. */
function resigned(document: JsonObject): Uint8Array<ArrayBuffer> {
  const sig = ports.signatures.sign(OWNER.seed, signedBytes(document));
  const sign = { alg: "ed25519", key_id: OWNER.key, sig: encodeBase64(sig) };
  return documentBytes({ ...document, plan_id: documentId(ports.digest, document), sign });
}

const verdictOf = (bytes: Uint8Array): string => {
  const verdict = verifyPlan(ports, bytes, signers);
  return verdict.ok ? "ok" : verdict.code;
};

// --- the published forms ---

interface Vector {
  readonly signed_bytes_utf8: string;
  readonly plan_id: string;
  readonly sig_b64: string;
}

const VECTORS = (
  JSON.parse(
    readFileSync(new URL("../../../vectors/origin-vectors-rtt-p2p.json", import.meta.url), "utf8"),
  ) as {
    readonly rtt: {
      readonly plan_rtt_v1: Vector;
      readonly plan_v1_0_0: Vector;
      readonly ed25519: { readonly seed_hex: string; readonly pub_b64: string };
    };
  }
).rtt;

const publishedSigners = {
  keyOf: (key: string) => (key === "dev" ? decodeBase64(VECTORS.ed25519.pub_b64) : null),
};

/** A published plan as its tool wrote it, indented. */
function publishedFile({ signed_bytes_utf8: signedText, plan_id, sig_b64: sig }: Vector): string {
  const sign = { alg: "ed25519", key_id: "dev", sig };
  return JSON.stringify({ ...(JSON.parse(signedText) as object), plan_id, sign }, null, 2);
}

test("the published plan is reproduced byte for byte, and read", () => {
  const { plan_rtt_v1: vector, ed25519 } = VECTORS;
  const file = publishedFile(vector);
  const document = parseJson(utf8(file)) as JsonObject;
  expect(fromUtf8(signedBytes(document))).toBe(vector.signed_bytes_utf8);
  expect(documentId(ports.digest, document)).toBe(vector.plan_id);
  const signature = ports.signatures.sign(hex(ed25519.seed_hex), signedBytes(document));
  expect(encodeBase64(signature)).toBe(vector.sig_b64);
  const opened = openPlan(ports, utf8(file), publishedSigners);
  expect(opened).toMatchObject({
    form: "published",
    plan: { plan_id: vector.plan_id, form: "rtt-v1", unsound: null, order: ["A1", "A2"] },
  });
});

test("the form whose id depends on the time is read, and called unsound", () => {
  const vector = VECTORS.plan_v1_0_0;
  const opened = openPlan(ports, utf8(publishedFile(vector)), publishedSigners);
  expect(opened).toMatchObject({
    plan: {
      plan_id: vector.plan_id,
      form: "rtt-1.0.0",
      unsound: expect.stringMatching(/created_at/),
    },
  });
});

test("a published plan is never applied, a changed or stripped one not even read", async () => {
  for (const vector of [VECTORS.plan_rtt_v1, VECTORS.plan_v1_0_0]) {
    const file = publishedFile(vector);
    const opened = openPlan(ports, utf8(file), publishedSigners);
    expect(await failureCode(() => applicablePlan(opened))).toBe("plan-invalid");
    expect(() => applicablePlan(opened)).toThrow(/names no generation/);
    const codeOf = (text: string): Promise<string> =>
      failureCode(() => openPlan(ports, utf8(text), publishedSigners));
    const document = JSON.parse(file) as Record<string, unknown>;
    const { sign, ...stripped } = document;
    expect(await codeOf(JSON.stringify(stripped))).toBe("signature-missing");
    expect(await codeOf(file.replace("logger", "evil"))).toBe("plan-invalid");
    expect(
      await codeOf(JSON.stringify({ ...document, sign: { ...(sign as object), key_id: "x" } })),
    ).toBe("signer-untrusted");
    for (const change of [{ plan_id: 1 }, { created_at: 1 }, { more: 1 }, { order: ["A1"] }]) {
      expect(await codeOf(JSON.stringify({ ...document, ...change }))).toBe("plan-invalid");
    }
    // The one published tool takes the signature of the other: each is over other bytes.
    const other = vector === VECTORS.plan_v1_0_0 ? VECTORS.plan_rtt_v1 : VECTORS.plan_v1_0_0;
    const forged = { ...document, sign: { ...(sign as object), sig: other.sig_b64 } };
    expect(await codeOf(JSON.stringify(forged))).toBe("signature-invalid");
  }
});

// --- ours ---

test("a plan says what is added, removed, and in which order", () => {
  const plan = makePlan(ports, GOAL);
  expect(plan.routes_add).toEqual([route("b", "new"), route("x", "moved")]);
  expect(plan.routes_del).toEqual([route("x", "gone"), route("x", "moved", "tcp")]);
  expect(plan.order).toEqual(["A1", "D2", "A2", "D1"]);
  expect(plan.files).toEqual(FILES);
  expect(plan.base).toEqual(GOAL.base);
});

test("what was signed is read as it was, in any spelling of its JSON", () => {
  const plan = signed();
  expect(openPlan(ports, planBytes(plan), signers)).toEqual({ form: "mxp", plan });
  const indented = utf8(JSON.stringify(documentOf(plan), null, 2));
  expect(applicablePlan(openPlan(ports, indented, signers))).toEqual(plan);
  expect(verifyPlan(ports, plan, signers)).toMatchObject({ ok: true });
});

test("the same goal in any order is the same plan", () => {
  const shuffled = <T>(list: readonly T[]) =>
    fc.shuffledSubarray([...list], { minLength: list.length, maxLength: list.length });
  const record = (all: Readonly<Record<string, string>>) =>
    shuffled(Object.entries(all)).map((entries) => Object.fromEntries(entries));
  const { plan_id } = makePlan(ports, GOAL);
  fc.assert(
    fc.property(
      fc.record({
        present: shuffled(GOAL.present),
        routes: shuffled(GOAL.routes),
        files: shuffled(GOAL.files),
        placement: record(GOAL.placement),
        symbols: record(GOAL.symbols),
      }),
      (order) => {
        expect(makePlan(ports, { ...GOAL, ...order }).plan_id).toBe(plan_id);
      },
    ),
    { numRuns: 1000 },
  );
});

test("every member of a plan counts for its id", () => {
  const ids = [
    GOAL,
    { ...GOAL, base: { generation: 4, digest: B } },
    { ...GOAL, base: { generation: 3, digest: A } },
    { ...GOAL, routes: GOAL.routes.slice(1) },
    { ...GOAL, present: GOAL.present.slice(1) },
    { ...GOAL, placement: {} },
    { ...GOAL, symbols: {} },
    { ...GOAL, files: FILES.slice(1) },
    { ...GOAL, files: [{ ...FILES[0], before: B } as PlannedFile] },
  ].map((goal) => makePlan(ports, goal).plan_id);
  expect(new Set(ids).size).toBe(ids.length);
});

test("a plan is empty when nothing of what is in force would change", () => {
  const none = {
    ...GOAL,
    base: { generation: 0, digest: null },
    present: [],
    routes: [],
    files: [],
  };
  const nothing = { ...none, placement: {}, symbols: {} };
  expect(isEmptyPlan(makePlan(ports, nothing), null)).toBe(true);
  // The bytes stay, and the file becomes another name of the registry's object.
  const same: PlannedFile = { ...(FILES[0] as PlannedFile), before: A };
  expect(isEmptyPlan(makePlan(ports, { ...nothing, files: [same] }), null)).toBe(false);
  const current = {
    generation: 3,
    plan: `sha256-${"1".repeat(64)}`,
    previous: A,
    restores: null,
    canaryPercent: 100,
    routes: GOAL.present,
    placement: GOAL.placement,
    symbols: GOAL.symbols,
    files: [],
  };
  const unchanged = { ...GOAL, routes: GOAL.present, files: [] };
  expect(isEmptyPlan(makePlan(ports, unchanged), current)).toBe(true);
  const changes: readonly Partial<PlanGoal>[] = [
    { routes: GOAL.routes },
    { routes: [...GOAL.present, route("b", "new")] },
    { files: FILES },
    { placement: {} },
    { symbols: { ...GOAL.symbols, "rtt://a/agent/x@1.0.0": B } },
  ];
  for (const change of changes) {
    expect(isEmptyPlan(makePlan(ports, { ...unchanged, ...change }), current)).toBe(false);
  }
});

test("a stripped, forged or foreign signature is refused, whatever the rest says", () => {
  const plan = signed();
  const document = documentOf(plan);
  const { sign, ...stripped } = document;
  expect(verdictOf(documentBytes(stripped))).toBe("signature-missing");
  const withSign = (more: JsonObject): Uint8Array => documentBytes({ ...document, sign: more });
  const entry = sign as JsonObject;
  expect(verdictOf(withSign({}))).toBe("signature-invalid");
  expect(verdictOf(withSign({ ...entry, more: 1 }))).toBe("signature-invalid");
  expect(verdictOf(withSign({ ...entry, alg: "none" }))).toBe("signature-invalid");
  expect(verdictOf(withSign({ ...entry, sig: "" }))).toBe("signature-invalid");
  expect(verdictOf(withSign({ ...entry, sig: "*" }))).toBe("signature-invalid");
  expect(verdictOf(withSign({ ...entry, sig: encodeBase64(new Uint8Array(64)) }))).toBe(
    "signature-invalid",
  );
  expect(verdictOf(withSign({ ...entry, key_id: "constructor" }))).toBe("signer-untrusted");
  const theirs = signPlan(ports, makePlan(ports, GOAL), STRANGER);
  expect(verdictOf(planBytes(theirs))).toBe("signer-untrusted");
  const moved = { ...theirs, sign: { ...theirs.sign, key_id: OWNER.key } };
  expect(verdictOf(planBytes(moved))).toBe("signature-invalid");
  // A plan without a base would be taken for a published one, whose id it has not.
  const { base: _, ...baseless } = document;
  expect(verdictOf(documentBytes(baseless))).toBe("plan-invalid");
  expect(formatIdentityKey(OWNER.publicKey)).toBe(plan.sign.key_id);
});

test("any changed character of a plan is refused", () => {
  const bytes = planBytes(signed());
  fc.assert(
    fc.property(fc.nat(bytes.length - 2), fc.integer({ min: 1, max: 255 }), (at, change) => {
      const bad = bytes.slice();
      bad[at] = (bad[at] as number) ^ change;
      expect(verdictOf(bad)).not.toBe("ok");
    }),
    { numRuns: 500 },
  );
});

test("a good id and a good signature do not excuse what is in a plan", () => {
  const good = documentOf(signed());
  const routes = good["routes_add"] as readonly JsonObject[];
  const files = good["files"] as readonly JsonObject[];
  const [link, merge] = files;
  const file = (change: JsonObject): JsonObject => ({ files: [{ ...link, ...change }] });
  const bad: readonly JsonObject[] = [
    { more: 1 },
    { routes_add: {} },
    { routes_add: [...routes].reverse() },
    { routes_add: [routes[0] as Json, routes[0] as Json] },
    { routes_add: [{ ...routes[0], lane: "pigeon" }, routes[1] as Json] },
    { routes_add: [{ ...routes[0], to: "rtt://a/tool/new" }, routes[1] as Json] },
    { routes_add: [{ ...routes[0], to: "rtt://а/tool/new@1.0.0" }, routes[1] as Json] },
    { routes_del: good["routes_add"] as Json },
    { order: [] },
    { order: ["A1", "A1", "D1", "D2"] },
    { order: ["A1", "A2", "D1", "D3"] },
    { order: ["A1", "A2", "D1", 2] },
    { placement: { "rtt://a/agent/x@1.0.0": "" } },
    { base: { generation: 0, digest: A } },
    { base: { generation: 1, digest: null } },
    { base: { generation: -1, digest: A } },
    { symbols: { x: A } },
    { files: [...files].reverse() },
    { files: [link as Json, link as Json] },
    file({ path: "../x" }),
    file({ path: ".rtt/registry/index.json" }),
    file({ before: null, after: null }),
    file({ how: "copy" }),
    file({ fields: A }),
    file({ view: "" }),
    { files: [{ ...merge, fields: null }] },
    {
      files: [
        { ...link, path: "a" },
        { ...link, path: "a/b" },
      ],
    },
  ];
  for (const change of bad) {
    expect([change, verdictOf(resigned({ ...good, ...change }))]).toEqual([change, "plan-invalid"]);
  }
  const { path, view } = link as JsonObject;
  const gone: JsonObject = { path: path as Json, view: view as Json, before: null, after: null };
  // What is the user's again may be gone already; it has no fields.
  expect(verdictOf(resigned({ ...good, files: [{ ...gone, how: "restore" }] }))).toBe("ok");
  const odd = { ...gone, how: "restore", fields: A };
  expect(verdictOf(resigned({ ...good, files: [odd] }))).toBe("plan-invalid");
  // A folder may take the place of a file.
  const replaced = {
    files: [
      { ...link, path: "a", before: A, after: null },
      { ...link, path: "a/b" },
    ],
  };
  expect(verdictOf(resigned({ ...good, ...replaced }))).toBe("ok");
});

test("what is no plan at all has a named reason", () => {
  const deep = utf8("[".repeat(100_000));
  const texts = [
    "",
    "[]",
    "null",
    "{",
    '{"base":1,"base":2}',
    '{"__proto__":{"base":1}}',
    '{"base":{}}',
  ];
  for (const bytes of [deep, ...texts.map(utf8), Uint8Array.of(0xff)]) {
    expect(verdictOf(bytes)).toMatch(/^(plan|canonical-json)-invalid$/);
  }
});

test("a goal that no reader would take makes no plan", async () => {
  const twice = { ...GOAL, routes: [route("x", "a"), route("x", "a", "shm")] };
  expect(await failureCode(() => makePlan(ports, twice))).toBe("plan-invalid");
});
