/** Members of a document whose form was checked, as the types that they are. */
import type { Json, JsonObject } from "../../trust/canonical-json.ts";

/** Something in a file that is read and does nothing, which its author should know. */
export interface ConfigurationNote {
  readonly path: string;
  readonly line: number;
  readonly message: string;
}

/** A list of objects; empty when the member is missing. */
export function objects(value: Json | undefined): readonly JsonObject[] {
  return (value ?? []) as readonly JsonObject[];
}

/** A list of texts; empty when the member is missing. */
export function texts(value: Json | undefined): readonly string[] {
  return (value ?? []) as readonly string[];
}

/** An object by its names; empty when the member is missing. */
export function entries(value: Json | undefined): readonly (readonly [string, Json])[] {
  return Object.entries((value ?? {}) as JsonObject);
}
