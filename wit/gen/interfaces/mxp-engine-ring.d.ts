/** @module Interface mxp:engine/ring@0.1.0 **/
export type ErrorCode = import('./mxp-engine-types.js').ErrorCode;

export class Ring {
  /**
   * This type does not have a public constructor.
   */
  private constructor();
  /**
  * `slots` is a power of two from 2 to 65,536; an entry has at most `slot-bytes` − 8 bytes.
  * 
  * # Typical errors
  * `argument-invalid`, `memory-limit`.
  */
  static create(slots: number, slotBytes: number): Ring;
  /**
  * Appends one entry: `would-block` when the ring is full, `message-too-large` when it never fits.
  */
  push(entry: Uint8Array): void;
  /**
  * Takes the oldest entry, or nothing.
  */
  pop(): Uint8Array | undefined;
  /**
  * Entries that wait.
  */
  depth(): number;
}
