/** The planted defects: each a small, plausible slip in the engine, with what it breaks. */
import type { Edit } from "./compile.ts";
import { CONNECTION_MUTANTS } from "./connection-mutants.ts";
import { STREAM_MUTANTS } from "./stream-mutants.ts";
import type { ViolatorName } from "./violators.ts";

export interface Mutant {
  readonly name: string;
  /** What goes wrong, for a reader. */
  readonly explanation: string;
  readonly edits: readonly Edit[];
  /** The peer that breaks the rule which this mutant no longer enforces; null when sound peers are enough. */
  readonly against: ViolatorName | null;
}

export const MUTANTS: readonly Mutant[] = [...CONNECTION_MUTANTS, ...STREAM_MUTANTS];
