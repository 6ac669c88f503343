/**
 * Overlays: what a provider or an environment wants otherwise, without a second copy of the whole.
 *
 *   overlays/provider/<provider>/<id>.patch.json     1. for one provider
 *   overlays/env/<environment>/_global.patch.json    2. for everything in an environment
 *   overlays/env/<environment>/<id>.patch.json       3. for one symbol there
 *
 * A later one wins. Objects are merged member by member; anything else replaces what was there. The registry's object
 * stays as it is: what comes out is an object of its own.
 */
import type { Files } from "../../ports/files.ts";
import { fromUtf8 } from "../../trust/bytes.ts";
import { isJsonObject, type Json, type JsonObject } from "../../trust/canonical-json.ts";
import { isSecretValue } from "../discovery/secrets.ts";
import { parseJsonText } from "../discovery/text/json-text.ts";

export const OVERLAY_BYTES_MAX = 64 << 10;
const FOLDER = "overlays";
const GLOBAL = "/_global.patch.json";
/** Ids of published manifests, names of symbols, providers and environments: none of them can leave its folder. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,127}(?:\.[A-Za-z0-9_-]{1,64}){0,4}$/;

/** An overlay that cannot be used; then the symbol is not shown, because without it something else would be. */
export interface OverlayFault {
  readonly path: string;
  readonly problem: string;
}

export type Overlaid =
  | { readonly patches: readonly JsonObject[] }
  | { readonly fault: OverlayFault };

/** Whether a text may be part of an overlay's path. */
export function isOverlayName(text: string): boolean {
  return NAME.test(text);
}

/** `base` with the patch over it. Neither is changed. */
export function deepMerge(base: Json, patch: Json): Json {
  if (!isJsonObject(base) || !isJsonObject(patch)) return patch;
  const merged = Object.entries(patch).map(([name, value]): [string, Json] => {
    return [name, Object.hasOwn(base, name) ? deepMerge(base[name] as Json, value) : value];
  });
  return Object.fromEntries([...Object.entries(base), ...merged]);
}

type OverlayFiles = Pick<Files, "info" | "list" | "read">;

/** Reads each overlay of a project once. */
export class Overlays {
  readonly #files: OverlayFiles;
  readonly #root: string;
  /** Names in each folder: most symbols have no overlay, and asking for each would take long. */
  readonly #names = new Map<string, Promise<ReadonlySet<string>>>();
  readonly #read = new Map<string, Promise<Loaded>>();

  /** `root` is the project's, absolute. */
  constructor(files: OverlayFiles, root: string) {
    this.#files = files;
    this.#root = root;
  }

  /** The patches for a symbol, in the order in which they apply; `wanted` as in "provider:claude", "env:prod". */
  async of(id: string, wanted: readonly string[]): Promise<Overlaid> {
    const patches: JsonObject[] = [];
    for (const path of overlayPaths(id, wanted)) {
      const { patch, problem } = await this.#at(path);
      if (problem !== null) return { fault: { path, problem } };
      if (patch !== null) patches.push(patch);
    }
    return { patches };
  }

  /** Whether there is an overlay for this very symbol, whatever is in it. */
  async has(id: string, wanted: readonly string[]): Promise<boolean> {
    for (const path of overlayPaths(id, wanted)) {
      if (path.endsWith(GLOBAL)) continue;
      if (await this.#isThere(path)) return true;
    }
    return false;
  }

  async #isThere(path: string): Promise<boolean> {
    const slash = path.lastIndexOf("/");
    return (await this.#namesIn(path.slice(0, slash))).has(path.slice(slash + 1));
  }

  #at(path: string): Promise<Loaded> {
    const known = this.#read.get(path);
    if (known !== undefined) return known;
    const reading = this.#load(path);
    this.#read.set(path, reading);
    return reading;
  }

  #namesIn(folder: string): Promise<ReadonlySet<string>> {
    const known = this.#names.get(folder);
    if (known !== undefined) return known;
    const listing = this.#files.list(`${this.#root}/${folder}`).then((names) => new Set(names));
    this.#names.set(folder, listing);
    return listing;
  }

  async #load(path: string): Promise<Loaded> {
    const full = `${this.#root}/${path}`;
    if (!(await this.#isThere(path))) return ABSENT;
    const info = await this.#files.info(full);
    if (info === null) return ABSENT;
    if (info.kind !== "file") return wrong("is no plain file");
    if (info.sizeBytes > OVERLAY_BYTES_MAX)
      return wrong(`has more than ${OVERLAY_BYTES_MAX} bytes`);
    const bytes = await this.#files.read(full);
    if (bytes === null) return ABSENT;
    const text = fromUtf8(bytes);
    if (text === null) return wrong("is not UTF-8");
    const parsed = parseJsonText(text, { isCommented: false });
    if ("fault" in parsed) return wrong(`line ${parsed.fault.line}: ${parsed.fault.message}`);
    if (holdsSecret(parsed.value)) return wrong("holds a secret; refer to it, as in ${env:TOKEN}");
    return { patch: parsed.value, problem: null };
  }
}

interface Loaded {
  /** Null: there is no such file. */
  readonly patch: JsonObject | null;
  readonly problem: string | null;
}

const ABSENT: Loaded = { patch: null, problem: null };

function wrong(problem: string): Loaded {
  return { patch: null, problem };
}

/** Files from the project's root, the weakest first, whatever the order of `wanted`. */
function overlayPaths(id: string, wanted: readonly string[]): readonly string[] {
  const named = (prefix: string): string[] =>
    wanted
      .filter((one) => one.startsWith(prefix))
      .map((one) => one.slice(prefix.length))
      .filter(isOverlayName);
  if (!isOverlayName(id)) return [];
  return [
    ...named("provider:").map((provider) => `${FOLDER}/provider/${provider}/${id}.patch.json`),
    ...named("env:").flatMap((environment) => [
      `${FOLDER}/env/${environment}${GLOBAL}`,
      `${FOLDER}/env/${environment}/${id}.patch.json`,
    ]),
  ];
}

/** Whether any text of a patch has the form of a known secret. By its form alone: names say little in manifests. */
function holdsSecret(value: Json): boolean {
  if (typeof value === "string") return isSecretValue(value);
  if (typeof value !== "object" || value === null) return false;
  return Object.values(value as Readonly<Record<string, Json>>).some(holdsSecret);
}
