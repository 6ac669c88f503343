/**
 * No key-and-nonce pair seals two packets: seen on the wire, without any key.
 *
 * Two packets under the same key and nonce are xor-ed with the same keystream. Frames begin with fields whose
 * upper bytes are zero in practice (the upper half of an auxiliary word, the upper bytes of a stream id or packet
 * number; docs/protocol.md, "Frames"), so at these places both ciphertexts show the same keystream bytes. Bytes
 * 6, 7 and 10 to 15 of the plaintext are such: 64 bits, equal by chance once in 2^64 pairs. A run has fewer than
 * 2^32 pairs, ten thousand runs fewer than 2^46.
 *
 * A packet that is sent again as it was, to the last bit, reveals nothing: a closing endpoint may do so (RFC 9000
 * §10.2.1).
 */
import { OracleFailure } from "../failure.ts";
import { PACKET_HEAD_SIZE, PACKET_TYPE, packetSpans } from "../packets.ts";

const SAMPLE_SIZE = 16;

interface Seen {
  /** Bytes 6 and 7 of the ciphertext. */
  readonly check: number;
  readonly packet: Uint8Array;
}

export class NonceOracle {
  /** By bytes 10 to 15 of the ciphertext. */
  readonly #seen = new Map<number, Seen>();

  /** An endpoint sends `bytes`; every direction of every connection has an oracle of its own. */
  sent(bytes: Uint8Array): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (const { type, start, end } of packetSpans(bytes)) {
      const at = start + PACKET_HEAD_SIZE;
      if (type !== PACKET_TYPE.oneRtt || end - at < SAMPLE_SIZE) continue;
      const key = view.getUint16(at + 10, true) * 0x1_0000_0000 + view.getUint32(at + 12, true);
      const check = view.getUint16(at + 6, true);
      const packet = bytes.subarray(start, end);
      const seen = this.#seen.get(key);
      if (seen?.check === check && Buffer.compare(seen.packet, packet) !== 0) {
        throw new OracleFailure("nonce", "two packets show the same keystream");
      }
      this.#seen.set(key, { check, packet });
    }
  }
}
