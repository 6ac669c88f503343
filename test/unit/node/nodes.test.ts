/** Two nodes inside one process, over real UDP: starting, pairing, every verb, changing policies, ending. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { runCli } from "../../../host/node/cli.ts";
import { readControl } from "../../../host/node/control.ts";
import { type RunningNode, startNode } from "../../../host/node/node.ts";
import { statePaths } from "../../../host/node/state.ts";
import { type ConfigSources, loadConfig } from "../../../host/shared/config/load.ts";
import { Failure } from "../../../host/shared/ports/failure.ts";
import { SILENT } from "../../../host/shared/telemetry/logger.ts";
import { policyOf, rule } from "../../support/rtt.ts";

const root = realpathSync(mkdtempSync(join(tmpdir(), "rtt-nodes-")));
const open = join(root, "open");
const nodes: RunningNode[] = [];
const PATIENCE = { timeout: 30_000, interval: 100 };

beforeAll(() => {
  mkdirSync(open);
  writeFileSync(join(open, "note.txt"), "hello\n");
});
afterAll(async () => {
  await Promise.all(nodes.map((node) => node.close()));
  rmSync(root, { recursive: true, force: true });
});

async function start(home: string, flags: ConfigSources["flags"]): Promise<RunningNode> {
  const paths = statePaths(join(root, home));
  mkdirSync(paths.home, { recursive: true, mode: 0o700 });
  const node = await startNode({
    config: loadConfig({ yaml: null, environment: {}, flags: { listen: "127.0.0.1:0", ...flags } }),
    paths,
    environment: process.env,
    log: SILENT,
    imported: {},
    passphrase: undefined,
    page: null,
    isTapped: true,
  });
  nodes.push(node);
  return node;
}

/** Runs a verb in this process. */
async function rtt(home: string, ...words: readonly string[]) {
  let out = "";
  let errors = "";
  const code = await runCli(words, {
    environment: { ...process.env, RTT_HOME: join(root, home) },
    writeOut: (text) => (out += text),
    writeError: (text) => (errors += text),
  });
  return { code, out, errors };
}

async function ask<T>(home: string, ...words: readonly string[]): Promise<T> {
  const { code, out, errors } = await rtt(home, ...words, "--json");
  if (code !== 0) throw new Error(`rtt ${words.join(" ")}: ${errors}`);
  return JSON.parse(out) as T;
}

async function install(home: string, role: "host" | "device", rules: readonly object[]) {
  const source = join(root, `${home}.json`);
  writeFileSync(source, JSON.stringify(policyOf(`test-${role}`, rules)));
  const { key } = await ask<{ key: string }>(home, "id");
  await ask(home, "policy", "trust", key);
  await ask(home, "policy", "sign", source, "--out", `${source}.signed`);
  await ask(home, "policy", "install", `${source}.signed`, "--role", role);
}

describe("two nodes", () => {
  let host: RunningNode;
  let device: RunningNode;

  it("start, and say what they lack", async () => {
    host = await start("host", { name: "desk", roles: ["host"] });
    expect(host.health()).toMatchObject({ status: "degraded", problems: [/policy/] });
    const status = await host.status();
    expect(status).toMatchObject({ name: "desk", roles: ["host"], devices: [], hosts: [] });
    expect(status.udp.address).toMatch(/^mxp:\/\/z6LS\w+@127\.0\.0\.1:\d+$/);
    expect(readControl(statePaths(join(root, "host")).control)?.pid).toBe(process.pid);
  });

  it("are paired by an invitation, while both run", async () => {
    device = await start("device", { name: "laptop", roles: ["device"], "device.folders": [open] });
    const { code } = await ask<{ code: string }>("host", "invite", "--valid", "1m");
    const joined = await rtt("device", "join", code, "--name", "laptop");
    expect(joined).toMatchObject({ code: 0, errors: "" });
    expect(joined.out).toContain("This node is dialling it now.");
    await vi.waitFor(() => {
      expect(host.parts.host?.directory.list()).toMatchObject([{ name: "laptop" }]);
    }, PATIENCE);
    expect((await rtt("host", "peers")).out).toMatch(/^laptop +device +12D3Koo/);
    expect((await rtt("device", "peers", "list")).out).toMatch(/^desk +host +mxp:/);
    expect((await rtt("third", "join", code)).code).toBe(9);
  });

  it("deny everything until a policy is installed, and take it in while they run", async () => {
    const args = JSON.stringify({ path: join(open, "note.txt") });
    expect((await rtt("host", "tools")).out).toContain("No tool is permitted");
    expect((await rtt("host", "call", "laptop__fs_read", "--args", args)).code).toBe(3);
    await install("host", "host", [rule(["fs.read@^1", "files.*"])]);
    await install("device", "device", [rule(["fs.read", "files.*"], { paths: [open] })]);
    await vi.waitFor(() => {
      expect([host.health().status, device.health().status]).toEqual(["ok", "ok"]);
    }, PATIENCE);
    const called = await rtt("host", "call", "fs.read", "--args", args);
    expect(called).toEqual({ code: 0, out: "hello\n\n", errors: "" });
  });

  it("answer every verb about it", async () => {
    expect((await rtt("host", "tools")).out).toContain("laptop__files_write_file");
    const listed = await rtt(
      "host",
      "call",
      "files.list_directory",
      "--args",
      `{"path":"${open}"}`,
    );
    expect(listed.out).toContain("[FILE] note.txt");
    const why = await rtt("host", "why");
    expect(why.out).toContain("files.list_directory@0.2.0 asked by local: ok");
    const receipts = await host.receipts(2);
    expect(receipts[0]).toMatchObject({
      outcome: "ok",
      isVerified: true,
      signers: ["host", "device"],
    });
    const { path } = (
      await ask<{ receipt: { path: string } }>(
        ...(["host", "call", "fs.read", "--args", `{"path":"${open}/note.txt"}`] as const),
      )
    ).receipt;
    expect((await rtt("elsewhere", "why", path)).out).toContain("fs.read@1.0.0 asked by local: ok");
    const doctor = await rtt("host", "doctor");
    expect([doctor.code, doctor.out]).toEqual([0, expect.stringContaining("ok    device laptop")]);
    expect((await rtt("device", "doctor")).out).toMatch(/ok {4}server files +14 tools/);
  });

  it("tell what went wrong in a call, with its receipt", async () => {
    const call = (...more: readonly string[]) => rtt("host", "call", "fs.read", ...more);
    const denied = await call("--args", '{"path":"/etc/passwd"}');
    expect([denied.code, denied.errors]).toEqual([
      3,
      expect.stringMatching(/path-denied[^]*rtt why/),
    ]);
    expect((await call("--args", "{}")).code).toBe(2);
    expect((await call("--args", "{")).code).toBe(2);
    expect((await call("--timeout", "soon")).code).toBe(2);
    const json = await call("--args", '{"path":"/etc/passwd"}', "--json");
    expect(JSON.parse(json.out)).toMatchObject({ ok: false, failure: { code: "path-denied" } });
    expect((await rtt("host", "call", "no.such.tool")).code).toBe(6);
  });

  it("keep what went over the wire only where that was asked for", () => {
    const wire = host.wire();
    expect(wire?.seen).toBeGreaterThan(5);
    const bytes = wire!.datagrams.map(({ base64 }) => Buffer.from(base64, "base64"));
    expect(Buffer.concat(bytes).includes("note.txt")).toBe(false);
  });

  it("find each other again when the host starts anew at the same place", async () => {
    const { port } = (await host.status()).udp;
    await host.close();
    expect(readControl(statePaths(join(root, "host")).control)).toBeNull();
    host = await start("host", { name: "desk", roles: ["host"], listen: `127.0.0.1:${port}` });
    await vi.waitFor(() => {
      expect(host.parts.host?.directory.list()[0]?.lane).not.toBeNull();
      expect(host.parts.host?.directory.list()).toHaveLength(1);
    }, PATIENCE);
  });

  it("refuse a policy that was changed on disk, and deny everything again", async () => {
    const path = join(root, "host/policy/host.dsse.json");
    writeFileSync(path, '{"payload":"AAAA"}\n');
    await vi.waitFor(() => expect(host.health().status).toBe("degraded"), PATIENCE);
    const args = JSON.stringify({ path: join(open, "note.txt") });
    expect((await rtt("host", "call", "laptop__fs_read", "--args", args)).code).not.toBe(0);
    await install("host", "host", [rule(["fs.read"])]);
    await vi.waitFor(() => expect(host.health().status).toBe("ok"), PATIENCE);
  });

  it("part at once when the pairing is ended", async () => {
    expect((await rtt("host", "peers", "remove", "nobody")).code).toBe(15);
    const lane = host.parts.host?.directory.list()[0]?.lane;
    expect((await rtt("host", "peers", "remove", "laptop")).code).toBe(0);
    await lane?.closed;
    expect(host.parts.host?.directory.list()).toEqual([]);
    await vi.waitFor(() => {
      const [dialer] = device.parts.dialers.values();
      expect(dialer?.lastFailure?.code).toMatch(/^peer-(unknown|refused)$/);
    }, PATIENCE);
  });

  it("can be stopped through their door", async () => {
    expect(await rtt("device", "down")).toMatchObject({ code: 0, out: "The node has stopped.\n" });
    await device.closed;
    expect((await rtt("device", "down")).code).toBe(13);
    expect(device.parts.device?.servers.map(({ state, pid }) => [state, pid])).toEqual([
      ["stopped", null],
    ]);
  });
});

describe("a node of both roles", () => {
  it("offers its own tools to itself, by the same road and under both policies", async () => {
    const both = await start("both", {
      name: "solo",
      roles: ["host", "device"],
      "device.folders": [open],
    });
    const allowed = await rtt("both", "allow", "fs.read@^1", "--folder", open);
    expect([allowed.code, allowed.out]).toEqual([0, expect.stringContaining("everyone may call")]);
    await vi.waitFor(() => expect(both.health().status).toBe("ok"), PATIENCE);
    await vi.waitFor(() => expect(both.tools("local")).toHaveLength(1), PATIENCE);
    const args = JSON.stringify({ path: join(open, "note.txt") });
    const called = await rtt("both", "call", "solo__fs_read", "--args", args);
    expect(called).toEqual({ code: 0, out: "hello\n\n", errors: "" });
    expect((await both.receipts(5)).map(({ signers }) => signers)).toEqual([["host", "device"]]);
  });
});

describe("rtt allow", () => {
  it("adds to this node's own policy, rule by rule, each time with a higher version", async () => {
    const first = await ask<{ installed: object[] }>("own", "allow", "fs.read@^1");
    expect(first.installed).toMatchObject([
      { role: "host", version: 1, rules: 1 },
      { role: "device", version: 1, rules: 1 },
    ]);
    const more = ["--role", "host", "--client", "mcp:claude", "--folder", open];
    const second = await ask<{ installed: object[] }>(
      "own",
      "allow",
      "files.*",
      "fs.read",
      ...more,
    );
    expect(second.installed).toMatchObject([{ role: "host", version: 2, rules: 2 }]);
    const explain = (...words: readonly string[]) => rtt("own", "policy", "explain", ...words);
    expect((await explain("fs.read@1.0.0")).code).toBe(0);
    expect((await explain("files.x@1.0.0", "--path", `${open}/a`)).code).toBe(3);
    const claude = ["--principal", "mcp:claude", "--path"];
    expect((await explain("files.x@1.0.0", ...claude, `${open}/a`)).code).toBe(0);
    expect((await explain("files.x@1.0.0", ...claude, "/etc/a")).code).toBe(3);
  });

  it("leaves a policy alone that somebody else signed, and refuses what is no role or time", async () => {
    await rtt("boss", "id", "new");
    const { key } = await ask<{ key: string }>("boss", "id");
    await ask("ruled", "id", "new");
    const source = join(root, "boss.json");
    writeFileSync(source, JSON.stringify(policyOf("boss", [rule(["*"])])));
    await ask("boss", "policy", "sign", source, "--out", `${source}.signed`);
    await ask("ruled", "policy", "trust", key);
    await ask("ruled", "policy", "install", `${source}.signed`, "--role", "host");
    const refused = await rtt("ruled", "allow", "fs.read");
    expect([refused.code, refused.errors]).toEqual([
      7,
      expect.stringContaining("signer-untrusted"),
    ]);
    expect((await rtt("own", "allow", "x", "--role", "king")).code).toBe(2);
    expect((await rtt("own", "allow", "x", "--days", "0")).code).toBe(2);
    expect((await rtt("own", "allow", "a*b")).code).toBe(3);
  });
});

describe("a node that cannot start", () => {
  it("leaves nothing behind", async () => {
    const taken = await start("taken", { roles: ["host"] });
    const { port } = (await taken.status()).udp;
    const failed = start("failed", { roles: ["host", "device"], listen: `127.0.0.1:${port}` });
    await expect(failed).rejects.toMatchObject({ code: "port-in-use" });
    expect(readControl(statePaths(join(root, "failed")).control)).toBeNull();
    const twice = start("taken", { roles: ["host"] });
    await expect(twice).rejects.toMatchObject({ code: "already-running" });
  });

  it("is refused when its devices' folder is a file, and makes no calls when it is no host", async () => {
    const flags = { roles: ["device"], "device.folders": [join(open, "note.txt")] };
    await expect(start("odd", flags)).rejects.toMatchObject({ code: "file-missing" });
    const lone = await start("lone", { roles: ["device"] });
    const request = { name: "x", args: new Uint8Array(), client: "local", depth: 1 };
    expect(() => lone.call(request)).toThrow(Failure);
    expect(lone.tools("local")).toEqual([]);
    expect((await rtt("lone", "invite")).errors).toContain("unsupported");
  });
});
