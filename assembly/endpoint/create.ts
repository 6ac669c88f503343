/**
 * Creating and disposing of the endpoint: everything it will ever need is reserved here, once.
 *
 * Layer      endpoint (L4)
 * Invariant  after creation nothing is allocated; after disposal no secret is left in memory
 * Limits     64 MiB in all: what does not fit is MEMORY_LIMIT, before anything is touched
 */
import { invariant } from "../base/invariant.ts";
import { idTableInit, idTableSize } from "../base/id-table.ts";
import { ARGUMENT_INVALID, MEMORY_LIMIT, OK } from "../base/status.ts";
import { TRUST_STORE_SIZE, trustStoreInit } from "../certificate/trust-store.ts";
import { connectionInit, connectionSize } from "../connection/slot.ts";
import {
  streamMemoryInit,
  streamMemorySize,
  streamMemoryWipe,
} from "../connection/stream-memory.ts";
import { GENERATOR_SIZE, generatorInit } from "../crypto/generator.ts";
import { x25519PublicKey } from "../crypto/x25519.ts";
import { BASE_PACKET_MIN, CERTIFICATE_MAX, PACKET_MAX } from "../wire/limits.ts";
import { MESSAGE_MIN } from "../wire/message.ts";
import { endpoint, local } from "./endpoint.ts";
import { ENTROPY_SIZE } from "./entropy.ts";
import { REPLIES_SIZE } from "./replies.ts";
import { SEND_RECORD_SIZE } from "./transmit.ts";

const MEMORY_SIZE: usize = 64 * 1024 * 1024;
const CONNECTIONS_LIMIT: i32 = 4096;
const BATCH_MAX: usize = 64;
const RECEIVE_RECORD_SIZE: usize = 32;
/** Several of the largest datagrams that merged segments can make. */
const RECEIVE_AREA_SIZE: usize = 512 * 1024;
/** The data of the application crosses in pieces of this size: a message of 1 MiB, or the largest we take. */
const TRANSFER_SIZE_MIN: i32 = 1024 * 1024 + 64;
/** Larger messages are not delivered whole. */
const MESSAGE_BYTES_MAX: u32 = 16 * 1024 * 1024;

/** What a host states; the fields of the contract's EndpointConfig. */
@unmanaged
export class Configuration {
  seed: usize;
  staticPrivate: usize;
  certificate: usize;
  certificateSize: i32;
  acceptsConnections: i32;
  asksForUnknownPeers: i32;
  maxPacketBytes: i32;
  basePacketBytes: i32;
  connectionsMax: i32;
  maxData: u64;
  maxStreamData: u64;
  maxStreamsBidi: u64;
  idleTimeoutMs: u32;
  maxDatagramBytes: u32;
  maxMessageBytes: u32;
  maxAckDelayUs: u32;
}

function isValid(config: Configuration): bool {
  if (config.certificateSize < 0 || config.certificateSize > CERTIFICATE_MAX) return false;
  if (config.acceptsConnections != 0 && config.certificateSize == 0) return false;
  if (config.basePacketBytes < BASE_PACKET_MIN) return false;
  if (config.maxPacketBytes < config.basePacketBytes) return false;
  if (config.maxPacketBytes > PACKET_MAX) return false;
  if (config.connectionsMax < 1 || config.connectionsMax > CONNECTIONS_LIMIT) return false;
  if (config.maxMessageBytes > MESSAGE_BYTES_MAX) return false;
  return config.maxStreamsBidi <= <u64>i32.MAX_VALUE;
}

/** Where the next reservation begins. */
let cursor: usize = 0;

function reserve(size: usize): usize {
  const at = cursor;
  cursor += (size + 15) & ~15;
  return at;
}

/** Creates the one endpoint of this instance. */
export function createEndpoint(config: Configuration): i32 {
  invariant(endpoint.isOpen == 0 && endpoint.reservedStart == 0);
  if (!isValid(config)) return ARGUMENT_INVALID;
  const transferSize = max(TRANSFER_SIZE_MIN, <i32>config.maxMessageBytes + MESSAGE_MIN);
  const fixedSize = fixedMemorySize(config, <usize>transferSize);
  const start = (__heap_base + 15) & ~15;
  if (start + fixedSize >= MEMORY_SIZE) return MEMORY_LIMIT;
  cursor = start;
  endpoint.reservedStart = start;
  setLocal(config, transferSize);
  setArenas(transferSize);
  setConnections(config);
  const left = MEMORY_SIZE - cursor;
  endpoint.reservedEnd = cursor;
  const poolSize = streamMemorySize(local, config.connectionsMax, left);
  if (poolSize == 0) return MEMORY_LIMIT;
  streamMemoryInit(local, reserve(poolSize), poolSize, config.connectionsMax);
  invariant(cursor <= MEMORY_SIZE);
  endpoint.isOpen = 1;
  return OK;
}

function fixedMemorySize(config: Configuration, transferSize: usize): usize {
  const connections = <usize>config.connectionsMax;
  return (
    connections * (connectionSize(<i32>config.maxStreamsBidi) + 4) +
    idTableSize(2 * config.connectionsMax) +
    TRUST_STORE_SIZE +
    GENERATOR_SIZE +
    ENTROPY_SIZE +
    REPLIES_SIZE +
    RECEIVE_AREA_SIZE +
    BATCH_MAX * (RECEIVE_RECORD_SIZE + SEND_RECORD_SIZE + <usize>PACKET_MAX + 16) +
    2 * transferSize +
    4096
  );
}

function setLocal(config: Configuration, transferSize: i32): void {
  local.staticPair = reserve(64);
  memory.copy(local.staticPair, config.staticPrivate, 32);
  x25519PublicKey(local.staticPair + 32, local.staticPair);
  local.certificate = reserve(CERTIFICATE_MAX);
  local.certificateSize = config.certificateSize;
  memory.copy(local.certificate, config.certificate, config.certificateSize);
  local.maxStreamsBidi = <i32>config.maxStreamsBidi;
  local.maxMessageBytes = config.maxMessageBytes;
  // A message that is delivered whole must fit the window of its stream, and that of the connection.
  const messageSize = <u64>config.maxMessageBytes + MESSAGE_MIN;
  local.maxStreamData = max(config.maxStreamData, messageSize);
  local.maxData = max(config.maxData, messageSize);
  local.idleTimeoutMs = config.idleTimeoutMs;
  local.maxDatagramBytes = config.maxDatagramBytes;
  local.maxAckDelayUs = config.maxAckDelayUs;
  local.maxPacketBytes = config.maxPacketBytes;
  local.basePacketBytes = config.basePacketBytes;
  local.acceptsConnections = config.acceptsConnections;
  local.asksForUnknownPeers = config.asksForUnknownPeers;
  local.trust = reserve(TRUST_STORE_SIZE);
  trustStoreInit(local.trust);
  local.generator = reserve(GENERATOR_SIZE);
  generatorInit(local.generator, config.seed);
  local.output = reserve(<usize>transferSize);
  local.outputSize = transferSize;
}

function setArenas(transferSize: i32): void {
  endpoint.entropy = reserve(ENTROPY_SIZE);
  endpoint.replies = reserve(REPLIES_SIZE);
  endpoint.receiveArea = reserve(RECEIVE_AREA_SIZE);
  endpoint.receiveAreaSize = <i32>RECEIVE_AREA_SIZE;
  endpoint.receiveRecords = reserve(BATCH_MAX * RECEIVE_RECORD_SIZE);
  endpoint.transmitArea = reserve(BATCH_MAX * (<usize>PACKET_MAX + 16));
  endpoint.transmitRecords = reserve(BATCH_MAX * SEND_RECORD_SIZE);
  endpoint.input = reserve(<usize>transferSize);
  endpoint.inputSize = transferSize;
}

function setConnections(config: Configuration): void {
  endpoint.connectionsMax = config.connectionsMax;
  endpoint.connections = reserve(<usize>config.connectionsMax * 4);
  endpoint.routes = reserve(idTableSize(2 * config.connectionsMax));
  idTableInit(endpoint.routes, 2 * config.connectionsMax);
  const size = connectionSize(local.maxStreamsBidi);
  for (let slot = 0; slot < config.connectionsMax; slot += 1) {
    const connection = connectionInit(reserve(size), local, local.maxStreamsBidi);
    store<usize>(endpoint.connections + ((<usize>slot) << 2), changetype<usize>(connection));
  }
}

/** Wipes everything that was reserved. The instance cannot be used again. */
export function disposeEndpoint(): void {
  if (endpoint.isOpen == 0) return;
  endpoint.isOpen = 0;
  streamMemoryWipe(local);
  memory.fill(endpoint.reservedStart, 0, endpoint.reservedEnd - endpoint.reservedStart);
}
