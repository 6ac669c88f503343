/** The main job, as the first command runs it: judged by its last line and by what it leaves on disk. */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
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

  it("leaves no process behind", () => {
    // Every process of a run carries its state folder in its arguments or in its environment.
    const states = summaries.map(({ state }) => state);
    const left = readdirSync("/proc")
      .filter((entry) => /^\d+$/.test(entry))
      .filter((pid) => states.some((state) => mentions(pid, state)));
    expect(left).toEqual([]);
  });
});

function mentions(pid: string, text: string): boolean {
  return ["cmdline", "environ"].some((file) => {
    try {
      return readFileSync(join("/proc", pid, file), "utf8").includes(text);
    } catch {
      // The process has ended since, or is a kernel's own.
      return false;
    }
  });
}
