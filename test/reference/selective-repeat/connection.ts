/**
 * One connection of the model: a handshake of two messages, then one sequence of records, sent in a window, each
 * acknowledged by itself and sent again when later ones were acknowledged or when time is up.
 */
import type {
  AddressBytes,
  ConnectionStats,
  EngineEvent,
  HandshakePattern,
  TransportParameters,
} from "../../../host/shared/engine/contract.ts";
import { errorNumber } from "../../../host/shared/ports/failure.ts";
import { digest, openPacket, sealPacket } from "./packet.ts";
import { DATA_MAX, FLAG_LAST, RECORD, type Record, decodeRecord, encodeRecord } from "./record.ts";
import { SendQueue, WINDOW_COUNT } from "./send-queue.ts";
import { ModelStream } from "./stream.ts";

/** Faults that can be planted in the model, to see that the oracles of the simulator fire. */
export type ModelDefect =
  | "accepts-forged"
  | "accepts-replayed"
  | "answers-small-initial"
  | "binds-differently"
  | "chatters"
  | "closes-twice"
  | "forgets-close-reason"
  | "loses-credit"
  | "loses-end"
  | "never-resends"
  | "resends-datagrams"
  | "reuses-number"
  | "shifts-bytes"
  | "takes-everything"
  | "takes-wrong-order";

export interface PeerFacts {
  readonly random: Uint8Array;
  readonly certificate: Uint8Array;
  readonly parameters: TransportParameters;
}

const QUEUE_MAX = 512;
const CLOSING_US = 3_000_000;
const CHATTER_US = 100_000;
const TYPE_ONE_RTT = 4;
const EMPTY = new Uint8Array(0);

export class ModelConnection {
  readonly handle: number;
  readonly isInitiator: boolean;
  readonly pattern: HandshakePattern;
  readonly connectionId: Uint8Array;
  readonly remote: AddressBytes;
  readonly events: EngineEvent[] = [];
  readonly streams = new Map<number, ModelStream>();
  readonly #own: PeerFacts;
  readonly #defect: ModelDefect | null;
  #peer: PeerFacts | null = null;
  #key = 0;
  #number = 0;
  readonly #queue: SendQueue;
  #sequence = 1;
  #expected = 1;
  #isAckDue = false;
  readonly #early = new Map<number, Record>();
  #loose: Record[] = [];
  readonly #numbersSeen = new Set<number>();
  #idleUs = Infinity;
  #chatterUs = Infinity;
  #openedCount = 0;
  isConnected = false;
  isClosed = false;
  closingUntilUs = Infinity;
  #closeRecord: Record | null = null;
  packetsSent = 0;
  packetsReceived = 0;
  bytesSent = 0;
  bytesReceived = 0;
  duplicatePackets = 0;
  reorderDepth = 0;
  #highestNumber = -1;

  constructor(
    handle: number,
    isInitiator: boolean,
    pattern: HandshakePattern,
    connectionId: Uint8Array,
    remote: AddressBytes,
    own: PeerFacts,
    defect: ModelDefect | null,
  ) {
    this.handle = handle;
    this.isInitiator = isInitiator;
    this.pattern = pattern;
    this.connectionId = connectionId;
    this.remote = remote;
    this.#own = own;
    this.#defect = defect;
    this.#queue = new SendQueue(defect !== "never-resends");
  }

  get isKeyed(): boolean {
    return this.#peer !== null;
  }

  /** Largest message that the peer takes. */
  get messageBytesMax(): number {
    return this.#peer?.parameters.maxMessageBytes ?? 0;
  }

  /** The handshake gave both sides the other's facts. The initiator speaks at once. */
  keyed(peer: PeerFacts, nowUs: number): void {
    this.#peer = peer;
    const [first, second] = this.isInitiator
      ? [this.#own.random, peer.random]
      : [peer.random, this.#own.random];
    this.#key = digest(first, second);
    this.#heard(nowUs);
    if (this.isInitiator) this.#enqueue(RECORD.confirm, 0, 0, EMPTY);
  }

  #heard(nowUs: number): void {
    const peerMs = this.#peer?.parameters.idleTimeoutMs ?? Infinity;
    this.#idleUs = nowUs + Math.min(this.#own.parameters.idleTimeoutMs, peerMs) * 1000;
  }

  #connected(): void {
    if (this.isConnected || this.#peer === null) return;
    this.isConnected = true;
    const binding = new Uint8Array(32);
    const seed = this.#defect === "binds-differently" && this.isInitiator ? 1 : 0;
    new DataView(binding.buffer).setUint32(0, this.#key + seed, true);
    const { certificate } = this.#peer;
    this.events.push({
      kind: "connected",
      connection: this.handle,
      isInitiator: this.isInitiator,
      pattern: this.pattern,
      identity: certificate.slice(32, 64),
      peerStatic: certificate.slice(64, 96),
      certificate,
      trust: certificate.length === 0 ? "anonymous" : "unknown",
      channelBinding: binding,
      remote: this.remote,
    });
    if (!this.isInitiator) this.#enqueue(RECORD.done, 0, 0, EMPTY);
  }

  #enqueue(kind: number, stream: number, value: number, data: Uint8Array, flags = 0): void {
    const sequence = this.#sequence++;
    this.#queue.push({ kind, flags, sequence, stream, value, data });
  }

  /** Takes one packet of this connection. */
  receive(packet: Uint8Array, nowUs: number): void {
    const opened = openPacket(packet, this.#key, this.#defect === "accepts-forged");
    const record = opened === null ? null : decodeRecord(opened.plaintext);
    if (opened === null || record === null || this.#peer === null) return;
    // Each direction has its own parity: a packet that comes back to its sender is not for it.
    if (opened.number % 2 === (this.isInitiator ? 0 : 1)) return;
    this.packetsReceived++;
    this.bytesReceived += packet.length;
    if (this.#numbersSeen.has(opened.number)) {
      this.duplicatePackets++;
      if (this.#defect !== "accepts-replayed") return;
    }
    this.#numbersSeen.add(opened.number);
    this.reorderDepth = Math.max(this.reorderDepth, this.#highestNumber - opened.number);
    this.#highestNumber = Math.max(this.#highestNumber, opened.number);
    this.#heard(nowUs);
    if (!this.isInitiator) this.#connected();
    if (this.#closeRecord !== null) {
      if (record.kind !== RECORD.close) this.#loose.push(this.#closeRecord);
      return;
    }
    this.#dispatch(record, nowUs);
  }

  #dispatch(record: Record, nowUs: number): void {
    if (this.isClosed) return;
    if (record.kind === RECORD.ack) return this.#acknowledged(record, nowUs);
    if (record.kind === RECORD.datagram) {
      if (!this.isConnected) return;
      const payload = record.data.slice();
      this.events.push({ kind: "datagram", connection: this.handle, payload });
      return;
    }
    if (record.kind === RECORD.close) return this.#closedByPeer(record);
    this.#isAckDue = true;
    if (record.sequence < this.#expected || this.#early.has(record.sequence)) return;
    this.#early.set(record.sequence, record);
    if (this.#defect === "takes-wrong-order") this.#apply(record);
    for (let next = this.#early.get(this.#expected); next; next = this.#early.get(this.#expected)) {
      this.#early.delete(this.#expected);
      this.#expected++;
      if (this.#defect !== "takes-wrong-order") this.#apply(next);
    }
  }

  #apply(record: Record): void {
    const { kind, stream: id, value, data, flags } = record;
    if (kind === RECORD.done) return this.#connected();
    if (kind === RECORD.open) return this.#openedByPeer(id, value, data);
    const stream = this.streams.get(id);
    if (stream === undefined) return;
    const place = { connection: this.handle, stream: BigInt(id) };
    if (kind === RECORD.data && !stream.isReceiveOver) {
      stream.push(data.slice());
      const isLost = this.#defect === "loses-end" && id % 5 === 0;
      if ((flags & FLAG_LAST) !== 0 && !isLost) stream.isEndReceived = true;
      if (stream.isReadableDue) this.events.push({ kind: "readable", ...place });
      stream.isReadableDue = false;
    } else if (kind === RECORD.reset && !stream.isReceiveOver) {
      stream.isReceiveOver = true;
      this.events.push({ kind: "stream-reset", ...place, code: value });
      this.#forgetOver(stream);
    } else if (kind === RECORD.stop && !stream.isSendOver) {
      this.events.push({ kind: "stream-stopped", ...place, code: value });
    } else if (kind === RECORD.credit) {
      stream.creditBytes = Math.max(stream.creditBytes, value);
      this.#raiseWritable(stream);
    }
  }

  #openedByPeer(id: number, value: number, data: Uint8Array): void {
    const streamKind = (value & 16) === 0 ? "bytes" : "messages";
    const band = (value & 3) as 0 | 1 | 2 | 3;
    const credit = this.#peer?.parameters.maxStreamData ?? 0;
    const window = this.#own.parameters.maxStreamData;
    this.streams.set(id, new ModelStream(id, streamKind, band, false, credit, window));
    const protocol = new TextDecoder().decode(data);
    const stream = BigInt(id);
    const connection = this.handle;
    this.events.push({ kind: "stream-opened", connection, stream, streamKind, band, protocol });
  }

  /** `value` is the first sequence not yet there; the data names those beyond it that are. */
  #acknowledged({ value, data }: Record, nowUs: number): void {
    const early = new Set<number>();
    for (let at = 0; at + 4 <= data.length; at += 4) {
      early.add(new DataView(data.buffer, data.byteOffset + at).getUint32(0, true));
    }
    for (const record of this.#queue.acknowledge(value, early, nowUs)) this.#finished(record);
    for (const stream of this.streams.values()) this.#raiseWritable(stream);
  }

  #raiseWritable(stream: ModelStream): void {
    if (!stream.wantsWrite || this.#roomBytes(stream) <= 0) return;
    stream.wantsWrite = false;
    this.#raise("writable", stream);
  }

  /** A record whose end of stream arrived ends what we send on the stream. */
  #finished(record: Record): void {
    const stream = this.streams.get(record.stream);
    const isEnd = record.kind === RECORD.data && (record.flags & FLAG_LAST) !== 0;
    if (!isEnd || stream === undefined || stream.isSendOver) return;
    stream.isSendOver = true;
    this.#raise("stream-acknowledged", stream);
    this.#forgetOver(stream);
  }

  #raise(kind: "readable" | "writable" | "stream-acknowledged", stream: ModelStream): void {
    this.events.push({ kind, connection: this.handle, stream: BigInt(stream.id) });
  }

  #forgetOver(stream: ModelStream): void {
    if (stream.isOver) this.streams.delete(stream.id);
  }

  get nextTimeoutUs(): number {
    if (this.isClosed) return this.closingUntilUs;
    return Math.min(this.#queue.timerUs, this.#idleUs, this.#chatterUs);
  }

  handleTimeout(nowUs: number): void {
    if (this.isClosed) return;
    if (nowUs >= this.#idleUs) return this.#closedLocally(errorNumber("idle-timeout"), "");
    if (nowUs >= this.#chatterUs) {
      this.#chatterUs = nowUs + CHATTER_US;
      this.#isAckDue = true;
    }
    this.#queue.handleTimeout(nowUs);
  }

  /** The next packet to send, or null. */
  transmit(nowUs: number): Uint8Array | null {
    if (this.#peer === null) return null;
    if (this.#defect === "chatters" && this.#chatterUs === Infinity && this.isConnected) {
      this.#chatterUs = nowUs + CHATTER_US;
    }
    const loose = this.#loose.shift();
    if (loose !== undefined) return this.#seal(loose);
    if (this.isClosed) return null;
    if (this.#isAckDue) {
      this.#isAckDue = false;
      const early = Uint32Array.from([...this.#early.keys()].slice(0, WINDOW_COUNT));
      const data = new Uint8Array(early.buffer);
      return this.#seal({ ...LOOSE, kind: RECORD.ack, value: this.#expected, data });
    }
    const next = this.#queue.next(nowUs);
    return next === null ? null : this.#seal(next);
  }

  #seal(record: Record): Uint8Array {
    const isReused = this.#defect === "reuses-number" && this.#number % 50 === 49;
    const number = isReused ? this.#number++ - 10 : this.#number++;
    const plaintext = encodeRecord(record);
    const packet = sealPacket(
      TYPE_ONE_RTT,
      this.connectionId,
      this.#key,
      this.#side(number),
      plaintext,
    );
    this.packetsSent++;
    this.bytesSent += packet.length;
    return packet;
  }

  /** The two directions never share a number. */
  #side(number: number): number {
    return number * 2 + (this.isInitiator ? 0 : 1);
  }

  // --- what the application does ---

  openStream(kind: "bytes" | "messages", band: 0 | 1 | 2 | 3, protocol: string): number {
    const peer = this.#peer;
    const mine = [...this.streams.values()].filter((stream) => stream.isOpener).length;
    if (peer === null || mine >= peer.parameters.maxStreamsBidi) {
      return -errorNumber("would-block");
    }
    const id = (this.#openedCount++ << 2) | (this.isInitiator ? 0 : 2);
    const credit = peer.parameters.maxStreamData;
    const window = this.#own.parameters.maxStreamData;
    this.streams.set(id, new ModelStream(id, kind, band, true, credit, window));
    const value = band | (kind === "messages" ? 16 : 0);
    this.#enqueue(RECORD.open, id, value, new TextEncoder().encode(protocol));
    return id;
  }

  #roomBytes(stream: ModelStream): number {
    if (this.#defect === "takes-everything") return 1 << 30;
    return this.#queue.length < QUEUE_MAX ? stream.creditBytes - stream.sentBytes : 0;
  }

  write(stream: ModelStream, bytes: Uint8Array, isLast: boolean, isWhole: boolean): number {
    const room = this.#roomBytes(stream);
    if (room <= 0 && bytes.length > 0) stream.wantsWrite = true;
    if (isWhole && room < bytes.length) {
      stream.wantsWrite = true;
      return -errorNumber("would-block");
    }
    const size = Math.max(0, Math.min(room, bytes.length));
    if (size < bytes.length) stream.wantsWrite = true;
    const isEnd = isLast && size === bytes.length;
    const shift = this.#defect === "shifts-bytes" && stream.sentBytes > 3000 ? 1 : 0;
    // The end needs a record also when no byte is left for it.
    const pieces = Math.max(Math.ceil(size / DATA_MAX), isEnd ? 1 : 0);
    for (let piece = 0; piece < pieces; piece++) {
      const at = piece * DATA_MAX;
      const data = bytes.slice(at + shift, Math.min(at + DATA_MAX, size) + shift);
      const isLastPiece = isEnd && at + DATA_MAX >= size;
      this.#enqueue(RECORD.data, stream.id, 0, data, isLastPiece ? FLAG_LAST : 0);
    }
    stream.sentBytes += size;
    if (isEnd) stream.isEndSent = true;
    return size;
  }

  /** After the application read: gives credit when half of the window was used. */
  afterRead(stream: ModelStream): void {
    if (stream.isAtEnd) {
      stream.isReceiveOver = true;
      this.#forgetOver(stream);
      return;
    }
    const wanted = stream.readBytes + stream.windowBytes;
    if (wanted - stream.grantedBytes < stream.windowBytes / 2) return;
    stream.grantedBytes = wanted;
    if (this.#defect === "loses-credit") return;
    this.#enqueue(RECORD.credit, stream.id, wanted, EMPTY);
  }

  reset(stream: ModelStream, code: number): void {
    if (stream.isSendOver) return;
    stream.isSendOver = true;
    this.#enqueue(RECORD.reset, stream.id, code, EMPTY);
    this.#forgetOver(stream);
  }

  stop(stream: ModelStream, code: number): void {
    if (stream.isReceiveOver) return;
    stream.isReceiveOver = true;
    this.#enqueue(RECORD.stop, stream.id, code, EMPTY);
    this.#forgetOver(stream);
  }

  sendDatagram(payload: Uint8Array): void {
    const record = { ...LOOSE, kind: RECORD.datagram, data: payload.slice() };
    this.#loose.push(record);
    if (this.#defect === "resends-datagrams") this.#loose.push(record);
  }

  close(applicationCode: bigint, reason: string, nowUs: number): void {
    if (this.isClosed) return;
    const text = this.#defect === "forgets-close-reason" ? "" : reason;
    const data = new Uint8Array(8 + text.length);
    new DataView(data.buffer).setBigUint64(0, applicationCode, true);
    data.set(new TextEncoder().encode(text), 8);
    this.#closeRecord = { ...LOOSE, kind: RECORD.close, data };
    this.#loose = [this.#closeRecord];
    this.closingUntilUs = nowUs + CLOSING_US;
    this.#closedLocally(0, reason);
  }

  #closedLocally(code: number, reason: string): void {
    this.#raiseClosed(code, false, 0n, reason);
  }

  #closedByPeer(record: Record): void {
    const view = new DataView(record.data.buffer, record.data.byteOffset, record.data.length);
    const reason = new TextDecoder().decode(record.data.subarray(8));
    this.#raiseClosed(0, true, view.getBigUint64(0, true), reason);
  }

  #raiseClosed(code: number, isByPeer: boolean, applicationCode: bigint, reason: string): void {
    this.isClosed = true;
    // The application never knew of a connection that was not confirmed.
    if (!this.isConnected) return;
    const connection = this.handle;
    this.events.push({ kind: "closed", connection, code, isByPeer, applicationCode, reason });
    const last = this.events.at(-1);
    if (this.#defect === "closes-twice" && last) this.events.push(last);
  }

  statistics(): ConnectionStats {
    return {
      packetsSent: this.packetsSent,
      packetsReceived: this.packetsReceived,
      packetsLost: this.#queue.packetsLost,
      bytesSent: this.bytesSent,
      bytesReceived: this.bytesReceived,
      retransmittedBytes: this.#queue.retransmittedBytes,
      probeTimeouts: this.#queue.probeTimeouts,
      duplicatePackets: this.duplicatePackets,
      reorderDepth: this.reorderDepth,
      smoothedRttUs: this.#queue.smoothedRttUs,
      latestRttUs: this.#queue.latestRttUs,
      congestionWindowBytes: WINDOW_COUNT * DATA_MAX,
      bytesInFlight: this.#queue.inFlightBytes,
      streamsOpen: this.streams.size,
    };
  }
}

const LOOSE: Record = { kind: 0, flags: 0, sequence: 0, stream: 0, value: 0, data: EMPTY };
