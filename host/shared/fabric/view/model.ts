/**
 * What views should hold, before anybody has looked at what is there: the projection of the registry into the layouts
 * of tools. Everything that it refers to is in the registry already.
 *
 *   registry ──projectViews──▶ Projection ──planFiles (compares with the disk)──▶ plan.ts PlannedFile
 *
 * Derived files are objects of kind "view-file". Nothing leads to them but plans and generations, so whoever keeps one
 * of those keeps them by a root of the registry.
 */
import type { Json } from "../../trust/canonical-json.ts";
import type { ObjectId } from "../registry/layout.ts";

/** A tool ("claude-code", "cursor", …), "shared" for places of several, "provider-<name>" for a published folder. */
export type ViewName = string;

/** Derived files: an agent in a tool's dialect. */
export const VIEW_FILE_KIND = "view-file";
/** Fields for shared configuration files; the body is `ViewFields`. */
export const VIEW_FIELDS_KIND = "view-fields";

interface Desired {
  /** From the project's root, with "/", without "." and "..". No two differ only in case. */
  readonly path: string;
  readonly view: ViewName;
  /** Addresses of the symbols that it shows, sorted; empty for one that is about the view itself. */
  readonly symbols: readonly string[];
}

/** A whole file: the bytes of an object. */
export interface DesiredLink extends Desired {
  readonly how: "link";
  readonly object: ObjectId;
  /**
   * The symbol was read from a file at this path. Where other bytes are there now, they are the user's own, and this
   * tool's view of the symbol already: kept, no conflict.
   */
  readonly isSource: boolean;
}

/** Some fields of a file that is otherwise the user's. */
export interface DesiredMerge extends Desired {
  readonly how: "merge";
  /** The object of kind "view-fields". */
  readonly fields: ObjectId;
  readonly format: ConfigFormat;
}

export type DesiredFile = DesiredLink | DesiredMerge;

/** "jsonc" is JSON with comments and with commas at the end, which its tool reads too. */
export const CONFIG_FORMATS = ["json", "jsonc", "toml"] as const;

export type ConfigFormat = (typeof CONFIG_FORMATS)[number];

export interface ViewField {
  /** Names from the top of the file: ["mcpServers", "github"]. */
  readonly path: readonly string[];
  /** The whole value: what else stands under the path is not the user's, since the last name is the symbol's. */
  readonly value: Json;
}

/** The body of an object of kind "view-fields". */
export interface ViewFields {
  readonly type: "view-fields";
  readonly format: ConfigFormat;
  /** Sorted by path; no path is the beginning of another one. */
  readonly fields: readonly ViewField[];
}

/** A part of a symbol that a view does not show. */
export interface ViewLoss {
  readonly symbol: string;
  readonly view: ViewName;
  /** Dotted, from the symbol's own member: "native.claude-code.tools", "env.TOKEN"; or "overlay". Never a value. */
  readonly field: string;
  readonly reason: ViewLossReason;
}

export type ViewLossReason =
  /** Only another tool understands it. */
  | "only-another-tool"
  /** The tool has no such field. */
  | "no-such-field"
  /** The tool cannot refer to a secret there, and a secret is written nowhere. */
  | "no-reference"
  /** The tool does not know the variable, such as `${workspaceFolder}`, and takes it for a text. */
  | "no-variable"
  /** The tool has no default for a reference; the reference is there, its default is not. */
  | "no-default"
  /** An overlay over a file that is shown as it is: the user's own, a skill's or a rule's. */
  | "whole-file";

/** A symbol that the user's own file shows in a view already: it was read from there. */
export interface KeptFile {
  readonly symbol: string;
  readonly view: ViewName;
  readonly path: string;
}

/** A symbol that a view does not show at all. */
export interface UnshownSymbol {
  readonly symbol: string;
  readonly view: ViewName;
  readonly reason: UnshownReason;
  /** Says what is wrong, for a person. Never a secret. */
  readonly message: string;
}

export type UnshownReason =
  /** A view asks for it by name, and the registry has none of this name. */
  | "not-in-registry"
  /** The tool has nothing of this kind. */
  | "no-place"
  /** It lacks something without which the tool would not take it. */
  | "not-expressible"
  /** Its name, or that of a file of it, cannot be a file's name on every system. */
  | "name-invalid"
  /** Another symbol has the place, perhaps in another case. */
  | "name-taken"
  /** Several variants or files, and nothing says which one is meant. */
  | "ambiguous"
  /** A secret in a place where this tool has no references. */
  | "no-reference"
  /** An overlay cannot be read, holds a secret, or makes something else of the symbol. */
  | "overlay-invalid";

export interface Projection {
  /** Sorted by path, each path once. */
  readonly files: readonly DesiredFile[];
  readonly lossy: readonly ViewLoss[];
  readonly kept: readonly KeptFile[];
  readonly unshown: readonly UnshownSymbol[];
}
