/** Every file that people write, with its form: what the schemas of other programs are written from. */
import type { ConfigurationSyntax } from "./document.ts";
import { AGENT_SCHEMA, MANIFEST_SCHEMA } from "./manifest-schema.ts";
import { PANEL_SCHEMA } from "./panel-schema.ts";
import { POLICY_SCHEMA } from "./policy-file.ts";
import { BRIDGE_SCHEMA, PROVIDERS_SCHEMA, VIEW_SCHEMA } from "./provider-files.ts";
import { ROUTES_SCHEMA } from "./routes-file.ts";
import type { ObjectSchema } from "./schema.ts";
import { TOPOLOGY_SCHEMA } from "./topology-file.ts";

export interface ConfigurationSchema {
  /** Name of the schemas' files: `cue/<name>.cue`, `<name>.schema.json`. */
  readonly name: string;
  /** Name of the definition in CUE. */
  readonly definition: string;
  readonly title: string;
  readonly syntax: ConfigurationSyntax;
  readonly schema: ObjectSchema;
}

export const CONFIGURATION_SCHEMAS: readonly ConfigurationSchema[] = [
  {
    name: "panel",
    definition: "Panel",
    title: "Settings of a project: .rtt/panel.yaml",
    syntax: "yaml",
    schema: PANEL_SCHEMA,
  },
  {
    name: "policy",
    definition: "Policy",
    title: "Which routes may be: .rtt/policy.json",
    syntax: "json",
    schema: POLICY_SCHEMA,
  },
  {
    name: "routes",
    definition: "Routes",
    title: "Routes that are wanted: .rtt/routes.json",
    syntax: "json",
    schema: ROUTES_SCHEMA,
  },
  {
    name: "topology",
    definition: "Topology",
    title: "Nodes and what runs where: .rtt/topology.json",
    syntax: "json",
    schema: TOPOLOGY_SCHEMA,
  },
  {
    name: "providers",
    definition: "Providers",
    title: "Folders that show agents: providers/providers.yaml",
    syntax: "yaml",
    schema: PROVIDERS_SCHEMA,
  },
  {
    name: "view",
    definition: "View",
    title: "A view: .rtt/views/<provider>.view.json",
    syntax: "json",
    schema: VIEW_SCHEMA,
  },
  {
    name: "bridge",
    definition: "Bridge",
    title: "Providers of MCP tools: connector-mcp/bridge.yaml",
    syntax: "yaml",
    schema: BRIDGE_SCHEMA,
  },
  {
    name: "manifest",
    definition: "Manifest",
    title: "A symbol: .rtt/manifests/<namespace>.<type>.<name>.json",
    syntax: "json",
    schema: MANIFEST_SCHEMA,
  },
  {
    name: "agent",
    definition: "Agent",
    title: "An agent: agents/common/<id>.agent.json",
    syntax: "json",
    schema: AGENT_SCHEMA,
  },
];
