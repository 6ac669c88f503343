/**
 * Compares what views should hold with what is on the disk, and says what becomes of which file. Only changes are in
 * the answer: what is as it shall be, and what somebody else has changed, stays out of the plan.
 *
 *   at the path of a link      what becomes of it
 *   nothing                    the link
 *   the same bytes             the link; what may be run, or not read by all, stays the user's file
 *   what was shown last        the new link; when it is no longer wanted, nothing, or the user's own file once more
 *   what `adopt` has kept      the same: nothing of it can be lost
 *   a source of the symbol     kept
 *   anything else              left alone: `view-drift` where something was shown before, else `view-conflict`
 */
import { type ErrorCode, Failure } from "../../../ports/failure.ts";
import type { Generation, GenerationFile } from "../../generation.ts";
import type { DigestText, PlannedFile } from "../../plan.ts";
import { compareTexts } from "../../plan-file/parts.ts";
import { idOfDigest, type ObjectId } from "../../registry/layout.ts";
import { missing, objectBytes } from "../../registry/object.ts";
import type { Registry } from "../../registry/registry.ts";
import { viewFieldsBody } from "../fields.ts";
import type { FieldDispute } from "../merge/ownership.ts";
import { type Projection, VIEW_FIELDS_KIND, type ViewFields, type ViewName } from "../model.ts";
import { fieldsOf, FileMerger, mergedBytes } from "./merged-file.ts";
import { ViewBook } from "./view-book.ts";
import { conflict, digestOf, ProjectFiles, type Seen, type ViewPorts } from "./project-files.ts";
import { inParallel } from "./parallel.ts";
import { digestText } from "../../../trust/digest-text.ts";

/** Something that a view should show and does not, because it would touch what is not ours. */
export interface ViewProblem {
  readonly code: ErrorCode;
  readonly path: string;
  readonly view: ViewName;
  /** Safe to show: names places, never contents. */
  readonly message: string;
}

export interface PlannedViews {
  /** Sorted by path. */
  readonly files: readonly PlannedFile[];
  /** Sorted by path. */
  readonly problems: readonly ViewProblem[];
  /** Paths where the user's own file is the view of the symbol already, sorted. */
  readonly kept: readonly string[];
}

/** What should be at a path: of a projection, or of a generation that is gone back to. */
type Wanted =
  | { readonly how: "link"; readonly object: ObjectId; readonly isSource: boolean }
  | { readonly how: "merge"; readonly fields: ViewFields; readonly id: ObjectId | null };

/** The most that is looked at at a time. */
const PARALLEL = 16;
/** Bits of a mode that let a file be run, and that let anybody read it. */
const MAY_RUN = 0o111;
const ALL_MAY_READ = 0o004;

/** The changes that make the files of `projection` out of what is there. */
export async function planFiles(
  ports: ViewPorts,
  root: string,
  registry: Registry,
  projection: Pick<Projection, "files">,
  current: Generation | null,
): Promise<PlannedViews> {
  const planner = new FilePlanner(ports, root, registry, current, false);
  return planner.run(
    projection.files.map((file) => ({
      path: file.path,
      view: file.view,
      load: async (): Promise<Wanted> => {
        if (file.how === "link") return file;
        const fields = await fieldsOf(registry, `sha256:${file.fields}`);
        return { how: "merge", fields, id: file.fields };
      },
    })),
  );
}

/** The changes that bring the files of an earlier generation back. */
export async function planFilesBack(
  ports: ViewPorts,
  root: string,
  registry: Registry,
  target: Pick<Generation, "files">,
  current: Generation | null,
): Promise<PlannedViews> {
  const planner = new FilePlanner(ports, root, registry, current, true);
  return planner.run(
    target.files.map((file) => ({
      path: file.path,
      view: file.view,
      load: async (): Promise<Wanted> => {
        if (file.how === "link") {
          return { how: "link", object: idOf(file.digest), isSource: false };
        }
        return {
          how: "merge",
          fields: await fieldsOf(registry, file.fields),
          id: idOf(file.fields),
        };
      },
    })),
  );
}

function idOf(digest: DigestText): ObjectId {
  const id = idOfDigest(digest);
  if (id === null) throw missing(`object "${digest.slice(0, 80)}"`);
  return id;
}

/**
 * Whether a file loses nothing when it becomes a link: objects may not be run, and anybody who gets there may read
 * them. A file that only its owner reads stays as it is, and so does a program.
 */
function hasModeOfObjects(mode: number): boolean {
  return (mode & MAY_RUN) === 0 && (mode & ALL_MAY_READ) !== 0;
}

function folded(path: string): string {
  return path.normalize("NFC").toLowerCase();
}

interface Task {
  readonly path: string;
  readonly view: ViewName;
  /** What should be there; null: nothing of ours any more. */
  readonly load: (() => Promise<Wanted>) | null;
}

class FilePlanner {
  readonly #ports: ViewPorts;
  readonly #registry: Registry;
  readonly #project: ProjectFiles;
  readonly #merger: FileMerger;
  readonly #book: ViewBook;
  /** Whether an earlier generation comes back, not a new one. */
  readonly #isBack: boolean;
  readonly #shown: ReadonlyMap<string, GenerationFile>;
  /** Shown files that go, by names as a disk that ignores case takes them: there another spelling is the same. */
  readonly #respelled = new Map<string, GenerationFile>();
  readonly #files: PlannedFile[] = [];
  readonly #problems: ViewProblem[] = [];
  readonly #kept: string[] = [];

  constructor(
    ports: ViewPorts,
    root: string,
    registry: Registry,
    current: Generation | null,
    isBack: boolean,
  ) {
    this.#isBack = isBack;
    this.#ports = ports;
    this.#registry = registry;
    this.#project = new ProjectFiles(ports, root);
    this.#merger = new FileMerger(ports, root, registry);
    this.#book = new ViewBook(ports, root);
    this.#shown = new Map((current?.files ?? []).map((file) => [file.path, file]));
  }

  async run(wanted: readonly Task[]): Promise<PlannedViews> {
    const paths = new Set(wanted.map(({ path }) => path));
    for (const shown of this.#shown.values()) {
      if (shown.how === "link" && !paths.has(shown.path))
        this.#respelled.set(folded(shown.path), shown);
    }
    const gone = [...this.#shown.values()]
      .filter(({ path }) => !paths.has(path))
      .map(({ path, view }): Task => ({ path, view, load: null }));
    await this.#registry.holding(() =>
      inParallel([...wanted, ...gone], PARALLEL, (task) => this.#guarded(task)),
    );
    const byPath = (a: { path: string }, b: { path: string }): number =>
      compareTexts(a.path, b.path);
    return {
      files: this.#files.sort(byPath),
      problems: this.#problems.sort(byPath),
      kept: this.#kept.sort(compareTexts),
    };
  }

  /** One path; what keeps it from being planned never keeps the others. */
  async #guarded(task: Task): Promise<void> {
    try {
      await this.#plan(task);
    } catch (thrown) {
      const failure = Failure.from(thrown);
      if (failure.code === "internal") throw thrown;
      this.#problem(task, failure.code, failure.message.slice(failure.code.length + 2));
    }
  }

  async #plan(task: Task): Promise<void> {
    const { path } = task;
    await this.#project.check(path);
    const seen = await this.#project.see(path);
    const wanted = task.load === null ? null : await task.load();
    const shown = this.#shown.get(path) ?? this.#respelled.get(folded(path));
    if (wanted?.how === "link") return this.#link(task, wanted, seen, shown);
    if (wanted?.how === "merge") return this.#merge(task, wanted, seen, shown);
    if (shown?.how === "merge") return this.#unmerge(task, seen, shown);
    if (shown !== undefined) await this.#unlink(task, seen, shown);
  }

  async #link(
    task: Task,
    { object, isSource }: Extract<Wanted, { how: "link" }>,
    seen: Seen,
    shown: GenerationFile | undefined,
  ): Promise<void> {
    const { path, view } = task;
    const after: DigestText = `sha256:${object}`;
    const before = digestOf(seen);
    const entry: PlannedFile = { path, view, before, after, how: "link" };
    if (seen.kind === "file" && before === after) {
      if (shown?.how === "link" && shown.digest === after) {
        if (await this.#isLinked(path, object)) return;
      } else if (!hasModeOfObjects(seen.info.mode)) {
        this.#kept.push(path);
        return;
      }
      this.#files.push(entry);
    } else if (await this.#isOurs(seen, shown)) this.#files.push(entry);
    else if (isSource && seen.kind === "file" && shown === undefined) this.#kept.push(path);
    else this.#leftAlone(task, seen, shown);
  }

  /** Whether a path is one more name of an object, or a copy where there are no links. */
  async #isLinked(path: string, object: ObjectId): Promise<boolean> {
    if ((await this.#book.copies()).has(path)) return true;
    const { files } = this.#ports;
    const own = await files.identity(this.#project.absolute(path));
    const form = (await this.#registry.store.formOf(object)) ?? "blob";
    const kept = await files.identity(this.#registry.layout.content(object, form));
    // Where the system does not tell, the same bytes have to do.
    if (own === null || kept === null) return true;
    return own.inode === kept.inode && own.device === kept.device;
  }

  /** Whether nothing can be lost by replacing what is seen. */
  async #isOurs(seen: Seen, shown: GenerationFile | undefined): Promise<boolean> {
    if (seen.kind === "nothing") return true;
    if (seen.kind === "other" || shown === undefined) return false;
    if (shown.how === "link" && shown.digest === seen.digest) return true;
    return shown.how === "link" && (await this.#merger.adopted.read(seen.digest)) !== null;
  }

  async #unlink(task: Task, seen: Seen, shown: GenerationFile): Promise<void> {
    const { path, view } = task;
    const before = digestOf(seen);
    const original = shown.original ?? null;
    if (original !== null && seen.kind === "file") {
      // It was the user's own file before it became a link, and it stays one; going back brings its bytes back.
      const isEarlier = this.#isBack && before === shown.digest && (await this.#isKept(original));
      const after = isEarlier ? original : before;
      this.#files.push({ path, view, before, after, how: "restore" });
    } else if (before === null) {
      this.#files.push({ path, view, before, after: null, how: "restore" });
    } else if (await this.#isOurs(seen, shown)) {
      this.#files.push({ path, view, before, after: null, how: "link" });
    } else this.#leftAlone(task, seen, shown);
  }

  async #isKept(digest: DigestText): Promise<boolean> {
    return (await this.#registry.store.formOf(idOf(digest))) !== null;
  }

  async #merge(
    task: Task,
    { fields, id }: Extract<Wanted, { how: "merge" }>,
    seen: Seen,
    shown: GenerationFile | undefined,
  ): Promise<void> {
    const { path, view } = task;
    if (seen.kind === "other") return this.#leftAlone(task, seen, shown);
    const present = seen.kind === "file" ? seen.bytes : null;
    const outcome = await this.#merger.merge({ path, present, wanted: fields, shown });
    if (!outcome.ok) {
      const { line, rule, message } = outcome.problem;
      throw conflict(path, `${line === 0 ? "" : `line ${line}: `}${rule}: ${message}`);
    }
    for (const dispute of outcome.disputes) this.#dispute(task, dispute);
    const bytes = mergedBytes(outcome.text);
    const after = bytes === null ? null : digestText(this.#ports.digest, bytes);
    const before = digestOf(seen);
    if (outcome.owned.length === 0) {
      // Nothing of ours is in it, and what is left is the user's.
      if (shown !== undefined) this.#files.push({ path, view, before, after, how: "restore" });
      return;
    }
    const owned = `sha256:${await this.#keepFields(fields, id, outcome.owned)}`;
    const isSettled = shown?.how === "merge" && shown.fields === owned && shown.digest === after;
    if (isSettled && before === after) return;
    this.#files.push({ path, view, before, after, how: "merge", fields: owned });
  }

  /** Takes our fields out of a file. */
  async #unmerge(
    task: Task,
    seen: Seen,
    shown: Extract<GenerationFile, { how: "merge" }>,
  ): Promise<void> {
    const last = await fieldsOf(this.#registry, shown.fields);
    const none: ViewFields = { ...last, fields: [] };
    await this.#merge(task, { how: "merge", fields: none, id: null }, seen, shown);
  }

  /** The object that names exactly the fields that are ours: the wanted one, or one that is made now. */
  async #keepFields(
    wanted: ViewFields,
    id: ObjectId | null,
    owned: ViewFields["fields"],
  ): Promise<ObjectId> {
    const isWhole =
      owned.length === wanted.fields.length && owned.every((one, at) => one === wanted.fields[at]);
    if (isWhole && id !== null) return id;
    const body = viewFieldsBody({ format: wanted.format, fields: owned });
    const object = { kind: VIEW_FIELDS_KIND, address: null, body };
    const made = this.#registry.store.idOf(objectBytes(object));
    if (await this.#registry.has(made)) return made;
    try {
      return await this.#registry.put(object);
    } catch (thrown) {
      // Whoever only looks at a plan needs the id, not the object, and may not write.
      if (Failure.from(thrown).code === "signature-missing") return made;
      throw thrown;
    }
  }

  #dispute(task: Task, { path, reason }: FieldDispute): void {
    const field = path.join(".");
    if (reason === "taken") {
      this.#problem(task, "view-conflict", `${field} has another value there, which stays`);
    } else this.#problem(task, "view-drift", `${field} was ${reason}, which stays so`);
  }

  #leftAlone(task: Task, seen: Seen, shown: GenerationFile | undefined): void {
    const what = seen.kind === "other" ? seen.problem : "another file is there";
    const code = shown === undefined ? "view-conflict" : "view-drift";
    this.#problem(task, code, `${what}; it is left as it is`);
  }

  #problem({ path, view }: Task, code: ErrorCode, message: string): void {
    this.#problems.push({ code, path, view, message });
  }
}
