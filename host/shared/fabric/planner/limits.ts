/** How much the planner takes on. More than this is refused with `plan-invalid` before any work is done. */
export const SYMBOLS_MAX = 100_000;
export const WANTED_MAX = 100_000;
export const NODES_MAX = 64;
/** In each list of a policy. */
export const RULES_MAX = 1_000;
/** Alternatives in one rule of failover. */
export const ALTERNATIVES_MAX = 16;
/** Globs are a little longer than the longest address, because two of them may stand in one text. */
export const GLOB_CHARACTERS_MAX = 1_100;
/** Capabilities, scopes, inputs or outputs of one contract. */
export const LIST_MAX = 256;
export const RANGE_CHARACTERS_MAX = 256;
/** Pairs of consumer and possible provider that are looked at. */
export const PAIRS_MAX = 500_000;
/** Removed candidates that an explanation lists; the rest is counted. */
export const CANDIDATES_SHOWN = 20;
/** Wanted routes that an explanation's text names. */
export const WISHES_SHOWN = 20;
/**
 * A part of the graph that hangs together is solved exactly when its program has at most so many variables, and as
 * long as those of all parts together are not more than the second number. Measured in
 * docs/decisions/0022-planner.md.
 */
export const EXACT_VARIABLES_MAX = 600;
export const EXACT_VARIABLES_ALL_MAX = 2_400;
