/**
 * Connections for other languages.
 *
 * Spec       wit/connection.wit
 * Layer      abi (L5)
 */
import { ARGUMENT_INVALID, DATAGRAM_TOO_LARGE } from "../../base/status.ts";
import { endpoint } from "../../endpoint/endpoint.ts";
import {
  connectionAuthenticate,
  connectionClose,
  connectionConnect,
  connectionSendDatagram,
} from "../connection.ts";
import { control } from "../control.ts";
import * as L from "../layout.ts";
import { callEnd, resultOfError, resultOfNumber, resultOfStatus } from "./memory.ts";

const KEY_SIZE: u32 = 32;
const ADDRESS_SIZE: u32 = 24;

/** The arguments do not fit registers: endpoint at 0, `target` at 4, `now` at 64. */
export function connection_connect(args: usize): usize {
  const target = args + 4;
  const isValid = setTarget(target);
  const now = args + 64;
  const handle = isValid
    ? connectionConnect(<f64>load<u64>(now), <f64>load<u64>(now, 8))
    : ARGUMENT_INVALID;
  callEnd();
  return handle < 0 ? resultOfError(handle, 4) : resultOfNumber(handle);
}

function setTarget(target: usize): bool {
  if (load<u32>(target, 4) != ADDRESS_SIZE || load<u32>(target, 52) != KEY_SIZE) return false;
  memory.copy(control + L.CONNECT_REMOTE, load<usize>(target), ADDRESS_SIZE);
  // The engine and the wire number patterns from 1.
  store<u32>(control, <u32>load<u8>(target, 8) + 1, L.CONNECT_PATTERN);
  const isStaticFit = setOptionalKey(target + 12, L.CONNECT_HAS_STATIC, L.CONNECT_STATIC);
  const isIdentityFit = setOptionalKey(target + 24, L.CONNECT_HAS_IDENTITY, L.CONNECT_IDENTITY);
  if (!isStaticFit || !isIdentityFit) return false;
  const nameSize = load<u8>(target, 36) != 0 ? load<u32>(target, 44) : 0;
  if (nameSize > <u32>L.NAME_MAX) return false;
  store<u32>(control, nameSize, L.CONNECT_NAME_SIZE);
  memory.copy(control + L.CONNECT_NAME, load<usize>(target, 40), nameSize);
  memory.copy(control + L.KEY, load<usize>(target, 48), KEY_SIZE);
  return true;
}

/** Copies an optional key of 32 bytes; false when it is there with another size. */
function setOptionalKey(option: usize, flagAt: usize, keyAt: usize): bool {
  const isGiven = load<u8>(option) != 0;
  store<u32>(control + flagAt, isGiven ? 1 : 0);
  if (!isGiven) return true;
  if (load<u32>(option, 8) != KEY_SIZE) return false;
  memory.copy(control + keyAt, load<usize>(option, 4), KEY_SIZE);
  return true;
}

export function connection_authenticate(
  _endpoint: usize,
  connection: i32,
  isAccepted: i32,
  nowUs: u64,
  _wallMs: u64,
): void {
  connectionAuthenticate(connection, isAccepted, <f64>nowUs);
}

export function connection_send_datagram(
  _endpoint: usize,
  connection: i32,
  payload: usize,
  size: u32,
): usize {
  const isFit = size <= <u32>endpoint.inputSize;
  if (isFit) memory.copy(endpoint.input, payload, size);
  const status = isFit ? connectionSendDatagram(connection, <i32>size) : DATAGRAM_TOO_LARGE;
  callEnd();
  return resultOfStatus(status);
}

export function connection_close(
  _endpoint: usize,
  connection: i32,
  applicationCode: u64,
  reason: usize,
  reasonSize: u32,
  nowUs: u64,
  _wallMs: u64,
): void {
  const size = min(reasonSize, <u32>L.REASON_MAX);
  memory.copy(endpoint.input, reason, size);
  callEnd();
  connectionClose(connection, applicationCode, <i32>size, <f64>nowUs);
}
