/** Reads the body of a request under a bound, whether or not its length was announced. */
import { concatBytes } from "../../shared/trust/bytes.ts";
import { Failure } from "../../shared/ports/failure.ts";

/** A call's arguments and a little around them. */
export const BODY_BYTES_MAX = 2 * 1024 * 1024;

export async function readBody(
  request: Request,
  bytesMax = BODY_BYTES_MAX,
): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of request.body ?? []) {
    size += part.length;
    if (size > bytesMax) {
      throw new Failure("message-too-large", `the body is larger than ${bytesMax} bytes`, {
        origin: "local",
        context: { bytesMax },
        remedy: "Send less at once.",
      });
    }
    parts.push(part);
  }
  return concatBytes(...parts);
}
