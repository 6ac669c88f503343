/** Test entry: what the unit tests of assembly/noise reach. Compiled to build/test/noise.wasm. */
import { CIPHER_STATE_SIZE, cipherInitializeKey } from "../../assembly/noise/cipher-state.ts";
import { cipherDecryptWithAd, cipherEncryptWithAd } from "../../assembly/noise/cipher-state.ts";
import {
  HANDSHAKE_STATE_SIZE,
  handshakeHash,
  handshakeInit,
  handshakeInitWithPair,
  handshakeIsComplete,
  handshakeIsTurnToWrite,
  handshakeOverhead,
  handshakeRead,
  handshakeRemoteStatic,
  handshakeSetEphemeral,
  handshakeSplit,
  handshakeWipe,
  handshakeWrite,
} from "../../assembly/noise/handshake-state.ts";
import { patternProtocolName } from "../../assembly/noise/patterns.ts";
import { x25519PublicKey } from "../../assembly/crypto/x25519.ts";

export {
  cipherDecryptWithAd,
  cipherEncryptWithAd,
  cipherInitializeKey,
  handshakeHash,
  handshakeInit,
  handshakeInitWithPair,
  handshakeIsComplete,
  handshakeIsTurnToWrite,
  handshakeOverhead,
  handshakeRead,
  handshakeRemoteStatic,
  handshakeSetEphemeral,
  handshakeSplit,
  handshakeWipe,
  handshakeWrite,
  patternProtocolName,
  x25519PublicKey,
};

/** Bytes of one handshake's state. */
export function handshakeStateSize(): usize {
  return HANDSHAKE_STATE_SIZE;
}

/** Bytes of one CipherState. */
export function cipherStateSize(): usize {
  return CIPHER_STATE_SIZE;
}
