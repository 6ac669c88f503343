/**
 * What the log of changes says, entry by entry, as canonical JSON. `begin` says everything about a transaction; the
 * later ones name it and say how it went on.
 *
 *   {"kind":"mxp.apply/v1","type":"begin","at":…,"transaction":…,"purpose":…,"plan":…,"of":…,"base":{…},
 *    "generation":…,"target":…,"by":…,"participants":[…]}
 *   {…,"type":"commit"}   {…,"type":"abort","refusals":[…]}   {…,"type":"revert","refusals":[…]}
 *   {…,"type":"end","outcome":…,"left":[…]}
 */
import { ERROR_CODES, Failure } from "../../ports/failure.ts";
import { canonicalBytes, type Json, type JsonObject } from "../../trust/canonical-json.ts";
import { fromUtf8 } from "../../trust/bytes.ts";
import { parseKeyText } from "../../trust/key-text.ts";
import { Shape } from "../../trust/shape.ts";
import type { DigestText, PlanBase, PlanId } from "../plan.ts";
import { isPlanId } from "../plan-file/parts.ts";
import type { LogStep, Outcome, Refusal } from "./machine.ts";

/** Why a generation is made. */
export const PURPOSES = ["plan", "rollback", "canary", "promotion", "withdrawal"] as const;

/**
 * "canary": a part of a plan, to be watched. "promotion": the rest of it. "withdrawal": the way back from a canary.
 */
export type Purpose = (typeof PURPOSES)[number];

/** Everything about a transaction that has to survive. */
export interface TransactionFacts {
  readonly transaction: string;
  readonly purpose: Purpose;
  readonly plan: PlanId;
  /** The plan that somebody made, where `plan` is a part of it or the way back from it. */
  readonly of: PlanId | null;
  readonly base: PlanBase;
  /** The number of the generation that it makes. */
  readonly generation: number;
  /** Digest of that generation's document, which lies in `.rtt/generations`. */
  readonly target: DigestText;
  /** Who applies it, "z6Mk…". */
  readonly by: string;
}

export type LogRecord =
  | {
      readonly at: number;
      readonly facts: TransactionFacts;
      readonly step: Extract<LogStep, { readonly type: "begin" }>;
    }
  | {
      readonly at: number;
      readonly transaction: string;
      readonly step: Exclude<LogStep, { readonly type: "begin" }>;
    };

const KIND = "mxp.apply/v1";
const OUTCOMES: readonly Outcome[] = ["applied", "aborted", "reverted"];
const TYPES = ["begin", "commit", "abort", "revert", "end"] as const;
const KNOWN_KEYS_MAX = 1024;
const PARTICIPANTS_MAX = 128;
const NAME_CHARACTERS_MAX = 128;
/** An entry of the log has 65,535 bytes: the first reasons are worth more than the last. */
const REFUSALS_MAX = 32;
const MESSAGE_CHARACTERS_MAX = 400;

function invalid(where: string, problem: string): Failure {
  return new Failure("log-corrupt", `The log of changes: ${where} ${problem}`, {
    origin: "host",
    remedy: "Restore .rtt/wal from a copy; do not trust what it says.",
    context: { where },
  });
}

const shape = new Shape(invalid, { listMax: PARTICIPANTS_MAX, textMax: 1024 });

// --- writing ---

/** The bytes of an entry. Fails with `argument-invalid` for more participants than an entry can name. */
export function encodeRecord(record: LogRecord): Uint8Array<ArrayBuffer> {
  const { at, step } = record;
  const head = { kind: KIND, at, type: step.type };
  if (!("facts" in record)) {
    return canonicalBytes({ ...head, transaction: record.transaction, ...stepJson(record.step) });
  }
  const { participants } = record.step;
  const isTooLong = participants.some((name) => name.length > NAME_CHARACTERS_MAX);
  if (participants.length > PARTICIPANTS_MAX || isTooLong) {
    throw new Failure("argument-invalid", "Too many participants, or one with a long name", {
      origin: "local",
      remedy: `A change has at most ${PARTICIPANTS_MAX}, each of ${NAME_CHARACTERS_MAX} characters.`,
    });
  }
  const { base, ...facts } = record.facts;
  const { generation, digest } = base;
  return canonicalBytes({ ...head, ...facts, base: { generation, digest }, participants });
}

function stepJson(step: Exclude<LogStep, { readonly type: "begin" }>): JsonObject {
  if (step.type === "commit") return {};
  if (step.type === "end") return { outcome: step.outcome, left: step.left };
  return {
    refusals: step.refusals.slice(0, REFUSALS_MAX).map(({ participant, code, message }) => ({
      participant,
      code,
      message: message.toWellFormed().slice(0, MESSAGE_CHARACTERS_MAX).toWellFormed(),
    })),
  };
}

// --- reading ---

const BEGIN_MEMBERS = [
  "transaction",
  "purpose",
  "plan",
  "of",
  "base",
  "generation",
  "target",
  "by",
  "participants",
];

/** The record of an entry. Fails with `log-corrupt`. */
export function decodeRecord(index: number, bytes: Uint8Array): LogRecord {
  const where = `entry ${index}`;
  // The signed tree fixes the bytes, and only this program writes them: no strict reader is needed, and a log is long.
  const entry = readJson(where, bytes);
  const head = ["kind", "at", "type"];
  const all = [...head, ...BEGIN_MEMBERS, "refusals", "outcome", "left"];
  const { kind, type: name, ...rest } = shape.object(entry, where, head, all);
  shape.oneOf(kind, where, [KIND]);
  const at = shape.count(rest["at"], where, 0);
  const type = shape.oneOf(name, where, TYPES);
  if (type === "begin") {
    shape.object(entry, where, [...head, ...BEGIN_MEMBERS]);
    const participants = readNames(rest["participants"], where);
    return { at, facts: readFacts(rest, where), step: { type, participants } };
  }
  const transaction = shape.text(rest["transaction"], where);
  return { at, transaction, step: readStep(type, rest, where) };
}

function readJson(where: string, bytes: Uint8Array): Json {
  const text = fromUtf8(bytes);
  try {
    if (text !== null) return JSON.parse(text) as Json;
  } catch {
    // What it is instead, nobody needs to know.
  }
  throw invalid(where, "is not JSON");
}

function readFacts(entry: JsonObject, where: string): TransactionFacts {
  const base = shape.object(entry["base"], `${where}.base`, ["generation", "digest"]);
  const by = shape.text(entry["by"], where);
  if (!isKey(by)) throw invalid(where, "names no key");
  return {
    transaction: shape.text(entry["transaction"], where),
    purpose: shape.oneOf(entry["purpose"], where, PURPOSES),
    plan: readPlanId(entry["plan"], where),
    of: shape.nullable(entry["of"], (text) => readPlanId(text, where)),
    base: {
      generation: shape.count(base["generation"], `${where}.base`, 0),
      digest: shape.nullable(base["digest"], (text) => shape.digest(text, `${where}.base`)),
    },
    generation: shape.count(entry["generation"], where, 1),
    target: shape.digest(entry["target"], where),
    by,
  };
}

/** Keys that were read before: a log has few, in many entries. */
const knownKeys = new Set<string>();

function isKey(text: string): boolean {
  if (knownKeys.has(text)) return true;
  if (parseKeyText(text)?.kind !== "identity") return false;
  if (knownKeys.size < KNOWN_KEYS_MAX) knownKeys.add(text);
  return true;
}

function readPlanId(value: Json | undefined, where: string): PlanId {
  if (!isPlanId(value)) throw invalid(where, "names no plan");
  return value;
}

function readStep(
  type: Exclude<LogStep["type"], "begin">,
  entry: JsonObject,
  where: string,
): Exclude<LogStep, { readonly type: "begin" }> {
  if (type === "commit") return { type };
  if (type === "end") {
    const outcome = shape.oneOf(entry["outcome"], where, OUTCOMES);
    return { type, outcome, left: readNames(entry["left"], where) };
  }
  const list = entry["refusals"];
  if (!Array.isArray(list)) throw invalid(where, "has no refusals");
  return { type, refusals: (list as readonly Json[]).map((one) => readRefusal(one, where)) };
}

function readRefusal(value: Json, where: string): Refusal {
  const { participant, code, message } = shape.object(value, where, [
    "participant",
    "code",
    "message",
  ]);
  return {
    participant: shape.text(participant, where),
    code: shape.oneOf(code, where, ERROR_CODES),
    message: typeof message === "string" ? message : "",
  };
}

function readNames(value: Json | undefined, where: string): readonly string[] {
  if (!Array.isArray(value)) throw invalid(where, "has no list of names");
  return (value as readonly Json[]).map((name) => shape.text(name, where));
}
