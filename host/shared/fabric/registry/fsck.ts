/**
 * `rtt fsck`: reads every byte of a registry and says what does not hold. Rotten files are put aside, never deleted;
 * what the pack still has whole is restored.
 */
import { type ErrorCode, Failure } from "../../ports/failure.ts";
import { formatSymbolAddress } from "../symbol.ts";
import { referencesOf } from "./garbage.ts";
import type { RegistryOptions, RegistryView } from "./index-file.ts";
import {
  type ContentExtension,
  FILE_MODE,
  FOLDER_MODE,
  type ObjectId,
  RegistryLayout,
} from "./layout.ts";
import { BLOB_BYTES_MAX, corrupt, missing, parseBody } from "./object.ts";
import { ObjectStore, type StoredFile } from "./object-store.ts";
import { PACK_BYTES_MAX, packedBytes, parseTable, TABLE_LIMITS } from "./pack.ts";
import { checkFolder, readPlainFile } from "./plain-file.ts";
import type { RegistryPorts } from "./ports.ts";
import { Registry } from "./registry.ts";
import { verifySignatures } from "./signature.ts";

export interface FsckFinding {
  readonly code: ErrorCode;
  /** Path within the registry, or an address. */
  readonly where: string;
  readonly problem: string;
  readonly action: "none" | "quarantined" | "restored" | "removed";
}

export interface FsckReport {
  /** Whether everything held before anything was mended. */
  readonly ok: boolean;
  readonly objects: number;
  readonly symbols: number;
  readonly findings: readonly FsckFinding[];
  /** What crashes leave behind and nobody reads: no reason for alarm. */
  readonly leftovers: readonly string[];
}

export interface FsckOptions extends RegistryOptions {
  /** Only look; mend nothing. */
  readonly isDry?: boolean;
}

/** Checks the registry in `folder`. What is wrong with it is in the report; only the machine's failures are thrown. */
export async function fsck(
  ports: RegistryPorts,
  folder: string,
  options: FsckOptions,
): Promise<FsckReport> {
  return new Check(ports, new RegistryLayout(folder), options).run();
}

interface ContentFile extends StoredFile {
  readonly extension: ContentExtension;
}

function isContent(file: StoredFile): file is ContentFile {
  return file.extension !== "dsse";
}

class Check {
  readonly #ports: RegistryPorts;
  readonly #layout: RegistryLayout;
  readonly #store: ObjectStore;
  readonly #options: FsckOptions;
  readonly #findings: FsckFinding[] = [];
  readonly #leftovers: string[] = [];
  /** Objects with a finding, so that the same trouble is told once. */
  readonly #bad = new Set<ObjectId>();

  constructor(ports: RegistryPorts, layout: RegistryLayout, options: FsckOptions) {
    this.#ports = ports;
    this.#layout = layout;
    this.#options = options;
    this.#store = new ObjectStore(ports, layout);
  }

  async run(): Promise<FsckReport> {
    let objects = 0;
    let symbols = 0;
    const isPlain = await this.#try(".", async () => {
      for (const path of this.#layout.chain) await checkFolder(this.#ports.files, path);
    });
    if (isPlain) {
      const registry = await this.#open();
      const view = registry === null ? null : await registry.view();
      const { stored, odd } = await this.#store.list();
      if (view?.hasIndex === false && stored.length > 0) this.#noIndex();
      for (const name of odd) await this.#odd(name);
      await this.#pack(registry);
      const used = await this.#reachable(view, stored);
      const contents = stored.filter(isContent);
      for (const file of contents) await this.#content(file, view, used);
      objects = contents.length;
      this.#orphans(stored, new Set(contents.map(({ id }) => id)), used);
      if (registry !== null) symbols = await this.#symbols(registry);
      if (view !== null) await this.#roots(view);
    }
    const findings = this.#findings;
    return { ok: findings.length === 0, objects, symbols, findings, leftovers: this.#leftovers };
  }

  /** Runs a check; its failure becomes a finding. False when there was one. */
  async #try(
    where: string,
    check: () => Promise<void>,
    mend: (failure: Failure) => Promise<FsckFinding["action"]> = async () => "none",
  ): Promise<boolean> {
    try {
      await check();
      return true;
    } catch (thrown) {
      const failure = Failure.from(thrown);
      if (failure.code === "internal") throw thrown;
      const action = this.#options.isDry === true ? "none" : await mend(failure);
      const problem = failure.message.slice(failure.code.length + 2);
      this.#findings.push({ code: failure.code, where, problem, action });
      return false;
    }
  }

  async #open(): Promise<Registry | null> {
    let registry: Registry | null = null;
    await this.#try("index.json", async () => {
      registry = await Registry.open(this.#ports, this.#layout.folder, this.#options);
    });
    return registry;
  }

  #noIndex(): void {
    // Gone, or never written because the first change was interrupted: the objects look the same.
    const problem = "It is not there, so no object has an address";
    this.#findings.push({
      code: "signature-missing",
      where: "index.json",
      problem,
      action: "none",
    });
  }

  /** A name in the objects' folder that is none of ours: what an interrupted write left, or somebody's file. */
  async #odd(name: string): Promise<void> {
    if (name.endsWith(".tmp") && this.#options.isDry !== true) {
      await this.#ports.files.remove(`${this.#layout.objects}/${name}`);
    }
    this.#leftovers.push(`cas/sha256/${name}`);
  }

  /** Ids that the index and the roots lead to; bodies that cannot be read lead nowhere. */
  async #reachable(
    view: RegistryView | null,
    stored: readonly StoredFile[],
  ): Promise<ReadonlySet<ObjectId>> {
    const used = new Set<ObjectId>();
    const bodies = new Set(stored.flatMap((f) => (f.extension === "json" ? [f.id] : [])));
    const open =
      view === null
        ? []
        : [
            ...[...view.index.objects.values()].map(({ id }) => id),
            ...[...view.index.roots.values()].flat(),
          ];
    for (let id = open.pop(); id !== undefined; id = open.pop()) {
      if (used.has(id)) continue;
      used.add(id);
      if (!bodies.has(id)) continue;
      try {
        const bytes = await this.#store.read(id, "json");
        if (bytes !== null) open.push(...referencesOf(parseBody(id, bytes)));
      } catch {
        // The check of this object tells what is wrong with it.
      }
    }
    return used;
  }

  /** One object: its bytes, its form, its signatures. */
  async #content(
    { id, name, extension }: ContentFile,
    view: RegistryView | null,
    used: ReadonlySet<ObjectId>,
  ): Promise<void> {
    const isWhole = await this.#try(
      `cas/sha256/${name}`,
      async () => {
        const bytes = await this.#store.read(id, extension);
        if (bytes !== null && extension === "json") parseBody(id, bytes);
      },
      async () => {
        if (!(await this.#putAside(name))) return "none";
        return (await this.#restore(id)) ? "restored" : "quarantined";
      },
    );
    if (!isWhole) this.#bad.add(id);
    if (!isWhole || view === null) return;
    const file = await this.#signatureFile(id);
    // Without a signature and without use it is what an interrupted write left.
    if (file === null && !used.has(id)) {
      this.#leftovers.push(`cas/sha256/${name}`);
      return;
    }
    // Unsigned objects in use are judged with their address.
    if (file === null || file === "bad") return;
    const isSigned = await this.#try(
      `cas/sha256/${id}.dsse`,
      async () => {
        verifySignatures(this.#ports.signatures, id, file, view.signers);
      },
      (failure) => this.#putSignatureAside(id, failure),
    );
    if (!isSigned) this.#bad.add(id);
  }

  async #signatureFile(id: ObjectId): Promise<Uint8Array | null | "bad"> {
    let file: Uint8Array | null = null;
    const isRead = await this.#try(
      `cas/sha256/${id}.dsse`,
      async () => {
        file = await this.#store.signatures(id);
      },
      (failure) => this.#putSignatureAside(id, failure),
    );
    if (!isRead) this.#bad.add(id);
    return isRead ? file : "bad";
  }

  /** A signature without its object is garbage, unless the object is missed, which its address tells. */
  #orphans(
    stored: readonly StoredFile[],
    contents: ReadonlySet<ObjectId>,
    used: ReadonlySet<ObjectId>,
  ): void {
    const orphans = stored.filter(
      ({ id, extension }) => extension === "dsse" && !contents.has(id) && !used.has(id),
    );
    this.#leftovers.push(...orphans.map(({ name }) => `cas/sha256/${name}`));
  }

  /** Every address: the object is there, and signed for this address and kind. */
  async #symbols(registry: Registry): Promise<number> {
    const entries = await registry.list();
    for (const entry of entries) {
      if (this.#bad.has(entry.id)) continue;
      await this.#try(
        formatSymbolAddress(entry.address),
        async () => registry.verifyEntry(entry),
        async () => ((await this.#restore(entry.id)) ? "restored" : "none"),
      );
    }
    return entries.length;
  }

  async #roots({ index }: RegistryView): Promise<void> {
    for (const [name, ids] of index.roots) {
      await this.#try(`root ${name}`, async () => {
        for (const id of ids)
          if ((await this.#store.formOf(id)) === null) throw missing(`object ${id}`);
      });
    }
  }

  /** The pack against its table and every entry against its hash; it is written again from the objects. */
  async #pack(registry: Registry | null): Promise<void> {
    await this.#try(
      "pack/agents.pack",
      async () => {
        const { files } = this.#ports;
        const table = await readPlainFile(files, this.#layout.table, TABLE_LIMITS.bytesMax);
        const pack = await readPlainFile(files, this.#layout.pack, PACK_BYTES_MAX);
        if (table === null && pack === null) return;
        for (const [id, place] of parseTable(table ?? new Uint8Array())) {
          const bytes = packedBytes(pack ?? new Uint8Array(), place);
          if (this.#store.idOf(bytes) !== id) throw corrupt(id, "has other bytes in the pack");
        }
      },
      async () => {
        try {
          await registry?.writePack();
          return registry === null ? "none" : "restored";
        } catch {
          // The objects themselves are in trouble, which their own findings tell.
          return "none";
        }
      },
    );
  }

  /** A changed signature goes away, so that the object can be signed again; one of a stranger stays. */
  async #putSignatureAside(id: ObjectId, { code }: Failure): Promise<FsckFinding["action"]> {
    if (code !== "signature-invalid") return "none";
    await this.#putAside(`${id}.dsse`);
    return "quarantined";
  }

  /** Moves a file to the quarantine; false when it is not ours to move: a link, a folder, something huge. */
  async #putAside(name: string): Promise<boolean> {
    const { files } = this.#ports;
    const path = `${this.#layout.objects}/${name}`;
    const info = await files.info(path);
    if (info?.kind !== "file" || info.sizeBytes > BLOB_BYTES_MAX) return false;
    const bytes = await files.read(path);
    await files.makeFolder(this.#layout.quarantine, FOLDER_MODE);
    await files.write(`${this.#layout.quarantine}/${name}`, bytes ?? new Uint8Array(), FILE_MODE);
    await files.remove(path);
    return true;
  }

  /** Takes an object out of the pack again; false when it is not in there whole. */
  async #restore(id: ObjectId): Promise<boolean> {
    try {
      const packed = await this.#store.packed(id);
      if (packed !== null) await this.#store.write("json", packed);
      return packed !== null;
    } catch (thrown) {
      if (Failure.from(thrown).code === "internal") throw thrown;
      return false;
    }
  }
}
