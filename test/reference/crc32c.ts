/** Readable twin of CRC-32C: division by the polynomial, bit by bit (RFC 3720 appendix B.4). */
const POLYNOMIAL = 0x82f63b78;

export function crc32c(crc: number, data: Uint8Array): number {
  let remainder = ~crc;
  for (const byte of data) {
    remainder ^= byte;
    for (let bit = 0; bit < 8; bit++) {
      remainder = (remainder >>> 1) ^ ((remainder & 1) === 1 ? POLYNOMIAL : 0);
    }
  }
  return ~remainder >>> 0;
}
