/** @module Interface mxp:engine/types@0.1.0 **/
/**
 * Microseconds on the host's monotonic clock. Only differences mean anything.
 */
export type Micros = bigint;
/**
 * Milliseconds since 1970-01-01T00:00:00Z on the wall clock. Used for certificates and tickets only.
 */
export type WallMillis = bigint;
/**
 * A connection of one endpoint: a small number that is never used again while the endpoint lives.
 */
export type ConnectionId = number;
/**
 * A stream of one connection: `index << 2 | initiator-is-server << 1 | is-unidirectional`.
 */
export type StreamId = bigint;
/**
 * Who is to blame for a failure.
 * # Variants
 * 
 * ## `"local"`
 * 
 * The caller asked for something that cannot be done.
 * ## `"peer"`
 * 
 * The other side broke the protocol, or said no.
 * ## `"host"`
 * 
 * The machine: a socket, a file, a process.
 * ## `"policy"`
 * 
 * A signed policy says no.
 */
export type Origin = 'local' | 'peer' | 'host' | 'policy';
/**
 * The two clocks of an input.
 */
export interface Now {
  monotonic: Micros,
  wall: WallMillis,
}
/**
 * A carrier address, opaque but for equality: 24 bytes as `docs/protocol.md` draws them.
 */
export type Address = Uint8Array;
/**
 * Scheduling bands, weighted 8:4:2:1. The band belongs to the stream and is fixed when it opens.
 * # Variants
 * 
 * ## `"critical"`
 * 
 * ## `"control"`
 * 
 * ## `"streaming"`
 * 
 * ## `"background"`
 */
export type Band = 'critical' | 'control' | 'streaming' | 'background';
/**
 * What a stream carries: bytes, or whole MXP messages.
 * # Variants
 * 
 * ## `"bytes"`
 * 
 * ## `"messages"`
 */
export type StreamKind = 'bytes' | 'messages';
/**
 * Noise patterns with which a connection can begin.
 * # Variants
 * 
 * ## `"ik"`
 * 
 * ## `"nk"`
 * 
 * ## `"xx"`
 * 
 * ## `"nx"`
 */
export type Pattern = 'ik' | 'nk' | 'xx' | 'nx';
/**
 * How a peer's identity became acceptable.
 * # Variants
 * 
 * ## `"certified"`
 * 
 * ## `"pinned"`
 * 
 * ## `"unknown"`
 * 
 * ## `"anonymous"`
 */
export type Trust = 'certified' | 'pinned' | 'unknown' | 'anonymous';
/**
 * Every failure of the product. The order is the number on the wire and in the engine
 * (`first = 1`), so codes are only ever appended. `docs/errors.md` gives cause and remedy of each.
 * # Variants
 * 
 * ## `"buffer-too-small"`
 * 
 * --- MXP messages, in the order in which a decoder checks ---
 * ## `"invalid-magic"`
 * 
 * ## `"reserved-field-non-zero"`
 * 
 * ## `"invalid-message-type"`
 * 
 * ## `"invalid-flags"`
 * 
 * ## `"payload-too-large"`
 * 
 * ## `"checksum-mismatch"`
 * 
 * ## `"trailing-bytes"`
 * 
 * ## `"version-unsupported"`
 * 
 * --- the connection ---
 * ## `"handshake-failed"`
 * 
 * ## `"handshake-timeout"`
 * 
 * ## `"handshake-too-large"`
 * 
 * ## `"key-unknown"`
 * 
 * ## `"certificate-malformed"`
 * 
 * ## `"certificate-signature"`
 * 
 * ## `"certificate-expired"`
 * 
 * ## `"certificate-not-yet-valid"`
 * 
 * ## `"certificate-name"`
 * 
 * ## `"certificate-issuer"`
 * 
 * ## `"certificate-key"`
 * 
 * ## `"peer-unknown"`
 * 
 * ## `"peer-refused"`
 * 
 * ## `"parameter-invalid"`
 * 
 * ## `"packet-invalid"`
 * 
 * ## `"frame-invalid"`
 * 
 * ## `"protocol-violation"`
 * 
 * ## `"flow-control"`
 * 
 * ## `"stream-limit"`
 * 
 * ## `"stream-state"`
 * 
 * ## `"final-size"`
 * 
 * ## `"message-too-large"`
 * 
 * ## `"datagram-too-large"`
 * 
 * ## `"idle-timeout"`
 * 
 * ## `"connection-lost"`
 * 
 * ## `"connection-closed"`
 * 
 * ## `"aead-limit"`
 * 
 * ## `"memory-limit"`
 * 
 * ## `"would-block"`
 * 
 * ## `"stream-reset"`
 * 
 * ## `"stream-stopped"`
 * 
 * ## `"unsupported"`
 * 
 * ## `"argument-invalid"`
 * 
 * ## `"cancelled"`
 * 
 * --- calls ---
 * ## `"deadline-exceeded"`
 * 
 * ## `"outcome-unknown"`
 * 
 * ## `"agent-unknown"`
 * 
 * ## `"device-offline"`
 * 
 * ## `"identity-missing"`
 * 
 * --- identity, signatures, logs ---
 * ## `"identity-locked"`
 * 
 * ## `"signature-invalid"`
 * 
 * ## `"signer-untrusted"`
 * 
 * ## `"canonical-json-invalid"`
 * 
 * ## `"invitation-malformed"`
 * 
 * ## `"invitation-expired"`
 * 
 * ## `"invitation-used"`
 * 
 * ## `"invitation-unknown"`
 * 
 * ## `"log-corrupt"`
 * 
 * ## `"receipt-invalid"`
 * 
 * ## `"policy-missing"`
 * 
 * --- policy ---
 * ## `"policy-malformed"`
 * 
 * ## `"policy-expired"`
 * 
 * ## `"policy-not-yet-valid"`
 * 
 * ## `"policy-rollback"`
 * 
 * ## `"policy-scope"`
 * 
 * ## `"policy-denied"`
 * 
 * ## `"path-denied"`
 * 
 * ## `"call-depth"`
 * 
 * ## `"tool-unknown"`
 * 
 * --- tools ---
 * ## `"tool-version"`
 * 
 * ## `"tool-args-invalid"`
 * 
 * ## `"tool-result-invalid"`
 * 
 * ## `"tool-failed"`
 * 
 * ## `"tool-timeout"`
 * 
 * ## `"tool-crashed"`
 * 
 * ## `"tool-flooded"`
 * 
 * ## `"tool-protocol"`
 * 
 * ## `"config-invalid"`
 * 
 * --- the machine ---
 * ## `"port-in-use"`
 * 
 * ## `"address-unreachable"`
 * 
 * ## `"folder-unwritable"`
 * 
 * ## `"file-missing"`
 * 
 * ## `"program-missing"`
 * 
 * ## `"permission-denied"`
 * 
 * ## `"already-running"`
 * 
 * ## `"not-running"`
 * 
 * ## `"internal"`
 * 
 * ## `"symbol-invalid"`
 * 
 * --- the fabric ---
 * ## `"object-missing"`
 * 
 * ## `"object-corrupt"`
 * 
 * ## `"signature-missing"`
 * 
 * ## `"plan-invalid"`
 * 
 * ## `"plan-infeasible"`
 * 
 * ## `"plan-stale"`
 * 
 * ## `"apply-refused"`
 * 
 * ## `"apply-reverted"`
 * 
 * ## `"generation-missing"`
 * 
 * ## `"view-conflict"`
 * 
 * ## `"view-drift"`
 * 
 * ## `"tool-held"`
 * 
 * ## `"link-unsupported"`
 * 
 * ## `"mount-unsupported"`
 * 
 * ## `"build-differs"`
 */
export type ErrorCode = 'buffer-too-small' | 'invalid-magic' | 'reserved-field-non-zero' | 'invalid-message-type' | 'invalid-flags' | 'payload-too-large' | 'checksum-mismatch' | 'trailing-bytes' | 'version-unsupported' | 'handshake-failed' | 'handshake-timeout' | 'handshake-too-large' | 'key-unknown' | 'certificate-malformed' | 'certificate-signature' | 'certificate-expired' | 'certificate-not-yet-valid' | 'certificate-name' | 'certificate-issuer' | 'certificate-key' | 'peer-unknown' | 'peer-refused' | 'parameter-invalid' | 'packet-invalid' | 'frame-invalid' | 'protocol-violation' | 'flow-control' | 'stream-limit' | 'stream-state' | 'final-size' | 'message-too-large' | 'datagram-too-large' | 'idle-timeout' | 'connection-lost' | 'connection-closed' | 'aead-limit' | 'memory-limit' | 'would-block' | 'stream-reset' | 'stream-stopped' | 'unsupported' | 'argument-invalid' | 'cancelled' | 'deadline-exceeded' | 'outcome-unknown' | 'agent-unknown' | 'device-offline' | 'identity-missing' | 'identity-locked' | 'signature-invalid' | 'signer-untrusted' | 'canonical-json-invalid' | 'invitation-malformed' | 'invitation-expired' | 'invitation-used' | 'invitation-unknown' | 'log-corrupt' | 'receipt-invalid' | 'policy-missing' | 'policy-malformed' | 'policy-expired' | 'policy-not-yet-valid' | 'policy-rollback' | 'policy-scope' | 'policy-denied' | 'path-denied' | 'call-depth' | 'tool-unknown' | 'tool-version' | 'tool-args-invalid' | 'tool-result-invalid' | 'tool-failed' | 'tool-timeout' | 'tool-crashed' | 'tool-flooded' | 'tool-protocol' | 'config-invalid' | 'port-in-use' | 'address-unreachable' | 'folder-unwritable' | 'file-missing' | 'program-missing' | 'permission-denied' | 'already-running' | 'not-running' | 'internal' | 'symbol-invalid' | 'object-missing' | 'object-corrupt' | 'signature-missing' | 'plan-invalid' | 'plan-infeasible' | 'plan-stale' | 'apply-refused' | 'apply-reverted' | 'generation-missing' | 'view-conflict' | 'view-drift' | 'tool-held' | 'link-unsupported' | 'mount-unsupported' | 'build-differs';
