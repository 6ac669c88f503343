/**
 * Goal: SHA-256 is that of FIPS 180-4 for every length and every division into pieces.
 * Method: the published examples, then lengths around block edges and random pieces against two oracles.
 */
import { sha256 } from "../../reference/sha2.ts";
import { TestModule } from "../../support/wasm.ts";
import { digestSuite } from "./digest-suite.ts";

digestSuite({
  module: new TestModule("crypto-a"),
  name: "sha256",
  blockSize: 64,
  digestSize: 32,
  twin: sha256,
  // NIST, "Examples with intermediate values", SHA-256; the empty and the long message from the same source.
  examples: [
    ["", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
    ["abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
    [
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      1,
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
    ],
    ["a", 1_000_000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"],
  ],
});
