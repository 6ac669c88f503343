/**
 * How a verb reaches the running node of this state folder: `control.json` (0600) names a port on loopback, a token
 * and the process. Whoever may read the file may use the node; nobody else can, also not a page in a browser.
 */
import { randomBytes } from "node:crypto";
import { readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { Failure } from "../shared/ports/failure.ts";
import { fromWire } from "../shared/gateway/frames.ts";

/** How long a running node may take to say that it runs. */
const ANSWER_MS = 5000;

export interface Control {
  readonly port: number;
  readonly token: string;
  readonly pid: number;
}

/** Writes `control.json` for this process. */
export function writeControl(path: string, port: number, token: string): void {
  const control: Control = { port, token, pid: process.pid };
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, `${JSON.stringify(control)}\n`, { mode: 0o600 });
  renameSync(temporary, path);
}

/** Removes `control.json` if it is this process's own. */
export function removeControl(path: string): void {
  if (readControl(path)?.pid === process.pid) rmSync(path, { force: true });
}

/** 32 bytes from the operating system. */
export function newToken(): string {
  return randomBytes(32).toString("base64url");
}

/** Reads `control.json`; null when there is none or its process has ended. */
export function readControl(path: string): Control | null {
  try {
    // Others could have written it for us: then it is not ours to trust.
    if (process.platform !== "win32" && (statSync(path).mode & 0o077) !== 0) return null;
    const control = JSON.parse(readFileSync(path, "utf8")) as Control;
    process.kill(control.pid, 0);
    return control;
  } catch {
    return null;
  }
}

/**
 * Fails with `already-running` when a node of this state folder runs. It is asked, because a process id that is left
 * over from a node that was killed may belong to another program by now.
 */
export async function checkNotRunning(path: string): Promise<void> {
  const control = readControl(path);
  if (control === null) return;
  try {
    await askNode(path, {
      method: "GET",
      path: "/v1/status",
      signal: AbortSignal.timeout(ANSWER_MS),
    });
  } catch {
    return;
  }
  throw new Failure("already-running", `a node already runs here as process ${control.pid}`, {
    origin: "local",
    context: { pid: control.pid },
    remedy: "Stop it first, or name another state folder in RTT_HOME.",
  });
}

export interface ControlRequest {
  readonly method: "GET" | "POST" | "DELETE";
  readonly path: string;
  readonly body?: Uint8Array<ArrayBuffer> | string;
  readonly signal?: AbortSignal;
}

/** Asks the running node. Fails with `not-running`, or with what the node answers. */
export async function askNode(path: string, request: ControlRequest): Promise<Uint8Array> {
  const control = readControl(path);
  if (control === null) throw notRunning(path);
  let response: Response;
  try {
    response = await fetch(`http://127.0.0.1:${control.port}${request.path}`, {
      method: request.method,
      headers: { authorization: `Bearer ${control.token}` },
      ...(request.body === undefined ? {} : { body: request.body }),
      ...(request.signal === undefined ? {} : { signal: request.signal }),
    });
  } catch (cause) {
    if (request.signal?.aborted === true) throw cancelled(cause);
    throw notRunning(path, cause);
  }
  const bytes = new Uint8Array(await response.arrayBuffer());
  if (response.ok) return bytes;
  throw answeredFailure(bytes, response.status);
}

/** The same, for answers that are JSON and nothing else. */
export async function askNodeJson<T>(path: string, request: ControlRequest): Promise<T> {
  return JSON.parse(new TextDecoder().decode(await askNode(path, request))) as T;
}

function answeredFailure(bytes: Uint8Array, status: number): Failure {
  try {
    const body = JSON.parse(new TextDecoder().decode(bytes)) as { error?: unknown };
    if (body.error !== undefined) return fromWire(body.error);
  } catch {
    // Not from our node: told below.
  }
  return new Failure("internal", `the node answered with HTTP status ${status}`, {
    origin: "host",
    remedy: "Another program may listen there; restart the node with `rtt up`.",
  });
}

function notRunning(path: string, cause?: unknown): Failure {
  return new Failure("not-running", "no node runs for this state folder", {
    origin: "local",
    context: { control: path },
    remedy: "Start one with `rtt up`, or name its state folder in RTT_HOME.",
    cause,
  });
}

function cancelled(cause: unknown): Failure {
  return new Failure("cancelled", "the request was given up", {
    origin: "local",
    remedy: "Ask again if the answer is still wanted.",
    cause,
  });
}
