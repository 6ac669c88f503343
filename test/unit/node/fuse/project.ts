/** Projects on disk that show something: a registry with objects, and a signed generation that names them. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { ViewMount, type ViewMountOptions } from "../../../../host/node/fuse/view-mount.ts";
import { projectPaths } from "../../../../host/node/project.ts";
import type { Generation, GenerationFile } from "../../../../host/shared/fabric/generation.ts";
import {
  readGeneration,
  signGeneration,
  writeGeneration,
} from "../../../../host/shared/fabric/generation-file/generation-file.ts";
import { Registry } from "../../../../host/shared/fabric/registry/registry.ts";
import type { Failure } from "../../../../host/shared/ports/failure.ts";
import { SILENT } from "../../../../host/shared/telemetry/logger.ts";
import { digestText } from "../../../../host/shared/trust/digest-text.ts";
import { testPorts } from "../../../support/ports.ts";
import { OWNER } from "../../../support/registry.ts";

const ports = testPorts();

/** The content of each file, by view and path. */
export type Shown = Readonly<Record<string, Readonly<Record<string, string | Uint8Array>>>>;

export interface LogEntry {
  readonly event: string;
  readonly failure: Failure | undefined;
}

export class ViewProject {
  readonly paths: ReturnType<typeof projectPaths>;
  readonly registry: Registry;
  readonly log: LogEntry[] = [];

  private constructor(root: string, registry: Registry) {
    this.paths = projectPaths(root);
    this.registry = registry;
  }

  static async make(root: string): Promise<ViewProject> {
    const { folder, registry } = projectPaths(root);
    mkdirSync(folder, { recursive: true });
    const options = { signer: OWNER, anchors: [OWNER.publicKey] };
    return new ViewProject(root, await Registry.open(ports, registry, options));
  }

  /** Puts the contents into the registry and a generation that shows them in force. */
  async apply(shown: Shown, merged: Readonly<Record<string, string>> = {}): Promise<Generation> {
    const wanted = Object.entries(shown).flatMap(([view, contents]) =>
      Object.entries(contents).map(([path, content]) => ({ view, path, bytes: bytesOf(content) })),
    );
    const ids = await this.registry.putBlobs(
      wanted.map(({ bytes }) => ({ kind: "view-file", address: null, bytes })),
    );
    const files: GenerationFile[] = wanted.map(({ view, path }, at) => ({
      path,
      view,
      digest: `sha256:${ids[at]}`,
      how: "link",
    }));
    for (const [path, content] of Object.entries(merged)) {
      const at = join(this.paths.root, path);
      mkdirSync(dirname(at), { recursive: true });
      writeFileSync(at, content);
      const digest = digestText(ports.digest, bytesOf(content));
      files.push({ path, view: "cursor", digest, how: "merge", fields: digest, original: null });
    }
    return this.#putInForce(files);
  }

  async #putInForce(files: readonly GenerationFile[]): Promise<Generation> {
    const signers = await this.registry.signers();
    const current = await readGeneration(ports, this.paths.folder, signers);
    const generation: Generation = {
      generation: (current?.generation.generation ?? 0) + 1,
      plan: `sha256-${"0".repeat(64)}`,
      previous: current?.digest ?? null,
      restores: null,
      canaryPercent: 100,
      routes: [],
      placement: {},
      symbols: {},
      files: files.toSorted((a, b) => (a.path < b.path ? -1 : 1)),
    };
    const signed = signGeneration(ports, generation, OWNER);
    await writeGeneration(ports, this.paths.folder, current, signed);
    return generation;
  }

  mount(folder: string, more: Partial<ViewMountOptions> = {}): Promise<ViewMount> {
    const note = (event: string, fields: { readonly failure?: Failure } = {}): void => {
      this.log.push({ event, failure: fields.failure });
    };
    return ViewMount.open(folder, {
      ports,
      project: this.paths,
      signers: () => this.registry.signers(),
      view: null,
      allowOther: false,
      log: { ...SILENT, error: note, info: note },
      ...more,
    });
  }

  /** Where the object of these bytes lies. */
  objectPath(content: string | Uint8Array): string {
    return this.registry.layout.content(this.registry.store.idOf(bytesOf(content)), "blob");
  }
}

function bytesOf(content: string | Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(typeof content === "string" ? new TextEncoder().encode(content) : content);
}
