/**
 * Transport parameters: what each side tells the other inside the Noise payloads.
 *
 * Spec       docs/protocol.md §6
 * Layer      wire (L1); imports base/status.ts
 * Memory     on the wire { id u16 | length u16 | value } each, then zeros to the end of the
 *            payload: an id of 0 begins the padding. The decoded form is Parameters.
 * Invariant  a known id at most once in all messages of one side; all other ids are ignored
 * Limits     CERTIFICATE_MAX, NAME_MAX, VERSIONS_MAX
 * Twin       test/reference/parameters.ts
 */
import { OK, PARAMETER_INVALID } from "../base/status.ts";
import { Cursor, CURSOR_SIZE } from "./cursor.ts";
import {
  BASE_PACKET_BYTES,
  BASE_PACKET_MIN,
  CERTIFICATE_MAX,
  INTEGER_MAX,
  NAME_MAX,
  PAYLOAD_MAX,
  STREAMS_MAX,
  VERSIONS_MAX,
} from "./limits.ts";

/** Parameter ids. */
export const PARAMETER_MAX_DATA: i32 = 1;
export const PARAMETER_MAX_STREAM_DATA: i32 = 2;
export const PARAMETER_MAX_STREAMS_BIDI: i32 = 3;
export const PARAMETER_IDLE_TIMEOUT_MS: i32 = 4;
export const PARAMETER_MAX_DATAGRAM: i32 = 5;
export const PARAMETER_MAX_MESSAGE: i32 = 6;
export const PARAMETER_MAX_ACK_DELAY_US: i32 = 7;
export const PARAMETER_CONNECTION_ID: i32 = 8;
export const PARAMETER_MAX_PACKET: i32 = 9;
export const PARAMETER_VERSIONS: i32 = 10;
export const PARAMETER_CERTIFICATE: i32 = 11;
/** Reserved. */
export const PARAMETER_RESET_TOKEN: i32 = 12;
export const PARAMETER_EXPECTED_NAME: i32 = 13;
/** Reserved. */
export const PARAMETER_EARLY_MESSAGE: i32 = 14;
/** Reserved. */
export const PARAMETER_TICKET: i32 = 15;

/** What a side is taken to have said when it is silent about its longest acknowledgement delay. */
export const MAX_ACK_DELAY_DEFAULT_US: u32 = 25_000;
/** The longest acknowledgement delay that can be announced: 2^14 ms, as in RFC 9000 §18.2. */
export const MAX_ACK_DELAY_LIMIT_US: u32 = 16_384_000;
/** An MXP message is 40 bytes longer than its payload. */
const MESSAGE_MAX: u32 = <u32>PAYLOAD_MAX + 40;

/** Bytes of a Parameters record. */
export const PARAMETERS_SIZE: i32 = 88;

/**
 * The parameters of one side. Pointers lead into the Noise payload that was decoded and hold as
 * long as it does: whoever needs a certificate or a name longer copies it.
 *
 *  0 present u32 (bit id is set when the parameter was there) | 4 idleTimeoutMs u32
 *  8 maxData u64 | 16 maxStreamData u64 | 24 maxStreamsBidi u64
 * 32 maxDatagramBytes u32 | 36 maxMessageBytes u32 | 40 maxAckDelayUs u32 | 44 maxPacketBytes i32
 * 48 connectionId u64 | 56 chosenVersion u32 | 60 offeredCount i32 | 64 offered usize
 * 68 certificate usize | 72 certificateLength i32
 * 76 expectedName usize | 80 expectedNameLength i32 | 84 unused
 */
@unmanaged
export class Parameters {
  present: u32;
  idleTimeoutMs: u32;
  maxData: u64;
  maxStreamData: u64;
  maxStreamsBidi: u64;
  maxDatagramBytes: u32;
  maxMessageBytes: u32;
  maxAckDelayUs: u32;
  maxPacketBytes: i32;
  connectionId: u64;
  chosenVersion: u32;
  offeredCount: i32;
  offered: usize;
  certificate: usize;
  certificateLength: i32;
  expectedName: usize;
  expectedNameLength: i32;
}

const CURSOR: usize = memory.data(CURSOR_SIZE, 8);

/**
 * Sets what a silent side is taken to have said: no credit, no datagrams, no messages, a base-size
 * packet.
 */
export function resetParameters(parameters: Parameters): void {
  memory.fill(changetype<usize>(parameters), 0, <usize>PARAMETERS_SIZE);
  parameters.maxAckDelayUs = MAX_ACK_DELAY_DEFAULT_US;
  parameters.maxPacketBytes = BASE_PACKET_BYTES;
}

/** True when the parameter `id` was decoded. */
export function hasParameter(parameters: Parameters, id: i32): bool {
  return ((parameters.present >> id) & 1) != 0;
}

/** True for ids that are sent only to keep peers from choking on unknown ones. */
export function isParameterGrease(id: i32): bool {
  return id % 31 == 27;
}

/** True for what may travel in a Noise payload that is not encrypted (message 1 of XX and NX). */
export function isParameterPublic(id: i32): bool {
  return id <= PARAMETER_VERSIONS || id > PARAMETER_TICKET;
}

/**
 * Adds the parameters of one Noise payload to `parameters`, which `resetParameters` has prepared
 * before the first payload of that side. `isEncrypted` is false for message 1 of XX and NX. Returns
 * OK or PARAMETER_INVALID.
 */
export function decodeParameters(
  ptr: usize,
  length: i32,
  isEncrypted: bool,
  parameters: Parameters,
): i32 {
  const cursor = changetype<Cursor>(CURSOR);
  cursor.open(ptr, length);
  while (cursor.remaining() > 0) {
    const id = <i32>cursor.u16();
    if (id == 0) {
      // Padding may be a single byte, too short for an id, and then the cursor is already at the
      // end.
      if (load<u8>(cursor.end - 1) != 0 || !cursor.restIsZero()) return PARAMETER_INVALID;
      break;
    }
    const valueLength = <i32>cursor.u16();
    const value = cursor.take(valueLength);
    if (cursor.isShort) return PARAMETER_INVALID;
    if (!isEncrypted && !isParameterPublic(id)) return PARAMETER_INVALID;
    if (!isKnown(id)) continue;
    if (hasParameter(parameters, id)) return PARAMETER_INVALID;
    if (!readValue(id, value, valueLength, parameters)) return PARAMETER_INVALID;
    parameters.present |= (<u32>1) << id;
  }
  return checkTogether(parameters);
}

/** True for the ids whose values this engine reads. */
function isKnown(id: i32): bool {
  return id <= PARAMETER_CERTIFICATE || id == PARAMETER_EXPECTED_NAME;
}

/** Reads the value of a known id; false when its length or its range is wrong. */
function readValue(id: i32, value: usize, length: i32, out: Parameters): bool {
  switch (id) {
    case PARAMETER_VERSIONS:
      return readVersions(value, length, out);
    case PARAMETER_CERTIFICATE:
      out.certificate = value;
      out.certificateLength = length;
      return length > 0 && length <= CERTIFICATE_MAX;
    case PARAMETER_EXPECTED_NAME:
      out.expectedName = value;
      out.expectedNameLength = length;
      return length > 0 && length <= NAME_MAX;
    default:
      if (length != numberSize(id)) return false;
      return length == 8 ? readLong(id, load<u64>(value), out) : readShort(id, value, out);
  }
}

/** Bytes of the number that a parameter holds. */
function numberSize(id: i32): i32 {
  if (id <= PARAMETER_MAX_STREAMS_BIDI || id == PARAMETER_CONNECTION_ID) return 8;
  return id == PARAMETER_MAX_PACKET ? 2 : 4;
}

function readLong(id: i32, number: u64, out: Parameters): bool {
  switch (id) {
    case PARAMETER_MAX_DATA:
      out.maxData = number;
      return number <= INTEGER_MAX;
    case PARAMETER_MAX_STREAM_DATA:
      out.maxStreamData = number;
      return number <= INTEGER_MAX;
    case PARAMETER_MAX_STREAMS_BIDI:
      out.maxStreamsBidi = number;
      return number <= STREAMS_MAX;
    default:
      out.connectionId = number;
      return true;
  }
}

function readShort(id: i32, value: usize, out: Parameters): bool {
  switch (id) {
    case PARAMETER_IDLE_TIMEOUT_MS:
      out.idleTimeoutMs = load<u32>(value);
      return true;
    case PARAMETER_MAX_DATAGRAM:
      out.maxDatagramBytes = load<u32>(value);
      return true;
    case PARAMETER_MAX_MESSAGE:
      out.maxMessageBytes = load<u32>(value);
      return out.maxMessageBytes <= MESSAGE_MAX;
    case PARAMETER_MAX_ACK_DELAY_US:
      out.maxAckDelayUs = load<u32>(value);
      return out.maxAckDelayUs <= MAX_ACK_DELAY_LIMIT_US;
    default:
      out.maxPacketBytes = <i32>load<u16>(value);
      return out.maxPacketBytes >= BASE_PACKET_MIN;
  }
}

/** Chosen version, then the versions offered. */
function readVersions(value: usize, length: i32, out: Parameters): bool {
  const count = (length >> 2) - 1;
  if ((length & 3) != 0 || count < 1 || count > VERSIONS_MAX) return false;
  out.chosenVersion = load<u32>(value);
  out.offered = value + 4;
  out.offeredCount = count;
  return true;
}

/**
 * A message that is delivered whole must fit the window of a fresh stream, or it could never
 * arrive.
 */
function checkTogether(parameters: Parameters): i32 {
  if (!hasParameter(parameters, PARAMETER_MAX_MESSAGE)) return OK;
  if (!hasParameter(parameters, PARAMETER_MAX_STREAM_DATA)) return OK;
  const fits = <u64>parameters.maxMessageBytes <= parameters.maxStreamData;
  return fits ? OK : PARAMETER_INVALID;
}

/** Writes the id and length of a parameter; returns the address of its value. */
function writeHead(out: usize, id: i32, length: i32): usize {
  store<u16>(out, id);
  store<u16>(out, length, 2);
  return out + 4;
}

/** Writes a parameter of 2 bytes (max-packet); returns the address behind it. */
export function writeParameterU16(out: usize, id: i32, value: i32): usize {
  const at = writeHead(out, id, 2);
  store<u16>(at, value);
  return at + 2;
}

/** Writes a parameter of 4 bytes; returns the address behind it. */
export function writeParameterU32(out: usize, id: i32, value: u32): usize {
  const at = writeHead(out, id, 4);
  store<u32>(at, value);
  return at + 4;
}

/** Writes a parameter of 8 bytes; returns the address behind it. */
export function writeParameterU64(out: usize, id: i32, value: u64): usize {
  const at = writeHead(out, id, 8);
  store<u64>(at, value);
  return at + 8;
}

/**
 * Writes a parameter of any bytes (certificate, expected name, GREASE); returns the address behind
 * it.
 */
export function writeParameterBytes(out: usize, id: i32, value: usize, length: i32): usize {
  const at = writeHead(out, id, length);
  memory.copy(at, value, <usize>length);
  return at + <usize>length;
}

/**
 * Writes the version facts: the version chosen and the list offered; returns the address behind
 * them.
 */
export function writeParameterVersions(
  out: usize,
  chosen: u32,
  offered: usize,
  offeredCount: i32,
): usize {
  const at = writeHead(out, PARAMETER_VERSIONS, 4 + 4 * offeredCount);
  store<u32>(at, chosen);
  memory.copy(at + 4, offered, <usize>(4 * offeredCount));
  return at + 4 + <usize>(4 * offeredCount);
}

/**
 * Writes everything of `parameters` whose bit is set in `present`, in the order of the ids, and
 * returns the address behind it. The most it takes is PARAMETERS_WIRE_MAX bytes.
 */
export function writeParameters(out: usize, parameters: Parameters): usize {
  let at = out;
  for (let id = PARAMETER_MAX_DATA; id <= PARAMETER_EXPECTED_NAME; id++) {
    if (hasParameter(parameters, id)) at = writeParameter(at, id, parameters);
  }
  return at;
}

/**
 * Bytes that `writeParameters` needs at most: heads, numbers, a version list, a certificate and a
 * name.
 */
export const PARAMETERS_WIRE_MAX: i32 =
  12 * 4 + 4 * 8 + 4 * 4 + 2 + (4 + 4 * VERSIONS_MAX) + CERTIFICATE_MAX + NAME_MAX;

function writeParameter(out: usize, id: i32, from: Parameters): usize {
  switch (id) {
    case PARAMETER_MAX_DATA:
      return writeParameterU64(out, id, from.maxData);
    case PARAMETER_MAX_STREAM_DATA:
      return writeParameterU64(out, id, from.maxStreamData);
    case PARAMETER_MAX_STREAMS_BIDI:
      return writeParameterU64(out, id, from.maxStreamsBidi);
    case PARAMETER_IDLE_TIMEOUT_MS:
      return writeParameterU32(out, id, from.idleTimeoutMs);
    case PARAMETER_MAX_DATAGRAM:
      return writeParameterU32(out, id, from.maxDatagramBytes);
    case PARAMETER_MAX_MESSAGE:
      return writeParameterU32(out, id, from.maxMessageBytes);
    case PARAMETER_MAX_ACK_DELAY_US:
      return writeParameterU32(out, id, from.maxAckDelayUs);
    case PARAMETER_CONNECTION_ID:
      return writeParameterU64(out, id, from.connectionId);
    case PARAMETER_MAX_PACKET:
      return writeParameterU16(out, id, from.maxPacketBytes);
    case PARAMETER_VERSIONS:
      return writeParameterVersions(out, from.chosenVersion, from.offered, from.offeredCount);
    case PARAMETER_CERTIFICATE:
      return writeParameterBytes(out, id, from.certificate, from.certificateLength);
    case PARAMETER_EXPECTED_NAME:
      return writeParameterBytes(out, id, from.expectedName, from.expectedNameLength);
    default:
      return out;
  }
}
