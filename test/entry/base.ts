/** Test entry: what the unit tests of assembly/base reach. Compiled to build/test/base.wasm. */
import { invariant } from "../../assembly/base/invariant.ts";

export { invariant };
