/** The ports of trust on Node, put together once for each process. */
import type { TrustPorts } from "../shared/trust/ports.ts";
import { createIdentity, type Identity } from "../shared/trust/identity.ts";
import { readIdentity, writeIdentity } from "../shared/trust/key-file.ts";
import { Failure } from "../shared/ports/failure.ts";
import { nodeClock } from "./clock.ts";
import { loadDigest } from "./engine.ts";
import { nodeFiles } from "./files.ts";
import { nodeRandom } from "./random.ts";
import { nodeSignatures } from "./signatures.ts";
import { nodeVault } from "./vault.ts";

let made: TrustPorts | null = null;

export function trustPorts(): TrustPorts {
  made ??= {
    clock: nodeClock,
    random: nodeRandom,
    digest: loadDigest(),
    files: nodeFiles,
    signatures: nodeSignatures,
    vault: nodeVault(),
  };
  return made;
}

/** The identity of a state folder; a node that has none yet makes one at its first start. */
export async function openIdentity(
  ports: TrustPorts,
  path: string,
  passphrase: string | undefined,
): Promise<Identity> {
  try {
    return await readIdentity(ports, path, passphrase);
  } catch (thrown) {
    const failure = Failure.from(thrown);
    if (failure.code !== "identity-missing" || (await ports.files.info(path)) !== null)
      throw failure;
  }
  const identity = createIdentity(ports.random, ports.signatures);
  await writeIdentity(ports, path, identity, passphrase);
  return identity;
}
