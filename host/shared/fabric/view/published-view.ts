/**
 * The published view of a provider: every agent as a manifest, with the overlays over it.
 *
 *   providers/claude/.claude/agents/search_1.0.0.agent.json        the manifest
 *   providers/claude/.claude/agents/search_1.0.0.agent.json.link   which object it was made of
 *   .rtt/linkmap.json                                              { "claude": { "search@1.0.0": "providers/…" } }
 *
 * Published tools write the object's absolute path into the link, or this proxy where there are no symbolic links; a
 * path of one machine has no place in a signed object, so it is always the proxy.
 */
import type { Json, JsonObject } from "../../trust/canonical-json.ts";
import { isOverlayName, type Overlays } from "./overlay.ts";
import type { Canvas } from "./projection/canvas.ts";
import { pathFault } from "./projection/claims.ts";
import { entryOf, type ViewRequest, withOverlays } from "./projection/overlaid.ts";
import { loseForeign } from "./projection/stage.ts";
import { type ShownSymbol, textOf } from "./projection/symbols.ts";

export const LINKMAP_PATH = ".rtt/linkmap.json";
/** The view that the list of links belongs to: it is about all providers. */
const LINKMAP_VIEW = "rtt";
const MANIFEST_SCHEMA = "https://rtt/agent-manifest/v1";
const PROXY_SCHEMA = "https://rtt/agent-proxy/v1";
const OBJECTS = ".rtt/registry/cas/sha256";
/** Members of a scanned agent that its manifest says. */
const KNOWN = ["name", "description", "instructions", "version", "native"];

/** "search@1.0.0" → path. */
export type ProviderLinks = ReadonlyMap<string, string>;

/** Whether a published folder is one: inside the project, and nobody's innards. */
export function isPublishedFolder(folder: string): boolean {
  const [first = ""] = folder.split("/");
  return pathFault(folder) === null && !/^\.(?:rtt|git)$/i.test(first);
}

/** Shows agents as a provider's manifests. */
export async function projectPublished(
  canvas: Canvas,
  request: ViewRequest & { readonly folder: string },
  agents: readonly ShownSymbol[],
  overlays: Overlays,
  environment: string | null,
): Promise<ProviderLinks> {
  const { view, folder } = request;
  const links = new Map<string, string>();
  for (const agent of agents) {
    const entry = entryOf(request, agent);
    if (entry === null) continue;
    const id = agent.label.slice(0, agent.label.lastIndexOf("@"));
    if (!isOverlayName(id) || !isPublishedFolder(folder)) {
      const message = `${JSON.stringify(`${folder}/${id}`)} cannot be a path`;
      canvas.leaveOut(agent.text, view, "name-invalid", message);
      continue;
    }
    const applied = await withOverlays(overlays, asManifest(agent), entry, environment);
    if ("fault" in applied) {
      canvas.leaveOut(agent.text, view, "overlay-invalid", applied.fault);
      continue;
    }
    const path = `${folder}/${agent.label.replace("@", "_")}.agent.json`;
    const isOriginal = !applied.symbol.isOverlaid && isManifest(agent);
    const object = isOriginal ? agent.id : canvas.json(applied.symbol.inner);
    const proxy = canvas.json({
      $schema: PROXY_SCHEMA,
      ref: `${up(folder)}${OBJECTS}/${agent.id}.json`,
    });
    const files = [
      { path, object, isSource: false },
      { path: `${path}.link`, object: proxy, isSource: false },
    ];
    if (!canvas.link(agent, view, files)) continue;
    links.set(agent.label, path);
    if (!isManifest(agent)) loseForeign(canvas, agent, { view, tool: null }, KNOWN);
  }
  return links;
}

/** From a folder up to the project's root. */
function up(folder: string): string {
  return "../".repeat(folder.split("/").length);
}

function isManifest({ inner }: ShownSymbol): boolean {
  return inner["$schema"] === MANIFEST_SCHEMA;
}

/** An agent of a tool as a manifest: it takes a text and answers one, as all of them do. */
function asManifest(agent: ShownSymbol): ShownSymbol {
  if (isManifest(agent)) return agent;
  const { inner, address, text } = agent;
  const instructions = textOf(inner, "instructions");
  const manifest: JsonObject = {
    $schema: MANIFEST_SCHEMA,
    id: address.name,
    name: address.name,
    version: address.version,
    desc: textOf(inner, "description") ?? textOf(inner, "desc") ?? "",
    ...(instructions === null ? {} : { instructions }),
    io: { input: "text", output: "text" },
    caps: [],
    rtt_saddr: text,
  };
  return { ...agent, inner: manifest };
}

/** Writes the list of all providers' links, as published tools read it; none when there are no providers. */
export function projectLinkmap(
  canvas: Canvas,
  providers: ReadonlyMap<string, ProviderLinks>,
): void {
  if (providers.size === 0) return;
  const sorted = [...providers].sort(byName).map(([provider, links]): [string, Json] => {
    return [provider, Object.fromEntries([...links].sort(byName))];
  });
  const text = `${JSON.stringify(Object.fromEntries(sorted), null, 2)}\n`;
  canvas.linkOwn(LINKMAP_VIEW, LINKMAP_PATH, canvas.text(text));
}

function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
