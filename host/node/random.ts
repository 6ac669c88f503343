/** The random port: the operating system's generator. */
import { randomFillSync } from "node:crypto";
import type { Random } from "../shared/ports/random.ts";

export const nodeRandom: Random = {
  bytes: (size) => randomFillSync(new Uint8Array(size)),
};
