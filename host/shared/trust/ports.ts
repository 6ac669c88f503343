/** The ports that trust works with, as one argument. */
import type { Clock } from "../ports/clock.ts";
import type { Digest } from "../ports/digest.ts";
import type { Files } from "../ports/files.ts";
import type { Random } from "../ports/random.ts";
import type { Signatures } from "../ports/signatures.ts";
import type { Vault } from "../ports/vault.ts";

export interface TrustPorts {
  readonly digest: Digest;
  readonly signatures: Signatures;
  readonly random: Random;
  readonly clock: Clock;
  readonly files: Files;
  readonly vault: Vault;
}
