/** Carrier addresses of the simulated network, in the engine's 24-byte form (IPv4 10.0.x.y). */
import { ADDRESS_SIZE, type AddressBytes } from "../../host/shared/engine/contract.ts";

const FAMILY_IPV4 = 4;

/** The address 10.0.`host >> 8`.`host & 255` with `port`. */
export function simulatedAddress(host: number, port: number): AddressBytes {
  const bytes = new Uint8Array(ADDRESS_SIZE);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, FAMILY_IPV4, true);
  view.setUint16(2, port, true);
  bytes.set([10, 0, host >> 8, host & 255], 8);
  return bytes;
}

/** A key for maps; equal exactly when the addresses are. */
export function addressKey(address: AddressBytes): string {
  return Buffer.from(address.buffer, address.byteOffset, address.byteLength).toString("latin1");
}
