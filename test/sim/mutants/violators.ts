/** Engines that break one rule as senders, so that a receiver which does not enforce it shows. */
import type { Violation } from "../world.ts";
import type { Edit } from "./compile.ts";

export type ViolatorName = "ignores-stream-window";

export interface Violator extends Violation {
  readonly edits: readonly Edit[];
}

export const VIOLATORS: Readonly<Record<ViolatorName, Violator>> = {
  "ignores-stream-window": { violator: "client", code: "flow-control", edits: [] },
};
