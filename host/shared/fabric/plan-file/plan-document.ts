/** A plan as a JSON document: its one form, its id, and the reader that accepts no other. */
import type { Digest } from "../../ports/digest.ts";
import { Failure } from "../../ports/failure.ts";
import { toHex } from "../../trust/bytes.ts";
import { canonicalBytes, type Json, type JsonObject } from "../../trust/canonical-json.ts";
import type {
  Plan,
  PlanBase,
  PlanContent,
  PlanId,
  PlannedFile,
  PlannedRoute,
  PlanSignature,
} from "../plan.ts";
import { FILES_MAX, isPlanId, PartReader, ROUTES_MAX } from "./parts.ts";

const PLACEHOLDER = "sha256-PLACEHOLDER";

/** The members of a plan of ours; `sign` may be there. */
export const PLAN_MEMBERS = [
  "plan_id",
  "routes_add",
  "routes_del",
  "order",
  "placement",
  "base",
  "symbols",
  "files",
] as const;

export function invalidPlan(where: string, problem: string): Failure {
  return new Failure("plan-invalid", `The plan: ${where} ${problem}`, {
    origin: "local",
    remedy: "Make the plan again with `rtt plan`.",
  });
}

/**
 * The bytes that the id is made of and that are signed, by the published rule: the canonical plan without `sign` and
 * with a placeholder where its id will stand.
 */
export function signedBytes(document: JsonObject): Uint8Array<ArrayBuffer> {
  const { sign: _, ...rest } = document;
  return canonicalBytes({ ...rest, plan_id: PLACEHOLDER });
}

/** The id of a document by the published rule. */
export function documentId(digest: Digest, document: JsonObject): PlanId {
  return `sha256-${toHex(digest.sha256(signedBytes(document)))}`;
}

/** The document of a plan's content; its id is still the placeholder's. */
export function contentJson(content: PlanContent): JsonObject {
  const routes = (list: readonly PlannedRoute[]): Json =>
    list.map(({ from, to, lane }) => ({ from, to, lane }));
  return {
    routes_add: routes(content.routes_add),
    routes_del: routes(content.routes_del),
    order: [...content.order],
    placement: { ...content.placement },
    base: { generation: content.base.generation, digest: content.base.digest },
    symbols: { ...content.symbols },
    files: content.files.map(fileJson),
  };
}

export function signatureJson({ alg, key_id, sig }: PlanSignature): JsonObject {
  return { alg, key_id, sig };
}

function fileJson(file: PlannedFile): JsonObject {
  const { path, view, before, after, how } = file;
  return { path, view, before, after, how, ...(how === "merge" ? { fields: file.fields } : {}) };
}

/** A plan of ours from its document; whether its id is right is checked elsewhere. Fails with `plan-invalid`. */
export function readPlanDocument(document: JsonObject): Plan {
  const parts = new PartReader(invalidPlan);
  const value = parts.shape.object(document, "it", PLAN_MEMBERS, ["sign"]);
  const { plan_id } = value;
  if (!isPlanId(plan_id)) throw invalidPlan("plan_id", "is not an id");
  const routes_add = parts.routes(value["routes_add"], "routes_add");
  const routes_del = parts.routes(value["routes_del"], "routes_del");
  checkDisjoint(routes_add, routes_del);
  return {
    plan_id,
    routes_add,
    routes_del,
    order: readOrder(parts, value["order"], routes_add.length, routes_del.length),
    placement: parts.placement(value["placement"], "placement"),
    base: readBase(parts, value["base"]),
    symbols: parts.symbols(value["symbols"], "symbols"),
    files: readFiles(parts, value["files"]),
  };
}

function checkDisjoint(added: readonly PlannedRoute[], removed: readonly PlannedRoute[]): void {
  const text = ({ from, to, lane }: PlannedRoute): string => `${from} ${to} ${lane}`;
  const gone = new Set(removed.map(text));
  const both = added.find((route) => gone.has(text(route)));
  if (both !== undefined) throw invalidPlan("routes_del", `removes what it adds: ${text(both)}`);
}

/** "A1", "D1", …: each number of both lists once. */
export function readOrder(
  parts: PartReader,
  value: Json | undefined,
  added: number,
  removed: number,
): readonly string[] {
  const order = parts
    .list(value, "order", 2 * ROUTES_MAX)
    .map((item, at) => parts.shape.text(item, `order[${at}]`));
  const steps = new Set(order);
  const isComplete =
    order.length === added + removed &&
    steps.size === order.length &&
    numbered("A", added).every((step) => steps.has(step)) &&
    numbered("D", removed).every((step) => steps.has(step));
  if (!isComplete) throw invalidPlan("order", "does not name each route once");
  return order;
}

/** "A1" … "A3". */
export function numbered(letter: "A" | "D", count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `${letter}${index + 1}`);
}

function readBase(parts: PartReader, value: Json | undefined): PlanBase {
  const base = parts.members(value, "base", ["generation", "digest"]);
  const generation = parts.shape.count(base["generation"], "base.generation", 0);
  const digest = parts.digestOrNull(base["digest"], "base.digest");
  if ((generation === 0) !== (digest === null)) {
    throw invalidPlan("base.digest", "is there for every generation but 0");
  }
  return { generation, digest };
}

function readFiles(parts: PartReader, value: Json | undefined): readonly PlannedFile[] {
  const files = parts
    .list(value, "files", FILES_MAX)
    .map((file, at) => readFile(parts, file, `files[${at}]`));
  parts.checkOrder(files, "files");
  parts.checkNesting(
    files.filter(({ after }) => after !== null),
    "files",
  );
  return files;
}

const FILE_MEMBERS = ["path", "view", "before", "after", "how"];

function readFile(parts: PartReader, value: Json, where: string): PlannedFile {
  const { shape } = parts;
  const file = shape.object(value, where, FILE_MEMBERS, ["fields"]);
  const change = {
    path: parts.path(file["path"], `${where}.path`),
    view: parts.view(file["view"], `${where}.view`),
    before: parts.digestOrNull(file["before"], `${where}.before`),
    after: parts.digestOrNull(file["after"], `${where}.after`),
  };
  const how = shape.oneOf(file["how"], `${where}.how`, ["link", "merge", "restore"]);
  // What is gone already may still have to be let go of.
  if (change.before === null && change.after === null && how !== "restore") {
    throw invalidPlan(where, "makes nothing of nothing");
  }
  if (how !== "merge") {
    parts.members(value, where, FILE_MEMBERS);
    return { ...change, how };
  }
  return { ...change, how: "merge", fields: shape.digest(file["fields"], `${where}.fields`) };
}
