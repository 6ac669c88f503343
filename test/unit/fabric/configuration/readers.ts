/** The program's reader of each configuration file, by the names of `CONFIGURATION_SCHEMAS`. */
import { readPolicyFile } from "../../../../host/shared/fabric/configuration/policy-file.ts";
import {
  readBridgeFile,
  readProvidersFile,
  readViewFile,
} from "../../../../host/shared/fabric/configuration/provider-files.ts";
import { readRoutesFile } from "../../../../host/shared/fabric/configuration/routes-file.ts";
import { readTopologyFile } from "../../../../host/shared/fabric/configuration/topology-file.ts";
import { readPanel } from "../../../../host/shared/fabric/panel.ts";

type Reader = (text: string, path: string) => unknown;

const READERS: Readonly<Record<string, readonly [string, Reader]>> = {
  panel: [".rtt/panel.yaml", readPanel],
  policy: [".rtt/policy.json", readPolicyFile],
  routes: [".rtt/routes.json", readRoutesFile],
  topology: [".rtt/topology.json", readTopologyFile],
  providers: ["providers/providers.yaml", readProvidersFile],
  view: [".rtt/views/claude.view.json", readViewFile],
  bridge: ["connector-mcp/bridge.yaml", readBridgeFile],
};

export function readByName(name: string, text: string): unknown {
  const [path, read] = READERS[name] ?? [];
  if (path === undefined || read === undefined) throw new Error(`there is no reader of ${name}`);
  return read(text, path);
}
