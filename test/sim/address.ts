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

/** A key for maps; equal exactly when two addresses of the simulated network are. */
export function addressKey(address: AddressBytes): number {
  const port = (address[2] ?? 0) | ((address[3] ?? 0) << 8);
  const host = ((address[10] ?? 0) << 8) | (address[11] ?? 0);
  return host * 0x1_0000 + port;
}
