/**
 * A host and a device in one process, joined by memory lanes, each with an identity, a signed policy and a book of
 * receipts; the tool servers are real child processes. What tests of the gateway stand on.
 */
import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { nodeClock } from "../../host/node/clock.ts";
import { nodeFiles } from "../../host/node/files.ts";
import { nodeProcesses } from "../../host/node/processes.ts";
import { nodeRandom } from "../../host/node/random.ts";
import { nodeSignatures } from "../../host/node/signatures.ts";
import { ToolDevice } from "../../host/shared/gateway/device.ts";
import { type HostLimits, ToolHost } from "../../host/shared/gateway/host.ts";
import type { PolicyInForce } from "../../host/shared/gateway/permission.ts";
import type { ReceiptBook } from "../../host/shared/gateway/receipt-book.ts";
import type { ToolServerLimits, ToolServerSpec } from "../../host/shared/gateway/tool-server.ts";
import { Failure } from "../../host/shared/ports/failure.ts";
import type { Json } from "../../host/shared/trust/canonical-json.ts";
import { createIdentity, type Identity } from "../../host/shared/trust/identity.ts";
import { openPolicy, signPolicy } from "../../host/shared/trust/policy/bundle.ts";
import { resolvePolicyPaths } from "../../host/shared/trust/policy/paths.ts";
import type { ReceiptFacts } from "../../host/shared/trust/receipt/fields.ts";
import { verifyReceipt } from "../../host/shared/trust/receipt/sign.ts";
import { SILENT } from "../../host/shared/telemetry/logger.ts";
import { type LanePair, linkLanes } from "./memory-lane.ts";

const digest = {
  sha256: (data: Uint8Array) => new Uint8Array(createHash("sha256").update(data).digest()),
};
export const PORTS = {
  clock: nodeClock,
  random: nodeRandom,
  digest,
  files: nodeFiles,
  signatures: nodeSignatures,
};

/** A book in memory that checks every file it takes. */
export class CheckedBook implements ReceiptBook {
  readonly files = new Map<string, Uint8Array<ArrayBuffer>>();
  isBroken = false;

  async add(correlationId: string, file: Uint8Array<ArrayBuffer>) {
    if (this.isBroken) {
      throw new Failure("folder-unwritable", "the disk is full", {
        origin: "host",
        remedy: "Free it.",
      });
    }
    verifyReceipt(PORTS, file);
    this.files.set(correlationId, file);
    return { id: correlationId, path: `memory/${correlationId}` };
  }

  facts(correlationId: string): ReceiptFacts {
    return verifyReceipt(PORTS, this.files.get(correlationId)!).facts;
  }
}

export interface WorldOptions {
  readonly hostRules: readonly Json[];
  readonly deviceRules: readonly Json[];
  readonly servers: readonly ToolServerSpec[];
  readonly limits?: Partial<HostLimits>;
  readonly serverLimits?: ToolServerLimits;
  readonly deviceConcurrentMax?: number;
}

export interface World {
  readonly host: ToolHost;
  readonly device: ToolDevice;
  readonly hostIdentity: Identity;
  readonly deviceIdentity: Identity;
  readonly hostBook: CheckedBook;
  readonly deviceBook: CheckedBook;
  /** Connects the device to the host and announces it. */
  connect(): Promise<LanePair>;
  /** Replaces a policy in force. */
  setPolicy(role: "host" | "device", rules: readonly Json[] | Failure): Promise<void>;
  close(): Promise<void>;
}

export async function createWorld(options: WorldOptions): Promise<World> {
  const hostIdentity = createIdentity(nodeRandom, nodeSignatures);
  const deviceIdentity = createIdentity(nodeRandom, nodeSignatures);
  const hostBook = new CheckedBook();
  const deviceBook = new CheckedBook();
  const policies = {
    host: await policyOf(hostIdentity, options.hostRules),
    device: await policyOf(deviceIdentity, options.deviceRules),
  };
  const host = new ToolHost({
    identity: hostIdentity,
    name: "desk",
    tenant: "default",
    ports: PORTS,
    policy: () => policies.host,
    book: hostBook,
    pairedName: () => "laptop",
    limits: {
      concurrentMax: 8,
      timeoutMs: 10_000,
      maxBytes: 1_048_576,
      maxDepth: 2,
      ...options.limits,
    },
    log: SILENT,
  });
  const device = new ToolDevice({
    identity: deviceIdentity,
    name: "laptop",
    tenant: "default",
    ports: PORTS,
    processes: nodeProcesses,
    policy: () => policies.device,
    book: deviceBook,
    servers: options.servers,
    concurrentMax: options.deviceConcurrentMax ?? 8,
    log: SILENT,
    ...(options.serverLimits === undefined ? {} : { serverLimits: options.serverLimits }),
  });
  await device.start();
  return {
    host,
    device,
    hostIdentity,
    deviceIdentity,
    hostBook,
    deviceBook,
    connect: async () => {
      const pair = linkLanes(
        {
          id: hostIdentity.id,
          publicKey: hostIdentity.publicKey,
          handlers: new Map([["tools", (call) => host.handle(call)]]),
        },
        {
          id: deviceIdentity.id,
          publicKey: deviceIdentity.publicKey,
          handlers: new Map([["tools", (call) => device.handle(call)]]),
        },
        nodeClock,
      );
      host.addLane(pair.left);
      await device.attach(pair.right);
      return pair;
    },
    setPolicy: async (role, rules) => {
      const identity = role === "host" ? hostIdentity : deviceIdentity;
      policies[role] = rules instanceof Failure ? rules : await policyOf(identity, rules);
    },
    close: () => device.close(),
  };
}

/** A signed policy of these rules, opened as a node opens it. */
async function policyOf(identity: Identity, rules: readonly Json[]): Promise<PolicyInForce> {
  const document = {
    kind: "mxp.policy/v1",
    id: "test",
    version: 1,
    notBefore: 1,
    notAfter: nodeClock.wallMs() + 3_600_000,
    rules,
  };
  const policy = openPolicy(PORTS, signPolicy(PORTS, document, identity.seed), {
    signers: [identity.publicKey],
    wallMs: nodeClock.wallMs(),
    tenant: "default",
    device: identity.id,
    accepted: () => undefined,
  });
  return resolvePolicyPaths(nodeFiles, policy);
}

/** A rule that allows tools to everyone, within limits. */
export function allow(resources: readonly string[], more: Record<string, Json> = {}): Json {
  return rule("allow", resources, more);
}

export function deny(resources: readonly string[], more: Record<string, Json> = {}): Json {
  return rule("deny", resources, more);
}

let rules = 0;
function rule(effect: string, resources: readonly string[], more: Record<string, Json>): Json {
  rules += 1;
  return {
    id: `${effect}-${rules}`,
    effect,
    principals: ["*"],
    actions: ["tool.call"],
    resources,
    reason: `The test says ${effect}.`,
    ...more,
  };
}

/** The real file server over a folder. */
export function fileServer(folder: string): ToolServerSpec {
  const manifest = createRequire(import.meta.url).resolve(
    "@modelcontextprotocol/server-filesystem/package.json",
  );
  return {
    name: "files",
    command: process.execPath,
    args: [join(dirname(manifest), "dist/index.js"), folder],
    folder,
    environment: {},
  };
}

/** The double that misbehaves on demand. */
export function doubleServer(mode: string): ToolServerSpec {
  return {
    name: mode,
    command: process.execPath,
    args: [join(import.meta.dirname, "tool-server-double.ts"), mode],
    folder: import.meta.dirname,
    environment: {},
  };
}
