/** Test entry: what the unit tests of assembly/base reach. Compiled to build/test/base.wasm. */
import { invariant } from "../../assembly/base/invariant.ts";
import {
  ringDepth,
  ringFront,
  ringFrontSize,
  ringInit,
  ringPop,
  ringPush,
  ringSize,
} from "../../assembly/base/ring.ts";

export { invariant, ringDepth, ringFront, ringFrontSize, ringInit, ringPop, ringPush, ringSize };
