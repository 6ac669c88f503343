/** Reads the counters that the engine wrote: u64 each, in the order of the names below. */
import type { ConnectionStats, EndpointStats } from "./contract.ts";
import { COUNTERS } from "./layout.ts";
import type { EngineMemory } from "./memory.ts";

const CONNECTION_COUNTERS = [
  "packetsSent",
  "packetsReceived",
  "packetsLost",
  "bytesSent",
  "bytesReceived",
  "retransmittedBytes",
  "probeTimeouts",
  "duplicatePackets",
  "reorderDepth",
  "smoothedRttUs",
  "latestRttUs",
  "congestionWindowBytes",
  "bytesInFlight",
  "streamsOpen",
] as const satisfies readonly (keyof ConnectionStats)[];

const ENDPOINT_COUNTERS = [
  "datagramsReceived",
  "datagramsDropped",
  "droppedMalformed",
  "droppedUnknownConnection",
  "droppedReplayed",
  "droppedUnauthentic",
  "droppedAmplification",
  "droppedFull",
  "connections",
] as const satisfies readonly (keyof EndpointStats)[];

function readCounters<Name extends string>(
  memory: EngineMemory,
  names: readonly Name[],
): Record<Name, number> {
  const pairs = names.map((name, index) => [name, Number(memory.u64(COUNTERS + index * 8))]);
  return Object.fromEntries(pairs) as Record<Name, number>;
}

export function readConnectionStats(memory: EngineMemory): ConnectionStats {
  return readCounters(memory, CONNECTION_COUNTERS);
}

export function readEndpointStats(memory: EngineMemory): EndpointStats {
  return readCounters(memory, ENDPOINT_COUNTERS);
}
