/** What somebody is told of a change that did not come into force. */
import { type ErrorCode, Failure } from "../../ports/failure.ts";
import type { TransactionFacts } from "./log-record.ts";
import type { Refusal } from "./machine.ts";
import type { Ended } from "./run.ts";

/** Codes that say more to the caller than that somebody refused. */
const TELLING: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "plan-stale",
  "view-conflict",
  "view-drift",
  "object-missing",
  "object-corrupt",
  "folder-unwritable",
  "permission-denied",
  "link-unsupported",
]);

/** The failure of a transaction that did not end as applied. */
export function applyFailure(facts: TransactionFacts, ended: Ended): Failure {
  const { generation, transaction } = facts;
  const context = { generation, transaction };
  const why = reasons(ended.refusals);
  if (ended.outcome === "aborted") {
    // The log may be what failed, and then nobody has refused.
    const code = ended.obstacle?.code ?? codeOf(ended.refusals);
    const what = ended.obstacle === null ? why : plain(ended.obstacle);
    return new Failure(code, `Nothing was changed: ${what}`, {
      origin: "host",
      remedy:
        code === "link-unsupported"
          ? "`rtt apply --copy` copies the files instead; then they are on the disk twice."
          : "Remove the cause, make a new plan with `rtt plan`, and apply that.",
      context: { ...context, ...firstRefusal(ended.refusals) },
    });
  }
  if (ended.outcome === "reverted") {
    const left = ended.left.length === 0 ? "" : `; still to be looked at: ${ended.left.join(", ")}`;
    const text = `Generation ${generation} was tried and taken back: ${why}${left}`;
    return new Failure("apply-reverted", text, {
      origin: "host",
      remedy: "Remove the cause, then apply again; `rtt audit` tells what happened.",
      context: { ...context, ...firstRefusal(ended.refusals), left: ended.left.join(" ") },
    });
  }
  const { obstacle } = ended;
  const code = obstacle?.code ?? "internal";
  const cause = obstacle === null ? why : plain(obstacle);
  return new Failure(code, `The change to generation ${generation} could not be ended: ${cause}`, {
    origin: "host",
    remedy: "Remove the cause; the next `rtt apply` ends it first, one way or the other.",
    context,
  });
}

function codeOf(refusals: readonly Refusal[]): ErrorCode {
  return refusals.find(({ code }) => TELLING.has(code))?.code ?? "apply-refused";
}

function reasons(refusals: readonly Refusal[]): string {
  if (refusals.length === 0) return "the log says so";
  return refusals.map(({ participant, message }) => `${participant}: ${message}`).join("; ");
}

function firstRefusal(refusals: readonly Refusal[]): Record<string, string> {
  const [first] = refusals;
  return first === undefined ? {} : { participant: first.participant, reason: first.code };
}

/** A failure's message without the code that it begins with. */
function plain({ code, message }: Failure): string {
  const prefix = `${code}: `;
  return message.startsWith(prefix) ? message.slice(prefix.length) : message;
}
