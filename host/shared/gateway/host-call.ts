/**
 * One call on the host: read → known tool? → policy → schema → lane → device → receipt.
 *
 * Whatever happens, `run` comes back with a result that has a receipt. A call that was in flight when its lane died is
 * repeated only when its tool says that repeating does no harm, over the lane with which the device comes back.
 */
import { Failure } from "../ports/failure.ts";
import type { CallRecord, Lane } from "../ports/lane.ts";
import { toHex } from "../trust/bytes.ts";
import { digestText } from "../trust/digest-text.ts";
import { denial, intersectCaps } from "../trust/policy/evaluate.ts";
import { type Caps, type Decision, DEFAULT_CAPS, NO_POLICY } from "../trust/policy/model.ts";
import { lexicalPath } from "../trust/policy/paths.ts";
import {
  type DeviceFacts,
  type ElapsedUs,
  recordDecision,
  type ReceiptFacts,
} from "../trust/receipt/fields.ts";
import { makeCallRecord } from "./call-record.ts";
import { CONTRACTS, type ToolContract } from "./contract.ts";
import type { Directory, KnownTool } from "./directory.ts";
import { exchangeCall } from "./exchange.ts";
import { plainMessage } from "./frames.ts";
import type { ToolHostOptions } from "./host.ts";
import { outcomeOf } from "./outcome.ts";
import { decideCall } from "./permission.ts";
import { parseJson, scanObject } from "./raw-json.ts";
import type { StoredReceipt } from "./receipt-book.ts";
import { keepReceipt } from "./settle.ts";

export interface HostCallRequest {
  /** Null: no device has such a tool. */
  readonly deviceId: string | null;
  readonly tool: string;
  /** The bytes of the arguments, as the caller sent them. */
  readonly args: Uint8Array;
  /** Who asks: "local", "mcp:<client>". */
  readonly client: string;
  readonly depth: number;
  readonly timeoutMs?: number | undefined;
  readonly maxBytes?: number | undefined;
  readonly traceparent?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface HostCallResult {
  readonly correlationId: string;
  readonly facts: ReceiptFacts;
  /** The bytes of the result; null when there is a failure. */
  readonly result: Uint8Array | null;
  readonly failure: Failure | null;
  /** The contract under which the result stands; null: it is a tool's result as MCP has it. */
  readonly contract: ToolContract | null;
  /** Null only when not even the receipt could be kept, which is then the failure. */
  readonly receipt: KeptReceipt | null;
  /** How often the call was sent: more than once when the device went away and came back. */
  readonly attempts: number;
  readonly elapsedUs: ElapsedUs;
}

export interface KeptReceipt extends StoredReceipt {
  readonly isCountersigned: boolean;
}

/** How often a call is sent at most. */
const ATTEMPTS_MAX = 4;

export class HostCall {
  readonly #options: ToolHostOptions;
  readonly #directory: Directory;
  readonly #request: HostCallRequest;
  readonly #record: CallRecord;
  readonly #known: KnownTool | null;
  readonly #startedUs: number;
  readonly #elapsedUs: Record<string, number> = {};
  #caps: Caps;
  #decision: Decision | null = null;
  #served: DeviceFacts | null = null;
  /** Every lane that the call went over, in order. */
  readonly #lanes: Lane[] = [];
  #isTruncated = false;

  constructor(options: ToolHostOptions, directory: Directory, request: HostCallRequest) {
    this.#options = options;
    this.#directory = directory;
    this.#request = request;
    this.#startedUs = options.ports.clock.nowUs();
    const device = request.deviceId === null ? undefined : directory.get(request.deviceId);
    this.#known = device?.tools.get(request.tool) ?? null;
    const { limits } = options;
    const usual = CONTRACTS.get(request.tool)?.manifest.caps;
    this.#caps = {
      timeoutMs: Math.min(
        request.timeoutMs ?? usual?.timeoutMs ?? limits.timeoutMs,
        limits.timeoutMs,
      ),
      maxBytes: Math.min(request.maxBytes ?? usual?.maxBytes ?? limits.maxBytes, limits.maxBytes),
      maxDepth: limits.maxDepth,
    };
    this.#record = makeCallRecord(options.ports.random, {
      tenant: options.tenant,
      timeoutMs: this.#caps.timeoutMs,
      depth: request.depth,
      traceparent: request.traceparent,
      isIdempotent: this.#isIdempotent,
    });
  }

  async run(): Promise<HostCallResult> {
    try {
      const result = await this.#carry();
      return await this.#settle(result, null);
    } catch (thrown) {
      return this.#settle(null, Failure.from(thrown));
    }
  }

  /** Ends the call before it begins, with a receipt. */
  refuse(failure: Failure): Promise<HostCallResult> {
    return this.#settle(null, failure);
  }

  async #carry(): Promise<Uint8Array> {
    const args = this.#readArgs();
    const known = this.#known;
    if (known === null) throw unknownTool(this.#request.tool);
    await this.#decide(known, args);
    const problem = known.checkArgs(args);
    if (problem !== null) throw invalidArgs(this.#request.tool, problem);
    let failure = offline(this.#request.deviceId ?? "");
    for (let waitMs = 0; this.#lanes.length < ATTEMPTS_MAX; waitMs = this.#remainingMs()) {
      const lane = await this.#nextLane(waitMs);
      if (lane === null) throw failure;
      this.#lanes.push(lane);
      try {
        return await this.#send(lane, known);
      } catch (thrown) {
        failure = Failure.from(thrown);
        if (outcomeOf(failure) !== "unknown" || !this.#isIdempotent) throw failure;
        this.#options.log.info("call.repeat", {
          correlationId: this.#record.correlationId,
          failureCode: failure.code,
        });
      }
    }
    throw failure;
  }

  #readArgs(): unknown {
    try {
      scanObject(this.#request.args);
      return parseJson(this.#request.args);
    } catch (thrown) {
      throw invalidArgs(this.#request.tool, plainMessage(Failure.from(thrown)));
    }
  }

  async #decide(known: KnownTool, args: unknown): Promise<void> {
    const { ports, policy } = this.#options;
    const startedUs = ports.clock.nowUs();
    const { decision } = await decideCall(
      policy(),
      {
        principal: this.#request.client,
        tool: known.entry,
        args,
        pathArguments: CONTRACTS.get(known.entry.name)?.manifest.pathArguments ?? null,
        depth: this.#request.depth,
        caps: this.#caps,
      },
      ports.clock.wallMs(),
      lexicalPath,
    );
    this.#elapsedUs["policy"] = ports.clock.nowUs() - startedUs;
    this.#decision = decision;
    if (decision.effect === "deny") throw denial(decision);
    this.#caps = decision.caps;
  }

  async #nextLane(waitMs: number): Promise<Lane | null> {
    const { clock } = this.#options.ports;
    const startedUs = clock.nowUs();
    const last = this.#lanes.at(-1) ?? null;
    const { deviceId, signal } = this.#request;
    const lane = await this.#directory.laneTo(deviceId ?? "", last, waitMs, signal);
    this.#elapsedUs["route"] = (this.#elapsedUs["route"] ?? 0) + clock.nowUs() - startedUs;
    return lane;
  }

  async #send(lane: Lane, known: KnownTool): Promise<Uint8Array> {
    const { clock, digest } = this.#options.ports;
    const startedUs = clock.nowUs();
    try {
      const answer = await exchangeCall(lane, {
        record: { ...this.#record, timeoutMs: this.#remainingMs() },
        tool: { name: known.entry.name, version: known.entry.version },
        caps: { timeoutMs: this.#remainingMs(), maxBytes: this.#caps.maxBytes },
        policyId: this.#decision?.policy.id ?? NO_POLICY.id,
        callerId: this.#options.identity.id,
        bindings: this.#lanes.map((one) => toHex(one.peer.channelBinding)),
        args: this.#request.args,
        signal: this.#request.signal,
        onFacts: (facts) => (this.#served = facts),
      });
      this.#isTruncated = answer.isTruncated;
      if (this.#served?.served.received !== digestText(digest, this.#request.args)) {
        throw altered();
      }
      return answer.result;
    } finally {
      const tookUs = clock.nowUs() - startedUs;
      const deviceUs = this.#served?.served.elapsedUs["total"] ?? 0;
      this.#elapsedUs["network"] = Math.max(0, tookUs - deviceUs);
    }
  }

  /** Composes, signs, has countersigned and keeps the receipt. */
  async #settle(result: Uint8Array | null, failure: Failure | null): Promise<HostCallResult> {
    const { clock } = this.#options.ports;
    const endedUs = clock.nowUs();
    this.#elapsedUs["total"] = endedUs - this.#startedUs;
    const facts = this.#facts(result, failure);
    const shared = {
      correlationId: this.#record.correlationId,
      facts,
      contract: CONTRACTS.get(this.#request.tool) ?? null,
      attempts: this.#lanes.length,
    };
    try {
      const receipt = await keepReceipt(this.#options, facts, this.#servingLane());
      const elapsedUs = { ...this.#elapsedUs, receipt: clock.nowUs() - endedUs };
      return { ...shared, result, failure, receipt, elapsedUs };
    } catch (thrown) {
      // Without a receipt there is no result: a call that leaves no proof did not happen for the caller.
      const unkept = Failure.from(thrown);
      this.#options.log.error("receipt.lost", {
        correlationId: this.#record.correlationId,
        failure: unkept,
      });
      const elapsedUs = { ...this.#elapsedUs };
      return { ...shared, result: null, failure: unkept, receipt: null, elapsedUs };
    }
  }

  #facts(result: Uint8Array | null, failure: Failure | null): ReceiptFacts {
    const { identity, tenant, ports } = this.#options;
    const { args, client, deviceId, tool } = this.#request;
    const lane = this.#servingLane() ?? this.#lanes.at(-1) ?? null;
    const served = this.#served?.served ?? null;
    return {
      correlationId: this.#record.correlationId,
      auditId: this.#record.auditId,
      tenant,
      caller: identity.id,
      device: deviceId,
      tool: { name: tool.slice(0, 256) || "none", version: this.#known?.entry.version ?? "0.0.0" },
      planGeneration: this.#served?.planGeneration ?? 0,
      traceparent: this.#record.traceparent,
      client,
      host: {
        decision: recordDecision(this.#decision ?? this.#undecided(failure)),
        elapsedUs: { ...this.#elapsedUs },
      },
      served,
      caps: served === null ? this.#caps : intersectCaps(this.#caps, served.caps),
      sent: digestText(ports.digest, args),
      delivered: result === null ? null : digestText(ports.digest, result),
      isTruncated: this.#isTruncated,
      outcome: outcomeOf(failure),
      code: failure?.code ?? null,
      channel:
        lane === null
          ? null
          : {
              binding: toHex(lane.peer.channelBinding),
              handshake: lane.peer.handshake,
              carrier: lane.peer.carrier,
            },
    };
  }

  /** The lane over which the device says that it served the call. */
  #servingLane(): Lane | null {
    const binding = this.#served?.channelBinding;
    return this.#lanes.find((lane) => toHex(lane.peer.channelBinding) === binding) ?? null;
  }

  /** What stands for a decision when the call ended before policy was asked: nothing was allowed. */
  #undecided(failure: Failure | null): Decision {
    const policy = this.#options.policy();
    return {
      effect: "deny",
      code: failure?.code ?? null,
      ruleId: null,
      reason: "The call ended before any rule was asked",
      caps: DEFAULT_CAPS,
      paths: [],
      egress: [],
      policy:
        "rules" in policy
          ? { id: policy.id, version: policy.version, digest: policy.digest }
          : NO_POLICY,
    };
  }

  get #isIdempotent(): boolean {
    const hints = this.#known?.entry.annotations ?? {};
    return hints["idempotentHint"] === true || hints["readOnlyHint"] === true;
  }

  #remainingMs(): number {
    const spentMs = (this.#options.ports.clock.nowUs() - this.#startedUs) / 1000;
    return Math.max(1, Math.ceil(this.#caps.timeoutMs - spentMs));
  }
}

function unknownTool(name: string): Failure {
  return new Failure("tool-unknown", `no device has a tool "${name.slice(0, 128)}"`, {
    origin: "local",
    context: { tool: name.slice(0, 128) },
    remedy: "List the tools with `rtt tools`.",
  });
}

function invalidArgs(tool: string, problem: string): Failure {
  return new Failure("tool-args-invalid", `the arguments do not fit: ${problem}`, {
    origin: "local",
    context: { tool },
    remedy: "Look at the tool's schema with `rtt tools --json` and correct the arguments.",
  });
}

function offline(deviceId: string): Failure {
  return new Failure("device-offline", "the device is not connected", {
    origin: "peer",
    context: { device: deviceId },
    remedy: "Start `rtt up` on the device, and see `rtt doctor` there if it does not connect.",
  });
}

function altered(): Failure {
  return new Failure("protocol-violation", "the device received other arguments than were sent", {
    origin: "peer",
    remedy: "Do not trust the device; compare the receipts of both machines.",
  });
}
