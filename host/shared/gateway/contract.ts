/**
 * Tool contracts: a stable name, version and pair of schemas, bound to whatever real tool a server offers.
 *
 * `fs.read@1` says what a caller may rely on; its manifest says which tool of a server does the work and how
 * arguments and results are mapped. A call under a contract is a new request to the server. A tool without a
 * contract is relayed as it is.
 */
import { Failure } from "../ports/failure.ts";
import fsReadArgs from "./api/mcp/tools/fs.read/v1/args.schema.json" with { type: "json" };
import fsReadManifest from "./api/mcp/tools/fs.read/v1/manifest.json" with { type: "json" };
import fsReadResult from "./api/mcp/tools/fs.read/v1/result.schema.json" with { type: "json" };
import { utf8 } from "../trust/bytes.ts";
import { compileSchema, type JsonSchema, type SchemaCheck } from "./schema.ts";

/** Limits of one call. */
export interface CallCaps {
  readonly timeoutMs: number;
  readonly maxBytes: number;
}

export interface ToolManifest {
  readonly name: string;
  readonly version: string;
  readonly title: string;
  readonly description: string;
  readonly schema: { readonly args: string; readonly result: string };
  readonly binding: {
    /** The server's own name of the tool. */
    readonly tool: string;
    /** Argument of the server's tool → JSON Pointer (RFC 6901) into the contract's arguments. */
    readonly arguments: Readonly<Record<string, string>>;
    /** Member of the contract's result → pointers into the server's result, the first that is there wins. */
    readonly result: Readonly<Record<string, readonly string[]>>;
  };
  /** Arguments that name files: the ones that path allow-lists are about. */
  readonly pathArguments: readonly string[];
  /** The member of the result that is text, is cut at `maxBytes`, and is shown to a model. */
  readonly text: string;
  readonly isIdempotent: boolean;
  readonly caps: CallCaps;
}

export interface ToolContract {
  readonly manifest: ToolManifest;
  readonly argsSchema: JsonSchema;
  readonly resultSchema: JsonSchema;
  readonly checkArgs: SchemaCheck;
  readonly checkResult: SchemaCheck;
}

function contract(
  manifest: ToolManifest,
  argsSchema: JsonSchema,
  resultSchema: JsonSchema,
): ToolContract {
  return {
    manifest,
    argsSchema,
    resultSchema,
    checkArgs: compileSchema(argsSchema, manifest.schema.args),
    checkResult: compileSchema(resultSchema, manifest.schema.result),
  };
}

/** Every contract of the product, by name. */
export const CONTRACTS: ReadonlyMap<string, ToolContract> = new Map(
  [contract(fsReadManifest, fsReadArgs, fsReadResult)].map((one) => [one.manifest.name, one]),
);

/** The contract that binds to a server's tool, if there is one. */
export function contractFor(serverTool: string): ToolContract | null {
  for (const one of CONTRACTS.values()) {
    if (one.manifest.binding.tool === serverTool) return one;
  }
  return null;
}

/** The arguments of the server's tool for arguments of the contract. */
export function bindArguments(manifest: ToolManifest, args: unknown): Record<string, unknown> {
  const bound: Record<string, unknown> = {};
  for (const [name, pointer] of Object.entries(manifest.binding.arguments)) {
    const value = resolvePointer(args, pointer);
    if (value !== undefined) bound[name] = value;
  }
  return bound;
}

/** The contract's result for the server's result, its text cut to `maxBytes`. */
export function bindResult(
  manifest: ToolManifest,
  result: unknown,
  maxBytes: number,
): Record<string, unknown> {
  const bound: Record<string, unknown> = {};
  for (const [name, pointers] of Object.entries(manifest.binding.result)) {
    const found = pointers.map((one) => resolvePointer(result, one));
    const value = found.find((one) => one !== undefined);
    if (value === undefined) {
      throw new Failure("tool-result-invalid", `the server's result has no "${name}"`, {
        origin: "peer",
        context: { tool: manifest.name, pointers: pointers.join(" ") },
        remedy: "Use a version of the server that the contract was written for.",
      });
    }
    bound[name] = value;
  }
  const text = bound[manifest.text];
  if (typeof text === "string") {
    const cut = cutText(text, maxBytes);
    Object.assign(bound, { [manifest.text]: cut.text, bytes: cut.bytes, truncated: cut.isCut });
  }
  return bound;
}

/** The longest start of `text` that fits `maxBytes` of UTF-8 without breaking a character. */
export function cutText(
  text: string,
  maxBytes: number,
): { readonly text: string; readonly bytes: number; readonly isCut: boolean } {
  const bytes = utf8(text);
  if (bytes.length <= maxBytes) return { text, bytes: bytes.length, isCut: false };
  let end = maxBytes;
  // Continuation bytes are 10xxxxxx; a cut is clean only in front of a byte that is none.
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return {
    text: new TextDecoder().decode(bytes.subarray(0, end)),
    bytes: bytes.length,
    isCut: true,
  };
}

/** The value at a JSON Pointer (RFC 6901), or undefined. */
export function resolvePointer(value: unknown, pointer: string): unknown {
  let at = value;
  for (const part of pointer.split("/").slice(1)) {
    const key = part.replaceAll("~1", "/").replaceAll("~0", "~");
    if (at === null || typeof at !== "object" || !Object.hasOwn(at, key)) return undefined;
    at = (at as Record<string, unknown>)[key];
  }
  return at;
}
