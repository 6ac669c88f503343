/**
 * The one loader: defaults < YAML file < environment < flags. Everything is validated before anything starts, and an
 * error names the setting, what it should be, what it is, and where that was written.
 */
import { Failure } from "../ports/failure.ts";
import { type Config, Problem, type Setting, type SettingName, SETTINGS } from "./settings.ts";
import { readYaml } from "./yaml.ts";

export type { Config, ServerEntry, SettingName } from "./settings.ts";

export interface ConfigSources {
  /** The file's text and its path for messages; null: there is none. */
  readonly yaml: { readonly path: string; readonly text: string } | null;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** What was given on the command line, by setting. Undefined: not given. */
  readonly flags: { readonly [K in SettingName]?: unknown };
}

interface Candidate {
  readonly value: unknown;
  readonly place: string;
}

/** Merges and checks all sources. Fails with `config-invalid`. */
export function loadConfig(sources: ConfigSources): Config {
  const fromFile = readFile(sources.yaml);
  const config: Record<string, unknown> = {};
  for (const name of Object.keys(SETTINGS) as SettingName[]) {
    const setting: Setting<unknown> = SETTINGS[name];
    const candidate =
      fromFlag(sources, name) ??
      fromEnvironment(sources, setting.environment) ??
      fromFile.get(name) ??
      null;
    config[name] = candidate === null ? setting.initial : readValue(name, setting, candidate);
  }
  return config as Config;
}

function readValue(name: string, setting: Setting<unknown>, candidate: Candidate): unknown {
  const value = setting.read(candidate.value);
  if (!(value instanceof Problem)) return value;
  throw invalid(
    `${candidate.place}: "${name}" must be ${value.expected}, not ${show(candidate.value)}`,
    { setting: name, place: candidate.place },
  );
}

function fromFlag(sources: ConfigSources, name: SettingName): Candidate | null {
  const value = sources.flags[name];
  return value === undefined ? null : { value, place: "command line" };
}

function fromEnvironment(sources: ConfigSources, variable: string): Candidate | null {
  const value = sources.environment[variable];
  return value === undefined || value === "" ? null : { value, place: `environment ${variable}` };
}

function readFile(yaml: ConfigSources["yaml"]): ReadonlyMap<string, Candidate> {
  if (yaml === null) return new Map();
  const settings: Readonly<Record<string, Setting<unknown>>> = SETTINGS;
  const opaque = Object.keys(settings).filter((name) => settings[name]?.isOpaque === true);
  const document = readYaml(yaml.text, new Set(opaque));
  if (document.error !== null) {
    const { line, message } = document.error;
    throw invalid(`${yaml.path}:${line}: ${message}`, { place: yaml.path, line });
  }
  const values = new Map<string, Candidate>();
  for (const [name, { value, line }] of document.leaves) {
    const place = `${yaml.path}:${line}`;
    if (!Object.hasOwn(SETTINGS, name)) throw unknown(name, place);
    values.set(name, { value, place });
  }
  return values;
}

function unknown(name: string, place: string): Failure {
  const names = Object.keys(SETTINGS);
  const nearest = names.toSorted((a, b) => distance(a, name) - distance(b, name))[0] ?? "";
  const hint = distance(nearest, name) <= 3 ? `; did you mean "${nearest}"?` : "";
  return invalid(`${place}: there is no setting "${name}"${hint}`, { setting: name, place });
}

function invalid(message: string, context: Record<string, string | number>): Failure {
  return new Failure("config-invalid", message, {
    origin: "local",
    context,
    remedy: "Correct the value where it is written; docs/defaults.md lists every setting.",
  });
}

/** A value in an error message: short, and never the inside of a map, which may hold secrets. */
function show(value: unknown): string {
  if (value !== null && typeof value === "object") {
    return Array.isArray(value) ? `a list of ${value.length}` : "a map";
  }
  return JSON.stringify(value)?.slice(0, 60) ?? "nothing";
}

/** How many letters must change to make one text of the other (Levenshtein). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substitution, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
