/**
 * A generation: what is in force after a plan was applied. Each is kept, signed, so that any can be gone back to.
 *
 *   .rtt/generation.dsse.json        the one in force; replacing it is the flip that readers see
 *   .rtt/generations/<n>.dsse.json   every one that was in force
 *   .rtt/private/sha256/<hash>       what user's files held before a merge, mode 0600, never exported
 */
import type { DigestText, PlanId, PlannedRoute } from "./plan.ts";

interface ShownFile {
  /** From the project's root. */
  readonly path: string;
  readonly view: string;
  /** What is there as long as nobody else has changed it. */
  readonly digest: DigestText;
}

export interface ShownLink extends ShownFile {
  readonly how: "link";
  /** What the user's own file held whose place the first link took; missing: there was none. */
  readonly original?: DigestText;
}

export interface ShownMerge extends ShownFile {
  readonly how: "merge";
  readonly fields: DigestText;
  /** What was there before the first generation that merged into it; null: there was no file. */
  readonly original: DigestText | null;
}

export type GenerationFile = ShownLink | ShownMerge;

export interface Generation {
  /** 1 for the first. */
  readonly generation: number;
  readonly plan: PlanId;
  /** Digest of the generation before; null for the first. */
  readonly previous: DigestText | null;
  /** The number of the generation that this one brings back; null for one that is new. */
  readonly restores: number | null;
  /** Percent of the routes that are in force while a change is watched; 100 once it has proved itself. */
  readonly canaryPercent: number;
  /** All routes in force, sorted. */
  readonly routes: readonly PlannedRoute[];
  readonly placement: Readonly<Record<string, string>>;
  readonly symbols: Readonly<Record<string, DigestText>>;
  /** All files that views show, sorted by path. */
  readonly files: readonly GenerationFile[];
}
