/**
 * The record that every call carries before its payload (docs/protocol.md, "Calls").
 *
 *    0        1        2         4            8                       24              32
 *    +--------+--------+---------+------------+-----------------------+---------------+
 *    | version| flags  | size    | timeout ms | trace id 16           | span id 8     |
 *    +--------+--------+---------+------------+-----------------------+---------------+
 *    | depth  | sizes of agent, tenant, audit id, correlation id, key | reserved 2    |   32..40
 *    +--------+-------------------------------------------------------+---------------+
 *    | agent | tenant | audit id | correlation id | idempotency key | zeros to a multiple of 8
 *
 * All numbers are little-endian; `size` counts the whole record; `flags` are the trace flags of W3C Trace Context.
 */
import { Failure } from "../ports/failure.ts";
import type { CallRecord } from "../ports/lane.ts";
import type { Random } from "../ports/random.ts";
import { IdPool } from "./id-pool.ts";

const VERSION = 1;
const FIXED_SIZE = 40;
const TEXT_MAX = 255;
/** A record is written here and copied out: it cannot be larger, and text need not be measured first. */
const scratch = new Uint8Array((FIXED_SIZE + 5 * TEXT_MAX + 7) & ~7);
const scratchView = new DataView(scratch.buffer);
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });
const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));
const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

/** A record and the payload behind it. */
export interface DecodedCall {
  readonly agent: string;
  readonly record: CallRecord;
  readonly payload: Uint8Array;
}

/** What a caller may choose of a record; the rest is drawn at random or has its default. */
export type CallRecordChoices = Partial<Omit<CallRecord, "version">>;

/** A record with fresh ids: a new trace, depth 1, 30 seconds, not to be repeated. */
export function createCallRecord(random: Random, choices: CallRecordChoices = {}): CallRecord {
  const ids = IdPool.of(random).take(40);
  return {
    version: VERSION,
    traceparent: `00-${getHex(ids, 0, 16)}-${getHex(ids, 16, 24)}-01`,
    tenant: "default",
    auditId: getHex(ids, 24, 32),
    correlationId: getHex(ids, 32, 40),
    timeoutMs: 30_000,
    idempotencyKey: "",
    depth: 1,
    ...choices,
  };
}

/** Writes record and payload as one message payload. Fails with `argument-invalid` for a field that does not fit. */
export function encodeCall(agent: string, record: CallRecord, payload: Uint8Array): Uint8Array {
  const trace = TRACEPARENT.exec(record.traceparent);
  if (trace === null) throw invalid("traceparent", "has 55 characters as in W3C Trace Context");
  if (
    !Number.isInteger(record.timeoutMs) ||
    record.timeoutMs < 0 ||
    record.timeoutMs > 0xffffffff
  ) {
    throw invalid("timeoutMs", "is a whole number of milliseconds below 2^32");
  }
  if (!Number.isInteger(record.depth) || record.depth < 1 || record.depth > 255) {
    throw invalid("depth", "is a whole number from 1 to 255");
  }
  scratch.fill(0);
  let at = FIXED_SIZE;
  at += putText(0, at, "agent", agent);
  at += putText(1, at, "tenant", record.tenant);
  at += putText(2, at, "auditId", record.auditId);
  at += putText(3, at, "correlationId", record.correlationId);
  at += putText(4, at, "idempotencyKey", record.idempotencyKey);
  const recordSize = (at + 7) & ~7;
  scratchView.setUint8(0, VERSION);
  scratchView.setUint8(1, Number.parseInt(trace[3] ?? "0", 16));
  scratchView.setUint16(2, recordSize, true);
  scratchView.setUint32(4, record.timeoutMs, true);
  setHex(scratch, 8, trace[1] ?? "");
  setHex(scratch, 24, trace[2] ?? "");
  scratchView.setUint8(32, record.depth);
  const message = new Uint8Array(recordSize + payload.length);
  message.set(scratch.subarray(0, recordSize));
  message.set(payload, recordSize);
  return message;
}

/** Writes one text of the record and its size; returns the size. */
function putText(index: number, at: number, name: string, text: string): number {
  const room = scratch.subarray(at, at + TEXT_MAX);
  const { read, written } = encoder.encodeInto(text, room);
  if (read < text.length) throw invalid(name, `has at most ${TEXT_MAX} bytes`);
  scratchView.setUint8(33 + index, written);
  return written;
}

/** Reads record and payload. Fails with `protocol-violation` for anything that `encodeCall` does not write. */
export function decodeCall(message: Uint8Array): DecodedCall {
  if (message.length < FIXED_SIZE) throw violation("the call record is cut short");
  const view = new DataView(message.buffer, message.byteOffset, message.length);
  if (view.getUint8(0) !== VERSION) throw violation(`call record version ${view.getUint8(0)}`);
  const recordSize = view.getUint16(2, true);
  const sizes = [0, 1, 2, 3, 4].map((index) => view.getUint8(33 + index));
  const stringsSize = sizes.reduce((sum, size) => sum + size, 0);
  if (recordSize !== ((FIXED_SIZE + stringsSize + 7) & ~7) || recordSize > message.length) {
    throw violation("the size of the call record is wrong");
  }
  if (view.getUint8(32) === 0 || view.getUint16(38, true) !== 0) {
    throw violation("depth or reserved bytes of the call record are wrong");
  }
  let at = FIXED_SIZE;
  const strings = sizes.map((size) => {
    at += size;
    try {
      return decoder.decode(message.subarray(at - size, at));
    } catch {
      throw violation("a text of the call record is not UTF-8");
    }
  });
  if (message.subarray(at, recordSize).some((byte) => byte !== 0)) {
    throw violation("the padding of the call record is not zero");
  }
  const [agent = "", tenant = "", auditId = "", correlationId = "", idempotencyKey = ""] = strings;
  const flags = view.getUint8(1).toString(16).padStart(2, "0");
  return {
    agent,
    record: {
      version: VERSION,
      traceparent: `00-${getHex(message, 8, 24)}-${getHex(message, 24, 32)}-${flags}`,
      tenant,
      auditId,
      correlationId,
      timeoutMs: view.getUint32(4, true),
      idempotencyKey,
      depth: view.getUint8(32),
    },
    payload: message.subarray(recordSize),
  };
}

/** Writes digits that the pattern above has let through: pairs of 0 to 9 and a to f. */
function setHex(target: Uint8Array, at: number, digits: string): void {
  for (let index = 0; index < digits.length / 2; index++) {
    const high = nibble(digits.charCodeAt(index * 2));
    target[at + index] = high * 16 + nibble(digits.charCodeAt(index * 2 + 1));
  }
}

function nibble(characterCode: number): number {
  return characterCode <= 0x39 ? characterCode - 0x30 : characterCode - 0x61 + 10;
}

function getHex(source: Uint8Array, start: number, end: number): string {
  let digits = "";
  for (let index = start; index < end; index++) digits += HEX[source[index] ?? 0] ?? "";
  return digits;
}

function invalid(field: string, rule: string): Failure {
  return new Failure("argument-invalid", `${field} of a call record ${rule}`, {
    origin: "local",
    remedy: `Give a ${field} that ${rule}.`,
    context: { field },
  });
}

function violation(message: string): Failure {
  return new Failure("protocol-violation", message, {
    origin: "peer",
    remedy: "The peer speaks another version of the call record. Update the older side.",
  });
}
