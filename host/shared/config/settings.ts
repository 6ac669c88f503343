/**
 * Every setting of a node, once: its path in YAML, its environment variable, its default and what it may be.
 * `docs/defaults.md` gives the reason of each default.
 */
import { LEVELS } from "../ports/log-level.ts";

/** Reads a value from YAML, the environment (always a text) or a flag; returns what is wrong as a text. */
export type Reader<T> = (value: unknown) => T | Problem;

export class Problem {
  readonly expected: string;

  constructor(expected: string) {
    this.expected = expected;
  }
}

export interface Setting<T> {
  readonly environment: string;
  readonly initial: T;
  readonly read: Reader<T>;
  /** The YAML value is a map of its own, not further settings. */
  readonly isOpaque?: true;
}

/** A tool server as `mcpServers` of other programs writes it. */
export interface ServerEntry {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string | null;
}

export const SETTINGS = {
  name: setting("RTT_NAME", "", name),
  tenant: setting("RTT_TENANT", "default", name),
  roles: setting("RTT_ROLES", ["host"], list(choice("host", "device"))),
  listen: setting("RTT_LISTEN", "0.0.0.0:7443", address),
  dial: setting("RTT_DIAL", [], list(text(512))),
  "http.port": setting("RTT_HTTP_PORT", 0, integer(0, 65535)),
  "log.level": setting("RTT_LOG_LEVEL", "info", choice(...LEVELS)),
  "device.folders": setting("RTT_FOLDERS", [], list(text(4096))),
  "device.servers": { ...setting("RTT_SERVERS", {}, servers), isOpaque: true },
  "device.defaultServer": setting("RTT_DEFAULT_SERVER", true, truth),
  "calls.concurrentMax": setting("RTT_CALLS_MAX", 64, integer(1, 10_000)),
  "calls.timeoutMs": setting("RTT_TIMEOUT_MS", 30_000, integer(1, 3_600_000)),
  "calls.maxBytes": setting("RTT_MAX_BYTES", 1_048_576, integer(1, 268_435_456)),
  "calls.maxDepth": setting("RTT_MAX_DEPTH", 1, integer(1, 16)),
} as const satisfies Record<string, Setting<unknown>>;

export type SettingName = keyof typeof SETTINGS;

/** A whole, valid configuration, by the paths of its settings. */
export type Config = {
  readonly [K in SettingName]: (typeof SETTINGS)[K] extends Setting<infer T> ? T : never;
};

function setting<T>(environment: string, initial: T, read: Reader<T>): Setting<T> {
  return { environment, initial, read };
}

function text(lengthMax: number): Reader<string> {
  return (value) =>
    typeof value === "string" && value.length > 0 && value.length <= lengthMax
      ? value
      : new Problem(`a text of 1 to ${lengthMax} characters`);
}

function name(value: unknown): string | Problem {
  const isName = typeof value === "string" && /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/.test(value);
  return isName ? value : new Problem("a name of letters, digits, '.', '_' and '-' (63 at most)");
}

function choice<const T extends string>(...options: readonly T[]): Reader<T> {
  return (value) =>
    options.find((option) => option === value) ?? new Problem(`one of ${options.join(", ")}`);
}

function integer(min: number, max: number): Reader<number> {
  return (value) => {
    const number = typeof value === "string" && /^\d+$/.test(value) ? Number(value) : value;
    const isFit = typeof number === "number" && Number.isInteger(number);
    return isFit && number >= min && number <= max
      ? number
      : new Problem(`a whole number from ${min} to ${max}`);
  };
}

function truth(value: unknown): boolean | Problem {
  if (value === true || value === "true" || value === "1") return true;
  if (value === false || value === "false" || value === "0") return false;
  return new Problem("true or false");
}

/** A list; in the environment and in flags its parts are separated by commas. */
function list<T>(read: Reader<T>): Reader<readonly T[]> {
  return (value) => {
    const parts: unknown =
      typeof value === "string" ? value.split(",").filter((part) => part !== "") : value;
    if (!Array.isArray(parts)) return new Problem("a list");
    const items: T[] = [];
    for (const part of parts) {
      const item = read(part);
      if (item instanceof Problem) return new Problem(`a list of ${item.expected}`);
      items.push(item);
    }
    return items;
  };
}

/** "host:port"; IPv6 in brackets; port 0 lets the system choose. */
function address(value: unknown): string | Problem {
  const match =
    typeof value === "string" ? /^(?:\[[0-9A-Fa-f:.]+\]|[^:\s]+):(\d{1,5})$/.exec(value) : null;
  return match !== null && Number(match[1]) <= 65535
    ? match[0]
    : new Problem('an address such as "0.0.0.0:7443"');
}

function servers(value: unknown): Readonly<Record<string, ServerEntry>> | Problem {
  const expected = new Problem("servers as in mcpServers: a name with command, args, env, cwd");
  let map = value;
  if (typeof value === "string") {
    try {
      map = JSON.parse(value) as unknown;
    } catch {
      return expected;
    }
  }
  if (map === null || typeof map !== "object" || Array.isArray(map)) return expected;
  const entries: Record<string, ServerEntry> = {};
  for (const [key, raw] of Object.entries(map)) {
    const entry = serverEntry(raw);
    if (entry === null || !/^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$/.test(key)) return expected;
    entries[key] = entry;
  }
  return entries;
}

/** One `mcpServers` entry; null when it is none that a device can start. */
export function serverEntry(raw: unknown): ServerEntry | null {
  if (raw === null || typeof raw !== "object") return null;
  const { command, args = [], env = {}, cwd = null } = raw as Record<string, unknown>;
  const isTexts = (values: unknown): boolean =>
    Array.isArray(values) && values.every((one) => typeof one === "string");
  const isCommand = typeof command === "string" && command !== "";
  const isEnvironment = env !== null && typeof env === "object" && isTexts(Object.values(env));
  if (!isCommand || !isTexts(args) || !isEnvironment) return null;
  if (cwd !== null && typeof cwd !== "string") return null;
  return { command, args: args as string[], env: env as Record<string, string>, cwd };
}
