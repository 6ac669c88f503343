/** A host "desk" and a device "laptop" that are paired and have policies, as processes on this machine. */
import { readFileSync } from "node:fs";
import { expect, vi } from "vitest";
import { trustPorts } from "../../host/node/trust-ports.ts";
import type { ReceiptFacts } from "../../host/shared/trust/receipt/fields.ts";
import { verifyReceipt } from "../../host/shared/trust/receipt/sign.ts";
import { type Bench, type RttNode, type Run, rule } from "./rtt.ts";

const DOUBLE = new URL("./tool-server-double.ts", import.meta.url).pathname;

export interface PairOptions {
  /** Modes of the misbehaving tool server; each runs as a server of that name. */
  readonly servers?: readonly string[];
  /** The folder that the device's file server offers and its policy allows. */
  readonly folder: string;
  /** How many tools the host is to offer in the end. */
  readonly tools: number;
}

export interface Pair {
  readonly host: RttNode;
  readonly device: RttNode;
}

/** Starts both and waits until the host offers all tools. */
export async function startPaired(bench: Bench, options: PairOptions): Promise<Pair> {
  const { servers = [], folder } = options;
  const entries = servers.map((mode) => [mode, { command: "node", args: [DOUBLE, mode] }] as const);
  const imported = { mcpServers: Object.fromEntries(entries) };
  const file = bench.file("mcp.json", JSON.stringify(imported));
  const host = await bench.up("host", "--host", "--name", "desk");
  const doubles = servers.length === 0 ? [] : [rule(servers.map((mode) => `${mode}.*`))];
  await bench.allow("host", "host", [rule(["fs.read@^1"]), ...doubles]);
  const { code } = await bench.ask<{ code: string }>("host", "invite");
  await bench.ask("device", "join", code, "--name", "laptop");
  await bench.allow("device", "device", [rule(["fs.read"], { paths: [folder] }), ...doubles]);
  const device = await bench.up("device", "--device", "--folder", folder, "--import", file);
  await vi.waitFor(
    async () => {
      const { tools } = await bench.ask<{ tools: unknown[] }>("host", "tools");
      expect(tools).toHaveLength(options.tools);
    },
    { timeout: 60_000, interval: 250 },
  );
  return { host, device };
}

/** One line that names the code, one line that says what to do. */
export function clear(code: string): unknown {
  return expect.stringMatching(new RegExp(`^rtt: ${code}: [^\\n]+\\n {5}→ [^\\n]+\\n$`));
}

/** What the receipt says that a failed call names in its remedy, once both signatures that it has are verified. */
export function receiptOf(bench: Bench, home: string, failed: Run): ReceiptFacts {
  const id = / More: rtt why ([0-9a-f]{32})\n$/.exec(failed.stderr)?.[1] ?? "none";
  return verifyReceipt(trustPorts(), readFileSync(bench.path(home, "receipts", `${id}.json`)))
    .facts;
}
