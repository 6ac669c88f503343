/** Planted defects in handshake, packets, loss recovery and closing. */
import type { Mutant } from "./list.ts";

export const CONNECTION_MUTANTS: readonly Mutant[] = [
  {
    name: "replay-window-off-by-one",
    explanation: "the newest packet, played again, counts as new",
    against: null,
    edits: [
      {
        file: "recovery/received-packets.ts",
        find: "if (packetNumber > largest) return true;",
        replace: "if (packetNumber >= largest) return true;",
      },
    ],
  },
  {
    name: "replay-window-ignored",
    explanation: "a packet inside the window is never looked up",
    against: null,
    edits: [
      {
        file: "recovery/received-packets.ts",
        find: "return (<u32>load<u8>(windowByte(received, packetNumber)) & bit) == 0;",
        replace: "return bit != 0;",
      },
    ],
  },
  {
    name: "nonce-reuse",
    explanation: "the nonce takes the low byte of the packet number only",
    against: null,
    edits: [
      {
        file: "connection/keys.ts",
        find: "bswap<u64>(packetNumber)",
        replace: "bswap<u64>(packetNumber & 0xff)",
      },
    ],
  },
  {
    name: "aead-check-skipped",
    explanation: "a packet whose tag is wrong is taken as it is",
    against: null,
    edits: [
      {
        file: "connection/keys.ts",
        find: "  return isAuthentic;\n",
        replace: "  return true;\n",
      },
    ],
  },
  {
    name: "ack-of-unsent-accepted",
    explanation: "an ACK may name packets that were never sent",
    against: "acknowledges-unsent",
    edits: [
      {
        file: "recovery/recovery.ts",
        find: "if (largest >= sentPacketsNext(sent)) return PROTOCOL_VIOLATION;",
        replace: "if (largest >= sentPacketsNext(sent) + 100000) return PROTOCOL_VIOLATION;",
      },
    ],
  },
  {
    name: "amplification-off-by-one",
    explanation: "a responder that resends by itself stops at four times what it received",
    against: null,
    edits: [
      {
        file: "connection/transmit.ts",
        find: "const AMPLIFICATION_FACTOR: u64 = 3;",
        replace: "const AMPLIFICATION_FACTOR: u64 = 4;",
      },
      {
        file: "connection/handshake.ts",
        find: "connection.resendAtUs = connection.isInitiator != 0 ? nowUs + RESEND_FIRST_US : 0;",
        replace: "connection.resendAtUs = nowUs + RESEND_FIRST_US;",
      },
    ],
  },
  {
    name: "handshake-resend-changes",
    explanation: "a repeated Noise message differs from the first in one byte",
    against: null,
    edits: [
      {
        file: "connection/transmit.ts",
        find: "  memory.copy(out, connection.message, size);\n",
        replace:
          "  memory.copy(out, connection.message, size);\n" +
          "  if (connection.resends > 0) store<u8>(out, load<u8>(out, 64) ^ 1, 64);\n",
      },
    ],
  },
  {
    name: "handshake-never-resent",
    explanation: "a lost first message stays lost",
    against: null,
    edits: [
      {
        file: "connection/handshake.ts",
        find: "  connection.resendAtUs = nowUs + min(doubled, RESEND_LONGEST_US);\n  connection.owesMessage = 1;\n",
        replace: "  connection.resendAtUs = nowUs + min(doubled, RESEND_LONGEST_US);\n",
      },
    ],
  },
  {
    name: "key-confirmation-skipped",
    explanation: "the responder shows a connection before its initiator proved anything",
    against: null,
    edits: [
      {
        file: "connection/connection.ts",
        find: "  connection.refusal = verdict;\n  connection.phase = PHASE_CONFIRMING;\n  startPackets(connection);\n",
        replace:
          "  connection.refusal = verdict;\n  establish(connection);\n  startPackets(connection);\n",
      },
    ],
  },
  {
    name: "handshake-done-lost",
    explanation: "a lost HANDSHAKE_DONE is not sent again",
    against: null,
    edits: [
      {
        file: "connection/acknowledgements.ts",
        find: "      connection.owesDone = 1;\n",
        replace: "      connection.owesDone = 0;\n",
      },
    ],
  },
  {
    name: "reserved-bits-ignored",
    explanation: "reserved bits of the protected header are not looked at",
    against: "sets-reserved-bits",
    edits: [
      {
        file: "connection/receive.ts",
        find: "if (!reservedBitsAreZero(packet) || isKeyPhaseOne(packet)) {",
        replace: "if (isKeyPhaseOne(packet)) {",
      },
    ],
  },
  {
    name: "loss-marks-newer",
    explanation: "loss detection also gives up packets sent after the acknowledged one",
    against: null,
    edits: [
      {
        file: "recovery/loss.ts",
        find: "number < largestAcked; number++) {\n    const packet = sentPacketAt(sent, number);\n    if (sentPacketState(packet) != SENT_OUTSTANDING) continue;",
        replace:
          "number <= largestAcked + 8; number++) {\n    const packet = sentPacketAt(sent, number);\n    if (sentPacketState(packet) != SENT_OUTSTANDING) continue;",
      },
    ],
  },
  {
    name: "probe-timeout-never-fires",
    explanation: "the last packets of a flight, once lost, are never asked after",
    against: null,
    edits: [
      {
        file: "recovery/recovery.ts",
        find: "  return load<u64>(r, LAST_ELICITING) + timeoutUs;\n",
        replace: "  return timeoutUs == 0 ? 1 : 0;\n",
      },
    ],
  },
  {
    name: "probe-timeout-without-backoff",
    explanation: "probes into a dead path follow each other at full speed",
    against: null,
    edits: [
      {
        file: "recovery/pto.ts",
        find: "const doubled = baseUs << (<u64>min(count, BACKOFF_MAX));",
        replace: "const doubled = baseUs << (<u64>min(count, 0));",
      },
    ],
  },
  {
    name: "ack-ranges-wrong-at-gaps",
    explanation: "a range behind a gap begins one packet too early",
    against: null,
    edits: [
      {
        file: "recovery/received-packets.ts",
        find: "  return rangeSetStart(ranges, rangeSetCount(ranges) - 1 - index);\n",
        replace:
          "  const start = rangeSetStart(ranges, rangeSetCount(ranges) - 1 - index);\n" +
          "  return start > 0 && index + 1 < rangeSetCount(ranges) ? start - 1 : start;\n",
      },
    ],
  },
  {
    name: "acknowledges-acknowledgements",
    explanation: "packets that only acknowledge are acknowledged too, for ever",
    against: null,
    edits: [
      {
        file: "recovery/received-packets.ts",
        find: "if (isAckEliciting) scheduleAck(received, packetNumber, nowUs);",
        replace:
          "if (isAckEliciting || packetNumber > 0) scheduleAck(received, packetNumber, nowUs);",
      },
    ],
  },
  {
    name: "bytes-in-flight-leak",
    explanation: "lost packets stay in flight, and the window closes",
    against: null,
    edits: [
      {
        file: "recovery/sent-packets.ts",
        find: "  settle(sent, packet, SENT_LOST);\n",
        replace: "  store<u8>(packet, SENT_LOST, PACKET_STATE);\n",
      },
    ],
  },
  {
    name: "round-trip-too-short",
    explanation:
      "the peer's delay is taken from the latest round trip, whatever the path's least one is",
    against: null,
    edits: [
      {
        file: "recovery/recovery.ts",
        find: "rttUpdate(rtt, nowUs - sentUs, ackDelayUs,",
        replace: "rttUpdate(rtt, (nowUs - sentUs) >> 1, ackDelayUs,",
      },
    ],
  },
  {
    name: "idle-timeout-never",
    explanation: "a connection on a dead path is kept for ever",
    against: null,
    edits: [
      {
        file: "connection/idle.ts",
        find: "if (connection.idleTimeoutUs == 0) return;",
        replace: "if (connection.idleTimeoutUs != 0) return;",
      },
    ],
  },
  {
    name: "close-reason-lost",
    explanation: "the reason of a close does not reach the peer",
    against: null,
    edits: [
      {
        file: "connection/transmit.ts",
        find: "      connection.reason,\n      connection.reasonSize,\n",
        replace: "      connection.reason,\n      0,\n",
      },
    ],
  },
];
