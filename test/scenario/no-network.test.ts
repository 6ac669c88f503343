/**
 * Goal: nothing that a project does by itself sends a packet: making it, scanning, planning, applying, looking at
 * it, exporting it.
 * Method: each verb as a process on a machine of its own whose only way out is a cable, which is given a route to
 * everywhere; the machine counts what it sends. First it is shown to count a name that is looked up and an address that
 * is dialled.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TwoMachines } from "../support/namespaces.ts";
import { writePublishedTree } from "../support/published-tree.ts";
import { MAIN } from "../support/rtt.ts";
import { TOOL_FILES } from "../support/tool-folders.ts";

const LONG_MS = 240_000;

const machines = TwoMachines.open();
if (machines === null && process.env["CI"] === "true") {
  throw new Error("CI must permit network namespaces: run as root, with iproute2");
}
const root = mkdtempSync(join(tmpdir(), "rtt-test-"));
afterAll(() => {
  rmSync(root, { recursive: true, force: true });
  machines?.close();
});

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command on the machine. */
function on(words: readonly string[], environment: Readonly<Record<string, string>> = {}): Ended {
  const [program = "", ...rest] = [...machines!.on(0), ...words];
  const env = { ...process.env, ...environment };
  return spawnSync(program, rest, { cwd: root, encoding: "utf8", env });
}

/** How many packets the machine has sent, over the cable and to itself. */
function packetsSent(): number {
  const lines = on(["cat", "/proc/net/dev"]).stdout.trim().split("\n").slice(2);
  expect(lines.length).toBe(2);
  // name: 8 numbers of what was received, then bytes and packets that were sent
  const sent = lines.map((line) => Number(line.trim().split(/\s+/)[10]));
  return sent.reduce((sum, count) => sum + count, 0);
}

/** What the machine sends while a program of Node runs on it. */
function packetsOf(script: string): number {
  const before = packetsSent();
  on([process.execPath, "-e", script]);
  return packetsSent() - before;
}

/** Runs verbs one after the other in a project; each has to succeed. */
function verbs(project: string, all: readonly (readonly string[])[]): void {
  const environment = { RTT_HOME: join(root, "home"), RTT_PROJECT: project };
  for (const words of all) {
    const { status, stderr } = on([process.execPath, MAIN, ...words], environment);
    expect([words, status, stderr]).toEqual([words, 0, ""]);
  }
}

describe.skipIf(machines === null)("a project on a machine with a way out", () => {
  beforeAll(() => {
    // The system's own announcements of version 6 would be counted too.
    on(["sh", "-c", "echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6"]);
    expect(on(["ip", "route", "add", "default", "via", machines!.address(1)]).stderr).toBe("");
  });

  it(
    "is seen when it looks up a name or dials an address",
    () => {
      expect(packetsOf("require('dns').lookup('example.com', () => {})")).toBeGreaterThan(0);
      const dial =
        "require('net').connect(9, '192.0.2.1').on('error', () => {}).setTimeout(500, () => process.exit())";
      expect(packetsOf(dial)).toBeGreaterThan(0);
      expect(packetsOf("1 + 1")).toBe(0);
    },
    LONG_MS,
  );

  it(
    "sends nothing while it is made, scanned, planned, applied and looked at",
    () => {
      const project = join(root, "project");
      for (const [name, content] of Object.entries(TOOL_FILES)) {
        mkdirSync(dirname(join(project, name)), { recursive: true });
        writeFileSync(join(project, name), content);
      }
      const before = packetsSent();
      verbs(project, [
        ["init", project],
        ["scan"],
        ["plan"],
        ["apply", "--dry-run"],
        ["apply"],
        ["scan", "--prune"],
        ["ls", "routes"],
        ["view", "status"],
        ["fsck"],
        ["audit"],
        ["export", "--sbom"],
        ["export", "--oci", join(root, "image")],
        ["rollback", "0"],
      ]);
      expect(packetsSent() - before).toBe(0);
    },
    LONG_MS,
  );

  it(
    "sends nothing while a published tree is taken over and given back",
    () => {
      const project = join(root, "published");
      writePublishedTree(project);
      const before = packetsSent();
      verbs(project, [["migrate", "--dry-run"], ["migrate"], ["migrate", "--undo"]]);
      expect(packetsSent() - before).toBe(0);
    },
    LONG_MS,
  );
});
