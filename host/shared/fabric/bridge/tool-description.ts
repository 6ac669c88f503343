/**
 * A tool of an MCP server as an object of the registry: what its server said of it when somebody reviewed it.
 *
 *   { "type": "mcp_tool", "provider", "tool": { "name", "version", "capabilities",      as published
 *       "title", "description", "inputSchema", "outputSchema", "annotations" } }          what was reviewed
 *
 * It lies at `rtt://mcp/<provider>/tool/<name>@<version>`, and its provider is the name of the server.
 */
import {
  canonicalBytes,
  isJsonObject,
  type Json,
  type JsonObject,
} from "../../trust/canonical-json.ts";
import { normalizeVersion } from "../../trust/policy/versions.ts";
import { objectBytes, type RegistryObject } from "../registry/object.ts";
import { formatSymbolAddress, type SymbolAddress, symbolName } from "../symbol.ts";

/** All that a client is told about a tool. */
export interface ToolDescription {
  /** The server's own name of it. */
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly inputSchema: Readonly<Record<string, unknown>>;
  readonly outputSchema: Readonly<Record<string, unknown>> | null;
  readonly annotations: Readonly<Record<string, unknown>>;
}

export const TOOL_KIND = "mcp_tool";
export const TOOL_CAPABILITIES: readonly string[] = ["request", "response"];

/** The published default, for a server that names no version. */
const VERSION_INITIAL = "1.0.0";

/** The version of a server's tools: the server's own, in the one form that addresses have. */
export function toolVersion(serverVersion: string): string {
  const version = normalizeVersion(serverVersion.toLowerCase());
  return version === "0.0.0" ? VERSION_INITIAL : version;
}

/** Where a tool lies; null when its name, or its provider's, makes no address. */
export function toolAddress(provider: string, tool: string, version: string): SymbolAddress | null {
  const name = symbolName(tool);
  const address: SymbolAddress = {
    namespace: `mcp/${provider}`,
    type: "tool",
    name: name ?? "",
    version,
    variant: null,
  };
  try {
    formatSymbolAddress(address);
    return address;
  } catch {
    return null;
  }
}

/** What a description says, as JSON: members that say nothing are left out. */
export function descriptionJson(tool: ToolDescription): JsonObject {
  // It was read from JSON, so it is JSON.
  const inputSchema = tool.inputSchema as JsonObject;
  const outputSchema = tool.outputSchema as JsonObject | null;
  const annotations = tool.annotations as JsonObject;
  return {
    name: tool.name,
    ...(tool.title === "" ? {} : { title: tool.title }),
    description: tool.description,
    inputSchema,
    ...(outputSchema === null ? {} : { outputSchema }),
    ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
  };
}

/** The object of a tool. Fails with `symbol-invalid`, `argument-invalid` or `canonical-json-invalid`. */
export function toolObject(
  provider: string,
  version: string,
  tool: ToolDescription,
): RegistryObject {
  const object: RegistryObject = {
    kind: TOOL_KIND,
    address: toolAddress(provider, tool.name, version),
    body: {
      type: TOOL_KIND,
      provider,
      tool: { ...descriptionJson(tool), version, capabilities: [...TOOL_CAPABILITIES] },
    },
  };
  objectBytes(object);
  return object;
}

/** Checks that a description can be kept at all: not too large, not too deep, and JSON with one reading. */
export function checkDescription(tool: ToolDescription): void {
  objectBytes({ kind: TOOL_KIND, address: null, body: descriptionJson(tool) });
}

/** Whether two descriptions say the same, whatever the order of their members. */
export function isSameDescription(a: ToolDescription, b: ToolDescription): boolean {
  const [one, other] = [a, b].map((tool) => canonicalBytes(descriptionJson(tool)));
  return new TextDecoder().decode(one) === new TextDecoder().decode(other);
}

/** What a tool's object says; null for one that names a tool and describes nothing, as the published ones do. */
export function readToolBody(
  body: Json,
): { readonly provider: string; readonly tool: ToolDescription } | null {
  if (!isJsonObject(body) || body["type"] !== TOOL_KIND) return null;
  const { provider, tool } = body;
  if (typeof provider !== "string" || !isJsonObject(tool)) return null;
  const {
    name,
    title = "",
    description,
    inputSchema,
    outputSchema = null,
    annotations = {},
  } = tool;
  const isText = [name, title, description].every((text) => typeof text === "string");
  const isShaped = isJsonObject(inputSchema) && isJsonObject(annotations);
  if (!isText || !isShaped || (outputSchema !== null && !isJsonObject(outputSchema))) return null;
  return {
    provider,
    tool: {
      name: name as string,
      title: title as string,
      description: description as string,
      inputSchema,
      outputSchema,
      annotations,
    },
  };
}
