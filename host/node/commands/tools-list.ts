/** Published lists of tools, `tools.json`: one that is named, and those of `connector-mcp/bridge.yaml`. */
import { join, resolve } from "node:path";
import {
  type RegisteredTools,
  registerListedTools,
} from "../../shared/fabric/bridge/register-tools.ts";
import { type ListedTool, readToolList } from "../../shared/fabric/bridge/tool-manifest.ts";
import { readConfiguration } from "../../shared/fabric/configuration/configuration.ts";
import { readPlainFile } from "../../shared/fabric/registry/plain-file.ts";
import type { Registry } from "../../shared/fabric/registry/registry.ts";
import { Failure } from "../../shared/ports/failure.ts";
import { nodeFiles } from "../files.ts";
import { currentProject, openRegistry, type Project } from "../project.ts";
import type { CommandContext } from "./context.ts";

/** The largest list that is read. */
const LIST_BYTES_MAX = 1 << 20;

/** Registers the tools of one list. */
export async function importList(
  context: CommandContext,
  path: string,
  provider: string,
  passphraseFile: string | undefined,
): Promise<void> {
  const project = currentProject(context);
  const tools = await readList(resolve(path), provider);
  const registry = await openRegistry(context, project, { passphraseFile });
  const registered = await register(project, registry, tools);
  const { addresses, keptManifests } = registered;
  context.answer(
    { registered: addresses, keptManifests },
    [
      ...keptManifests.map((name) => `${name} was edited, and stays as it is.`),
      `${addresses.length} tools of ${provider} registered by name; import them from the running server to review them.`,
    ].join("\n"),
  );
}

/** Registers the lists that bridge.yaml names. One that is wrong hinders no other. */
export async function importBridge(project: Project, registry: Registry): Promise<RegisteredTools> {
  const { bridge } = await readConfiguration(nodeFiles, project.root);
  const all: ListedTool[] = [];
  const problems: Failure[] = [];
  for (const { name, toolsManifest } of bridge) {
    if (toolsManifest === null) continue;
    try {
      all.push(...(await readList(join(project.root, toolsManifest), name)));
    } catch (thrown) {
      problems.push(Failure.from(thrown));
    }
  }
  return { ...(await register(project, registry, all)), problems };
}

function register(
  project: Project,
  registry: Registry,
  tools: readonly ListedTool[],
): Promise<RegisteredTools> {
  return registerListedTools(nodeFiles, registry, join(project.folder, "manifests"), tools);
}

async function readList(path: string, provider: string): Promise<readonly ListedTool[]> {
  const bytes = await readPlainFile(nodeFiles, path, LIST_BYTES_MAX);
  if (bytes !== null) return readToolList(bytes, path, provider);
  throw new Failure("file-missing", `there is no list of tools in ${path}`, {
    origin: "local",
    context: { path },
    remedy: 'Name a file with {"tools": [{"name", "version", "capabilities"}]}.',
  });
}
