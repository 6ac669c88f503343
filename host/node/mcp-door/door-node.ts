/** What an MCP door asks of the node behind it, and the node that it reaches through `control.json`. */
import { splice } from "../../shared/gateway/raw-json.ts";
import { askNode, askNodeJson } from "../control.ts";
import type { NodeStatus, ShownTool } from "../node-face.ts";

export interface DoorNode {
  /** The tools that a client may call some way. */
  tools(client: string): Promise<readonly ShownTool[]>;
  /** Calls a tool; the answer is the JSON that `POST /v1/calls` has. */
  call(head: CallHead, args: Uint8Array, signal: AbortSignal): Promise<Uint8Array>;
  /** What the list of tools depends on, as one text; null while no node answers. */
  sight(): Promise<string | null>;
}

/** A call without its arguments. */
export interface CallHead {
  readonly name: string;
  readonly client: string;
  /** What the client asks for; policy can only lower it. */
  readonly traceparent?: unknown;
  readonly timeoutMs?: unknown;
  readonly maxBytes?: unknown;
  readonly depth?: unknown;
}

/** The node that runs for a state folder, whenever one does. */
export function nodeBehind(control: string): DoorNode {
  return {
    tools: async (client) => {
      const path = `/v1/tools?client=${encodeURIComponent(client)}`;
      const request = { method: "GET", path } as const;
      return (await askNodeJson<{ tools: readonly ShownTool[] }>(control, request)).tools;
    },
    call: (head, args, signal) =>
      askNode(control, { method: "POST", path: "/v1/calls", body: callBody(head, args), signal }),
    sight: async () => {
      try {
        const request = { method: "GET", path: "/v1/status" } as const;
        return sightOf(await askNodeJson<NodeStatus>(control, request));
      } catch {
        return null;
      }
    },
  };
}

/** The body of a call; the arguments stay the bytes that they are. */
export function callBody(head: CallHead, args: Uint8Array): Uint8Array<ArrayBuffer> {
  return splice(JSON.stringify(head).slice(0, -1), `,"arguments":`, args, "}");
}

/** Another text whenever a device came, went or announced other tools, or a policy has changed. */
export function sightOf({ devices, policies }: NodeStatus): string {
  const seen = devices.map(({ id, name, isOnline, announced }) => [id, name, isOnline, announced]);
  return JSON.stringify([seen, policies]);
}
