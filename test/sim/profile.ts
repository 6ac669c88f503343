/**
 * What a seed means: the network between the endpoints, what attacks it, and how both endpoints are set up.
 *
 * Every run has at least three kinds of fault. Loss goes up to 20 % in total. Slow paths get little loss and
 * lossy paths short delays, because a window of two packets on a path of half a second moves a megabyte in
 * minutes and teaches nothing more.
 */
import type { HandshakePattern, TransportParameters } from "../../host/shared/engine/contract.ts";
import type { LinkProfile, Window } from "./link.ts";
import type { Random } from "./random.ts";

/** How the server comes to accept the client's identity, and the client the server's. */
export type Introduction = "pinned" | "authority" | "asked";

/** How a run ends after its work is done. */
export type Ending = "client-closes" | "server-closes" | "both-close" | "path-dies";

export interface SideProfile {
  readonly parameters: TransportParameters;
  /** What is added to virtual time to make this side's monotonic clock. */
  readonly clockOffsetUs: number;
  readonly wallSkewMs: number;
  /** Timers fire up to this much late, as those of an operating system do. */
  readonly timerLatenessUs: number;
  /** Time that a turn costs for every datagram, and for every scalar multiplication. */
  readonly datagramCostUs: number;
}

/** Probabilities, for each datagram seen, that the attacker on the path uses it. */
export interface AttackProfile {
  readonly replayRate: number;
  readonly reflectRate: number;
  readonly forgeRate: number;
  readonly spoofRate: number;
}

/** One client, and the path between it and the server. */
export interface ClientProfile {
  readonly side: SideProfile;
  readonly pattern: HandshakePattern;
  readonly ending: Ending;
  readonly connectAtUs: number;
  readonly toServer: LinkProfile;
  readonly toClient: LinkProfile;
  readonly attack: AttackProfile;
}

export interface RunProfile {
  readonly seed: number;
  readonly introduction: Introduction;
  readonly verdictDelayUs: number;
  readonly maxPacketBytes: number;
  readonly basePacketBytes: number;
  readonly server: SideProfile;
  readonly clients: readonly ClientProfile[];
}

type Severity = "mild" | "rough" | "hard";

function chooseLink(random: Random, severity: Severity): LinkProfile {
  const longest = { mild: 150_000, rough: 30_000, hard: 8_000 }[severity];
  const delayUs = random.magnitude(50, longest);
  const lossMax = { mild: 0.02, rough: 0.1, hard: 0.2 }[severity];
  const hasBursts = random.chance(0.3);
  const lossRate = random.uniform(0.005, hasBursts ? lossMax / 2 : lossMax);
  const leaveRate = random.uniform(0.2, 0.6);
  const isNarrow = random.chance(0.3);
  return {
    delayUs,
    jitterUs: random.chance(0.7) ? random.magnitude(1, delayUs) : 0,
    isJitterHeavyTailed: random.chance(0.5),
    lossRate,
    // In the long run the bad state is held for enter / (enter + leave) of the time: the rest of the loss.
    burstEnterRate: hasBursts ? leaveRate * (lossMax / 2) : 0,
    burstLeaveRate: leaveRate,
    reorderRate: random.chance(0.8) ? random.uniform(0.002, 0.1) : 0,
    reorderUs: random.magnitude(100, 20_000) + delayUs / 4,
    duplicateRate: random.chance(0.8) ? random.uniform(0.002, 0.05) : 0,
    corruptRate: random.chance(0.7) ? random.uniform(0.002, 0.03) : 0,
    truncateRate: random.chance(0.3) ? random.uniform(0.001, 0.01) : 0,
    bytesPerSecond: random.magnitude(500_000, 100_000_000),
    queueBytes: random.magnitude(20_000, 400_000),
    blackouts: random.chance(0.15) ? [chooseWindow(random, 700_000)] : [],
    narrowings: isNarrow ? [chooseWindow(random, 300_000)] : [],
    narrowBytes: random.between(200, 1100),
  };
}

function chooseWindow(random: Random, longestUs: number): Window {
  const fromUs = random.between(0, 1_500_000);
  return { fromUs, untilUs: fromUs + random.between(20_000, longestUs) };
}

/** With a second client the first to finish waits, idle, for as long as a run may take. */
const LONG_IDLE_MS = 1_000_000;

function chooseParameters(random: Random, clientCount: number): TransportParameters {
  // A message must fit its stream's window, so that both ends can keep it whole.
  const maxMessageBytes = random.magnitude(32_768, 262_144);
  const maxStreamData = maxMessageBytes + random.magnitude(1024, 262_144);
  return {
    maxData: maxStreamData + random.magnitude(1024, 524_288),
    maxStreamData,
    maxStreamsBidi: random.magnitude(4, 256),
    idleTimeoutMs: clientCount > 1 ? LONG_IDLE_MS : random.between(20_000, 60_000),
    maxDatagramBytes: random.between(200, 1000),
    maxMessageBytes,
    maxAckDelayUs: random.pick([1000, 5000, 25_000]),
  };
}

function chooseSide(random: Random, clientCount: number): SideProfile {
  return {
    parameters: chooseParameters(random, clientCount),
    clockOffsetUs: random.magnitude(1, 1_000_000_000_000),
    wallSkewMs: random.between(-5000, 5000),
    timerLatenessUs: random.chance(0.5) ? random.magnitude(1, 2000) : 0,
    datagramCostUs: random.pick([0, 2, 10, 50]),
  };
}

function chooseAttack(random: Random): AttackProfile {
  const rate = (high: number): number => (random.chance(0.5) ? random.uniform(0.001, high) : 0);
  return {
    replayRate: rate(0.03),
    reflectRate: rate(0.02),
    forgeRate: rate(0.03),
    spoofRate: rate(1),
  };
}

/** At least three kinds of fault act on every run: loss always does, and these are forced when chance says no. */
function ensureFaults(link: LinkProfile): LinkProfile {
  return {
    ...link,
    reorderRate: link.reorderRate === 0 && link.duplicateRate === 0 ? 0.02 : link.reorderRate,
    duplicateRate: Math.max(link.duplicateRate, 0.005),
  };
}

function chooseClient(random: Random, clientCount: number): ClientProfile {
  const severity = random.pick<Severity>(["mild", "rough", "hard"]);
  return {
    side: chooseSide(random.split("side"), clientCount),
    pattern: random.pick<HandshakePattern>(["IK", "NK", "XX", "NX"]),
    ending: random.pick<Ending>(["client-closes", "server-closes", "both-close", "path-dies"]),
    connectAtUs: random.between(0, 100_000),
    toServer: ensureFaults(chooseLink(random.split("to-server"), severity)),
    toClient: ensureFaults(chooseLink(random.split("to-client"), severity)),
    attack: chooseAttack(random.split("attack")),
  };
}

export function chooseProfile(seed: number, root: Random): RunProfile {
  const random = root.split("profile");
  const clientCount = random.chance(0.15) ? 2 : 1;
  return {
    seed,
    introduction: random.pick<Introduction>(["pinned", "authority", "asked"]),
    verdictDelayUs: random.chance(0.5) ? 0 : random.magnitude(1, 50_000),
    maxPacketBytes: random.chance(0.2) ? 1452 : 1200,
    basePacketBytes: 1200,
    server: chooseSide(random.split("server"), clientCount),
    clients: Array.from({ length: clientCount }, (_, index) =>
      chooseClient(random.split(`client ${index}`), clientCount),
    ),
  };
}
