/** Which views a project has: those of tools that it uses, and those that its configuration names. */
import type { Files } from "../../ports/files.ts";
import type { SymbolSources } from "../discovery/sources.ts";
import type { GenerationFile } from "../generation.ts";
import type { ToolLayout } from "./layout.ts";
import { TOOL_LAYOUTS } from "./layouts.ts";
import type { ViewEntry, ViewRequest } from "./projection/overlaid.ts";

/** A provider that `providers/providers.yaml` or `.rtt/views/<provider>.view.json` names. */
export interface ConfiguredView {
  readonly provider: string;
  /** Where its agents are published, from the project's root; null when nothing says it. */
  readonly folder: string | null;
  /** Null: everything. */
  readonly entries: readonly ViewEntry[] | null;
}

/** The published folder of a provider of whom nothing else is said. */
export function publishedFolder(provider: string): string {
  return `providers/${provider}/.${provider}/agents`;
}

type LookedAt = Pick<Files, "info" | "list">;

/**
 * The views of a project, tools first, each once. A tool is used where one of its marks is, or a source of its own.
 * What views themselves have put there (`shown`, of the generation in force) is no mark: else each tool that reads a
 * folder of several would bring in the next one.
 */
export async function usedViews(
  files: LookedAt,
  root: string,
  sources: SymbolSources,
  configured: readonly ConfiguredView[],
  shown: readonly GenerationFile[] = [],
): Promise<readonly ViewRequest[]> {
  const paths = [...sources.values()].flat().map(({ path }) => `/${path}/`);
  const marks = new Marks(files, root, shown);
  const requests: ViewRequest[] = [];
  for (const layout of TOOL_LAYOUTS) {
    const { view } = layout;
    const named = configured.find(({ provider, folder }) => provider === view && folder === null);
    const isUsed = named !== undefined || isSource(layout, paths) || (await marks.areOf(layout));
    const entries = named?.entries ?? null;
    if (isUsed) requests.push({ view, provider: view, folder: null, entries });
  }
  for (const { provider, folder, entries } of configured) {
    const isTool = folder === null && TOOL_LAYOUTS.some(({ view }) => view === provider);
    if (isTool) continue;
    const where = folder ?? publishedFolder(provider);
    requests.push({ view: `provider-${provider}`, provider, folder: where, entries });
  }
  return requests;
}

/** Whether something was read from the tool's places, in whichever folder; a person's own are not the project's. */
function isSource({ marks }: ToolLayout, paths: readonly string[]): boolean {
  return marks.some((mark) =>
    paths.some((path) => path.includes(`/${mark}/`) && !path.startsWith("/~/")),
  );
}

/** Deeper folders are somebody's own, whatever is in them. */
const DEPTH_MAX = 8;

class Marks {
  readonly #files: LookedAt;
  readonly #root: string;
  readonly #ours: ReadonlySet<string>;

  constructor(files: LookedAt, root: string, shown: readonly GenerationFile[]) {
    this.#files = files;
    this.#root = root;
    // A file that was the user's before fields were merged into it still is.
    const made = shown.filter((file) => file.how === "link" || file.original === null);
    this.#ours = new Set(made.map(({ path }) => path));
  }

  async areOf({ marks }: ToolLayout): Promise<boolean> {
    for (const mark of marks) if (await this.#isForeign(mark, 0)) return true;
    return false;
  }

  /** Whether there is a file at or below a path that no view has made. Empty folders, which git forgets, are no mark. */
  async #isForeign(path: string, depth: number): Promise<boolean> {
    const full = `${this.#root}/${path}`;
    const info = await this.#files.info(full);
    if (info === null || this.#ours.has(path)) return false;
    if (info.kind !== "folder" || depth === DEPTH_MAX) return true;
    for (const name of await this.#files.list(full)) {
      if (await this.#isForeign(`${path}/${name}`, depth + 1)) return true;
    }
    return false;
  }
}
