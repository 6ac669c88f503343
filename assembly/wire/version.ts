/**
 * Versions: one 32-bit number names wire format and cipher suite.
 *
 * Spec       docs/protocol.md §2
 * Layer      wire (L1); imports nothing
 */

/** Noise with 25519, ChaChaPoly, SHA256: the one that is built. */
export const VERSION_CHACHAPOLY: u32 = 0x4d585001;
/** Reserved: 25519, AESGCM, SHA256. */
export const VERSION_AESGCM: u32 = 0x4d585002;
/** Reserved: P256, AESGCM, SHA256. */
export const VERSION_P256: u32 = 0x4d585003;

/** True for a version that this engine speaks. */
export function isVersionSupported(version: u32): bool {
  return version == VERSION_CHACHAPOLY;
}

/**
 * True for the numbers 0x?A?A?A?A, which are offered only to keep peers from choking on unknown
 * ones.
 */
export function isVersionGrease(version: u32): bool {
  return (version & 0x0f0f0f0f) == 0x0a0a0a0a;
}

/** True when `version` is one of the `count` at `list`. */
export function versionListHas(list: usize, count: i32, version: u32): bool {
  for (let index = 0; index < count; index++) {
    if (load<u32>(list + ((<usize>index) << 2)) == version) return true;
  }
  return false;
}
