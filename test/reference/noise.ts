/**
 * Noise as the specification writes it, over node:crypto: the readable twin of assembly/noise.
 *
 * Source: The Noise Protocol Framework, revision 34, §5 (the three objects), §7.4, §7.5 and §9.4
 * (patterns).
 */
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
} from "node:crypto";

export type Bytes = Uint8Array<ArrayBuffer>;
export type PatternName = "IK" | "NK" | "XX" | "NX" | "NNpsk0";
type Token = "e" | "s" | "ee" | "es" | "se" | "ss" | "psk";

const MESSAGES: Record<PatternName, readonly (readonly Token[])[]> = {
  IK: [
    ["e", "es", "s", "ss"],
    ["e", "ee", "se"],
  ],
  NK: [
    ["e", "es"],
    ["e", "ee"],
  ],
  XX: [["e"], ["e", "ee", "s", "es"], ["s", "se"]],
  NX: [["e"], ["e", "ee", "s", "es"]],
  NNpsk0: [
    ["psk", "e"],
    ["e", "ee"],
  ],
};

const NONE: Bytes = new Uint8Array(0);

function concat(...parts: Uint8Array[]): Bytes {
  return new Uint8Array(Buffer.concat(parts));
}

function sha256(...parts: Uint8Array[]): Bytes {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
}

function hmac(key: Uint8Array, ...parts: Uint8Array[]): Bytes {
  const mac = createHmac("sha256", key);
  for (const part of parts) mac.update(part);
  return new Uint8Array(mac.digest());
}

/** HKDF(chaining_key, input_key_material, count) of §4.3. */
function hkdf(chainingKey: Uint8Array, material: Uint8Array, count: 2 | 3): Bytes[] {
  const temp = hmac(chainingKey, material);
  const outputs: Bytes[] = [];
  let last = NONE;
  for (let index = 1; index <= count; index++) {
    last = hmac(temp, last, Uint8Array.of(index));
    outputs.push(last);
  }
  return outputs;
}

const PKCS8_X25519 = Buffer.from("302e020100300506032b656e04220420", "hex");
const SPKI_X25519 = Buffer.from("302a300506032b656e032100", "hex");

/** The X25519 public key of a private key. */
export function publicKeyOf(privateKey: Uint8Array): Bytes {
  const key = createPrivateKey({
    key: Buffer.concat([PKCS8_X25519, privateKey]),
    format: "der",
    type: "pkcs8",
  });
  const spki = createPublicKey(key).export({ format: "der", type: "spki" });
  return new Uint8Array(spki.subarray(-32));
}

/** DH(private, public); node:crypto throws when the result is all zero. */
export function dh(privateKey: Uint8Array, publicKey: Uint8Array): Bytes {
  return new Uint8Array(
    diffieHellman({
      privateKey: createPrivateKey({
        key: Buffer.concat([PKCS8_X25519, privateKey]),
        format: "der",
        type: "pkcs8",
      }),
      publicKey: createPublicKey({
        key: Buffer.concat([SPKI_X25519, publicKey]),
        format: "der",
        type: "spki",
      }),
    }),
  );
}

/** CipherState of §5.1. */
export class CipherState {
  #k: Bytes | undefined;
  #n = 0n;

  constructor(k?: Bytes) {
    this.#k = k;
  }

  get hasKey(): boolean {
    return this.#k !== undefined;
  }

  encryptWithAd(ad: Uint8Array, plaintext: Uint8Array): Bytes {
    if (this.#k === undefined) return concat(plaintext);
    const cipher = createCipheriv("chacha20-poly1305", this.#k, this.#nonce(), {
      authTagLength: 16,
    });
    cipher.setAAD(ad, { plaintextLength: plaintext.length });
    const body = cipher.update(plaintext);
    cipher.final();
    this.#n++;
    return concat(body, cipher.getAuthTag());
  }

  /** Throws when the ciphertext is not authentic. */
  decryptWithAd(ad: Uint8Array, ciphertext: Uint8Array): Bytes {
    if (this.#k === undefined) return concat(ciphertext);
    const cipher = createDecipheriv("chacha20-poly1305", this.#k, this.#nonce(), {
      authTagLength: 16,
    });
    cipher.setAAD(ad, { plaintextLength: ciphertext.length - 16 });
    cipher.setAuthTag(ciphertext.subarray(ciphertext.length - 16));
    const plaintext = cipher.update(ciphertext.subarray(0, ciphertext.length - 16));
    cipher.final();
    this.#n++;
    return concat(plaintext);
  }

  #nonce(): Bytes {
    const nonce = new Uint8Array(12);
    new DataView(nonce.buffer).setBigUint64(4, this.#n, true);
    return nonce;
  }
}

/** SymmetricState of §5.2. */
class SymmetricState {
  ck: Bytes;
  h: Bytes;
  cipher = new CipherState();

  constructor(protocolName: string) {
    const name = new TextEncoder().encode(protocolName);
    this.h = name.length <= 32 ? concat(name, new Uint8Array(32 - name.length)) : sha256(name);
    this.ck = this.h;
  }

  mixKey(material: Uint8Array): void {
    const [ck, k] = hkdf(this.ck, material, 2);
    this.ck = ck!;
    this.cipher = new CipherState(k);
  }

  mixHash(data: Uint8Array): void {
    this.h = sha256(this.h, data);
  }

  mixKeyAndHash(material: Uint8Array): void {
    const [ck, h, k] = hkdf(this.ck, material, 3);
    this.ck = ck!;
    this.mixHash(h!);
    this.cipher = new CipherState(k);
  }

  encryptAndHash(plaintext: Uint8Array): Bytes {
    const ciphertext = this.cipher.encryptWithAd(this.h, plaintext);
    this.mixHash(ciphertext);
    return ciphertext;
  }

  decryptAndHash(ciphertext: Uint8Array): Bytes {
    const plaintext = this.cipher.decryptWithAd(this.h, ciphertext);
    this.mixHash(ciphertext);
    return plaintext;
  }
}

/** What a side brings to a handshake. */
export interface HandshakeOptions {
  readonly pattern: PatternName;
  readonly isInitiator: boolean;
  readonly prologue: Uint8Array;
  readonly s?: Uint8Array;
  readonly e: Uint8Array;
  readonly rs?: Uint8Array;
  readonly psk?: Uint8Array;
}

/** HandshakeState of §5.3. */
export class HandshakeState {
  readonly #symmetric: SymmetricState;
  readonly #options: HandshakeOptions;
  #rs: Uint8Array | undefined;
  #re: Uint8Array | undefined;
  #next = 0;

  constructor(options: HandshakeOptions) {
    const { pattern, isInitiator } = options;
    this.#options = options;
    this.#rs = options.rs;
    this.#symmetric = new SymmetricState(`Noise_${pattern}_25519_ChaChaPoly_SHA256`);
    this.#symmetric.mixHash(options.prologue);
    if (pattern === "IK" || pattern === "NK") {
      this.#symmetric.mixHash(isInitiator ? options.rs! : publicKeyOf(options.s!));
    }
  }

  get isComplete(): boolean {
    return this.#next === MESSAGES[this.#options.pattern].length;
  }

  get hash(): Bytes {
    return this.#symmetric.h;
  }

  get remoteStatic(): Uint8Array | undefined {
    return this.#rs;
  }

  /** WriteMessage. */
  write(payload: Uint8Array): Bytes {
    const parts: Bytes[] = [];
    for (const token of this.#tokens()) {
      if (token === "e") parts.push(this.#mixEphemeral(publicKeyOf(this.#options.e)));
      else if (token === "s") {
        parts.push(this.#symmetric.encryptAndHash(publicKeyOf(this.#options.s!)));
      } else this.#mix(token);
    }
    parts.push(this.#symmetric.encryptAndHash(payload));
    return concat(...parts);
  }

  /** ReadMessage; throws when the message is not authentic. */
  read(message: Uint8Array): Bytes {
    let rest = message;
    for (const token of this.#tokens()) {
      if (token === "e") {
        this.#re = this.#mixEphemeral(concat(rest.subarray(0, 32)));
        rest = rest.subarray(32);
      } else if (token === "s") {
        const size = this.#symmetric.cipher.hasKey ? 48 : 32;
        this.#rs = this.#symmetric.decryptAndHash(rest.subarray(0, size));
        rest = rest.subarray(size);
      } else this.#mix(token);
    }
    return this.#symmetric.decryptAndHash(rest);
  }

  /** Split: initiator to responder first. */
  split(): [Bytes, Bytes] {
    const [k1, k2] = hkdf(this.#symmetric.ck, NONE, 2);
    return [k1!, k2!];
  }

  #tokens(): readonly Token[] {
    return MESSAGES[this.#options.pattern][this.#next++]!;
  }

  #mixEphemeral(publicKey: Bytes): Bytes {
    this.#symmetric.mixHash(publicKey);
    if (this.#options.pattern === "NNpsk0") this.#symmetric.mixKey(publicKey);
    return publicKey;
  }

  #mix(token: Token): void {
    const { isInitiator, e, s, psk } = this.#options;
    if (token === "psk") return this.#symmetric.mixKeyAndHash(psk!);
    const [initiators, responders] = token;
    const ours = isInitiator ? initiators : responders;
    const theirs = isInitiator ? responders : initiators;
    this.#symmetric.mixKey(dh(ours === "e" ? e : s!, (theirs === "e" ? this.#re : this.#rs)!));
  }
}
