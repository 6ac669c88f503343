/** `rtt why`: which rule decided a call, which way it went, and where its time went. Works without a running node. */
import { existsSync } from "node:fs";
import type { Command } from "commander";
import { Failure } from "../../shared/ports/failure.ts";
import { readPublicIdentity } from "../../shared/trust/key-file.ts";
import { explainReceipt } from "../../shared/trust/receipt/explain.ts";
import { ReceiptArchive } from "../../shared/trust/receipt/archive.ts";
import { verifyReceipt } from "../../shared/trust/receipt/sign.ts";
import { nodeFiles } from "../files.ts";
import { statePaths } from "../state.ts";
import { trustPorts } from "../trust-ports.ts";
import type { CommandContext } from "./context.ts";

export function addWhy(program: Command, context: CommandContext): void {
  program
    .command("why")
    .summary("explain a call by its receipt")
    .description("Says which rule decided, which way the call went, and the time by phase.")
    .argument("[receipt]", "id of a call, or a receipt file; the latest call without it")
    .action((receipt: string | undefined) => why(receipt, context));
}

async function why(receipt: string | undefined, context: CommandContext): Promise<void> {
  const file = await readReceipt(receipt, context.home);
  const { facts, host, device } = verifyReceipt(trustPorts(), file);
  const explanation = explainReceipt(facts);
  const { correlationId } = facts;
  const signers = { host, device };
  context.answer(
    { correlationId, signers, ...explanation, facts },
    [
      `call ${correlationId}`,
      ...explanation.lines,
      `signed by: ${[host, device].filter((id) => id !== null).join(" and ")}`,
    ].join("\n"),
  );
}

async function readReceipt(
  receipt: string | undefined,
  home: string,
): Promise<Uint8Array<ArrayBuffer>> {
  if (receipt !== undefined && existsSync(receipt)) {
    const file = await nodeFiles.read(receipt);
    if (file !== null) return file;
  }
  const ports = trustPorts();
  const { id } = await readPublicIdentity(ports, statePaths(home).identity);
  const archive = new ReceiptArchive(ports, home, id);
  if (receipt !== undefined) return archive.read(receipt);
  const latest = (await archive.list()).at(-1);
  if (latest !== undefined) return archive.read(latest.correlationId);
  throw new Failure("file-missing", "this node has no receipts yet", {
    origin: "local",
    remedy: "Make a call with `rtt call`.",
  });
}
