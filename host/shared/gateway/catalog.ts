/**
 * A device's catalogue: every tool that its servers offer and it can check, under the name by which it is called.
 *
 * A server's tool appears twice when a contract binds it: under the contract's name, and, relayed as it is, under
 * `<server>.<tool>`. Which of them anybody may call is for policy to say.
 */
import { Failure } from "../ports/failure.ts";
import { normalizeVersion } from "../trust/policy/versions.ts";
import { contractFor, type ToolContract } from "./contract.ts";
import type { CatalogTool } from "./frames.ts";
import type { ServerTool } from "./mcp-session.ts";
import { compileSchema, type SchemaCheck } from "./schema.ts";
import { relayedToolName } from "./tool-name.ts";
import type { ToolServer } from "./tool-server.ts";

/** A tool with all that calling it takes. */
export interface DeviceTool {
  readonly entry: CatalogTool;
  readonly server: ToolServer;
  /** The server's own name of the tool. */
  readonly serverTool: string;
  /** Null: relayed as it is. */
  readonly contract: ToolContract | null;
  readonly checkArgs: SchemaCheck;
  /** Null: the tool says nothing about its result. */
  readonly checkResult: SchemaCheck | null;
}

/** Builds the catalogue of `servers`; `onRefused` hears of tools that cannot be offered. */
export function buildCatalog(
  servers: readonly ToolServer[],
  onRefused: (tool: string, failure: Failure) => void,
): ReadonlyMap<string, DeviceTool> {
  const catalog = new Map<string, DeviceTool>();
  for (const server of servers.toSorted(byName)) {
    for (const tool of server.tools) {
      const name = relayedToolName(server.spec.name, tool.name);
      try {
        catalog.set(name, relayedTool(name, server, tool));
      } catch (thrown) {
        onRefused(name, Failure.from(thrown));
        continue;
      }
      const contract = contractFor(tool.name);
      // The first server in the order of names does the work of a contract.
      if (contract !== null && !catalog.has(contract.manifest.name)) {
        catalog.set(contract.manifest.name, boundTool(contract, server, tool));
      }
    }
  }
  return catalog;
}

function byName(a: ToolServer, b: ToolServer): number {
  return a.spec.name < b.spec.name ? -1 : 1;
}

function relayedTool(name: string, server: ToolServer, tool: ServerTool): DeviceTool {
  const version = normalizeVersion(server.version);
  return {
    entry: {
      name,
      version,
      schema: {
        args: `urn:zl:${name}:${version}:args`,
        result: `urn:zl:${name}:${version}:result`,
      },
      title: tool.title,
      description: tool.description,
      argsSchema: tool.inputSchema,
      resultSchema: tool.outputSchema,
      annotations: tool.annotations,
      server: server.spec.name,
      isBound: false,
    },
    server,
    serverTool: tool.name,
    contract: null,
    checkArgs: compileSchema(tool.inputSchema, `${name}:args`),
    checkResult:
      tool.outputSchema === null ? null : compileSchema(tool.outputSchema, `${name}:result`),
  };
}

function boundTool(contract: ToolContract, server: ToolServer, tool: ServerTool): DeviceTool {
  const { manifest } = contract;
  return {
    entry: {
      name: manifest.name,
      version: manifest.version,
      schema: manifest.schema,
      title: manifest.title,
      description: manifest.description,
      argsSchema: contract.argsSchema,
      resultSchema: contract.resultSchema,
      annotations: { readOnlyHint: true, idempotentHint: manifest.isIdempotent },
      server: server.spec.name,
      isBound: true,
    },
    server,
    serverTool: tool.name,
    contract,
    checkArgs: contract.checkArgs,
    checkResult: contract.checkResult,
  };
}
