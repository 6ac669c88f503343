/** Goal: a broken invariant stops the instance in a release build too. Method: call it through a test entry. */
import { expect, test } from "vitest";
import { TestModule } from "../../support/wasm.ts";

test("a true condition returns and a false one traps", () => {
  const { exports } = new TestModule("base");
  expect(() => exports["invariant"]!(1)).not.toThrow();
  expect(() => exports["invariant"]!(0)).toThrow(WebAssembly.RuntimeError);
});
