/** Binds the HTTP door to loopback. The only file that imports `@hono/node-server`. */
import { createAdaptorServer } from "@hono/node-server";
import type { AddressInfo } from "node:net";
import { Failure } from "../../shared/ports/failure.ts";
import { HttpMcpDoor } from "../mcp-door/http-door.ts";
import { type AppOptions, createApp } from "./app.ts";

export interface HttpDoor {
  readonly port: number;
  close(): Promise<void>;
}

/** Serves on 127.0.0.1. Fails with `port-in-use` or `permission-denied`. */
export function openHttpDoor(
  port: number,
  options: Omit<AppOptions, "port" | "mcp">,
): Promise<HttpDoor> {
  let bound = port;
  const mcp = new HttpMcpDoor(options.node);
  const app = createApp({ ...options, mcp, port: () => bound });
  const server = createAdaptorServer({ fetch: app.fetch });
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      void mcp.close();
      reject(bindFailure(error, port));
    });
    server.listen(port, "127.0.0.1", () => {
      bound = (server.address() as AddressInfo).port;
      resolve({
        port: bound,
        close: async () => {
          await mcp.close();
          await new Promise<void>((done) => {
            server.close(() => done());
            // Idle keep-alive connections would hold the door open for a minute.
            if ("closeAllConnections" in server) server.closeAllConnections();
          });
        },
      });
    });
  });
}

function bindFailure(error: NodeJS.ErrnoException, port: number): Failure {
  const isTaken = error.code === "EADDRINUSE";
  return new Failure(
    isTaken ? "port-in-use" : "permission-denied",
    `the HTTP port ${port} cannot be opened (${error.code})`,
    {
      origin: "host",
      context: { port },
      remedy: isTaken
        ? "Stop the program that has it, or set http.port to another one (0: any)."
        : "Choose a port above 1023, or 0 for any.",
      cause: error,
    },
  );
}
