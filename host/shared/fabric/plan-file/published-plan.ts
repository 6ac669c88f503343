/**
 * Plans in the published forms, which are read and verified and never applied: neither says what it starts from, so
 * nobody can tell whether the world is still the one that it was made for.
 *
 *   rtt-v1      id and signature over the canonical plan with a placeholder for its id
 *   rtt-1.0.0   over the canonical plan without id and signature, the time of its making among what is hashed
 *
 * A time in what is hashed gives the same plan another id with every run; such a plan is called unsound.
 */
import type { Digest } from "../../ports/digest.ts";
import { toHex } from "../../trust/bytes.ts";
import { canonicalBytes, type Json, type JsonObject } from "../../trust/canonical-json.ts";
import type { PlanId } from "../plan.ts";
import { LANES } from "../lane-kind.ts";
import { isPlanId, PartReader, ROUTES_MAX } from "./parts.ts";
import { documentId, invalidPlan, readOrder, signedBytes } from "./plan-document.ts";

export type PublishedForm = "rtt-v1" | "rtt-1.0.0";

export interface PublishedRoute {
  readonly from: string;
  readonly to: string;
  readonly lane: string | null;
}

export interface PublishedPlan {
  readonly plan_id: PlanId;
  readonly routes_add: readonly PublishedRoute[];
  readonly routes_del: readonly PublishedRoute[];
  readonly order: readonly string[];
  readonly placement: Readonly<Record<string, string>>;
  readonly form: PublishedForm;
  /** Why it proves less than it should; null for a sound one. */
  readonly unsound: string | null;
}

const REQUIRED = ["plan_id", "routes_add", "routes_del", "order"];
const OPTIONAL = ["placement", "created_at", "sign"];

/** The bytes that id and signature of a published plan are over. */
export function publishedBytes(form: PublishedForm, document: JsonObject): Uint8Array<ArrayBuffer> {
  if (form === "rtt-v1") return signedBytes(document);
  const { plan_id: _, sign: __, ...rest } = document;
  return canonicalBytes(rest);
}

/** Reads a published plan and tells by which rule its id was made. Fails with `plan-invalid`. */
export function readPublishedPlan(digest: Digest, document: JsonObject): PublishedPlan {
  const parts = new PartReader(invalidPlan);
  const value = parts.shape.object(document, "it", REQUIRED, OPTIONAL);
  const { plan_id, created_at: createdAt } = value;
  if (!isPlanId(plan_id)) throw invalidPlan("plan_id", "is not an id");
  if (createdAt !== undefined && typeof createdAt !== "string") {
    throw invalidPlan("created_at", "is not a text");
  }
  const form = formOf(digest, document, plan_id);
  const routes_add = readRoutes(parts, value["routes_add"], "routes_add");
  const routes_del = readRoutes(parts, value["routes_del"], "routes_del");
  return {
    plan_id,
    routes_add,
    routes_del,
    order: readOrder(parts, value["order"], routes_add.length, routes_del.length),
    placement: parts.placement(value["placement"] ?? {}, "placement"),
    form,
    unsound:
      createdAt === undefined
        ? null
        : "created_at is part of what is hashed, so the same plan has another id each time",
  };
}

function formOf(digest: Digest, document: JsonObject, planId: PlanId): PublishedForm {
  if (documentId(digest, document) === planId) return "rtt-v1";
  const bare = digest.sha256(publishedBytes("rtt-1.0.0", document));
  if (`sha256-${toHex(bare)}` === planId) return "rtt-1.0.0";
  throw invalidPlan("plan_id", "is not that of its content by any published rule");
}

/** Published routes may lack a lane and may be in any order. */
function readRoutes(
  parts: PartReader,
  value: Json | undefined,
  where: string,
): readonly PublishedRoute[] {
  return parts.list(value, where, ROUTES_MAX).map((entry, at) => {
    const place = `${where}[${at}]`;
    const { from, to, lane } = parts.shape.object(entry, place, ["from", "to"], ["lane"]);
    return {
      from: parts.address(from, `${place}.from`),
      to: parts.address(to, `${place}.to`),
      lane: lane === undefined ? null : parts.shape.oneOf(lane, `${place}.lane`, LANES),
    };
  });
}
