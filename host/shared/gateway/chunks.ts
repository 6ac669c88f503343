/**
 * Results in pieces: the device cuts a large result into `tool.call.delta` frames, so that no frame is larger than a
 * message of the transport, and the host joins them under a bound.
 */
import { Failure } from "../ports/failure.ts";
import { decodeBase64, encodeBase64 } from "../trust/base64.ts";
import { concatBytes } from "../trust/bytes.ts";
import { encodeFrame, violation } from "./frames.ts";

/** Results up to this size travel inside `tool.call.completed`. */
export const INLINE_RESULT_MAX = 64 * 1024;
/** Bytes of a result in one delta; base64 makes a third more of them. */
const CHUNK_BYTES = 192 * 1024;

/** The delta frames of a result; none when it is small. */
export function* deltaFrames(correlationId: string, result: Uint8Array): Generator<Uint8Array> {
  if (result.length <= INLINE_RESULT_MAX) return;
  for (let at = 0; at < result.length; at += CHUNK_BYTES) {
    yield encodeFrame({
      type: "tool.call.delta",
      correlation_id: correlationId,
      chunk: encodeBase64(result.subarray(at, at + CHUNK_BYTES)),
    });
  }
}

/** Joins the deltas of one call. */
export class ChunkReader {
  readonly #bytesMax: number;
  readonly #chunks: Uint8Array[] = [];
  #size = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get count(): number {
    return this.#chunks.length;
  }

  push(chunk: unknown): void {
    const bytes = typeof chunk === "string" ? decodeBase64(chunk) : null;
    if (bytes === null) throw violation("a delta holds no base64");
    this.#size += bytes.length;
    if (this.#size > this.#bytesMax) {
      throw new Failure("tool-flooded", `the result is larger than ${this.#bytesMax} bytes`, {
        origin: "peer",
        context: { bytesMax: this.#bytesMax },
        remedy: "Lower maxBytes in the policy, or ask the tool for less.",
      });
    }
    this.#chunks.push(bytes);
  }

  join(): Uint8Array {
    return concatBytes(...this.#chunks);
  }
}
