/** A file as readers see it, and the sheet on which they write what they find. */
import type { Json, JsonObject } from "../../trust/canonical-json.ts";
import type { ObjectId } from "../registry/layout.ts";
import { formatSymbolAddress, type SymbolAddress, type SymbolType, symbolName } from "../symbol.ts";
import {
  type FoundSymbol,
  type LossyField,
  type Reading,
  type ScanProblem,
  type ScanRule,
  symbolBody,
} from "./found.ts";
import type { Placed, Scope } from "./places.ts";
import type { TextFault } from "./text/parsed.ts";

export interface SourceFile {
  /** Absolute. */
  readonly path: string;
  readonly place: Placed;
  readonly text: string;
  /** SHA-256 of its bytes. */
  readonly id: ObjectId;
}

/** Every format has one of these. Total: whatever the file holds, it answers. */
export type Reader = (file: SourceFile) => Reading;

/** A symbol of a tool's file, before it has its address. */
export interface NamedSymbol {
  readonly kind: SymbolType;
  readonly name: string;
  readonly version?: Json | undefined;
  readonly line: number;
  /** What every tool understands. */
  readonly common: JsonObject;
  /** What only this tool understands, free of secrets. */
  readonly native: JsonObject;
  readonly lossy: readonly LossyField[];
  /** Whether the bytes of the file belong to the symbol. */
  readonly isKept?: boolean;
  /** Its name in a file that has several; missing: the file is the symbol. */
  readonly entry?: string;
}

export const VERSION_INITIAL = "1.0.0";

export class Sheet implements Reading {
  readonly found: FoundSymbol[] = [];
  readonly problems: ScanProblem[] = [];
  readonly #file: SourceFile;

  constructor(file: SourceFile) {
    this.#file = file;
  }

  problem(line: number, rule: ScanRule, message: string): void {
    this.problems.push({ path: this.#file.path, line, rule, message });
  }

  fault({ line, rule, message }: TextFault): this {
    this.problem(line, rule, message);
    return this;
  }

  /** Adds a symbol under the name that it has in its tool. */
  add(symbol: NamedSymbol): void {
    const { place, id, path } = this.#file;
    const { kind, line, common, lossy, entry } = symbol;
    const address = this.#address(symbol);
    if (address === null) return;
    const isOwnName = symbol.name === address.name;
    const native = isOwnName ? symbol.native : { ...symbol.native, name: symbol.name };
    const kept = Object.keys(native).map((field): LossyField => ({
      field,
      reason: "only-this-tool",
    }));
    this.found.push({
      kind,
      address,
      body: symbolBody(
        kind,
        { ...common, name: address.name, version: address.version },
        place.tool,
        native,
      ),
      source: {
        path,
        line,
        tool: place.tool,
        format: place.format,
        ...(entry === undefined ? {} : { entry }),
      },
      others: [],
      lossy: [...kept, ...lossy],
      contents: symbol.isKept === true ? [{ id, path }] : [],
    });
  }

  /** Adds a symbol whose file says its address. */
  addAddressed(kind: string, address: SymbolAddress, body: Json, line: number): void {
    const { place, path } = this.#file;
    const source = { path, line, tool: place.tool, format: place.format };
    this.found.push({ kind, address, body, source, others: [], lossy: [], contents: [] });
  }

  #address({ kind, name, version, line }: NamedSymbol): SymbolAddress | null {
    const valid = nameOf(name);
    if (valid === null) {
      const problem = "is no name: letters a-z, digits, and - _ . / inside";
      this.problem(line, "name-invalid", `${shown(name)} ${problem}`);
      return null;
    }
    const { scope, above } = this.#file.place;
    const namespace = namespaceOf(scope, above);
    const address = { namespace, type: kind, name: valid, version: VERSION_INITIAL, variant: null };
    const versioned = {
      ...address,
      version: typeof version === "string" ? version : VERSION_INITIAL,
    };
    if (isAddress(versioned)) return versioned;
    if (isAddress(address)) return address;
    this.problem(line, "address-invalid", `${shown(namespace)} is no namespace`);
    return null;
  }
}

function isAddress(address: SymbolAddress): boolean {
  try {
    formatSymbolAddress(address);
    return true;
  } catch {
    return false;
  }
}

/** The name of a symbol; null for what is none, and for what a path could be made of. */
function nameOf(name: string): string | null {
  if (name.startsWith("/") || name.split("/").some((part) => part === ".." || part === "."))
    return null;
  return symbolName(name);
}

const NAMESPACE_PARTS_MAX = 4;

/** "local", and in a folder of the project "local/services/search"; "user" for a person's own. */
function namespaceOf(scope: Scope, above: readonly string[]): string {
  const parts = [scope, ...above.map(folderPart)];
  const own = parts.slice(0, NAMESPACE_PARTS_MAX - 1);
  const rest = parts.slice(NAMESPACE_PARTS_MAX - 1).join("-");
  return [...own, ...(rest === "" ? [] : [rest])].join("/");
}

/** A folder's name may have any character of ASCII; two that become one collide, and that is reported. */
function folderPart(name: string): string {
  return (
    symbolName(name.replace(/[\x20-\x7e]/g, (one) => (/[A-Za-z0-9]/.test(one) ? one : "-"))) ?? name
  );
}

/** A text from a file, safe on a terminal and in a log. */
export function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/gu, (character) => {
    return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
  });
}

/** The beginning of such a text in quotes. */
export function shown(text: string): string {
  return `"${printable(text.slice(0, 80))}"`;
}
