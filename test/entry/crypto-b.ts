/**
 * Test entry: what the unit tests of X25519 and Ed25519 reach. Compiled to
 * build/test/crypto-b.wasm.
 */
import { invariant } from "../../assembly/base/invariant.ts";
import { ed25519Verify } from "../../assembly/crypto/ed25519.ts";
import { pointDecode, pointEncode } from "../../assembly/crypto/edwards25519.ts";
import {
  fieldAdd,
  fieldDecode,
  fieldEncode,
  fieldInvert,
  fieldSubtract,
  FIELD_SIZE,
} from "../../assembly/crypto/field25519.ts";
import { fieldMultiply, fieldSquare } from "../../assembly/crypto/field25519-product.ts";
import {
  scalarDigits,
  scalarIsCanonical,
  scalarReduce,
} from "../../assembly/crypto/scalar25519.ts";
import { x25519, x25519PublicKey } from "../../assembly/crypto/x25519.ts";

export {
  ed25519Verify,
  fieldAdd,
  fieldDecode,
  fieldEncode,
  fieldInvert,
  fieldMultiply,
  fieldSquare,
  fieldSubtract,
  invariant,
  pointDecode,
  pointEncode,
  scalarDigits,
  scalarIsCanonical,
  scalarReduce,
  x25519,
  x25519PublicKey,
};

/** Bytes of one field element. */
export function fieldSize(): usize {
  return FIELD_SIZE;
}
