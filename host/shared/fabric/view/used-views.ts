/** Which views a project has: those of tools that it uses, and those that its configuration names. */
import type { Files } from "../../ports/files.ts";
import type { SymbolSources } from "../discovery/sources.ts";
import { TOOL_LAYOUTS, type ToolLayout } from "./layouts.ts";
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

/** The views of a project, tools first, each once. A tool is used where one of its marks is, or a source of its own. */
export async function usedViews(
  files: Pick<Files, "info">,
  root: string,
  sources: SymbolSources,
  configured: readonly ConfiguredView[],
): Promise<readonly ViewRequest[]> {
  const paths = [...sources.values()].flat().map(({ path }) => `/${path}/`);
  const requests: ViewRequest[] = [];
  for (const layout of TOOL_LAYOUTS) {
    const { view } = layout;
    const named = configured.find(({ provider, folder }) => provider === view && folder === null);
    const isUsed =
      named !== undefined || isSource(layout, paths) || (await isMarked(files, root, layout));
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

async function isMarked(
  files: Pick<Files, "info">,
  root: string,
  { marks }: ToolLayout,
): Promise<boolean> {
  for (const mark of marks) if ((await files.info(`${root}/${mark}`)) !== null) return true;
  return false;
}
