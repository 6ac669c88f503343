/** Projects in memory: a registry of manifests, agents and servers, configuration as texts, and drafts of their plans. */
import { readConfiguration } from "../../../../host/shared/fabric/configuration/configuration.ts";
import {
  type Draft,
  draftConnection,
  type DraftInput,
  draftPlan,
} from "../../../../host/shared/fabric/drafting/draft.ts";
import {
  readGeneration,
  signGeneration,
  writeGeneration,
} from "../../../../host/shared/fabric/generation-file/generation-file.ts";
import { generationAfter } from "../../../../host/shared/fabric/apply/target.ts";
import { loadHighsSolver } from "../../../../host/shared/fabric/planner/highs-solver.ts";
import type { RegistryObject } from "../../../../host/shared/fabric/registry/object.ts";
import { Registry } from "../../../../host/shared/fabric/registry/registry.ts";
import { parseSymbolAddress } from "../../../../host/shared/fabric/symbol.ts";
import { utf8 } from "../../../../host/shared/trust/bytes.ts";
import type { Json, JsonObject } from "../../../../host/shared/trust/canonical-json.ts";
import { MemoryFiles } from "../../../support/memory-files.ts";
import { testPorts } from "../../../support/ports.ts";
import { OWNER } from "../../../support/registry.ts";

export const ROOT = "/p";
const SOLVER = await loadHighsSolver();
const PANEL = { "routing.prefer": ["shm", "uds", "quic", "tcp"] };

/** A published manifest of a symbol. */
export function manifest(saddr: string, direction: string, more: JsonObject = {}): RegistryObject {
  const address = parseSymbolAddress(saddr);
  const body: Json = {
    $schema: "https://rtt/spec/v1",
    symbol: {
      saddr,
      type: address.type,
      direction,
      capabilities: [],
      qos: { latency_budget_ms: 100, throughput_qps: 1 },
      ...more,
    },
  };
  return { kind: address.type, address, body };
}

/** An agent, a rule or a server as a scan registers it. */
export function scanned(kind: string, saddr: string, inner: JsonObject = {}): RegistryObject {
  const address = parseSymbolAddress(saddr);
  const { name, version } = address;
  const member = kind === "mcp-server" ? "server" : kind;
  const body: Json = { type: kind, [member]: { name, version, description: name, ...inner } };
  return { kind, address, body };
}

export const SERVER = scanned("mcp-server", "rtt://local/mcp-server/github@1.0.0", {
  transport: "stdio",
  command: "npx",
  args: ["-y", "x"],
});
export const TOOL = {
  ...scanned("tool", "rtt://mcp/github/tool/search@1.0.0"),
  kind: "mcp_tool",
};
export const AGENT = scanned("agent", "rtt://local/agent/reviewer@1.0.0", {
  instructions: "You review.",
});

export class World {
  readonly files = new MemoryFiles();
  readonly ports = testPorts({ files: this.files });

  async registry(): Promise<Registry> {
    return Registry.open(this.ports, `${ROOT}/.rtt/registry`, { signer: OWNER });
  }

  async put(...objects: readonly RegistryObject[]): Promise<this> {
    await (await this.registry()).putAll(objects);
    return this;
  }

  /** A file from the project's root. */
  write(path: string, value: Json | string): this {
    const text = typeof value === "string" ? value : JSON.stringify(value);
    this.files.all.set(`${ROOT}/${path}`, utf8(text));
    return this;
  }

  async input(): Promise<DraftInput> {
    const registry = await this.registry();
    return {
      ports: this.ports,
      root: ROOT,
      registry,
      panel: PANEL,
      configuration: await readConfiguration(this.files, ROOT),
      current: await readGeneration(this.ports, `${ROOT}/.rtt`, await registry.signers()),
      solver: SOLVER,
      environment: null,
    };
  }

  async draft(): Promise<Draft> {
    return draftPlan(await this.input());
  }

  async connect(from: string, to: string): Promise<Draft> {
    const place = { path: "command line", line: 1 };
    const wish = { from, to, capabilities: [], isOptional: false, ...place };
    return draftConnection(await this.input(), wish);
  }

  /** Puts routes, placement and symbols of a draft in force; files are nobody's concern here. */
  async apply({ plan }: Draft): Promise<void> {
    const { current } = await this.input();
    const options = { restores: null, canaryPercent: 100 };
    const next = generationAfter({ ...plan, files: [] }, current, options);
    const signed = signGeneration(this.ports, next, OWNER);
    await writeGeneration(this.ports, `${ROOT}/.rtt`, current, signed);
  }
}

/** Routes as "from -> to", without what all addresses begin with. */
export function routesOf(draft: Draft): readonly string[] {
  const short = (text: string): string => text.replace("rtt://", "");
  return draft.routes.map(({ from, to }) => `${short(from)} -> ${short(to)}`);
}
