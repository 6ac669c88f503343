/**
 * Keeps the arguments of `tools/call` as the client wrote them.
 *
 * The MCP library hands a handler values, not bytes; but the digest of what the caller sent is made of bytes. So the
 * lines of standard input are looked at on their way to the library, and the raw arguments are kept by request id.
 */
import { PassThrough, type Readable } from "node:stream";
import { LineReader } from "../../shared/gateway/line-reader.ts";
import { memberBytes, parseJson, scanObject } from "../../shared/gateway/raw-json.ts";

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
    const key = JSON.stringify(id);
    const kept = this.#kept.get(key) ?? null;
    this.#kept.delete(key);
    return kept;
  }

  #look(line: Uint8Array): void {
    try {
      const members = scanObject(line);
      const method = memberBytes(line, members, "method");
      const id = memberBytes(line, members, "id");
      const params = memberBytes(line, members, "params");
      if (method === null || id === null || params === null) return;
      if (parseJson(method) !== "tools/call") return;
      const args = memberBytes(params, scanObject(params), "arguments");
      if (args === null || this.#kept.size >= KEPT_MAX) return;
      this.#kept.set(JSON.stringify(parseJson(id)), args.slice());
    } catch {
      // Not strict JSON. What the library makes of it is written anew, so that it has one reading only.
    }
  }
}
