/** What the doors of a running node may ask of it: the seam between `node.ts` and everything that speaks for it. */
import type { NamedCallRequest } from "../shared/gateway/host.ts";
import type { HostCallResult } from "../shared/gateway/host-call.ts";
import type { CatalogTool } from "../shared/gateway/frames.ts";
import type { DatagramCapabilities } from "../shared/ports/datagrams.ts";
import type { ShownWiring, WiringFace } from "./wiring/wiring-face.ts";

export type { ShownWiring };

export interface NodeFace {
  /** Null on a node that runs in no project, or is no device. */
  readonly wiring: WiringFace | null;
  health(): Health;
  status(): Promise<NodeStatus>;
  /** The tools that `client` may call some way, under their names, in one order. */
  tools(client: string): readonly ShownTool[];
  call(request: NamedCallRequest): Promise<HostCallResult>;
  receipts(limit: number): Promise<readonly ShownReceipt[]>;
  /** What a wire-tap sees; null when this node records nothing. */
  wire(): ShownWire | null;
  invite(request: InviteRequest): Promise<InviteAnswer>;
  /** Takes in peers that another process wrote. */
  reload(): Promise<void>;
  /** Ends the node; returns at once. */
  stop(): void;
}

export interface Health {
  readonly status: "ok" | "degraded";
  readonly roles: readonly string[];
  /** What is not as it should be, in a few words each. */
  readonly problems: readonly string[];
}

export interface NodeStatus {
  readonly id: string;
  readonly name: string;
  readonly tenant: string;
  readonly roles: readonly string[];
  readonly pid: number;
  /** Where the transport listens, and how others address it. */
  readonly udp: { readonly host: string; readonly port: number; readonly address: string };
  readonly capabilities: DatagramCapabilities;
  readonly policies: Readonly<Record<string, ShownPolicy>>;
  readonly devices: readonly ShownDevice[];
  readonly hosts: readonly ShownHost[];
  readonly servers: readonly ShownServer[];
  readonly callsRunning: number;
}

export interface ShownPolicy {
  readonly id: string | null;
  readonly version: number | null;
  readonly notAfterMs: number | null;
  /** Why there is none. */
  readonly problem: string | null;
  /** What to do about the problem. */
  readonly remedy: string | null;
}

export interface ShownDevice {
  readonly id: string;
  readonly name: string;
  readonly isOnline: boolean;
  readonly tools: number;
  /** How often it has announced its tools. */
  readonly announced: number;
  readonly remote: string | null;
  readonly carrier: string | null;
  readonly handshake: string | null;
  readonly rttUs: number | null;
}

export interface ShownHost {
  readonly address: string;
  readonly state: string;
  readonly problem: string | null;
  /** What to do about the problem. */
  readonly remedy: string | null;
}

export interface ShownServer {
  readonly name: string;
  readonly state: string;
  readonly pid: number | null;
  readonly tools: number;
  readonly restarts: number;
  readonly problem: string | null;
  /** What to do about the problem. */
  readonly remedy: string | null;
}

export interface ShownTool {
  readonly name: string;
  readonly device: { readonly id: string; readonly name: string; readonly isOnline: boolean };
  readonly tool: Omit<CatalogTool, "schema">;
}

export interface ShownReceipt {
  readonly correlationId: string;
  readonly tool: string;
  readonly client: string;
  readonly outcome: string;
  readonly code: string | null;
  readonly signers: readonly string[];
  readonly isVerified: boolean;
  readonly elapsedUs: { readonly host: object | null; readonly device: object | null };
}

export interface ShownWire {
  /** Datagrams since the start; only the last ones are kept. */
  readonly seen: number;
  readonly datagrams: readonly {
    readonly atMs: number;
    readonly direction: "in" | "out";
    readonly remote: string;
    readonly bytes: number;
    readonly base64: string;
  }[];
}

export interface InviteRequest {
  /** How long the code is good for. */
  readonly validMs: number;
  /** The host name or address under which the joiner reaches this node; null: chosen here. */
  readonly host: string | null;
}

export interface InviteAnswer {
  readonly code: string;
  readonly address: string;
  readonly expiresMs: number;
  readonly policyId: string;
}
