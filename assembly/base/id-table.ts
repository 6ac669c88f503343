/**
 * A hash table from a 64-bit id to a 32-bit value, open addressing, fixed capacity.
 *
 * Layer      base (L0)
 * Memory     idTableSize(capacity) bytes:
 *              0        4       8
 *              | count  | mask  | slots x { id u64, value u32, state u32 } |
 *            `slots` is the power of two at or above twice the capacity; state 0 is free, 1 is taken.
 * Invariant  no free slot lies between an id's home slot and the slot where it is stored
 * Limits     `capacity` ids; one more is refused
 * Cost       O(1) expected. The hash is a fixed multiplication: a peer chooses stream ids only in order
 *            and below its limit, so it cannot aim for one slot.
 * Twin       test/unit/base/id-table.test.ts compares with Map
 */
import { invariant } from "./invariant.ts";

const COUNT: usize = 0;
const MASK: usize = 4;
const SLOTS: usize = 8;
const SLOT_SIZE: usize = 16;
const VALUE: usize = 8;
const STATE: usize = 12;

/** What `idTableGet` returns for an id that is not there. */
export const ID_ABSENT: u32 = 0xffffffff;

function slotsFor(capacity: u32): u32 {
  let slots: u32 = 4;
  while (slots < capacity * 2) slots <<= 1;
  return slots;
}

/** Bytes of a table for at most `capacity` ids. */
export function idTableSize(capacity: u32): usize {
  return SLOTS + <usize>slotsFor(capacity) * SLOT_SIZE;
}

export function idTableInit(table: usize, capacity: u32): void {
  memory.fill(table, 0, idTableSize(capacity));
  store<u32>(table, slotsFor(capacity) - 1, MASK);
}

export function idTableCount(table: usize): u32 {
  return load<u32>(table, COUNT);
}

function homeSlot(table: usize, id: u64): u32 {
  // Fibonacci hashing: the high half of the product depends on every bit of the id.
  return <u32>((id * 0x9e3779b97f4a7c15) >> 32) & load<u32>(table, MASK);
}

function slotAt(table: usize, index: u32): usize {
  return table + SLOTS + <usize>index * SLOT_SIZE;
}

/** The slot that holds `id`, or the free slot where its search ends. */
function findSlot(table: usize, id: u64): u32 {
  const mask = load<u32>(table, MASK);
  let index = homeSlot(table, id);
  while (true) {
    const slot = slotAt(table, index);
    if (load<u32>(slot, STATE) == 0 || load<u64>(slot) == id) return index;
    index = (index + 1) & mask;
  }
}

/** The value of `id`, or ID_ABSENT. */
export function idTableGet(table: usize, id: u64): u32 {
  const slot = slotAt(table, findSlot(table, id));
  return load<u32>(slot, STATE) == 0 ? ID_ABSENT : load<u32>(slot, VALUE);
}

/** Sets the value of `id`; false when the table is full. */
export function idTablePut(table: usize, id: u64, value: u32): bool {
  const slot = slotAt(table, findSlot(table, id));
  if (load<u32>(slot, STATE) == 0) {
    const count = load<u32>(table, COUNT);
    if (count >= (load<u32>(table, MASK) + 1) >> 1) return false;
    store<u32>(table, count + 1, COUNT);
    store<u64>(slot, id);
    store<u32>(slot, 1, STATE);
  }
  store<u32>(slot, value, VALUE);
  return true;
}

/** Removes an id that is there. */
export function idTableRemove(table: usize, id: u64): void {
  const mask = load<u32>(table, MASK);
  let hole = findSlot(table, id);
  invariant(load<u32>(slotAt(table, hole), STATE) != 0);
  store<u32>(table, load<u32>(table, COUNT) - 1, COUNT);
  // Ids behind the hole move forward when their home slot is at or before it, so that no search stops early.
  let index = hole;
  while (true) {
    index = (index + 1) & mask;
    const slot = slotAt(table, index);
    if (load<u32>(slot, STATE) == 0) break;
    const home = homeSlot(table, load<u64>(slot));
    if (((index - home) & mask) >= ((index - hole) & mask)) {
      memory.copy(slotAt(table, hole), slot, SLOT_SIZE);
      hole = index;
    }
  }
  memory.fill(slotAt(table, hole), 0, SLOT_SIZE);
}
