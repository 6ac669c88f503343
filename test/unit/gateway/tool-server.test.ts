import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { nodeClock } from "../../../host/node/clock.ts";
import { nodeProcesses } from "../../../host/node/processes.ts";
import { nodeRandom } from "../../../host/node/random.ts";
import {
  DEFAULT_TOOL_SERVER_LIMITS,
  ToolServer,
  type ToolServerLimits,
} from "../../../host/shared/gateway/tool-server.ts";
import { Failure } from "../../../host/shared/ports/failure.ts";
import { SILENT } from "../../../host/shared/telemetry/logger.ts";

const DOUBLE = join(import.meta.dirname, "../../support/tool-server-double.ts");
const running: ToolServer[] = [];

function server(mode: string, limits: Partial<ToolServerLimits> = {}, command = process.execPath) {
  const made = new ToolServer({
    spec: {
      name: mode,
      command,
      args: [DOUBLE, mode],
      folder: import.meta.dirname,
      environment: { PATH: process.env["PATH"] ?? "" },
    },
    processes: nodeProcesses,
    clock: nodeClock,
    random: nodeRandom,
    log: SILENT,
    limits: {
      ...DEFAULT_TOOL_SERVER_LIMITS,
      backoff: { firstMs: 20, maxMs: 100, stableMs: 10_000 },
      ...limits,
    },
    onTools: () => {},
  });
  running.push(made);
  return made;
}

const args = (text: string): Uint8Array => new TextEncoder().encode(JSON.stringify({ text }));
const say = async (to: ToolServer, text: string, timeoutMs = 5000): Promise<string> =>
  new TextDecoder().decode(await to.call("echo", args(text), { timeoutMs }));

/** The code with which a call fails; an answer is a failed test. */
async function codeOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
  } catch (thrown) {
    if (thrown instanceof Failure) return thrown.code;
    throw thrown;
  }
  throw new Error("the call was answered");
}

/** Whether a process runs. One that is dead but not yet collected by its parent does not. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

afterEach(async () => {
  await Promise.all(running.splice(0).map((one) => one.stop()));
});

describe("a supervised server", () => {
  it("answers with exactly the bytes that it sent", async () => {
    const good = server("good");
    await good.start();
    expect(good.state).toBe("ready");
    expect(good.tools.map((tool) => tool.name)).toEqual(["echo"]);
    expect(await say(good, "hällo")).toBe('{"content":[{"type":"text","text":"hällo"}],"calls":1}');
  });

  it("is spoken to in the newer revision when it knows no other", async () => {
    const modern = server("modern");
    await modern.start();
    expect(await say(modern, "hi")).toContain('"resultType":"complete"');
    expect(modern.version).toBe("1.2.3");
  });

  it("may print a banner before its first answer", async () => {
    const banner = server("banner");
    await banner.start();
    expect(await say(banner, "hi")).toContain("hi");
  });

  it("is one process for many calls at once", async () => {
    const slow = server("slow");
    await slow.start();
    const pid = slow.pid;
    const answers = await Promise.all(["a", "b", "c"].map((text) => say(slow, text)));
    expect(answers.map((answer) => JSON.parse(answer).content[0].text)).toEqual(["a", "b", "c"]);
    expect(slow.pid).toBe(pid);
  });

  it.each([
    ["crash", "tool-crashed"],
    ["nonsense", "tool-protocol"],
    ["stranger", "tool-protocol"],
    ["flood", "tool-flooded"],
  ])("that fails by %s is named %s, started again and works", async (mode, code) => {
    const bad = server(mode);
    await bad.start();
    const first = bad.pid;
    expect(await codeOf(say(bad, mode))).toBe(code);
    // What is known of it stays known while it is down, so that its tools keep their version.
    expect(bad.version).toBe("1.2.3");
    expect(await say(bad, "again")).toContain("again");
    expect(bad.pid).not.toBe(first);
    expect(bad.restarts).toBe(1);
  });

  it("that sends an endless line is stopped before it fills the memory", async () => {
    const rpc = { ...DEFAULT_TOOL_SERVER_LIMITS.rpc, lineBytesMax: 1_000_000 };
    const huge = server("huge", { rpc });
    await huge.start();
    expect(await codeOf(say(huge, "huge"))).toBe("tool-flooded");
    expect(await say(huge, "again")).toContain("again");
  });

  it("that hangs loses the call by its time limit, and is started again", async () => {
    const hang = server("hang", { probeMs: 100 });
    await hang.start();
    expect(await codeOf(say(hang, "hang", 100))).toBe("tool-timeout");
    expect(await say(hang, "again")).toContain("again");
    expect(hang.restarts).toBe(1);
  });

  it("that hangs keeps no later call beyond its own limit, which the failure names", async () => {
    const hang = server("hang", { probeMs: 60_000 });
    await hang.start();
    expect(await codeOf(say(hang, "hang", 100))).toBe("tool-timeout");
    // It is asked for its tools now, for a minute; the next call waits for that no longer than it may take itself.
    await expect(say(hang, "again", 150)).rejects.toThrow("did not answer within 150 ms");
    const cancelled = hang.call("echo", args("again"), {
      timeoutMs: 60_000,
      signal: AbortSignal.timeout(50),
    });
    expect(await codeOf(cancelled)).toBe("cancelled");
    expect(hang.restarts).toBe(0);
  });

  it("that is only slow survives a call that gave up", async () => {
    const slow = server("slow");
    await slow.start();
    expect(await codeOf(say(slow, "late", 50))).toBe("tool-timeout");
    expect(await say(slow, "in time")).toContain("in time");
    expect(slow.restarts).toBe(0);
  });

  it("takes its own children with it", async () => {
    let orphan = 0;
    const log = {
      ...SILENT,
      with: () => log,
      debug: (_: string, fields: object = {}) => {
        const text = JSON.stringify(fields);
        orphan ||= Number(/orphan (\d+)/.exec(text)?.[1] ?? 0);
      },
    };
    const parent = new ToolServer({
      spec: {
        name: "orphan",
        command: process.execPath,
        args: [DOUBLE, "orphan"],
        folder: "/",
        environment: {},
      },
      processes: nodeProcesses,
      clock: nodeClock,
      random: nodeRandom,
      log,
      onTools: () => {},
    });
    running.push(parent);
    await parent.start();
    await expect.poll(() => orphan).toBeGreaterThan(0);
    expect(isAlive(orphan)).toBe(true);
    await parent.stop();
    await expect.poll(() => isAlive(orphan)).toBe(false);
  });

  it("that never opens its session is a named failure, not a hang", async () => {
    const mute = server("mute", { startMs: 200 });
    await mute.start();
    expect(await codeOf(say(mute, "hi", 300))).toBe("tool-timeout");
  });

  it("that dies at once tells its last words without their secrets", async () => {
    const dies = server("dies");
    await dies.start();
    const failure = await dies
      .call("echo", args("x"), { timeoutMs: 100 })
      .catch((thrown: unknown) => Failure.from(thrown));
    expect(failure).toMatchObject({ code: "tool-crashed", context: { exitCode: 3 } });
    expect(JSON.stringify(failure)).toContain("cannot open the database");
    expect(JSON.stringify(failure)).not.toContain("hunter2");
    await expect.poll(() => dies.restarts).toBeGreaterThan(2);
  });

  it("whose program is missing fails at once and by name", async () => {
    const missing = server("good", {}, "/nowhere/to/be/found");
    await missing.start();
    expect(await codeOf(say(missing, "hi", 60_000))).toBe("program-missing");
  });

  it("lets a call be cancelled", async () => {
    const slow = server("slow");
    await slow.start();
    const stop = new AbortController();
    const call = slow.call("echo", args("x"), { timeoutMs: 5000, signal: stop.signal });
    stop.abort();
    expect(await codeOf(call)).toBe("cancelled");
  });
});
