/**
 * Two machines: a host and a device in network namespaces of their own, with nothing between them but a cable. They
 * are paired, given policies, used, and cut off in the middle of a call, by the commands that a person would type.
 */
import { existsSync, statSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { TwoMachines } from "../support/namespaces.ts";
import { Bench, policyOf, rule } from "../support/rtt.ts";

const DOUBLE = new URL("../support/tool-server-double.ts", import.meta.url).pathname;
const SOON = { timeout: 60_000, interval: 250 };
const LONG_MS = 120_000;

const machines = TwoMachines.open();
if (machines === null && process.env["CI"] === "true") {
  throw new Error("CI must permit network namespaces: run as root, with iproute2");
}
const bench = new Bench();
afterAll(async () => {
  await bench.close();
  machines?.close();
});

interface Explained {
  readonly correlationId: string;
  readonly outcome: string;
  readonly signers: { readonly host: string | null; readonly device: string | null };
  readonly facts: { readonly outcome: string; readonly code: string | null };
}

const note = bench.path("open/note.txt");
const secret = bench.path("closed/secret.txt");
const readNote = ["call", "laptop__fs_read", "--args", JSON.stringify({ path: note })] as const;

/** What the host says of its latest call. */
const why = (): Promise<Explained> => bench.ask<Explained>("host", "why");

async function toolNames(): Promise<readonly string[]> {
  const { tools } = await bench.ask<{ tools: { name: string }[] }>("host", "tools");
  return tools.map(({ name }) => name);
}

describe.skipIf(machines === null)("two machines on one cable", () => {
  beforeAll(() => {
    bench.place("host", machines!.on(0));
    bench.place("device", machines!.on(1));
    for (const folder of ["open", "closed"]) bench.folder(folder);
    writeFileSync(note, "hello from the other machine\n");
    writeFileSync(secret, "not for you\n");
  });

  it(
    "are paired by one code, with an identity that only its owner can read",
    async () => {
      for (const home of ["host", "device"]) {
        const made = await bench.ask<{ id: string; path: string }>(home, "id", "new");
        expect(made.id).toMatch(/^12D3Koo/);
        expect(statSync(made.path).mode & 0o777).toBe(0o600);
      }
      const host = await bench.up("host", "--host", "--name", "desk", "--listen", "0.0.0.0:7443");
      const where = `${machines!.address(0)}:7443`;
      expect(host.ready.udp.address).toContain(`@${where}`);
      const invited = await bench.run("host", "invite");
      expect(invited.stdout).toContain(where);
      const [code = ""] = invited.stdout.split("\n");
      const joined = await bench.run("device", "join", code, "--name", "laptop");
      expect([joined.code, joined.stderr]).toEqual([0, ""]);
      expect(joined.stdout).toContain("Paired with desk");
    },
    LONG_MS,
  );

  it(
    "deny everything before there are policies, and leave a receipt of it",
    async () => {
      const servers = { mcpServers: { gate: { command: "node", args: [DOUBLE, "gate"] } } };
      const imported = bench.file("mcp.json", JSON.stringify(servers));
      const folder = ["--folder", bench.path("open"), "--import", imported];
      await bench.up("device", "--device", "--name", "laptop", ...folder);
      await vi.waitFor(async () => {
        const doctor = await bench.run("host", "doctor");
        expect(doctor.stdout).toMatch(/ok +device laptop +\d+ tools, Noise_IK/);
        expect(doctor.stdout).toMatch(/FAIL +host policy/);
      }, SOON);
      expect(await toolNames()).toEqual([]);
      const denied = await bench.run("host", ...readNote);
      expect(denied.code).toBe(3);
      expect(denied.stderr).toMatch(/^rtt: policy-missing: .*\n {5}→ .*\n$/);
      expect((await why()).facts).toMatchObject({ outcome: "denied", code: "policy-missing" });
    },
    LONG_MS,
  );

  it(
    "are denied by the device while only the host allows",
    async () => {
      await bench.allow("host", "host", [rule(["fs.read@^1", "gate.echo"])]);
      await vi.waitFor(async () => expect(await toolNames()).toHaveLength(2), SOON);
      const denied = await bench.run("host", ...readNote);
      expect([denied.code, denied.stderr]).toEqual([3, expect.stringContaining("policy-missing")]);
      const { signers, facts } = await why();
      expect(facts.outcome).toBe("denied");
      expect(signers.device).toMatch(/^12D3Koo/);
    },
    LONG_MS,
  );

  it(
    "read a file across the cable once both allow, and no file beside it",
    async () => {
      const paths = [bench.path("open")];
      const rules = [rule(["fs.read@^1"], { paths }), rule(["gate.echo"])];
      await bench.allow("device", "device", rules);
      await vi.waitFor(async () => {
        const called = await bench.run("host", ...readNote);
        expect(called).toMatchObject({ code: 0, stderr: "" });
        expect(called.stdout).toBe("hello from the other machine\n\n");
      }, SOON);
      const args = JSON.stringify({ path: secret });
      const denied = await bench.run("host", "call", "fs.read", "--args", args);
      expect([denied.code, denied.stdout]).toEqual([3, ""]);
      expect(denied.stderr).toContain("path-denied");
    },
    LONG_MS,
  );

  it(
    "prove what happened, to each other and to a stranger",
    async () => {
      const { correlationId } = await why();
      const host = (await bench.ask<{ id: string }>("host", "id")).id;
      for (const home of ["host", "device"]) {
        const all = await bench.run(home, "receipt", "verify");
        expect([all.code, all.stderr]).toEqual([0, ""]);
      }
      const receipts = await bench.ask<{ receipts: { correlationId: string }[] }>(
        "device",
        ...(["receipt", "list"] as const),
      );
      expect(receipts.receipts.map((one) => one.correlationId)).toContain(correlationId);
      const proof = bench.path("call.tlog-proof");
      await bench.ask("host", "receipt", "prove", correlationId, "--out", proof);
      const file = bench.path("host/receipts", `${correlationId}.json`);
      const judged = await bench.run(
        "stranger",
        "receipt",
        "verify",
        "--file",
        file,
        "--proof",
        proof,
        "--log",
        host,
      );
      expect([judged.code, judged.stderr]).toEqual([0, ""]);
    },
    LONG_MS,
  );

  it(
    "name the error when the cable is pulled in the middle of a call, and recover",
    async () => {
      const gate = bench.path("gate");
      const args = JSON.stringify({ text: gate });
      const call = bench.run("host", "call", "gate.echo", "--args", args, "--timeout", "5000");
      await vi.waitFor(() => expect(existsSync(`${gate}.started`)).toBe(true), SOON);
      machines!.setLink("down");
      writeFileSync(gate, "");
      const cut = await call;
      expect(cut.code).not.toBe(0);
      expect(cut.stderr).toMatch(/^rtt: [a-z-]+: .*\n {5}→ .*\n$/);
      expect(cut.stderr).toMatch(/deadline-exceeded|outcome-unknown|idle-timeout/);
      const { facts, signers } = await why();
      expect(["timed-out", "unknown"]).toContain(facts.outcome);
      expect(signers.device).toBeNull();
      machines!.setLink("up");
      await vi.waitFor(async () => {
        const again = await bench.run("host", ...readNote);
        expect([again.code, again.stderr]).toEqual([0, ""]);
      }, SOON);
      for (const home of ["host", "device"]) {
        expect((await bench.run(home, "receipt", "verify")).code).toBe(0);
      }
    },
    LONG_MS,
  );

  it(
    "take back what was allowed without a restart",
    async () => {
      const none = await bench.sign("host", policyOf("test-host", []));
      await bench.ask("host", "policy", "install", none, "--role", "host");
      await vi.waitFor(async () => expect(await toolNames()).toEqual([]), SOON);
      expect((await bench.run("host", ...readNote)).code).toBe(3);
    },
    LONG_MS,
  );
});
