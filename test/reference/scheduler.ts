/** Twin of assembly/stream/scheduler.ts: what each band is owed, in bytes sent while all bands had something to send. */
export const WEIGHTS = [8, 4, 2, 1] as const;
export const QUANTUM_BYTES = 1200;

/** Bytes that each of the `isBusy` bands gets of `total`. */
export function fairShares(isBusy: readonly boolean[], total: number): number[] {
  const sum = WEIGHTS.reduce(
    (part, weight, band) => part + (isBusy[band] === true ? weight : 0),
    0,
  );
  return WEIGHTS.map((weight, band) => (isBusy[band] === true ? (total * weight) / sum : 0));
}

/** The most bytes of other bands that leave before a band that becomes busy is served. */
export function waitBound(band: number, frameBytes: number): number {
  return WEIGHTS.reduce(
    (part, weight, other) => (other === band ? part : part + weight * QUANTUM_BYTES + frameBytes),
    0,
  );
}
