/**
 * The five handshake patterns that MXP uses: their tokens, names and pre-messages.
 *
 * Spec       Noise rev 34 §7.4, §7.5 (NK, NX, XX, IK), §9.4 (the psk0 modifier of NN), §8 (protocol
 *            names)
 * Layer      noise (L2)
 * Memory     a message is a u32 of tokens, four bits each, the first in the lowest bits; 0 ends it
 * Invariant  the initiator writes message 0, then the two take turns
 */
import { invariant } from "../base/invariant.ts";

export const PATTERN_IK: i32 = 1;
export const PATTERN_NK: i32 = 2;
export const PATTERN_XX: i32 = 3;
export const PATTERN_NX: i32 = 4;
export const PATTERN_NNPSK0: i32 = 5;

export const TOKEN_E: u32 = 1;
export const TOKEN_S: u32 = 2;
export const TOKEN_EE: u32 = 3;
export const TOKEN_ES: u32 = 4;
export const TOKEN_SE: u32 = 5;
export const TOKEN_SS: u32 = 6;
export const TOKEN_PSK: u32 = 7;

/** A message as written in the specification. */
function message(first: u32, second: u32 = 0, third: u32 = 0, fourth: u32 = 0): u32 {
  return first | (second << 4) | (third << 8) | (fourth << 12);
}

/** Tokens of message `index` of `pattern`, `index` below the number of its messages. */
export function patternMessage(pattern: i32, index: i32): u32 {
  if (index == 0) return firstMessage(pattern);
  if (index == 1) return secondMessage(pattern);
  invariant(index == 2 && pattern == PATTERN_XX);
  return message(TOKEN_S, TOKEN_SE);
}

/** How many messages the handshake has. */
export function patternMessageCount(pattern: i32): i32 {
  return pattern == PATTERN_XX ? 3 : 2;
}

/**
 * True when the initiator knows the responder's static key before it begins: the pre-message "<-
 * s".
 */
export function patternKnowsResponder(pattern: i32): bool {
  return pattern == PATTERN_IK || pattern == PATTERN_NK;
}

/** True when the handshake takes a pre-shared key, so that each "e" also enters the key (§9.2). */
export function patternHasPsk(pattern: i32): bool {
  return pattern == PATTERN_NNPSK0;
}

/** From the initiator. */
function firstMessage(pattern: i32): u32 {
  if (pattern == PATTERN_IK) return message(TOKEN_E, TOKEN_ES, TOKEN_S, TOKEN_SS);
  if (pattern == PATTERN_NK) return message(TOKEN_E, TOKEN_ES);
  if (pattern == PATTERN_NNPSK0) return message(TOKEN_PSK, TOKEN_E);
  invariant(pattern == PATTERN_XX || pattern == PATTERN_NX);
  return message(TOKEN_E);
}

/** From the responder. */
function secondMessage(pattern: i32): u32 {
  if (pattern == PATTERN_IK) return message(TOKEN_E, TOKEN_EE, TOKEN_SE);
  if (pattern == PATTERN_XX || pattern == PATTERN_NX) {
    return message(TOKEN_E, TOKEN_EE, TOKEN_S, TOKEN_ES);
  }
  return message(TOKEN_E, TOKEN_EE);
}

// "Noise_", "NNpsk0" and "_25519_ChaChaPoly_SHA256".
const PREFIX: usize = memory.data<u8>([0x4e, 0x6f, 0x69, 0x73, 0x65, 0x5f]);
const NNPSK0: usize = memory.data<u8>([0x4e, 0x4e, 0x70, 0x73, 0x6b, 0x30]);
const SUFFIX: usize = memory.data<u8>([
  0x5f, 0x32, 0x35, 0x35, 0x31, 0x39, 0x5f, 0x43, 0x68, 0x61, 0x43, 0x68, 0x61, 0x50, 0x6f, 0x6c,
  0x79, 0x5f, 0x53, 0x48, 0x41, 0x32, 0x35, 0x36,
]);

/** Writes the protocol name, at most 36 bytes, and returns its length. */
export function patternProtocolName(pattern: i32, out: usize): i32 {
  memory.copy(out, PREFIX, 6);
  let end = out + 6;
  if (pattern == PATTERN_NNPSK0) {
    memory.copy(end, NNPSK0, 6);
    end += 6;
  } else {
    const isInteractive = pattern == PATTERN_XX || pattern == PATTERN_NX;
    store<u8>(end, pattern == PATTERN_IK ? 0x49 : pattern == PATTERN_XX ? 0x58 : 0x4e);
    store<u8>(end, isInteractive ? 0x58 : 0x4b, 1);
    end += 2;
  }
  memory.copy(end, SUFFIX, 24);
  return <i32>(end + 24 - out);
}
