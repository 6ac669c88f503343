/**
 * The stock of fresh entropy for handshakes that will be accepted.
 *
 * Spec       docs/protocol.md §5.5
 * Layer      endpoint (L4)
 * Memory     Entropy: count u32 | 12 unused | 64 x 32 bytes
 * Invariant  each piece is mixed into the generator once and wiped
 * Limits     STOCK_MAX pieces; more are mixed in at once, which wastes nothing
 */
import { wipe } from "../crypto/constant-time.ts";
import { generatorMix } from "../crypto/generator.ts";

export const STOCK_MAX: i32 = 64;
const PIECE_SIZE: i32 = 32;
const PIECES: usize = 16;

export const ENTROPY_SIZE: i32 = <i32>PIECES + STOCK_MAX * PIECE_SIZE;

export function entropyAdd(entropy: usize, generator: usize, piece: usize): void {
  const count = load<u32>(entropy);
  if (count == STOCK_MAX) {
    generatorMix(generator, piece);
  } else {
    memory.copy(entropy + PIECES + <usize>(count * PIECE_SIZE), piece, PIECE_SIZE);
    store<u32>(entropy, count + 1);
  }
  wipe(piece, PIECE_SIZE);
}

export function entropyHasAny(entropy: usize): bool {
  return load<u32>(entropy) > 0;
}

/** How many pieces the stock still takes. */
export function entropyWanted(entropy: usize): i32 {
  return STOCK_MAX - <i32>load<u32>(entropy);
}

/** Mixes one piece into the generator. False when the stock is empty: then no handshake may begin. */
export function entropyTake(entropy: usize, generator: usize): bool {
  const count = load<u32>(entropy);
  if (count == 0) return false;
  const piece = entropy + PIECES + <usize>((count - 1) * PIECE_SIZE);
  generatorMix(generator, piece);
  wipe(piece, PIECE_SIZE);
  store<u32>(entropy, count - 1);
  return true;
}
