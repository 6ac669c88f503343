/**
 * Scalars of edwards25519: integers modulo L = 2^252 + 27742317777372353535851937790883648493.
 *
 * Spec       RFC 8032 §5.1 (L), §5.1.7 (S below L; the hash taken modulo L)
 * Layer      crypto (L1)
 * Memory     a scalar is 32 little-endian bytes; digits are 256 signed bytes, the lowest first
 * Limits     for public values only: time depends on them. Verification has no secrets, and signing
 *            is the host's
 * Twin       test/reference/ed25519.ts
 */

/** L, then c = L - 2^252, as little-endian words. */
const L: usize = memory.data<u32>([
  0x5cf5d3ed, 0x5812631a, 0xa2f79cd6, 0x14def9de, 0, 0, 0, 0x10000000,
]);
const C_WORDS: usize = 4;

/** The remainder so far in eight words, and one for the bits that a shift pushes out. */
const REST: usize = memory.data(48, 16);
const REST_WORDS: usize = 8;

/**
 * Width of the windows of `scalarDigits`: digits are odd and below 2^(WINDOW - 1) in absolute
 * value.
 */
const WINDOW: i32 = 5;
export const DIGIT_COUNT: i32 = 256;
/** Odd multiples 1, 3, … that the digits ask for. */
export const MULTIPLE_COUNT: i32 = 8;

/** True when the 32 bytes at `scalar` are a number below L. */
export function scalarIsCanonical(scalar: usize): bool {
  for (let word: i32 = 7; word >= 0; word--) {
    const ours = load<u32>(scalar + ((<usize>word) << 2));
    const limit = load<u32>(L + ((<usize>word) << 2));
    if (ours != limit) return ours < limit;
  }
  return false;
}

/** `out` = the 64 bytes at `wide` modulo L. */
export function scalarReduce(out: usize, wide: usize): void {
  memory.fill(REST, 0, 48);
  for (let at: usize = wide + 62; at >= wide; at -= 2) {
    appendSixteenBits(load<u16>(at));
    foldHighBits();
  }
  memory.copy(out, REST, 32);
}

/** REST = REST * 2^16 + `bits`. */
function appendSixteenBits(bits: u32): void {
  for (let word: usize = REST_WORDS; word > 0; word--) {
    const at = REST + (word << 2);
    store<u32>(at, (load<u32>(at) << 16) | (load<u32>(at - 4) >> 16));
  }
  store<u32>(REST, (load<u32>(REST) << 16) | bits);
}

/**
 * Brings REST < L * 2^16 back below L: 2^252 is -c modulo L, so the q above bit 252 becomes -q c.
 */
function foldHighBits(): void {
  const q = <i64>((load<u32>(REST, 28) >> 28) | (load<u32>(REST, 32) << 4));
  store<u32>(REST, load<u32>(REST, 28) & 0x0fffffff, 28);
  store<u32>(REST, 0, 32);
  let carry: i64 = 0;
  for (let word: usize = 0; word < REST_WORDS; word++) {
    const at = word << 2;
    const c: i64 = word < C_WORDS ? <i64>load<u32>(L + at) : 0;
    carry += <i64>load<u32>(REST + at) - q * c;
    store<u32>(REST + at, <u32>carry);
    carry >>= 32;
  }
  // q c is far below L, so one L makes up for a negative remainder; carry is then -1, a mask of
  // ones.
  const mask = <u32>carry;
  carry = 0;
  for (let at: usize = 0; at < REST_WORDS << 2; at += 4) {
    carry += <i64>load<u32>(REST + at) + <i64>(load<u32>(L + at) & mask);
    store<u32>(REST + at, <u32>carry);
    carry >>= 32;
  }
}

/**
 * Writes `scalar`, below 2^253, as DIGIT_COUNT digits with sum(digit[i] * 2^i) = scalar, all of
 * them 0 or odd and at least four zeros after each odd one. `scalar` is followed by four readable
 * bytes.
 */
export function scalarDigits(digits: usize, scalar: usize): void {
  memory.fill(digits, 0, <usize>DIGIT_COUNT);
  let carry: u32 = 0;
  for (let position: i32 = 0; position < DIGIT_COUNT;) {
    const bits = load<u32>(scalar + <usize>(position >> 3)) >> (position & 7);
    const remaining = min<i32>(WINDOW, DIGIT_COUNT - position);
    const window = (bits & ((1 << remaining) - 1)) + carry;
    if ((window & 1) == 0) {
      // An even window: this bit of the digits is 0, and a carry stays only if it met a 1.
      carry = bits & 1 & carry;
      position++;
      continue;
    }
    carry = window >> (WINDOW - 1);
    store<i8>(digits + <usize>position, <i32>window - <i32>(carry << WINDOW));
    position += WINDOW;
  }
}
