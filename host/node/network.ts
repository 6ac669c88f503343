/** The node's transport: who is let in, who is dialled, and where others find this node. */
import { networkInterfaces } from "node:os";
import type { Lane } from "../shared/ports/lane.ts";
import { Failure } from "../shared/ports/failure.ts";
import { createTransport, type Transport } from "../shared/transport/index.ts";
import { formatAddress, parseAddress } from "../shared/trust/address.ts";
import { selfSignedCertificate } from "../shared/trust/certificate.ts";
import { type Identity, publicKeyOfPeerId } from "../shared/trust/identity.ts";
import type { TrustPorts } from "../shared/trust/ports.ts";
import type { Logger } from "../shared/telemetry/logger.ts";
import { datagrams } from "./datagrams.ts";
import { loadEngine } from "./engine.ts";
import type { WireTap } from "./wire-tap.ts";

const CERTIFICATE_MS = 365 * 86_400_000;
const DIAL_MS = 10_000;

export interface NetworkOptions {
  readonly identity: Identity;
  readonly name: string;
  readonly ports: TrustPorts;
  /** "host:port" to bind. */
  readonly listen: string;
  readonly acceptsConnections: boolean;
  readonly pinned: readonly Uint8Array[];
  /** Whether a stranger's handshake is accepted now: only while an invitation is open. */
  readonly isOpenToStrangers: () => boolean;
  readonly onLane: (lane: Lane) => void;
  /** Records what goes over the wire, when that is wanted. */
  readonly tap?: WireTap | null;
  readonly log: Logger;
}

export function openNetwork(options: NetworkOptions): Promise<Transport> {
  const { identity, ports, log } = options;
  const { host, port } = splitHostPort(options.listen);
  return createTransport(
    {
      clock: ports.clock,
      random: ports.random,
      datagrams: options.tap?.over(datagrams) ?? datagrams,
      engine: loadEngine(),
    },
    {
      local: { host, port },
      staticPrivateKey: identity.staticPrivateKey,
      certificate: selfSignedCertificate(ports, identity, [options.name], CERTIFICATE_MS),
      authorities: [],
      pinned: options.pinned,
      acceptsConnections: options.acceptsConnections,
      authenticate: options.isOpenToStrangers,
      onBug: (error) => log.error("transport.bug", { failure: Failure.from(error) }),
    },
    options.onLane,
  );
}

/** Dials an address; `id` is the PeerId that must answer, when it is known. */
export function dial(
  transport: Transport,
  address: string,
  id: string | null,
  signal?: AbortSignal,
): Promise<Lane> {
  const { key, keyKind, host, port } = parseAddress(address);
  const identity = keyKind === "identity" ? key : publicKeyOfPeerId(id ?? "");
  const options = { timeoutMs: DIAL_MS, ...(signal === undefined ? {} : { signal }) };
  return transport.connect(
    {
      host,
      port,
      ...(keyKind === "static" ? { staticKey: key } : {}),
      ...(identity === null ? {} : { identity }),
    },
    options,
  );
}

/** The address under which others dial this node. */
export function addressOf(identity: Identity, host: string, port: number): string {
  const key = identity.staticPublicKey;
  return formatAddress({ key, keyKind: "static", host, port, agent: "" });
}

/** The host name that others should use for a socket bound to `host`: any interface means the first outer one. */
export function reachableHost(host: string): string {
  if (host !== "0.0.0.0" && host !== "::") return host;
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return all.find((one) => one.family === "IPv4" && !one.internal)?.address ?? "127.0.0.1";
}

export function splitHostPort(text: string): { readonly host: string; readonly port: number } {
  const at = text.lastIndexOf(":");
  return { host: text.slice(0, at).replace(/^\[|\]$/g, ""), port: Number(text.slice(at + 1)) };
}
