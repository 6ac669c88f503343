/**
 * Plans that are signed: made of what was decided, verified before anything is done. Whoever has the bytes and the list
 * of signers can tell whether a plan is one, without the world that it was made for.
 */
import type { Digest } from "../../ports/digest.ts";
import { type ErrorCode, Failure } from "../../ports/failure.ts";
import type { Signatures } from "../../ports/signatures.ts";
import { decodeBase64, encodeBase64 } from "../../trust/base64.ts";
import {
  isJsonObject,
  type JsonObject,
  documentBytes,
  parseJson,
} from "../../trust/canonical-json.ts";
import { hasExactly } from "../../trust/dsse.ts";
import { formatIdentityKey } from "../../trust/key-text.ts";
import type { Generation } from "../generation.ts";
import type {
  Plan,
  PlanBase,
  PlanContent,
  PlannedFile,
  PlannedRoute,
  PlanSignature,
  SignedPlan,
} from "../plan.ts";
import type { RegistrySigner } from "../registry/ports.ts";
import type { SignerCheck } from "../registry/signature.ts";
import { compareRoutes, compareTexts, PLAN_LIMITS } from "./parts.ts";
import {
  contentJson,
  documentId,
  invalidPlan,
  readPlanDocument,
  signatureJson,
  signedBytes,
} from "./plan-document.ts";
import { publishedBytes, type PublishedPlan, readPublishedPlan } from "./published-plan.ts";

export interface PlanPorts {
  readonly digest: Digest;
  readonly signatures: Signatures;
}

// --- making ---

/** What a plan is to bring about, in any order. */
export interface PlanGoal {
  readonly base: PlanBase;
  /** The routes in force now. */
  readonly present: readonly PlannedRoute[];
  /** The routes wanted. */
  readonly routes: readonly PlannedRoute[];
  readonly placement: PlanContent["placement"];
  readonly symbols: PlanContent["symbols"];
  readonly files: readonly PlannedFile[];
}

/** The plan to a goal: the same for the same goal, in whatever order it is given. Fails with `plan-invalid`. */
export function makePlan({ digest }: Pick<PlanPorts, "digest">, goal: PlanGoal): Plan {
  const routes_add = lacking(goal.routes, goal.present);
  const routes_del = lacking(goal.present, goal.routes);
  const content: PlanContent = {
    routes_add,
    routes_del,
    order: orderOf(routes_add, routes_del),
    placement: goal.placement,
    base: goal.base,
    symbols: goal.symbols,
    files: goal.files.toSorted((a, b) => compareTexts(a.path, b.path)),
  };
  const document = contentJson(content);
  const plan: Plan = { plan_id: documentId(digest, document), ...content };
  // What a reader would refuse is never written.
  return readPlanDocument({ ...document, plan_id: plan.plan_id });
}

const routeText = ({ from, to, lane }: PlannedRoute): string => `${from} ${to} ${lane}`;

/** What is in `all` and not in `present`, sorted. */
function lacking(
  all: readonly PlannedRoute[],
  present: readonly PlannedRoute[],
): readonly PlannedRoute[] {
  const there = new Set(present.map(routeText));
  return all.filter((route) => !there.has(routeText(route))).toSorted(compareRoutes);
}

/** Additions first, so that nobody is without a route in between; one that changes its lane goes right before. */
function orderOf(
  added: readonly PlannedRoute[],
  removed: readonly PlannedRoute[],
): readonly string[] {
  const pair = ({ from, to }: PlannedRoute): string => `${from} ${to}`;
  const removals = new Map(removed.map((route, at) => [pair(route), `D${at + 1}`]));
  const steps = added.flatMap((route, at) => {
    const replaced = removals.get(pair(route));
    removals.delete(pair(route));
    return [...(replaced === undefined ? [] : [replaced]), `A${at + 1}`];
  });
  return [...steps, ...removals.values()];
}

/** Whether a plan changes nothing of what is in force. A file whose bytes stay may still become a link. */
export function isEmptyPlan(plan: Plan, current: Generation | null): boolean {
  return (
    plan.routes_add.length === 0 &&
    plan.routes_del.length === 0 &&
    plan.files.length === 0 &&
    isSameRecord(plan.placement, current?.placement ?? {}) &&
    isSameRecord(plan.symbols, current?.symbols ?? {})
  );
}

function isSameRecord(
  a: Readonly<Record<string, string>>,
  b: Readonly<Record<string, string>>,
): boolean {
  const names = Object.keys(a);
  return (
    names.length === Object.keys(b).length &&
    names.every((name) => Object.hasOwn(b, name) && a[name] === b[name])
  );
}

/** Signs a plan, as published: over the same bytes as its id. */
export function signPlan(
  { signatures }: Pick<PlanPorts, "signatures">,
  plan: Plan,
  signer: RegistrySigner,
): SignedPlan {
  const { plan_id, ...content } = plan;
  const sig = signatures.sign(signer.seed, signedBytes(contentJson(content)));
  const sign: PlanSignature = {
    alg: "ed25519",
    key_id: formatIdentityKey(signer.publicKey),
    sig: encodeBase64(sig),
  };
  return { plan_id, ...content, sign };
}

/** The file of a signed plan. */
export function planBytes({ plan_id, sign, ...content }: SignedPlan): Uint8Array<ArrayBuffer> {
  return documentBytes({ ...contentJson(content), plan_id, sign: signatureJson(sign) });
}

// --- verifying ---

export type OpenedPlan =
  | { readonly form: "mxp"; readonly plan: SignedPlan }
  | { readonly form: "published"; readonly plan: PublishedPlan };

export type PlanVerdict =
  | { readonly ok: true; readonly opened: OpenedPlan }
  | { readonly ok: false; readonly code: ErrorCode; readonly reason: string };

/**
 * Whether bytes, or a plan in memory, are a plan that a trusted signer signed: id, signature and every member.
 * Everything else is a no with its reason; a plan whose signature was taken away is one of them.
 */
export function verifyPlan(
  ports: PlanPorts,
  plan: Uint8Array | SignedPlan,
  signers: SignerCheck,
): PlanVerdict {
  try {
    const bytes = plan instanceof Uint8Array ? plan : planBytes(plan);
    return { ok: true, opened: openPlan(ports, bytes, signers) };
  } catch (thrown) {
    const failure = Failure.from(thrown);
    if (failure.code === "internal") throw thrown;
    return { ok: false, code: failure.code, reason: failure.message };
  }
}

/**
 * The same with a failure in place of a no: `plan-invalid`, `canonical-json-invalid`, `signature-missing`,
 * `signature-invalid` or `signer-untrusted`.
 */
export function openPlan(ports: PlanPorts, bytes: Uint8Array, signers: SignerCheck): OpenedPlan {
  const document = parseJson(bytes, PLAN_LIMITS);
  if (!isJsonObject(document)) throw invalidPlan("it", "is not an object");
  if (!Object.hasOwn(document, "base")) {
    const plan = readPublishedPlan(ports.digest, document);
    checkSignature(ports, document, publishedBytes(plan.form, document), signers);
    return { form: "published", plan };
  }
  const plan = readPlanDocument(document);
  if (documentId(ports.digest, document) !== plan.plan_id) {
    throw invalidPlan("plan_id", "is not that of its content: somebody has changed it");
  }
  const sign = checkSignature(ports, document, signedBytes(document), signers);
  return { form: "mxp", plan: { ...plan, sign } };
}

/** The plan, when it can be applied. Fails with `plan-invalid` for a published one. */
export function applicablePlan({ form, plan }: OpenedPlan): SignedPlan {
  if (form === "mxp") return plan;
  const why = plan.unsound === null ? "" : `; besides, ${plan.unsound}`;
  throw new Failure(
    "plan-invalid",
    `The plan is of the published form ${plan.form}, which names no generation that it starts from${why}`,
    {
      origin: "local",
      remedy: "Put its routes into .rtt/routes.json and make a plan of them with `rtt plan`.",
      context: { planId: plan.plan_id, form: plan.form },
    },
  );
}

function checkSignature(
  { signatures }: PlanPorts,
  document: JsonObject,
  signed: Uint8Array,
  signers: SignerCheck,
): PlanSignature {
  const { sign } = document;
  if (sign === undefined) {
    throw new Failure("signature-missing", "The plan is not signed", {
      origin: "peer",
      remedy: "Make the plan again with `rtt plan`, which signs it.",
    });
  }
  if (!isJsonObject(sign) || !hasExactly(sign, ["alg", "key_id", "sig"])) {
    throw badSignature("does not have exactly the members alg, key_id and sig");
  }
  const { alg, key_id, sig } = sign;
  if (alg !== "ed25519" || typeof key_id !== "string" || typeof sig !== "string") {
    throw badSignature("is not one of Ed25519");
  }
  const key = signers.keyOf(key_id);
  if (key === null) {
    throw new Failure("signer-untrusted", `The plan is signed by "${key_id.slice(0, 80)}"`, {
      origin: "policy",
      remedy: "If you trust the key, `rtt registry trust <key>`.",
    });
  }
  const signature = decodeBase64(sig);
  if (signature === null || !signatures.verify(key, signed, signature)) {
    throw badSignature("is not that of the key that it names");
  }
  return { alg, key_id, sig };
}

function badSignature(problem: string): Failure {
  return new Failure("signature-invalid", `The signature of the plan ${problem}`, {
    origin: "peer",
    remedy: "Make the plan again with `rtt plan`, which signs it.",
  });
}
