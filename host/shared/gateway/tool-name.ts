/**
 * Names of tools: `<server>.<tool>` for a tool without a contract, and the stable names under which a door shows the
 * tools of every device.
 *
 * A door's name is `<device>__<tool>`, of letters, digits, `_` and `-`, at most 64 characters, because some clients
 * accept nothing else. When two tools would get the same name, both carry a digest of their full name, so that a
 * tool's name never depends on which other one was seen first.
 */
import type { Digest } from "../ports/digest.ts";
import { toHex, utf8 } from "../trust/bytes.ts";

const DOOR_NAME_MAX = 64;
const SUFFIX_LENGTH = 8;

/** What is named: a tool of a device. */
export interface NamedTool {
  /** The device's id; names may be shared, ids are not. */
  readonly deviceId: string;
  readonly deviceName: string;
  readonly tool: string;
}

/** The name, on its device, of a tool that no contract binds. */
export function relayedToolName(server: string, tool: string): string {
  return `${server}.${tool}`;
}

/** The door's name of each tool, in the order of the names. */
export function doorNames<T extends NamedTool>(
  tools: readonly T[],
  digest: Digest,
): ReadonlyMap<string, T> {
  const byPlainName = new Map<string, T[]>();
  for (const tool of tools) {
    const name = plainName(tool);
    byPlainName.set(name, [...(byPlainName.get(name) ?? []), tool]);
  }
  const named: [string, T][] = [];
  for (const [name, sharing] of byPlainName) {
    const isUnique = sharing.length === 1 && name.length <= DOOR_NAME_MAX;
    for (const tool of sharing) named.push([isUnique ? name : distinct(name, tool, digest), tool]);
  }
  // By code unit, not by locale: the order must be the same on every machine.
  return new Map(named.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}

function plainName(tool: NamedTool): string {
  return `${clean(tool.deviceName)}__${clean(tool.tool)}`;
}

function distinct(name: string, tool: NamedTool, digest: Digest): string {
  const full = digest.sha256(utf8(`${tool.deviceId}\0${tool.tool}`));
  const suffix = toHex(full).slice(0, SUFFIX_LENGTH);
  return `${name.slice(0, DOOR_NAME_MAX - SUFFIX_LENGTH - 1)}_${suffix}`;
}

function clean(text: string): string {
  return text.replace(/[^A-Za-z0-9_-]/g, "_");
}
