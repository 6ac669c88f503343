/**
 * The counters of one connection, in the order of the contract's ConnectionStats.
 *
 * Layer      connection (L3)
 */
import { receivedDuplicates, receivedReorderDepth } from "../recovery/received-packets.ts";
import {
  recoveryBytesInFlight,
  recoveryCongestionWindow,
  recoveryPacketsLost,
  recoveryProbeTimeouts,
  recoveryRtt,
} from "../recovery/recovery.ts";
import { rttHasSample, rttLatestUs, rttSmoothedUs } from "../recovery/rtt.ts";
import { streamsCount, streamsRetransmittedBytes } from "../stream/streams-record.ts";
import { Connection, PHASE_CONFIRMING } from "./state.ts";

export const CONNECTION_COUNTERS: usize = 14;

/** Writes CONNECTION_COUNTERS numbers of 8 bytes to `out`, which is zeroed. */
export function countersOf(connection: Connection, out: usize): void {
  store<u64>(out, connection.packetsSent);
  store<u64>(out, connection.packetsReceived, 8);
  store<u64>(out, connection.bytesSent, 24);
  store<u64>(out, connection.bytesReceived, 32);
  store<u64>(out, connection.resends, 48);
  // Before the handshake is complete recovery holds what an earlier connection left.
  if (connection.phase < PHASE_CONFIRMING) return;
  const recovery = connection.recovery;
  const rtt = recoveryRtt(recovery);
  store<u64>(out, recoveryPacketsLost(recovery), 16);
  store<u64>(out, connection.resends + recoveryProbeTimeouts(recovery), 48);
  store<u64>(out, receivedDuplicates(connection.received), 56);
  store<u64>(out, receivedReorderDepth(connection.received), 64);
  if (rttHasSample(rtt)) {
    store<u64>(out, rttSmoothedUs(rtt), 72);
    store<u64>(out, rttLatestUs(rtt), 80);
  }
  store<u64>(out, recoveryCongestionWindow(recovery), 88);
  store<u64>(out, recoveryBytesInFlight(recovery), 96);
  if (connection.hasStreams == 0) return;
  store<u64>(out, streamsRetransmittedBytes(connection.streams), 40);
  store<u64>(out, streamsCount(connection.streams), 104);
}
