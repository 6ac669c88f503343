/**
 * Signatures of objects: in-toto statements in DSSE envelopes, one envelope a line. The same bytes may have several
 * signers, and several addresses.
 *
 * The statement binds id, kind, form and address, so that a good signature cannot be moved to another object, nor a
 * good object to another address.
 */
import { Failure } from "../../ports/failure.ts";
import type { Signatures } from "../../ports/signatures.ts";
import { concatBytes, equalBytes, utf8 } from "../../trust/bytes.ts";
import { documentBytes, parseDocument } from "../../trust/canonical-json.ts";
import {
  type Envelope,
  envelopeJson,
  hasExactly,
  parseEnvelope,
  signEnvelope,
  verifyEnvelope,
} from "../../trust/dsse.ts";
import { parseStatement, STATEMENT_PAYLOAD_TYPE, statementBytes } from "../../trust/statement.ts";
import { formatSymbolAddress, parseSymbolAddress, type SymbolAddress } from "../symbol.ts";
import { CONTENT_EXTENSIONS, type ContentExtension, idOfDigest, type ObjectId } from "./layout.ts";
import { isKind } from "./object.ts";

const PREDICATE_TYPE = "urn:mxp:registry-object:v1";
/** The subject's name of an object that has no address. */
const NO_ADDRESS = "-";
const ENVELOPES_MAX = 64;
const NEWLINE = 0x0a;

/** A file of signatures with more bytes than this is refused before it is read. */
export const SIGNATURES_BYTES_MAX = 1 << 16;

/** What a signature says. */
export interface ObjectClaim {
  readonly id: ObjectId;
  readonly kind: string;
  readonly address: SymbolAddress | null;
  readonly extension: ContentExtension;
}

/** Whose signatures count; see trusted-signers.ts. */
export interface SignerCheck {
  /** The key of a trusted signer by its text, or null for anyone else, revoked ones among them. */
  keyOf(signer: string): Uint8Array | null;
}

export interface VerifiedClaim extends ObjectClaim {
  readonly signer: string;
}

function malformed(id: ObjectId, problem: string): Failure {
  return new Failure("signature-invalid", `The signature of the object ${id} ${problem}`, {
    origin: "peer",
    remedy: "Get the object again from whoever signed it.",
    context: { id },
  });
}

/** Signs a claim; the result is one line of a signature file. */
export function signClaim(
  signatures: Signatures,
  claim: ObjectClaim,
  seed: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const name = claim.address === null ? NO_ADDRESS : formatSymbolAddress(claim.address);
  const statement = statementBytes({
    subjects: [{ name, digest: `sha256:${claim.id}` }],
    predicateType: PREDICATE_TYPE,
    predicate: { kind: claim.kind, form: claim.extension },
  });
  return envelopeLine(signEnvelope(signatures, STATEMENT_PAYLOAD_TYPE, statement, seed));
}

/** The envelopes of a signature file. Anything in it that is not one is refused. */
export function parseSignatures(id: ObjectId, file: Uint8Array): readonly Envelope[] {
  return parseEnvelopes(file, ENVELOPES_MAX, (problem) => malformed(id, problem));
}

/** The envelopes of lines, at most so many. */
export function parseEnvelopes(
  file: Uint8Array,
  countMax: number,
  fail: (problem: string) => Failure,
): readonly Envelope[] {
  const envelopes: Envelope[] = [];
  let start = 0;
  while (start < file.length) {
    const end = file.indexOf(NEWLINE, start) + 1;
    if (end === 0) throw fail("is cut off");
    if (envelopes.length === countMax) throw fail("has too many lines");
    try {
      envelopes.push(parseEnvelope(parseDocument(file.subarray(start, end))));
    } catch (thrown) {
      throw fail(`cannot be read: ${Failure.from(thrown).message}`);
    }
    start = end;
  }
  return envelopes;
}

/** Which object an envelope says that it is about, unverified: only to sort envelopes by. */
export function claimedId(envelope: Envelope): ObjectId | null {
  try {
    return idOfDigest(parseStatement(envelope.payload).subjects[0]?.digest);
  } catch {
    return null;
  }
}

/** The line of an envelope. */
export function envelopeLine(envelope: Envelope): Uint8Array<ArrayBuffer> {
  return documentBytes(envelopeJson(envelope));
}

/** A signature file with one more line, unless it is in there already. */
export function withSignature(
  id: ObjectId,
  file: Uint8Array | null,
  line: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const kept = parseSignatures(id, file ?? utf8(""))
    .map(envelopeLine)
    .filter((present) => !equalBytes(present, line));
  const all = concatBytes(...kept, line);
  // What a reader would refuse is never written.
  parseSignatures(id, all);
  return all;
}

/**
 * What trusted signers say of the object `id`, in the order of the file. Fails with `signature-missing`,
 * `signature-invalid` or `signer-untrusted`. A bad signature under the name of a trusted signer spoils the file,
 * whatever else is in it: somebody has changed it.
 */
export function verifySignatures(
  signatures: Signatures,
  id: ObjectId,
  file: Uint8Array | null,
  signers: SignerCheck,
): readonly VerifiedClaim[] {
  const envelopes = parseSignatures(id, file ?? utf8(""));
  if (envelopes.length === 0) {
    throw new Failure("signature-missing", `The object ${id} is not signed`, {
      origin: "peer",
      remedy: "Get it again from its signer, or import it under your own signature.",
      context: { id },
    });
  }
  const claims: VerifiedClaim[] = [];
  for (const envelope of envelopes) {
    const key = signers.keyOf(envelope.keyId);
    if (key === null) continue;
    const payload = verifyEnvelope(signatures, envelope, STATEMENT_PAYLOAD_TYPE, key);
    claims.push({ ...readClaim(id, payload), signer: envelope.keyId });
  }
  if (claims.length > 0) return claims;
  const named = envelopes.map(({ keyId }) => keyId.slice(0, 80)).join(", ");
  throw new Failure("signer-untrusted", `The object ${id} is signed by ${named}, not trusted`, {
    origin: "peer",
    remedy: "If you trust the key, `rtt registry trust <key>`.",
    context: { id },
  });
}

function readClaim(id: ObjectId, payload: Uint8Array): ObjectClaim {
  try {
    const { subjects, predicateType, predicate } = parseStatement(payload);
    const [subject, ...more] = subjects;
    if (subject === undefined || more.length > 0 || idOfDigest(subject.digest) !== id) {
      throw malformed(id, "is that of another object");
    }
    const extension = CONTENT_EXTENSIONS.find((known) => known === predicate["form"]);
    const { kind } = predicate;
    if (
      predicateType !== PREDICATE_TYPE ||
      !hasExactly(predicate, ["kind", "form"]) ||
      extension === undefined ||
      !isKind(kind)
    ) {
      throw malformed(id, "says something else than a registry's does");
    }
    const { name } = subject;
    return { id, kind, extension, address: name === NO_ADDRESS ? null : parseSymbolAddress(name) };
  } catch (thrown) {
    const failure = Failure.from(thrown);
    if (failure.code === "signature-invalid" || failure.code === "internal") throw failure;
    throw malformed(id, `says what cannot be read: ${failure.message}`);
  }
}
