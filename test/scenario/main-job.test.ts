/** The main job, as the first command runs it: judged by its last line and by what it leaves on disk. */
import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { processesOf } from "../support/processes.ts";
import { MAIN } from "../support/rtt.ts";

interface Summary {
  readonly ok: boolean;
  readonly carrier: string;
  readonly handshake: string;
  readonly tool: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly receipt: { readonly path: string; readonly verified: boolean };
  readonly policy: { readonly id: string; readonly decision: string };
  readonly denied: { readonly host: boolean; readonly device: boolean };
  readonly recovered: boolean;
  readonly tamperDetected: boolean;
  readonly timingsUs: { readonly client: number; readonly host: { readonly total: number } };
  readonly wire: { readonly datagrams: number; readonly readable: readonly string[] };
  readonly state: string;
}

function runOnce(): Promise<{ code: number | null; lines: readonly string[]; errors: string }> {
  const child = spawn(process.execPath, [MAIN, "demo", "--once", "--json"], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  let errors = "";
  child.stdout.on("data", (bytes: Buffer) => (output += bytes.toString()));
  child.stderr.on("data", (bytes: Buffer) => (errors += bytes.toString()));
  return new Promise((resolve) => {
    child.once("close", (code) => resolve({ code, lines: output.trim().split("\n"), errors }));
  });
}

describe("the main job", () => {
  const runs: Awaited<ReturnType<typeof runOnce>>[] = [];
  const summaries: Summary[] = [];

  // Two at once: nothing of one run may be in the way of another.
  beforeAll(async () => {
    runs.push(...(await Promise.all([runOnce(), runOnce()])));
    summaries.push(...runs.map(({ lines }) => JSON.parse(lines.at(-1) ?? "") as Summary));
  }, 180_000);
  afterAll(() => {
    for (const { state } of summaries) rmSync(state, { recursive: true, force: true });
  });

  it("succeeds, twice at the same time", () => {
    expect(runs.map(({ code, errors }) => [code, errors])).toEqual([
      [0, ""],
      [0, ""],
    ]);
    expect(new Set(summaries.map(({ state }) => state)).size).toBe(2);
  });

  it.each([0, 1])("delivers the real file, under policy, with proof (run %i)", (index) => {
    const summary = summaries[index]!;
    expect(summary).toMatchObject({
      ok: true,
      carrier: "udp",
      handshake: "Noise_IK_25519_ChaChaPoly_SHA256",
      tool: "fs.read",
      receipt: { verified: true },
      policy: { id: "demo-host", decision: "allow" },
      denied: { host: true, device: true },
      recovered: true,
      tamperDetected: true,
      wire: { readable: [] },
    });
    const folder = join(summary.state, "files/shared");
    const [name = ""] = readdirSync(folder);
    const content = readFileSync(join(folder, name));
    expect(summary.bytes).toBe(content.length);
    expect(summary.sha256).toBe(createHash("sha256").update(content).digest("hex"));
    expect(readFileSync(summary.receipt.path, "utf8")).toContain("mxp.receipt/v1");
    expect(summary.wire.datagrams).toBeGreaterThan(10);
    expect(summary.timingsUs.client).toBeGreaterThan(summary.timingsUs.host.total);
  });

  it("leaves no process behind", async () => {
    for (const { state } of summaries) expect(await processesOf(state)).toEqual([]);
  });
});

describe("a main job that is ended early", () => {
  /** Starts it, and resolves with its state folder when a line begins with `until`. */
  async function startUntil(until: string): Promise<{ child: ChildProcess; state: string }> {
    const child = spawn(process.execPath, [MAIN, "demo"], { stdio: ["ignore", "pipe", "inherit"] });
    let state = "";
    for await (const line of createInterface({ input: child.stdout })) {
      state ||= /^ *state +(\/\S+)/.exec(line)?.[1] ?? "";
      if (line.startsWith(until)) break;
    }
    return { child, state };
  }

  it.each([
    // Killed, it can end nothing itself: its nodes notice that it is gone.
    ["SIGKILL", "Page:", null],
    // Interrupted while the device is being started anew.
    ["SIGINT", "3.", 130],
    ["SIGTERM", "Page:", 0],
  ] as const)(
    "by %s after %j takes all its processes with it",
    async (signal, until, code) => {
      const { child, state } = await startUntil(until);
      const ended = once(child, "exit");
      child.kill(signal);
      expect((await ended)[0]).toBe(code);
      expect(state).toContain("rtt-demo-");
      expect(await processesOf(state)).toEqual([]);
      rmSync(state, { recursive: true, force: true });
    },
    120_000,
  );
});
