/**
 * Readable twin of packet protection: docs/protocol.md §4.2 to §4.6, over node:crypto.
 *
 * HKDF-Expand is written out from RFC 5869 §2.3, because node:crypto offers it only together with
 * Extract.
 */
import { createCipheriv, createDecipheriv, createHmac } from "node:crypto";
import { encodeShortHeader } from "./packets.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const HEADER_SIZE = 16;
const TAG_SIZE = 16;

function hkdfExpand(secret: Uint8Array, label: string, size: number): Bytes {
  // One block is enough: no label asks for more than 32 bytes.
  const block = createHmac("sha256", secret).update(label).update(Uint8Array.of(1)).digest();
  return Uint8Array.from(block.subarray(0, size));
}

/** The keys of one direction. */
export class PacketKeys {
  readonly #key: Bytes;
  readonly #iv: Bytes;
  readonly #headerKey: Bytes;

  constructor(secret: Uint8Array) {
    this.#key = hkdfExpand(secret, "mxp key", 32);
    this.#iv = hkdfExpand(secret, "mxp iv", 12);
    this.#headerKey = hkdfExpand(secret, "mxp hp", 32);
  }

  /** A whole packet. */
  seal(connectionId: bigint, packetNumber: bigint, payload: Uint8Array): Bytes {
    const header = encodeShortHeader({
      connectionId,
      hasPhaseBit: false,
      packetNumber,
      numberBytes: 4,
      bodyLength: payload.length + TAG_SIZE,
    });
    return this.sealWith(header, packetNumber, payload);
  }

  /** A whole packet with any unmasked header. */
  sealWith(header: Uint8Array, packetNumber: bigint, payload: Uint8Array): Bytes {
    const nonce = this.#nonce(packetNumber);
    const cipher = createCipheriv("chacha20-poly1305", this.#key, nonce, { authTagLength: 16 });
    cipher.setAAD(header, { plaintextLength: payload.length });
    const body = Buffer.concat([cipher.update(payload), cipher.final()]);
    const packet = Uint8Array.from([...header, ...body, ...cipher.getAuthTag()]);
    this.#mask(packet);
    return packet;
  }

  /**
   * The payload and number of a packet, whose number is near zero; null when it is not authentic.
   */
  open(packet: Uint8Array): { readonly number: bigint; readonly payload: Bytes } | null {
    const copy = Uint8Array.from(packet);
    this.#mask(copy);
    const bytes = 1 + (copy[9]! & 3);
    let number = 0n;
    for (let index = bytes - 1; index >= 0; index--) {
      number = (number << 8n) | BigInt(copy[12 + index]!);
    }
    const nonce = this.#nonce(number);
    const decipher = createDecipheriv("chacha20-poly1305", this.#key, nonce, { authTagLength: 16 });
    const body = copy.subarray(HEADER_SIZE, copy.length - TAG_SIZE);
    decipher.setAAD(copy.subarray(0, HEADER_SIZE), { plaintextLength: body.length });
    decipher.setAuthTag(copy.subarray(copy.length - TAG_SIZE));
    try {
      const payload = Buffer.concat([decipher.update(body), decipher.final()]);
      return { number, payload: Uint8Array.from(payload) };
    } catch {
      return null;
    }
  }

  /** The iv, its last 8 bytes XORed with the number in network byte order. */
  #nonce(packetNumber: bigint): Bytes {
    const nonce = Uint8Array.from(this.#iv);
    for (let index = 0; index < 8; index++) {
      nonce[4 + index]! ^= Number((packetNumber >> BigInt(8 * (7 - index))) & 0xffn);
    }
    return nonce;
  }

  /** Header protection, on and off: ChaCha20 over zeros with counter and nonce from the sample. */
  #mask(packet: Uint8Array): void {
    const sample = packet.subarray(HEADER_SIZE, HEADER_SIZE + 16);
    const mask = createCipheriv("chacha20", this.#headerKey, sample).update(new Uint8Array(6));
    packet[8]! ^= mask[0]! & 0xf8;
    packet[9]! ^= mask[1]!;
    for (let index = 0; index < 4; index++) packet[12 + index]! ^= mask[2 + index]!;
  }
}
