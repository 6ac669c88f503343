/**
 * Carrier addresses as the engine keeps them: 24 opaque bytes instead of text.
 *
 *   0        2        4            8                        24
 *   +--------+--------+------------+-------------------------+
 *   | family | port   | flow (0)   | IPv4 in 4 bytes, or IPv6 |   little-endian numbers
 *   +--------+--------+------------+-------------------------+
 *
 * Both directions are cached: text is parsed once for each peer, not once for each datagram. The last address of
 * each direction is kept apart, because datagrams come and go in trains.
 */
import type { SocketAddress } from "../ports/datagrams.ts";
import { ADDRESS_SIZE } from "../engine/contract.ts";

/** Peers remembered in each direction; the oldest is forgotten first. */
const CACHE_MAX = 4096;

export class AddressBook {
  readonly #bytesOf = new Map<string, Uint8Array<ArrayBuffer>>();
  readonly #addressOf = new Map<string, SocketAddress>();
  #lastAddress: SocketAddress | null = null;
  #lastAddressBytes = new Uint8Array(ADDRESS_SIZE);
  readonly #lastBytes = new Uint8Array(ADDRESS_SIZE);
  #lastBytesAddress: SocketAddress | null = null;

  /** The 24 bytes of an address. The result is shared: do not change it. */
  toBytes(address: SocketAddress): Uint8Array {
    if (address !== this.#lastAddress) {
      this.#lastAddressBytes = this.#findBytes(address);
      this.#lastAddress = address;
    }
    return this.#lastAddressBytes;
  }

  /** The address of 24 bytes. */
  toAddress(bytes: Uint8Array): SocketAddress {
    if (this.#lastBytesAddress === null || !isEqual(bytes, this.#lastBytes)) {
      this.#lastBytesAddress = this.#findAddress(bytes);
      this.#lastBytes.set(bytes);
    }
    return this.#lastBytesAddress;
  }

  #findBytes(address: SocketAddress): Uint8Array<ArrayBuffer> {
    const key = `${address.host}|${address.port}`;
    const known = this.#bytesOf.get(key);
    if (known !== undefined) return known;
    const bytes = encode(address);
    remember(this.#bytesOf, key, bytes);
    return bytes;
  }

  #findAddress(bytes: Uint8Array): SocketAddress {
    const key = String.fromCharCode(...bytes);
    const known = this.#addressOf.get(key);
    if (known !== undefined) return known;
    const address = decode(bytes);
    remember(this.#addressOf, key, address);
    return address;
  }
}

function remember<Value>(cache: Map<string, Value>, key: string, value: Value): void {
  if (cache.size >= CACHE_MAX) {
    const oldest = cache.keys().next();
    if (oldest.done !== true) cache.delete(oldest.value);
  }
  cache.set(key, value);
}

function isEqual(one: Uint8Array, other: Uint8Array): boolean {
  for (let index = 0; index < ADDRESS_SIZE; index += 1) {
    if (one[index] !== other[index]) return false;
  }
  return true;
}

function encode(address: SocketAddress): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(ADDRESS_SIZE);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, address.family, true);
  view.setUint16(2, address.port, true);
  if (address.family === 4) {
    address.host.split(".").forEach((part, index) => view.setUint8(8 + index, Number(part)));
  } else {
    groups(address.host).forEach((group, index) => view.setUint16(8 + index * 2, group, false));
  }
  return bytes;
}

function decode(bytes: Uint8Array): SocketAddress {
  const view = new DataView(bytes.buffer, bytes.byteOffset, ADDRESS_SIZE);
  const port = view.getUint16(2, true);
  if (view.getUint16(0, true) === 4) {
    return { family: 4, host: bytes.subarray(8, 12).join("."), port };
  }
  const parts = Array.from({ length: 8 }, (_, index) => view.getUint16(8 + index * 2, false));
  return { family: 6, host: parts.map((part) => part.toString(16)).join(":"), port };
}

/** The eight groups of an IPv6 address in text (RFC 4291 §2.2), without a zone. */
function groups(host: string): number[] {
  const text = host.split("%")[0] ?? host;
  const [head = "", tail] = text.split("::");
  const front = parseGroups(head);
  if (tail === undefined) return front;
  const back = parseGroups(tail);
  const zeros = Array.from({ length: 8 - front.length - back.length }, () => 0);
  return [...front, ...zeros, ...back];
}

function parseGroups(text: string): number[] {
  if (text === "") return [];
  return text.split(":").flatMap((group) => {
    if (!group.includes(".")) return [Number.parseInt(group, 16)];
    const [a = 0, b = 0, c = 0, d = 0] = group.split(".").map(Number);
    return [a * 256 + b, c * 256 + d];
  });
}
