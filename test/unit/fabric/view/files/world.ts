/** A project with a registry and views, for tests of what happens to its files. */
import { realpathSync } from "node:fs";
import type {
  Participant,
  Transaction,
} from "../../../../../host/shared/fabric/apply/participant.ts";
import { generationAfter, planBack } from "../../../../../host/shared/fabric/apply/target.ts";
import type { Generation } from "../../../../../host/shared/fabric/generation.ts";
import {
  generationDigest,
  type StoredGeneration,
} from "../../../../../host/shared/fabric/generation-file/generation-file.ts";
import type { PlannedFile, SignedPlan } from "../../../../../host/shared/fabric/plan.ts";
import { makePlan, signPlan } from "../../../../../host/shared/fabric/plan-file/plan-file.ts";
import type { ObjectId } from "../../../../../host/shared/fabric/registry/layout.ts";
import { Registry } from "../../../../../host/shared/fabric/registry/registry.ts";
import { viewFieldsBody } from "../../../../../host/shared/fabric/view/fields.ts";
import {
  type ViewOptions,
  viewParticipants,
  viewsOf,
} from "../../../../../host/shared/fabric/view/files/participant.ts";
import {
  planFiles,
  planFilesBack,
  type PlannedViews,
} from "../../../../../host/shared/fabric/view/files/plan-files.ts";
import type {
  ConfigFormat,
  DesiredFile,
  ViewField,
} from "../../../../../host/shared/fabric/view/model.ts";
import type { Files } from "../../../../../host/shared/ports/files.ts";
import { utf8 } from "../../../../../host/shared/trust/bytes.ts";
import { nodeFiles } from "../../../../../host/node/files.ts";
import { temporaryFolder, testPorts } from "../../../../support/ports.ts";
import { OWNER } from "../../../../support/registry.ts";

/** What one view of a test shows. */
export type Shown = DesiredFile;

export class ViewWorld {
  readonly root: string;
  readonly files: Files;
  readonly registry: Registry;
  readonly options: ViewOptions;
  current: StoredGeneration | null = null;

  private constructor(root: string, files: Files, registry: Registry, options: ViewOptions) {
    this.root = root;
    this.files = files;
    this.registry = registry;
    this.options = options;
  }

  static async open(
    files: Files = nodeFiles,
    root: string = realpathSync(temporaryFolder()),
    options: ViewOptions = {},
  ): Promise<ViewWorld> {
    const ports = testPorts({ files });
    const registry = await Registry.open(ports, `${root}/.rtt/registry`, { signer: OWNER });
    return new ViewWorld(root, files, registry, options);
  }

  get ports() {
    return testPorts({ files: this.files });
  }

  get generation(): Generation | null {
    return this.current?.generation ?? null;
  }

  path(name: string): string {
    return `${this.root}/${name}`;
  }

  async blob(text: string): Promise<ObjectId> {
    return this.registry.putBlob({ kind: "view-file", address: null, bytes: utf8(text) });
  }

  /** A link to a text. */
  async link(path: string, text: string, more: { isSource?: boolean; view?: string } = {}) {
    const { isSource = false, view = "cursor" } = more;
    const object = await this.blob(text);
    return { path, view, symbols: [], how: "link", object, isSource } as const;
  }

  async merge(path: string, format: ConfigFormat, fields: readonly ViewField[], view = "cursor") {
    const body = viewFieldsBody({ format, fields });
    const id = await this.registry.put({ kind: "view-fields", address: null, body });
    return { path, view, symbols: [], how: "merge", fields: id, format } as const;
  }

  plan(desired: readonly Shown[]): Promise<PlannedViews> {
    return planFiles(this.ports, this.root, this.registry, { files: desired }, this.generation);
  }

  transaction(files: readonly PlannedFile[]): Transaction {
    const { ports, current } = this;
    const base = {
      generation: current?.generation.generation ?? 0,
      digest: current?.digest ?? null,
    };
    const goal = { base, present: [], routes: [], placement: {}, symbols: {}, files };
    const plan: SignedPlan = signPlan(ports, makePlan(ports, goal), OWNER);
    const target = generationAfter(plan, current, { restores: null, canaryPercent: 100 });
    const id = `${plan.plan_id}.${target.generation}`;
    return { id, plan, current: current?.generation ?? null, target };
  }

  /** The transaction that takes one back. */
  back(forward: Transaction): Transaction {
    const { ports, current } = this;
    const plan = signPlan(
      ports,
      planBack(ports, forward.plan, current, this.stored(forward.target)),
      OWNER,
    );
    const none = { ...forward.target, generation: 0, files: [] };
    const target = current?.generation ?? none;
    return { id: `${plan.plan_id}.back`, plan, current: forward.target, target };
  }

  stored(generation: Generation): StoredGeneration {
    return { generation, digest: generationDigest(this.ports, generation), signer: OWNER.key };
  }

  participants({ plan }: Transaction): readonly Participant[] {
    return viewParticipants(
      this.ports,
      this.root,
      this.registry,
      viewsOf(plan.files),
      this.options,
    );
  }

  /** Prepares everywhere; fails with the first refusal. */
  async prepare(transaction: Transaction): Promise<void> {
    for (const participant of this.participants(transaction)) {
      const vote = await participant.prepare(transaction);
      if (!vote.ok) throw vote.failure;
    }
  }

  async commit(transaction: Transaction): Promise<void> {
    for (const participant of this.participants(transaction)) await participant.commit(transaction);
  }

  async abort(transaction: Transaction): Promise<void> {
    for (const participant of this.participants(transaction)) await participant.abort(transaction);
  }

  /** Paths that do not show what they should. */
  async wrong(transaction: Transaction): Promise<readonly string[]> {
    const wrong: string[] = [];
    for (const participant of this.participants(transaction)) {
      const shown = await participant.observe(transaction);
      for (const [path, digest] of participant.expect(transaction)) {
        if (shown.get(path) !== digest) wrong.push(path);
      }
    }
    return wrong;
  }

  /** Plans and applies; what is in force afterwards. */
  async apply(desired: readonly Shown[]): Promise<PlannedViews> {
    return this.#change(await this.plan(desired));
  }

  /** Brings the files of an earlier generation back; null for the time before the first. */
  async rollback(target: Generation | null): Promise<PlannedViews> {
    const { ports, root, registry, generation } = this;
    const files = target?.files ?? [];
    return this.#change(await planFilesBack(ports, root, registry, { files }, generation));
  }

  async #change(planned: PlannedViews): Promise<PlannedViews> {
    const transaction = this.transaction(planned.files);
    await this.prepare(transaction);
    await this.commit(transaction);
    this.current = this.stored(transaction.target);
    return planned;
  }

  async text(name: string): Promise<string | null> {
    const bytes = await this.files.read(this.path(name));
    return bytes === null ? null : new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
  }

  async write(name: string, text: string, mode = 0o644): Promise<void> {
    const path = this.path(name);
    await this.files.makeFolder(path.slice(0, path.lastIndexOf("/")), 0o755);
    await this.files.write(path, utf8(text), mode);
  }
}

/** A server as tools' configurations have them. */
export function server(name: string, command = "npx"): ViewField {
  return { path: ["mcpServers", name], value: { command, args: ["-y", name] } };
}
