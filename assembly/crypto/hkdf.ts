/**
 * HKDF with SHA-256: keys out of a shared secret.
 *
 * Spec       RFC 5869 §2.2, §2.3
 * Layer      crypto (L1)
 * Limits     at most 255 × 32 bytes from one pseudo-random key (§2.3)
 * Twin       test/reference/hmac.ts
 */
import { invariant } from "../base/invariant.ts";
import { wipe } from "./constant-time.ts";
import { hmacFinal, hmacInit, hmacSha256, hmacUpdate } from "./hmac.ts";

export const HKDF_OUTPUT_MAX: i32 = 8160;
const DIGEST_SIZE: i32 = 32;

const HMAC: usize = memory.data(176, 16);
/** The last block T(i), then its counter byte. */
const CHAIN: usize = memory.data(48, 16);
const PRK: usize = memory.data(32, 16);

/** Condenses `ikmLen` bytes of key material to a pseudo-random key; `out32` may overlap the inputs. */
export function hkdfExtract(
  salt: usize,
  saltLen: i32,
  ikm: usize,
  ikmLen: i32,
  out32: usize,
): void {
  hmacSha256(salt, saltLen, ikm, ikmLen, out32);
}

/** Writes `outLen` bytes bound to `info`; `out` may overlap the key but not `info`. */
export function hkdfExpand(prk32: usize, info: usize, infoLen: i32, out: usize, outLen: i32): void {
  invariant(outLen >= 0 && outLen <= HKDF_OUTPUT_MAX);
  memory.copy(PRK, prk32, <usize>DIGEST_SIZE);
  let chainLen = 0;
  for (let counter: u32 = 1; outLen > 0; counter++) {
    hmacInit(HMAC, PRK, DIGEST_SIZE);
    hmacUpdate(HMAC, CHAIN, chainLen);
    hmacUpdate(HMAC, info, infoLen);
    store<u8>(CHAIN, counter, 32);
    hmacUpdate(HMAC, CHAIN + 32, 1);
    hmacFinal(HMAC, CHAIN);
    chainLen = DIGEST_SIZE;
    const taken = min<i32>(outLen, DIGEST_SIZE);
    memory.copy(out, CHAIN, <usize>taken);
    out += <usize>taken;
    outLen -= taken;
  }
  wipe(CHAIN, 48);
  wipe(PRK, DIGEST_SIZE);
}
