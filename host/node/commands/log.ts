/** `rtt log`: the log of changes: what was put in force when, and whether every byte of it holds. */
import { resolve } from "node:path";
import { readHistory } from "../../shared/fabric/apply/apply-log.ts";
import type { LoggedTransaction } from "../../shared/fabric/apply/history.ts";
import { checkDocuments } from "../../shared/fabric/apply/log-check.ts";
import { verifyPublishedWal } from "../../shared/fabric/apply/published-wal.ts";
import { Failure } from "../../shared/ports/failure.ts";
import { plainMessage } from "../../shared/gateway/frames.ts";
import { readPublicIdentity } from "../../shared/trust/key-file.ts";
import { exitCodeOf } from "../exit-codes.ts";
import { currentProject } from "../project.ts";
import { statePaths } from "../state.ts";
import { trustPorts } from "../trust-ports.ts";
import type { CommandContext, Verb } from "./context.ts";
import { JSON_FLAG } from "./input.ts";

export const addLog: Verb = (program, context) => {
  const log = program
    .command("log")
    .summary("what was put in force when, and whether the log holds")
    .description("The log of changes in .rtt/wal: every change that was begun, and how it ended.");
  log
    .command("list", { isDefault: true })
    .summary("every change, oldest first (what `rtt log` does)")
    .option(...JSON_FLAG)
    .action(() => list(context));
  log
    .command("verify")
    .summary("check every byte of the log, and what it names")
    .description(
      "Replays the log: entries against the signed tree, every change against the one before it, generations and " +
        "plans against the digests that the log names. Ends with 0 when everything holds.",
    )
    .option("--published <folder>", "check a log in the published form (.wal.json files) instead")
    .option(...JSON_FLAG)
    .action((flags: { readonly published?: string }) =>
      flags.published === undefined ? verify(context) : verifyPublished(context, flags.published),
    );
};

async function list(context: CommandContext): Promise<void> {
  const ports = trustPorts();
  const { folder } = currentProject(context);
  const owner = await readPublicIdentity(ports, statePaths(context.home).identity);
  const history = await readHistory(ports, folder, owner);
  const changes = (history?.transactions ?? []).map(changeJson);
  const lines = changes.map(({ at, generation, purpose, outcome, planId }) =>
    [at, String(generation).padStart(5), purpose.padEnd(10), outcome.padEnd(8), planId].join("  "),
  );
  context.answer(
    { root: history?.root ?? null, entries: history?.entries ?? 0, changes },
    lines.length === 0 ? "Nothing has been applied yet." : lines.join("\n"),
  );
}

/** What is shown of a change, in the log and in the audit. */
export function changeJson({ facts, beginMs, outcome, refusals, left }: LoggedTransaction) {
  const { transaction, generation, purpose, plan, of, base, by, target } = facts;
  return {
    at: new Date(Math.min(beginMs, LAST_MS)).toISOString(),
    transaction,
    generation,
    digest: target,
    base: base.generation,
    purpose,
    planId: plan,
    of,
    by,
    outcome: outcome ?? "open",
    refusals,
    left,
  };
}

/** The last moment that a date can say; a clock may have said anything. */
const LAST_MS = 8.64e15;

async function verify(context: CommandContext): Promise<void> {
  const ports = trustPorts();
  const project = currentProject(context);
  const owner = await readPublicIdentity(ports, statePaths(context.home).identity);
  await answering(context, async () => {
    const history = await readHistory(ports, project.folder, owner);
    const findings = await checkDocuments(ports, project.folder, history?.transactions ?? []);
    const [worst] = findings;
    const isOpen = history?.transactions.at(-1)?.outcome === null;
    const answer = {
      ok: worst === undefined,
      entries: history?.entries ?? 0,
      root: history?.root ?? null,
      changes: history?.transactions.length ?? 0,
      isOpen,
      findings,
    };
    const text = [
      ...findings.map(({ code, where, problem }) => `${code}  ${where}: ${problem}`),
      `${answer.entries} entries of ${answer.changes} changes: ${
        answer.ok ? "everything holds" : `${findings.length} problems`
      }${isOpen ? "; the last change was interrupted, and the next `rtt apply` ends it" : ""}`,
    ].join("\n");
    if (worst !== undefined) context.exitWith(exitCodeOf(worst.code));
    return { answer, text };
  });
}

async function verifyPublished(context: CommandContext, folder: string): Promise<void> {
  await answering(context, async () => {
    const { entries, root, form } = await verifyPublishedWal(trustPorts(), resolve(folder));
    const text = `${entries} entries${form === null ? "" : ` of the form ${form}`}: everything holds`;
    return { answer: { ok: true, entries, root, form }, text };
  });
}

interface Answer {
  readonly answer: object;
  readonly text: string;
}

/** Answers with `ok: false` and what is wrong where a log does not hold; other failures are failures. */
async function answering(context: CommandContext, task: () => Promise<Answer>): Promise<void> {
  try {
    const { answer, text } = await task();
    context.answer(answer, text);
  } catch (thrown) {
    const failure = Failure.from(thrown);
    if (failure.code !== "log-corrupt") throw failure;
    const problem = plainMessage(failure);
    context.answer({ ok: false, code: failure.code, problem }, `${failure.code}: ${problem}`);
    context.exitWith(exitCodeOf(failure.code));
  }
}
