/**
 * Begins a connection to another endpoint.
 *
 * Spec       docs/protocol.md §5
 * Layer      endpoint (L4)
 */
import { ARGUMENT_INVALID, IDENTITY_MISSING, MEMORY_LIMIT, OK } from "../base/status.ts";
import {
  beginHandshake,
  patternNeedsResponderKey,
  patternShowsInitiator,
} from "../connection/handshake.ts";
import { ADDRESS_SIZE } from "../connection/state.ts";
import { wipe } from "../crypto/constant-time.ts";
import { generatorMix } from "../crypto/generator.ts";
import { INITIAL_IK, INITIAL_NX } from "../wire/long-header.ts";
import { NAME_MAX } from "../wire/limits.ts";
import { local } from "./endpoint.ts";
import { freshId, giveBackSlot, hasFreeSlot, takeSlot } from "./slots.ts";

/** What a host states; the fields of the contract's ConnectOptions. 0 where something is not given. */
@unmanaged
export class Dial {
  remote: usize;
  pattern: i32;
  remoteStatic: usize;
  expectedIdentity: usize;
  expectedName: usize;
  expectedNameSize: i32;
  entropy: usize;
}

/** The handle of the new connection, or a status. The entropy is used up in any case. */
export function dial(options: Dial, nowUs: u64): i32 {
  generatorMix(local.generator, options.entropy);
  wipe(options.entropy, 32);
  const pattern = options.pattern;
  if (pattern < INITIAL_IK || pattern > INITIAL_NX) return ARGUMENT_INVALID;
  if (patternNeedsResponderKey(pattern) != (options.remoteStatic != 0)) return ARGUMENT_INVALID;
  if (patternShowsInitiator(pattern) && local.certificateSize == 0) return IDENTITY_MISSING;
  if (options.expectedNameSize > NAME_MAX) return ARGUMENT_INVALID;
  if (!hasFreeSlot()) return MEMORY_LIMIT;
  const initialId = freshId();
  const connection = takeSlot(initialId);
  connection.initialId = initialId;
  connection.isInitiator = 1;
  connection.isShown = 1;
  connection.pattern = pattern;
  memory.copy(connection.remote, options.remote, ADDRESS_SIZE);
  if (options.remoteStatic != 0) {
    memory.copy(connection.peerStatic, options.remoteStatic, 32);
    connection.hasRemoteStatic = 1;
  }
  if (options.expectedIdentity != 0) {
    memory.copy(connection.expectedIdentity, options.expectedIdentity, 32);
    connection.hasExpectedIdentity = 1;
  }
  memory.copy(connection.expectedName, options.expectedName, options.expectedNameSize);
  connection.expectedNameSize = options.expectedNameSize;
  const status = beginHandshake(connection, nowUs);
  if (status == OK) return connection.handle;
  giveBackSlot(connection);
  return status;
}
