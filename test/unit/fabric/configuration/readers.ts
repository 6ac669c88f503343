/** The program's reader of each configuration file, by the names of `CONFIGURATION_SCHEMAS`. */
import { invalidConfiguration } from "../../../../host/shared/fabric/configuration/document.ts";
import { readPolicyFile } from "../../../../host/shared/fabric/configuration/policy-file.ts";
import {
  readBridgeFile,
  readProvidersFile,
  readViewFile,
} from "../../../../host/shared/fabric/configuration/provider-files.ts";
import { readRoutesFile } from "../../../../host/shared/fabric/configuration/routes-file.ts";
import { readTopologyFile } from "../../../../host/shared/fabric/configuration/topology-file.ts";
import {
  readRttAgent,
  readRttManifest,
} from "../../../../host/shared/fabric/discovery/formats/rtt-manifest.ts";
import { PROJECT_PLACES } from "../../../../host/shared/fabric/discovery/places.ts";
import type { Reader as ManifestReader } from "../../../../host/shared/fabric/discovery/source-file.ts";
import { readPanel } from "../../../../host/shared/fabric/panel.ts";
import { contractOf } from "../../../../host/shared/fabric/planner/contract.ts";
import { formatSymbolAddress } from "../../../../host/shared/fabric/symbol.ts";
import { Failure } from "../../../../host/shared/ports/failure.ts";

/** A scan's reader, and for symbols the planner's: both have to take a manifest. */
function readManifest(read: ManifestReader, path: string): Reader {
  return (text) => {
    const place = PROJECT_PLACES.placeOf(path.split("/"));
    if (place === null) throw new Error(`${path} is no place of a manifest`);
    const { found, problems } = read({ path, place, text, id: "0".repeat(64) });
    const [problem] = problems;
    if (problem !== undefined) {
      const { line, rule, message } = problem;
      throw invalidConfiguration({ path, line: Math.max(1, line), member: "" }, rule, message);
    }
    try {
      return found.map(({ address, body }) => contractOf(formatSymbolAddress(address), body));
    } catch (thrown) {
      const { message } = Failure.from(thrown);
      throw invalidConfiguration({ path, line: 1, member: "" }, "plan-invalid", message);
    }
  };
}

type Reader = (text: string, path: string) => unknown;

const MANIFEST = ".rtt/manifests/ui.hook.refresh.json";
const AGENT = "agents/common/search.agent.json";

const READERS: Readonly<Record<string, readonly [string, Reader]>> = {
  panel: [".rtt/panel.yaml", readPanel],
  policy: [".rtt/policy.json", readPolicyFile],
  routes: [".rtt/routes.json", readRoutesFile],
  topology: [".rtt/topology.json", readTopologyFile],
  providers: ["providers/providers.yaml", readProvidersFile],
  view: [".rtt/views/claude.view.json", readViewFile],
  bridge: ["connector-mcp/bridge.yaml", readBridgeFile],
  manifest: [MANIFEST, readManifest(readRttManifest, MANIFEST)],
  agent: [AGENT, readManifest(readRttAgent, AGENT)],
};

export function readByName(name: string, text: string): unknown {
  const [path, read] = READERS[name] ?? [];
  if (path === undefined || read === undefined) throw new Error(`there is no reader of ${name}`);
  return read(text, path);
}
