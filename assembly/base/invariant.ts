/**
 * The two ways to stop on a bug: a broken invariant, and an unexpected call of the runtime's abort.
 *
 * Layer      base (L0)
 * Invariant  nothing that a peer, an input or the machine can cause ever reaches this file;
 *            those are values of `Status` (status.ts)
 */

/** Traps when `condition` is false. Release builds keep it: a wrong state must never send a byte. */
export function invariant(condition: bool): void {
  if (!condition) unreachable();
}

/** What the compiler calls for its own checks. The host sees a trap and discards the instance. */
export function abort(
  _message: string | null,
  _file: string | null,
  _line: u32,
  _column: u32,
): void {
  unreachable();
}
