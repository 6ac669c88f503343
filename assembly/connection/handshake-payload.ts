/**
 * What the Noise payloads carry: transport parameters, version facts, the certificate.
 *
 * Spec       docs/protocol.md "Handshake payloads", "Transport parameters"
 * Layer      connection (L3)
 * Invariant  a certificate and a name travel in encrypted payloads only
 *            both sides state the version chosen and the versions offered; a mismatch is refused, so that
 *            nobody in between can talk them down
 */
import { HANDSHAKE_TOO_LARGE, OK, PARAMETER_INVALID } from "../base/status.ts";
import { generatorFill } from "../crypto/generator.ts";
import { LongPacket } from "../wire/long-header.ts";
import { MESSAGE_MIN } from "../wire/message.ts";
import {
  decodeParameters,
  hasParameter,
  Parameters,
  PARAMETER_CERTIFICATE,
  PARAMETER_CONNECTION_ID,
  PARAMETER_EXPECTED_NAME,
  PARAMETER_VERSIONS,
  PARAMETERS_SIZE,
  PARAMETERS_WIRE_MAX,
  resetParameters,
  writeParameterBytes,
  writeParameters,
} from "../wire/parameters.ts";
import { Connection } from "./state.ts";

/** Parameters 1 to 10: limits, connection id, largest packet, version facts. */
const PUBLIC_PARAMETERS: u32 = 0x7fe;
/** spec: docs/protocol.md "Transport parameters", ids with id % 31 == 27 are GREASE. */
const GREASE_PARAMETER: i32 = 27;
const GREASE_STEP: i32 = 31;
const GREASE_VALUE_SIZE: i32 = 4;

const parameters = changetype<Parameters>(memory.data(PARAMETERS_SIZE, 8));
const written = memory.data(PARAMETERS_WIRE_MAX + 16, 8);
const grease = memory.data(8, 8);
const offered = memory.data(8, 8);

/**
 * Writes a payload of at most `room` bytes and returns its size, or HANDSHAKE_TOO_LARGE. `hasLimits` is false
 * for message 3, which adds nothing but the initiator's certificate.
 */
export function writeHandshakePayload(
  connection: Connection,
  out: usize,
  room: i32,
  isEncrypted: bool,
  hasLimits: bool,
  versions: usize,
  versionCount: i32,
): i32 {
  const local = connection.local;
  resetParameters(parameters);
  if (hasLimits) {
    parameters.present = PUBLIC_PARAMETERS;
    parameters.maxData = local.maxData;
    parameters.maxStreamData = local.maxStreamData;
    parameters.maxStreamsBidi = local.maxStreamsBidi;
    parameters.idleTimeoutMs = local.idleTimeoutMs;
    parameters.maxDatagramBytes = local.maxDatagramBytes;
    parameters.maxMessageBytes = local.maxMessageBytes + MESSAGE_MIN;
    parameters.maxAckDelayUs = local.maxAckDelayUs;
    parameters.maxPacketBytes = local.maxPacketBytes;
    parameters.connectionId = connection.localId;
    parameters.chosenVersion = connection.version;
    parameters.offered = versions;
    parameters.offeredCount = versionCount;
  }
  if (isEncrypted) addPrivateParameters(connection, hasLimits);
  let end = writeParameters(written, parameters);
  if (hasLimits) end = writeGrease(connection, end);
  const size = <i32>(end - written);
  if (size > room) return HANDSHAKE_TOO_LARGE;
  memory.copy(out, written, size);
  return size;
}

function addPrivateParameters(connection: Connection, hasLimits: bool): void {
  const local = connection.local;
  if (connection.showsCertificate != 0) {
    parameters.present |= (<u32>1) << PARAMETER_CERTIFICATE;
    parameters.certificate = local.certificate;
    parameters.certificateLength = local.certificateSize;
  }
  // The name tells a responder with several which one is meant; it is never sent in the clear.
  if (hasLimits && connection.isInitiator != 0 && connection.expectedNameSize > 0) {
    parameters.present |= (<u32>1) << PARAMETER_EXPECTED_NAME;
    parameters.expectedName = connection.expectedName;
    parameters.expectedNameLength = connection.expectedNameSize;
  }
}

/** One parameter that means nothing, so that peers stay used to parameters that they do not know. */
function writeGrease(connection: Connection, at: usize): usize {
  generatorFill(connection.local.generator, grease, 8);
  const id = GREASE_PARAMETER + GREASE_STEP * <i32>load<u8>(grease, 4);
  return writeParameterBytes(at, id, grease, GREASE_VALUE_SIZE);
}

/** Takes the peer's payload into the connection. Returns OK or PARAMETER_INVALID. */
export function readHandshakePayload(
  connection: Connection,
  payload: usize,
  size: i32,
  isEncrypted: bool,
  hasLimits: bool,
  packet: LongPacket,
): i32 {
  resetParameters(parameters);
  // A parameter counts once over all messages of a side: message 3 must not repeat what message 1 said.
  parameters.present = connection.peerParameters;
  const status = decodeParameters(payload, size, isEncrypted, parameters);
  if (status != OK) return status;
  if (hasLimits) {
    if (!hasParameter(parameters, PARAMETER_CONNECTION_ID)) return PARAMETER_INVALID;
    if (!areVersionFactsRight(connection, packet)) return PARAMETER_INVALID;
    takeLimits(connection);
  }
  if (parameters.certificateLength > 0) {
    memory.copy(connection.certificate, parameters.certificate, parameters.certificateLength);
    connection.certificateSize = parameters.certificateLength;
  }
  connection.peerParameters = parameters.present;
  return OK;
}

function takeLimits(connection: Connection): void {
  const local = connection.local;
  connection.remoteId = parameters.connectionId;
  connection.peerMaxData = parameters.maxData;
  connection.peerMaxStreamData = parameters.maxStreamData;
  connection.peerMaxStreamsBidi = parameters.maxStreamsBidi;
  connection.peerMaxDatagram = parameters.maxDatagramBytes;
  connection.peerMaxMessage = parameters.maxMessageBytes;
  connection.peerMaxAckDelayUs = parameters.maxAckDelayUs;
  connection.peerIdleTimeoutMs = parameters.idleTimeoutMs;
  // Packets end at a multiple of 8, so that frames lie aligned in the next one of a batch, too.
  connection.maxPacket = min(local.maxPacketBytes, parameters.maxPacketBytes) & ~7;
}

/** The list that was offered is the one in the Initial as the responder received it, or as we sent it. */
function areVersionFactsRight(connection: Connection, packet: LongPacket): bool {
  if (!hasParameter(parameters, PARAMETER_VERSIONS)) return false;
  if (parameters.chosenVersion != connection.version) return false;
  let list = packet.versions;
  let count = packet.versionCount;
  if (connection.isInitiator != 0) {
    store<u32>(offered, connection.version);
    store<u32>(offered, connection.greaseVersion, 4);
    list = offered;
    count = 2;
  }
  if (parameters.offeredCount != count) return false;
  return memory.compare(parameters.offered, list, 4 * count) == 0;
}
