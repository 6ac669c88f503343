/** All configuration of a project besides panel.yaml, read and judged at once, before anything is done. */
import type { Files } from "../../ports/files.ts";
import { LOCAL_TOPOLOGY, OPEN_POLICY } from "../planner/defaults.ts";
import type { Topology } from "../planner/model.ts";
import { invalidConfiguration, readConfigurationText } from "./document.ts";
import type { ConfigurationNote } from "./member.ts";
import { type PolicyFile, readPolicyFile } from "./policy-file.ts";
import {
  type BridgeProvider,
  type ProviderEntry,
  readBridgeFile,
  readProvidersFile,
  readViewFile,
  type ViewFile,
} from "./provider-files.ts";
import { readRoutesFile, type RouteWish } from "./routes-file.ts";
import { readTopologyFile } from "./topology-file.ts";

/** Where each file lies, from the project's root. */
export const CONFIGURATION_PATHS = {
  policy: ".rtt/policy.json",
  routes: ".rtt/routes.json",
  topology: ".rtt/topology.json",
  providers: "providers/providers.yaml",
  /** Ours first, then the published one. */
  views: [".rtt/views", "views"],
  bridge: "connector-mcp/bridge.yaml",
} as const;

const VIEWS_MAX = 64;
const VIEW_SUFFIX = ".view.json";

export interface Configuration {
  readonly policy: Pick<PolicyFile, "policy" | "health">;
  readonly routes: readonly RouteWish[];
  readonly topology: Topology;
  readonly providers: readonly ProviderEntry[];
  /** In the order of their providers. */
  readonly views: readonly ViewFile[];
  readonly bridge: readonly BridgeProvider[];
  /** What is read and does nothing. */
  readonly notes: readonly ConfigurationNote[];
}

/** Reads the configuration of the project in `root`. Fails with `config-invalid`; a file that is missing is none. */
export async function readConfiguration(files: Files, root: string): Promise<Configuration> {
  const read = async <T>(
    path: string,
    reader: (source: string, path: string) => T,
    absent: T,
  ): Promise<T> => {
    const source = await readConfigurationText(files, `${root}/${path}`, path);
    return source === null ? absent : reader(source, path);
  };
  const paths = CONFIGURATION_PATHS;
  const none: PolicyFile = { policy: OPEN_POLICY, health: [], notes: [] };
  const policy = await read(paths.policy, readPolicyFile, none);
  const views = await readViews(files, root);
  const providers = await read(paths.providers, readProvidersFile, []);
  checkMounts(providers, views);
  return {
    policy,
    routes: await read(paths.routes, readRoutesFile, []),
    topology: await read(paths.topology, readTopologyFile, LOCAL_TOPOLOGY),
    providers,
    views,
    bridge: await read(paths.bridge, readBridgeFile, []),
    notes: [...policy.notes, ...views.flatMap(({ notes }) => notes)],
  };
}

/** A provider has one folder, whichever file says it. */
function checkMounts(providers: readonly ProviderEntry[], views: readonly ViewFile[]): void {
  for (const { provider, mount } of views) {
    const entry = providers.find(({ name }) => name === provider);
    if (entry === undefined || mount === null || mount === entry.agentTarget) continue;
    const place = { path: CONFIGURATION_PATHS.providers, line: 1, member: provider };
    throw invalidConfiguration(place, "conflict", `is shown in ${mount} by its view`);
  }
}

async function readViews(files: Files, root: string): Promise<readonly ViewFile[]> {
  const views = new Map<string, ViewFile>();
  for (const folder of CONFIGURATION_PATHS.views) {
    const names = await files.list(`${root}/${folder}`);
    const paths = names
      .filter((name) => name.endsWith(VIEW_SUFFIX))
      .map((name) => `${folder}/${name}`);
    if (paths.length > VIEWS_MAX) {
      const place = { path: folder, line: 1, member: "" };
      throw invalidConfiguration(place, "too-many", `There are more than ${VIEWS_MAX} views`);
    }
    for (const path of paths) {
      const source = await readConfigurationText(files, `${root}/${path}`, path);
      // It was there a moment ago; a folder of that name is refused by its reader.
      if (source === null) continue;
      const view = readViewFile(source, path);
      if (views.has(view.provider)) {
        const place = { path, line: 1, member: "provider" };
        throw invalidConfiguration(place, "conflict", `has a view in ${folder} and elsewhere`);
      }
      views.set(view.provider, view);
    }
  }
  return [...views.values()].toSorted((a, b) => (a.provider < b.provider ? -1 : 1));
}
