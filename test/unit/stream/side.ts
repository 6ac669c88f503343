/** One side of a connection's streams without packets: frames as objects, which a test loses or repeats at will. */
import { Engine } from "../../support/engine-calls.ts";

export const STREAM_SIZE = 720;
export const KIND_BYTES = 0;

export const EVENT = {
  opened: 1,
  readable: 2,
  writable: 4,
  acknowledged: 8,
  reset: 16,
  stopped: 32,
} as const;

export const CONTROL = {
  maxData: 1,
  maxStreamData: 2,
  maxStreams: 3,
  dataBlocked: 4,
  streamDataBlocked: 5,
  streamsBlocked: 6,
  resetStream: 7,
  stopSending: 8,
  open: 31,
} as const;

/** The OPEN fields. */
export interface Description {
  readonly band: number;
  readonly kind: number;
  readonly name: Uint8Array;
}

/** A STREAM_DATA frame, with the reference that its packet keeps. */
export interface DataFrame {
  readonly type: "data";
  readonly id: bigint;
  readonly slot: number;
  readonly generation: number;
  readonly offset: number;
  readonly bytes: Uint8Array;
  readonly isFin: boolean;
  readonly open: Description | undefined;
}

/** A CONTROL or STREAM_OPEN frame, with the reference that its packet keeps. */
export interface ControlFrame {
  readonly type: "control";
  readonly kind: number;
  readonly id: bigint;
  readonly slot: number;
  readonly generation: number;
  readonly value: bigint;
  readonly code: bigint;
  readonly open: Description | undefined;
}

export type StreamFrame = DataFrame | ControlFrame;

export interface SideOptions {
  readonly idsMax?: number;
  readonly maxData?: number;
  readonly maxStreamData?: number;
  readonly maxStreams?: number;
  readonly sendBufferBytes?: number;
  readonly sendBlocks?: number;
  readonly receiveBlocks?: number;
  readonly poolBlocks?: number;
  readonly records?: number;
}

const DEFAULTS = {
  idsMax: 16,
  maxData: 65_536,
  maxStreamData: 32_768,
  maxStreams: 8,
  sendBufferBytes: 65_536,
  sendBlocks: 64,
  receiveBlocks: 64,
  poolBlocks: 256,
  records: 32,
};

export class Side {
  readonly engine: Engine;
  readonly streams: number;
  readonly pool: number;
  readonly slab: number;
  readonly options: Required<SideOptions>;
  readonly #scratch: number;

  constructor(engine: Engine, isServer: boolean, options: SideOptions = {}) {
    this.engine = engine;
    this.options = { ...DEFAULTS, ...options };
    const { idsMax, maxData, maxStreamData, maxStreams, sendBufferBytes, sendBlocks } =
      this.options;
    const { receiveBlocks, poolBlocks, records } = this.options;
    const { module } = engine;
    this.pool = module.reserve(engine.call("blockPoolSize", poolBlocks));
    engine.call("blockPoolInit", this.pool, poolBlocks);
    this.slab = module.reserve(32);
    engine.call("slabInit", this.slab, module.reserve(STREAM_SIZE * records), STREAM_SIZE, records);
    this.streams = module.reserve(engine.call("streamsSize", idsMax));
    this.#scratch = module.reserve(1 << 20);
    engine.call(
      "streamsInit",
      this.streams,
      idsMax,
      this.slab,
      this.pool,
      isServer ? 1 : 0,
      BigInt(maxData),
      BigInt(maxStreamData),
      BigInt(maxStreams),
      BigInt(sendBufferBytes),
      sendBlocks,
      receiveBlocks,
    );
  }

  /** Takes the other side's grants, as its parameters would bring them. */
  meet(other: Side): void {
    const { maxData, maxStreamData, maxStreams } = other.options;
    this.engine.call(
      "streamsSetPeerLimits",
      this.streams,
      BigInt(maxData),
      BigInt(maxStreamData),
      BigInt(maxStreams),
    );
  }

  /** The id, or a negative status. */
  open(band = 1, kind = KIND_BYTES, name: Uint8Array = new Uint8Array()): bigint {
    const at = this.engine.module.put(name);
    const id = this.engine.call64("streamsOpen", this.streams, kind, band, at, name.length);
    return BigInt.asIntN(64, id);
  }

  find(id: bigint): number {
    return this.engine.call("streamsFind", this.streams, id);
  }

  /** The record, which must exist. */
  at(id: bigint): number {
    const stream = this.find(id);
    if (stream === 0) throw new Error(`stream ${id} is not there`);
    return stream;
  }

  write(id: bigint, bytes: Uint8Array): number {
    this.engine.module.bytes.set(bytes, this.#scratch);
    return this.engine.call("streamWrite", this.at(id), this.#scratch, bytes.length);
  }

  finish(id: bigint): number {
    return this.engine.call("streamFinish", this.at(id));
  }

  read(id: bigint, length: number): Uint8Array {
    const count = this.engine.call("streamRead", this.at(id), this.#scratch, length);
    return this.engine.module.get(this.#scratch, count);
  }

  /** All events until there are none, in order. */
  events(): [bigint, number][] {
    const events: [bigint, number][] = [];
    let stream = this.engine.call("eventNext", this.streams);
    while (stream !== 0) {
      const id = this.engine.call64("streamId", stream);
      events.push([id, this.engine.call("eventTake", stream)]);
      stream = this.engine.call("eventNext", this.streams);
    }
    return events;
  }

  #describe(stream: number): Description {
    const name = this.engine.call("streamName", stream);
    return {
      band: this.engine.call("streamBand", stream),
      kind: this.engine.call("streamKind", stream),
      name: this.engine.module.get(name, this.engine.call("streamNameLength", stream)),
    };
  }

  /** The next control frame, or undefined. */
  nextControl(): ControlFrame | undefined {
    const { engine, streams } = this;
    if (!engine.is("controlNext", streams)) return undefined;
    const kind = engine.call("controlKind", streams);
    const stream = engine.call("controlStream", streams);
    const frame: ControlFrame = {
      type: "control",
      kind,
      id: engine.call64("controlId", streams),
      slot: engine.call("controlSlot", streams),
      generation: engine.call("controlGeneration", streams),
      value: engine.call64("controlValue", streams),
      code: engine.call64("controlCode", streams),
      open: kind === CONTROL.open ? this.#describe(stream) : undefined,
    };
    engine.call("controlTake", streams);
    return frame;
  }

  /** The next data frame with at most `room` bytes, or undefined. */
  nextData(room: number, overhead = 24): DataFrame | undefined {
    const { engine } = this;
    const stream = engine.call("schedulerNext", this.streams);
    if (stream === 0) return undefined;
    const hasOpen = engine.is("streamNextHasOpen", stream);
    if (!engine.is("streamChunk", stream, room)) return undefined;
    const length = engine.call("streamChunkLength", stream);
    engine.call("streamCopyChunk", stream, this.#scratch);
    const frame: DataFrame = {
      type: "data",
      id: engine.call64("streamId", stream),
      slot: engine.call("streamSlot", stream),
      generation: engine.call("streamGeneration", stream),
      offset: engine.call("streamChunkOffset", stream),
      bytes: engine.module.get(this.#scratch, length),
      isFin: engine.is("streamChunkIsFin", stream),
      open: hasOpen ? this.#describe(stream) : undefined,
    };
    engine.call("streamChunkSent", stream, length + overhead);
    return frame;
  }

  /** Every frame that can be sent now. */
  allFrames(room = 1000): StreamFrame[] {
    const frames: StreamFrame[] = [];
    for (let frame = this.nextControl(); frame !== undefined; frame = this.nextControl()) {
      frames.push(frame);
    }
    for (let frame = this.nextData(room); frame !== undefined; frame = this.nextData(room)) {
      frames.push(frame);
    }
    return frames;
  }

  #take(name: string, ...parameters: (number | bigint)[]): number {
    return this.engine.call(name, this.streams, ...parameters);
  }

  #onOpen(id: bigint, { band, kind, name }: Description): number {
    const at = this.#scratch;
    this.engine.module.bytes.set(name, at);
    return this.#take("streamsOnOpen", id, band, kind, at, name.length);
  }

  /** A frame arrives; the status. */
  receive(frame: StreamFrame): number {
    if (frame.open !== undefined) {
      const status = this.#onOpen(frame.id, frame.open);
      if (status !== 0 || frame.type === "control") return status;
    }
    if (frame.type === "data") {
      this.engine.module.bytes.set(frame.bytes, this.#scratch);
      const { id, offset, bytes, isFin } = frame;
      const at = this.#scratch;
      return this.#take("streamsOnData", id, BigInt(offset), at, bytes.length, isFin ? 1 : 0);
    }
    return this.#receiveControl(frame);
  }

  #receiveControl({ kind, id, value, code }: ControlFrame): number {
    if (kind === CONTROL.maxData) return this.#take("streamsOnMaxData", value);
    if (kind === CONTROL.maxStreamData) return this.#take("streamsOnMaxStreamData", id, value);
    if (kind === CONTROL.maxStreams) return this.#take("streamsOnMaxStreams", value);
    if (kind === CONTROL.streamDataBlocked) return this.#take("streamsOnStreamBlocked", id);
    if (kind === CONTROL.resetStream) return this.#take("streamsOnReset", id, code, value);
    if (kind === CONTROL.stopSending) return this.#take("streamsOnStopSending", id, code);
    return 0;
  }

  onAcked(frame: StreamFrame): void {
    const { slot, generation } = frame;
    if (frame.type === "control") {
      this.#take("streamsOnControlAcked", frame.kind, slot, generation);
    } else {
      const { offset, bytes, isFin } = frame;
      const fin = isFin ? 1 : 0;
      this.#take("streamsOnAcked", slot, generation, BigInt(offset), bytes.length, fin);
    }
  }

  onLost(frame: StreamFrame): void {
    const { slot, generation } = frame;
    if (frame.type === "control") {
      this.#take("streamsOnControlLost", frame.kind, slot, generation, frame.value);
    } else {
      const { offset, bytes, isFin } = frame;
      const fin = isFin ? 1 : 0;
      this.#take("streamsOnLost", slot, generation, BigInt(offset), bytes.length, fin);
    }
  }

  /** End of a turn. */
  settle(): void {
    this.engine.call("streamsWakeWriters", this.streams);
    this.engine.call("streamsCollect", this.streams);
  }

  get count(): number {
    return this.engine.call("streamsCount", this.streams);
  }

  get freeBlocks(): number {
    return this.engine.call("blockPoolAvailable", this.pool);
  }
}

/** Two sides that know each other's grants, in a fresh arena. */
export function newPair(
  engine: Engine,
  client: SideOptions = {},
  server: SideOptions = {},
): { client: Side; server: Side } {
  engine.module.release();
  const pair = { client: new Side(engine, false, client), server: new Side(engine, true, server) };
  pair.client.meet(pair.server);
  pair.server.meet(pair.client);
  return pair;
}

/** Bytes whose value depends on the offset, so that a displaced byte shows. */
export function pattern(from: number, length: number, salt = 0): Uint8Array {
  return Uint8Array.from(
    { length },
    (_, index) => ((from + index) * 31 + salt * 17 + ((from + index) >> 8)) & 0xff,
  );
}
