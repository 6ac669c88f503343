/**
 * Goal: ids, key texts and addresses have one spelling each, equal to libp2p's and did:key's.
 * Method: published vectors, round trips over arbitrary keys, and every class of malformed text.
 */
import { ed25519, x25519 } from "@noble/curves/ed25519.js";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { nodeRandom } from "../../../host/node/random.ts";
import { nodeSignatures } from "../../../host/node/signatures.ts";
import { formatAddress, parseAddress } from "../../../host/shared/trust/address.ts";
import { decodeBase58, encodeBase58 } from "../../../host/shared/trust/base58.ts";
import {
  decodeBase64,
  decodeBase64Url,
  encodeBase64,
  encodeBase64Url,
} from "../../../host/shared/trust/base64.ts";
import { equalBytes, fromHex, fromUtf8, toHex, utf8 } from "../../../host/shared/trust/bytes.ts";
import {
  createIdentity,
  identityOf,
  peerId,
  publicKeyOfPeerId,
} from "../../../host/shared/trust/identity.ts";
import {
  formatIdentityKey,
  formatStaticKey,
  parseKeyText,
} from "../../../host/shared/trust/key-text.ts";
import vectors from "../../vectors/origin-vectors-rtt-p2p.json" with { type: "json" };
import { failureCode } from "../../support/ports.ts";
import { hex } from "../../support/wasm.ts";

const bytes = fc.uint8Array({ maxLength: 80 });
const key = fc.uint8Array({ minLength: 32, maxLength: 32 });

test("the id of a key is its libp2p PeerId", () => {
  const { p2p } = vectors;
  const publicKey = nodeSignatures.publicKey(hex(p2p.ed25519_seed_hex));
  expect(toHex(publicKey)).toBe(p2p.cli_node_id);
  expect(peerId(publicKey)).toBe(p2p.peer_id);
  expect(publicKeyOfPeerId(p2p.peer_id)).toEqual(publicKey);
});

test("a text that is not the PeerId of an Ed25519 key has no key", () => {
  for (const text of ["", "12D3", "Qm0", encodeBase58(new Uint8Array(38)), "1".repeat(2000)]) {
    expect(publicKeyOfPeerId(text)).toBeNull();
  }
});

test("an identity's keys belong together", () => {
  const identity = createIdentity(nodeRandom, nodeSignatures);
  expect(identity).toEqual(identityOf(identity.seed, identity.staticPrivateKey, nodeSignatures));
  expect(identity.seed).not.toEqual(identity.staticPrivateKey);
  expect(identity.id).toMatch(/^12D3Koo/);
});

test("public keys equal those of an independent library", () => {
  fc.assert(
    fc.property(key, (seed) => {
      expect(nodeSignatures.publicKey(seed)).toEqual(ed25519.getPublicKey(seed));
      expect(nodeSignatures.x25519PublicKey(seed)).toEqual(x25519.getPublicKey(seed));
    }),
    { numRuns: 20 },
  );
});

test("a key of the wrong length verifies nothing and does not throw", () => {
  expect(nodeSignatures.verify(new Uint8Array(31), utf8("x"), new Uint8Array(64))).toBe(false);
});

test("base58 and both base64 give back what they were given", () => {
  fc.assert(
    fc.property(bytes, (value) => {
      expect(decodeBase58(encodeBase58(value))).toEqual(value);
      expect(decodeBase64(encodeBase64(value))).toEqual(value);
      expect(decodeBase64Url(encodeBase64Url(value))).toEqual(value);
      expect(encodeBase64(value)).toBe(Buffer.from(value).toString("base64"));
      expect(encodeBase64Url(value)).toBe(Buffer.from(value).toString("base64url"));
    }),
  );
});

// Bitcoin's base58 test set (base58_encode_decode.json).
test.each([
  ["", ""],
  ["61", "2g"],
  ["626262", "a3gV"],
  ["00000000000000000000", "1111111111"],
  ["516b6fcd0f", "ABnLTmg"],
  ["ecac89cad93923c02321", "EJDM8drfXA6uyA"],
])("base58 of %s is %s", (input, text) => {
  expect(encodeBase58(hex(input))).toBe(text);
  expect(decodeBase58(text)).toEqual(hex(input));
});

test("foreign characters, wrong padding and unused bits are refused", () => {
  expect(decodeBase58("0OIl")).toBeNull();
  for (const text of ["A", "AA", "AA=A", "AB==", "AAB=", "A===", "AA-_", "AAAA=", "é==="]) {
    expect(decodeBase64(text), text).toBeNull();
  }
  for (const text of ["A", "AB", "AAB", "AA==", "AA+/"])
    expect(decodeBase64Url(text), text).toBeNull();
});

test("hexadecimal has one spelling", () => {
  expect(fromHex("00ff")).toEqual(Uint8Array.of(0, 255));
  for (const text of ["0", "0F", "zz"]) expect(fromHex(text)).toBeNull();
  expect(fromUtf8(Uint8Array.of(0xff))).toBeNull();
  expect(equalBytes(Uint8Array.of(1), Uint8Array.of(1, 2))).toBe(false);
});

// did:key, "did:key Method" §"Ed25519 with X25519" example keys start so; the codes are multicodec's table.
test("key texts say what the key is for", () => {
  fc.assert(
    fc.property(key, (value) => {
      expect(formatIdentityKey(value)).toMatch(/^z6Mk/);
      expect(formatStaticKey(value)).toMatch(/^z6LS/);
      expect(parseKeyText(formatIdentityKey(value))).toEqual({ kind: "identity", key: value });
      expect(parseKeyText(formatStaticKey(value))).toEqual({ kind: "static", key: value });
    }),
  );
});

test("other multibase texts are not keys", () => {
  const foreign = encodeBase58(Uint8Array.from([0x12, 0x01, ...new Uint8Array(32)]));
  const wrongVarint = encodeBase58(Uint8Array.from([0xed, 0x02, ...new Uint8Array(32)]));
  for (const text of ["", "z", "m6Mk", "z0", "z6Mk", `z${foreign}`, `z${wrongVarint}`]) {
    expect(parseKeyText(text), text).toBeNull();
  }
});

test("an address gives back what it was made of", () => {
  const host = fc.constantFrom("example.com", "127.0.0.1", "::1", "fe80::1:2", "a-b_c");
  const agent = fc.constantFrom("", "fs", "fs/read", "fs.read~1");
  const kind = fc.constantFrom("identity" as const, "static" as const);
  fc.assert(
    fc.property(key, kind, host, fc.integer({ min: 1, max: 65535 }), agent, (...parts) => {
      const [keyBytes, keyKind, hostText, port, agentText] = parts;
      const address = { key: keyBytes, keyKind, host: hostText, port, agent: agentText };
      expect(parseAddress(formatAddress(address))).toEqual(address);
    }),
  );
});

test("an address without a path names the node itself", () => {
  const text = formatIdentityKey(new Uint8Array(32));
  expect(parseAddress(`mxp://${text}@[::1]:7447/`).agent).toBe("");
  expect(parseAddress(`mxp://${text}@[::1]:7447`).host).toBe("::1");
});

test.each([
  "",
  "http://z6Mk@host:1/",
  "mxp://KEY@host/agent",
  "mxp://KEY@host:0/agent",
  "mxp://KEY@host:65536/agent",
  "mxp://KEY@host:123456/agent",
  "mxp://KEY@ho st:1/agent",
  "mxp://KEY@[host]:1/agent",
  "mxp://KEY@[1.2.3.4]:1/agent",
  "mxp://KEY@::1:1/agent",
  "mxp://KEY@host:1/a b",
  "mxp://KEY@host:1/a//b",
  "mxp://zz@host:1/agent",
  `mxp://KEY@host:1/${"a".repeat(600)}`,
])("the address %s is refused with a reason", async (text) => {
  const full = text.replace("KEY", formatIdentityKey(new Uint8Array(32)));
  expect(await failureCode(() => parseAddress(full))).toBe("argument-invalid");
});
