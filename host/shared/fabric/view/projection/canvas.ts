/** What a projection has so far. Everything goes through here, so no two symbols get one place. */
import type { Digest } from "../../../ports/digest.ts";
import { Failure } from "../../../ports/failure.ts";
import { toHex, utf8 } from "../../../trust/bytes.ts";
import { canonicalBytes, type Json } from "../../../trust/canonical-json.ts";
import type { ObjectId } from "../../registry/layout.ts";
import type { Registry } from "../../registry/registry.ts";
import { viewFieldsBody } from "../fields.ts";
import {
  type ConfigFormat,
  type DesiredFile,
  type KeptFile,
  type Projection,
  type UnshownReason,
  type UnshownSymbol,
  VIEW_FIELDS_KIND,
  VIEW_FILE_KIND,
  type ViewField,
  type ViewLoss,
  type ViewLossReason,
  type ViewName,
} from "../model.ts";
import { Claims, pathFault } from "./claims.ts";
import type { ShownSymbol } from "./symbols.ts";

/** A file that is the bytes of an object. */
export interface WantedLink {
  readonly path: string;
  readonly object: ObjectId;
  readonly isSource: boolean;
}

/** A file of which some fields are shown. */
export interface ConfigFile {
  readonly path: string;
  readonly view: ViewName;
  readonly format: ConfigFormat;
}

interface LinkDraft extends WantedLink {
  readonly view: ViewName;
  readonly symbols: Set<string>;
}

interface MergeDraft extends ConfigFile {
  readonly symbols: Set<string>;
  readonly fields: ViewField[];
}

export class Canvas {
  readonly #digest: Digest;
  readonly #claims = new Claims();
  readonly #links = new Map<string, LinkDraft>();
  readonly #merges = new Map<string, MergeDraft>();
  /** Who has which field of which file. */
  readonly #fields = new Map<string, string>();
  readonly #texts = new Map<ObjectId, Uint8Array<ArrayBuffer>>();
  readonly #bodies = new Map<ObjectId, Json>();
  readonly #losses = new Map<string, ViewLoss>();
  readonly #kept = new Map<string, KeptFile>();
  readonly #unshown = new Map<string, UnshownSymbol>();

  constructor(digest: Digest) {
    this.#digest = digest;
  }

  /** The id of a derived file with this text, which is stored in the end. */
  text(text: string): ObjectId {
    const bytes = utf8(text);
    const id = toHex(this.#digest.sha256(bytes));
    this.#texts.set(id, bytes);
    return id;
  }

  /** The same for a derived file that is canonical JSON. */
  json(body: Json): ObjectId {
    const id = toHex(this.#digest.sha256(canonicalBytes(body)));
    this.#bodies.set(id, body);
    return id;
  }

  lose(symbol: string, view: ViewName, field: string, reason: ViewLossReason): void {
    this.#losses.set(`${symbol}\0${view}\0${field}\0${reason}`, { symbol, view, field, reason });
  }

  leaveOut(symbol: string, view: ViewName, reason: UnshownReason, message: string): void {
    this.#unshown.set(`${symbol}\0${view}`, { symbol, view, reason, message });
  }

  /** Says that the user's own file shows the symbol, and keeps the path for it. */
  keep({ text: symbol, isOverlaid }: ShownSymbol, view: ViewName, path: string): void {
    this.#kept.set(`${symbol}\0${view}\0${path}`, { symbol, view, path });
    if (isOverlaid) this.lose(symbol, view, "overlay", "whole-file");
    this.#claims.take([{ path, content: "own" }]);
  }

  /** Links all of the files for a symbol, or none and says why. */
  link(symbol: ShownSymbol, view: ViewName, files: readonly WantedLink[]): boolean {
    for (const { path } of files) {
      const fault = pathFault(path);
      if (fault === null) continue;
      this.leaveOut(symbol.text, view, "name-invalid", `${JSON.stringify(path)} ${fault}`);
      return false;
    }
    const taken = this.#claims.take(files.map(({ path, object }) => ({ path, content: object })));
    if (taken !== null) {
      this.leaveOut(symbol.text, view, "name-taken", taken);
      return false;
    }
    for (const file of files) {
      const draft = this.#links.get(file.path) ?? { ...file, view, symbols: new Set() };
      draft.symbols.add(symbol.text);
      const isSource = draft.isSource || file.isSource;
      this.#links.set(file.path, { ...draft, isSource });
    }
    return true;
  }

  /** A file about the view itself, such as a list of links. */
  linkOwn(view: ViewName, path: string, object: ObjectId): void {
    if (this.#claims.take([{ path, content: object }]) !== null) return;
    this.#links.set(path, { path, object, view, isSource: false, symbols: new Set() });
  }

  /** Keeps a field for a symbol; false when another one has it. */
  takeField(symbol: string, file: ConfigFile, path: readonly string[]): boolean {
    const key = `${file.path}\0${path.join("\0")}`;
    const holder = this.#fields.get(key);
    if (holder !== undefined && holder !== symbol) {
      const name = JSON.stringify(path.at(-1));
      this.leaveOut(symbol, file.view, "name-taken", `${name} in ${file.path} is ${holder}`);
      return false;
    }
    this.#fields.set(key, symbol);
    return true;
  }

  /** Writes a field that was taken. */
  field(symbol: string, file: ConfigFile, field: ViewField): void {
    const draft = this.#merges.get(file.path) ?? { ...file, symbols: new Set(), fields: [] };
    draft.symbols.add(symbol);
    draft.fields.push(field);
    this.#merges.set(file.path, draft);
  }

  /** What is there already and can be trusted costs no write: most of a projection is that of the last time. */
  async #store(registry: Registry, fields: ReadonlyMap<ObjectId, Json>): Promise<void> {
    const blobs = await lacking(
      [...this.#texts],
      async ([id]) => registry.getBlob(id),
      VIEW_FILE_KIND,
    );
    const files = await lacking(
      [...this.#bodies],
      async ([id]) => registry.get(id),
      VIEW_FILE_KIND,
    );
    const merges = await lacking([...fields], async ([id]) => registry.get(id), VIEW_FIELDS_KIND);
    if (blobs.length > 0) {
      await registry.putBlobs(blobs.map(([, bytes]) => ({ ...VIEW_FILE, bytes })));
    }
    const objects = [
      ...files.map(([, body]) => ({ ...VIEW_FILE, body })),
      ...merges.map(([, body]) => ({ kind: VIEW_FIELDS_KIND, address: null, body })),
    ];
    if (objects.length > 0) await registry.putAll(objects);
  }

  /** Puts what was derived into the registry, and answers the projection. */
  async finish(registry: Registry): Promise<Projection> {
    const files: DesiredFile[] = [...this.#links.values()].map((draft) => ({
      ...draft,
      how: "link",
      symbols: [...draft.symbols].sort(),
    }));
    const fields = new Map<ObjectId, Json>();
    for (const { symbols, fields: drafts, ...file } of this.#merges.values()) {
      const { path, view, format } = file;
      const body = viewFieldsBody({ format, fields: drafts });
      const id = toHex(this.#digest.sha256(canonicalBytes(body)));
      fields.set(id, body);
      files.push({ path, view, how: "merge", fields: id, format, symbols: [...symbols].sort() });
    }
    await this.#store(registry, fields);
    return {
      files: files.sort(by(({ path }) => path)),
      lossy: sorted(this.#losses),
      kept: sorted(this.#kept),
      unshown: sorted(this.#unshown),
    };
  }
}

/** Read at a time. */
const PARALLEL = 16;

/** Those that the registry does not have, whole and signed, as what they are. */
async function lacking<T>(
  items: readonly T[],
  read: (item: T) => Promise<{ readonly kind: string }>,
  kind: string,
): Promise<readonly T[]> {
  const missing: T[] = [];
  for (let at = 0; at < items.length; at += PARALLEL) {
    const some = items.slice(at, at + PARALLEL);
    const isThere = await Promise.all(some.map((item) => isKind(read(item), kind)));
    missing.push(...some.filter((_, index) => isThere[index] !== true));
  }
  return missing;
}

/** Whatever is wrong with an object, putting it again is what helps. */
async function isKind(reading: Promise<{ readonly kind: string }>, kind: string): Promise<boolean> {
  try {
    return (await reading).kind === kind;
  } catch (thrown) {
    if (thrown instanceof Failure) return false;
    throw thrown;
  }
}

const VIEW_FILE = { kind: VIEW_FILE_KIND, address: null } as const;

function by<T>(key: (item: T) => string): (a: T, b: T) => number {
  return (a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0);
}

function sorted<T>(items: ReadonlyMap<string, T>): readonly T[] {
  return [...items].sort(by(([key]) => key)).map(([, item]) => item);
}
