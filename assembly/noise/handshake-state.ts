/**
 * HandshakeState: one side of one Noise handshake with 25519, ChaChaPoly and SHA-256.
 *
 * Spec       Noise rev 34 §5.3 (the functions), §9.2 (psk tokens), §11.2 (channel binding) ·
 *            docs/protocol.md §5
 * Layer      noise (L2)
 * Memory     HANDSHAKE_STATE_SIZE = 352 bytes, 8-aligned; a pair is private 32 ‖ public 32:
 *
 *              byte  0                   112       176       240     272     304
 *                    | SymmetricState    | s pair  | e pair  | rs 32 | re 32 | psk 32
 *              byte  336     337         338       339    340    352
 *                    | pattern | isInitiator | messages | has | zero |
 *
 *            messages = messages written and read so far; has = bits HAS_*, keys that are set
 * Invariant  a message that is not authentic, or whose Diffie-Hellman result is zero, leaves the
 *            state as if it had never come: whoever can inject a datagram cannot end the handshake
 *            of others
 * Limits     a message is at most 65535 bytes (§3)
 * Twin       test/reference/noise.ts
 */
import { invariant } from "../base/invariant.ts";
import { HANDSHAKE_FAILED } from "../base/status.ts";
import { wipe } from "../crypto/constant-time.ts";
import { x25519, x25519PublicKey } from "../crypto/x25519.ts";
import { cipherHasKey, TAG_SIZE } from "./cipher-state.ts";
import {
  PATTERN_IK,
  PATTERN_NK,
  PATTERN_NNPSK0,
  PATTERN_NX,
  PATTERN_XX,
  patternHasPsk,
  patternKnowsResponder,
  patternMessage,
  patternMessageCount,
  patternProtocolName,
  TOKEN_E,
  TOKEN_EE,
  TOKEN_ES,
  TOKEN_PSK,
  TOKEN_S,
  TOKEN_SE,
  TOKEN_SS,
} from "./patterns.ts";
import {
  SYMMETRIC_CIPHER,
  SYMMETRIC_H,
  symmetricDecryptAndHash,
  symmetricEncryptAndHash,
  symmetricInitialize,
  symmetricMixHash,
  symmetricMixKey,
  symmetricMixKeyAndHash,
  symmetricSplit,
} from "./symmetric-state.ts";

export { PATTERN_IK, PATTERN_NK, PATTERN_NNPSK0, PATTERN_NX, PATTERN_XX };

export const HANDSHAKE_STATE_SIZE: usize = 352;
export const NOISE_MESSAGE_SIZE_MAX: i32 = 65535;

const KEY_SIZE: i32 = 32;
const S: usize = 112;
const S_PUBLIC: usize = 144;
const E: usize = 176;
const E_PUBLIC: usize = 208;
const RS: usize = 240;
const RE: usize = 272;
const PSK: usize = 304;
const PATTERN: usize = 336;
const IS_INITIATOR: usize = 337;
const MESSAGES: usize = 338;
const HAS: usize = 339;

const HAS_S: u32 = 1;
const HAS_E: u32 = 2;
const HAS_RS: u32 = 4;
const HAS_RE: u32 = 8;

/** The state before the message at hand, put back when the message fails. */
const BEFORE: usize = memory.data(352, 16);
/** A Diffie-Hellman result, or a decrypted static key with its tag, or the protocol name. */
const SPARE: usize = memory.data(48, 16);

/**
 * Begins a handshake: Initialize(pattern, isInitiator, prologue, s, rs). `s` is a private key of 32
 * bytes, `rs` the responder's public key where the pattern knows it, `psk` 32 bytes where it takes
 * one; 0 for none. Deriving the public key of `s` costs one scalar multiplication: whoever keeps it
 * uses `handshakeInitWithPair`.
 */
export function handshakeInit(
  state: usize,
  pattern: i32,
  isInitiator: bool,
  prologue: usize,
  prologueLen: i32,
  s: usize,
  rs: usize,
  psk: usize,
): void {
  memory.fill(state, 0, HANDSHAKE_STATE_SIZE);
  if (s != 0) {
    memory.copy(state + S, s, 32);
    x25519PublicKey(state + S_PUBLIC, s);
    give(state, HAS_S);
  }
  begin(state, pattern, isInitiator, prologue, prologueLen, rs, psk);
}

/**
 * As `handshakeInit`, with `pair` = private key 32 ‖ public key 32, which belong together; 0 for
 * none.
 */
export function handshakeInitWithPair(
  state: usize,
  pattern: i32,
  isInitiator: bool,
  prologue: usize,
  prologueLen: i32,
  pair: usize,
  rs: usize,
  psk: usize,
): void {
  memory.fill(state, 0, HANDSHAKE_STATE_SIZE);
  if (pair != 0) {
    memory.copy(state + S, pair, 64);
    give(state, HAS_S);
  }
  begin(state, pattern, isInitiator, prologue, prologueLen, rs, psk);
}

/**
 * Gives the private key of the ephemeral pair, 32 bytes of fresh randomness, before the first
 * message that this side writes. It is used for one handshake, and wiped with the state.
 */
export function handshakeSetEphemeral(state: usize, e: usize): void {
  invariant(!has(state, HAS_E));
  memory.copy(state + E, e, 32);
  x25519PublicKey(state + E_PUBLIC, e);
  give(state, HAS_E);
}

/**
 * WriteMessage(payload): writes the next message to `out`, which does not overlap the payload and
 * has room for the payload and `handshakeOverhead` bytes. Returns the length of the message, or
 * HANDSHAKE_FAILED when the remote key is a point of small order, with which nothing secret can be
 * agreed.
 */
export function handshakeWrite(state: usize, payload: usize, payloadLen: i32, out: usize): i32 {
  invariant(isTurnToWrite(state) && has(state, HAS_E) && payloadLen >= 0);
  invariant(payloadLen + handshakeOverhead(state) <= NOISE_MESSAGE_SIZE_MAX);
  memory.copy(BEFORE, state, HANDSHAKE_STATE_SIZE);
  let at = out;
  for (let tokens = nextTokens(state); tokens != 0; tokens >>= 4) {
    const written = writeToken(state, tokens & 15, at);
    if (written < 0) return fail(state);
    at += <usize>written;
  }
  memory.copy(at, payload, <usize>payloadLen);
  at += <usize>symmetricEncryptAndHash(state, at, payloadLen);
  advance(state);
  return <i32>(at - out);
}

/**
 * ReadMessage(message): reads the next message, which stays as it is, and writes its payload to
 * `payloadOut`, where `len` bytes must fit and which does not overlap the message. Returns the
 * length of the payload, or HANDSHAKE_FAILED, and then the state is what it was before.
 */
export function handshakeRead(state: usize, message: usize, len: i32, payloadOut: usize): i32 {
  invariant(isTurnToRead(state));
  if (len > NOISE_MESSAGE_SIZE_MAX) return HANDSHAKE_FAILED;
  memory.copy(BEFORE, state, HANDSHAKE_STATE_SIZE);
  let at = message;
  for (let tokens = nextTokens(state); tokens != 0; tokens >>= 4) {
    const taken = readToken(state, tokens & 15, at, len);
    if (taken < 0) return fail(state);
    at += <usize>taken;
    len -= taken;
  }
  const payloadLen = symmetricDecryptAndHash(state, at, len, payloadOut);
  if (payloadLen < 0) return fail(state);
  advance(state);
  return payloadLen;
}

/** True when it is this side that writes the next message. */
export function handshakeIsTurnToWrite(state: usize): bool {
  return isTurnToWrite(state);
}

/** Bytes that the next message needs beside its payload. */
export function handshakeOverhead(state: usize): i32 {
  let isKeyed = cipherHasKey(state + SYMMETRIC_CIPHER);
  let size = 0;
  for (let tokens = nextTokens(state); tokens != 0; tokens >>= 4) {
    const token = tokens & 15;
    if (token == TOKEN_E) {
      size += KEY_SIZE;
      if (patternHasPsk(load<u8>(state, PATTERN))) isKeyed = true;
    } else if (token == TOKEN_S) {
      size += KEY_SIZE + (isKeyed ? TAG_SIZE : 0);
    } else {
      isKeyed = true;
    }
  }
  return size + (isKeyed ? TAG_SIZE : 0);
}

/** True when every message has been written and read, so that `handshakeSplit` may be called. */
export function handshakeIsComplete(state: usize): bool {
  return <i32>load<u8>(state, MESSAGES) == patternMessageCount(load<u8>(state, PATTERN));
}

/**
 * h, the hash of everything both sides have seen: the channel binding once the handshake is
 * complete.
 */
export function handshakeHash(state: usize, out32: usize): void {
  memory.copy(out32, state + SYMMETRIC_H, 32);
}

/** Address of rs, the peer's static public key, inside the state; 0 while it is not known. */
export function handshakeRemoteStatic(state: usize): usize {
  return has(state, HAS_RS) ? state + RS : 0;
}

/** Split(): writes the secrets of the two directions, initiator to responder first. */
export function handshakeSplit(state: usize, k1out32: usize, k2out32: usize): void {
  invariant(handshakeIsComplete(state));
  symmetricSplit(state, k1out32, k2out32);
}

/** Forgets every key of the handshake. */
export function handshakeWipe(state: usize): void {
  wipe(state, <i32>HANDSHAKE_STATE_SIZE);
}

/** The part of Initialize that follows once s is in place. */
function begin(
  state: usize,
  pattern: i32,
  isInitiator: bool,
  prologue: usize,
  prologueLen: i32,
  rs: usize,
  psk: usize,
): void {
  store<u8>(state, pattern, PATTERN);
  store<u8>(state, isInitiator, IS_INITIATOR);
  symmetricInitialize(state, SPARE, patternProtocolName(pattern, SPARE));
  symmetricMixHash(state, prologue, prologueLen);
  invariant((psk != 0) == patternHasPsk(pattern));
  if (psk != 0) memory.copy(state + PSK, psk, 32);
  if (!patternKnowsResponder(pattern)) return;
  if (isInitiator) {
    invariant(rs != 0);
    memory.copy(state + RS, rs, 32);
    give(state, HAS_RS);
  }
  invariant(isInitiator || has(state, HAS_S));
  symmetricMixHash(state, state + (isInitiator ? RS : S_PUBLIC), KEY_SIZE);
}

/** Writes what `token` puts into a message and returns its size, or a negative number. */
function writeToken(state: usize, token: u32, at: usize): i32 {
  if (token == TOKEN_E) {
    memory.copy(at, state + E_PUBLIC, 32);
    mixEphemeral(state, state + E_PUBLIC);
    return KEY_SIZE;
  }
  if (token == TOKEN_S) {
    invariant(has(state, HAS_S));
    memory.copy(at, state + S_PUBLIC, 32);
    return symmetricEncryptAndHash(state, at, KEY_SIZE);
  }
  return mixToken(state, token);
}

/**
 * Reads what `token` puts into a message from at most `len` bytes; returns its size or a negative
 * number.
 */
function readToken(state: usize, token: u32, at: usize, len: i32): i32 {
  if (token == TOKEN_E) {
    if (len < KEY_SIZE) return -1;
    memory.copy(state + RE, at, 32);
    give(state, HAS_RE);
    mixEphemeral(state, state + RE);
    return KEY_SIZE;
  }
  if (token == TOKEN_S) {
    const size = KEY_SIZE + (cipherHasKey(state + SYMMETRIC_CIPHER) ? TAG_SIZE : 0);
    if (len < size || symmetricDecryptAndHash(state, at, size, SPARE) < 0) return -1;
    memory.copy(state + RS, SPARE, 32);
    give(state, HAS_RS);
    return size;
  }
  return mixToken(state, token);
}

/** MixHash of an ephemeral public key, and MixKey too in a handshake with a psk (§9.2). */
function mixEphemeral(state: usize, publicKey: usize): void {
  symmetricMixHash(state, publicKey, KEY_SIZE);
  if (patternHasPsk(load<u8>(state, PATTERN))) symmetricMixKey(state, publicKey, KEY_SIZE);
}

/**
 * The tokens without bytes of their own: psk, and the four Diffie-Hellman pairs. 0, or negative on
 * failure.
 */
function mixToken(state: usize, token: u32): i32 {
  if (token == TOKEN_PSK) {
    symmetricMixKeyAndHash(state, state + PSK, KEY_SIZE);
    return 0;
  }
  // es is the initiator's e with the responder's s, and se the other way round (§5.3).
  const isInitiator = load<u8>(state, IS_INITIATOR) != 0;
  const isOurS = token == TOKEN_SS || token == (isInitiator ? TOKEN_SE : TOKEN_ES);
  const isTheirS = token == TOKEN_SS || token == (isInitiator ? TOKEN_ES : TOKEN_SE);
  invariant(token == TOKEN_EE || isOurS || isTheirS);
  invariant(has(state, isOurS ? HAS_S : HAS_E) && has(state, isTheirS ? HAS_RS : HAS_RE));
  const isSecret = x25519(SPARE, state + (isOurS ? S : E), state + (isTheirS ? RS : RE));
  if (isSecret) symmetricMixKey(state, SPARE, KEY_SIZE);
  wipe(SPARE, 48);
  return isSecret ? 0 : -1;
}

/** Counts the message just handled and forgets the copy of the state before it. */
function advance(state: usize): void {
  store<u8>(state, load<u8>(state, MESSAGES) + 1, MESSAGES);
  wipe(BEFORE, <i32>HANDSHAKE_STATE_SIZE);
  wipe(SPARE, 48);
}

/** Puts the state back as it was before the message. */
function fail(state: usize): i32 {
  memory.copy(state, BEFORE, HANDSHAKE_STATE_SIZE);
  wipe(BEFORE, <i32>HANDSHAKE_STATE_SIZE);
  wipe(SPARE, 48);
  return HANDSHAKE_FAILED;
}

/** Tokens of the next message. */
function nextTokens(state: usize): u32 {
  return patternMessage(load<u8>(state, PATTERN), load<u8>(state, MESSAGES));
}

/** The initiator writes the messages 0 and 2, the responder message 1. */
function isTurnToWrite(state: usize): bool {
  const isInitiatorsTurn = (load<u8>(state, MESSAGES) & 1) == 0;
  return !handshakeIsComplete(state) && isInitiatorsTurn == (load<u8>(state, IS_INITIATOR) != 0);
}

function isTurnToRead(state: usize): bool {
  return !handshakeIsComplete(state) && !isTurnToWrite(state);
}

function has(state: usize, key: u32): bool {
  return (load<u8>(state, HAS) & key) != 0;
}

function give(state: usize, key: u32): void {
  store<u8>(state, load<u8>(state, HAS) | key, HAS);
}
