/** Notices that the tools behind a door have changed: a device came, went, or offers others. */
import type { DoorNode } from "./door-node.ts";

/** How often the node is asked. */
const LOOK_MS = 2000;

/** Calls `onChange` after each change; returns what ends that. */
export function watchSight(node: DoorNode, onChange: () => Promise<void>): () => void {
  let known: string | null = null;
  const look = async (): Promise<void> => {
    const seen = await node.sight();
    if (seen === null || seen === known) return;
    const isFirst = known === null;
    known = seen;
    if (!isFirst) await onChange();
  };
  const timer = setInterval(() => void look(), LOOK_MS);
  timer.unref();
  void look();
  return () => clearInterval(timer);
}
