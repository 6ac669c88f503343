/** The trust ports over Node, with a SHA-256 of node:crypto as the digest and a cheap vault. */
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { nodeClock } from "../../host/node/clock.ts";
import { nodeFiles } from "../../host/node/files.ts";
import { nodeRandom } from "../../host/node/random.ts";
import { nodeSignatures } from "../../host/node/signatures.ts";
import { nodeVault } from "../../host/node/vault.ts";
import type { Digest } from "../../host/shared/ports/digest.ts";
import { Failure } from "../../host/shared/ports/failure.ts";
import type { TrustPorts } from "../../host/shared/trust/ports.ts";

export const testDigest: Digest = {
  sha256: (bytes) => new Uint8Array(createHash("sha256").update(bytes).digest()),
};

/** Real ports; any of them can be replaced. */
export function testPorts(replaced: Partial<TrustPorts> = {}): TrustPorts {
  return {
    digest: testDigest,
    signatures: nodeSignatures,
    random: nodeRandom,
    clock: nodeClock,
    files: nodeFiles,
    vault: nodeVault(10),
    ...replaced,
  };
}

/** A folder that is removed when the test is over. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "mxp-test-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The code of the failure that `task` ends with; "none" when it does not fail. */
export async function failureCode(task: () => unknown): Promise<string> {
  try {
    await task();
    return "none";
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return error.code;
  }
}
