/** What the counters of an engine must satisfy when all work is done and the network is quiet. */
import type { ConnectionStats } from "../../../host/shared/engine/contract.ts";
import { require } from "../failure.ts";
import type { ClientProfile } from "../profile.ts";

/** What the simulator itself counted for one end. */
export interface Observed {
  readonly label: string;
  readonly packetsSent: number;
  readonly bytesSent: number;
  /** Most packets that this end may call lost. */
  readonly packetsMissing: number;
  /** Most packets that can have reached this end, copies and replays included. */
  readonly packetsDelivered: number;
}

/** The two engines' clocks are whole microseconds and start at different points. */
const ROUNDING_US = 2;

/**
 * A receiver cannot open packets before it has keys, and an ACK remembers 65 gaps: a few packets more than the
 * missing ones may count as lost, never a multiple.
 */
function lostMax({ packetsMissing, packetsSent }: Observed): number {
  return Math.min(packetsSent, packetsMissing * 1.25 + 10);
}

export function checkStatistics(
  stats: ConnectionStats,
  observed: Observed,
  profile: ClientProfile,
): void {
  const { label } = observed;
  const rules: readonly (readonly [string, boolean])[] = [
    ["packetsSent", stats.packetsSent > 0 && stats.packetsSent <= observed.packetsSent],
    ["bytesSent", stats.bytesSent > 0 && stats.bytesSent <= observed.bytesSent],
    ["packetsReceived", stats.packetsReceived <= observed.packetsDelivered],
    ["packetsLost", stats.packetsLost <= lostMax(observed)],
    ["retransmittedBytes", stats.retransmittedBytes <= stats.bytesSent],
    ["bytesInFlight", stats.bytesInFlight === 0],
    ["streamsOpen", stats.streamsOpen === 0],
    ["congestionWindowBytes", stats.congestionWindowBytes >= 2 * 1200],
  ];
  for (const [name, isHeld] of rules) {
    const value = stats[name as keyof ConnectionStats];
    require(isHeld, "statistics", () =>
      `${label}: ${name} is ${value}, ${JSON.stringify(observed)}`);
  }
  const leastUs = profile.toServer.delayUs + profile.toClient.delayUs - ROUNDING_US;
  require(stats.latestRttUs >= leastUs && stats.smoothedRttUs >= leastUs, "statistics", () =>
    `${label}: a round trip of ${stats.latestRttUs} µs on a path of ${leastUs} µs`);
}
