/**
 * Test entry: what the unit tests of assembly/certificate reach. Compiled to
 * build/test/certificate.wasm.
 */
import { invariant } from "../../assembly/base/invariant.ts";
import { certificateParse } from "../../assembly/certificate/certificate.ts";
import {
  distrustAuthority,
  isAuthorityTrusted,
  isIdentityPinned,
  isVerified,
  pinIdentity,
  rememberVerified,
  TRUST_STORE_SIZE,
  trustAuthority,
  trustStoreInit,
  unpinIdentity,
} from "../../assembly/certificate/trust-store.ts";
import { isUtf8 } from "../../assembly/certificate/utf8.ts";
import { certificateVerify, VERDICT_SIZE } from "../../assembly/certificate/verify.ts";

export {
  certificateParse,
  certificateVerify,
  distrustAuthority,
  invariant,
  isAuthorityTrusted,
  isIdentityPinned,
  isUtf8,
  isVerified,
  pinIdentity,
  rememberVerified,
  trustAuthority,
  trustStoreInit,
  unpinIdentity,
};

/** Bytes of a trust store. */
export function trustStoreSize(): i32 {
  return TRUST_STORE_SIZE;
}

/** Bytes of a verdict. */
export function verdictSize(): i32 {
  return VERDICT_SIZE;
}
