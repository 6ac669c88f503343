/**
 * One side of a handshake inside the engine, for tests: addresses out of sight, bytes in and out.
 */
import type { TestModule } from "./wasm.ts";
import type { Bytes, HandshakeOptions, PatternName } from "../reference/noise.ts";

/** Numbers of assembly/noise/patterns.ts. */
export const PATTERNS: Record<PatternName, number> = { IK: 1, NK: 2, XX: 3, NX: 4, NNpsk0: 5 };

/** A HandshakeState in the memory of `module`. */
export class EngineHandshake {
  readonly state: number;
  readonly #module: TestModule;

  constructor(module: TestModule, options: HandshakeOptions, hasPair = false) {
    this.#module = module;
    const { exports } = module;
    this.state = module.reserve(exports["handshakeStateSize"]!());
    const optional = (key: Uint8Array | undefined): number =>
      key === undefined ? 0 : module.put(key);
    let s = optional(options.s);
    if (hasPair && s !== 0) {
      const pair = module.reserve(64);
      module.bytes.set(options.s!, pair);
      exports["x25519PublicKey"]!(pair + 32, pair);
      s = pair;
    }
    exports[hasPair ? "handshakeInitWithPair" : "handshakeInit"]!(
      this.state,
      PATTERNS[options.pattern],
      options.isInitiator ? 1 : 0,
      module.put(options.prologue),
      options.prologue.length,
      s,
      optional(options.rs),
      optional(options.psk),
    );
    exports["handshakeSetEphemeral"]!(this.state, module.put(options.e));
  }

  get isComplete(): boolean {
    return this.#module.exports["handshakeIsComplete"]!(this.state) !== 0;
  }

  get hash(): Bytes {
    const out = this.#module.reserve(32);
    this.#module.exports["handshakeHash"]!(this.state, out);
    return this.#module.get(out, 32);
  }

  get remoteStatic(): Bytes | undefined {
    const at = this.#module.exports["handshakeRemoteStatic"]!(this.state);
    return at === 0 ? undefined : this.#module.get(at, 32);
  }

  /** The whole state, to see that it did or did not change. */
  get bytes(): Bytes {
    return this.#module.get(this.state, this.#module.exports["handshakeStateSize"]!());
  }

  /** The message, or a negative status. */
  tryWrite(payload: Uint8Array): Bytes | number {
    const { exports } = this.#module;
    const overhead: number = exports["handshakeOverhead"]!(this.state);
    const out = this.#module.reserve(payload.length + overhead);
    const length: number = exports["handshakeWrite"]!(
      this.state,
      this.#module.put(payload),
      payload.length,
      out,
    );
    if (length >= 0 && length !== payload.length + overhead) {
      throw new Error(`the message has ${length} bytes, not ${payload.length} + ${overhead}`);
    }
    return length < 0 ? length : this.#module.get(out, length);
  }

  /** The payload, or a negative status. */
  tryRead(message: Uint8Array): Bytes | number {
    const out = this.#module.reserve(message.length);
    const length = this.#module.exports["handshakeRead"]!(
      this.state,
      this.#module.put(message),
      message.length,
      out,
    );
    return length < 0 ? length : this.#module.get(out, length);
  }

  write(payload: Uint8Array): Bytes {
    return succeed(this.tryWrite(payload));
  }

  read(message: Uint8Array): Bytes {
    return succeed(this.tryRead(message));
  }

  split(): [Bytes, Bytes] {
    const out = this.#module.reserve(64);
    this.#module.exports["handshakeSplit"]!(this.state, out, out + 32);
    return [this.#module.get(out, 32), this.#module.get(out + 32, 32)];
  }

  wipe(): void {
    this.#module.exports["handshakeWipe"]!(this.state);
  }
}

/** A CipherState in the memory of `module`, with empty additional data. */
export class EngineCipher {
  readonly #module: TestModule;
  readonly #state: number;

  constructor(module: TestModule, k: Uint8Array) {
    this.#module = module;
    this.#state = module.reserve(module.exports["cipherStateSize"]!());
    module.exports["cipherInitializeKey"]!(this.#state, module.put(k));
  }

  encrypt(plaintext: Uint8Array): Bytes {
    const data = this.#module.reserve(plaintext.length + 16);
    this.#module.bytes.set(plaintext, data);
    const { exports } = this.#module;
    const length: number = exports["cipherEncryptWithAd"]!(
      this.#state,
      0,
      0,
      data,
      plaintext.length,
    );
    return this.#module.get(data, length);
  }

  decrypt(ciphertext: Uint8Array): Bytes {
    const data = this.#module.put(ciphertext);
    const { exports } = this.#module;
    const length: number = exports["cipherDecryptWithAd"]!(
      this.#state,
      0,
      0,
      data,
      ciphertext.length,
    );
    if (length < 0) throw new Error("the transport message is not authentic");
    return this.#module.get(data, length);
  }
}

function succeed(result: Bytes | number): Bytes {
  if (typeof result === "number") throw new Error(`the handshake failed with status ${result}`);
  return result;
}
