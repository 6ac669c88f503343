/**
 * A device's catalogue: every tool that its servers offer and it can check, under the name by which it is called, as
 * far as the gate lets it in.
 *
 * A server's tool appears twice when a contract binds it: under the contract's name, and, relayed as it is, under
 * `<server>.<tool>`. Which of them anybody may call is for policy to say.
 */
import { Failure } from "../ports/failure.ts";
import { normalizeVersion } from "../trust/policy/versions.ts";
import { contractFor, type ToolContract } from "./contract.ts";
import type { CatalogTool } from "./frames.ts";
import type { ServerTool } from "./mcp-session.ts";
import type { ToolGate } from "./tool-gate.ts";
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
  /** Why nobody may call it; null when it may be called. */
  readonly held: Failure | null;
}

/** Builds the catalogue of `servers`; `onRefused` hears of tools that cannot be offered. */
export function buildCatalog(
  servers: readonly ToolServer[],
  gate: ToolGate,
  onRefused: (tool: string, failure: Failure) => void,
): ReadonlyMap<string, DeviceTool> {
  const catalog = new Map<string, DeviceTool>();
  for (const server of servers.toSorted(byName)) {
    const { version, tools } = server;
    const gated = { name: server.spec.name, version, tools };
    for (const tool of tools) {
      const name = relayedToolName(server.spec.name, tool.name);
      const verdict = gate.judge(gated, tool);
      if (verdict.kind === "left-out") continue;
      const held = verdict.kind === "held" ? verdict.failure : null;
      try {
        catalog.set(
          name,
          held === null ? relayedTool(name, server, tool) : heldTool(name, server, tool, held),
        );
      } catch (thrown) {
        onRefused(name, Failure.from(thrown));
        continue;
      }
      const contract = contractFor(tool.name);
      if (contract === null) continue;
      // The first server in the order of names that may does the work of a contract.
      const present = catalog.get(contract.manifest.name);
      if (present === undefined || (present.held !== null && held === null)) {
        const bound = contract.manifest;
        catalog.set(
          bound.name,
          held === null
            ? boundTool(contract, server, tool)
            : heldTool(bound.name, server, tool, held, bound.version),
        );
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
    held: null,
  };
}

/** A tool by its name alone: nothing that its server says about it gets to anybody. */
function heldTool(
  name: string,
  server: ToolServer,
  tool: ServerTool,
  held: Failure,
  version = normalizeVersion(server.version),
): DeviceTool {
  const bare = relayedTool(name, server, {
    name: tool.name,
    title: "",
    description: "",
    inputSchema: { type: "object" },
    outputSchema: null,
    annotations: {},
  });
  return { ...bare, entry: { ...bare.entry, version, isHeld: true }, held };
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
    held: null,
  };
}
