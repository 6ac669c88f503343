/**
 * Digests for other languages.
 *
 * Spec       wit/digest.wit
 * Layer      abi (L5)
 */
import { crc32c } from "../../base/crc32c.ts";
import { xxh3 } from "../../base/xxh3.ts";
import { sha256 } from "../../crypto/sha256.ts";
import { callEnd, callReserve, result, storeList } from "./memory.ts";

export function digest_sha256(data: usize, size: i32): usize {
  const digest = callReserve(32, 8);
  sha256(data, size, digest);
  storeList(result, digest, 32);
  return result;
}

export function digest_sha256_post(_result: usize): void {
  callEnd();
}

export function digest_xxh3(data: usize, size: usize): u64 {
  const hash = xxh3(data, size);
  callEnd();
  return hash;
}

export function digest_crc32c(before: u32, data: usize, size: usize): u32 {
  const sum = crc32c(before, data, size);
  callEnd();
  return sum;
}
