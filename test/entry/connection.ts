/**
 * Test entry: the whole engine, and a peer that breaks the rules on purpose. Compiled to build/test/connection.wasm.
 */
import {
  connectionAuthenticate,
  connectionClose,
  connectionConnect,
  connectionSendDatagram,
  connectionStats,
} from "../../assembly/abi/connection.ts";
import { controlAddress } from "../../assembly/abi/control.ts";
import {
  digestArea,
  digestAreaSize,
  digestFinal,
  digestInit,
  digestUpdate,
} from "../../assembly/abi/digest.ts";
import {
  endpointAddEntropy,
  endpointCreate,
  endpointDispose,
  endpointEntropyWanted,
  endpointHandleTimeout,
  endpointNextEvent,
  endpointNextTimeoutUs,
  endpointPinIdentity,
  endpointReceive,
  endpointStats,
  endpointTransmit,
  endpointTrustAuthority,
  endpointUnpinIdentity,
} from "../../assembly/abi/endpoint.ts";
import { messageRead, messageSend } from "../../assembly/abi/message.ts";
import {
  streamOpen,
  streamRead,
  streamReset,
  streamStop,
  streamWrite,
} from "../../assembly/abi/stream.ts";
import {
  keysAreForged,
  keysDerive,
  keysMaySeal,
  keysWipe,
  openPacket,
  PACKET_KEYS_SIZE,
  sealPacket,
  unmaskPacket,
} from "../../assembly/connection/keys.ts";
import { sealPayload } from "../../assembly/connection/transmit.ts";
import { connectionOf, endpoint, local } from "../../assembly/endpoint/endpoint.ts";
import { frameRefsNext } from "../../assembly/recovery/frame-refs.ts";
import { recoveryOnPacketSent, recoveryRefs } from "../../assembly/recovery/recovery.ts";
import { streamFinish, streamWrite as writeRaw } from "../../assembly/stream/send-part.ts";
import { streamsFind } from "../../assembly/stream/streams.ts";

/** Writes the first `size` bytes of the input arena on a stream of any kind, as they are. */
function forgeWrite(handle: i32, id: u64, size: i32, isLast: i32): i32 {
  const connection = connectionOf(handle);
  if (connection == null) return -1;
  const stream = streamsFind(connection.streams, id);
  const taken = writeRaw(stream, endpoint.input, size);
  if (isLast != 0) streamFinish(stream);
  return taken;
}

/** Seals the first `size` bytes of the input arena as the payload of a packet in the output arena. */
function forgePacket(handle: i32, size: i32, nowUs: f64): i32 {
  const connection = connectionOf(handle);
  if (connection == null) return -1;
  memory.copy(local.output + 16, endpoint.input, size);
  const packetSize = sealPayload(connection, local.output, size);
  const firstRef = frameRefsNext(recoveryRefs(connection.recovery));
  recoveryOnPacketSent(connection.recovery, firstRef, packetSize, 0, <u64>nowUs);
  return packetSize;
}

/** Address of the packet keys of one direction of a connection. */
function connectionKeys(handle: i32, isSending: i32): usize {
  const connection = connectionOf(handle);
  if (connection == null) return 0;
  return isSending != 0 ? connection.sendKeys : connection.receiveKeys;
}

/** Bytes of a PacketKeys record. */
function packetKeysSize(): i32 {
  return PACKET_KEYS_SIZE;
}

export {
  connectionKeys,
  keysAreForged,
  keysDerive,
  keysMaySeal,
  keysWipe,
  openPacket,
  packetKeysSize,
  sealPacket,
  unmaskPacket,
  forgePacket,
  forgeWrite,
  connectionAuthenticate,
  connectionClose,
  connectionConnect,
  connectionSendDatagram,
  connectionStats,
  controlAddress,
  digestArea,
  digestAreaSize,
  digestFinal,
  digestInit,
  digestUpdate,
  endpointAddEntropy,
  endpointCreate,
  endpointDispose,
  endpointEntropyWanted,
  endpointHandleTimeout,
  endpointNextEvent,
  endpointNextTimeoutUs,
  endpointPinIdentity,
  endpointReceive,
  endpointStats,
  endpointTransmit,
  endpointTrustAuthority,
  endpointUnpinIdentity,
  messageRead,
  messageSend,
  streamOpen,
  streamRead,
  streamReset,
  streamStop,
  streamWrite,
};
