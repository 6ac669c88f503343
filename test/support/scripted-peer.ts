/**
 * An endpoint of the real engine, and a scripted initiator (test/reference/initiator.ts) that has
 * connected to it: what tests use that must send what no engine would send.
 */
import type { EndpointEngine, EngineEvent } from "../../host/shared/engine/contract.ts";
import { decodeFrame, type FrameValue } from "../reference/frames.ts";
import { Initiator, type InitiatorOptions } from "../reference/initiator.ts";
import { bytes32, createEndpoint, createPerson, WALL_MS } from "./pair.ts";

const SECOND_US = 1_000_000;
export const ENGINE_PERSON = createPerson(2);
export const PEER_PERSON = createPerson(1);

/** Packets of a datagram, by their lengths. */
function packetsOf(datagram: Uint8Array): Uint8Array[] {
  const packets: Uint8Array[] = [];
  for (let at = 0; at + 16 <= datagram.length;) {
    const size = 16 + datagram[at + 10]! + 256 * datagram[at + 11]!;
    packets.push(datagram.slice(at, at + size));
    at += size;
  }
  return packets;
}

/** All frames of a payload; throws when the engine sent something that its own rules refuse. */
export function framesOf(payload: Uint8Array): FrameValue[] {
  const frames: FrameValue[] = [];
  for (let rest = payload; rest.length > 0;) {
    const decoded = decodeFrame(rest);
    if (decoded === null) throw new Error("the engine sent a frame that is not one");
    frames.push(decoded.value);
    rest = rest.subarray(decoded.size);
  }
  return frames;
}

/** One endpoint that accepts; its peers come from addresses of their own. */
export class ScriptedServer {
  readonly engine: EndpointEngine;
  readonly events: EngineEvent[] = [];
  nowUs = SECOND_US;
  #label = 0;

  constructor() {
    this.engine = createEndpoint(ENGINE_PERSON, 7);
    this.engine.pinIdentity(PEER_PERSON.identity);
  }

  get now() {
    return { nowUs: this.nowUs, wallMs: WALL_MS };
  }

  /** Hands one datagram over, and returns the packets that the engine sends in answer. */
  deliver(datagram: Uint8Array, remote: Uint8Array): Uint8Array[] {
    if (datagram.length > 0 && !this.engine.queueDatagram(datagram, remote)) {
      throw new Error("the engine takes no datagram");
    }
    this.engine.receive(this.now);
    return this.#drain();
  }

  #drain(): Uint8Array[] {
    for (let event = this.engine.nextEvent(); event !== null; event = this.engine.nextEvent()) {
      this.events.push(event);
    }
    const packets: Uint8Array[] = [];
    for (let sends = this.engine.transmit(this.now); sends.length > 0;) {
      for (const send of sends) packets.push(...packetsOf(Uint8Array.from(send.bytes)));
      sends = this.engine.transmit(this.now);
    }
    return packets;
  }

  /** Moves the clock, with every timer on the way. */
  wait(durationUs: number): Uint8Array[] {
    const untilUs = this.nowUs + durationUs;
    const packets: Uint8Array[] = [];
    for (let next = this.engine.nextTimeoutUs(); next <= untilUs;) {
      this.nowUs = Math.max(this.nowUs, next);
      this.engine.handleTimeout(this.now);
      packets.push(...this.#drain());
      next = this.engine.nextTimeoutUs();
    }
    this.nowUs = untilUs;
    return packets;
  }

  /** A fresh initiator that has sent nothing yet, and its address. */
  peer(changes: Partial<InitiatorOptions> = {}): ScriptedPeer {
    this.#label += 1;
    this.engine.addEntropy(bytes32(1000 + this.#label));
    const initiator = new Initiator({
      pattern: "IK",
      staticPrivate: PEER_PERSON.staticPrivate,
      ephemeral: bytes32(5000 + this.#label),
      responderStatic: ENGINE_PERSON.staticPublic,
      certificate: PEER_PERSON.certificate,
      initialId: 0x1000_0000_0000n + BigInt(this.#label),
      ownId: 0x2000_0000_0000n + BigInt(this.#label),
      ...changes,
    });
    return new ScriptedPeer(this, initiator, this.#label);
  }
}

/** An initiator with the server that it talks to. */
export class ScriptedPeer {
  readonly initiator: Initiator;
  readonly remote = new Uint8Array(24);
  readonly #server: ScriptedServer;

  constructor(server: ScriptedServer, initiator: Initiator, label: number) {
    this.#server = server;
    this.initiator = initiator;
    const view = new DataView(this.remote.buffer);
    view.setUint16(0, 4, true);
    view.setUint16(2, 1024 + (label % 60_000), true);
    this.remote.set([10, 0, 0, 1], 8);
  }

  deliver(datagram: Uint8Array): Uint8Array[] {
    return this.#server.deliver(datagram, this.remote);
  }

  /** Shakes hands, up to the keys; message 3 is delivered where there is one. */
  shakeHands() {
    const [message2, ...others] = this.deliver(this.initiator.initial());
    if (message2 === undefined || others.length > 0)
      throw new Error("no single answer to message 1");
    const read = this.initiator.readMessage2(message2);
    if (read.message3 !== null) this.deliver(read.message3);
    return read;
  }

  /** Sends one packet with this payload, and returns the frames of the answer. */
  send(payload: Uint8Array): FrameValue[] {
    return this.read(this.deliver(this.initiator.seal(payload)));
  }

  /** The frames of packets that came back; throws for one that does not open. */
  read(packets: readonly Uint8Array[]): FrameValue[] {
    return packets.flatMap((packet) => {
      const opened = this.initiator.open(packet);
      if (opened === null) throw new Error("the engine sent a packet that does not open");
      return framesOf(opened.payload);
    });
  }
}
