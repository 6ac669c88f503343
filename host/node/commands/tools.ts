/** `rtt tools`: what can be called, and where; its own verbs take tools in and review them. */
import type { Command } from "commander";
import { askNodeJson } from "../control.ts";
import type { ShownTool } from "../node-face.ts";
import { statePaths } from "../state.ts";
import type { CommandContext } from "./context.ts";
import { addToolReview } from "./tools-review.ts";

export function addTools(program: Command, context: CommandContext): void {
  const tools = program
    .command("tools")
    .summary("list the tools of all paired nodes")
    .description("Lists every tool that policy may permit, under the name by which it is called.")
    .option("--client <principal>", "list what this client may call, such as mcp:claude", "local")
    .action(async (options: { readonly client: string }) => {
      const path = `/v1/tools?client=${encodeURIComponent(options.client)}`;
      const answer = await askNodeJson<{ tools: readonly ShownTool[] }>(
        statePaths(context.home).control,
        { method: "GET", path },
      );
      context.answer(answer, table(answer.tools));
    });
  addToolReview(tools, context);
}

function table(tools: readonly ShownTool[]): string {
  if (tools.length === 0) return "No tool is permitted. `rtt doctor` says what is missing.";
  const rows = tools.map(({ name, device, tool }) => [
    name,
    `${tool.name}@${tool.version}`,
    `${device.name}${device.isOnline ? "" : " (offline)"}`,
    (tool.title || tool.description).split("\n")[0]?.slice(0, 60) ?? "",
  ]);
  const widths = [0, 1, 2].map((column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
