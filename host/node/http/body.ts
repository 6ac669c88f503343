/** Reads the body of a request under a bound, whether or not its length was announced. */
import { concatBytes } from "../../shared/trust/bytes.ts";
import { Failure } from "../../shared/ports/failure.ts";

/** A call's arguments and a little around them. */
export const BODY_BYTES_MAX = 2 * 1024 * 1024;

export async function readBody(request: Request): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of request.body ?? []) {
    size += part.length;
    if (size > BODY_BYTES_MAX) {
      throw new Failure("message-too-large", `the body is larger than ${BODY_BYTES_MAX} bytes`, {
        origin: "local",
        context: { bytesMax: BODY_BYTES_MAX },
        remedy: "Send less at once.",
      });
    }
    parts.push(part);
  }
  return concatBytes(...parts);
}
