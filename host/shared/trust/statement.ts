/** in-toto Statement v1: which artefacts (by digest) a predicate is about. */
import { Failure } from "../ports/failure.ts";
import {
  isJsonObject,
  type Json,
  type JsonObject,
  canonicalBytes,
  parseCanonical,
} from "./canonical-json.ts";
import { isDigestText } from "./digest-text.ts";
import { hasExactly } from "./dsse.ts";

export const STATEMENT_TYPE = "https://in-toto.io/Statement/v1";
export const STATEMENT_PAYLOAD_TYPE = "application/vnd.in-toto+json";

/** An artefact: its role in the call and its digest ("sha256:…"). */
export interface Subject {
  readonly name: string;
  readonly digest: string;
}

export interface Statement {
  readonly subjects: readonly Subject[];
  readonly predicateType: string;
  readonly predicate: JsonObject;
}

function malformed(problem: string): Failure {
  return new Failure("receipt-invalid", `The statement ${problem}`, {
    origin: "peer",
    remedy: "Get the receipt again from the node that made it.",
  });
}

/** The canonical bytes of a statement: what both sides sign. */
export function statementBytes(statement: Statement): Uint8Array<ArrayBuffer> {
  return canonicalBytes({
    _type: STATEMENT_TYPE,
    subject: statement.subjects.map(({ name, digest }) => ({
      name,
      digest: { sha256: digest.slice("sha256:".length) },
    })),
    predicateType: statement.predicateType,
    predicate: statement.predicate,
  });
}

/** Reads a statement that is in its canonical form. Fails with `receipt-invalid` or `canonical-json-invalid`. */
export function parseStatement(bytes: Uint8Array): Statement {
  const value = parseCanonical(bytes);
  if (
    !isJsonObject(value) ||
    !hasExactly(value, ["_type", "subject", "predicateType", "predicate"])
  ) {
    throw malformed("does not have exactly the members of an in-toto statement");
  }
  const { _type, subject, predicateType, predicate } = value;
  if (_type !== STATEMENT_TYPE) throw malformed("is of another type or version");
  if (typeof predicateType !== "string" || !isJsonObject(predicate)) {
    throw malformed("has no predicate");
  }
  if (!Array.isArray(subject) || subject.length === 0) throw malformed("has no subject");
  const subjects = (subject as readonly Json[]).map(parseSubject);
  return { subjects, predicateType, predicate };
}

function parseSubject(value: Json): Subject {
  if (!isJsonObject(value) || !hasExactly(value, ["name", "digest"])) {
    throw malformed("has a subject that is not a name and a digest");
  }
  const { name, digest } = value;
  const hash = isJsonObject(digest) && hasExactly(digest, ["sha256"]) ? digest["sha256"] : null;
  const text = typeof hash === "string" ? `sha256:${hash}` : null;
  if (typeof name !== "string" || !isDigestText(text)) {
    throw malformed("has a subject whose name or SHA-256 digest is not one");
  }
  return { name, digest: text };
}
