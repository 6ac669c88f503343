/**
 * What a scan finds: symbols, and what is wrong with files.
 *
 * Bodies of several tools' files have one form, so that the same agent in two tools is one symbol:
 *
 *   { "type": "agent", "agent": { "name", "description", "instructions", …, "native": { "cursor": { … } } } }
 *             │          └─ what every tool understands               └─ what only this tool understands, as it wrote it
 *             └─ names the member that follows (BODY_MEMBER)
 */
import type { Json, JsonObject } from "../../trust/canonical-json.ts";
import type { ObjectId } from "../registry/layout.ts";
import type { SymbolAddress } from "../symbol.ts";

/** The tools whose files are read; "shared" is what several agree on, "rtt" are the published manifests. */
export type Tool =
  | "shared"
  | "claude-code"
  | "cline"
  | "codex"
  | "copilot"
  | "cursor"
  | "devin"
  | "factory"
  | "gemini-cli"
  | "goose"
  | "junie"
  | "kimi-code"
  | "kiro"
  | "opencode"
  | "qwen"
  | "rtt";

export interface SymbolSource {
  /** Absolute. */
  readonly path: string;
  /** 1 for the first. */
  readonly line: number;
  readonly tool: Tool;
  readonly format: string;
  /** The name of its entry in a file of several, such as a server in mcp.json; missing: it is the whole file. */
  readonly entry?: string;
}

/** A field that did not go into the body as it stood in the file. Never its value. */
export interface LossyField {
  readonly field: string;
  readonly reason: LossReason;
}

export type LossReason =
  /** Kept under `native`: other tools cannot express it. */
  | "only-this-tool"
  /** A secret: the body says where it comes from, not what it is. */
  | "secret-by-reference"
  /** Of a type that JSON has not, such as a date of TOML. */
  | "as-text"
  /** The front matter is no YAML; the rest of the line was taken, as the tool does. */
  | "line-as-text";

/** Bytes that belong to a symbol as they are, such as the files of a skill. The body names them by digest. */
export interface SymbolContent {
  readonly id: ObjectId;
  /** Absolute. */
  readonly path: string;
}

export interface FoundSymbol {
  /** Also the kind of the object in the registry. */
  readonly kind: string;
  readonly address: SymbolAddress;
  readonly body: Json;
  readonly source: SymbolSource;
  /** Further files that say the same. */
  readonly others: readonly SymbolSource[];
  readonly lossy: readonly LossyField[];
  readonly contents: readonly SymbolContent[];
}

export interface ScanProblem {
  /** Absolute. */
  readonly path: string;
  /** 0 when it concerns the file or folder as a whole. */
  readonly line: number;
  readonly rule: ScanRule;
  readonly message: string;
}

export const SCAN_RULES = [
  "not-utf8",
  "not-json",
  "not-toml",
  "not-yaml",
  "duplicate-key",
  "prototype-name",
  "too-deep",
  "too-large",
  "too-many",
  "field-missing",
  "field-type",
  "front-matter-missing",
  "name-invalid",
  "name-mismatch",
  "address-invalid",
  "name-collision",
  "link-loop",
  "link-outside",
  "link-broken",
  "not-a-file",
  "unreadable",
  "changed-meanwhile",
  "view-changed",
] as const;

export type ScanRule = (typeof SCAN_RULES)[number];

/** What one file holds. */
export interface Reading {
  readonly found: readonly FoundSymbol[];
  readonly problems: readonly ScanProblem[];
}

/** The member of a body that holds the symbol itself. */
const BODY_MEMBER: Readonly<Record<string, string>> = { "mcp-server": "server" };

export function bodyMember(kind: string): string {
  return BODY_MEMBER[kind] ?? kind;
}

/** The body of a symbol that a tool's file describes. */
export function symbolBody(
  kind: string,
  common: JsonObject,
  tool: Tool,
  native: JsonObject,
): JsonObject {
  const isPlain = Object.keys(native).length === 0;
  const inner = isPlain ? common : { ...common, native: { [tool]: native } };
  return { type: kind, [bodyMember(kind)]: inner };
}
