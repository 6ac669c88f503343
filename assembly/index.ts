/** What `engine.wasm` exports: the functions of the ABI, and nothing else. */
import {
  connectionAuthenticate,
  connectionClose,
  connectionConnect,
  connectionSendDatagram,
  connectionStats,
} from "./abi/connection.ts";
import { controlAddress } from "./abi/control.ts";
import { digestArea, digestAreaSize, digestFinal, digestInit, digestUpdate } from "./abi/digest.ts";
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
} from "./abi/endpoint.ts";
import { messageRead, messageSend } from "./abi/message.ts";
import { streamOpen, streamRead, streamReset, streamStop, streamWrite } from "./abi/stream.ts";

export {
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
