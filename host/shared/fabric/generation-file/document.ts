/** A generation as a JSON document: its one form, and the reader that accepts no other. */
import { Failure } from "../../ports/failure.ts";
import {
  canonicalBytes,
  type Json,
  type JsonObject,
  parseCanonical,
} from "../../trust/canonical-json.ts";
import type { Generation, GenerationFile } from "../generation.ts";
import { FILES_MAX, isPlanId, PartReader, PLAN_LIMITS } from "../plan-file/parts.ts";

const KIND = "mxp.generation/v1";
const MEMBERS = [
  "kind",
  "generation",
  "plan",
  "previous",
  "restores",
  "canaryPercent",
  "routes",
  "placement",
  "symbols",
  "files",
];

function invalid(where: string, problem: string): Failure {
  return new Failure("signature-invalid", `The generation: ${where} ${problem}`, {
    origin: "host",
    remedy: "`rtt audit` tells which generation is whole; `rtt rollback` brings it back.",
  });
}

/** The bytes that are signed. Fails with `signature-invalid` for what no reader would take. */
export function encodeGeneration(generation: Generation): Uint8Array<ArrayBuffer> {
  const bytes = canonicalBytes(generationJson(generation));
  decodeGeneration(bytes);
  return bytes;
}

/** A generation from the bytes that were signed. Fails with `signature-invalid` or `canonical-json-invalid`. */
export function decodeGeneration(bytes: Uint8Array): Generation {
  const parts = new PartReader(invalid);
  const { shape } = parts;
  const value = parts.members(parseCanonical(bytes, PLAN_LIMITS), "it", MEMBERS);
  if (value["kind"] !== KIND) throw invalid("kind", `is not "${KIND}"`);
  const { plan } = value;
  if (!isPlanId(plan)) throw invalid("plan", "is not the id of a plan");
  const number = shape.count(value["generation"], "generation", 1);
  const previous = parts.digestOrNull(value["previous"], "previous");
  if ((previous === null) !== (number === 1)) {
    throw invalid("previous", "is there for every generation but the first");
  }
  const restores = shape.nullable(value["restores"], (text) => shape.count(text, "restores", 1));
  if (restores !== null && restores >= number) throw invalid("restores", "is not an earlier one");
  const canaryPercent = shape.count(value["canaryPercent"], "canaryPercent", 1);
  if (canaryPercent > 100) throw invalid("canaryPercent", "is more than 100");
  const files = parts
    .list(value["files"], "files", FILES_MAX)
    .map((file, at) => readFile(parts, file, `files[${at}]`));
  parts.checkOrder(files, "files");
  parts.checkNesting(files, "files");
  return {
    generation: number,
    plan,
    previous,
    restores,
    canaryPercent,
    routes: parts.routes(value["routes"], "routes"),
    placement: parts.placement(value["placement"], "placement"),
    symbols: parts.symbols(value["symbols"], "symbols"),
    files,
  };
}

function generationJson(generation: Generation): JsonObject {
  return {
    kind: KIND,
    generation: generation.generation,
    plan: generation.plan,
    previous: generation.previous,
    restores: generation.restores,
    canaryPercent: generation.canaryPercent,
    routes: generation.routes.map(({ from, to, lane }) => ({ from, to, lane })),
    placement: { ...generation.placement },
    symbols: { ...generation.symbols },
    files: generation.files.map(fileJson),
  };
}

function fileJson(file: GenerationFile): JsonObject {
  const { path, view, digest, how } = file;
  if (how === "link") {
    const { original } = file;
    return { path, view, digest, how, ...(original === undefined ? {} : { original }) };
  }
  return { path, view, digest, how, fields: file.fields, original: file.original };
}

function readFile(parts: PartReader, value: Json, where: string): GenerationFile {
  const { shape } = parts;
  const common = ["path", "view", "digest", "how"];
  const { how, fields, original, ...file } = shape.object(value, where, common, [
    "fields",
    "original",
  ]);
  const shown = {
    path: parts.path(file["path"], `${where}.path`),
    view: parts.view(file["view"], `${where}.view`),
    digest: shape.digest(file["digest"], `${where}.digest`),
  };
  if (shape.oneOf(how, `${where}.how`, ["link", "merge"]) === "link") {
    if (fields !== undefined) parts.members(value, where, [...common, "original"]);
    if (original === undefined) return { ...shown, how: "link" };
    return { ...shown, how: "link", original: shape.digest(original, `${where}.original`) };
  }
  return {
    ...shown,
    how: "merge",
    fields: shape.digest(fields, `${where}.fields`),
    original: parts.digestOrNull(original, `${where}.original`),
  };
}
