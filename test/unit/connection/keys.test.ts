/**
 * Goal: packets are protected exactly as docs/protocol.md §4 says, and keys end before they wear out.
 * Method: an independent implementation over node:crypto derives, seals and opens the same packets.
 */
import { createCipheriv, createDecipheriv, createHmac, randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { TestModule } from "../../support/wasm.ts";

const module = new TestModule("connection");
const { exports } = module;
const HEADER = 16;
const TAG = 16;

/** HKDF-Expand of RFC 5869 for at most one block of SHA-256. */
function expand(secret: Uint8Array, label: string, size: number): Buffer {
  const info = Buffer.concat([Buffer.from(label), Buffer.of(1)]);
  return createHmac("sha256", secret).update(info).digest().subarray(0, size);
}

interface Keys {
  readonly key: Buffer;
  readonly iv: Buffer;
  readonly headerKey: Buffer;
}

function deriveTwin(secret: Uint8Array): Keys {
  return {
    key: expand(secret, "mxp key", 32),
    iv: expand(secret, "mxp iv", 12),
    headerKey: expand(secret, "mxp hp", 32),
  };
}

function nonceOf(keys: Keys, number: bigint): Buffer {
  const nonce = Buffer.from(keys.iv);
  nonce.writeBigUInt64BE(nonce.readBigUInt64BE(4) ^ number, 4);
  return nonce;
}

/** Mask of the header: ChaCha20 with the sample as counter and nonce, over zeros. */
function maskTwin(keys: Keys, packet: Uint8Array): void {
  const sample = packet.subarray(HEADER, HEADER + 16);
  const mask = createCipheriv("chacha20", keys.headerKey, sample).update(Buffer.alloc(8));
  packet[8]! ^= mask[0]! & 0xf8;
  for (let index = 0; index < 5; index += 1) {
    const at = index === 0 ? 9 : 11 + index;
    packet[at]! ^= mask[1 + index]!;
  }
}

function sealTwin(keys: Keys, number: bigint, header: Uint8Array, payload: Uint8Array): Buffer {
  const options = { authTagLength: TAG };
  const cipher = createCipheriv("chacha20-poly1305", keys.key, nonceOf(keys, number), options);
  cipher.setAAD(header, { plaintextLength: payload.length });
  const sealed = Buffer.concat([
    header,
    cipher.update(payload),
    cipher.final(),
    cipher.getAuthTag(),
  ]);
  maskTwin(keys, sealed);
  return sealed;
}

function derive(secret: Uint8Array): number {
  const keys = module.reserve(Number(exports["packetKeysSize"]!()));
  exports["keysDerive"]!(keys, module.put(secret));
  return keys;
}

const header = (payloadSize: number): Buffer => {
  const bytes = Buffer.from(randomBytes(HEADER));
  bytes[8] = 4;
  bytes[9] = 3;
  bytes.writeUInt16LE(payloadSize + TAG, 10);
  return bytes;
};

test.each([8, 16, 24, 136, 1168, 1416])("a packet of %i bytes is that of the twin", (size) => {
  for (const number of [0n, 1n, 255n, 0xffff_ffffn, (1n << 62n) - 1n]) {
    module.release();
    const secret = randomBytes(32);
    const payload = randomBytes(size);
    const head = header(size);
    const packet = module.put(new Uint8Array([...head, ...payload, ...new Uint8Array(TAG)]));
    const sealedSize = exports["sealPacket"]!(derive(secret), number, packet, size);
    expect(Number(sealedSize)).toBe(HEADER + size + TAG);
    const expected = sealTwin(deriveTwin(secret), number, head, payload);
    expect(Buffer.compare(module.get(packet, sealedSize), expected)).toBe(0);
  }
});

test("what the twin seals opens, and one wrong bit anywhere does not", () => {
  module.release();
  const secret = randomBytes(32);
  const payload = randomBytes(40);
  const head = header(40);
  const sealed = sealTwin(deriveTwin(secret), 77n, head, payload);
  const keys = derive(secret);
  const open = (bytes: Uint8Array, number: bigint): boolean => {
    const packet = module.put(bytes);
    exports["unmaskPacket"]!(keys, packet);
    const isOpen = Number(exports["openPacket"]!(keys, number, packet, 40)) === 1;
    if (isOpen) expect(Buffer.compare(module.get(packet + HEADER, 40), payload)).toBe(0);
    return isOpen;
  };
  expect(open(sealed, 77n)).toBe(true);
  expect(open(sealed, 78n)).toBe(false);
  for (let bit = 0; bit < sealed.length * 8; bit += 1) {
    const damaged = Buffer.from(sealed);
    damaged[bit >> 3]! ^= 1 << (bit & 7);
    expect(open(damaged, 77n)).toBe(false);
  }
});

test("a key ends after 2^62 packets, or 2^36 forgeries", () => {
  module.release();
  const keys = derive(randomBytes(32));
  const is = (name: string): boolean => Number(exports[name]!(keys)) === 1;
  expect([is("keysMaySeal"), is("keysAreForged")]).toEqual([true, false]);
  module.view.setBigUint64(keys + 112, (1n << 62n) - 1n, true);
  expect(is("keysMaySeal")).toBe(true);
  exports["sealPacket"]!(keys, 5n, module.put(new Uint8Array(64)), 8);
  expect(is("keysMaySeal")).toBe(false);
  module.view.setBigUint64(keys + 120, (1n << 36n) - 1n, true);
  expect(is("keysAreForged")).toBe(false);
  exports["openPacket"]!(keys, 5n, module.put(new Uint8Array(64)), 8);
  expect(is("keysAreForged")).toBe(true);
});

test("wiped keys are gone", () => {
  module.release();
  const secret = randomBytes(32);
  const keys = derive(secret);
  exports["keysWipe"]!(keys);
  expect(module.get(keys, 128).every((byte) => byte === 0)).toBe(true);
});

test("the twin's cipher really is RFC 8439", () => {
  const keys = deriveTwin(randomBytes(32));
  const sealed = sealTwin(keys, 1n, header(8), Buffer.alloc(8));
  maskTwin(keys, sealed);
  const options = { authTagLength: TAG };
  const decipher = createDecipheriv("chacha20-poly1305", keys.key, nonceOf(keys, 1n), options);
  decipher.setAAD(sealed.subarray(0, HEADER), { plaintextLength: 8 });
  decipher.setAuthTag(sealed.subarray(-TAG));
  const opened = Buffer.concat([decipher.update(sealed.subarray(HEADER, -TAG)), decipher.final()]);
  expect(opened).toEqual(Buffer.alloc(8));
});
