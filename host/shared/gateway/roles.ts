/** Answers the agent "tools" on a node of one role or of both: each frame goes to the role that it is for. */
import { Failure } from "../ports/failure.ts";
import type { CallHandler } from "../ports/lane.ts";
import type { ToolDevice } from "./device.ts";
import { decodeFrame } from "./frames.ts";
import type { ToolHost } from "./host.ts";

export function answerTools(host: ToolHost | null, device: ToolDevice | null): CallHandler {
  return (call) => {
    // Devices send "device.…", hosts send "tool.…".
    const role = decodeFrame(call.payload).type.startsWith("tool.") ? device : host;
    if (role === null) throw otherRole();
    return role.handle(call);
  };
}

function otherRole(): Failure {
  return new Failure("unsupported", "this node does not have the role that the frame is for", {
    origin: "peer",
    remedy: "Start the other node with `rtt up --host` or `rtt up --device`, as is meant.",
  });
}
