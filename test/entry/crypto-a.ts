/** Test entry: digests, keys, packet protection and checksums. Compiled to build/test/crypto-a.wasm. */
import { crc32c } from "../../assembly/base/crc32c.ts";
import {
  XXH3_STATE_SIZE,
  xxh3,
  xxh3Final,
  xxh3Init,
  xxh3Update,
} from "../../assembly/base/xxh3.ts";
import { aeadOpen, aeadSeal } from "../../assembly/crypto/chacha20-poly1305.ts";
import {
  chacha20Block,
  chacha20Xor,
  headerProtectionMask,
} from "../../assembly/crypto/chacha20.ts";
import { equalConstantTime, wipe } from "../../assembly/crypto/constant-time.ts";
import {
  GENERATOR_SIZE,
  generatorFill,
  generatorInit,
  generatorMix,
} from "../../assembly/crypto/generator.ts";
import { hkdfExpand, hkdfExtract } from "../../assembly/crypto/hkdf.ts";
import {
  HMAC_STATE_SIZE,
  hmacFinal,
  hmacInit,
  hmacSha256,
  hmacUpdate,
} from "../../assembly/crypto/hmac.ts";
import { poly1305 } from "../../assembly/crypto/poly1305.ts";
import {
  SHA256_STATE_SIZE,
  sha256,
  sha256Final,
  sha256Init,
  sha256Update,
} from "../../assembly/crypto/sha256.ts";
import {
  SHA512_STATE_SIZE,
  sha512,
  sha512Final,
  sha512Init,
  sha512Update,
} from "../../assembly/crypto/sha512.ts";

export { aeadOpen, aeadSeal, chacha20Block, chacha20Xor, headerProtectionMask, poly1305 };
export { equalConstantTime, wipe, generatorFill, generatorInit, generatorMix };
export { hkdfExpand, hkdfExtract, hmacFinal, hmacInit, hmacSha256, hmacUpdate };
export { sha256, sha256Final, sha256Init, sha256Update };
export { sha512, sha512Final, sha512Init, sha512Update };
export { crc32c, xxh3, xxh3Final, xxh3Init, xxh3Update };

export function sha256StateSize(): i32 {
  return SHA256_STATE_SIZE;
}

export function sha512StateSize(): i32 {
  return SHA512_STATE_SIZE;
}

export function hmacStateSize(): i32 {
  return HMAC_STATE_SIZE;
}

export function xxh3StateSize(): i32 {
  return XXH3_STATE_SIZE;
}

export function generatorSize(): i32 {
  return GENERATOR_SIZE;
}

/** First address above the static data: what must have been erased lies below it. */
export function staticEnd(): usize {
  return __heap_base;
}
