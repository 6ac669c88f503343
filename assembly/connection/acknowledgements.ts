/**
 * What the peer has received: ACK frames go to recovery, and every frame that was acknowledged or lost goes
 * back to the sub-state that sent it.
 *
 * Spec       RFC 9002 §A.7 · RFC 9000 §13.3
 * Layer      connection (L3)
 */
import { OK } from "../base/status.ts";
import {
  frameRefAt,
  frameRefKind,
  frameRefValue,
  REF_ACK,
  REF_CONTROL,
  REF_HANDSHAKE_DONE,
  REF_PING,
  REF_STREAM,
} from "../recovery/frame-refs.ts";
import { receivedOnAckAcknowledged } from "../recovery/received-packets.ts";
import {
  recoveryAckBegin,
  recoveryAckEnd,
  recoveryAckRange,
  recoveryNextAcked,
  recoveryNextLost,
  recoveryOldestUnacked,
  recoveryRefs,
  recoveryUnackedBehind,
} from "../recovery/recovery.ts";
import { sentPacketFirstRef, sentPacketRefCount } from "../recovery/sent-packets.ts";
import { readAckRanges } from "../wire/ack-frame.ts";
import { Frame } from "../wire/frame.ts";
import { Connection } from "./state.ts";
import { controlAcked, controlLost, streamAcked, streamLost } from "./stream-frames.ts";

const RANGE_SIZE: usize = 16;
const ranges = memory.data(1040, 8);

/** Takes an ACK frame: newest range first, as on the wire. */
export function takeAck(connection: Connection, frame: Frame, nowUs: u64): i32 {
  const recovery = connection.recovery;
  const begun = recoveryAckBegin(recovery, frame.offset);
  if (begun != OK) return begun;
  const count = readAckRanges(frame, ranges);
  let status = OK;
  for (let index = 0; index < count && status == OK; index += 1) {
    const range = ranges + <usize>index * RANGE_SIZE;
    status = recoveryAckRange(recovery, load<u64>(range), load<u64>(range, 8));
  }
  if (status == OK) recoveryAckEnd(recovery, frame.aux, nowUs);
  drainAcked(connection);
  drainLost(connection);
  return status;
}

function drainAcked(connection: Connection): void {
  const recovery = connection.recovery;
  for (let packet = recoveryNextAcked(recovery); packet; packet = recoveryNextAcked(recovery)) {
    const first = sentPacketFirstRef(packet);
    const end = first + sentPacketRefCount(packet);
    for (let number = first; number != end; number += 1) {
      const ref = frameRefAt(recoveryRefs(recovery), number);
      const kind = frameRefKind(ref);
      if (kind == REF_STREAM) streamAcked(connection, ref);
      if (kind == REF_CONTROL) controlAcked(connection, ref);
      if (kind == REF_ACK) receivedOnAckAcknowledged(connection.received, frameRefValue(ref));
    }
  }
}

/** Hands the frames of every lost packet back: they are written again, in other packets. */
export function drainLost(connection: Connection): void {
  const recovery = connection.recovery;
  for (let packet = recoveryNextLost(recovery); packet; packet = recoveryNextLost(recovery)) {
    repeatFrames(connection, packet);
  }
}

/** Marks the frames of the oldest packets in flight as lost, so that probes carry what helps most. */
export function repeatOldest(connection: Connection, packets: u32): void {
  const recovery = connection.recovery;
  let packet = recoveryOldestUnacked(recovery);
  for (let count: u32 = 0; count < packets && packet != 0; count += 1) {
    repeatFrames(connection, packet);
    packet = recoveryUnackedBehind(recovery, packet);
  }
  // A probe must ask for an acknowledgement even when nothing is left to repeat.
  connection.owesPing = 1;
}

function repeatFrames(connection: Connection, packet: usize): void {
  const refs = recoveryRefs(connection.recovery);
  const first = sentPacketFirstRef(packet);
  const end = first + sentPacketRefCount(packet);
  for (let number = first; number != end; number += 1) {
    const ref = frameRefAt(refs, number);
    const kind = frameRefKind(ref);
    if (kind == REF_STREAM) {
      streamLost(connection, ref);
    } else if (kind == REF_CONTROL) {
      controlLost(connection, ref);
    } else if (kind == REF_HANDSHAKE_DONE) {
      connection.owesDone = 1;
    } else if (kind == REF_PING && connection.isConfirmed == 0) {
      connection.owesPing = 1;
    }
  }
}
