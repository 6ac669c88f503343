/**
 * Packets of the model: MXP's clear head over a toy cipher. The cipher is no protection at all; it only
 * makes bit flips and reused numbers visible, as a real one does.
 *
 *     0 connection id 8 | 8 type | 9 zero | 10 length u16 | 12 number u32 | ciphertext | tag 8
 */
export const HEAD_SIZE = 16;
const TAG_SIZE = 8;

export interface Opened {
  readonly number: number;
  readonly plaintext: Uint8Array;
}

function hash(seed: number, bytes: Uint8Array): number {
  let value = seed ^ 0x811c9dc5;
  for (const byte of bytes) value = Math.imul(value ^ byte, 0x01000193);
  value = Math.imul(value ^ (value >>> 15), 0x2c1b3c6d);
  return (value ^ (value >>> 12)) >>> 0;
}

export function digest(...parts: readonly Uint8Array[]): number {
  return parts.reduce((value, part) => hash(value, part), 7);
}

function applyKeystream(key: number, number: number, bytes: Uint8Array): void {
  let state = (Math.imul(key ^ number, 0x9e3779b1) ^ 0x5bd1e995) | 1;
  for (let index = 0; index < bytes.length; index++) {
    if (index % 4 === 0) {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
    }
    bytes[index] = (bytes[index] ?? 0) ^ (state >>> ((index % 4) * 8));
  }
}

export function sealPacket(
  type: number,
  connectionId: Uint8Array,
  key: number,
  number: number,
  plaintext: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const packet = new Uint8Array(HEAD_SIZE + plaintext.length + TAG_SIZE);
  const view = new DataView(packet.buffer);
  packet.set(connectionId, 0);
  packet[8] = type;
  view.setUint16(10, plaintext.length + TAG_SIZE, true);
  view.setUint32(12, number, true);
  packet.set(plaintext, HEAD_SIZE);
  applyKeystream(key, number, packet.subarray(HEAD_SIZE, packet.length - TAG_SIZE));
  const sealed = packet.subarray(0, packet.length - TAG_SIZE);
  view.setUint32(packet.length - TAG_SIZE, hash(key, sealed), true);
  view.setUint32(packet.length - 4, hash(~key, sealed), true);
  return packet;
}

/** Null when the packet is not whole, or, unless `skipsCheck`, not authentic. */
export function openPacket(packet: Uint8Array, key: number, skipsCheck: boolean): Opened | null {
  if (packet.length < HEAD_SIZE + TAG_SIZE) return null;
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
  const tagAt = packet.length - TAG_SIZE;
  const sealed = packet.subarray(0, tagAt);
  const isAuthentic =
    view.getUint16(10, true) === packet.length - HEAD_SIZE &&
    view.getUint32(tagAt, true) === hash(key, sealed) &&
    view.getUint32(tagAt + 4, true) === hash(~key, sealed);
  if (!isAuthentic && !skipsCheck) return null;
  const number = view.getUint32(12, true);
  const plaintext = packet.slice(HEAD_SIZE, tagAt);
  applyKeystream(key, number, plaintext);
  return { number, plaintext };
}
