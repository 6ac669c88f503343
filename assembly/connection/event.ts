/**
 * The record of one event, and the numbers that say which.
 *
 * Layer      connection (L3)
 * Memory     Event, at the place that the ABI names; pointers hold until the next call
 */
export const EVENT_NONE: i32 = 0;
export const EVENT_CONNECTED: i32 = 1;
export const EVENT_AUTHENTICATE: i32 = 2;
export const EVENT_STREAM_OPENED: i32 = 3;
export const EVENT_READABLE: i32 = 4;
export const EVENT_WRITABLE: i32 = 5;
export const EVENT_STREAM_ACKNOWLEDGED: i32 = 6;
export const EVENT_STREAM_RESET: i32 = 7;
export const EVENT_STREAM_STOPPED: i32 = 8;
export const EVENT_MESSAGE_REFUSED: i32 = 9;
export const EVENT_DATAGRAM: i32 = 10;
export const EVENT_CLOSED: i32 = 11;
export const EVENT_STREAMS_AVAILABLE: i32 = 12;

/** Set in `flags` of CONNECTED beside the pattern, and of STREAM_OPENED beside the band. */
export const FLAG_INITIATOR: i32 = 0x100;
export const FLAG_MESSAGES: i32 = 0x100;

@unmanaged
export class Event {
  kind: i32;
  connection: i32;
  stream: u64;
  code: i32;
  flags: i32;
  value: u64;
  trace: u64;
  data: usize;
  dataSize: i32;
  identity: usize;
  hasIdentity: i32;
  peerStatic: usize;
  hasStatic: i32;
  binding: usize;
  remote: usize;
}
