/**
 * wit/connection.wit over linear memory. No logic: arguments are taken apart, results put together.
 *
 * Layer      abi (L5)
 */
import { CONNECTION_CLOSED, OK } from "../base/status.ts";
import { closeLocally } from "../connection/close.ts";
import { connectionAuthenticate as judge } from "../connection/connection.ts";
import { sendDatagram } from "../connection/datagrams.ts";
import { countersOf, CONNECTION_COUNTERS } from "../connection/statistics.ts";
import { dial, Dial } from "../endpoint/dial.ts";
import { connectionOf, endpoint } from "../endpoint/endpoint.ts";
import { clockTime, control } from "./control.ts";
import * as L from "./layout.ts";

const options = changetype<Dial>(memory.data(64, 8));

/** Begins a handshake with what the control block says. Returns the connection or a status. */
export function connectionConnect(nowUs: f64, _wallMs: f64): i32 {
  options.remote = control + L.CONNECT_REMOTE;
  options.pattern = load<i32>(control, L.CONNECT_PATTERN);
  const hasStatic = load<u32>(control, L.CONNECT_HAS_STATIC) != 0;
  options.remoteStatic = hasStatic ? control + L.CONNECT_STATIC : 0;
  const hasIdentity = load<u32>(control, L.CONNECT_HAS_IDENTITY) != 0;
  options.expectedIdentity = hasIdentity ? control + L.CONNECT_IDENTITY : 0;
  options.expectedName = control + L.CONNECT_NAME;
  options.expectedNameSize = load<i32>(control, L.CONNECT_NAME_SIZE);
  options.entropy = control + L.KEY;
  return dial(options, clockTime(nowUs));
}

/** The verdict on an `authenticate` event. */
export function connectionAuthenticate(handle: i32, isAccepted: i32, nowUs: f64): void {
  const connection = connectionOf(handle);
  if (connection != null) judge(connection, isAccepted != 0, clockTime(nowUs));
}

/** Closes for the application; the reason is the first bytes of the input arena. */
export function connectionClose(
  handle: i32,
  applicationCode: u64,
  reasonSize: i32,
  nowUs: f64,
): void {
  const connection = connectionOf(handle);
  if (connection == null) return;
  closeLocally(connection, OK, applicationCode, endpoint.input, reasonSize, clockTime(nowUs));
}

/** Writes the connection's counters into the control block: zeros when it is gone. */
export function connectionStats(handle: i32): i32 {
  const counters = control + L.COUNTERS;
  memory.fill(counters, 0, CONNECTION_COUNTERS * 8);
  const connection = connectionOf(handle);
  if (connection == null) return CONNECTION_CLOSED;
  countersOf(connection, counters);
  return OK;
}

/** Queues the first `size` bytes of the input arena as one datagram. */
export function connectionSendDatagram(handle: i32, size: i32): i32 {
  const connection = connectionOf(handle);
  if (connection == null) return CONNECTION_CLOSED;
  return sendDatagram(connection, endpoint.input, size);
}
