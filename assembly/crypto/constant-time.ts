/**
 * Comparing and erasing secrets without telling anything by time.
 *
 * Spec       docs/protocol.md §4.2
 * Layer      crypto (L1)
 * Invariant  branches depend on `len` only, never on a byte that is compared
 */

/** True when the `len` bytes at `a` and at `b` are the same. Every byte is read whatever they hold. */
export function equalConstantTime(a: usize, b: usize, len: i32): bool {
  let difference: u64 = 0;
  let i: usize = 0;
  const end = <usize>len;
  for (; i + 8 <= end; i += 8) difference |= load<u64>(a + i) ^ load<u64>(b + i);
  for (; i < end; i++) difference |= <u64>(load<u8>(a + i) ^ load<u8>(b + i));
  return difference == 0;
}

/** Zeroes `len` bytes at `ptr`. A store to linear memory is never removed by the compiler as dead. */
export function wipe(ptr: usize, len: i32): void {
  const end = ptr + <usize>len;
  const zero = i64x2(0, 0);
  // For the sizes that secrets have, stores in line cost less than the call behind memory.fill.
  for (; ptr + 16 <= end; ptr += 16) v128.store(ptr, zero);
  for (; ptr < end; ptr++) store<u8>(ptr, 0);
}
