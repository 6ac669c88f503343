/**
 * One client's dealings with the server from the first packet to the last event: connecting (again, when the
 * network swallowed the handshake), the work of both applications, silence, and the end. Holds the oracles that
 * need both ends: equal channel binding, the memory bound, silence, and a close that both see.
 */
import type {
  ConnectionStats,
  ConnectOptions,
  EngineEvent,
  TransportParameters,
} from "../../host/shared/engine/contract.ts";
import { errorNumber } from "../../host/shared/ports/failure.ts";
import { Application } from "./application.ts";
import { OracleFailure, require } from "./failure.ts";
import type { Link } from "./link.ts";
import type { SimulatedNode } from "./node.ts";
import { checkStatistics } from "./oracles/statistics.ts";
import type { Path } from "./path.ts";
import type { Side, WorkPlan } from "./plan.ts";
import type { ClientProfile } from "./profile.ts";
import type { Random } from "./random.ts";
import type { Violation } from "./world.ts";

type Connected = EngineEvent & { readonly kind: "connected" };
type Closed = EngineEvent & { readonly kind: "closed" };

/** A handshake resends about ten times: that all are lost may happen once in a run, not twice. */
const CONNECT_ATTEMPTS_MAX = 2;
const HANDSHAKE_TIMEOUT = errorNumber("handshake-timeout");
const IDLE_TIMEOUT = errorNumber("idle-timeout");
const CONNECTION_LOST = errorNumber("connection-lost");
/** What a sender may keep beyond the receiver's window: docs/defaults.md. */
const SEND_BUFFER_BYTES_MAX = 1_050_624;
/** Datagrams in a span of silence: none is needed, one late probe and its answer are borne. */
const QUIET_DATAGRAMS_MAX = 2;
/** Probes into a dead path, and what was on its way: a handful at first, then one pair every few seconds. */
const DEAD_PATH_DATAGRAMS_MAX = 30;
const DEAD_PATH_DATAGRAMS_PER_SECOND = 2;
const CLOSE_REASON = "the work is done";

export interface ConversationOptions {
  readonly label: string;
  readonly profile: ClientProfile;
  readonly serverParameters: TransportParameters;
  readonly plan: WorkPlan;
  readonly random: Random;
  readonly path: Path;
  readonly nodes: Record<Side, SimulatedNode>;
  readonly connectOptions: () => ConnectOptions;
  readonly identities: Record<Side, Uint8Array>;
  readonly violation: Violation | null;
  readonly log: (text: string) => void;
}

/** One end: the connection on its engine, and what was seen of it. */
interface End {
  readonly side: Side;
  readonly node: SimulatedNode;
  connection: number;
  connected: Connected | null;
  application: Application | null;
  closed: Closed | null;
  closedByUsUs: number;
}

export class Conversation {
  readonly options: ConversationOptions;
  readonly ends: Record<Side, End>;
  readonly statistics: ConnectionStats[] = [];
  readonly #applicationCode: bigint;
  #attempts = 0;
  #sentAtSilence = 0;
  #sentAtEnd = 0;
  #endedUs = 0;

  constructor(options: ConversationOptions) {
    this.options = options;
    this.#applicationCode = options.random.split("close").u64() >> 2n;
    this.ends = {
      client: newEnd("client", options.nodes),
      server: newEnd("server", options.nodes),
    };
  }

  connect(): void {
    const { client } = this.ends;
    const now = client.node.now();
    client.connection = client.node.engine.connect(this.options.connectOptions(), now);
    this.#attempts++;
    const { connection } = client;
    require(connection >= 0, "connect", () => `connect answered ${connection}`);
  }

  /** Takes an event of `side` that belongs to this conversation. */
  handle(side: Side, event: EngineEvent): void {
    const end = this.ends[side];
    this.options.log(`${this.options.label} ${side} ${describeEvent(event)}`);
    require(end.closed === null, "after-close", () => `${side}: ${event.kind} after closed`);
    if (this.options.violation !== null && this.#isRefusal(end, event, this.options.violation)) {
      return;
    }
    if (event.kind === "connected") return this.#connected(end, event);
    if (event.kind === "closed") return this.#closed(end, event);
    if (end.application === null) {
      throw new OracleFailure("event", `${side}: ${event.kind} before connected`);
    }
    return end.application.handle(event);
  }

  /** The peer of a violator noticed, with the right code. From then on the violator's fate does not matter. */
  isRefused = false;

  #isRefusal({ side, application }: End, event: EngineEvent, violation: Violation): boolean {
    const isVerdict = event.kind === "closed" || event.kind === "message-refused";
    // A responder that refused before it knew its peer shows nothing; but it tells the peer.
    const isTold = event.kind === "closed" && event.isByPeer;
    const isRightSide = side === violation.violator ? isTold : isVerdict;
    if (isRightSide && isVerdict && event.code === errorNumber(violation.code)) {
      this.isRefused = true;
    }
    if (this.isRefused && event.kind === "closed" && application !== null) {
      application.isClosed = true;
    }
    return this.isRefused;
  }

  #isRefusalStatus({ side }: End, status: number): boolean {
    const { violation } = this.options;
    if (violation === null || side === violation.violator) return false;
    if (-status === errorNumber(violation.code)) this.isRefused = true;
    return this.isRefused;
  }

  #connected(end: End, event: Connected): void {
    const { side } = end;
    const { profile, identities } = this.options;
    const other = side === "client" ? "server" : "client";
    require(end.connected === null, "connected", () => `${side}: connected twice`);
    const isAnonymous = side === "server" && (profile.pattern === "NK" || profile.pattern === "NX");
    const identity = isAnonymous ? new Uint8Array(0) : identities[other];
    const isRight =
      event.isInitiator === (side === "client") &&
      event.pattern === profile.pattern &&
      Buffer.compare(event.identity, identity) === 0;
    require(isRight, "connected", () => `${side}: wrong role, pattern or identity`);
    end.connection = event.connection;
    end.connected = event;
    const peer = this.ends[other].connected;
    require(peer === null ||
      Buffer.compare(peer.channelBinding, event.channelBinding) === 0, "channel-binding", () =>
      `the ends of ${this.options.label} are bound to different handshakes`);
    end.application = this.#startApplication(end);
  }

  #startApplication(end: End): Application {
    const { plan, profile, serverParameters, label, violation } = this.options;
    const peer = end.side === "client" ? serverParameters : profile.side.parameters;
    const application = new Application({
      engine: end.node.engine,
      connection: end.connection,
      side: end.side,
      plan,
      peerMessageBytesMax: peer.maxMessageBytes,
      isViolator: violation?.violator === end.side,
      isRefusal: (status) => this.#isRefusalStatus(end, status),
      label: `${label} ${end.side}`,
      after: (delayUs, action) => end.node.after(delayUs, action),
    });
    application.start();
    return application;
  }

  #closed(end: End, event: Closed): void {
    const isRetry =
      end.side === "client" &&
      end.connected === null &&
      event.code === HANDSHAKE_TIMEOUT &&
      this.#attempts < CONNECT_ATTEMPTS_MAX;
    if (isRetry) {
      // The event is being taken; a new handshake is a turn of its own.
      end.node.after(0, () => this.connect());
      return;
    }
    end.closed = event;
    end.application?.handle(event);
    const isDue = this.#isEnding;
    require(isDue, "closed", () =>
      `${end.side}: closed with ${event.code} "${event.reason}" before the work was done: ${this.describeUndone()}`);
    this.#checkClose(end, event);
  }

  get isWorkDone(): boolean {
    const { client, server } = this.ends;
    return client.application?.isDone === true && server.application?.isDone === true;
  }

  describeUndone(): string {
    return (["client", "server"] as const)
      .map((side) => this.ends[side].application?.describeUndone() ?? `${side} not connected`)
      .join(" | ");
  }

  /** Nothing that this side sent waits for an acknowledgement. */
  get isSettled(): boolean {
    return this.#everyEnd((end) => stats(end).bytesInFlight === 0);
  }

  #everyEnd(predicate: (end: End) => boolean): boolean {
    return predicate(this.ends.client) && predicate(this.ends.server);
  }

  /** Accepted but unread bytes are bounded by the receiver's window and the sender's buffer. */
  checkMemory(): void {
    const { client, server } = this.ends;
    const { profile, serverParameters } = this.options;
    const bound = (sender: End, receiver: End, window: number): void => {
      for (const [stream, { send, task }] of sender.application?.streams ?? []) {
        if (task.streamKind !== "bytes" || task.cut !== null) continue;
        const read = receiver.application?.streams.get(stream)?.receive.received ?? 0;
        const held = send.taken - read;
        const isHeld = held <= window + SEND_BUFFER_BYTES_MAX;
        require(isHeld, "memory", () =>
          `${sender.side} stream ${stream} holds ${held} bytes, the window is ${window}`);
      }
    };
    bound(client, server, serverParameters.maxStreamData);
    bound(server, client, profile.side.parameters.maxStreamData);
  }

  startSilence(): void {
    this.#sentAtSilence = this.#datagramsSent;
  }

  get #datagramsSent(): number {
    const { path } = this.options;
    return path.from("client").datagramsSent + path.from("server").datagramsSent;
  }

  /** The network was silent since `startSilence`, and the counters of both engines are sound. */
  checkSilenceAndStatistics(): void {
    const { path, profile, label } = this.options;
    const sent = this.#datagramsSent - this.#sentAtSilence;
    const isQuiet = sent <= QUIET_DATAGRAMS_MAX;
    require(isQuiet, "silence", () =>
      `${label}: ${sent} datagrams although nothing was to be said`);
    for (const side of ["client", "server"] as const) {
      const end = this.ends[side];
      const outgoing = path.from(side);
      const incoming = path.from(side === "client" ? "server" : "client");
      const statistics = stats(end);
      const observed = {
        label: `${label} ${side}`,
        packetsSent: outgoing.packetsSent,
        bytesSent: outgoing.bytesSent,
        packetsMissing: this.#mayOvertake(outgoing.link) ? Infinity : outgoing.packetsMissing,
        packetsDelivered: incoming.packetsDelivered,
      };
      checkStatistics(statistics, observed, profile);
      this.statistics.push(statistics);
    }
  }

  /**
   * What overtakes makes what it overtakes look lost; where nothing can, only what is missing is lost. A replayed
   * packet does not wait in the queue of the bottleneck, and so overtakes everything there.
   */
  #mayOvertake(link: Link): boolean {
    return !link.keepsOrder || this.options.profile.attack.replayRate > 0;
  }

  #isEnding = false;

  /** Ends the conversation as its profile says. */
  end(): void {
    const { profile, path, random } = this.options;
    const { client, server } = this.ends;
    this.#isEnding = true;
    this.#sentAtEnd = this.#datagramsSent;
    this.#endedUs = client.node.options.schedule.nowUs;
    if (profile.ending === "path-dies") {
      path.cut();
      // With something in flight the engine learns of it by probing, without by hearing nothing.
      if (random.split("end").chance(0.5)) {
        for (const end of [client, server]) {
          end.node.turn(() => end.node.engine.sendDatagram(end.connection, new Uint8Array(8)));
        }
      }
      return;
    }
    if (profile.ending !== "server-closes") this.#close(client);
    if (profile.ending !== "client-closes") this.#close(server);
  }

  /** What was sent since the end began is bounded, also when nobody answers. */
  checkEnd(): void {
    const { label } = this.options;
    const seconds = (this.ends.client.node.options.schedule.nowUs - this.#endedUs) / 1e6;
    const most = DEAD_PATH_DATAGRAMS_MAX + DEAD_PATH_DATAGRAMS_PER_SECOND * seconds;
    const sent = this.#datagramsSent - this.#sentAtEnd;
    require(sent <= most, "dead-path", () =>
      `${label}: ${sent} datagrams in ${seconds} s after the end`);
  }

  #close(end: End): void {
    const { node, connection } = end;
    end.closedByUsUs = node.options.schedule.nowUs;
    node.turn(() => node.engine.close(connection, this.#applicationCode, CLOSE_REASON, node.now()));
  }

  get isClosed(): boolean {
    return this.#everyEnd((end) => end.closed !== null);
  }

  #checkClose(end: End, event: Closed): void {
    const { label, path } = this.options;
    const where = `${label} ${end.side}`;
    if (end.closedByUsUs >= 0 && !event.isByPeer) return;
    if (event.isByPeer) {
      const isEqual =
        event.applicationCode === this.#applicationCode && event.reason === CLOSE_REASON;
      require(isEqual, "closed", () => `${where}: ${event.applicationCode} "${event.reason}"`);
      return;
    }
    const isSilent = event.code === IDLE_TIMEOUT || event.code === CONNECTION_LOST;
    require(isSilent, "closed", () => `${where}: code ${event.code} "${event.reason}"`);
    // Only a close that was lost may go unseen.
    const other = end.side === "client" ? "server" : "client";
    const closedUs = this.ends[other].closedByUsUs;
    const isLost = closedUs < 0 || path.from(other).lastWholeSentUs < closedUs;
    require(isLost, "closed", () => `${where}: timed out although the peer's close arrived`);
  }

  /** Longest time after `end` until both ends must know. */
  get endWithinUs(): number {
    const { profile, serverParameters } = this.options;
    const idleMs = Math.max(profile.side.parameters.idleTimeoutMs, serverParameters.idleTimeoutMs);
    return idleMs * 1000 * 2 + 30_000_000;
  }
}

function stats(end: End): ConnectionStats {
  return end.node.engine.connectionStats(end.connection);
}

function newEnd(side: Side, nodes: Record<Side, SimulatedNode>): End {
  return {
    side,
    node: nodes[side],
    connection: -1,
    connected: null,
    application: null,
    closed: null,
    closedByUsUs: -1,
  };
}

function describeEvent(event: EngineEvent): string {
  const stream = "stream" in event ? ` stream ${event.stream}` : "";
  const code = "code" in event ? ` code ${event.code}` : "";
  const size = "payload" in event ? ` ${event.payload.length} B` : "";
  return `event ${event.kind}${stream}${code}${size}`;
}
