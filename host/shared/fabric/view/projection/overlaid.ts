/** Symbols with their overlays for one view. What comes out is read like what is in the registry. */
import { isJsonObject, type Json, type JsonObject } from "../../../trust/canonical-json.ts";
import { SecretKeeper } from "../../discovery/secrets.ts";
import type { ViewName } from "../model.ts";
import { deepMerge, type Overlays } from "../overlay.ts";
import type { ShownSymbol } from "./symbols.ts";

export interface ViewEntry {
  /** "search@1.0.0", or a whole address. */
  readonly id: string;
  /** "provider:claude", "env:prod". */
  readonly overlays: readonly string[];
}

/** What one view shows. */
export interface ViewRequest {
  readonly view: ViewName;
  /** The name that overlays have it by: a tool's is that of its view. */
  readonly provider: string;
  /** The published folder, from the project's root; null: the tool's own layout. */
  readonly folder: string | null;
  /** Null: everything. */
  readonly entries: readonly ViewEntry[] | null;
}

export type Applied = { readonly symbol: ShownSymbol } | { readonly fault: string };

/** The entry of a view that names the symbol; null when the view has entries and none does. */
export function entryOf({ entries, provider }: ViewRequest, symbol: ShownSymbol): ViewEntry | null {
  if (entries === null) return { id: symbol.label, overlays: [`provider:${provider}`] };
  return entries.find((entry) => isNamed(entry, symbol)) ?? null;
}

export function isNamed({ id }: ViewEntry, { label, text, address }: ShownSymbol): boolean {
  return id === label || id === text || id === `${address.name}@${address.version}`;
}

/** The symbol with everything over it that the entry wants, and the environment. */
export async function withOverlays(
  overlays: Overlays,
  symbol: ShownSymbol,
  entry: ViewEntry,
  environment: string | null,
): Promise<Applied> {
  const id = symbol.label.slice(0, symbol.label.lastIndexOf("@"));
  const wanted = environment === null ? entry.overlays : [...entry.overlays, `env:${environment}`];
  if (symbol.kind === "skill" || symbol.kind === "rule") {
    // They are files as they are; nothing can be laid over one.
    return { symbol: { ...symbol, isOverlaid: await overlays.has(id, wanted) } };
  }
  const found = await overlays.of(id, wanted);
  if ("fault" in found) return { fault: `${found.fault.path} ${found.fault.problem}` };
  if (found.patches.length === 0) return { symbol };
  const keeper = new SecretKeeper(symbol.address.name);
  const patches = found.patches.map((patch) => referring(symbol, patch, keeper));
  if (keeper.lossy.length > 0) {
    const fields = keeper.lossy.map(({ field }) => field).join(", ");
    return { fault: `An overlay holds a secret in ${fields}; refer to it, as in \${env:TOKEN}` };
  }
  const inner = patches.reduce<Json>(deepMerge, symbol.inner);
  if (!isJsonObject(inner)) return { fault: "An overlay makes no object of it" };
  return { symbol: { ...symbol, inner, isOverlaid: true } };
}

/** A patch whose references have the spelling of bodies. In texts for people nothing is a reference. */
function referring(symbol: ShownSymbol, patch: JsonObject, keeper: SecretKeeper): JsonObject {
  const members = Object.entries(patch).map(([name, value]): [string, Json] => {
    const isReferring = symbol.kind === "mcp-server" || name === "native";
    return [name, isReferring ? withReferences(value, name, keeper) : value];
  });
  return Object.fromEntries(members);
}

function withReferences(value: Json, field: string, keeper: SecretKeeper): Json {
  if (isJsonObject(value) && (typeof value["ref"] === "string" || "template" in value))
    return value;
  if (isJsonObject(value)) {
    return Object.fromEntries(
      Object.entries(value).map(([name, item]): [string, Json] => [
        name,
        typeof item === "string"
          ? keeper.variable(name, item, `${field}.${name}`)
          : withReferences(item, `${field}.${name}`, keeper),
      ]),
    );
  }
  const isWords = Array.isArray(value) && value.every((item) => typeof item === "string");
  return isWords ? keeper.words(value, field) : keeper.value(value, field, field);
}
