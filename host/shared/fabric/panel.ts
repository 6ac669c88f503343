/**
 * `.rtt/panel.yaml`, the settings of a project, under their published names. Everything is checked before anything
 * starts; what is wrong is named with file, line, path and rule.
 */
import { readYaml } from "../config/yaml.ts";
import { Failure } from "../ports/failure.ts";

export interface Panel {
  readonly "api.listen.unix": string;
  readonly "api.listen.npipe": string;
  readonly "scan.roots": readonly string[];
  readonly "scan.ignore": readonly string[];
  readonly "routing.prefer": readonly string[];
  readonly "routing.rewire_atomic": boolean;
  /** Unsigned objects and indexes are refused. */
  readonly "security.strict_manifests": boolean;
  /** Symbols that may be unsigned even so: patterns over `namespace/type/name`. */
  readonly "security.allow_unsigned": readonly string[];
  readonly "health.heartbeat_ms": number;
  readonly "health.trip_threshold.errors": number;
  readonly "health.trip_threshold.window_ms": number;
}

interface Rule<T> {
  readonly initial: T;
  readonly expected: string;
  readonly isValid: (value: unknown) => boolean;
}

const text = (initial: string): Rule<string> => ({
  initial,
  expected: "a text that is not empty",
  isValid: (value) => typeof value === "string" && value !== "",
});

const texts = (initial: readonly string[]): Rule<readonly string[]> => ({
  initial,
  expected: "a list of texts",
  isValid: (value) => Array.isArray(value) && value.every((item) => typeof item === "string"),
});

const flag = (initial: boolean): Rule<boolean> => ({
  initial,
  expected: "true or false",
  isValid: (value) => typeof value === "boolean",
});

const count = (initial: number, least: number, most: number): Rule<number> => ({
  initial,
  expected: `a whole number from ${least} to ${most}`,
  isValid: (value) =>
    typeof value === "number" && Number.isInteger(value) && value >= least && value <= most,
});

const LANES: readonly string[] = ["shm", "uds", "tcp", "quic", "mxp"];

const RULES: { readonly [K in keyof Panel]: Rule<Panel[K]> } = {
  "api.listen.unix": text("./.rtt/sockets/panel.sock"),
  "api.listen.npipe": text("\\\\.\\pipe\\rtt-panel"),
  "scan.roots": texts(["./", "./services", "./packages"]),
  "scan.ignore": texts([".git", "node_modules", "target", "venv", "dist", ".pytest_cache"]),
  "routing.prefer": {
    initial: ["shm", "uds", "tcp"],
    expected: `a list of ${LANES.join(", ")}`,
    isValid: (value) => Array.isArray(value) && value.every((lane) => LANES.includes(lane)),
  },
  "routing.rewire_atomic": flag(true),
  "security.strict_manifests": flag(true),
  "security.allow_unsigned": texts([]),
  "health.heartbeat_ms": count(250, 100, 5000),
  "health.trip_threshold.errors": count(5, 1, 1_000_000),
  "health.trip_threshold.window_ms": count(5000, 1000, 3_600_000),
};

/** The settings of a file; what it does not name has its published default. Fails with `config-invalid`. */
export function readPanel(yaml: string, path: string): Panel {
  const document = readYaml(yaml, new Set());
  if (document.error !== null) throw invalid(path, document.error.line, document.error.message);
  const panel: Record<string, unknown> = {};
  for (const [name, rule] of Object.entries(RULES)) panel[name] = rule.initial;
  for (const [name, { value, line }] of document.leaves) {
    if (!isSetting(name)) throw invalid(path, line, `there is no setting "${name}"`);
    const rule: Rule<unknown> = RULES[name];
    if (!rule.isValid(value)) {
      throw invalid(path, line, `"${name}" must be ${rule.expected}`, name);
    }
    panel[name] = value;
  }
  return panel as unknown as Panel;
}

function isSetting(name: string): name is keyof Panel {
  return Object.hasOwn(RULES, name);
}

function invalid(path: string, line: number, problem: string, setting = ""): Failure {
  return new Failure("config-invalid", `${path}:${line}: ${problem}`, {
    origin: "local",
    remedy: "Correct the line; `rtt init` in an empty folder writes a file with all settings.",
    context: { path, line, setting },
  });
}

/** The file that a new project gets: the published defaults, written out. */
export function initialPanel(): string {
  return [
    "# Settings of this project. What is not here has its default.",
    "api:",
    '  listen: { unix: "./.rtt/sockets/panel.sock", npipe: "\\\\\\\\.\\\\pipe\\\\rtt-panel" }',
    "scan:",
    '  roots: ["./"]',
    '  ignore: [".git", "node_modules", "target", "venv", "dist", ".pytest_cache"]',
    "routing: { prefer: [shm, uds, tcp], rewire_atomic: true }",
    "security:",
    "  # Unsigned objects are refused, except symbols that a pattern covers, such as dev/*.",
    "  strict_manifests: true",
    "  allow_unsigned: []",
    "health: { heartbeat_ms: 250, trip_threshold: { errors: 5, window_ms: 5000 } }",
    "",
  ].join("\n");
}
