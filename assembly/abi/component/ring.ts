/**
 * Rings for other languages.
 *
 * Spec       wit/ring.wit
 * Layer      abi (L5)
 * Memory     a ring is given the place of a dropped one that is large enough, else the next free place; each place
 *            begins with its capacity u32 | isTaken u32 | unused 8
 * Limits     8 MiB for all rings of an instance
 */
import { MEMORY_LIMIT } from "../../base/status.ts";
import {
  ringDepth,
  ringFront,
  ringFrontSize,
  ringInit,
  ringPop,
  ringPush,
  ringSize,
} from "../../base/ring.ts";
import {
  callCopy,
  callEnd,
  result,
  resultOfError,
  resultOfStatus,
  RINGS_END,
  RINGS_START,
  storeList,
} from "./memory.ts";
import { resourceNewRing } from "./resource.ts";

const PLACE_HEAD: usize = 16;
const CAPACITY: usize = 0;
const IS_TAKEN: usize = 4;

let top: usize = RINGS_START;

export function ring_create(slots: u32, slotBytes: u32): usize {
  const size = ringSize(slots, slotBytes);
  if (size < 0) return resultOfError(size, 4);
  const ring = placeFor(<usize>size);
  if (ring == 0) return resultOfError(MEMORY_LIMIT, 4);
  ringInit(ring, slots, slotBytes);
  store<u8>(result, 0);
  store<i32>(result, resourceNewRing(ring), 4);
  return result;
}

/** A place of at least `size` bytes, or 0. */
function placeFor(size: usize): usize {
  let place = RINGS_START;
  while (place < top) {
    const capacity = load<usize>(place, CAPACITY);
    if (load<u32>(place, IS_TAKEN) == 0 && capacity >= size) {
      store<u32>(place, 1, IS_TAKEN);
      return place + PLACE_HEAD;
    }
    place += PLACE_HEAD + capacity;
  }
  const capacity = (size + 15) & ~15;
  if (top + PLACE_HEAD + capacity > RINGS_END) return 0;
  place = top;
  top += PLACE_HEAD + capacity;
  store<usize>(place, capacity, CAPACITY);
  store<u32>(place, 1, IS_TAKEN);
  return place + PLACE_HEAD;
}

export function ring_dtor(self: usize): void {
  store<u32>(self - PLACE_HEAD, 0, IS_TAKEN);
}

export function ring_push(self: usize, entry: usize, size: u32): usize {
  const status = ringPush(self, entry, size);
  callEnd();
  return resultOfStatus(status);
}

export function ring_pop(self: usize): usize {
  const front = ringFront(self);
  store<u8>(result, front != 0 ? 1 : 0);
  if (front == 0) return result;
  const size = ringFrontSize(front);
  storeList(result + 4, callCopy(front, size), size);
  ringPop(self);
  return result;
}

export function ring_pop_post(_result: usize): void {
  callEnd();
}

export function ring_depth(self: usize): u32 {
  return ringDepth(self);
}
