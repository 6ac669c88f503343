/**
 * The local HTTP door: health for whoever watches, and the control endpoints by which `rtt call`, `rtt tools`,
 * `rtt mcp` and the page use the running node. Later parts add their routes to this app.
 */
import { Hono } from "hono";
import { Failure } from "../../shared/ports/failure.ts";
import { toWire } from "../../shared/gateway/frames.ts";
import { parseJson, scanObject } from "../../shared/gateway/raw-json.ts";
import type { HttpMcpDoor } from "../mcp-door/http-door.ts";
import type { InviteRequest, NodeFace } from "../node-face.ts";
import { readBody } from "./body.ts";
import { callAnswer, invalid, readCall } from "./call-body.ts";
import { guard } from "./guard.ts";
import { httpStatusOf } from "./http-errors.ts";
import { addWiringRoutes } from "./wiring-routes.ts";

/** The page is one file and talks to nobody but this door. */
const PAGE_POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'";

export interface AppOptions {
  readonly node: NodeFace;
  readonly port: () => number;
  readonly token: string;
  /** The page at "/", when this node shows one. */
  readonly page: string | null;
  readonly mcp: HttpMcpDoor;
}

export function createApp(options: AppOptions): Hono {
  const { node, page, mcp } = options;
  const app = new Hono();
  app.use(guard({ ...options, open: new Set(["/", "/v1/health"]) }));
  app.onError((error, context) => {
    const failure = Failure.from(error);
    // The rest of a body that is too large is not read, so the connection cannot be used again.
    if (failure.code === "message-too-large") context.header("connection", "close");
    return context.json({ error: toWire(failure) }, httpStatusOf(failure));
  });
  app.get("/v1/health", (context) => {
    const health = node.health();
    return context.json(health, health.status === "ok" ? 200 : 503);
  });
  app.get("/v1/status", async (context) => context.json(await node.status()));
  app.get("/v1/tools", (context) => {
    return context.json({ tools: node.tools(context.req.query("client") ?? "local") });
  });
  app.post("/v1/calls", async (context) => {
    const call = readCall(await readBody(context.req.raw));
    const result = await node.call({ ...call, signal: context.req.raw.signal });
    return context.body(callAnswer(result), 200, { "content-type": "application/json" });
  });
  app.all("/mcp", async ({ req: { raw } }) => mcp.serve(raw, await readBody(raw)));
  addWiringRoutes(app, node);
  app.get("/v1/receipts", async (context) => {
    const limit = Number(context.req.query("limit") ?? 50);
    return context.json({ receipts: await node.receipts(Math.min(500, Math.max(1, limit || 50))) });
  });
  app.get("/v1/wire", (context) => context.json({ wire: node.wire() }));
  app.post("/v1/invitations", async (context) => {
    return context.json(await node.invite(readInvite(await readBody(context.req.raw))));
  });
  app.post("/v1/reload", async (context) => {
    await node.reload();
    return context.json({ ok: true });
  });
  app.post("/v1/stop", (context) => {
    node.stop();
    return context.json({ ok: true });
  });
  if (page !== null) {
    app.get("/", (context) => context.html(page, 200, { "content-security-policy": PAGE_POLICY }));
  }
  return app;
}

/** Reads what kind of invitation is asked for. */
function readInvite(body: Uint8Array): InviteRequest {
  scanObject(body);
  const { validMs, host } = parseJson(body) as Partial<Record<keyof InviteRequest, unknown>>;
  const isHost =
    host === null || (typeof host === "string" && /^[A-Za-z0-9.:_-]{1,255}$/.test(host));
  const isTime = typeof validMs === "number" && Number.isSafeInteger(validMs) && validMs > 0;
  if (isHost && isTime) return { validMs, host };
  throw invalid('"validMs" must be a positive whole number and "host" a host name or null');
}
