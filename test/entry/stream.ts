/** Test entry: what the unit tests of assembly/stream reach. Compiled to build/test/stream.wasm. */

export {};
