/**
 * What every runtime must do with the same engine.wasm: two instances complete a handshake and move 1 MiB each way.
 *
 * Portable: it runs in Node, Deno, a browser and an edge worker, and takes its keys and certificates as hexadecimal
 * text, since only the test's own runtime makes them. Time is virtual, so a run depends on nothing but its input.
 */
import type {
  EndpointEngine,
  EngineEvent,
  EngineModule,
} from "../../host/shared/engine/contract.ts";
import type { Digest } from "../../host/shared/ports/digest.ts";

/** Bytes moved in each direction. */
export const MOVED_BYTES: number = 1024 * 1024;

/** Keys and certificates of one side, in hexadecimal. */
export interface SuiteSide {
  readonly seed: string;
  readonly staticPrivateKey: string;
  readonly staticPublicKey: string;
  readonly identity: string;
  readonly certificate: string;
}

export interface SuiteInput {
  readonly client: SuiteSide;
  readonly server: SuiteSide;
  readonly wallMs: number;
}

export interface SuiteResult {
  /** Transcript hash of the handshake at the client and at the server. */
  readonly transcripts: readonly [string, string];
  readonly movedBytes: readonly [number, number];
  /** SHA-256 of what was received at the client and at the server. */
  readonly digests: readonly [string, string];
  /** SHA-256 of what was sent to the client and to the server. */
  readonly expected: readonly [string, string];
  readonly datagrams: number;
}

/** One side of the pair: an endpoint, what it sends, and what it got. */
class Side {
  readonly endpoint: EndpointEngine;
  readonly outgoing: Uint8Array;
  readonly incoming: Uint8Array = new Uint8Array(MOVED_BYTES);
  connection = -1;
  stream = -1n;
  sentBytes = 0;
  receivedBytes = 0;
  transcript = "";

  constructor(endpoint: EndpointEngine, salt: number) {
    this.endpoint = endpoint;
    this.outgoing = Uint8Array.from({ length: MOVED_BYTES }, (_, index) => (index * salt) >> 3);
  }

  handle(event: EngineEvent): void {
    if (event.kind === "closed") throw new Error(`closed with code ${event.code}: ${event.reason}`);
    if (event.kind === "connected") {
      this.connection = event.connection;
      this.transcript = toHex(event.channelBinding);
      if (event.isInitiator) {
        const options = { kind: "bytes", band: 2, protocol: "smoke/1" } as const;
        this.stream = this.endpoint.openStream(this.connection, options);
      }
    }
    if (event.kind === "stream-opened") this.stream = event.stream;
  }

  /** Writes and reads what the engine takes and has. */
  pump(): void {
    if (this.stream < 0n) return;
    if (this.sentBytes < MOVED_BYTES) {
      const rest = this.outgoing.subarray(this.sentBytes);
      this.sentBytes += this.#checked(
        this.endpoint.write(this.connection, this.stream, rest, true),
        0,
      );
    }
    while (this.receivedBytes < MOVED_BYTES) {
      const rest = this.incoming.subarray(this.receivedBytes);
      const count = this.#checked(this.endpoint.read(this.connection, this.stream, rest), -1);
      if (count <= 0) return;
      this.receivedBytes += count;
    }
  }

  #checked(count: number, least: number): number {
    if (count < least) throw new Error(`the engine answered ${count}`);
    return count;
  }
}

/** Runs the pair to its end. Throws when it does not end. */
export function runSuite(engine: EngineModule, digest: Digest, input: SuiteInput): SuiteResult {
  const client = new Side(createSuiteEndpoint(engine, input.client, false), 5);
  const server = new Side(createSuiteEndpoint(engine, input.server, true), 7);
  client.endpoint.pinIdentity(fromHex(input.server.identity));
  server.endpoint.pinIdentity(fromHex(input.client.identity));
  server.endpoint.addEntropy(fromHex(input.server.seed));
  let nowUs = 1_000_000;
  const now = (): { nowUs: number; wallMs: number } => ({ nowUs, wallMs: input.wallMs });
  const address = new Uint8Array(24);
  client.endpoint.connect(
    {
      remote: address,
      pattern: "IK",
      remoteStatic: fromHex(input.server.staticPublicKey),
      expectedIdentity: fromHex(input.server.identity),
      entropy: fromHex(input.client.seed),
    },
    now(),
  );
  let datagrams = 0;
  for (let step = 0; step < 20_000; step++) {
    nowUs += 500;
    datagrams += exchange(client, server, now(), address);
    datagrams += exchange(server, client, now(), address);
    if (client.receivedBytes === MOVED_BYTES && server.receivedBytes === MOVED_BYTES) {
      return result(client, server, digest, datagrams);
    }
  }
  throw new Error(`only ${client.receivedBytes} and ${server.receivedBytes} bytes arrived`);
}

/** One turn of `from`, whose datagrams go to `to`. */
function exchange(
  from: Side,
  to: Side,
  now: { nowUs: number; wallMs: number },
  address: Uint8Array,
): number {
  let count = 0;
  if (now.nowUs >= from.endpoint.nextTimeoutUs()) from.endpoint.handleTimeout(now);
  for (let event = from.endpoint.nextEvent(); event !== null; event = from.endpoint.nextEvent()) {
    from.handle(event);
  }
  from.pump();
  for (;;) {
    const transmits = from.endpoint.transmit(now);
    if (transmits.length === 0) break;
    for (const { bytes, segmentBytes } of transmits) {
      for (let start = 0; start < bytes.length; start += segmentBytes) {
        if (!to.endpoint.queueDatagram(bytes.subarray(start, start + segmentBytes), address)) {
          to.endpoint.receive(now);
          to.endpoint.queueDatagram(bytes.subarray(start, start + segmentBytes), address);
        }
        count += 1;
      }
    }
  }
  to.endpoint.receive(now);
  return count;
}

function result(client: Side, server: Side, digest: Digest, datagrams: number): SuiteResult {
  const hash = (bytes: Uint8Array): string => toHex(digest.sha256(bytes));
  const outcome: SuiteResult = {
    transcripts: [client.transcript, server.transcript],
    movedBytes: [client.receivedBytes, server.receivedBytes],
    digests: [hash(client.incoming), hash(server.incoming)],
    expected: [hash(server.outgoing), hash(client.outgoing)],
    datagrams,
  };
  client.endpoint.dispose();
  server.endpoint.dispose();
  return outcome;
}

/** An endpoint of one side. */
export function createSuiteEndpoint(
  engine: EngineModule,
  side: SuiteSide,
  accepts: boolean,
): EndpointEngine {
  return engine.createEndpoint({
    seed: fromHex(side.seed),
    staticPrivateKey: fromHex(side.staticPrivateKey),
    certificate: fromHex(side.certificate),
    acceptsConnections: accepts,
    asksForUnknownPeers: false,
    parameters: {
      maxData: 4_194_304,
      maxStreamData: 1_048_576,
      maxStreamsBidi: 16,
      idleTimeoutMs: 30_000,
      maxDatagramBytes: 1_000,
      maxMessageBytes: 65_536,
      maxAckDelayUs: 5_000,
    },
    maxPacketBytes: 1_200,
    basePacketBytes: 1_200,
    connectionsMax: 2,
  });
}

function fromHex(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: text.length / 2 }, (_, index) =>
    Number.parseInt(text.slice(index * 2, index * 2 + 2), 16),
  );
}

function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
