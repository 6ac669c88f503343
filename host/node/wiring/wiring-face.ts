/** What the doors of a running node may ask of its wiring, and what they are shown. */
import type { CallSample } from "../../shared/fabric/apply/slo.ts";
import type { ReviewState } from "../../shared/fabric/bridge/review.ts";
import type { ToolChange } from "../../shared/fabric/bridge/tool-changes.ts";
import type { ToolDescription } from "../../shared/fabric/bridge/tool-description.ts";
import type { DigestText } from "../../shared/fabric/plan.ts";
import type { ErrorCode } from "../../shared/ports/failure.ts";
import type { WiringChange } from "./wiring.ts";

export interface WiringFace {
  shown(): ShownWiring;
  /** The calls of tools of this node under a generation. */
  calls(generation: number): readonly CallSample[];
  /** Every tool of every server of this node, with what is to be said of it. */
  servers(): readonly ShownServerTools[];
  prepare(change: WiringChange): Promise<void>;
  commit(change: WiringChange): Promise<void>;
  abort(id: string): Promise<void>;
}

export interface ShownWiring {
  /** PeerId of the node. */
  readonly node: string;
  /** Under which names a placement may mean it. */
  readonly nodeNames: readonly string[];
  /** The project's folder, with every link resolved. */
  readonly root: string;
  readonly generation: number;
  /** Each wired address with the digest of what it means. */
  readonly items: Readonly<Record<string, DigestText>>;
  readonly problems: readonly {
    readonly code: ErrorCode;
    readonly message: string;
    readonly remedy: string;
  }[];
}

export interface ShownServerTools {
  readonly server: string;
  readonly version: string;
  readonly tools: readonly ShownReview[];
}

export interface ShownReview {
  readonly tool: ToolDescription;
  readonly state: ReviewState;
  readonly changes: readonly ToolChange[];
  readonly hidden: readonly string[];
  /** Why it is held; null when it is offered, or not wired. */
  readonly held: string | null;
  readonly isWired: boolean;
}
