/**
 * The published manifest of an MCP server's tool, `.rtt/manifests/mcp.<provider>.tool.<name>.json`, and the published
 * list of tools, `tools.json`, from which the published bridge makes such manifests.
 */
import { Failure } from "../../ports/failure.ts";
import { fromUtf8, utf8 } from "../../trust/bytes.ts";
import {
  canonicalText,
  isJsonObject,
  type Json,
  type JsonObject,
} from "../../trust/canonical-json.ts";
import { parseJsonText } from "../discovery/text/json-text.ts";
import type { RegistryObject } from "../registry/object.ts";
import { formatSymbolAddress, type SymbolAddress } from "../symbol.ts";
import {
  descriptionJson,
  TOOL_CAPABILITIES,
  TOOL_KIND,
  toolAddress,
  type ToolDescription,
} from "./tool-description.ts";

/** The published figures: a call may take two seconds, and there may be five a second. */
const QOS = { latency_budget_ms: 2000, throughput_qps: 5 };

export interface ManifestFile {
  /** In the folder of manifests. */
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** What a manifest says of a tool at an address; the schemas are there when they are known. */
export function toolManifest(
  address: SymbolAddress,
  capabilities: readonly string[] = TOOL_CAPABILITIES,
  tool: ToolDescription | null = null,
): JsonObject {
  const [, provider = ""] = address.namespace.split("/");
  const [major = "1"] = address.version.split(".");
  const { inputSchema, outputSchema } = tool === null ? {} : descriptionJson(tool);
  // In canonical order, so that the same schema makes the same bytes however its server has written it.
  const schemas = (name: string, schema: Json | undefined): Json[] =>
    schema === undefined ? [] : [{ name, schema: JSON.parse(canonicalText(schema)) as Json }];
  return {
    $schema: "https://rtt/spec/v1",
    symbol: {
      saddr: formatSymbolAddress(address),
      type: address.type,
      direction: "provider",
      capabilities: [...capabilities],
      inputs: schemas("arguments", inputSchema),
      outputs: schemas("result", outputSchema),
      qos: QOS,
      version_set: `>=${address.version} <${Number(major) + 1}.0`,
      auth: { mode: "caps", scopes: ["mcp.invoke"] },
      tags: { provider, mcp: "true" },
    },
  };
}

/** The manifest as a file. */
export function manifestFile(
  address: SymbolAddress,
  capabilities?: readonly string[],
  tool: ToolDescription | null = null,
): ManifestFile {
  const { namespace, type, name } = address;
  const text = JSON.stringify(toolManifest(address, capabilities, tool), null, 2);
  return {
    name: `${namespace.replaceAll("/", ".")}.${type}.${name}.json`,
    bytes: utf8(`${text}\n`),
  };
}

/** A tool of `tools.json`. */
export interface ListedTool {
  readonly name: string;
  readonly version: string;
  readonly capabilities: readonly string[];
  readonly address: SymbolAddress;
  /** The wrapper around what the list says, as the published bridge stores it. */
  readonly object: RegistryObject;
}

/** The tools of a published list. Fails with `config-invalid`, naming file, line and rule. */
export function readToolList(
  bytes: Uint8Array,
  path: string,
  provider: string,
): readonly ListedTool[] {
  const json = parseJsonText(fromUtf8(bytes) ?? "\0", { isCommented: false });
  if ("fault" in json) throw invalid(path, json.fault.line, json.fault.message);
  const tools = json.value["tools"];
  if (!Array.isArray(tools)) throw invalid(path, 1, '"tools" must be a list');
  return tools.map((tool: Json, at): ListedTool => {
    const where = (problem: string): Failure =>
      invalid(path, json.lineOf(["tools", String(at)]), `tools[${at}] ${problem}`);
    if (!isJsonObject(tool)) throw where("is not an object");
    const { name, version = "1.0.0", capabilities = [...TOOL_CAPABILITIES] } = tool;
    if (typeof name !== "string" || typeof version !== "string") throw where("has no name");
    const isTexts =
      Array.isArray(capabilities) && capabilities.every((one) => typeof one === "string");
    if (!isTexts) throw where("has capabilities that are no list of texts");
    const address = toolAddress(provider, name, version);
    if (address === null) throw where("has a name or version that makes no address");
    const body = { type: TOOL_KIND, provider, tool };
    return { name, version, capabilities, address, object: { kind: TOOL_KIND, address, body } };
  });
}

function invalid(path: string, line: number, problem: string): Failure {
  return new Failure("config-invalid", `${path}:${line}: ${problem}`, {
    origin: "local",
    remedy: 'Write {"tools": [{"name", "version", "capabilities"}]}.',
    context: { path, line },
  });
}
