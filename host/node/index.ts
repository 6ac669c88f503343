/**
 * MXP on Node: the transport over UDP, with the engine, the clock, the entropy and the signatures of this runtime.
 *
 * `docs/examples/echo.ts` shows it whole, and is executed by the tests.
 */
import { createCallRecord, type CallRecordChoices } from "../shared/transport/call-record.ts";
import { createTransport, type Connection, type Transport } from "../shared/transport/index.ts";
import type { CallRecord, Lane } from "../shared/ports/lane.ts";
import { selfSignedCertificate } from "../shared/trust/certificate.ts";
import { createIdentity as newIdentity, type Identity } from "../shared/trust/identity.ts";
import { nodeClock } from "./clock.ts";
import { datagrams } from "./datagrams.ts";
import { loadEngine } from "./engine.ts";
import { nodeRandom } from "./random.ts";
import { nodeSignatures } from "./signatures.ts";

export { Failure, type ErrorCode } from "../shared/ports/failure.ts";
export type {
  CallHandler,
  CallRecord,
  IncomingCall,
  Lane,
  LanePeer,
} from "../shared/ports/lane.ts";
export type { Identity } from "../shared/trust/identity.ts";
export { Connection, MessageStream, Stream, type Transport } from "../shared/transport/index.ts";

/** A certificate that a node issues to itself lasts this long unless the caller says otherwise. */
const CERTIFICATE_DAYS = 30;
const DAY_MS = 86_400_000;

export interface ListenOptions {
  readonly identity: Identity;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Default 0: the system chooses. */
  readonly port?: number;
  /** Ed25519 identities that may connect and be connected to. Others are refused. */
  readonly pinned?: readonly Uint8Array[];
  /** Ed25519 keys of certificate authorities whose certificates are accepted. */
  readonly authorities?: readonly Uint8Array[];
  /** A certificate by an authority; without it the node issues one to itself. */
  readonly certificate?: Uint8Array;
  readonly onLane?: (lane: Lane) => void;
  /** Sees every established connection, for streams of bytes and datagrams beside the calls. */
  readonly onConnection?: (connection: Connection) => void;
}

/** A new identity: an Ed25519 key that names the node, and the X25519 key of its handshakes. */
export function createIdentity(): Identity {
  return newIdentity(nodeRandom, nodeSignatures);
}

/** A call record with fresh ids; see `CallRecord` for what can be chosen. */
export function callRecord(choices: CallRecordChoices = {}): CallRecord {
  return createCallRecord(nodeRandom, choices);
}

/**
 * Opens an endpoint that accepts and dials connections.
 *
 * Fails with `port-in-use`, `address-unreachable` or `permission-denied` (origin `host`), and with `file-missing`
 * when the engine has not been built.
 */
export function listen(options: ListenOptions): Promise<Transport> {
  const ports = { clock: nodeClock, random: nodeRandom, signatures: nodeSignatures };
  const certificate =
    options.certificate ??
    selfSignedCertificate(ports, options.identity, [], CERTIFICATE_DAYS * DAY_MS);
  return createTransport(
    { clock: nodeClock, random: nodeRandom, datagrams, engine: loadEngine() },
    {
      local: { host: options.host ?? "127.0.0.1", port: options.port ?? 0 },
      staticPrivateKey: options.identity.staticPrivateKey,
      certificate,
      authorities: options.authorities ?? [],
      pinned: options.pinned ?? [],
      acceptsConnections: true,
      ...(options.onConnection === undefined ? {} : { onConnection: options.onConnection }),
    },
    options.onLane,
  );
}
