/** `rtt down`: stops the running node in good order. */
import { setTimeout as delay } from "node:timers/promises";
import type { Command } from "commander";
import { Failure } from "../../shared/ports/failure.ts";
import { askNode, readControl } from "../control.ts";
import { statePaths } from "../state.ts";
import type { CommandContext } from "./context.ts";

/** A node lets calls under way end first. */
const STOP_MS = 15_000;

export function addDown(program: Command, context: CommandContext): void {
  program
    .command("down")
    .summary("stop the running node")
    .description("Stops the node of this state folder: calls end, devices and servers are let go.")
    .action(() => down(context));
}

async function down(context: CommandContext): Promise<void> {
  const { control } = statePaths(context.home);
  await askNode(control, { method: "POST", path: "/v1/stop" });
  const endsMs = performance.now() + STOP_MS;
  while (readControl(control) !== null) {
    if (performance.now() > endsMs) {
      throw new Failure("deadline-exceeded", "the node has not stopped", {
        origin: "host",
        context: { waitedMs: STOP_MS },
        remedy: "End its process; `rtt doctor` names it.",
      });
    }
    await delay(50);
  }
  context.answer({ stopped: true }, "The node has stopped.");
}
