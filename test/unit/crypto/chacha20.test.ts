/**
 * Goal: every kernel of ChaCha20 makes the key stream of RFC 8439, and the header mask is that of RFC 9001.
 * Method: the vectors of both, then all lengths at which another kernel takes over against the twin and noble.
 */
import { chacha20 as noble } from "@noble/ciphers/chacha.js";
import fc from "fast-check";
import { randomBytes } from "node:crypto";
import { beforeEach, describe, expect, test } from "vitest";
import { chacha20, chacha20Block } from "../../reference/chacha20.ts";
import { hex, TestModule, toHex } from "../../support/wasm.ts";
import {
  IETF,
  JABBERWOCKY,
  KEY_APPENDIX,
  KEY_COUNTING,
  KEY_ONE,
  KEY_ZERO,
  NONCE_TWO,
  NONCE_ZERO,
  SUNSCREEN,
} from "./rfc8439.ts";

const module = new TestModule("crypto-a");
const { exports } = module;
beforeEach(() => module.release());

interface Cipher {
  readonly block: (key: Uint8Array, counter: number, nonce: Uint8Array) => Uint8Array;
  readonly xor: (
    key: Uint8Array,
    counter: number,
    nonce: Uint8Array,
    data: Uint8Array,
  ) => Uint8Array;
}

const engine: Cipher = {
  block: (key, counter, nonce) => {
    const out = module.reserve(64);
    exports["chacha20Block"]!(module.put(key), counter, module.put(nonce), out);
    return module.get(out, 64);
  },
  xor: (key, counter, nonce, data) => {
    module.release();
    const at = module.put(data);
    exports["chacha20Xor"]!(module.put(key), counter, module.put(nonce), at, data.length);
    return module.get(at, data.length);
  },
};

// RFC 8439 §2.3.2 and appendix A.1; A.4 takes the first half of block 0 as a Poly1305 key.
const BLOCKS = [
  {
    title: "§2.3.2",
    key: KEY_COUNTING,
    nonce: "000000090000004a00000000",
    counter: 1,
    stream:
      "10f1e7e4d13b5915500fdd1fa32071c4c7d1f4c733c068030422aa9ac3d46c4e" +
      "d2826446079faa0914c2d705d98b02a2b5129cd1de164eb9cbd083e8a2503c4e",
  },
  {
    title: "A.1 #1",
    key: KEY_ZERO,
    nonce: NONCE_ZERO,
    counter: 0,
    stream:
      "76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7" +
      "da41597c5157488d7724e03fb8d84a376a43b8f41518a11cc387b669b2ee6586",
  },
  {
    title: "A.1 #2",
    key: KEY_ZERO,
    nonce: NONCE_ZERO,
    counter: 1,
    stream:
      "9f07e7be5551387a98ba977c732d080dcb0f29a048e3656912c6533e32ee7aed" +
      "29b721769ce64e43d57133b074d839d531ed1f28510afb45ace10a1f4b794d6f",
  },
  {
    title: "A.1 #3",
    key: KEY_ONE,
    nonce: NONCE_ZERO,
    counter: 1,
    stream:
      "3aeb5224ecf849929b9d828db1ced4dd832025e8018b8160b82284f3c949aa5a" +
      "8eca00bbb4a73bdad192b5c42f73f2fd4e273644c8b36125a64addeb006c13a0",
  },
  {
    title: "A.1 #4",
    key: "00ff" + "00".repeat(30),
    nonce: NONCE_ZERO,
    counter: 2,
    stream:
      "72d54dfbf12ec44b362692df94137f328fea8da73990265ec1bbbea1ae9af0ca" +
      "13b25aa26cb4a648cb9b9d1be65b2c0924a66c54d545ec1b7374f4872e99f096",
  },
  {
    title: "A.1 #5",
    key: KEY_ZERO,
    nonce: NONCE_TWO,
    counter: 0,
    stream:
      "c2c64d378cd536374ae204b9ef933fcd1a8b2288b3dfa49672ab765b54ee27c7" +
      "8a970e0e955c14f3a88e741b97c286f75f8fc299e8148362fa198a39531bed6d",
  },
  {
    title: "A.4 #2",
    key: KEY_ONE,
    nonce: NONCE_TWO,
    counter: 0,
    stream: "ecfa254f845f647473d3cb140da9e87606cb33066c447b87bc2666dde3fbb739",
  },
  {
    title: "A.4 #3",
    key: KEY_APPENDIX,
    nonce: NONCE_TWO,
    counter: 0,
    stream: "965e3bc6f9ec7ed9560808f4d229f94b137ff275ca9b3fcbdd59deaad23310ae",
  },
];

const MESSAGES = [
  {
    title: "§2.4.2",
    key: KEY_COUNTING,
    nonce: "000000000000004a00000000",
    counter: 1,
    plaintext: SUNSCREEN,
    ciphertext:
      "6e2e359a2568f98041ba0728dd0d6981e97e7aec1d4360c20a27afccfd9fae0b" +
      "f91b65c5524733ab8f593dabcd62b3571639d624e65152ab8f530c359f0861d8" +
      "07ca0dbf500d6a6156a38e088a22b65e52bc514d16ccf806818ce91ab7793736" +
      "5af90bbf74a35be6b40b8eedf2785e42874d",
  },
  {
    title: "A.2 #2",
    key: KEY_ONE,
    nonce: NONCE_TWO,
    counter: 1,
    plaintext: IETF,
    ciphertext:
      "a3fbf07df3fa2fde4f376ca23e82737041605d9f4f4f57bd8cff2c1d4b7955ec" +
      "2a97948bd3722915c8f3d337f7d370050e9e96d647b7c39f56e031ca5eb6250d" +
      "4042e02785ececfa4b4bb5e8ead0440e20b6e8db09d881a7c6132f420e527950" +
      "42bdfa7773d8a9051447b3291ce1411c680465552aa6c405b7764d5e87bea85a" +
      "d00f8449ed8f72d0d662ab052691ca66424bc86d2df80ea41f43abf937d3259d" +
      "c4b2d0dfb48a6c9139ddd7f76966e928e635553ba76c5c879d7b35d49eb2e62b" +
      "0871cdac638939e25e8a1e0ef9d5280fa8ca328b351c3c765989cbcf3daa8b6c" +
      "cc3aaf9f3979c92b3720fc88dc95ed84a1be059c6499b9fda236e7e818b04b0b" +
      "c39c1e876b193bfe5569753f88128cc08aaa9b63d1a16f80ef2554d7189c411f" +
      "5869ca52c5b83fa36ff216b9c1d30062bebcfd2dc5bce0911934fda79a86f6e6" +
      "98ced759c3ff9b6477338f3da4f9cd8514ea9982ccafb341b2384dd902f3d1ab" +
      "7ac61dd29c6f21ba5b862f3730e37cfdc4fd806c22f221",
  },
  {
    title: "A.2 #3",
    key: KEY_APPENDIX,
    nonce: NONCE_TWO,
    counter: 42,
    plaintext: JABBERWOCKY,
    ciphertext:
      "62e6347f95ed87a45ffae7426f27a1df5fb69110044c0d73118effa95b01e5cf" +
      "166d3df2d721caf9b21e5fb14c616871fd84c54f9d65b283196c7fe4f60553eb" +
      "f39c6402c42234e32a356b3e764312a61a5532055716ead6962568f87d3f3f77" +
      "04c6a8d1bcd1bf4d50d6154b6da731b187b58dfd728afa36757a797ac188d1",
  },
];

describe.each([
  ["engine", engine],
  ["twin", { block: chacha20Block, xor: chacha20 }],
])("%s", (_, cipher: Cipher) => {
  test.each(BLOCKS)("RFC 8439 block $title", ({ key, nonce, counter, stream }) => {
    const block = toHex(cipher.block(hex(key), counter, hex(nonce)));
    expect(block.slice(0, stream.length)).toBe(stream);
  });

  test.each(MESSAGES)("RFC 8439 message $title", ({ key, nonce, counter, plaintext, ...rest }) => {
    const ciphertext = cipher.xor(hex(key), counter, hex(nonce), plaintext);
    expect(toHex(ciphertext)).toBe(rest.ciphertext);
    expect(cipher.xor(hex(key), counter, hex(nonce), ciphertext)).toEqual(plaintext);
  });
});

test("RFC 9001 appendix A.5: the header protection mask", () => {
  const key = module.put(hex("25a282b9e82f06f21f488917a4fc8f1b73573685608597d0efcb076b0ab7a7a4"));
  const sample = module.put(hex("5e5cd55c41f69080575d7999c25a5bfb"));
  const mask = module.put(new Uint8Array(16).fill(0xaa));
  exports["headerProtectionMask"]!(key, sample, mask);
  expect(toHex(module.get(mask, 5))).toBe("aefefe7d03");
  expect(toHex(module.get(mask + 8, 8)), "only eight bytes are written").toBe("aa".repeat(8));
});

test("every length up to two long kernels agrees with the twin and noble", () => {
  const [key, nonce, data] = [randomBytes(32), randomBytes(12), randomBytes(1100)];
  const stream = chacha20(key, 7, nonce, data);
  expect(noble(key, nonce, data, undefined, 7)).toEqual(stream);
  for (let length = 0; length <= data.length; length++) {
    const result = engine.xor(key, 7, nonce, data.subarray(0, length));
    expect(toHex(result), `${length} bytes`).toBe(toHex(stream.subarray(0, length)));
  }
});

test("random keys, nonces, counters and lengths agree with the twin", () => {
  const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
  // The counter stops short of its end: both kernels would wrap, which no packet is long enough for.
  const counter = fc.integer({ min: 0, max: 0xffff_ff00 });
  fc.assert(
    fc.property(
      bytes(32),
      counter,
      bytes(12),
      fc.uint8Array({ maxLength: 1500, size: "max" }),
      (key, start, nonce, data) => {
        const expected = toHex(chacha20(key, start, nonce, data));
        expect(toHex(engine.xor(key, start, nonce, data))).toBe(expected);
      },
    ),
  );
});
