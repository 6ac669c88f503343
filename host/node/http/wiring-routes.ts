/** The control endpoints by which `rtt apply` changes what a running node wires, and `rtt tools` reviews its tools. */
import type { Hono } from "hono";
import { PartReader } from "../../shared/fabric/plan-file/parts.ts";
import { memberBytes, parseJson, scanObject } from "../../shared/gateway/raw-json.ts";
import { Failure } from "../../shared/ports/failure.ts";
import type { Json } from "../../shared/trust/canonical-json.ts";
import type { NodeFace } from "../node-face.ts";
import type { WiringChange } from "../wiring/wiring.ts";
import type { WiringFace } from "../wiring/wiring-face.ts";
import { readBody } from "./body.ts";

/** A signed plan of 50,000 routes, and the routes of the door. */
const CHANGE_BYTES_MAX = 64 * 1024 * 1024;

export function addWiringRoutes(app: Hono, node: NodeFace): void {
  const wiring = (): WiringFace => {
    if (node.wiring !== null) return node.wiring;
    throw new Failure("unsupported", "this node runs in no project, or is no device", {
      origin: "local",
      remedy: "Start it with `rtt up --device` in the project's folder, or name it in RTT_PROJECT.",
    });
  };
  app.get("/v1/wiring", (context) => context.json({ wiring: node.wiring?.shown() ?? null }));
  app.get("/v1/wiring/calls", (context) => {
    const generation = Number(context.req.query("generation") ?? 0);
    return context.json({ calls: wiring().calls(generation) });
  });
  app.get("/v1/wiring/servers", (context) => {
    return context.json({ servers: node.wiring?.servers() ?? [] });
  });
  app.post("/v1/wiring/prepare", async (context) => {
    await wiring().prepare(await readChange(context.req.raw));
    return context.json({ ok: true });
  });
  app.post("/v1/wiring/commit", async (context) => {
    await wiring().commit(await readChange(context.req.raw));
    return context.json({ ok: true });
  });
  app.post("/v1/wiring/abort", async (context) => {
    await wiring().abort((await readChange(context.req.raw)).id);
    return context.json({ ok: true });
  });
}

/** Reads a change. Its plan is verified by whoever acts on it. */
async function readChange(request: Request): Promise<WiringChange> {
  const bytes = await readBody(request, CHANGE_BYTES_MAX);
  const members = scanObject(bytes);
  const change = parseJson(bytes) as Readonly<Record<keyof WiringChange, Json>>;
  const invalid = (where: string, problem: string): Failure =>
    new Failure("argument-invalid", `"${where}" ${problem}`, {
      origin: "local",
      remedy: "Send the change that `rtt apply` sends.",
    });
  const parts = new PartReader(invalid);
  const { id, generation } = change;
  if (typeof id !== "string" || id === "" || id.length > 256) throw invalid("id", "is no name");
  const wires = parts.members(change.wires, "wires", ["routes", "placement", "symbols"]);
  return {
    id,
    plan: memberBytes(bytes, members, "plan") ?? new Uint8Array(),
    generation: parts.shape.count(generation, "generation", 0),
    wires: {
      routes: parts.routes(wires["routes"], "routes"),
      placement: parts.placement(wires["placement"], "placement"),
      symbols: parts.symbols(wires["symbols"], "symbols"),
    },
  };
}
