/**
 * The frames between host and device, as JSON, on lanes of the agent "tools".
 *
 *   device → host   device.hello          host → device   tool.call.start        host → device   tool.receipt.sign
 *          ◀──      device.welcome               ◀──      tool.call.delta *             ◀──      tool.receipt.signed
 *                                                ◀──      tool.call.completed | tool.call.error
 *
 * `device.hello` and `tool.call.*` have the published field names (Zero Latency bridge); what we add to them is
 * optional for a reader that knows only those. `args` and `result` are spliced in and cut out as bytes.
 */
import { Failure, type ErrorCode, ERROR_CODES, type Origin } from "../ports/failure.ts";
import type { DeviceFacts } from "../trust/receipt/fields.ts";
import type { CallCaps } from "./contract.ts";
import { memberBytes, parseJson, scanObject, splice } from "./raw-json.ts";
import type { JsonSchema } from "./schema.ts";

/** The agent that both sides answer on. */
export const TOOLS_AGENT = "tools";

/** A tool in a device's catalogue. */
export interface CatalogTool {
  readonly name: string;
  readonly version: string;
  /** Names of the schemas, as published: "urn:zl:fs.read:1.2.0:args". */
  readonly schema: { readonly args: string; readonly result: string };
  readonly title: string;
  readonly description: string;
  readonly argsSchema: JsonSchema;
  readonly resultSchema: JsonSchema | null;
  readonly annotations: Readonly<Record<string, unknown>>;
  /** The server that does the work. */
  readonly server: string;
  /** Whether a contract binds it; else it is relayed as raw bytes. */
  readonly isBound: boolean;
  /** It waits for a review: it has a name here and nothing else, and the device refuses calls of it. */
  readonly isHeld?: true;
}

export interface DeviceHello {
  readonly type: "device.hello";
  readonly device_id: string;
  readonly tenant: string;
  readonly name: string;
  readonly catalog: readonly CatalogTool[];
}

export interface DeviceWelcome {
  readonly type: "device.welcome";
  readonly host_id: string;
  readonly name: string;
  /** How many tools the host accepted from the catalogue. */
  readonly tools: number;
}

export interface ToolCallStart {
  readonly type: "tool.call.start";
  readonly correlation_id: string;
  readonly tenant: string;
  readonly device_id: string;
  readonly tool: { readonly name: string; readonly version: string };
  readonly caps: CallCaps;
  /** The policy by which the host allowed the call. */
  readonly policy_id: string;
}

export interface ToolCallCompleted {
  readonly type: "tool.call.completed";
  readonly correlation_id: string;
  readonly elapsed_ms: number;
  /** What the device will sign, besides what the host adds. */
  readonly facts: DeviceFacts;
  /** Whether the result was cut at `maxBytes`. */
  readonly truncated: boolean;
  /** How many deltas came before; when there are any, `result` is null and the deltas hold it. */
  readonly chunks: number;
}

export interface ToolCallError {
  readonly type: "tool.call.error";
  readonly correlation_id: string;
  /** Published style: "TIMEOUT". */
  readonly code: string;
  readonly message: string;
  readonly failure: WireFailure;
  readonly facts: DeviceFacts;
}

export interface WireFailure {
  readonly code: ErrorCode;
  readonly origin: Origin;
  readonly message: string;
  readonly remedy: string;
  readonly context: Readonly<Record<string, string | number | boolean>>;
}

/** A frame whose raw part, if it has one, is cut out. */
export interface Frame {
  readonly type: string;
  readonly fields: Readonly<Record<string, unknown>>;
  /** The bytes of `args` or `result`, as they came. */
  readonly raw: Uint8Array | null;
}

/** The members that are relayed by the byte. */
const RAW_MEMBERS = ["args", "result"] as const;

/** Writes a frame; `raw` is put in as it is. */
export function encodeFrame(
  fields: Readonly<Record<string, unknown>> & { readonly type: string },
  raw?: { readonly name: (typeof RAW_MEMBERS)[number]; readonly bytes: Uint8Array },
): Uint8Array<ArrayBuffer> {
  const text = JSON.stringify(fields);
  if (raw === undefined) return splice(text);
  return splice(text.slice(0, -1), `,"${raw.name}":`, raw.bytes, "}");
}

/** Reads a frame strictly. Fails with `protocol-violation`. */
export function decodeFrame(bytes: Uint8Array): Frame {
  let members;
  try {
    members = scanObject(bytes);
  } catch (thrown) {
    throw violation("a frame is not valid JSON", thrown);
  }
  const fields: Record<string, unknown> = {};
  let raw: Uint8Array | null = null;
  for (const name of members.keys()) {
    const value = memberBytes(bytes, members, name)!;
    if ((RAW_MEMBERS as readonly string[]).includes(name)) raw = value;
    else fields[name] = parseJson(value);
  }
  const type = fields["type"];
  if (typeof type !== "string") throw violation("a frame has no type");
  return { type, fields, raw };
}

/** What a field must be, for `readFields`. */
type Kind = "string" | "number" | "boolean" | "object" | "array";

/** Checks that the fields of a frame are there and of their kind, and returns them under their type. */
export function readFields<T>(frame: Frame, kinds: { readonly [K in keyof T]?: Kind }): T {
  for (const [name, kind] of Object.entries(kinds) as [string, Kind][]) {
    const value = frame.fields[name];
    const actual = Array.isArray(value) ? "array" : value === null ? "null" : typeof value;
    if (actual !== kind) throw violation(`${frame.type} has no ${kind} "${name}"`);
  }
  return frame.fields as T;
}

export function violation(message: string, cause?: unknown): Failure {
  return new Failure("protocol-violation", message, {
    origin: "peer",
    remedy: "Run the same version of rtt on both machines.",
    cause,
  });
}

/** The published spelling of a code: "TIMEOUT" for a tool's time limit, else our code in capitals. */
export function publishedCode(code: ErrorCode): string {
  return code === "tool-timeout" ? "TIMEOUT" : code.replaceAll("-", "_").toUpperCase();
}

/** A failure as it goes to the other side: our own words, no cause, no stack. */
export function toWire(failure: Failure): WireFailure {
  const { code, origin, remedy, context } = failure;
  return { code, origin, message: plainMessage(failure), remedy, context };
}

/** The failure that the other side told. An unknown code is `tool-failed`. */
export function fromWire(value: unknown): Failure {
  const wire = (value ?? {}) as Partial<Record<keyof WireFailure, unknown>>;
  const code = ERROR_CODES.find((one) => one === wire.code) ?? "tool-failed";
  const origin = (["local", "peer", "host", "policy"] as const).find((one) => one === wire.origin);
  const context: Record<string, string | number | boolean> = {};
  if (wire.context !== null && typeof wire.context === "object") {
    for (const [name, inner] of Object.entries(wire.context).slice(0, 16)) {
      if (typeof inner === "string") context[name] = inner.slice(0, 1000);
      else if (typeof inner === "number" || typeof inner === "boolean") context[name] = inner;
    }
  }
  return new Failure(code, shortText(wire.message, "the other side gave no message"), {
    origin: origin ?? "peer",
    remedy: shortText(wire.remedy, "Look into the log of the other machine."),
    context,
  });
}

/** The message without the code that `Failure` puts in front. */
export function plainMessage(failure: Failure): string {
  return failure.message.replace(`${failure.code}: `, "");
}

function shortText(value: unknown, otherwise: string): string {
  return typeof value === "string" && value !== "" ? value.slice(0, 2000) : otherwise;
}
