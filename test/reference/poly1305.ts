/** Readable twin of Poly1305: RFC 8439 §2.5.1 with numbers of any size. */
const P = (1n << 130n) - 5n;
const CLAMP = 0x0ffffffc0ffffffc0ffffffc0fffffffn;
const BLOCK_SIZE = 16;

export function poly1305(key: Uint8Array, message: Uint8Array): Uint8Array<ArrayBuffer> {
  const r = littleEndian(key.subarray(0, 16)) & CLAMP;
  const s = littleEndian(key.subarray(16, 32));
  let accumulator = 0n;
  for (let at = 0; at < message.length; at += BLOCK_SIZE) {
    const block = message.subarray(at, at + BLOCK_SIZE);
    const number = littleEndian(block) + (1n << BigInt(8 * block.length));
    accumulator = ((accumulator + number) * r) % P;
  }
  const tag = accumulator + s;
  return Uint8Array.from({ length: 16 }, (_, index) => Number((tag >> BigInt(8 * index)) & 255n));
}

function littleEndian(bytes: Uint8Array): bigint {
  return bytes.reduceRight((number, byte) => (number << 8n) | BigInt(byte), 0n);
}
