/**
 * One call on the device, from the arrived frame to the last frame of the answer.
 *
 *   known tool? → own policy on real paths → reviewed? → schema → server → schema → cut → facts
 *
 * The order is the point: nothing reaches a server that the device's own policy has not allowed, whatever the host
 * says, and whatever happens ends in facts that go into a receipt.
 */
import type { Clock } from "../ports/clock.ts";
import type { Digest } from "../ports/digest.ts";
import { Failure } from "../ports/failure.ts";
import type { Files } from "../ports/files.ts";
import type { IncomingCall } from "../ports/lane.ts";
import { canonicalBytes, type JsonObject } from "../trust/canonical-json.ts";
import { digestText } from "../trust/digest-text.ts";
import { toHex, utf8 } from "../trust/bytes.ts";
import { denial } from "../trust/policy/evaluate.ts";
import { type Caps, type Decision, NO_POLICY } from "../trust/policy/model.ts";
import { resolveRealPath } from "../trust/policy/paths.ts";
import { type DeviceFacts, recordDecision } from "../trust/receipt/fields.ts";
import type { DeviceTool } from "./catalog.ts";
import { deltaFrames, INLINE_RESULT_MAX } from "./chunks.ts";
import { bindArguments } from "./contract.ts";
import { encodeFrame, publishedCode, toWire, type ToolCallStart, plainMessage } from "./frames.ts";
import { outcomeOf } from "./outcome.ts";
import { decideCall, type PolicyInForce } from "./permission.ts";
import { parseJson, scanObject } from "./raw-json.ts";
import { deliver, type Delivered } from "./result.ts";

export interface DeviceCallOptions {
  /** PeerId of this device. */
  readonly id: string;
  readonly tenant: string;
  readonly clock: Clock;
  readonly digest: Digest;
  readonly files: Files;
  readonly policy: () => PolicyInForce;
  /** The generation in force, which the receipt names; 0 where nothing was applied. */
  readonly planGeneration: () => number;
  readonly findTool: (name: string, version: string) => DeviceTool | undefined;
}

/** How a call ended on the device. */
export interface DeviceCallEnd {
  readonly frames: readonly Uint8Array[];
  readonly facts: DeviceFacts;
}

export class DeviceCall {
  readonly #options: DeviceCallOptions;
  readonly #call: IncomingCall;
  readonly #start: ToolCallStart;
  readonly #args: Uint8Array;
  readonly #startedUs: number;
  /** The generation in force when the call came: that under which it is served. */
  readonly #planGeneration: number;
  readonly #elapsedUs: Record<string, number> = {};
  #decision: Decision | null = null;
  #tool: DeviceTool | null = null;
  #returned: string | null = null;

  constructor(
    options: DeviceCallOptions,
    call: IncomingCall,
    start: ToolCallStart,
    args: Uint8Array,
  ) {
    this.#options = options;
    this.#call = call;
    this.#start = start;
    this.#args = args;
    this.#startedUs = options.clock.nowUs();
    this.#planGeneration = options.planGeneration();
  }

  /** Runs the call to its end. Never throws for anything that a host, a server or a policy can cause. */
  async run(): Promise<DeviceCallEnd> {
    try {
      const delivered = await this.#serve();
      const facts = this.#facts(null);
      return { frames: [...this.#completed(delivered, facts)], facts };
    } catch (thrown) {
      const failure = Failure.from(thrown);
      const facts = this.#facts(failure);
      return { frames: [this.#failed(failure, facts)], facts };
    }
  }

  async #serve(): Promise<Delivered> {
    const { name, version } = this.#start.tool;
    const tool = this.#options.findTool(name, version);
    this.#tool = tool ?? null;
    // From here on a change of servers waits for this call.
    const release = tool?.server.hold();
    try {
      return await this.#serveBy(tool);
    } finally {
      release?.();
    }
  }

  async #serveBy(tool: DeviceTool | undefined): Promise<Delivered> {
    const { name, version } = this.#start.tool;
    const args = this.#readArgs();
    // Policy speaks before anything else, so that a stranger cannot probe for tools.
    const paths = await this.#decide(tool, args);
    if (tool === undefined) throw unknownTool(name);
    if (tool.entry.version !== version) throw otherVersion(tool, version);
    if (tool.held !== null) throw tool.held;
    const problem = tool.checkArgs(args);
    if (problem !== null) throw invalidArgs(name, problem);
    const caps = this.#caps();
    const startedUs = this.#options.clock.nowUs();
    let returned: Uint8Array;
    try {
      returned = await tool.server.call(tool.serverTool, this.#serverArgs(tool, args, paths), {
        timeoutMs: caps.timeoutMs,
        signal: this.#call.signal,
      });
    } finally {
      this.#elapsedUs["tool"] = this.#options.clock.nowUs() - startedUs;
    }
    this.#returned = digestText(this.#options.digest, returned);
    return deliver(tool, returned, caps.maxBytes);
  }

  #readArgs(): unknown {
    try {
      scanObject(this.#args);
      return parseJson(this.#args);
    } catch (thrown) {
      throw invalidArgs(this.#start.tool.name, plainMessage(Failure.from(thrown)));
    }
  }

  async #decide(tool: DeviceTool | undefined, args: unknown): Promise<ReadonlyMap<string, string>> {
    const { clock, files, policy } = this.#options;
    const startedUs = clock.nowUs();
    const { decision, paths } = await decideCall(
      policy(),
      {
        principal: this.#call.peer.id,
        tool: tool?.entry ?? this.#start.tool,
        args,
        pathArguments: tool?.contract?.manifest.pathArguments ?? null,
        depth: this.#call.record.depth,
        caps: { ...this.#start.caps },
      },
      clock.wallMs(),
      (path) => resolveRealPath(files, path),
    );
    this.#elapsedUs["policy"] = clock.nowUs() - startedUs;
    this.#decision = decision;
    if (decision.effect === "deny") throw denial(decision);
    return paths;
  }

  /** The limits that hold here: the policy's and the host's, whichever is lower, and what is left of the time. */
  #caps(): Caps {
    const caps = this.#decision!.caps;
    return { ...caps, timeoutMs: Math.min(caps.timeoutMs, this.#call.record.timeoutMs) };
  }

  /** What the server gets: the bytes as they came, or, under a contract, a new request on real paths. */
  #serverArgs(tool: DeviceTool, args: unknown, paths: ReadonlyMap<string, string>): Uint8Array {
    if (tool.contract === null) return this.#args;
    const { manifest } = tool.contract;
    const resolved = Object.fromEntries(
      Object.entries(args as Record<string, unknown>).map(([name, value]) => [
        name,
        manifest.pathArguments.includes(name) ? (paths.get(String(value)) ?? value) : value,
      ]),
    );
    return utf8(JSON.stringify(bindArguments(manifest, resolved)));
  }

  #facts(failure: Failure | null): DeviceFacts {
    const { id, tenant, clock, digest, policy } = this.#options;
    const { record, peer } = this.#call;
    const decision = this.#decision;
    this.#elapsedUs["total"] = clock.nowUs() - this.#startedUs;
    const contract = this.#tool?.entry ?? null;
    return {
      correlationId: record.correlationId,
      auditId: record.auditId,
      tenant,
      caller: peer.id,
      device: id,
      tool: this.#start.tool,
      planGeneration: this.#planGeneration,
      channelBinding: toHex(peer.channelBinding),
      served: {
        decision: decision === null ? undecided(policy()) : recordDecision(decision),
        caps: decision === null ? { ...this.#start.caps, maxDepth: record.depth } : decision.caps,
        received: digestText(digest, this.#args),
        returned: this.#returned,
        argsSchema: contract === null ? null : schemaDigest(digest, contract.argsSchema),
        resultSchema:
          contract?.resultSchema == null ? null : schemaDigest(digest, contract.resultSchema),
        outcome: outcomeOf(failure),
        code: failure?.code ?? null,
        elapsedUs: { ...this.#elapsedUs },
      },
    };
  }

  *#completed(delivered: Delivered, facts: DeviceFacts): Generator<Uint8Array> {
    const { correlation_id } = this.#start;
    let chunks = 0;
    for (const frame of deltaFrames(correlation_id, delivered.bytes)) {
      chunks += 1;
      yield frame;
    }
    const isInline = delivered.bytes.length <= INLINE_RESULT_MAX;
    yield encodeFrame(
      {
        type: "tool.call.completed",
        correlation_id,
        elapsed_ms: Math.round((facts.served.elapsedUs["total"] ?? 0) / 1000),
        facts,
        truncated: delivered.isTruncated,
        chunks,
      },
      { name: "result", bytes: isInline ? delivered.bytes : utf8("null") },
    );
  }

  #failed(failure: Failure, facts: DeviceFacts): Uint8Array {
    return encodeFrame({
      type: "tool.call.error",
      correlation_id: this.#start.correlation_id,
      code: publishedCode(failure.code),
      message: plainMessage(failure),
      failure: toWire(failure),
      facts,
    });
  }
}

/** A schema's digest over its canonical form, so that key order does not matter. */
export function schemaDigest(digest: Digest, schema: object): string {
  return digestText(digest, canonicalBytes(schema as JsonObject));
}

/** The call ended before policy was asked: its arguments were no JSON. Nothing was allowed. */
function undecided(policy: PolicyInForce): DeviceFacts["served"]["decision"] {
  const reason = "The call could not be read, so no rule was asked";
  const named =
    "rules" in policy
      ? { id: policy.id, version: policy.version, digest: policy.digest }
      : NO_POLICY;
  return { effect: "deny", code: "tool-args-invalid", rule: null, reason, policy: named };
}

function unknownTool(name: string): Failure {
  return new Failure("tool-unknown", `there is no tool "${name}" on this device`, {
    origin: "peer",
    context: { tool: name },
    remedy: "List the tools with `rtt tools`; the catalogue may have changed.",
  });
}

function otherVersion(tool: DeviceTool, version: string): Failure {
  const { name } = tool.entry;
  return new Failure("tool-version", `"${name}" is here in version ${tool.entry.version}`, {
    origin: "peer",
    context: { tool: name, asked: version, offered: tool.entry.version },
    remedy: "List the tools with `rtt tools` and call the version that is there.",
  });
}

function invalidArgs(tool: string, problem: string): Failure {
  return new Failure("tool-args-invalid", `the arguments do not fit: ${problem}`, {
    origin: "local",
    context: { tool },
    remedy: "Look at the tool's schema with `rtt tools --json` and correct the arguments.",
  });
}
