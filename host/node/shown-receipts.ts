/** The latest receipts of a node, each verified as it is read: what lists and the page show. */
import { Failure } from "../shared/ports/failure.ts";
import type { TrustPorts } from "../shared/trust/ports.ts";
import { peekReceipt, type ReceiptArchive } from "../shared/trust/receipt/archive.ts";
import type { ReceiptFacts } from "../shared/trust/receipt/fields.ts";
import { verifyReceipt } from "../shared/trust/receipt/sign.ts";
import type { ShownReceipt } from "./node-face.ts";

/** The last `limit` receipts, newest first. */
export async function showReceipts(
  ports: TrustPorts,
  archive: ReceiptArchive,
  limit: number,
): Promise<readonly ShownReceipt[]> {
  const logged = (await archive.list()).slice(-limit).toReversed();
  const shown: ShownReceipt[] = [];
  for (const { correlationId } of logged) {
    const file = await archive.read(correlationId);
    try {
      const { facts, host, device } = verifyReceipt(ports, file);
      const signers = [host === null ? [] : ["host"], device === null ? [] : ["device"]].flat();
      shown.push(summary(facts, signers, true));
    } catch (thrown) {
      // A receipt that does not verify is shown as one, not hidden.
      if (Failure.from(thrown).code === "internal") throw thrown;
      shown.push(summary(peekReceipt(file), [], false));
    }
  }
  return shown;
}

function summary(
  facts: ReceiptFacts,
  signers: readonly string[],
  isVerified: boolean,
): ShownReceipt {
  return {
    correlationId: facts.correlationId,
    tool: `${facts.tool.name}@${facts.tool.version}`,
    client: facts.client,
    outcome: facts.outcome,
    code: facts.code,
    signers,
    isVerified,
    elapsedUs: {
      host: facts.host?.elapsedUs ?? null,
      device: facts.served?.elapsedUs ?? null,
    },
  };
}
