/**
 * Test entry with a planted defect: a fuzzer that does not find it finds nothing.
 *
 * It reads frames as assembly/wire/frame-decode.ts does, but compares only the body with what is
 * left of the input, not the padding behind it: a frame whose padding was cut off is read up to 7
 * bytes past the end.
 */
import { invariant } from "../../assembly/base/invariant.ts";

const HEAD_SIZE: i32 = 8;
const FRAME_INVALID: i32 = -25;

export { invariant };

/** The bytes of the frame at `ptr`, or FRAME_INVALID. */
export function canaryFrameSize(ptr: usize, length: i32): i32 {
  if (length < HEAD_SIZE) return FRAME_INVALID;
  const bodyLength = <i32>load<u16>(ptr, 2);
  if (HEAD_SIZE + bodyLength > length) return FRAME_INVALID;
  const size = HEAD_SIZE + ((bodyLength + 7) & ~7);
  const used = bodyLength & 7;
  const tail = ptr + <usize>size - 8;
  if (used != 0 && load<u64>(tail) >> ((<u64>used) << 3) != 0) return FRAME_INVALID;
  return size;
}
