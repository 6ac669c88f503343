/**
 * One run: a server, its clients, the paths between them, virtual time, and the phases work, settling, silence,
 * end. Everything follows from the seed; the first broken rule stops the run.
 */
import { type Hash, createHash } from "node:crypto";
import type {
  AddressBytes,
  ConnectOptions,
  EndpointConfig,
  EndpointEngine,
  EngineEvent,
  EngineModule,
} from "../../host/shared/engine/contract.ts";
import type { ErrorCode } from "../../host/shared/ports/failure.ts";
import { addressKey, simulatedAddress } from "./address.ts";
import { Conversation } from "./conversation.ts";
import { OracleFailure, require } from "./failure.ts";
import { type Authority, type Identity, createAuthority, createIdentity } from "./identity.ts";
import { type FaultCounts, noFaults } from "./link.ts";
import { SimulatedNode } from "./node.ts";
import { AmplificationOracle } from "./oracles/amplification.ts";
import { Path } from "./path.ts";
import { type Side, planWork } from "./plan.ts";
import { type ClientProfile, type RunProfile, type SideProfile, chooseProfile } from "./profile.ts";
import { Random } from "./random.ts";
import { Schedule } from "./schedule.ts";
import type { Trace } from "./trace.ts";

const SERVER_HOST = 1;
const FIRST_CLIENT_HOST = 2;
const SERVER_PORT = 4433;
const CONNECTIONS_MAX = 64;

/** Virtual time in which a run must do its work. */
const WORK_DEADLINE_US = 900_000_000;
const CHECK_INTERVAL_US = 200_000;
const SETTLE_US = 3_000_000;
const SETTLE_DEADLINE_US = 60_000_000;
const SILENCE_US = 3_000_000;
const DISPOSE_EVERY = 20;
const AFTERMATH_US = 3_000_000;

/** Datagrams that a run may take for each 500 bytes of its work, and for each message. */
const DATAGRAMS_MAX = 60_000;

/** A rule that one side's engine is made to break, and the code with which the other must answer. */
export interface Violation {
  readonly violator: Side;
  readonly code: ErrorCode;
}

export interface WorldOptions {
  readonly seed: number;
  readonly module: EngineModule;
  readonly trace: Trace;
  readonly violation: Violation | null;
}

export class World {
  readonly profile: RunProfile;
  readonly schedule = new Schedule();
  readonly faults: FaultCounts = noFaults();
  readonly conversations: Conversation[] = [];
  readonly #random: Random;
  readonly #module: EngineModule;
  readonly #trace: Trace;
  readonly #violation: Violation | null;
  readonly #wireDigest: Hash = createHash("sha256");
  readonly #amplification = new AmplificationOracle();
  readonly #authority: Authority;
  readonly #serverIdentity: Identity;
  readonly #server: SimulatedNode;
  readonly #nodes: SimulatedNode[] = [];
  readonly #byAddress = new Map<number, { conversation: Conversation; path: Path }>();
  readonly #byConnection = new Map<number, Conversation>();
  #datagrams = 0;

  constructor({ seed, module, trace, violation }: WorldOptions) {
    this.#random = new Random(seed);
    this.#module = module;
    this.#trace = trace;
    this.#violation = violation;
    this.profile = chooseProfile(seed, this.#random);
    this.#authority = createAuthority(this.#random.split("authority"));
    this.#serverIdentity = this.#createIdentity(this.#random.split("server identity"));
    this.#server = this.#createServer();
    for (const [index, client] of this.profile.clients.entries()) this.#createClient(index, client);
  }

  #createEndpoint(name: string, side: SideProfile, identity: Identity | null): EndpointEngine {
    const random = this.#random.split(`${name} endpoint`);
    const config: EndpointConfig = {
      seed: random.bytes(32),
      staticPrivateKey: identity?.staticPrivateKey ?? random.bytes(32),
      certificate: identity?.certificate ?? new Uint8Array(0),
      acceptsConnections: name === "server",
      asksForUnknownPeers: this.profile.introduction === "asked",
      parameters: side.parameters,
      maxPacketBytes: this.profile.maxPacketBytes,
      basePacketBytes: this.profile.basePacketBytes,
      connectionsMax: CONNECTIONS_MAX,
    };
    const engine = this.#module.createEndpoint(config);
    if (this.profile.introduction === "authority") engine.trustAuthority(this.#authority.publicKey);
    return engine;
  }

  /** Known by pin or by question, a node signs for itself; known by authority, that signs. */
  #createIdentity(random: Random): Identity {
    return createIdentity(
      random,
      this.profile.introduction === "authority" ? this.#authority : null,
    );
  }

  #createServer(): SimulatedNode {
    const address = simulatedAddress(SERVER_HOST, SERVER_PORT);
    const { server } = this.profile;
    return this.#addNode(
      "server",
      address,
      server,
      this.#createEndpoint("server", server, this.#serverIdentity),
      (event) => this.#serverEvent(event),
      (bytes, to) => this.#serverSends(bytes, address, to),
    );
  }

  #addNode(
    name: string,
    address: AddressBytes,
    profile: SideProfile,
    engine: EndpointEngine,
    onEvent: (event: EngineEvent) => void,
    onSend: (bytes: Uint8Array, to: AddressBytes) => void,
  ): SimulatedNode {
    const { schedule } = this;
    const random = this.#random.split(`${name} timers`);
    const options = { name, address, engine, profile, schedule, random, onEvent, onSend };
    const node = new SimulatedNode(options);
    this.#nodes.push(node);
    return node;
  }

  #createClient(index: number, profile: ClientProfile): void {
    const label = `client-${index}`;
    const address = simulatedAddress(FIRST_CLIENT_HOST + index, 50_000 + index);
    const random = this.#random.split(label);
    const isAnonymous = profile.pattern === "NK" || profile.pattern === "NX";
    const identity = this.#createIdentity(random.split("identity"));
    const engine = this.#createEndpoint(label, profile.side, isAnonymous ? null : identity);
    if (this.profile.introduction === "pinned") {
      engine.pinIdentity(this.#serverIdentity.publicKey);
      if (!isAnonymous) this.#server.engine.pinIdentity(identity.publicKey);
    }
    const path = new Path({
      label,
      profile,
      random,
      schedule: this.schedule,
      faults: this.faults,
      trace: this.#trace,
      wireDigest: this.#wireDigest,
      amplification: this.#amplification,
      clientAddress: address,
    });
    const node: SimulatedNode = this.#addNode(
      label,
      address,
      profile.side,
      engine,
      (event) => this.#clientEvent(conversation, node, event),
      (bytes, to) => this.#clientSends(path, bytes, address, to),
    );
    path.attach("client", node);
    path.attach("server", this.#server);
    const limits = { client: profile.side.parameters, server: this.profile.server.parameters };
    const conversation = new Conversation({
      label,
      profile,
      serverParameters: this.profile.server.parameters,
      plan: planWork(random.split("plan"), limits, this.profile.clients.length),
      random,
      path,
      nodes: { client: node, server: this.#server },
      connectOptions: () => this.#connectOptions(profile, random),
      identities: { client: identity.publicKey, server: this.#serverIdentity.publicKey },
      violation: this.#violation,
      log: (text) => this.#trace.line(this.schedule.nowUs, text),
    });
    this.#byAddress.set(addressKey(address), { conversation, path });
    this.conversations.push(conversation);
    node.after(profile.connectAtUs, () => conversation.connect());
  }

  #connectOptions(profile: ClientProfile, random: Random): ConnectOptions {
    const isKeyKnown = profile.pattern === "IK" || profile.pattern === "NK";
    return {
      remote: this.#server.options.address,
      pattern: profile.pattern,
      ...(isKeyKnown ? { remoteStatic: this.#serverIdentity.staticPublicKey } : {}),
      ...(random.chance(0.5) ? { expectedIdentity: this.#serverIdentity.publicKey } : {}),
      entropy: random.bytes(32),
    };
  }

  #clientEvent(conversation: Conversation, node: SimulatedNode, event: EngineEvent): void {
    if (event.kind === "authenticate") return this.#authenticate(node, event.connection);
    return conversation.handle("client", event);
  }

  #serverEvent(event: EngineEvent): void {
    if (event.kind === "authenticate") return this.#authenticate(this.#server, event.connection);
    if (event.kind === "connected") {
      const known = this.#byAddress.get(addressKey(event.remote));
      if (known === undefined) throw new OracleFailure("connected", "an address that nobody has");
      this.#byConnection.set(event.connection, known.conversation);
    }
    const conversation = this.#byConnection.get(event.connection);
    if (conversation === undefined) {
      throw new OracleFailure("event", `server: ${event.kind} of a connection not yet connected`);
    }
    return conversation.handle("server", event);
  }

  #authenticate(node: SimulatedNode, connection: number): void {
    require(this.profile.introduction === "asked", "authenticate", () =>
      `${node.name} asks for a verdict on a peer that it knows`);
    node.after(this.profile.verdictDelayUs, () =>
      node.engine.authenticate(connection, true, node.now()),
    );
  }

  #countDatagram(): void {
    this.#datagrams++;
    const isBounded = this.#datagrams <= DATAGRAMS_MAX;
    require(isBounded, "volume", () =>
      `more than ${DATAGRAMS_MAX} datagrams for the work of a run`);
  }

  #clientSends(path: Path, bytes: Uint8Array, from: AddressBytes, to: AddressBytes): void {
    this.#countDatagram();
    const isToServer = addressKey(to) === addressKey(this.#server.options.address);
    require(isToServer, "address", () => "a client sends to an address that it never dialled");
    this.#checkSize(bytes);
    path.send("client", bytes, from, to);
  }

  #serverSends(bytes: Uint8Array, from: AddressBytes, to: AddressBytes): void {
    this.#countDatagram();
    this.#checkSize(bytes);
    const known = this.#byAddress.get(addressKey(to));
    if (known !== undefined) return known.path.send("server", bytes, from, to);
    // An address that the attacker made up: nobody gets this, but it counts.
    const sentUs = this.schedule.nowUs;
    return this.#amplification.sent({ id: -1, bytes, from, to, sentUs, original: bytes });
  }

  #checkSize(bytes: Uint8Array): void {
    const isRight = bytes.length > 0 && bytes.length <= this.profile.maxPacketBytes;
    require(isRight, "datagram-size", () => `${bytes.length} bytes in one datagram`);
  }

  /** Runs all phases, or, where one side breaks a rule, until the other has noticed. */
  run(): void {
    if (this.#violation !== null) {
      this.#runUntil("violation", WORK_DEADLINE_US, () => this.#every((one) => one.isRefused));
      return;
    }
    this.#runUntil("liveness", WORK_DEADLINE_US, () => this.#every((one) => one.isWorkDone));
    this.#runFor(SETTLE_US);
    this.#runUntil("settle", SETTLE_DEADLINE_US, () => this.#every((one) => one.isSettled));
    for (const conversation of this.conversations) conversation.startSilence();
    this.#runFor(SILENCE_US);
    for (const conversation of this.conversations) conversation.checkSilenceAndStatistics();
    for (const conversation of this.conversations) conversation.end();
    const endWithinUs = Math.max(...this.conversations.map((one) => one.endWithinUs));
    this.#runUntil("close", endWithinUs, () => this.#every((one) => one.isClosed));
    for (const conversation of this.conversations) conversation.checkEnd();
    this.#runFor(AFTERMATH_US);
    // Wiping all of an engine's memory costs as much as the rest of a run, so not every run does it.
    if (this.profile.seed % DISPOSE_EVERY !== 0) return;
    for (const node of this.#nodes) node.shutDown();
  }

  #every(predicate: (conversation: Conversation) => boolean): boolean {
    return this.conversations.every((conversation) => predicate(conversation));
  }

  #runFor(spanUs: number): void {
    const untilUs = this.schedule.nowUs + spanUs;
    while (this.schedule.nextUs() <= untilUs) this.schedule.step();
    this.schedule.advance(untilUs);
  }

  /** Runs until `isDone`, which is looked at in intervals of virtual time. */
  #runUntil(oracle: string, withinUs: number, isDone: () => boolean): void {
    const untilUs = this.schedule.nowUs + withinUs;
    while (!isDone()) {
      for (const conversation of this.conversations) conversation.checkMemory();
      const nextUs = this.schedule.nextUs();
      if (nextUs === Infinity || this.schedule.nowUs > untilUs) {
        const why = nextUs === Infinity ? "nothing will ever happen again" : "the time is up";
        const undone = this.conversations.map((one) => one.describeUndone()).join(" | ");
        throw new OracleFailure(oracle, `${why}: ${undone}`);
      }
      // Long waits are jumped over: the next look is never before the next thing that happens.
      this.#runFor(Math.max(CHECK_INTERVAL_US, nextUs - this.schedule.nowUs));
    }
  }

  wireDigest(): string {
    return this.#wireDigest.copy().digest("hex");
  }

  get datagrams(): number {
    return this.#datagrams;
  }
}
