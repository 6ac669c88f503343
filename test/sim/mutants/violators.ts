/** Engines that break one rule as senders, so that a receiver which does not enforce it shows. */
import type { Violation } from "../world.ts";
import type { Edit } from "./compile.ts";

export type ViolatorName =
  | "acknowledges-unsent"
  | "ends-twice"
  | "ignores-stream-limit"
  | "ignores-windows"
  | "sends-large-messages"
  | "sends-wrong-checksums"
  | "sets-reserved-bits";

export interface Violator extends Violation {
  readonly edits: readonly Edit[];
}

export const VIOLATORS: Readonly<Record<ViolatorName, Violator>> = {
  "acknowledges-unsent": {
    violator: "client",
    code: "protocol-violation",
    edits: [
      {
        file: "recovery/received-packets.ts",
        find: "  return rangeSetEnd(ranges, rangeSetCount(ranges) - 1 - index) - 1;\n",
        replace:
          "  const end = rangeSetEnd(ranges, rangeSetCount(ranges) - 1 - index) - 1;\n" +
          "  return index == 0 ? end + 3000 : end;\n",
      },
    ],
  },
  "ends-twice": {
    violator: "server",
    code: "final-size",
    edits: [
      {
        file: "stream/send-part.ts",
        find: "sendBufferEndsAt(buffer, offset + length) ? 1 : 0",
        replace: "sendBufferEndsAt(buffer, offset + length) || offset == 0 ? 1 : 0",
      },
    ],
  },
  "ignores-stream-limit": {
    violator: "client",
    code: "stream-limit",
    edits: [
      {
        file: "stream/streams.ts",
        find: "  if (index >= load<u64>(streams, LOCAL_LIMIT)) {\n",
        replace: "  if (index >= load<u64>(streams, LOCAL_LIMIT) + 64) {\n",
      },
    ],
  },
  "ignores-windows": {
    violator: "server",
    code: "flow-control",
    edits: [
      {
        file: "stream/flow-control.ts",
        find: "  return load<u64>(credit, LIMIT) - load<u64>(credit, USED);\n",
        replace: "  return load<u64>(credit, LIMIT) + 0x10000000 - load<u64>(credit, USED);\n",
      },
    ],
  },
  "sends-large-messages": {
    violator: "client",
    code: "message-too-large",
    edits: [
      {
        file: "connection/messages.ts",
        find: "  if (<u32>(MESSAGE_MIN + payloadSize) > connection.peerMaxMessage) return MESSAGE_TOO_LARGE;\n",
        replace: "",
      },
    ],
  },
  "sends-wrong-checksums": {
    violator: "server",
    code: "checksum-mismatch",
    edits: [
      {
        file: "wire/message.ts",
        find: "  store<u64>(out + checksumAt, xxh3(out, checksumAt));\n",
        replace: "  store<u64>(out + checksumAt, xxh3(out, checksumAt) ^ 1);\n",
      },
    ],
  },
  "sets-reserved-bits": {
    violator: "client",
    code: "packet-invalid",
    edits: [
      {
        file: "wire/packet-header.ts",
        find: "  store<u8>(out, numberBytes - 1, AT_NUMBER_BYTE);\n",
        replace: "  store<u8>(out, (numberBytes - 1) | 0x80, AT_NUMBER_BYTE);\n",
      },
    ],
  },
};
