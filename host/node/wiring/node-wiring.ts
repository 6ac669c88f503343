/** The wiring of one running node, put together: the files of its project, its gate, its recent calls, its face. */
import { realpathSync } from "node:fs";
import { plainMessage } from "../../shared/gateway/frames.ts";
import type { ServedCall, ToolDevice } from "../../shared/gateway/device.ts";
import type { ToolGate } from "../../shared/gateway/tool-gate.ts";
import type { ToolServer } from "../../shared/gateway/tool-server.ts";
import type { Logger } from "../../shared/telemetry/logger.ts";
import type { TrustPorts } from "../../shared/trust/ports.ts";
import { type Project, projectPaths } from "../project.ts";
import type { Environment } from "../tool-servers.ts";
import { ProjectFiles } from "./project-files.ts";
import { RecentCalls } from "./recent-calls.ts";
import { Wiring, type WiringChange } from "./wiring.ts";
import type { ShownServerTools, ShownWiring, WiringFace } from "./wiring-face.ts";

export interface NodeWiringOptions {
  readonly project: Project;
  readonly home: string;
  readonly ports: TrustPorts;
  readonly environment: Environment;
  /** PeerId and name of the node. */
  readonly id: string;
  readonly name: string;
  /** Names of the servers that the node's configuration has. */
  readonly configured: readonly string[];
  readonly log: Logger;
}

/** A placement on "local" means whichever node applies the plan. */
const LOCAL = "local";

/** How long a server that `rtt apply` adds may take to come up. */
const PREPARE_MS = 25_000;

export class NodeWiring implements WiringFace {
  readonly #options: NodeWiringOptions;
  readonly #nodeNames: ReadonlySet<string>;
  readonly #wiring: Wiring;
  readonly #calls = new RecentCalls();
  #device: ToolDevice | null = null;

  constructor(options: NodeWiringOptions) {
    const { ports, home, environment, configured, log } = options;
    this.#options = options;
    this.#nodeNames = new Set([LOCAL, options.id, options.name]);
    // One name for the folder, however the two programs have come to it.
    const project = projectPaths(realpathSync(options.project.root));
    this.#wiring = new Wiring({
      files: new ProjectFiles(ports, home, project),
      clock: ports.clock,
      environment,
      nodeNames: this.#nodeNames,
      taken: new Set(configured),
      log,
    });
  }

  get gate(): ToolGate {
    return this.#wiring.gate;
  }

  get generation(): number {
    return this.#wiring.generation;
  }

  noteCall(call: ServedCall): void {
    this.#calls.note(call);
  }

  start(device: ToolDevice): Promise<void> {
    this.#device = device;
    return this.#wiring.start(device);
  }

  close(): void {
    this.#wiring.close();
  }

  /** What is not as it should be, in a few words each. */
  problems(): readonly string[] {
    const held = this.servers().flatMap(({ server, tools }) =>
      tools.filter((tool) => tool.held !== null).map(({ tool }) => `${server}/${tool.name}`),
    );
    const heldText = `held until reviewed (rtt tools review): ${held.slice(0, 5).join(", ")}`;
    return [
      ...this.#wiring.problems.map((problem) => `wiring: ${plainMessage(problem)}`),
      ...(held.length === 0 ? [] : [held.length > 5 ? `${heldText}, …` : heldText]),
    ];
  }

  shown(): ShownWiring {
    const { root, generation, problems } = this.#wiring;
    return {
      node: this.#options.id,
      nodeNames: [...this.#nodeNames],
      root,
      generation,
      items: Object.fromEntries(this.#wiring.items()),
      problems: problems.map((problem) => {
        const { code, remedy } = problem;
        return { code, message: plainMessage(problem), remedy };
      }),
    };
  }

  calls(generation: number) {
    return this.#calls.under(generation);
  }

  servers(): readonly ShownServerTools[] {
    return (this.#device?.servers ?? []).map((server) => this.#reviewed(server));
  }

  #reviewed({ spec: { name }, version, tools }: ToolServer): ShownServerTools {
    const { gate } = this.#wiring;
    const gated = { name, version, tools };
    return {
      server: name,
      version,
      tools: tools.map((tool) => {
        const { state, changes, hidden } = gate.review(gated, tool);
        const verdict = gate.judge(gated, tool);
        const held = verdict.kind === "held" ? plainMessage(verdict.failure) : null;
        return { tool, state, changes, hidden, held, isWired: verdict.kind !== "left-out" };
      }),
    };
  }

  prepare(change: WiringChange): Promise<void> {
    return this.#wiring.prepare(change, PREPARE_MS);
  }

  commit(change: WiringChange): Promise<void> {
    return this.#wiring.commit(change);
  }

  abort(id: string): Promise<void> {
    return this.#wiring.abort(id);
  }
}
