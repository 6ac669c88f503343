/**
 * `rtt mcp`: an MCP server over stdio that offers permitted tools of every paired node, through the running node of
 * this state folder. Both current revisions are served from the same handlers; the library tells them apart.
 */
import type { Readable, Writable } from "node:stream";
import type { Server } from "@modelcontextprotocol/server";
import { serveStdio, StdioServerTransport } from "@modelcontextprotocol/server/stdio";
import type { Logger } from "../../shared/telemetry/logger.ts";
import { ArgumentTap } from "./argument-tap.ts";
import { nodeBehind } from "./door-node.ts";
import { createDoorServer } from "./door-server.ts";
import { Selection } from "./selection.ts";
import { watchSight } from "./watch-sight.ts";

export interface DoorOptions {
  /** Path of `control.json`. */
  readonly control: string;
  readonly log: Logger;
  readonly input: Readable;
  readonly output: Writable;
  /** Patterns that choose tools; none chooses all. */
  readonly only?: readonly string[];
}

/** Serves until the client closes its end. */
export async function serveMcpDoor(options: DoorOptions): Promise<void> {
  const { control, log, input, output, only = [] } = options;
  const tap = new ArgumentTap(input);
  const transport = new StdioServerTransport(tap.output, output);
  const node = nodeBehind(control);
  const selection = new Selection(only);
  const instances: Server[] = [];
  const handle = serveStdio(
    () => {
      const server = createDoorServer({
        node,
        selection: () => selection,
        takeArguments: (id) => tap.take(id),
      });
      instances.push(server);
      return server;
    },
    { transport, onerror: (error) => log.debug("mcp.error", { message: error.message }) },
  );
  const stopLooking = watchSight(node, async () => {
    for (const server of instances) {
      await server.sendToolListChanged().catch(() => {
        // A probe instance of the library has no connection to tell anything to.
      });
    }
  });
  await new Promise<void>((resolve) => {
    input.once("end", resolve);
    input.once("close", resolve);
  });
  stopLooking();
  await handle.close();
}
