/**
 * Goal: SHA-512 is that of FIPS 180-4 for every length and every division into pieces.
 * Method: the published examples, then lengths around block edges and random pieces against two oracles.
 */
import { sha512 } from "../../reference/sha2.ts";
import { TestModule } from "../../support/wasm.ts";
import { digestSuite } from "./digest-suite.ts";

digestSuite({
  module: new TestModule("crypto-a"),
  name: "sha512",
  blockSize: 128,
  digestSize: 64,
  twin: sha512,
  // NIST, "Examples with intermediate values", SHA-512; the empty and the long message from the same source.
  examples: [
    [
      "",
      1,
      "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce" +
        "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e",
    ],
    [
      "abc",
      1,
      "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a" +
        "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
    ],
    [
      "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn" +
        "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
      1,
      "8e959b75dae313da8cf4f72814fc143f8f7779c6eb9f7fa17299aeadb6889018" +
        "501d289e4900f7e4331b99dec4b5433ac7d329eeb6dd26545e96e55b874be909",
    ],
    [
      "a",
      1_000_000,
      "e718483d0ce769644e2e42c7bc15b4638e1f98b13b2044285632a803afa973eb" +
        "de0ff244877ea60a4cb0432ce577c31beb009c5c2c49aa2e4eadb217ad8cc09b",
    ],
  ],
});
