/**
 * A person's project with a node in it: registry and generations as `rtt` leaves them, signed by the node's identity,
 * a node of both roles that offers its tools to itself, and real servers as child processes.
 */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { runCli } from "../../host/node/cli.ts";
import { type RunningNode, startNode } from "../../host/node/node.ts";
import { type Project, projectPaths, registryOptions } from "../../host/node/project.ts";
import { statePaths } from "../../host/node/state.ts";
import { trustPorts } from "../../host/node/trust-ports.ts";
import { loadConfig } from "../../host/shared/config/load.ts";
import type { ConfigSources } from "../../host/shared/config/load.ts";
import { DOOR_ADDRESS } from "../../host/shared/fabric/bridge/wired-servers.ts";
import {
  readGeneration,
  signGeneration,
  writeGeneration,
} from "../../host/shared/fabric/generation-file/generation-file.ts";
import type { Generation } from "../../host/shared/fabric/generation.ts";
import { makePlan, signPlan } from "../../host/shared/fabric/plan-file/plan-file.ts";
import type { RegistrySigner } from "../../host/shared/fabric/registry/ports.ts";
import { Registry } from "../../host/shared/fabric/registry/registry.ts";
import type { SignerChange } from "../../host/shared/fabric/registry/signer-changes.ts";
import { parseSymbolAddress } from "../../host/shared/fabric/symbol.ts";
import { SILENT } from "../../host/shared/telemetry/logger.ts";
import type { Json } from "../../host/shared/trust/canonical-json.ts";
import { readIdentity } from "../../host/shared/trust/key-file.ts";
import { temporaryFolder } from "./ports.ts";
import { policyOf, rule } from "./rtt.ts";

export const DOUBLE = join(import.meta.dirname, "tool-server-double.ts");
export const PATIENCE = { timeout: 15_000, interval: 50 };

const ports = trustPorts();

/** An `echo` as the scripted double has it. */
export function echo(description: string, more: object = {}): object {
  return {
    name: "echo",
    description,
    inputSchema: { type: "object", properties: { text: { type: "string" } } },
    ...more,
  };
}

export class WiringWorld {
  readonly root = temporaryFolder();
  readonly home = join(this.root, "home");
  readonly project: Project = projectPaths(join(this.root, "project"));
  readonly environment: Record<string, string | undefined> = {
    ...process.env,
    RTT_HOME: this.home,
    RTT_PROJECT: this.project.root,
    RTT_LISTEN: "127.0.0.1:0",
  };

  static async create(): Promise<WiringWorld> {
    const world = new WiringWorld();
    mkdirSync(world.project.root, { recursive: true });
    onTestFinished(() => rmSync(world.root, { recursive: true, force: true }));
    await world.rtt("init", world.project.root);
    return world;
  }

  /** Runs a verb in this process. */
  async rtt(...words: readonly string[]) {
    let [out, errors] = ["", ""];
    const code = await runCli(words, {
      environment: this.environment,
      writeOut: (text) => (out += text),
      writeError: (text) => (errors += text),
    });
    return { code, out, errors };
  }

  async ask<T>(...words: readonly string[]): Promise<T> {
    const { code, out, errors } = await this.rtt(...words, "--json");
    if (code !== 0) throw new Error(`rtt ${words.join(" ")} ended with ${code}: ${errors}`);
    return JSON.parse(out) as T;
  }

  path(...parts: readonly string[]): string {
    return join(this.root, ...parts);
  }

  async identity() {
    return readIdentity(ports, statePaths(this.home).identity, undefined);
  }

  /** The registry, written by the node's own identity or by another signer that it trusts. */
  async registry(signer?: RegistrySigner): Promise<Registry> {
    const options = await registryOptions(this, this.project);
    return Registry.open(ports, this.project.registry, signer ? { ...options, signer } : options);
  }

  /** The owner of the registry, for changes of its signers. */
  async change(): Promise<SignerChange> {
    return { folder: this.project.registry, owner: await this.identity() };
  }

  /** Registers a server, as a scan of `.mcp.json` would; returns its address. */
  async server(
    name: string,
    server: Readonly<Record<string, Json>>,
    signer?: RegistrySigner,
  ): Promise<string> {
    const address = `rtt://local/mcp-server/${name}@1.0.0`;
    const body = { type: "mcp-server", server: { name, version: "1.0.0", ...server } };
    const registry = await this.registry(signer);
    await registry.put({ kind: "mcp-server", address: parseSymbolAddress(address), body });
    return address;
  }

  /** A server that is the double. */
  double(name: string, ...args: readonly string[]): Promise<string> {
    return this.server(name, { transport: "stdio", command: "node", args: [DOUBLE, ...args] });
  }

  /** The file of a scripted double, written. */
  script(name: string, script: object): string {
    const path = this.path(`${name}.script.json`);
    writeFileSync(path, JSON.stringify(script));
    return path;
  }

  /** What a transaction to these routes of the door would be. */
  async transaction(to: readonly string[], more: Partial<Generation> = {}) {
    const registry = await this.registry();
    const stored = await readGeneration(ports, this.project.folder, await registry.signers());
    const current = stored?.generation ?? null;
    const routes = to
      .toSorted()
      .map((one) => ({ from: DOOR_ADDRESS, to: one, lane: "mxp" as const }));
    const symbols: Record<string, string> = {};
    for (const [address, { id }] of (await registry.view()).index.objects) {
      const isNeeded = to.includes(address) || to.some((one) => serverOf(one) === address);
      if (isNeeded) symbols[address] = `sha256:${id}`;
    }
    const plan = signPlan(
      ports,
      makePlan(ports, {
        base: { generation: current?.generation ?? 0, digest: stored?.digest ?? null },
        present: current?.routes ?? [],
        routes,
        placement: {},
        symbols,
        files: [],
      }),
      await this.identity(),
    );
    const target: Generation = {
      generation: (current?.generation ?? 0) + 1,
      plan: plan.plan_id,
      previous: stored?.digest ?? null,
      restores: null,
      canaryPercent: 100,
      routes,
      placement: {},
      symbols,
      files: [],
      ...more,
    };
    return { id: `${plan.plan_id} ${target.generation}`, plan, current, target, stored };
  }

  /** Puts a generation in force that wires exactly these addresses to the door. */
  async wire(to: readonly string[], more: Partial<Generation> = {}): Promise<Generation> {
    const { target, stored } = await this.transaction(to, more);
    const signed = signGeneration(ports, target, await this.identity());
    await writeGeneration(ports, this.project.folder, stored, signed);
    return target;
  }

  /** Lets everybody call these tools, on both roles. */
  async allow(resources: readonly string[]): Promise<void> {
    const { key } = await this.ask<{ key: string }>("id");
    await this.rtt("policy", "trust", key);
    for (const role of ["host", "device"] as const) {
      const source = this.path(`${role}.policy.json`);
      writeFileSync(source, JSON.stringify(policyOf(`test-${role}`, [rule(resources)])));
      await this.ask("policy", "sign", source, "--out", `${source}.signed`);
      await this.ask("policy", "install", `${source}.signed`, "--role", role);
    }
  }

  /** Starts the node; it ends with the test. */
  async up(flags: ConfigSources["flags"] = {}, isInProject = true): Promise<RunningNode> {
    const own = { name: "desk", roles: ["host", "device"], listen: "127.0.0.1:0" };
    const paths = statePaths(this.home);
    const node = await startNode({
      config: loadConfig({ yaml: null, environment: {}, flags: { ...own, ...flags } }),
      paths,
      environment: this.environment,
      log: SILENT,
      imported: {},
      project: isInProject ? this.project : null,
      passphrase: undefined,
      page: null,
      isTapped: false,
    });
    onTestFinished(() => node.close());
    return node;
  }

  /** The names that the door offers. */
  async offered(): Promise<readonly string[]> {
    const { tools } = await this.ask<{ tools: readonly { readonly name: string }[] }>("tools");
    return tools.map(({ name }) => name);
  }

  /** Calls a tool and returns its text, or the code of its failure with what the receipt says. */
  async call(
    tool: string,
    args: object,
  ): Promise<{ readonly text: string; readonly code: string }> {
    const { out } = await this.rtt("call", tool, "--args", JSON.stringify(args), "--json");
    const answer = JSON.parse(out) as {
      readonly result: { readonly content?: readonly { readonly text: string }[] } | null;
      readonly failure: { readonly code: string } | null;
    };
    return { text: answer.result?.content?.[0]?.text ?? "", code: answer.failure?.code ?? "" };
  }
}

/** The server that a tool's address belongs to. */
function serverOf(address: string): string {
  const [, provider = ""] = /^rtt:\/\/mcp\/([^/]+)\/tool\//.exec(address) ?? [];
  return `rtt://local/mcp-server/${provider}@1.0.0`;
}
