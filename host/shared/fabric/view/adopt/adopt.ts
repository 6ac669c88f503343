/**
 * Takes an edit of a view's file back as a new signed object of the symbol that the file shows. The edit itself is
 * kept privately first, so that the next plan may put the view's file in its place without losing a byte.
 */
import { Failure } from "../../../ports/failure.ts";
import { fromUtf8 } from "../../../trust/bytes.ts";
import { canonicalBytes, type Json } from "../../../trust/canonical-json.ts";
import type { FoundSymbol, ScanProblem } from "../../discovery/found.ts";
import { PROJECT_PLACES } from "../../discovery/places.ts";
import { READERS } from "../../discovery/readers.ts";
import type { Generation, ShownLink, ShownMerge } from "../../generation.ts";
import { idOfDigest, type ObjectId } from "../../registry/layout.ts";
import type { RegistryBlob } from "../../registry/object.ts";
import type { Registry, RegistryEntry } from "../../registry/registry.ts";
import { formatSymbolAddress, parseSymbolAddress } from "../../symbol.ts";
import { fieldsOf } from "../files/merged-file.ts";
import { PrivateStore } from "../files/private-store.ts";
import { conflict, ProjectFiles, type ViewPorts } from "../files/project-files.ts";
import { changeConfig, readConfig } from "../merge/config-text.ts";
import { isSameValue, valueAt } from "../merge/values.ts";
import type { ViewField } from "../model.ts";
import { changedBody, withDigest } from "./changed-body.ts";
import { type ObjectState, restoreObject } from "./restore-object.ts";

export interface AdoptInput {
  readonly ports: ViewPorts;
  readonly root: string;
  /** May write: what is adopted is signed. */
  readonly registry: Registry;
  readonly generation: Generation;
  /** Addresses of the symbols that a path shows; asked only after damaged objects have been seen to. */
  readonly symbolsAt: (path: string) => Promise<readonly string[]>;
}

export interface AdoptedSymbol {
  readonly address: string;
  readonly id: ObjectId;
  /** The id that it had before. */
  readonly previous: ObjectId;
}

export interface Adopted {
  readonly path: string;
  /** Empty: the file says what it said, or only what the symbol does not say. */
  readonly symbols: readonly AdoptedSymbol[];
  /** What became of the object that the link led to; null for a configuration. */
  readonly object: ObjectState | null;
}

/** Adopts the file at a path from the project's root. */
export async function adoptFile(input: AdoptInput, path: string): Promise<Adopted> {
  const file = input.generation.files.find((one) => one.path === path);
  if (file === undefined) throw refused(path, "no view shows it", "`rtt view list` names them.");
  const adoption = new Adoption(input);
  return file.how === "link" ? adoption.link(file) : adoption.merge(file);
}

class Adoption {
  readonly #input: AdoptInput;
  readonly #project: ProjectFiles;
  readonly #store: PrivateStore;

  constructor(input: AdoptInput) {
    this.#input = input;
    this.#project = new ProjectFiles(input.ports, input.root);
    this.#store = new PrivateStore(input.ports, input.root, "adopted");
  }

  async link(file: ShownLink): Promise<Adopted> {
    const { path, digest } = file;
    const edited = await this.#bytes(path);
    const fresh: string = `sha256:${this.#input.registry.store.idOf(edited)}`;
    if (fresh === digest) return { path, symbols: [], object: "whole" };
    await this.#store.keep(edited);
    const { ports, root, registry, generation } = this.#input;
    const state = await restoreObject(ports, root, registry, generation, file, edited);
    const addresses = await this.#input.symbolsAt(path);
    const shown = await this.#shownText(digest);
    // Whoever asked which symbols are shown here may have derived the object anew.
    const object = state === "quarantined" && shown !== null ? "restored" : state;
    const now = this.#read(path, edited);
    if (now === null) return { path, object, symbols: await this.#content(file, edited, fresh) };
    const [symbol, more] = now;
    if (symbol === undefined || more !== undefined) {
      throw refused(path, "it does not hold one symbol", "Correct it, or delete it and apply.");
    }
    const before = shown === null ? null : (this.#read(path, shown)?.[0] ?? null);
    const entry = await this.#entryOf(path, symbol, before, addresses);
    const { body } = await registry.find(entry.address);
    const changed = withDigest(changedBody(body, before, symbol), digest, fresh);
    const isPart = symbol.contents.length > 0;
    const blobs = isPart ? [contentBlob(symbol.kind, edited)] : [];
    return { path, object, symbols: await this.#put(entry, body, changed, blobs) };
  }

  /** A file that belongs to a symbol and is nothing by itself, such as a script of a skill. */
  async #content(
    { path, digest }: ShownLink,
    edited: Uint8Array<ArrayBuffer>,
    fresh: string,
  ): Promise<readonly AdoptedSymbol[]> {
    const { registry, symbolsAt } = this.#input;
    const adopted: AdoptedSymbol[] = [];
    for (const address of await symbolsAt(path)) {
      const entry = await registry.resolve(address);
      if (entry === null) continue;
      const { body } = await registry.find(entry.address);
      const changed = withDigest(body, digest, fresh);
      adopted.push(...(await this.#put(entry, body, changed, [contentBlob(entry.kind, edited)])));
    }
    if (adopted.length > 0) return adopted;
    throw refused(
      path,
      "nothing reads files of its kind",
      "Change the symbol where it comes from.",
    );
  }

  async merge(file: ShownMerge): Promise<Adopted> {
    const { path } = file;
    const { registry } = this.#input;
    const bytes = await this.#bytes(path);
    const { format, fields } = await fieldsOf(registry, file.fields);
    const text = fromUtf8(bytes);
    const reading = text === null ? null : readConfig(format, text);
    if (text === null || reading?.ok !== true) throw conflict(path, "it cannot be read any more");
    const drifted = fields.filter(({ path: names, value }) => {
      const present = valueAt(reading.value, names);
      return present !== undefined && !isSameValue(present, value);
    });
    if (drifted.length === 0) return { path, symbols: [], object: null };
    const before = changeConfig(format, text, reading.value, drifted, []);
    if (!before.ok) throw conflict(path, before.problem.message);
    const addresses = await this.#input.symbolsAt(path);
    const now = this.#read(path, bytes) ?? [];
    const shown = this.#read(path, new TextEncoder().encode(before.text)) ?? [];
    const adopted: AdoptedSymbol[] = [];
    for (const field of drifted) {
      const symbol = now.find((one) => isOfField(one, field));
      if (symbol === undefined) {
        throw conflict(path, `${field.path.join(".")} says nothing that could be adopted`);
      }
      const old = shown.find((one) => isOfField(one, field)) ?? null;
      const entry = await this.#entryOf(path, symbol, old, addresses);
      const { body } = await registry.find(entry.address);
      const value = valueAt(reading.value, field.path) as Json;
      await this.#store.keep(canonicalBytes(value));
      adopted.push(...(await this.#put(entry, body, changedBody(body, old, symbol), [])));
    }
    return { path, symbols: adopted, object: null };
  }

  async #bytes(path: string): Promise<Uint8Array<ArrayBuffer>> {
    await this.#project.check(path);
    const seen = await this.#project.see(path);
    if (seen.kind === "file") return seen.bytes;
    const problem = seen.kind === "nothing" ? "there is no file" : seen.problem;
    throw refused(path, problem, "`rtt plan` and `rtt apply` show the file again.");
  }

  /** The bytes that the link showed; null when the registry has lost them. */
  async #shownText(digest: string): Promise<Uint8Array<ArrayBuffer> | null> {
    const { store } = this.#input.registry;
    const id = idOfDigest(digest);
    if (id === null || (await store.formOf(id)) === null) return null;
    return (await store.readAny(id)).bytes;
  }

  /** What the tool's reader finds; null for a file that no reader reads. Fails with `view-conflict` for a bad one. */
  #read(path: string, bytes: Uint8Array): readonly FoundSymbol[] | null {
    const place = PROJECT_PLACES.placeOf(path.split("/"));
    const reader = place === null ? null : READERS[place.format];
    if (place === null || reader === null) return null;
    const text = fromUtf8(bytes);
    if (text === null) throw conflict(path, "it is not UTF-8");
    const id = this.#input.registry.store.idOf(bytes);
    const { found, problems } = reader({ path: this.#project.absolute(path), place, text, id });
    const [problem] = problems;
    if (problem !== undefined) throw conflict(path, problemText(problem));
    return found;
  }

  /** The symbol in the registry that a reading is an edit of. */
  async #entryOf(
    path: string,
    symbol: FoundSymbol,
    before: FoundSymbol | null,
    addresses: readonly string[],
  ): Promise<RegistryEntry> {
    const { registry, generation } = this.#input;
    if (before !== null && before.address.name !== symbol.address.name) {
      throw refused(path, "it has another name now", "Rename the symbol where it comes from.");
    }
    const isMeant = (text: string): boolean => {
      const { type, name } = parseSymbolAddress(text);
      return type === symbol.address.type && name === symbol.address.name;
    };
    const known = addresses.length > 0 ? addresses : Object.keys(generation.symbols);
    // A file that shows one symbol may call it otherwise, as a rule is called after its file.
    const meant = addresses.length === 1 ? addresses : known.filter(isMeant);
    const [address, another] = meant;
    const entry = address === undefined ? null : await registry.resolve(address);
    if (entry !== null && another === undefined && entry.kind === symbol.kind) return entry;
    throw refused(path, "nothing says whose edit it is", "Change the symbol where it comes from.");
  }

  async #put(
    { address, kind, id: previous }: RegistryEntry,
    before: Json,
    body: Json,
    blobs: readonly RegistryBlob[],
  ): Promise<readonly AdoptedSymbol[]> {
    const { registry } = this.#input;
    if (isSameValue(before, body)) return [];
    // What a body refers to is there before the body.
    await registry.putBlobs(blobs);
    const id = await registry.put({ kind, address, body });
    return [{ address: formatSymbolAddress(address), id, previous }];
  }
}

function contentBlob(kind: string, bytes: Uint8Array<ArrayBuffer>): RegistryBlob {
  return { kind: `${kind}-file`, address: null, bytes };
}

function isOfField({ source, address }: FoundSymbol, { path }: ViewField): boolean {
  const name = path.at(-1);
  return source.entry === name || (source.entry === undefined && address.name === name);
}

function problemText({ line, rule, message }: ScanProblem): string {
  return `${line === 0 ? "" : `line ${line}: `}${rule}: ${message}`;
}

function refused(path: string, problem: string, remedy: string): Failure {
  return new Failure("view-conflict", `${path} cannot be adopted: ${problem}`, {
    origin: "local",
    remedy,
    context: { path },
  });
}
