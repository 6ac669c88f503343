/**
 * What anyone on the path can read of a datagram: the clear heads of its packets (docs/protocol.md, "Packets").
 *
 *     byte 0        8       9      10       12        16
 *          | id 8   | flags | byte | length | 4 bytes | length bytes of body …
 */

export const PACKET_HEAD_SIZE = 16;

/** Packet types in bits 0 to 2 of the flags. */
export const PACKET_TYPE = { initial: 1, handshake: 2, oneRtt: 4, hint: 7 } as const;

export interface PacketSpan {
  readonly type: number;
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
}

const TYPE_NAMES = ["?0", "initial", "handshake", "zero-rtt", "1-rtt", "probe", "retry", "hint"];

/** The packets of a datagram, as far as their lengths are sound. */
export function packetSpans(bytes: Uint8Array): PacketSpan[] {
  const spans: PacketSpan[] = [];
  let start = 0;
  while (bytes.length - start >= PACKET_HEAD_SIZE) {
    const length = (bytes[start + 10] ?? 0) | ((bytes[start + 11] ?? 0) << 8);
    const end = start + PACKET_HEAD_SIZE + length;
    if (end > bytes.length) break;
    spans.push({ type: (bytes[start + 8] ?? 0) & 7, start, end });
    start = end;
  }
  return spans;
}

/** The packets of `original` that are still whole in `received`. */
export function intactPackets(original: Uint8Array, received: Uint8Array): PacketSpan[] {
  const spans = packetSpans(original);
  if (original === received) return spans;
  return spans.filter(
    ({ start, end }) =>
      end <= received.length &&
      Buffer.compare(original.subarray(start, end), received.subarray(start, end)) === 0,
  );
}

/** One word for a trace line, for example "initial" or "1-rtt+1-rtt". */
export function describePackets(bytes: Uint8Array): string {
  const names = packetSpans(bytes).map((span) => TYPE_NAMES[span.type]);
  return names.length === 0 ? "garbage" : names.join("+");
}
