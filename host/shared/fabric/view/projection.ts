/**
 * Projects the registry into the layouts of tools: which file would hold what. Looks at the disk only for overlays and
 * for which of a tool's configuration files there is; comparing with what is there is `files/`.
 *
 * The same registry, sources, overlays and views give the same projection everywhere, byte for byte.
 */
import type { Digest } from "../../ports/digest.ts";
import type { Files } from "../../ports/files.ts";
import type { SymbolSources } from "../discovery/sources.ts";
import type { Registry } from "../registry/registry.ts";
import { layoutOf } from "./layouts.ts";
import type { Projection } from "./model.ts";
import { Overlays } from "./overlay.ts";
import { projectAgents } from "./projection/agents.ts";
import { Canvas } from "./projection/canvas.ts";
import { entryOf, isNamed, type ViewRequest, withOverlays } from "./projection/overlaid.ts";
import { projectRules } from "./projection/rules.ts";
import { projectServers } from "./projection/servers.ts";
import { projectSkills } from "./projection/skills.ts";
import type { Stage } from "./projection/stage.ts";
import { choose, type ShownKind, type ShownSymbol, shownSymbols } from "./projection/symbols.ts";
import { projectLinkmap, projectPublished, type ProviderLinks } from "./published-view.ts";

export type { ViewEntry, ViewRequest } from "./projection/overlaid.ts";

export interface ProjectionInput {
  readonly registry: Registry;
  readonly files: Pick<Files, "info" | "list" | "read">;
  readonly digest: Digest;
  /** The project's root, absolute. */
  readonly root: string;
  /** As `usedViews` answers them. */
  readonly views: readonly ViewRequest[];
  readonly sources: SymbolSources;
  /** Whose overlays apply to everything; null for none. */
  readonly environment: string | null;
  /** What a policy keeps out of a view; both as texts. Everything is shown where it is missing. */
  readonly isShown?: (address: string, view: string) => boolean;
}

/** What the views should hold. What was derived is in the registry afterwards. */
export async function projectViews(input: ProjectionInput): Promise<Projection> {
  const { registry, views, files, root } = input;
  const canvas = new Canvas(input.digest);
  const overlays = new Overlays(files, root);
  const all = await shownSymbols(registry, input.sources);
  const providers = new Map<string, ProviderLinks>();
  for (const request of views) {
    const symbols = selected(input, request, all, canvas);
    const { folder, provider } = request;
    if (folder === null) {
      await projectTool(input, request, symbols, canvas, overlays);
    } else {
      const agents = symbols.filter(({ kind }) => kind === "agent");
      const published = { ...request, folder };
      const { environment } = input;
      const links = await projectPublished(canvas, published, agents, overlays, environment);
      providers.set(provider, links);
    }
  }
  projectLinkmap(canvas, providers);
  return canvas.finish(registry);
}

/** The symbols that a view asks for and may show. */
function selected(
  { isShown = () => true }: ProjectionInput,
  request: ViewRequest,
  all: readonly ShownSymbol[],
  canvas: Canvas,
): readonly ShownSymbol[] {
  for (const entry of request.entries ?? []) {
    if (all.some((symbol) => isNamed(entry, symbol))) continue;
    const message = "The view names it, and the registry has none";
    canvas.leaveOut(entry.id, request.view, "not-in-registry", message);
  }
  return all.filter(
    (symbol) => entryOf(request, symbol) !== null && isShown(symbol.text, request.view),
  );
}

async function projectTool(
  { registry, files, root, environment }: ProjectionInput,
  request: ViewRequest,
  symbols: readonly ShownSymbol[],
  canvas: Canvas,
  overlays: Overlays,
): Promise<void> {
  const layout = layoutOf(request.view);
  if (layout === null) return;
  const { chosen, unclear } = choose(symbols, layout.tool);
  for (const group of unclear) {
    const others = group.map(({ text }) => text).join(", ");
    const message = `Nothing says which one ${layout.title} gets: ${others}`;
    for (const { text } of group) canvas.leaveOut(text, layout.view, "ambiguous", message);
  }
  const ready: ShownSymbol[] = [];
  for (const symbol of chosen) {
    const entry = entryOf(request, symbol);
    if (entry === null) continue;
    const applied = await withOverlays(overlays, symbol, entry, environment);
    if ("symbol" in applied) ready.push(applied.symbol);
    else canvas.leaveOut(symbol.text, layout.view, "overlay-invalid", applied.fault);
  }
  const of = (kind: ShownKind): readonly ShownSymbol[] => ready.filter((one) => one.kind === kind);
  const stage: Stage = { registry, canvas, layout, present: firstPresent(files, root) };
  projectAgents(stage, of("agent"));
  projectSkills(stage, of("skill"));
  await projectRules(stage, of("rule"));
  await projectServers(stage, of("mcp-server"));
}

/** Looks once for each file. */
function firstPresent(files: Pick<Files, "info">, root: string): Stage["present"] {
  const known = new Map<string, boolean>();
  return async (paths) => {
    for (const path of paths) {
      const isThere = known.get(path) ?? (await files.info(`${root}/${path}`)) !== null;
      known.set(path, isThere);
      if (isThere) return path;
    }
    return paths[0] as string;
  };
}
