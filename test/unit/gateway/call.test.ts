/** Calls from host to device through real tool servers: what comes back, and the receipt of every way to end. */
import { createHash, randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { HostCallRequest } from "../../../host/shared/gateway/host-call.ts";
import { DEFAULT_TOOL_SERVER_LIMITS } from "../../../host/shared/gateway/tool-server.ts";
import { Failure } from "../../../host/shared/ports/failure.ts";
import { verifyReceipt } from "../../../host/shared/trust/receipt/sign.ts";
import {
  allow,
  createWorld,
  deny,
  doubleServer,
  fileServer,
  PORTS,
  type World,
  type WorldOptions,
} from "../../support/gateway-world.ts";

let root = "";
let open = "";
const worlds: World[] = [];
const encode = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const sha256 = (bytes: Uint8Array): string =>
  `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
const parse = (bytes: Uint8Array | null): Record<string, unknown> =>
  JSON.parse(new TextDecoder().decode(bytes!)) as Record<string, unknown>;

beforeAll(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "rtt-call-")));
  open = join(root, "open");
  mkdirSync(open);
  mkdirSync(join(root, "closed"));
  writeFileSync(join(open, "note.txt"), "grüße\n");
  writeFileSync(join(root, "closed/secret.txt"), "secret");
  symlinkSync(join(root, "closed/secret.txt"), join(open, "link.txt"));
});
afterAll(() => rmSync(root, { recursive: true }));
afterEach(async () => {
  await Promise.all(worlds.splice(0).map((one) => one.close()));
});

async function world(options: Partial<WorldOptions> = {}): Promise<World> {
  const made = await createWorld({
    hostRules: [allow(["*"])],
    deviceRules: [allow(["fs.read@^1"], { paths: [open] }), allow(["files.*"], { paths: [open] })],
    servers: [fileServer(root)],
    ...options,
  });
  worlds.push(made);
  return made;
}

const call = (on: World, tool: string, args: unknown, more: Partial<HostCallRequest> = {}) =>
  on.host.call({
    deviceId: on.deviceIdentity.id,
    tool,
    args: args instanceof Uint8Array ? args : encode(args),
    client: "local",
    depth: 1,
    ...more,
  });

describe("a call under a contract", () => {
  it("brings a real file back, with a receipt that both sides signed", async () => {
    const w = await world();
    await w.connect();
    const text = randomBytes(2000).toString("base64");
    writeFileSync(join(open, "fresh.txt"), text);
    const answer = await call(w, "fs.read", { path: join(open, "fresh.txt") });
    expect(answer.failure).toBeNull();
    expect(parse(answer.result)).toEqual({ content: text, bytes: text.length, truncated: false });
    expect(answer.receipt?.isCountersigned).toBe(true);
    const file = w.hostBook.files.get(answer.correlationId)!;
    expect(w.deviceBook.files.get(answer.correlationId)).toEqual(file);
    const { facts, host, device } = verifyReceipt(PORTS, file);
    expect([host, device]).toEqual([w.hostIdentity.id, w.deviceIdentity.id]);
    expect(facts.sent).toBe(facts.served?.received);
    expect(facts.delivered).toBe(sha256(answer.result!));
    expect(facts.outcome).toBe("ok");
    expect(Object.keys(facts.served!.elapsedUs)).toEqual(
      expect.arrayContaining(["policy", "tool", "total"]),
    );
  });

  it("delivers a file of a megabyte in pieces, and cuts one that is larger", async () => {
    const w = await world({
      deviceRules: [allow(["fs.read"], { paths: [open], caps: { maxBytes: 900_000 } })],
    });
    await w.connect();
    const text = "ü".repeat(400_000);
    writeFileSync(join(open, "large.txt"), text);
    const whole = await call(w, "fs.read", { path: join(open, "large.txt") });
    expect(parse(whole.result)["content"]).toBe(text);
    writeFileSync(join(open, "larger.txt"), `x${text}${text}`);
    const cut = await call(w, "fs.read", { path: join(open, "larger.txt") });
    expect(parse(cut.result)).toMatchObject({ bytes: 1_600_001, truncated: true });
    expect(Buffer.byteLength(String(parse(cut.result)["content"]))).toBe(899_999);
    expect(cut.facts.isTruncated).toBe(true);
  });

  it.each([
    ["a path outside", () => join(root, "closed/secret.txt"), "path-denied"],
    ["a path that climbs", () => `${open}/../closed/secret.txt`, "path-denied"],
    ["a link that leads outside", () => join(open, "link.txt"), "path-denied"],
    ["a path with a NUL", () => `${open}/\0`, "path-denied"],
  ])("is denied by the device for %s", async (_, path, code) => {
    const w = await world();
    await w.connect();
    const answer = await call(w, "fs.read", { path: path() });
    expect(answer.failure?.code).toBe(code);
    expect(answer.facts.outcome).toBe("denied");
    expect(answer.facts.host?.decision.effect).toBe("allow");
    expect(answer.facts.served?.decision.effect).toBe("deny");
    expect(answer.facts.served?.returned).toBeNull();
    expect(answer.receipt?.isCountersigned).toBe(true);
  });

  it("is denied by the host before the device hears of it", async () => {
    const w = await world({
      hostRules: [allow(["fs.read"], { paths: [join(root, "elsewhere")] })],
    });
    await w.connect();
    const answer = await call(w, "fs.read", { path: join(open, "note.txt") });
    expect(answer.failure?.code).toBe("path-denied");
    expect(answer.facts.served).toBeNull();
    expect(answer.facts.host?.decision.effect).toBe("deny");
    expect(w.deviceBook.files.size).toBe(0);
    expect(verifyReceipt(PORTS, w.hostBook.files.get(answer.correlationId)!).device).toBeNull();
  });

  it("gives the server's own message when the server says no", async () => {
    const w = await world();
    await w.connect();
    const answer = await call(w, "fs.read", { path: join(open, "absent.txt") });
    expect(answer.failure?.code).toBe("tool-failed");
    expect(answer.failure?.message).toContain("no such file");
    expect(answer.facts.outcome).toBe("failed");
  });

  it.each([
    [encode({ path: 7 }), "string"],
    [encode({ path: "open/note.txt" }), "pattern"],
    [encode({}), "required"],
    [new TextEncoder().encode('{"path":"/a","path":"/b"}'), "no second member"],
    [new TextEncoder().encode("{"), "expected"],
    [encode([]), "an object"],
  ])("refuses arguments that do not fit: %#", async (args, problem) => {
    const w = await world();
    await w.connect();
    const answer = await call(w, "fs.read", args);
    expect(answer.failure?.code).toBe("tool-args-invalid");
    expect(answer.failure?.message).toContain(problem);
    expect(answer.facts.sent).toBe(sha256(args));
  });
});

describe("a relayed call", () => {
  it("reaches the server and comes back as the bytes they are", async () => {
    const w = await world({
      servers: [doubleServer("good")],
      deviceRules: [allow(["good.echo@1"])],
    });
    await w.connect();
    const args = new TextEncoder().encode('{"text": "a\\u00fc" , "extra":1.0}');
    const answer = await call(w, "good.echo", args);
    const expected = '{"content":[{"type":"text","text":"aü"}],"calls":1}';
    expect(new TextDecoder().decode(answer.result!)).toBe(expected);
    const { facts } = answer;
    expect([facts.sent, facts.served?.received]).toEqual([sha256(args), sha256(args)]);
    const digests = [facts.delivered, facts.served?.returned];
    expect(digests).toEqual([sha256(answer.result!), sha256(answer.result!)]);
  });

  it("is bound to its folder too, whatever the argument is called", async () => {
    const w = await world();
    await w.connect();
    const move = { source: join(open, "note.txt"), destination: join(root, "closed/note.txt") };
    expect((await call(w, "files.move_file", move)).failure?.code).toBe("path-denied");
    expect((await call(w, "files.list_directory", { path: open })).failure).toBeNull();
    const answer = await call(w, "files.list_directory", { path: root });
    expect(answer.failure?.code).toBe("path-denied");
  });

  it("cuts a result that is too large and says so", async () => {
    const w = await world({
      servers: [doubleServer("good")],
      deviceRules: [allow(["*"], { caps: { maxBytes: 100 } })],
    });
    await w.connect();
    const answer = await call(w, "good.echo", { text: "x".repeat(500) });
    expect(parse(answer.result)).toEqual({
      content: [{ type: "text", text: "x".repeat(100) }],
      _meta: { "rtt/truncated": true, "rtt/bytes": 549 },
    });
    expect(answer.facts.isTruncated).toBe(true);
  });
});

describe("every way to end has a receipt", () => {
  const fast = {
    ...DEFAULT_TOOL_SERVER_LIMITS,
    probeMs: 100,
    backoff: { firstMs: 20, maxMs: 50, stableMs: 10_000 },
  };

  it.each([
    ["crash", "tool-crashed", "failed"],
    ["nonsense", "tool-protocol", "failed"],
    ["flood", "tool-flooded", "failed"],
  ])("a server that fails by %s", async (mode, code, outcome) => {
    const w = await world({
      servers: [doubleServer(mode)],
      deviceRules: [allow(["*"])],
      serverLimits: fast,
    });
    await w.connect();
    const answer = await call(w, `${mode}.echo`, { text: mode });
    expect([answer.failure?.code, answer.facts.outcome]).toEqual([code, outcome]);
    expect(answer.receipt?.isCountersigned).toBe(true);
    expect((await call(w, `${mode}.echo`, { text: "again" })).failure).toBeNull();
  });

  it("a tool that takes too long, named by the device", async () => {
    const w = await world({
      servers: [doubleServer("hang")],
      deviceRules: [allow(["*"])],
      serverLimits: fast,
    });
    await w.connect();
    const answer = await call(w, "hang.echo", { text: "hang" }, { timeoutMs: 150 });
    expect([answer.failure?.code, answer.facts.outcome]).toEqual(["tool-timeout", "timed-out"]);
    expect(answer.facts.served?.caps.timeoutMs).toBeLessThanOrEqual(150);
    expect(answer.receipt?.isCountersigned).toBe(true);
  });

  it("a caller that gives up", async () => {
    const w = await world({ servers: [doubleServer("slow")], deviceRules: [allow(["*"])] });
    await w.connect();
    const stop = new AbortController();
    const going = call(w, "slow.echo", { text: "x" }, { signal: stop.signal });
    setTimeout(() => stop.abort(), 50);
    const answer = await going;
    expect([answer.failure?.code, answer.facts.outcome]).toEqual(["cancelled", "cancelled"]);
    expect(answer.receipt).not.toBeNull();
  });

  it("a device that is offline", async () => {
    const w = await world();
    const pair = await w.connect();
    await pair.right.close("bye");
    const answer = await call(w, "fs.read", { path: join(open, "note.txt") });
    expect([answer.failure?.code, answer.facts.outcome]).toEqual([
      "device-offline",
      "device-offline",
    ]);
    expect(answer.facts.device).toBe(w.deviceIdentity.id);
  });

  it("a tool that nobody has, and a device that nobody knows", async () => {
    const w = await world();
    await w.connect();
    expect((await call(w, "fs.write", {})).failure?.code).toBe("tool-unknown");
    expect((await call(w, "x", {}, { deviceId: null })).failure?.code).toBe("tool-unknown");
    expect(w.hostBook.files.size).toBe(2);
  });

  it("a policy that is missing, on the host or on the device", async () => {
    const w = await world();
    await w.connect();
    const none = new Failure("policy-missing", "none", {
      origin: "policy",
      remedy: "Install one.",
    });
    await w.setPolicy("device", none);
    const byDevice = await call(w, "fs.read", { path: join(open, "note.txt") });
    expect(byDevice.failure?.code).toBe("policy-missing");
    expect(byDevice.facts.served?.decision.policy.id).toBe("none");
    await w.setPolicy("host", none);
    const byHost = await call(w, "fs.read", { path: join(open, "note.txt") });
    expect([byHost.failure?.code, byHost.facts.served]).toEqual(["policy-missing", null]);
  });

  it("calls that are too deep or too many", async () => {
    const w = await world({
      limits: { concurrentMax: 1 },
      servers: [doubleServer("slow")],
      deviceRules: [allow(["*"])],
    });
    await w.connect();
    expect((await call(w, "slow.echo", { text: "x" }, { depth: 2 })).failure?.code).toBe(
      "call-depth",
    );
    const [first, second] = await Promise.all([
      call(w, "slow.echo", { text: "a" }),
      call(w, "slow.echo", { text: "b" }),
    ]);
    expect([first?.failure, second?.failure?.code]).toEqual([null, "would-block"]);
  });

  it("no call at all when the receipt cannot be kept", async () => {
    const w = await world();
    await w.connect();
    w.hostBook.isBroken = true;
    const answer = await call(w, "fs.read", { path: join(open, "note.txt") });
    expect([answer.result, answer.receipt]).toEqual([null, null]);
    expect(answer.failure?.code).toBe("folder-unwritable");
  });
});

describe("a lane that dies while a call is in flight", () => {
  const repeatable = { servers: [doubleServer("repeatable")], deviceRules: [allow(["*"])] };

  it("costs nothing when the tool may be repeated and the device comes back", async () => {
    const w = await world(repeatable);
    const pair = await w.connect();
    const going = call(w, "repeatable.echo", { text: "x" });
    await delay(50);
    pair.cut();
    await delay(50);
    await w.connect();
    const answer = await going;
    expect(answer.failure).toBeNull();
    expect(answer.attempts).toBe(2);
    expect(answer.receipt?.isCountersigned).toBe(true);
  });

  it("leaves the outcome unknown when it may not", async () => {
    const w = await world({ servers: [doubleServer("slow")], deviceRules: [allow(["*"])] });
    const pair = await w.connect();
    const going = call(w, "slow.echo", { text: "x" });
    await delay(50);
    pair.cut();
    const answer = await going;
    expect([answer.failure?.code, answer.facts.outcome, answer.attempts]).toEqual([
      "outcome-unknown",
      "unknown",
      1,
    ]);
    expect(answer.receipt?.isCountersigned).toBe(false);
    // The device signs alone for what its host never asked about.
    await w.device.close();
    const alone = verifyReceipt(PORTS, w.deviceBook.files.get(answer.correlationId)!);
    expect([alone.host, alone.device]).toEqual([null, w.deviceIdentity.id]);
  });

  it("fails by name when the device does not come back in time", async () => {
    const w = await world(repeatable);
    const pair = await w.connect();
    const going = call(w, "repeatable.echo", { text: "x" }, { timeoutMs: 300 });
    await delay(50);
    pair.cut();
    const answer = await going;
    expect([answer.failure?.code, answer.facts.outcome]).toEqual(["outcome-unknown", "unknown"]);
  });
});

describe("what a client is shown", () => {
  it("is what policy could permit it, in one order, under stable names", async () => {
    const rules = [
      allow(["fs.read"], { principals: ["mcp:*"] }),
      allow(["files.*"], { principals: ["local"] }),
      deny(["files.write_file", "files.edit_file"]),
    ];
    const w = await world({ hostRules: rules });
    await w.connect();
    expect([...w.host.offered("mcp:claude").keys()]).toEqual(["laptop__fs_read"]);
    const local = [...w.host.offered("local").keys()];
    expect(local).toContain("laptop__files_list_directory");
    expect(local).not.toContain("laptop__files_write_file");
    expect(local).toEqual(local.toSorted());
    expect(w.host.offered("stranger").size).toBe(0);
    const path = join(open, "note.txt");
    const named = {
      name: "laptop__fs_read",
      args: encode({ path }),
      client: "mcp:claude",
      depth: 1,
    };
    expect(parse((await w.host.callNamed(named)).result)["content"]).toBe("grüße\n");
    const denied = await w.host.callNamed({ ...named, client: "stranger" });
    expect([denied.failure?.code, denied.facts.device]).toEqual([
      "policy-denied",
      w.deviceIdentity.id,
    ]);
  });
});
