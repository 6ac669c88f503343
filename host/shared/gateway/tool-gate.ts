/**
 * What is decided about a server's tool before anybody is offered it.
 *
 *   offered    announced as the server describes it
 *   held       announced by its name alone, so that nobody reads a description that nobody has reviewed; a call fails
 *   left-out   not there at all
 */
import type { Failure } from "../ports/failure.ts";
import type { ServerTool } from "./mcp-session.ts";

export type ToolVerdict =
  | { readonly kind: "offered" }
  | { readonly kind: "held"; readonly failure: Failure }
  | { readonly kind: "left-out" };

/** A server as a gate sees it. */
export interface GatedServer {
  readonly name: string;
  readonly version: string;
  /** All that it has, the tool in question among them. */
  readonly tools: readonly ServerTool[];
}

export interface ToolGate {
  /** Decides from what is known now; asked again whenever the tools of a server become known. */
  judge(server: GatedServer, tool: ServerTool): ToolVerdict;
}

export const OFFERED: ToolVerdict = { kind: "offered" };

/** Offers everything: the gate of a node that nobody has told more. */
export const OPEN_GATE: ToolGate = { judge: () => OFFERED };
