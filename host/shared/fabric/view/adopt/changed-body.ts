/**
 * Carries an edit from a tool's file into the body of a symbol. A tool's file says only part of what the body says, so
 * the file is not taken for the body: what differs between the file as it was shown and the file as it is now is done
 * to the body, member by member, and everything that this tool cannot say stays.
 */
import { isJsonObject, type Json, type JsonObject } from "../../../trust/canonical-json.ts";
import { bodyMember, type FoundSymbol } from "../../discovery/found.ts";
import { publishedManifest } from "../../registry/object.ts";
import { isSameValue } from "../merge/values.ts";

/** The body with the edit done to it. `shown` is what the file said before; null: nobody knows any more. */
export function changedBody(body: Json, shown: FoundSymbol | null, edited: FoundSymbol): Json {
  if (!isJsonObject(body)) return body;
  const { kind } = edited;
  const member = bodyMember(kind);
  const own = body[member];
  const inner = isJsonObject(own) ? own : publishedManifest(body);
  const before = shown === null ? null : innerOf(kind, shown.body);
  const changed = changedInner(inner, before, innerOf(kind, edited.body));
  if (isJsonObject(own)) return { ...body, [member]: changed };
  if (inner === body) return changed;
  const wrapper = Object.entries(body).find(([, value]) => value === inner)?.[0];
  return wrapper === undefined ? body : { ...body, [wrapper]: changed };
}

/** The body with one digest in place of another, wherever it stands. */
export function withDigest(body: Json, old: string, fresh: string): Json {
  if (body === old) return fresh;
  if (Array.isArray(body)) return body.map((item: Json) => withDigest(item, old, fresh));
  if (!isJsonObject(body)) return body;
  return Object.fromEntries(
    Object.entries(body).map(([name, value]) => [name, withDigest(value, old, fresh)]),
  );
}

function innerOf(kind: string, body: Json): JsonObject {
  const inner = isJsonObject(body) ? body[bodyMember(kind)] : undefined;
  return isJsonObject(inner) ? inner : {};
}

function changedInner(inner: JsonObject, before: JsonObject | null, after: JsonObject): JsonObject {
  const { native: nativeBefore, ...commonBefore } = before ?? {};
  const { native: nativeAfter, ...commonAfter } = after;
  const changed = changedMembers(inner, before === null ? null : commonBefore, commonAfter);
  const tools = tablesOf(nativeAfter);
  const toolsBefore = tablesOf(nativeBefore);
  const names = new Set([...Object.keys(tools), ...Object.keys(toolsBefore)]);
  if (names.size === 0) return changed;
  const native: Record<string, JsonObject> = { ...tablesOf(inner["native"]) };
  for (const name of names) {
    const was = before === null ? null : (toolsBefore[name] ?? {});
    const members = changedMembers(native[name] ?? {}, was, tools[name] ?? {});
    if (Object.keys(members).length > 0) native[name] = members;
    else delete native[name];
  }
  const { native: _, ...rest } = changed;
  return Object.keys(native).length === 0 ? rest : { ...rest, native };
}

/** Published manifests say "desc" where the others say "description". */
const PUBLISHED_NAMES: Readonly<Record<string, string>> = { description: "desc" };

function changedMembers(
  members: JsonObject,
  before: JsonObject | null,
  after: JsonObject,
): JsonObject {
  const changed: Record<string, Json> = { ...members };
  const nameIn = (name: string): string => {
    const published = PUBLISHED_NAMES[name] ?? name;
    return !Object.hasOwn(members, name) && Object.hasOwn(members, published) ? published : name;
  };
  for (const [name, value] of Object.entries(after)) {
    if (before === null || !isSameValue(before[name], value)) changed[nameIn(name)] = value;
  }
  for (const name of Object.keys(before ?? {})) {
    if (!Object.hasOwn(after, name)) delete changed[nameIn(name)];
  }
  return changed;
}

function tablesOf(value: Json | undefined): Readonly<Record<string, JsonObject>> {
  if (!isJsonObject(value)) return {};
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, JsonObject] => isJsonObject(entry[1])),
  );
}
