/** Reads what a dialect has written with the reader that a scan has for the same path. */
import type { FoundSymbol } from "../../../../../host/shared/fabric/discovery/found.ts";
import { bodyMember } from "../../../../../host/shared/fabric/discovery/found.ts";
import { PROJECT_PLACES } from "../../../../../host/shared/fabric/discovery/places.ts";
import { READERS } from "../../../../../host/shared/fabric/discovery/readers.ts";
import type { ViewLossReason } from "../../../../../host/shared/fabric/view/model.ts";
import { isJsonObject, type JsonObject } from "../../../../../host/shared/trust/canonical-json.ts";

export interface ReadBack {
  readonly found: FoundSymbol;
  readonly common: JsonObject;
  readonly native: JsonObject;
}

/** The one symbol of a file; fails when there is none, or a problem. */
export function readBack(path: string, text: string): ReadBack {
  const place = PROJECT_PLACES.placeOf(path.split("/"));
  const reader = place === null ? null : READERS[place.format];
  if (place === null || reader === null) throw new Error(`${path} is no place of a tool`);
  const { found, problems } = reader({ path: `/p/${path}`, place, text, id: "0".repeat(64) });
  const [only, ...more] = found;
  if (problems.length > 0 || only === undefined || more.length > 0) {
    throw new Error(
      `${path} reads as ${found.length} symbols, ${JSON.stringify(problems)}:\n${text}`,
    );
  }
  const body = only.body as JsonObject;
  const inner = body[bodyMember(only.kind)] as JsonObject;
  const { native, ...common } = inner;
  const own = isJsonObject(native) ? native[place.tool] : undefined;
  return { found: only, common, native: isJsonObject(own) ? own : {} };
}

export interface Loss {
  readonly field: string;
  readonly reason: ViewLossReason;
}

/** Collects losses. */
export function losses(): {
  readonly all: Loss[];
  readonly lose: (field: string, reason: ViewLossReason) => void;
} {
  const all: Loss[] = [];
  return { all, lose: (field, reason) => all.push({ field, reason }) };
}

/** The body without the fields that were reported as lost. */
export function withoutLost(common: JsonObject, all: readonly Loss[]): JsonObject {
  const lost = new Set(all.map(({ field }) => field));
  const copy: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(common)) {
    if (lost.has(name)) continue;
    if (!isJsonObject(value)) {
      copy[name] = value;
      continue;
    }
    const kept = Object.entries(value).filter(([member]) => !lost.has(`${name}.${member}`));
    if (kept.length > 0 || Object.keys(value).length === 0) copy[name] = Object.fromEntries(kept);
  }
  return copy as JsonObject;
}
