/**
 * JSON Schema checks before and after each call: 2020-12, and draft-07, which servers of the first SDK line announce.
 *
 * Schemas come from other machines, so they are judged before they are compiled: bounded size and depth, references
 * only inside the schema itself (nothing is ever fetched), and no pattern of the kind that makes a regular
 * expression take exponential time.
 */
import { Ajv, type Options, type ValidateFunction } from "ajv";
import { Ajv2020 } from "ajv/dist/2020.js";
import { Failure } from "../ports/failure.ts";

export type JsonSchema = Readonly<Record<string, unknown>>;

export const SCHEMA_LIMITS = {
  schemaBytesMax: 64 * 1024,
  depthMax: 32,
  patternLengthMax: 256,
} as const;

/** Says what is wrong with a value, in one line, or null. */
export type SchemaCheck = (value: unknown) => string | null;

const OPTIONS: Options = {
  // Unknown keywords and formats are annotations, as the specification has it.
  strict: false,
  validateFormats: false,
  addUsedSchema: false,
  allErrors: false,
  messages: true,
  logger: false,
};

/**
 * A compiler takes tens of times longer to make than a schema to compile, so that there is one of each dialect. No
 * schema sees another all the same: each is forgotten when it is compiled, and one that gives names to its parts,
 * which a compiler remembers, has a compiler of its own.
 */
const COMPILERS = { old: new Ajv(OPTIONS), present: new Ajv2020(OPTIONS) };
const NAMING = ["$id", "id", "$anchor", "$dynamicAnchor", "$dynamicRef", "$recursiveAnchor"];

/** A repetition inside a repeated group: `(a+)+`, `(\w*x)*`. */
const NESTED_REPETITION = /\([^()]*[+*}][^()]*\)(?:[+*]|\{\d*,)/;

/** Compiles a schema; fails with `tool-protocol` when it is beyond the limits or not a schema at all. */
export function compileSchema(schema: JsonSchema, name: string): SchemaCheck {
  const { $schema: dialect, $id: _, ...body } = schema;
  if (JSON.stringify(body).length > SCHEMA_LIMITS.schemaBytesMax) {
    throw refuse(name, `it is larger than ${SCHEMA_LIMITS.schemaBytesMax} bytes`);
  }
  judge(body, name, 1);
  const isOld = typeof dialect === "string" && /draft-0[4-7]/.test(dialect);
  let validate: ValidateFunction;
  try {
    validate = givesNames(body) ? compileAlone(body, isOld) : compile(body, isOld);
  } catch (thrown) {
    throw refuse(name, thrown instanceof Error ? thrown.message : String(thrown));
  }
  return (value) => (validate(value) ? null : describe(validate));
}

function compile(schema: JsonSchema, isOld: boolean): ValidateFunction {
  const compiler = isOld ? COMPILERS.old : COMPILERS.present;
  try {
    return compiler.compile(schema);
  } finally {
    compiler.removeSchema(schema);
  }
}

function compileAlone(schema: JsonSchema, isOld: boolean): ValidateFunction {
  return (isOld ? new Ajv(OPTIONS) : new Ajv2020(OPTIONS)).compile(schema);
}

/** Whether a part of a schema has a name. A text of another meaning under such a key does no harm. */
function givesNames(node: unknown): boolean {
  if (node === null || typeof node !== "object") return false;
  return Object.entries(node).some(
    ([key, value]) => (NAMING.includes(key) && typeof value === "string") || givesNames(value),
  );
}

/** Walks a schema and refuses what must not be compiled. */
function judge(node: unknown, name: string, depth: number): void {
  if (node === null || typeof node !== "object") return;
  if (depth > SCHEMA_LIMITS.depthMax) {
    throw refuse(name, `it is deeper than ${SCHEMA_LIMITS.depthMax} levels`);
  }
  for (const [key, value] of Object.entries(node)) {
    if (key === "$ref" || key === "$dynamicRef") {
      if (typeof value === "string" && !value.startsWith("#")) {
        throw refuse(name, "it refers to something outside itself");
      }
    }
    if (key === "pattern" && typeof value === "string") judgePattern(value, name);
    if (key === "patternProperties" && value !== null && typeof value === "object") {
      for (const pattern of Object.keys(value)) judgePattern(pattern, name);
    }
    judge(value, name, depth + 1);
  }
}

function judgePattern(pattern: string, name: string): void {
  if (pattern.length > SCHEMA_LIMITS.patternLengthMax) {
    throw refuse(name, `a pattern is longer than ${SCHEMA_LIMITS.patternLengthMax} characters`);
  }
  if (NESTED_REPETITION.test(pattern)) throw refuse(name, "a pattern repeats a repetition");
}

function describe(validate: ValidateFunction): string {
  const first = validate.errors?.[0];
  if (first === undefined) return "it does not match";
  const place = first.instancePath === "" ? "the value" : first.instancePath;
  const extra = (first.params as { additionalProperty?: unknown }).additionalProperty;
  const detail = typeof extra === "string" ? ` (${extra.slice(0, 64)})` : "";
  return `${place} ${first.message ?? "does not match"}${detail}`;
}

function refuse(name: string, problem: string): Failure {
  return new Failure("tool-protocol", `the schema of ${name} is not usable: ${problem}`, {
    origin: "peer",
    context: { schema: name },
    remedy: "Correct the schema in the tool's server; until then the tool is not offered.",
  });
}
