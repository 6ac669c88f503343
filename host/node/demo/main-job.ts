/**
 * The main job: what the first command shows. Host, device and file server are processes of their own; the device
 * dials the host by MXP over UDP; an ordinary MCP client makes four calls through `rtt mcp`.
 */
import { createHash } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { askNodeJson } from "../control.ts";
import type { NodeStatus } from "../node-face.ts";
import { Failure } from "../../shared/ports/failure.ts";
import { Agent, type AgentAnswer } from "./agent.ts";
import {
  type CheckedReceipt,
  checkReceipt,
  searchWire,
  tamper,
  type Tampering,
  type WireReport,
} from "./evidence.ts";
import { NodeProcess } from "./node-process.ts";
import { createWorld, DEVICE_NAME, type DemoWorld, HOST_NAME, introduceHost } from "./world.ts";

const CONNECT_MS = 60_000;

/** A running main job: both nodes are up, and the device is connected. */
export class MainJob {
  readonly world: DemoWorld;
  readonly host: NodeProcess;
  #device: NodeProcess;
  #agent: Agent | null = null;
  #starting: Promise<NodeProcess> | null = null;
  #isClosing = false;

  private constructor(world: DemoWorld, host: NodeProcess, device: NodeProcess) {
    this.world = world;
    this.host = host;
    this.#device = device;
  }

  /** Starts both nodes; `listen` is where the host listens. Leaves no process behind when it fails. */
  static async start(listen: string): Promise<MainJob> {
    const world = await createWorld();
    const hostArgs = ["--host", "--name", HOST_NAME, "--listen", listen, "--tap"];
    const host = await NodeProcess.start(world.host.paths.home, hostArgs);
    try {
      const { address } = host.ready.udp;
      // The device is on this machine; what is bound to every interface is reached by loopback too.
      await introduceHost(world, address.replace(/@.*:/, "@127.0.0.1:"));
      const device = await startDevice(world);
      const job = new MainJob(world, host, device);
      await job.#whenConnected();
      return job;
    } catch (thrown) {
      await host.stop();
      throw thrown;
    }
  }

  get device(): NodeProcess {
    return this.#device;
  }

  /** The agent, started at its first use: `rtt mcp` needs a node that runs. */
  async agent(): Promise<Agent> {
    this.#agent ??= await Agent.start(this.world.host.paths.home);
    return this.#agent;
  }

  async read(path: string): Promise<AgentAnswer> {
    const agent = await this.agent();
    return agent.call(`${DEVICE_NAME}__fs_read`, { path });
  }

  /**
   * Reads a file while its device dies: the device is frozen, so that the call is certainly under way and
   * unanswered, then killed, then started again.
   */
  async readWhileDeviceDies(path: string): Promise<AgentAnswer> {
    const answer = this.read(path);
    // A failure is told where it is awaited, also when the steps below fail first.
    answer.catch(() => {});
    this.#device.freeze();
    await this.#whenCallIsUnderWay();
    await this.#device.kill();
    if (this.#isClosing) throw interrupted();
    this.#starting = startDevice(this.world);
    this.#device = await this.#starting;
    return answer;
  }

  /** Ends everything, also a device that is just starting anew. */
  async close(): Promise<void> {
    this.#isClosing = true;
    await this.#agent?.close();
    await this.#starting?.then(
      (device) => device.stop(),
      () => {},
    );
    await Promise.all([this.#device.stop(), this.host.stop()]);
  }

  status(): Promise<NodeStatus> {
    const request = { method: "GET", path: "/v1/status" } as const;
    return askNodeJson<NodeStatus>(this.world.host.paths.control, request);
  }

  #whenConnected(): Promise<void> {
    return until("the device did not connect to the host", async () => {
      const { devices } = await this.status();
      return devices.some(({ isOnline, tools }) => isOnline && tools > 0);
    });
  }

  #whenCallIsUnderWay(): Promise<void> {
    return until("the call did not begin", async () => (await this.status()).callsRunning > 0);
  }
}

function interrupted(): Failure {
  return new Failure("cancelled", "the main job was ended before it was done", {
    origin: "local",
    remedy: "Start it again.",
  });
}

function startDevice(world: DemoWorld): Promise<NodeProcess> {
  const args = ["--device", "--name", DEVICE_NAME, "--folder", world.files];
  return NodeProcess.start(world.device.paths.home, args);
}

async function until(problem: string, isSo: () => Promise<boolean>): Promise<void> {
  const endsMs = performance.now() + CONNECT_MS;
  while (!(await isSo())) {
    if (performance.now() > endsMs) {
      throw new Failure("deadline-exceeded", problem, {
        origin: "host",
        context: { waitedMs: CONNECT_MS },
        remedy: "Check with `rtt doctor` that UDP works on this machine.",
      });
    }
    await delay(20);
  }
}

/** Everything that the main job found out. */
export interface MainJobReport {
  readonly revision: string;
  readonly tools: readonly string[];
  readonly handshake: string;
  readonly allowed: AgentAnswer;
  readonly deniedByHost: AgentAnswer;
  readonly deniedByDevice: AgentAnswer;
  readonly recovered: AgentAnswer;
  readonly sha256: string;
  readonly receipts: readonly CheckedReceipt[];
  readonly tampering: Tampering;
  readonly wire: WireReport;
  readonly isOk: boolean;
}

/** Says what happens while it happens. */
export type Narrator = (step: string, lines: readonly string[]) => void;

/** Makes the four calls and gathers the evidence. */
export async function runMainJob(job: MainJob, tell: Narrator): Promise<MainJobReport> {
  const { world } = job;
  const agent = await job.agent();
  const tools = await agent.tools();
  const { devices } = await job.status();
  const handshake = devices[0]?.handshake ?? "none";
  tell("An MCP client is offered", tools);
  const allowed = await job.read(world.allowed.path);
  tell("1. A file that both policies allow", describe(allowed));
  const deniedByHost = await job.read(world.deniedByHost);
  tell("2. A file that the host denies", describe(deniedByHost));
  const deniedByDevice = await job.read(world.deniedByDevice);
  tell("3. A file that the host allows and the device denies", describe(deniedByDevice));
  const recovered = await job.readWhileDeviceDies(world.allowed.path);
  tell("4. The device is killed during the call, and comes back", describe(recovered));
  const calls = [allowed, deniedByHost, deniedByDevice, recovered];
  const receipts: CheckedReceipt[] = [];
  for (const { meta } of calls) {
    receipts.push(await checkReceipt(world, meta["rtt/correlationId"]));
  }
  tell(
    "Receipts, verified offline against the host's signed log",
    receipts.map(({ id, outcome, signers }) => `${id}  ${outcome}, by ${signers.join(" and ")}`),
  );
  const tampering = tamper(world, allowed.meta["rtt/receipt"]?.path ?? "");
  tell(`The same receipt with byte ${tampering.offset} changed`, [tampering.said]);
  const secrets = [world.allowed.path, world.allowed.content.trim(), "report-", "fs.read"];
  const wire = await searchWire(world, secrets);
  tell("What a wire-tap sees", describeWire(wire));
  const sha256 = createHash("sha256").update(allowed.text).digest("hex");
  const found = { allowed, deniedByHost, deniedByDevice, recovered, receipts, tampering, wire };
  const isOk = judge(world, found);
  return { revision: agent.revision, tools, handshake, sha256, ...found, isOk };
}

type Found = Omit<MainJobReport, "revision" | "tools" | "handshake" | "sha256" | "isOk">;

/** Whether everything came out as it has to. */
function judge(world: DemoWorld, found: Found): boolean {
  return [
    found.allowed.text === world.allowed.content,
    isDeniedBy("host", found.deniedByHost),
    isDeniedBy("device", found.deniedByDevice),
    hasRecovered(world, found.recovered),
    found.receipts.every(({ isVerified }) => isVerified),
    found.receipts[0]?.signers.length === 2,
    found.tampering.isDetected,
    found.wire.datagrams > 0 && found.wire.found.length === 0,
  ].every(Boolean);
}

/** Denied by this side's own policy; the device is only asked when the host has allowed the call. */
export function isDeniedBy(side: "host" | "device", answer: AgentAnswer): boolean {
  const { host, device } = answer.meta["rtt/decision"];
  if (!answer.isError) return false;
  return side === "host"
    ? host?.effect === "deny" && device === null
    : host?.effect === "allow" && device?.effect === "deny";
}

export function hasRecovered(world: DemoWorld, answer: AgentAnswer): boolean {
  return answer.text === world.allowed.content && answer.meta["rtt/attempts"] > 1;
}

function describe(answer: AgentAnswer): readonly string[] {
  const { host, device } = answer.meta["rtt/decision"];
  const sides = [["host", host] as const, ["device", device] as const];
  const decisions = sides.flatMap(([side, decision]) =>
    decision === null
      ? []
      : [`${side}: ${decision.effect} by policy ${decision.policy.id}: ${decision.reason}`],
  );
  const attempts = answer.meta["rtt/attempts"];
  const times = attempts > 1 ? `, sent ${attempts} times` : "";
  return [
    answer.text.trim(),
    ...decisions,
    `${(answer.elapsedUs / 1000).toFixed(1)} ms for the agent${times}`,
  ];
}

function describeWire({ datagrams, bytes, found, sample }: WireReport): readonly string[] {
  return [
    `${datagrams} datagrams; in the last ${bytes} bytes ${found.length === 0 ? "neither path, content nor tool name" : `readable: ${found.join(", ")}`}`,
    `for example ${sample}…`,
  ];
}
