/** What passes between the thread that serves the kernel and the one that started it. */
import type { MessagePort } from "node:worker_threads";
import type { FailureContext, ErrorCode } from "../../shared/ports/failure.ts";
import type { Owner } from "./reply.ts";
import type { Snapshot } from "./snapshot.ts";

/** Two counters that both threads see: set to 1 to stop; raised with every tree that is sent. */
export const STOP = 0;
export const TREES = 1;
export const CONTROL_BYTES = 8;

export interface WorkerData {
  /** The number of the open device; file numbers are the process's, not a thread's. */
  readonly device: number;
  readonly trees: MessagePort;
  readonly control: SharedArrayBuffer;
  readonly snapshot: Snapshot;
  readonly owner: Owner;
}

/** A failure without what cannot be sent between threads. */
export interface FailureReport {
  readonly code: ErrorCode;
  readonly message: string;
  readonly context: FailureContext;
}

export type WorkerMessage =
  | {
      readonly kind: "init";
      readonly kernel: { readonly major: number; readonly minor: number };
      readonly isAgreed: boolean;
    }
  | { readonly kind: "failure"; readonly failure: FailureReport };
