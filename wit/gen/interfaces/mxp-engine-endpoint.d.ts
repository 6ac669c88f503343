/** @module Interface mxp:engine/endpoint@0.1.0 **/
export type Address = import('./mxp-engine-types.js').Address;
export type Band = import('./mxp-engine-types.js').Band;
export type ConnectionId = import('./mxp-engine-types.js').ConnectionId;
export type ErrorCode = import('./mxp-engine-types.js').ErrorCode;
export type Micros = import('./mxp-engine-types.js').Micros;
export type Now = import('./mxp-engine-types.js').Now;
export type Pattern = import('./mxp-engine-types.js').Pattern;
export type StreamId = import('./mxp-engine-types.js').StreamId;
export type StreamKind = import('./mxp-engine-types.js').StreamKind;
export type Trust = import('./mxp-engine-types.js').Trust;
/**
 * Limits that this side grants to its peers, sent in the handshake.
 */
export interface Parameters {
  /**
   * Bytes that a peer may have in flight on all streams.
   */
  maxData: bigint,
  /**
   * Bytes that a peer may have in flight on one stream.
   */
  maxStreamData: bigint,
  /**
   * Streams that a peer may have open.
   */
  maxStreamsBidi: bigint,
  idleTimeoutMs: number,
  maxDatagramBytes: number,
  /**
   * Largest message that is taken as a whole; never above `max-stream-data`.
   */
  maxMessageBytes: number,
  maxAckDelayUs: number,
}
export interface Configuration {
  /**
   * 32 bytes from the operating system, fresh for each endpoint.
   */
  seed: Uint8Array,
  /**
   * X25519 private key, 32 bytes.
   */
  staticPrivateKey: Uint8Array,
  /**
   * This node's certificate, at most 512 bytes; empty for an anonymous client.
   */
  certificate: Uint8Array,
  acceptsConnections: boolean,
  /**
   * True: unknown peers raise `authenticate`. False: they are refused.
   */
  asksForUnknownPeers: boolean,
  parameters: Parameters,
  /**
   * Largest datagram that the carrier takes.
   */
  maxPacketBytes: number,
  /**
   * Size to which first messages are padded.
   */
  basePacketBytes: number,
  connectionsMax: number,
}
/**
 * One datagram from the carrier.
 */
export interface Received {
  bytes: Uint8Array,
  remote: Address,
}
/**
 * One send of the carrier: equal segments of `segment-bytes`, the last one may be shorter. At most 65,507 bytes.
 */
export interface Transmit {
  bytes: Uint8Array,
  segmentBytes: number,
  remote: Address,
}
/**
 * A handshake is complete and confirmed.
 */
export interface Connected {
  connection: ConnectionId,
  isInitiator: boolean,
  pattern: Pattern,
  /**
   * The peer's Ed25519 key, or empty when it is anonymous.
   */
  identity: Uint8Array,
  trust: Trust,
  /**
   * h of the Noise handshake: 32 bytes, equal on both sides.
   */
  channelBinding: Uint8Array,
  remote: Address,
}
/**
 * A peer that is neither pinned nor certified. Answer with `connection.authenticate` before the deadline.
 */
export interface Authenticate {
  connection: ConnectionId,
  identity: Uint8Array,
  deadline: Micros,
  remote: Address,
}
/**
 * A stream that the peer opened.
 */
export interface Opened {
  connection: ConnectionId,
  id: StreamId,
  kind: StreamKind,
  band: Band,
  /**
   * Protocol name, at most 128 bytes.
   */
  protocol: string,
}
/**
 * Which stream an event is about.
 */
export interface AtStream {
  connection: ConnectionId,
  id: StreamId,
}
/**
 * The peer gave up a direction of a stream.
 */
export interface GivenUp {
  connection: ConnectionId,
  id: StreamId,
  code: bigint,
}
export interface Closed {
  connection: ConnectionId,
  /**
   * Nothing for a clean close.
   */
  code?: ErrorCode,
  isByPeer: boolean,
  applicationCode: bigint,
  reason: string,
}
export interface Datagram {
  connection: ConnectionId,
  payload: Uint8Array,
}
export type Event = EventConnected | EventAuthenticate | EventStreamOpened | EventReadable | EventWritable | EventStreamAcknowledged | EventStreamReset | EventStreamStopped | EventDatagram | EventClosed | EventMessageRefused | EventStreamsAvailable;
export interface EventConnected {
  tag: 'connected',
  val: Connected,
}
export interface EventAuthenticate {
  tag: 'authenticate',
  val: Authenticate,
}
export interface EventStreamOpened {
  tag: 'stream-opened',
  val: Opened,
}
/**
 * Bytes, a message or the end can be read. Raised again only after a read found nothing.
 */
export interface EventReadable {
  tag: 'readable',
  val: AtStream,
}
/**
 * A write that was cut short can go on.
 */
export interface EventWritable {
  tag: 'writable',
  val: AtStream,
}
/**
 * Everything written, and the end, arrived at the peer's transport.
 */
export interface EventStreamAcknowledged {
  tag: 'stream-acknowledged',
  val: AtStream,
}
export interface EventStreamReset {
  tag: 'stream-reset',
  val: GivenUp,
}
export interface EventStreamStopped {
  tag: 'stream-stopped',
  val: GivenUp,
}
export interface EventDatagram {
  tag: 'datagram',
  val: Datagram,
}
export interface EventClosed {
  tag: 'closed',
  val: Closed,
}
/**
 * The next message of the stream was refused; `code` names why and the stream is reset.
 */
export interface EventMessageRefused {
  tag: 'message-refused',
  val: GivenUp,
}
/**
 * After `stream.open` answered `would-block`: the peer permits more streams now.
 */
export interface EventStreamsAvailable {
  tag: 'streams-available',
  val: ConnectionId,
}

export class Endpoint {
  /**
   * This type does not have a public constructor.
   */
  private constructor();
  /**
  * Makes the endpoint of this component instance. Everything it will ever use is reserved now, so that an
  * instance holds one endpoint: for another, instantiate the component again.
  * 
  * # Typical errors
  * `argument-invalid`, `certificate-malformed`, `memory-limit`.
  */
  static create(configuration: Configuration): Endpoint;
  /**
  * Adds a certificate authority by its Ed25519 key.
  */
  trustAuthority(publicKey: Uint8Array): void;
  /**
  * Trusts one identity without a certificate authority.
  */
  pinIdentity(publicKey: Uint8Array): void;
  unpinIdentity(publicKey: Uint8Array): void;
  /**
  * Stocks 32 fresh bytes for a handshake that will be accepted.
  */
  addEntropy(entropy: Uint8Array): void;
  /**
  * Takes up to 64 datagrams. Malformed, foreign and replayed ones are dropped and counted.
  */
  receive(datagrams: Array<Received>, now: Now): void;
  handleTimeout(now: Now): void;
  /**
  * When `handle-timeout` is due, or nothing.
  */
  nextTimeout(): Micros | undefined;
  pollEvent(): Event | undefined;
  /**
  * Builds up to 64 datagrams, coalesced into sends. An empty list: nothing more to send now.
  */
  transmit(now: Now): Array<Transmit>;
}
