/**
 * Where receipts go: one file for each call, and one entry in the node's log. The gateway writes against this much of
 * `trust`; the node puts the store behind it.
 */
export interface ReceiptBook {
  /** Keeps a receipt for ever; resolves when it is on disk. A later file of the same call replaces nothing. */
  add(correlationId: string, file: Uint8Array<ArrayBuffer>): Promise<StoredReceipt>;
}

export interface StoredReceipt {
  /** Names the receipt for `rtt why` and `rtt receipt`: the correlation id of its call. */
  readonly id: string;
  readonly path: string;
}
