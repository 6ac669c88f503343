/**
 * Records of the model: everything reliable is one sequence of them, one to a packet.
 *
 *     0 kind | 1 flags | 2 data length u16 | 4 sequence u32 | 8 stream u32 | 12 value u32 | data
 */
export const RECORD_HEAD_SIZE = 16;
export const DATA_MAX = 1100;

export const RECORD = {
  ack: 1,
  open: 2,
  data: 3,
  reset: 4,
  stop: 5,
  credit: 6,
  confirm: 7,
  done: 8,
  datagram: 9,
  close: 10,
} as const;

export const FLAG_LAST = 1;

export interface Record {
  readonly kind: number;
  readonly flags: number;
  readonly sequence: number;
  readonly stream: number;
  readonly value: number;
  readonly data: Uint8Array;
}

export function encodeRecord(record: Record): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(RECORD_HEAD_SIZE + record.data.length);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, record.kind);
  view.setUint8(1, record.flags);
  view.setUint16(2, record.data.length, true);
  view.setUint32(4, record.sequence, true);
  view.setUint32(8, record.stream, true);
  view.setUint32(12, record.value, true);
  bytes.set(record.data, RECORD_HEAD_SIZE);
  return bytes;
}

export function decodeRecord(bytes: Uint8Array): Record | null {
  if (bytes.length < RECORD_HEAD_SIZE) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint16(2, true) !== bytes.length - RECORD_HEAD_SIZE) return null;
  return {
    kind: view.getUint8(0),
    flags: view.getUint8(1),
    sequence: view.getUint32(4, true),
    stream: view.getUint32(8, true),
    value: view.getUint32(12, true),
    data: bytes.subarray(RECORD_HEAD_SIZE),
  };
}
