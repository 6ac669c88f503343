/** Whether what a log names is there and is what it was: generations, plans, and what is in force. */
import { type ErrorCode, Failure } from "../../ports/failure.ts";
import { readGeneration, readGenerationNumber } from "../generation-file/generation-file.ts";
import { readPlan } from "../plan-file/plan-store.ts";
import type { RegistryPorts } from "../registry/ports.ts";
import type { LoggedTransaction } from "./history.ts";
import { LOGGED } from "./logged-signers.ts";

export interface LogFinding {
  readonly code: ErrorCode;
  /** Which document. */
  readonly where: string;
  readonly problem: string;
}

/** Checks the documents of every change that came into force. */
export async function checkDocuments(
  ports: RegistryPorts,
  folder: string,
  transactions: readonly LoggedTransaction[],
): Promise<readonly LogFinding[]> {
  const findings: LogFinding[] = [];
  const check = async (where: string, task: () => Promise<string | null>): Promise<void> => {
    try {
      const problem = await task();
      if (problem !== null) findings.push({ code: "log-corrupt", where, problem });
    } catch (thrown) {
      const { code, message } = Failure.from(thrown);
      findings.push({ code, where, problem: message });
    }
  };
  const applied = transactions.filter(({ outcome }) => outcome === "applied");
  for (const { facts } of applied) {
    await check(`generations/${facts.generation}`, async () => {
      const stored = await readGenerationNumber(ports, folder, facts.generation, LOGGED);
      return stored.digest === facts.target ? null : "is not the one that was logged";
    });
    await check(`plans/${facts.plan}`, async () => {
      await readPlan(ports, folder, facts.plan, LOGGED);
      return null;
    });
  }
  // While a change is open, either generation may be in force.
  const last = transactions.at(-1);
  const allowed = [applied.at(-1)?.facts.target ?? null];
  if (last?.outcome === null) allowed.push(last.facts.target);
  await check("generation.dsse.json", async () => {
    const stored = await readGeneration(ports, folder, LOGGED);
    if (allowed.includes(stored?.digest ?? null)) return null;
    if (stored === null) return "is gone; `rtt apply` puts it back";
    return last === undefined
      ? "is in force, and the log is empty"
      : "is not what was applied last";
  });
  return findings;
}
