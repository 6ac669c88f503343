/** Two nodes as processes: paired by an invitation, called through every verb, and refused where it must be. */
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { Bench, rule } from "../support/rtt.ts";

const bench = new Bench();
let code = "";

beforeAll(async () => {
  mkdirSync(bench.path("open"));
  writeFileSync(bench.path("open/note.txt"), "hello\n");
  await bench.up("host", "--host", "--name", "desk");
  await bench.allow("host", "host", [rule(["fs.read@^1"]), rule(["files.list_directory"])]);
  code = (await bench.ask<{ code: string }>("host", "invite")).code;
  await bench.ask("device", "join", code, "--name", "laptop");
  const paths = [bench.path("open")];
  await bench.allow("device", "device", [rule(["fs.read", "files.*"], { paths })]);
  await bench.up("device", "--device", "--name", "laptop", "--folder", bench.path("open"));
  await vi.waitFor(
    async () => {
      const { tools } = await bench.ask<{ tools: unknown[] }>("host", "tools");
      expect(tools).toHaveLength(2);
    },
    { timeout: 60_000, interval: 500 },
  );
}, 180_000);
afterAll(() => bench.close());

describe("two paired nodes", () => {
  it("show the permitted tools under the names of the pairing", async () => {
    const { stdout } = await bench.run("host", "tools");
    expect(stdout).toContain("laptop__fs_read");
    expect(stdout).toContain("fs.read@1.0.0");
    expect(stdout).not.toContain("write_file");
  });

  it("answer a call, and say why", async () => {
    const args = JSON.stringify({ path: bench.path("open/note.txt") });
    const called = await bench.run("host", "call", "fs.read", "--args", args);
    expect(called).toMatchObject({ code: 0, stdout: "hello\n\n", stderr: "" });
    const why = await bench.run("host", "why");
    expect(why.stdout).toMatch(/fs\.read@1\.0\.0 asked by local: ok/);
    expect(why.stdout).toMatch(/device: allow by rule/);
    expect(why.stdout).toMatch(/signed by: 12D3Koo\w+ and 12D3Koo/);
    expect((await bench.run("host", "receipt", "verify")).code).toBe(0);
    expect((await bench.run("device", "receipt", "verify")).code).toBe(0);
  });

  it("deny with one line, a remedy, a receipt and exit code 3", async () => {
    const args = JSON.stringify({ path: "/etc/passwd" });
    const denied = await bench.run("host", "call", "fs.read", "--args", args);
    expect(denied.code).toBe(3);
    expect(denied.stdout).toBe("");
    expect(denied.stderr).toMatch(/^rtt: path-denied: .*\n {5}→ .*rtt why [0-9a-f]{32}\n$/);
  });

  it("keep what is secret to their owner", () => {
    for (const name of ["identity.json", "control.json", "invitations.json", "peers.json"]) {
      expect(statSync(bench.path("host", name)).mode & 0o077).toBe(0);
    }
    expect(statSync(bench.path("host")).mode & 0o077).toBe(0);
  });

  it("report themselves as healthy", async () => {
    const doctor = await bench.run("host", "doctor");
    expect(doctor.stdout).toContain("ok    device laptop");
    expect(doctor.code).toBe(0);
    expect((await bench.run("device", "doctor")).code).toBe(0);
  });
});

describe("an invitation", () => {
  it("is good once", async () => {
    const again = await bench.run("third", "join", code);
    expect([again.code, again.stderr]).toEqual([9, expect.stringContaining("invitation-used")]);
  });

  it("that is damaged is refused before anything is sent", async () => {
    const changed = `${code.slice(0, -1)}${code.endsWith("2") ? "3" : "2"}`;
    const joined = await bench.run("third", "join", changed);
    expect([joined.code, joined.stderr]).toEqual([9, expect.stringContaining("mistyped")]);
    expect((await bench.run("third", "join", "hello")).code).toBe(9);
  });

  it("that has expired is refused by name", async () => {
    const request = ["invite", "--valid", "1s"] as const;
    const { code: brief, expiresMs } = await bench.ask<{ code: string; expiresMs: number }>(
      "host",
      ...request,
    );
    await vi.waitFor(() => expect(Date.now()).toBeGreaterThan(expiresMs), { timeout: 5000 });
    const joined = await bench.run("third", "join", brief);
    expect([joined.code, joined.stderr]).toEqual([
      9,
      expect.stringContaining("invitation-expired"),
    ]);
  });

  it("for a time that is none is wrong usage", async () => {
    expect((await bench.run("host", "invite", "--valid", "soon")).code).toBe(2);
  });

  it("leaves a stranger without one outside", async () => {
    // The address is no secret; being let in takes more than knowing it.
    const { address } = JSON.parse(readFileSync(bench.path("device/peers.json"), "utf8")).peers[0];
    await bench.allow("third", "device", [rule(["*"])]).catch(() => {});
    await bench.run("third", "id", "new");
    await bench.up("third", "--device", "--dial", address, "--name", "stranger");
    await vi.waitFor(
      async () => {
        const doctor = await bench.run("third", "doctor");
        expect(doctor.stdout).toMatch(/FAIL {2}host .*peer-(unknown|refused)/);
      },
      { timeout: 30_000, interval: 250 },
    );
    const { tools } = await bench.ask<{ tools: { name: string }[] }>("host", "tools");
    expect(tools.filter(({ name }) => name.startsWith("stranger"))).toEqual([]);
  });
});
