/**
 * A second implementation of the initiator, made from docs/protocol.md alone: handshake (§5),
 * packets (§3, §4), and payloads. It runs no timers and keeps no state of streams; who uses it says
 * which frames to send.
 */
import { createHash } from "node:crypto";
import { ByteWriter } from "./bytes.ts";
import { HandshakeState, type PatternName } from "./noise.ts";
import { PacketKeys } from "./packet-keys.ts";
import { decodeLongPacket, encodeLongPacket, encodePrologue } from "./packets.ts";
import { decodeParameters, encodeParameters, type WireParameter } from "./parameters.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const VERSION = 0x4d585001;
const BASE_SIZE = 1200;
const HANDSHAKE_OVERHEAD = { IK: 96, NK: 48, XX: 32, NX: 32 } as const;
const KINDS = { IK: 1, NK: 2, XX: 3, NX: 4 } as const;

export interface InitiatorOptions {
  readonly pattern: Exclude<PatternName, "NNpsk0">;
  /** X25519 keys, 32 bytes each. */
  readonly staticPrivate: Uint8Array;
  readonly ephemeral: Uint8Array;
  readonly responderStatic: Uint8Array;
  readonly certificate: Uint8Array;
  /** The id of the Initial, and the one that the responder shall use. */
  readonly initialId: bigint;
  readonly ownId: bigint;
  /** Changes the payload of message 1 before it is encrypted; its size stays what it is. */
  readonly damage?: (payload: Bytes) => Bytes;
}

const numeric = (id: number, value: number | bigint, size: number): WireParameter => ({
  id,
  value: new ByteWriter().number(value, size).finish(),
});

export class Initiator {
  readonly #options: InitiatorOptions;
  readonly #noise: HandshakeState;
  readonly #versions: readonly number[] = [VERSION, 0x3a4a5a6a];
  #responderId = 0n;
  #send: PacketKeys | null = null;
  #receive: PacketKeys | null = null;
  #next = 0n;

  constructor(options: InitiatorOptions) {
    this.#options = options;
    const isKeyed = options.pattern === "IK" || options.pattern === "NK";
    this.#noise = new HandshakeState({
      pattern: options.pattern,
      isInitiator: true,
      prologue: encodePrologue(VERSION, this.#versions, options.initialId),
      s: options.staticPrivate,
      e: options.ephemeral,
      ...(isKeyed ? { rs: options.responderStatic } : {}),
    });
  }

  /** Message 1: an Initial of exactly the base size. */
  initial(): Bytes {
    const { pattern, initialId, responderStatic } = this.#options;
    const headSize = 16 + 16 + 8 + 64;
    const room = BASE_SIZE - headSize - HANDSHAKE_OVERHEAD[pattern];
    const isKeyed = pattern === "IK" || pattern === "NK";
    const parameters = this.#parameters();
    const used = encodeParameters(parameters, 0).length;
    const right = encodeParameters(parameters, room - used);
    const payload = new Uint8Array(room);
    payload.set((this.#options.damage?.(right) ?? right).subarray(0, room));
    const digest = createHash("sha256").update(responderStatic).digest();
    return encodeLongPacket({
      type: "initial",
      connectionId: initialId,
      kind: KINDS[pattern],
      version: VERSION,
      keyId: isKeyed ? digest.readBigUInt64LE(0) : 0n,
      versions: this.#versions,
      token: new Uint8Array(),
      body: this.#noise.write(payload),
    });
  }

  #parameters(): WireParameter[] {
    const versions = new ByteWriter().number(VERSION, 4);
    for (const version of this.#versions) versions.number(version, 4);
    const list = [
      numeric(1, 1 << 20, 8),
      numeric(2, 1 << 18, 8),
      numeric(3, 32, 8),
      numeric(4, 30_000, 4),
      numeric(5, 1000, 4),
      numeric(6, 1 << 16, 4),
      numeric(8, this.#options.ownId, 8),
      { id: 10, value: versions.finish() },
      { id: 27 + 31 * 5, value: Uint8Array.of(1, 2, 3) },
    ];
    const { certificate } = this.#options;
    return this.#options.pattern === "IK" ? [...list, { id: 11, value: certificate }] : list;
  }

  /** Reads message 2, and returns the responder's parameters and message 3, where there is one. */
  readMessage2(datagram: Uint8Array) {
    const decoded = decodeLongPacket(datagram);
    if (decoded?.packet.type !== "handshake" || decoded.packet.kind !== 2) {
      throw new Error("not a Handshake with message 2");
    }
    const { packet } = decoded;
    if (packet.connectionId !== this.#options.ownId)
      throw new Error("not to the id that was named");
    const parameters = decodeParameters(this.#noise.read(packet.body), true);
    const responderId = parameters?.numbers.get(8);
    if (parameters === null || responderId === undefined) throw new Error("wrong parameters");
    this.#responderId = responderId;
    const message3 = this.#noise.isComplete ? null : this.#message3();
    const [toResponder, toInitiator] = this.#noise.split();
    this.#send = new PacketKeys(toResponder);
    this.#receive = new PacketKeys(toInitiator);
    return { parameters, message3, responderStatic: this.#noise.remoteStatic };
  }

  #message3(): Bytes {
    const list = [{ id: 11, value: this.#options.certificate }];
    return encodeLongPacket({
      type: "handshake",
      connectionId: this.#responderId,
      kind: 3,
      version: VERSION,
      body: this.#noise.write(encodeParameters(list, 0)),
    });
  }

  /** Noise's h: the channel binding. */
  get channelBinding(): Bytes {
    return this.#noise.hash;
  }

  /** The next ONE_RTT packet, around any payload. */
  seal(payload: Uint8Array): Bytes {
    const number = this.#next++;
    return this.#send!.seal(this.#responderId, number, payload);
  }

  /** The next ONE_RTT packet, with reserved bits ORed into flags and number byte. */
  sealWithBits(payload: Uint8Array, flags: number, numberByte: number): Bytes {
    const number = this.#next++;
    const header = new ByteWriter()
      .number(this.#responderId, 8)
      .number(4 | flags, 1)
      .number(3 | numberByte, 1)
      .number(payload.length + 16, 2)
      .number(number, 4)
      .finish();
    return this.#send!.sealWith(header, number, payload);
  }

  /** The payload of a ONE_RTT packet of the responder; null for what is none, or not authentic. */
  open(packet: Uint8Array): { readonly number: bigint; readonly payload: Bytes } | null {
    return packet.length >= 32 && (packet[8]! & 7) === 4 ? this.#receive!.open(packet) : null;
  }
}
