/**
 * The Noise handshake of one connection, from the first message to the packet keys.
 *
 *            initiator                                   responder
 *            beginHandshake    -- message 1 (Initial) -->  readMessage1
 *            readMessage2      <-- message 2 ------------  writeMessage2
 *            acceptResponder   -- message 3 (XX only) -->  readMessage3
 *
 * Spec       docs/protocol.md "Handshake" · Noise rev 34 §7.5 (patterns), §11.2 (channel binding)
 * Layer      connection (L3)
 * Invariant  one Noise message is one datagram, written once and only ever sent again byte for byte: the
 *            ephemeral key would otherwise encrypt two different payloads under one nonce
 *            the peer's words count only after `handshakeRead` has found them authentic
 * Limits     HANDSHAKE_TIMEOUT_US from the first message to the confirmed connection
 */
import { invariant } from "../base/invariant.ts";
import { HANDSHAKE_FAILED, HANDSHAKE_TOO_LARGE, OK, PACKET_INVALID } from "../base/status.ts";
import { wipe } from "../crypto/constant-time.ts";
import { generatorFill } from "../crypto/generator.ts";
import { sha256 } from "../crypto/sha256.ts";
import {
  handshakeHash,
  handshakeInitWithPair,
  handshakeIsComplete,
  handshakeIsTurnToWrite,
  handshakeOverhead,
  handshakeRead,
  handshakeRemoteStatic,
  handshakeSetEphemeral,
  handshakeSplit,
  handshakeWipe,
  handshakeWrite,
  PATTERN_IK,
  PATTERN_NK,
  PATTERN_XX,
} from "../noise/handshake-state.ts";
import {
  HANDSHAKE_MESSAGE_2,
  HANDSHAKE_MESSAGE_3,
  initialHeadSize,
  LongPacket,
  PROLOGUE_MAX,
  writeHandshakeHead,
  writeInitialHead,
  writePrologue,
} from "../wire/long-header.ts";
import { PACKET_HEADER_SIZE, PACKET_MAX } from "../wire/limits.ts";
import { VERSION_CHACHAPOLY } from "../wire/version.ts";
import { readHandshakePayload, writeHandshakePayload } from "./handshake-payload.ts";
import { keysDerive } from "./keys.ts";
import { Connection, PHASE_HANDSHAKE } from "./state.ts";

/** From the first message to the confirmed connection. */
export const HANDSHAKE_TIMEOUT_US: u64 = 10_000_000;
/** spec: RFC 9002 §6.2.2, the round trip assumed before the first sample; doubled for each repeat. */
const RESEND_FIRST_US: u64 = 333_000;
/** A lossy path gets several repeats within the timeout. */
const RESEND_LONGEST_US: u64 = 1_000_000;
/** What the initiator offers: the version that it speaks, and one that nobody does (GREASE). */
const OFFERED_COUNT: i32 = 2;
const GREASE_FREE_BITS: u32 = 0xf0f0f0f0;
const GREASE_FIXED_BITS: u32 = 0x0a0a0a0a;

const payload = memory.data(1456, 16);
const prologue = memory.data(PROLOGUE_MAX, 16);
const offered = memory.data(8, 8);
const ephemeral = memory.data(32, 16);
const secrets = memory.data(64, 16);

/** True when the initiator's own key and certificate are part of the pattern. */
export function patternShowsInitiator(pattern: i32): bool {
  return pattern == PATTERN_IK || pattern == PATTERN_XX;
}

/** True when the initiator must know the responder's static key beforehand. */
export function patternNeedsResponderKey(pattern: i32): bool {
  return pattern == PATTERN_IK || pattern == PATTERN_NK;
}

/** True when message 1 is encrypted to the responder's key. */
function isMessage1Encrypted(pattern: i32): bool {
  return patternNeedsResponderKey(pattern);
}

function initNoise(connection: Connection, versions: usize, count: i32): void {
  const local = connection.local;
  const size = writePrologue(prologue, connection.version, versions, count, connection.initialId);
  const isInitiator = connection.isInitiator != 0;
  const hasPair = !isInitiator || patternShowsInitiator(connection.pattern);
  const hasRemote = isInitiator && patternNeedsResponderKey(connection.pattern);
  handshakeInitWithPair(
    connection.noise,
    connection.pattern,
    isInitiator,
    prologue,
    size,
    hasPair ? local.staticPair : 0,
    hasRemote ? connection.peerStatic : 0,
    0,
  );
}

function drawEphemeral(connection: Connection): void {
  generatorFill(connection.local.generator, ephemeral, 32);
  handshakeSetEphemeral(connection.noise, ephemeral);
  wipe(ephemeral, 32);
}

/**
 * Writes message 1 of a new connection, whose ids, pattern, address and expectations are set. The first
 * datagram is as large as the carrier's base size, so that the responder may answer up to three times that.
 */
export function beginHandshake(connection: Connection, nowUs: u64): i32 {
  const local = connection.local;
  connection.version = VERSION_CHACHAPOLY;
  connection.showsCertificate = patternShowsInitiator(connection.pattern) ? 1 : 0;
  generatorFill(local.generator, offered, 8);
  store<u32>(offered, (load<u32>(offered, 4) & GREASE_FREE_BITS) | GREASE_FIXED_BITS, 4);
  store<u32>(offered, VERSION_CHACHAPOLY);
  connection.greaseVersion = load<u32>(offered, 4);
  initNoise(connection, offered, OFFERED_COUNT);
  drawEphemeral(connection);

  const headSize = initialHeadSize(OFFERED_COUNT);
  const room = local.basePacketBytes - headSize - handshakeOverhead(connection.noise);
  const isEncrypted = isMessage1Encrypted(connection.pattern);
  const used = writeHandshakePayload(connection, payload, room, isEncrypted, true, offered, 2);
  if (used < 0) return HANDSHAKE_TOO_LARGE;
  memory.fill(payload + <usize>used, 0, room - used);

  const out = connection.message;
  const noiseSize = handshakeWrite(connection.noise, payload, room, out + <usize>headSize);
  if (noiseSize < 0) return noiseSize;
  let keyId: u64 = 0;
  if (patternNeedsResponderKey(connection.pattern)) keyId = keyIdOf(connection.peerStatic);
  writeInitialHead(
    out,
    connection.initialId,
    connection.pattern,
    connection.version,
    keyId,
    offered,
    OFFERED_COUNT,
    0,
    0,
    noiseSize,
  );
  invariant(headSize + noiseSize == local.basePacketBytes);
  connection.handshakeDeadlineUs = nowUs + HANDSHAKE_TIMEOUT_US;
  queueMessage(connection, headSize + noiseSize, nowUs);
  return OK;
}

/** The first eight bytes of the key's SHA-256: which of its keys the responder is asked for. */
export function keyIdOf(staticPublic: usize): u64 {
  sha256(staticPublic, 32, secrets);
  return load<u64>(secrets);
}

/** Sends the message in `connection.message` now, and again until it is known to have arrived. */
function queueMessage(connection: Connection, size: i32, nowUs: u64): void {
  connection.messageSize = size;
  connection.owesMessage = 1;
  connection.backoff = 0;
  // spec: docs/protocol.md "Handshake": only the initiator runs a timer.
  connection.resendAtUs = connection.isInitiator != 0 ? nowUs + RESEND_FIRST_US : 0;
}

/** The resend timer fired: the same bytes again, and twice the patience. */
export function onResendTimeout(connection: Connection, nowUs: u64): void {
  connection.resends += 1;
  connection.backoff += 1;
  const doubled = RESEND_FIRST_US << (<u64>min<u32>(connection.backoff, 8));
  connection.resendAtUs = nowUs + min(doubled, RESEND_LONGEST_US);
  connection.owesMessage = 1;
}

/** An authentic packet of the peer shows that our last message arrived: it is never sent again. */
export function forgetMessage(connection: Connection): void {
  connection.resendAtUs = 0;
  connection.owesMessage = 0;
  connection.messageSize = 0;
}

/**
 * Responder: reads the message 1 in `packet` into a fresh connection whose ids and address are set. Returns OK, or why the packet is dropped and the slot given back.
 */
export function readMessage1(connection: Connection, packet: LongPacket): i32 {
  if (packet.bodyLength > PACKET_MAX) return PACKET_INVALID;
  connection.version = packet.version;
  connection.pattern = packet.kind;
  connection.showsCertificate = 1;
  initNoise(connection, packet.versions, packet.versionCount);
  const noise = connection.noise;
  const payloadSize = handshakeRead(noise, packet.body, packet.bodyLength, payload);
  if (payloadSize < 0) return HANDSHAKE_FAILED;
  const isEncrypted = isMessage1Encrypted(connection.pattern);
  const status = readHandshakePayload(connection, payload, payloadSize, isEncrypted, true, packet);
  if (status != OK) return status;
  keepRemoteStatic(connection);
  return OK;
}

/** Responder: answers message 1. The generator has just been given fresh entropy for this. */
export function writeMessage2(connection: Connection, packet: LongPacket, nowUs: u64): i32 {
  drawEphemeral(connection);
  connection.handshakeDeadlineUs = nowUs + HANDSHAKE_TIMEOUT_US;
  const room = PACKET_MAX - PACKET_HEADER_SIZE - handshakeOverhead(connection.noise);
  const used = writeHandshakePayload(
    connection,
    payload,
    room,
    true,
    true,
    packet.versions,
    packet.versionCount,
  );
  if (used < 0) return HANDSHAKE_TOO_LARGE;
  return writeMessage(connection, HANDSHAKE_MESSAGE_2, used, nowUs);
}

/** Writes the next Noise message around the `used` bytes of payload and queues it. */
function writeMessage(connection: Connection, kind: i32, used: i32, nowUs: u64): i32 {
  const out = connection.message;
  const noiseSize = handshakeWrite(connection.noise, payload, used, out + PACKET_HEADER_SIZE);
  wipe(payload, used);
  if (noiseSize < 0) return noiseSize;
  if (PACKET_HEADER_SIZE + noiseSize > connection.local.basePacketBytes) return HANDSHAKE_TOO_LARGE;
  writeHandshakeHead(out, connection.remoteId, kind, connection.version, noiseSize);
  queueMessage(connection, PACKET_HEADER_SIZE + noiseSize, nowUs);
  if (handshakeIsComplete(connection.noise)) takeKeys(connection);
  return OK;
}

/**
 * Initiator: reads message 2. OK: the responder's parameters and certificate are in the connection, and
 * `acceptResponder` or a refusal follows. HANDSHAKE_FAILED: the packet was not authentic, nothing changed.
 * PARAMETER_INVALID: authentic, and wrong.
 */
export function readMessage2(connection: Connection, packet: LongPacket): i32 {
  const noise = connection.noise;
  if (packet.kind != HANDSHAKE_MESSAGE_2 || packet.bodyLength > PACKET_MAX) return PACKET_INVALID;
  const payloadSize = handshakeRead(noise, packet.body, packet.bodyLength, payload);
  if (payloadSize < 0) return HANDSHAKE_FAILED;
  connection.hasAuthentic = 1;
  forgetMessage(connection);
  keepRemoteStatic(connection);
  const status = readHandshakePayload(connection, payload, payloadSize, true, true, packet);
  if (handshakeIsComplete(noise)) takeKeys(connection);
  return status;
}

/** Initiator: the responder is acceptable; XX tells it who we are, the others are complete. */
export function acceptResponder(connection: Connection, nowUs: u64): i32 {
  if (connection.hasKeys != 0) return OK;
  invariant(connection.pattern == PATTERN_XX);
  const room = PACKET_MAX - PACKET_HEADER_SIZE - handshakeOverhead(connection.noise);
  const used = writeHandshakePayload(connection, payload, room, true, false, 0, 0);
  if (used < 0) return HANDSHAKE_TOO_LARGE;
  return writeMessage(connection, HANDSHAKE_MESSAGE_3, used, nowUs);
}

/** Responder of XX: reads message 3; the outcomes are those of `readMessage2`. */
export function readMessage3(connection: Connection, packet: LongPacket): i32 {
  const noise = connection.noise;
  if (packet.kind != HANDSHAKE_MESSAGE_3 || packet.bodyLength > PACKET_MAX) return PACKET_INVALID;
  const payloadSize = handshakeRead(noise, packet.body, packet.bodyLength, payload);
  if (payloadSize < 0) return HANDSHAKE_FAILED;
  connection.hasAuthentic = 1;
  forgetMessage(connection);
  keepRemoteStatic(connection);
  const status = readHandshakePayload(connection, payload, payloadSize, true, false, packet);
  takeKeys(connection);
  return status;
}

/** True while this side waits for a Noise message of the peer. */
export function isWaitingForMessage(connection: Connection): bool {
  if (connection.phase != PHASE_HANDSHAKE || connection.hasKeys != 0) return false;
  return !handshakeIsTurnToWrite(connection.noise);
}

function keepRemoteStatic(connection: Connection): void {
  const remote = handshakeRemoteStatic(connection.noise);
  if (remote == 0) return;
  memory.copy(connection.peerStatic, remote, 32);
  connection.hasRemoteStatic = 1;
}

/** Split(): from here on packets are protected, and nothing of the handshake is needed any more. */
function takeKeys(connection: Connection): void {
  const noise = connection.noise;
  handshakeHash(noise, connection.channelBinding);
  handshakeSplit(noise, secrets, secrets + 32);
  const isInitiator = connection.isInitiator != 0;
  keysDerive(connection.sendKeys, isInitiator ? secrets : secrets + 32);
  keysDerive(connection.receiveKeys, isInitiator ? secrets + 32 : secrets);
  wipe(secrets, 64);
  wipe(payload, 1456);
  handshakeWipe(noise);
  connection.hasKeys = 1;
}
