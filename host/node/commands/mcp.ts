/** `rtt mcp`: the MCP server over stdio that agents are given. */
import type { Command } from "commander";
import { openLog } from "../log.ts";
import { serveMcpDoor } from "../mcp-door/door.ts";
import { statePaths } from "../state.ts";
import { collect, configurationOf } from "./configuration.ts";
import type { CommandContext } from "./context.ts";

export function addMcp(program: Command, context: CommandContext): void {
  program
    .command("mcp")
    .summary("serve the tools of all paired nodes as an MCP server over stdio")
    .option(
      "--only <pattern>",
      "only tools whose name or address fits, such as 'github.*' or rtt://mcp/github/tool/search; may be repeated",
      collect,
    )
    .description(
      "An MCP server for any agent: it offers every permitted tool of every paired node, through " +
        "the node that runs for this state folder. Put `rtt mcp` into the agent's mcpServers.",
    )
    .action(async ({ only = [] }: { readonly only?: readonly string[] }) => {
      const paths = statePaths(context.home);
      const config = configurationOf(paths.config, context.environment, {});
      await serveMcpDoor({
        control: paths.control,
        log: openLog(config["log.level"]),
        input: process.stdin,
        output: process.stdout,
        only,
      });
    });
}
