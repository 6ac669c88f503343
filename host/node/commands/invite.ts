/** `rtt invite`: makes a code with which one other node may join the running host, once. */
import type { Command } from "commander";
import { Failure } from "../../shared/ports/failure.ts";
import { askNodeJson } from "../control.ts";
import type { InviteAnswer } from "../node-face.ts";
import { statePaths } from "../state.ts";
import type { CommandContext } from "./context.ts";

interface InviteOptions {
  readonly valid: string;
  readonly address?: string;
}

export function addInvite(program: Command, context: CommandContext): void {
  program
    .command("invite")
    .summary("print a code that lets one node join this host")
    .description(
      "Prints a short code: this host's address and key, the policy, and a secret that is good " +
        "for one join. What the joined node's tools may be used for is still for policy to say.",
    )
    .option("--valid <time>", "how long the code is good for: 90s, 10m, 2h", "10m")
    .option("--address <host>", "the name or address under which the other node reaches this one")
    .action((options: InviteOptions) => invite(options, context));
}

async function invite(options: InviteOptions, context: CommandContext): Promise<void> {
  const request = { validMs: durationMs(options.valid), host: options.address ?? null };
  const answer = await askNodeJson<InviteAnswer>(statePaths(context.home).control, {
    method: "POST",
    path: "/v1/invitations",
    body: JSON.stringify(request),
  });
  const until = new Date(answer.expiresMs).toISOString();
  context.answer(
    answer,
    [
      answer.code,
      "",
      `On the other machine: rtt join ${answer.code.slice(0, 12)}… (the whole code above)`,
      `Good once, until ${until}, for ${answer.address.replace(/^.*@/, "")}.`,
    ].join("\n"),
  );
}

const UNITS_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000 };

function durationMs(text: string): number {
  const match = /^(\d{1,6})([smh])$/.exec(text);
  const ms = Number(match?.[1]) * (UNITS_MS[match?.[2] ?? ""] ?? Number.NaN);
  // A week is as long as a used code is remembered.
  if (ms > 0 && ms <= 7 * 24 * 3_600_000) return ms;
  throw new Failure("argument-invalid", `"${text}" is no time of at most a week`, {
    origin: "local",
    remedy: "Write it as 90s, 10m or 2h.",
  });
}
