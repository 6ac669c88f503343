/**
 * Goal: the generated kernels are what their generators write.
 * Method: run the generators and compare with the files in the tree.
 */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import {
  chacha20Kernels,
  OUTPUT as CHACHA20,
} from "../../../assembly/crypto/generate/chacha20-kernels.ts";
import {
  OUTPUT as POLY1305,
  poly1305Kernels,
} from "../../../assembly/crypto/generate/poly1305-kernels.ts";

test.each([
  [CHACHA20, chacha20Kernels],
  [POLY1305, poly1305Kernels],
])("%s is up to date", (file, generate) => {
  expect(readFileSync(file, "utf8")).toBe(generate());
});
