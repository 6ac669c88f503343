/** Projections for tests: of real tools' files, scanned and registered, or of bodies. */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { scannedSources, type SymbolSources } from "../../host/shared/fabric/discovery/sources.ts";
import { registerSymbols } from "../../host/shared/fabric/discovery/register.ts";
import { Registry } from "../../host/shared/fabric/registry/registry.ts";
import { readViewFields } from "../../host/shared/fabric/view/fields.ts";
import type { GenerationFile } from "../../host/shared/fabric/generation.ts";
import { mergeConfig } from "../../host/shared/fabric/view/merge/merge.ts";
import type {
  DesiredFile,
  DesiredMerge,
  Projection,
  ViewField,
} from "../../host/shared/fabric/view/model.ts";
import { type ProjectionInput, projectViews } from "../../host/shared/fabric/view/projection.ts";
import { type ConfiguredView, usedViews } from "../../host/shared/fabric/view/used-views.ts";
import type { TrustPorts } from "../../host/shared/trust/ports.ts";
import { testPorts } from "./ports.ts";
import { OWNER } from "./registry.ts";
import { scanFolder, type Tree, toolFolder, writeTree } from "./tool-folders.ts";

export interface ProjectionOptions extends Partial<
  Pick<ProjectionInput, "views" | "environment" | "isShown">
> {
  readonly configured?: readonly ConfiguredView[];
  /** What views have put into the folder before. */
  readonly shown?: readonly GenerationFile[];
}

export class ProjectedFolder {
  readonly root: string;
  readonly registry: Registry;
  readonly ports: TrustPorts;

  constructor(root: string, registry: Registry, ports: TrustPorts) {
    this.root = root;
    this.registry = registry;
    this.ports = ports;
  }

  /** A folder with these files, and a registry in it. */
  static async of(tree: Tree): Promise<ProjectedFolder> {
    return ProjectedFolder.over(toolFolder(tree));
  }

  /** A registry in a folder that is there. */
  static async over(root: string): Promise<ProjectedFolder> {
    const ports = testPorts();
    const registry = await Registry.open(ports, `${root}/.rtt/registry`, { signer: OWNER });
    return new ProjectedFolder(root, registry, ports);
  }

  write(tree: Tree): void {
    writeTree(this.root, tree);
  }

  /** Scans the folder and registers what is in it; answers where each symbol is from. */
  async scan(): Promise<SymbolSources> {
    const { found } = await scanFolder(this.root);
    await registerSymbols(this.ports, this.registry, found);
    return scannedSources(found, { root: this.root });
  }

  /** Projects with the views that are used, or those of the options. */
  async project(sources: SymbolSources, options: ProjectionOptions = {}): Promise<Projected> {
    const { files, digest } = this.ports;
    const { configured = [], environment = null, shown = [], ...rest } = options;
    const { registry, root } = this;
    const views = options.views ?? (await usedViews(files, root, sources, configured, shown));
    const input = { registry, files, digest, root, sources, environment, ...rest, views };
    return new Projected(await projectViews(input), registry);
  }
}

/** A projection with the questions that tests have. */
export class Projected {
  readonly projection: Projection;
  readonly #registry: Registry;

  constructor(projection: Projection, registry: Registry) {
    this.projection = projection;
    this.#registry = registry;
  }

  get paths(): readonly string[] {
    return this.projection.files.map(({ path }) => path);
  }

  at(path: string): DesiredFile {
    const file = this.projection.files.find((one) => one.path === path);
    if (file === undefined) throw new Error(`nothing is shown at ${path}`);
    return file;
  }

  /** The text of a linked file, from the registry, verified. */
  async text(path: string): Promise<string> {
    const file = this.at(path);
    if (file.how !== "link") throw new Error(`${path} is merged`);
    const form = await this.#registry.store.formOf(file.object);
    if (form === "blob")
      return new TextDecoder().decode((await this.#registry.getBlob(file.object)).bytes);
    return JSON.stringify((await this.#registry.get(file.object)).body);
  }

  /** Writes every file as it is where nothing was there before, and answers them as a generation has them. */
  async writeTo(folder: string): Promise<readonly GenerationFile[]> {
    const shown: GenerationFile[] = [];
    for (const file of this.projection.files) {
      const { path, view } = file;
      const full = join(folder, path);
      const original = existsSync(full) ? "sha256:" : null;
      mkdirSync(dirname(full), { recursive: true });
      writeFileSync(full, file.how === "link" ? await this.text(path) : await this.#merged(file));
      const digest = "sha256:";
      const fields = file.how === "merge" ? `sha256:${file.fields}` : "";
      if (file.how === "link") shown.push({ path, view, how: "link", digest });
      else shown.push({ path, view, how: "merge", digest, fields, original });
    }
    return shown;
  }

  async #merged({ path, format }: DesiredMerge): Promise<string> {
    const wanted = await this.fields(path);
    const outcome = mergeConfig({ format, now: null, last: [], wanted, original: null });
    if (!outcome.ok) throw new Error(`${path}: ${outcome.problem.message}`);
    return outcome.text ?? "";
  }

  /** The fields of a merged file. */
  async fields(path: string): Promise<readonly ViewField[]> {
    const file = this.at(path);
    if (file.how !== "merge") throw new Error(`${path} is linked`);
    return readViewFields((await this.#registry.get(file.fields)).body).fields;
  }

  /** "symbol field reason" of what a view lost, the address without its scheme. */
  lost(view: string): readonly string[] {
    return this.projection.lossy
      .filter((loss) => loss.view === view)
      .map(({ symbol, field, reason }) => `${short(symbol)} ${field} ${reason}`);
  }

  /** "symbol reason" of what a view does not show. */
  unshown(view: string): readonly string[] {
    return this.projection.unshown
      .filter((one) => one.view === view)
      .map(({ symbol, reason }) => `${short(symbol)} ${reason}`);
  }
}

function short(symbol: string): string {
  return symbol.replace(/^rtt:\/\//, "");
}
