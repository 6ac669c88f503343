/**
 * wit/digest.wit over linear memory: SHA-256 in pieces. Needs no endpoint.
 *
 * Layer      abi (L5)
 */
import { wipe } from "../crypto/constant-time.ts";
import { SHA256_STATE_SIZE, sha256Final, sha256Init, sha256Update } from "../crypto/sha256.ts";

const AREA_SIZE: i32 = 65536;

const area = memory.data(65536, 16);
const state = memory.data(SHA256_STATE_SIZE, 16);

/** Where the host puts the bytes, and finds the digest. */
export function digestArea(): usize {
  return area;
}

export function digestAreaSize(): i32 {
  return AREA_SIZE;
}

export function digestInit(): void {
  sha256Init(state);
}

/** Takes the first `size` bytes of the area. */
export function digestUpdate(size: i32): void {
  sha256Update(state, area, size);
}

/** Writes the 32 bytes of the digest to the area, and wipes what was digested. */
export function digestFinal(): void {
  wipe(area, AREA_SIZE);
  sha256Final(state, area);
}
