/**
 * Keeps the raw arguments of `tools/call` by request id, by looking at the lines of standard input on their way to the
 * MCP library.
 */
import { PassThrough, type Readable } from "node:stream";
import { LineReader } from "../../shared/gateway/line-reader.ts";
import { keyOfId, rawArguments } from "./raw-arguments.ts";

/** Calls whose arguments are kept at once; a client with more in flight gets its arguments written anew. */
const KEPT_MAX = 1024;
/** The library's own bound on a message. */
const LINE_BYTES_MAX = 10 * 1024 * 1024;

export class ArgumentTap {
  /** What the library reads instead of the input. */
  readonly output: Readable;
  readonly #kept = new Map<string, Uint8Array>();

  constructor(input: Readable) {
    const output = new PassThrough();
    this.output = output;
    const reader = new LineReader(LINE_BYTES_MAX, (line) => this.#look(line));
    let isReading = true;
    // Looked at before it is passed on: the arguments must be there when the handler runs.
    input.on("data", (bytes: Buffer) => {
      if (isReading) isReading = reader.push(bytes);
      output.write(bytes);
    });
    input.once("end", () => output.end());
  }

  /** The arguments of a request, once; null when they were not kept. */
  take(id: string | number): Uint8Array | null {
    const key = keyOfId(id);
    const kept = this.#kept.get(key) ?? null;
    this.#kept.delete(key);
    return kept;
  }

  #look(line: Uint8Array): void {
    const raw = rawArguments(line);
    if (raw !== null && this.#kept.size < KEPT_MAX) this.#kept.set(raw.key, raw.args);
  }
}
