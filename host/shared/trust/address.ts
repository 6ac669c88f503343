/**
 * Addresses `mxp://<key>@host:port/agent`. The key says how to connect: a static key ("z6LS…") allows the IK
 * handshake at once; an identity ("z6Mk…") is proven in XX.
 */
import { Failure } from "../ports/failure.ts";
import { formatIdentityKey, formatStaticKey, type KeyKind, parseKeyText } from "./key-text.ts";

export interface MxpAddress {
  readonly key: Uint8Array;
  readonly keyKind: KeyKind;
  /** A name or an address; IPv6 without its brackets. */
  readonly host: string;
  readonly port: number;
  /** The agent, without the leading slash; empty for the node itself. */
  readonly agent: string;
}

const TEXT_MAX = 512;
const PATTERN =
  /^mxp:\/\/([A-Za-z0-9]+)@(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):(\d{1,5})(?:\/(.*))?$/;
const AGENT = /^(?:[A-Za-z0-9._~-]+(?:\/[A-Za-z0-9._~-]+)*)?$/;

function refuse(text: string, problem: string): Failure {
  return new Failure("argument-invalid", `${problem} in the address "${text.slice(0, 120)}"`, {
    origin: "local",
    remedy: "Write it as mxp://<key>@host:port/agent, as `rtt up` prints it on the host.",
  });
}

/** Reads an address. Fails with `argument-invalid`, naming the part that is wrong. */
export function parseAddress(text: string): MxpAddress {
  const match = text.length <= TEXT_MAX ? PATTERN.exec(text) : null;
  if (match === null) throw refuse(text, "The form mxp://<key>@host:port/agent is not met");
  const [, keyText = "", hostText = "", portText = "", agent = ""] = match;
  const key = parseKeyText(keyText);
  if (key === null) throw refuse(text, "The key is neither z6Mk… nor z6LS…");
  const port = Number(portText);
  if (port === 0 || port > 65535) throw refuse(text, "The port is not between 1 and 65535");
  if (!AGENT.test(agent))
    throw refuse(text, "The agent's name has characters that are not allowed");
  const host = hostText.startsWith("[") ? hostText.slice(1, -1) : hostText;
  if (hostText.startsWith("[") && !host.includes(":")) {
    throw refuse(text, "Brackets stand around something that is not an IPv6 address");
  }
  return { key: key.key, keyKind: key.kind, host, port, agent };
}

/** The text of an address; `parseAddress` gives the same address back. */
export function formatAddress(address: MxpAddress): string {
  const key =
    address.keyKind === "static" ? formatStaticKey(address.key) : formatIdentityKey(address.key);
  const host = address.host.includes(":") ? `[${address.host}]` : address.host;
  const agent = address.agent === "" ? "" : `/${address.agent}`;
  return `mxp://${key}@${host}:${address.port}${agent}`;
}
