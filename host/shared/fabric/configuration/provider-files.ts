/**
 * What says which views a project has, in the published names.
 *
 *   providers/providers.yaml      providers.<p>.agent_target "providers/<p>/.<p>/agents"
 *   .rtt/views/<p>.view.json      { provider, mount, entries: [{ id: "search@1.0.0", overlays: ["env:prod"] }] }
 *   connector-mcp/bridge.yaml     mcp.providers.<p>{ control_socket{ unix, npipe }, tools_manifest }
 */
import type { JsonObject } from "../../trust/canonical-json.ts";
import { pathProblem } from "../plan-file/parts.ts";
import { type ConfigurationDocument, type MemberPath, parseConfiguration } from "./document.ts";
import { type ConfigurationNote, entries, objects, texts } from "./member.ts";
import { list, needed, object, optional, record } from "./schema.ts";
import {
  AGENT_ID,
  OVERLAY,
  PROJECT_PATH,
  PROVIDER,
  SCHEMA_MEMBER,
  SOCKET_PATH,
  TITLE,
} from "./texts.ts";

const PROVIDERS_MAX = 64;
const ENTRIES_MAX = 10_000;

export const PROVIDERS_SCHEMA = object({
  providers: needed(
    record(
      PROVIDER,
      object({ agent_target: needed(PROJECT_PATH, "The folder that its agents are shown in.") }),
      PROVIDERS_MAX,
    ),
    "By name.",
  ),
});

export const VIEW_SCHEMA = object({
  $schema: SCHEMA_MEMBER,
  provider: needed(PROVIDER, "Also the name of this file: <provider>.view.json."),
  mount: optional(
    PROJECT_PATH,
    "The folder that they are shown in. Missing: the tool's own places.",
  ),
  entries: needed(
    list(
      object({
        id: needed(AGENT_ID, '"search@1.0.0"'),
        overlays: optional(list(OVERLAY, 16), "Applied in this order."),
      }),
      ENTRIES_MAX,
    ),
    "The agents that it shows.",
  ),
  sign: optional(
    object({
      alg: needed(TITLE, '"ed25519"'),
      key_id: needed(TITLE, "The key."),
      sig: needed(TITLE, "The signature."),
    }),
    "Read, and without effect: the plan is signed, and with it what the view shows.",
  ),
});

export const BRIDGE_SCHEMA = object({
  mcp: needed(
    object({
      providers: needed(
        record(
          PROVIDER,
          object({
            control_socket: optional(
              object({
                unix: optional(SOCKET_PATH, "A socket."),
                npipe: optional(SOCKET_PATH, "A named pipe of Windows."),
              }),
              "Where its MCP server listens.",
            ),
            tools_manifest: optional(PROJECT_PATH, "A file that lists its tools."),
          }),
          PROVIDERS_MAX,
        ),
        "By name.",
      ),
    }),
    "Providers of tools.",
  ),
});

export interface ProviderEntry {
  readonly name: string;
  /** From the project's root. */
  readonly agentTarget: string;
}

export interface ViewEntry {
  /** "search@1.0.0". */
  readonly id: string;
  readonly overlays: readonly string[];
}

export interface ViewFile {
  readonly provider: string;
  /** From the project's root; null: the tool's own places. */
  readonly mount: string | null;
  readonly entries: readonly ViewEntry[];
  readonly notes: readonly ConfigurationNote[];
}

export interface BridgeProvider {
  readonly name: string;
  readonly unixSocket: string | null;
  readonly namedPipe: string | null;
  /** From the project's root. */
  readonly toolsManifest: string | null;
}

/** Reads providers.yaml. Fails with `config-invalid`. */
export function readProvidersFile(source: string, path: string): readonly ProviderEntry[] {
  const document = parseConfiguration(source, path, "yaml", PROVIDERS_SCHEMA);
  const providers = entries(document.value["providers"]).map(([name, provider]) => ({
    name,
    agentTarget: projectPath(document, ["providers", name, "agent_target"], provider),
  }));
  checkTargets(document, providers);
  return providers;
}

/** Two providers in one folder would each take the other's agents for its own. */
function checkTargets(document: ConfigurationDocument, providers: readonly ProviderEntry[]): void {
  const seen = new Map<string, string>();
  for (const { name, agentTarget } of providers) {
    const folder = agentTarget.toLowerCase();
    const other = seen.get(folder);
    if (other !== undefined) {
      const member = ["providers", name, "agent_target"];
      throw document.wrong(member, "conflict", `is the folder of ${other} too`);
    }
    seen.set(folder, name);
  }
}

/** Reads a view; `path` ends in `<provider>.view.json`. Fails with `config-invalid`. */
export function readViewFile(source: string, path: string): ViewFile {
  const document = parseConfiguration(source, path, "json", VIEW_SCHEMA);
  const { value } = document;
  const provider = value["provider"] as string;
  if (path.split("/").at(-1) !== `${provider}.view.json`) {
    throw document.wrong(["provider"], "reference", `is not the one that ${path} is named after`);
  }
  const seen = new Set<string>();
  const shown = objects(value["entries"]).map((entry, at) => {
    const whole = entry["id"] as string;
    if (seen.has(whole)) {
      throw document.wrong(["entries", String(at), "id"], "conflict", `"${whole}" stands twice`);
    }
    seen.add(whole);
    return { id: whole, overlays: texts(entry["overlays"]) };
  });
  return {
    provider,
    mount: value["mount"] === undefined ? null : projectPath(document, ["mount"], value),
    entries: shown,
    notes:
      value["sign"] === undefined
        ? []
        : [
            {
              path,
              line: document.lineOf(["sign"]),
              message: "sign has no effect: the plan is signed, and with it what the view shows",
            },
          ],
  };
}

/** Reads bridge.yaml. Fails with `config-invalid`. */
export function readBridgeFile(source: string, path: string): readonly BridgeProvider[] {
  const document = parseConfiguration(source, path, "yaml", BRIDGE_SCHEMA);
  const { providers } = document.value["mcp"] as JsonObject;
  return entries(providers).map(([name, value]) => {
    const provider = value as JsonObject;
    const { unix, npipe } = (provider["control_socket"] ?? {}) as JsonObject;
    const manifest = ["mcp", "providers", name, "tools_manifest"];
    return {
      name,
      unixSocket: typeof unix === "string" ? unix : null,
      namedPipe: typeof npipe === "string" ? npipe : null,
      toolsManifest:
        provider["tools_manifest"] === undefined ? null : projectPath(document, manifest, value),
    };
  });
}

/** A path in its plain spelling. What leads out of the project, or into `.rtt`, is refused. */
function projectPath(document: ConfigurationDocument, member: MemberPath, holder: unknown): string {
  const written = (holder as JsonObject)[member.at(-1) as string] as string;
  const path = written.replace(/^\.\//, "").replace(/\/$/, "");
  const problem = pathProblem(path);
  if (problem !== null) throw document.wrong(member, "reference", problem);
  return path;
}
