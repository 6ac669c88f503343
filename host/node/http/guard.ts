/**
 * Who may talk to the local HTTP door: this machine, by its own name, with the token.
 *
 * Listening on loopback is not enough: a page in a browser can make requests to 127.0.0.1, also under a name of its
 * own that resolves there. So the Host header must be ours, an Origin must be ours, and the token must be right.
 */
import { timingSafeEqual } from "node:crypto";
import type { MiddlewareHandler } from "hono";
import { Failure } from "../../shared/ports/failure.ts";
import { toWire } from "../../shared/gateway/frames.ts";

export interface GuardOptions {
  readonly port: () => number;
  readonly token: string;
  /** Paths that need no token: they tell nothing that is private. */
  readonly open: ReadonlySet<string>;
}

export function guard(options: GuardOptions): MiddlewareHandler {
  return async (context, next) => {
    const names = ["127.0.0.1", "localhost", "[::1]"].map((name) => `${name}:${options.port()}`);
    const host = context.req.header("host") ?? "";
    const origin = context.req.header("origin");
    if (!names.includes(host)) return context.json(refusal("the Host header is not ours"), 403);
    if (origin !== undefined && !names.includes(origin.replace(/^http:\/\//, ""))) {
      return context.json(refusal("the Origin header is not ours"), 403);
    }
    if (!options.open.has(context.req.path)) {
      const given = context.req.header("authorization")?.replace(/^Bearer /, "") ?? "";
      if (!isEqual(given, options.token)) {
        return context.json(refusal("the token is missing or wrong"), 401);
      }
    }
    await next();
    context.header("cache-control", "no-store");
    context.header("x-content-type-options", "nosniff");
    return undefined;
  };
}

function refusal(message: string): { error: object } {
  const failure = new Failure("permission-denied", message, {
    origin: "local",
    remedy: "Use the port and token of control.json in the state folder.",
  });
  return { error: toWire(failure) };
}

/** Compares in a time that does not tell how much of the token was right. */
function isEqual(given: string, expected: string): boolean {
  const a = Buffer.from(given);
  const b = Buffer.from(expected);
  return a.length === b.length && timingSafeEqual(a, b);
}
