/** `rtt receipt`: list, show, verify and prove receipts, offline. */
import { resolve } from "node:path";
import { Failure } from "../../shared/ports/failure.ts";
import { bundleJson } from "../../shared/trust/bundle.ts";
import { fromUtf8, utf8 } from "../../shared/trust/bytes.ts";
import { readPublicIdentity } from "../../shared/trust/key-file.ts";
import { ReceiptArchive, verifyLoggedReceipt } from "../../shared/trust/receipt/archive.ts";
import { explainReceipt } from "../../shared/trust/receipt/explain.ts";
import type { ReceiptFacts } from "../../shared/trust/receipt/fields.ts";
import {
  type ExpectedSigners,
  parseReceipt,
  type VerifiedReceipt,
  verifyReceipt,
} from "../../shared/trust/receipt/sign.ts";
import { statePaths } from "../state.ts";
import { trustPorts } from "../trust-ports.ts";
import type { CommandContext, Verb } from "./context.ts";
import { JSON_FLAG } from "./input.ts";
import { readInput } from "./input.ts";

interface VerifyOptions {
  readonly file?: string;
  readonly proof?: string;
  readonly log?: string;
  readonly host?: string;
  readonly device?: string;
}

export const addReceipt: Verb = (program, context) => {
  const receipt = program.command("receipt").description("list, show, verify and prove receipts");
  receipt
    .command("list")
    .description("all receipts of this node, oldest first")
    .option(...JSON_FLAG)
    .action(() => list(context));
  receipt
    .command("show <call>")
    .description("one receipt, verified: who called what, why it was allowed, what came of it")
    .option(
      "--bundle <side>",
      "print the Sigstore bundle of the host or the device for stock tools",
    )
    .option(...JSON_FLAG)
    .action((call: string, options: { readonly bundle?: string }) => show(context, call, options));
  receipt
    .command("verify [call]")
    .description("verify one receipt and its place in the log; without a call the whole log")
    .option("--file <path>", "a receipt file from elsewhere")
    .option("--proof <path>", "its .tlog-proof, with --log")
    .option("--log <id>", "id of the node whose log the proof is of")
    .option("--host <id>", "the host that has to have signed")
    .option("--device <id>", "the device that has to have signed")
    .option(...JSON_FLAG)
    .action((call: string | undefined, options: VerifyOptions) => verify(context, call, options));
  receipt
    .command("prove <call>")
    .description("the proof that a receipt is in the log, for someone who has only the receipt")
    .option("--out <path>", "write the proof here instead of printing it")
    .option(...JSON_FLAG)
    .action((call: string, options: { readonly out?: string }) => prove(context, call, options));
};

async function archiveOf(context: CommandContext): Promise<ReceiptArchive> {
  const ports = trustPorts();
  const { id } = await readPublicIdentity(ports, statePaths(context.home).identity);
  return new ReceiptArchive(ports, context.home, id);
}

async function list(context: CommandContext): Promise<void> {
  const receipts = await (await archiveOf(context)).list();
  const lines = receipts.map(
    ({ index, outcome, correlationId }) =>
      `${String(index).padStart(6)}  ${outcome.padEnd(14)}  ${correlationId}`,
  );
  context.answer({ receipts }, lines.length === 0 ? "There are no receipts yet" : lines.join("\n"));
}

async function show(
  context: CommandContext,
  call: string,
  options: { readonly bundle?: string },
): Promise<void> {
  const archive = await archiveOf(context);
  const verified = await archive.verify(call);
  if (options.bundle === undefined) {
    context.answer(verifiedJson(verified), verifiedText(verified));
    return;
  }
  const receipt = parseReceipt(await archive.read(call));
  const bundle = options.bundle === "device" ? receipt.device : receipt.host;
  if (bundle === null || !["host", "device"].includes(options.bundle)) {
    throw usage(`The receipt has no signature of the ${options.bundle}`);
  }
  const json = bundleJson(bundle);
  context.answer(json, JSON.stringify(json));
}

async function verify(
  context: CommandContext,
  call: string | undefined,
  options: VerifyOptions,
): Promise<void> {
  const expected: ExpectedSigners = {
    ...(options.host === undefined ? {} : { host: options.host }),
    ...(options.device === undefined ? {} : { device: options.device }),
  };
  if (options.file !== undefined) {
    const verified = await verifyFile(options.file, options, expected);
    context.answer(verifiedJson(verified), verifiedText(verified));
    return;
  }
  const archive = await archiveOf(context);
  if (call !== undefined) {
    const verified = await archive.verify(call, expected);
    context.answer(verifiedJson(verified), verifiedText(verified));
    return;
  }
  const { receipts, head } = await archive.verifyAll();
  context.answer(
    { verified: true, receipts, logSize: head.size },
    `Verified: ${receipts} receipts, every byte of them and of the log of ${head.size} entries`,
  );
}

/** A receipt of another node: its signatures, and with a proof its place in that node's log. */
async function verifyFile(
  path: string,
  options: VerifyOptions,
  expected: ExpectedSigners,
): Promise<VerifiedReceipt> {
  const file = await readInput(trustPorts().files, path);
  if ((options.proof === undefined) !== (options.log === undefined)) {
    throw usage("--proof and --log belong together");
  }
  if (options.proof === undefined || options.log === undefined) {
    return verifyReceipt(trustPorts(), file, expected);
  }
  const proof = fromUtf8(await readInput(trustPorts().files, options.proof)) ?? "";
  return verifyLoggedReceipt(trustPorts(), file, proof, options.log, expected);
}

async function prove(
  context: CommandContext,
  call: string,
  options: { readonly out?: string },
): Promise<void> {
  const proof = await (await archiveOf(context)).prove(call);
  if (options.out === undefined) {
    context.answer({ proof }, proof.trimEnd());
    return;
  }
  const out = resolve(options.out);
  await trustPorts().files.write(out, utf8(proof), 0o644);
  context.answer({ path: out }, `The proof is in ${out}`);
}

function usage(problem: string): Failure {
  return new Failure("argument-invalid", problem, {
    origin: "local",
    remedy: "See `rtt receipt --help`.",
  });
}

function verifiedJson({ facts, host, device }: VerifiedReceipt): {
  readonly verified: true;
  readonly signedBy: { readonly host: string | null; readonly device: string | null };
  readonly facts: ReceiptFacts;
} {
  return { verified: true, signedBy: { host, device }, facts };
}

function verifiedText({ facts, host, device }: VerifiedReceipt): string {
  return [
    `Verified: receipt of the call ${facts.correlationId}`,
    `signed by host ${host ?? "(nobody)"}`,
    `signed by device ${device ?? "(nobody)"}`,
    ...explainReceipt(facts).lines,
  ].join("\n");
}
