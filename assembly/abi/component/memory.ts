/**
 * The memory of a component call: where arguments arrive and results lie until the caller has copied them.
 *
 * Spec       Component Model, canonical ABI: `cabi_realloc`, post-return · wit/world.wit
 * Layer      abi (L5)
 * Memory     The engine reserves nothing above 64 MiB, so the component's own areas begin there:
 *
 *              0                 64 MiB               104 MiB              112 MiB
 *              +-----------------+--------------------+---------------------+
 *              | the engine      | one call           | rings               |
 *              +-----------------+--------------------+---------------------+
 * Invariant  calls do not nest, so one call's area is empty again when the call is over
 * Limits     arguments and results of one call share 40 MiB: a message of 16 MiB in and out; more traps
 */
import { invariant } from "../../base/invariant.ts";

const CALL_START: usize = 64 * 1024 * 1024;
const CALL_END: usize = 104 * 1024 * 1024;
export const RINGS_START: usize = CALL_END;
export const RINGS_END: usize = 112 * 1024 * 1024;

/** Where a function leaves a result that does not fit one value. */
export const result = memory.data(128, 16);

let top: usize = CALL_START;

/** Reserves room for arguments; the host of the component calls it before each call. */
export function cabi_realloc(old: usize, oldSize: usize, align: usize, size: usize): usize {
  const at = callReserve(size, align);
  if (old != 0) memory.copy(at, old, min(oldSize, size));
  return at;
}

/** Reserves room for a part of the result. */
export function callReserve(size: usize, align: usize): usize {
  const at = (top + align - 1) & ~(align - 1);
  invariant(size <= CALL_END - at);
  top = at + size;
  return at;
}

/** Forgets arguments and results: the caller has copied what it wants. */
export function callEnd(): void {
  top = CALL_START;
}

/** A copy of `size` bytes that lives as long as the result. */
export function callCopy(source: usize, size: usize): usize {
  const at = callReserve(size, 8);
  memory.copy(at, source, size);
  return at;
}

/** Writes a list or string: pointer and count. */
export function storeList(at: usize, pointer: usize, count: usize): void {
  store<usize>(at, pointer);
  store<usize>(at, count, 4);
}

/** Writes a result without a value; the error-code of a status is its number less one. */
export function resultOfStatus(status: i32): usize {
  store<u8>(result, status < 0 ? 1 : 0);
  store<u8>(result, <u8>(-status - 1), 1);
  return result;
}

/** Writes a failed result whose payload begins at `offset`. */
export function resultOfError(status: i32, offset: usize): usize {
  invariant(status < 0);
  store<u8>(result, 1);
  store<u8>(result + offset, <u8>(-status - 1));
  return result;
}

/** Writes a result whose value is one 32-bit number. */
export function resultOfNumber(value: i32): usize {
  if (value < 0) return resultOfError(value, 4);
  store<u8>(result, 0);
  store<i32>(result, value, 4);
  return result;
}
