/**
 * The arguments of a `tools/call` as the client wrote them. The MCP library hands a handler values, not bytes; but the
 * digest of what the caller sent is made of bytes.
 */
import { memberBytes, parseJson, scanObject } from "../../shared/gateway/raw-json.ts";

export interface RawArguments {
  /** The request's id, as JSON. */
  readonly key: string;
  readonly args: Uint8Array;
}

/** The key of a request's id. */
export function keyOfId(id: string | number): string {
  return JSON.stringify(id);
}

/** The arguments in a message; null when it is another one, or no strict JSON: then it is written anew. */
export function rawArguments(message: Uint8Array): RawArguments | null {
  try {
    const members = scanObject(message);
    const method = memberBytes(message, members, "method");
    const id = memberBytes(message, members, "id");
    const params = memberBytes(message, members, "params");
    if (method === null || id === null || params === null) return null;
    if (parseJson(method) !== "tools/call") return null;
    const args = memberBytes(params, scanObject(params), "arguments");
    return args === null ? null : { key: JSON.stringify(parseJson(id)), args: args.slice() };
  } catch {
    return null;
  }
}
