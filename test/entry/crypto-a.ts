/** Test entry: digests, keys, packet protection and checksums. Compiled to build/test/crypto-a.wasm. */
import { SHA256_STATE_SIZE } from "../../assembly/crypto/sha256.ts";
import { HMAC_STATE_SIZE } from "../../assembly/crypto/hmac.ts";
import { XXH3_STATE_SIZE } from "../../assembly/base/xxh3.ts";

import { xxh3, xxh3Final, xxh3Init, xxh3Update } from "../../assembly/base/xxh3.ts";
import { aeadOpen, aeadSeal } from "../../assembly/crypto/chacha20-poly1305.ts";
import {
  chacha20Block,
  chacha20Xor,
  headerProtectionMask,
} from "../../assembly/crypto/chacha20.ts";
import { equalConstantTime, wipe } from "../../assembly/crypto/constant-time.ts";
import { hkdfExpand, hkdfExtract } from "../../assembly/crypto/hkdf.ts";
import { hmacFinal, hmacInit, hmacSha256, hmacUpdate } from "../../assembly/crypto/hmac.ts";
import { poly1305 } from "../../assembly/crypto/poly1305.ts";
import { sha256, sha256Final, sha256Init, sha256Update } from "../../assembly/crypto/sha256.ts";

export {
  xxh3,
  xxh3Final,
  xxh3Init,
  xxh3Update,
  aeadOpen,
  aeadSeal,
  chacha20Block,
  chacha20Xor,
  headerProtectionMask,
  equalConstantTime,
  wipe,
  hkdfExpand,
  hkdfExtract,
  hmacFinal,
  hmacInit,
  hmacSha256,
  hmacUpdate,
  poly1305,
  sha256,
  sha256Final,
  sha256Init,
  sha256Update,
};

export function sha256StateSize(): i32 {
  return SHA256_STATE_SIZE;
}

export function hmacStateSize(): i32 {
  return HMAC_STATE_SIZE;
}

export function xxh3StateSize(): i32 {
  return XXH3_STATE_SIZE;
}

/** First address that no static data uses: tests look below it for what must have been erased. */
export function staticEnd(): usize {
  return __heap_base;
}
