/** How this machine runs a wired server: its definition with every reference looked up. */
import { isAbsolute, join } from "node:path";
import { readServer } from "../../shared/fabric/bridge/server-definition.ts";
import type { WiredServer } from "../../shared/fabric/bridge/wired-servers.ts";
import type { WiredSpec } from "../../shared/gateway/server-fleet.ts";
import { commandPath, type Environment, inheritedEnvironment } from "../tool-servers.ts";
import { remoteProcesses } from "./remote-server.ts";

/** The server to run. Fails with `config-invalid` or `unsupported`, naming what is missing. */
export function wiredSpec(
  { name, digest, body }: Pick<WiredServer, "name" | "digest" | "body">,
  root: string,
  environment: Environment,
): WiredSpec {
  const definition = readServer(name, body, (variable) => environment[variable]);
  // The same object under the same name is the same server, whatever else the generation has changed.
  const key = `${name} ${digest}`;
  if (definition.kind === "http") {
    const { url, headers } = definition;
    const processes = remoteProcesses(url, headers);
    const nothing = { args: [], folder: root, environment: {} };
    return { key, spec: { name, command: url, ...nothing, processes } };
  }
  const { command, args, folder } = definition;
  return {
    key,
    spec: {
      name,
      command: commandPath(command),
      args,
      folder: folder === null || isAbsolute(folder) ? (folder ?? root) : join(root, folder),
      environment: { ...inheritedEnvironment(environment), ...definition.environment },
    },
  };
}
