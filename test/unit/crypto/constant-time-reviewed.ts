/**
 * What was reviewed for test/unit/crypto/constant-time-audit.test.ts: values from memory that are
 * public, and the places where time depends on others, each with the reason why it gives no secret
 * away.
 */

/** Files whose inputs are all public, so that their time may depend on anything. */
export const PUBLIC_FILES = [
  {
    files: [
      "assembly/crypto/ed25519",
      "assembly/crypto/edwards25519",
      "assembly/crypto/scalar25519",
    ],
    why: "verification has no secrets: key, message and signature are what the peer sent",
  },
];

/** Loads of fields that are no secrets, as `auditText` shows them. p0 is the record. */
export const PUBLIC_LOADS = [
  {
    file: "assembly/crypto/sha256",
    load: "(i64.load offset=32 p0)",
    why: "the number of bytes hashed so far",
  },
  {
    file: "assembly/crypto/sha512",
    load: "(i64.load offset=64 p0)",
    why: "the number of bytes hashed so far",
  },
  {
    file: "assembly/crypto/sha512",
    load: "(i64.load static)",
    why: "the same number, where the compiler knows the one state there is",
  },
  {
    file: "assembly/crypto/generator",
    load: "(i32.load offset=32 p0)",
    why: "whether the generator has been seeded",
  },
  {
    file: "assembly/noise/cipher-state",
    load: "(i32.load offset=40 p0)",
    why: "hasKey: the pattern says when there is one",
  },
  {
    file: "assembly/noise/cipher-state",
    load: "(i64.load offset=32 p0)",
    why: "n, the number of messages so far",
  },
  {
    file: "assembly/noise/handshake-state",
    load: "(i32.load offset=40 (i32.sub p0 -64))",
    why: "hasKey of the CipherState inside",
  },
  {
    file: "assembly/noise/handshake-state",
    load: "(i32.load8_u offset=336 p0)",
    why: "the pattern",
  },
  {
    file: "assembly/noise/handshake-state",
    load: "(i32.load8_u offset=337 p0)",
    why: "whether this side is the initiator",
  },
  {
    file: "assembly/noise/handshake-state",
    load: "(i32.load8_u offset=338 p0)",
    why: "the number of messages so far",
  },
  {
    file: "assembly/noise/handshake-state",
    load: "(i32.load8_u offset=339 p0)",
    why: "which keys are set, not their bytes",
  },
];

/** Functions whose result is a length or a verdict that the peer learns anyway. */
export const PUBLIC_RESULTS = [
  {
    function: "assembly/crypto/x25519/x25519",
    why: "whether the peer sent a point of small order",
  },
];

/** Places that remain. */
export const REVIEWED = [
  {
    function: "assembly/crypto/chacha20-poly1305/aeadOpen",
    places: ["if v"],
    why: "decrypts after the verdict on the tag, which was compared in whole",
  },
  {
    function: "assembly/noise/cipher-state/cipherDecryptWithAd",
    places: ["if v", "if (i32.eqz v)"],
    why: "the same verdict, with aeadOpen inlined",
  },
  {
    function: "assembly/crypto/chacha20-poly1305/encrypt",
    places: ["i32.div_s p3 64", "i32.div_s p4 64"],
    why: "blocks in a message of known length",
  },
];
