/** Planted defects in streams, flow control, messages and datagrams. */
import type { Mutant } from "./list.ts";

export const STREAM_MUTANTS: readonly Mutant[] = [
  {
    name: "lost-fin",
    explanation: "the end of a stream, lost alone, is not sent again",
    against: null,
    edits: [
      {
        file: "stream/send-buffer.ts",
        find: "  if (isFinLost) setFlag(buffer, FIN_LOST);\n",
        replace: "",
      },
    ],
  },
  {
    name: "lost-stream-window",
    explanation: "a lost MAX_STREAM_DATA is not sent again",
    against: null,
    edits: [
      {
        file: "stream/control.ts",
        find: "return isOpen && value == windowLimit(streamWindow(stream));",
        replace: "return isOpen && value == 0;",
      },
    ],
  },
  {
    name: "lost-connection-window",
    explanation: "a lost MAX_DATA is not sent again",
    against: null,
    edits: [
      {
        file: "stream/control.ts",
        find: "if (value == windowLimit(streamsWindow(streams))) controlRequest(streams, kind);",
        replace: "if (value == 0) controlRequest(streams, kind);",
      },
    ],
  },
  {
    name: "stream-window-not-enforced",
    explanation: "more bytes are taken than the windows allow",
    against: "ignores-windows",
    edits: [
      {
        file: "stream/flow-control.ts",
        find: "return bytes <= load<u64>(window, LIMIT) - load<u64>(window, RECEIVED) ? OK : FLOW_CONTROL;",
        replace: "return bytes <= u64.MAX_VALUE - load<u64>(window, RECEIVED) ? OK : FLOW_CONTROL;",
      },
    ],
  },
  {
    name: "stream-limit-not-enforced",
    explanation: "a peer may open more streams than it was allowed",
    against: "ignores-stream-limit",
    edits: [
      {
        file: "stream/streams.ts",
        find: "  if (index >= load<u64>(streams, PEER_LIMIT)) return STREAM_LIMIT;\n",
        replace: "",
      },
    ],
  },
  {
    name: "stream-limit-not-raised",
    explanation: "streams that ended do not make room for new ones",
    against: null,
    edits: [
      {
        file: "stream/streams.ts",
        find: "store<u64>(streams, load<u64>(streams, PEER_CLOSED) + 1, PEER_CLOSED);",
        replace: "store<u64>(streams, load<u64>(streams, PEER_CLOSED), PEER_CLOSED);",
      },
    ],
  },
  {
    name: "final-size-not-checked",
    explanation: "bytes beyond the end of a stream are taken",
    against: "ends-twice",
    edits: [
      {
        file: "stream/assembler.ts",
        find: "  if (end > finalSize) return FINAL_SIZE;\n",
        replace: "",
      },
      {
        file: "stream/assembler.ts",
        find: "  if (finalSize != NO_FINAL_SIZE && end != finalSize) return FINAL_SIZE;\n",
        replace: "",
      },
    ],
  },
  {
    name: "overlap-misplaced",
    explanation: "bytes that overlap what came before are stored shifted",
    against: null,
    edits: [
      {
        file: "stream/assembler.ts",
        find: "  data += <usize>(start - offset);\n",
        replace: "",
      },
    ],
  },
  {
    name: "gap-delivered",
    explanation: "bytes behind a gap become readable before the gap is filled",
    against: null,
    edits: [
      {
        file: "stream/assembler.ts",
        find: "const next = highest > end ? chainMarkedEnd(chain, end, highest) : end;",
        replace: "const next = max(highest, end);",
      },
    ],
  },
  {
    name: "acknowledged-too-far",
    explanation: "an acknowledgement behind a gap also covers the gap",
    against: null,
    edits: [
      {
        file: "stream/send-buffer.ts",
        find: "  if (start > ackedTo) {\n",
        replace: "  if (start > ackedTo + 4000) {\n",
      },
    ],
  },
  {
    name: "reset-lost",
    explanation: "a lost RESET_STREAM is not sent again",
    against: null,
    edits: [
      {
        file: "stream/control.ts",
        find: "if (kind == CONTROL_RESET_STREAM) return streamSendState(stream) == SEND_RESET_SENT;",
        replace: "if (kind == CONTROL_RESET_STREAM) return false;",
      },
    ],
  },
  {
    name: "stop-ignored",
    explanation: "a sender that is asked to stop goes on",
    against: null,
    edits: [
      {
        file: "stream/send-part.ts",
        find: "if (status != OK || stream == 0 || streamHas(stream, IS_STOPPED_BY_PEER)) return status;",
        replace: "if (status != OK || stream != 0) return status;",
      },
    ],
  },
  {
    name: "credit-leaks",
    explanation: "half of what was read never comes back to the window of the connection",
    against: null,
    edits: [
      {
        file: "stream/receive-part.ts",
        find: "if (windowConsume(ofConnection, bytes) || isPeerBlocked) {",
        replace: "if (windowConsume(ofConnection, bytes >> 1) || isPeerBlocked) {",
      },
    ],
  },
  {
    name: "checksum-not-verified",
    explanation: "a message whose checksum is wrong is delivered",
    against: "sends-wrong-checksums",
    edits: [
      {
        file: "wire/message.ts",
        find: "  if (expected != found) {\n",
        replace: "  if (expected == 0 && found == 0) {\n",
      },
    ],
  },
  {
    name: "large-message-accepted",
    explanation: "a message above the own limit is delivered",
    against: "sends-large-messages",
    edits: [
      {
        file: "connection/messages.ts",
        find: "    if (message.payloadLength > max) return MESSAGE_TOO_LARGE;\n",
        replace: "    if (message.payloadLength > max + 100000) return MESSAGE_TOO_LARGE;\n",
      },
    ],
  },
  {
    name: "datagram-sent-twice",
    explanation: "every fifth datagram stays in the queue after it was sent",
    against: null,
    edits: [
      {
        file: "connection/stream-frames.ts",
        find: "    datagramQueuePop(queue);\n",
        replace: "    if (connection.packetsSent % 5 != 0) datagramQueuePop(queue);\n",
      },
    ],
  },
  {
    name: "band-starved",
    explanation: "the background band never has its turn",
    against: null,
    edits: [
      {
        file: "stream/scheduler.ts",
        find: "current = (current + 1) & (BANDS - 1);",
        replace: "current = (current + 1) % (BANDS - 1);",
      },
    ],
  },
  {
    name: "writer-never-woken",
    explanation: "a write that was cut short is never told to go on",
    against: null,
    edits: [
      {
        file: "stream/send-part.ts",
        find: "      if (isSending) eventRaise(stream, EVENT_WRITABLE);\n",
        replace: "",
      },
    ],
  },
];
