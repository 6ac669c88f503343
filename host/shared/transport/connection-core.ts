/** What a stream needs of its connection: the engine, the connection's handle there, and a way to say "I changed it". */
import type { EndpointEngine } from "../engine/contract.ts";

export interface ConnectionCore {
  readonly engine: EndpointEngine;
  readonly handle: number;
  /** Collects the engine's outputs at the end of this turn. */
  wake(): void;
  /** Both directions of the stream have ended: nothing more happens on it. */
  forget(streamId: bigint): void;
}
