/** Who is online, what they offer, and how a device keeps itself connected. */
import { describe, expect, it, vi } from "vitest";
import { nodeClock } from "../../../host/node/clock.ts";
import { nodeFiles } from "../../../host/node/files.ts";
import { nodeRandom } from "../../../host/node/random.ts";
import { Backoff } from "../../../host/shared/gateway/backoff.ts";
import { makeCallRecord } from "../../../host/shared/gateway/call-record.ts";
import { Dialer } from "../../../host/shared/gateway/dialer.ts";
import { Directory } from "../../../host/shared/gateway/directory.ts";
import type { DeviceHello } from "../../../host/shared/gateway/frames.ts";
import { encodeFrame, TOOLS_AGENT } from "../../../host/shared/gateway/frames.ts";
import { answerTools } from "../../../host/shared/gateway/roles.ts";
import { PeerBook } from "../../../host/shared/gateway/peer-book.ts";
import { Failure } from "../../../host/shared/ports/failure.ts";
import type { Lane } from "../../../host/shared/ports/lane.ts";
import { createIdentity } from "../../../host/shared/trust/identity.ts";
import { SILENT } from "../../../host/shared/telemetry/logger.ts";
import { allow, createWorld, doubleServer, PORTS } from "../../support/gateway-world.ts";
import { linkLanes } from "../../support/memory-lane.ts";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

function lanesTo(id: string) {
  const side = (name: string) => ({ id: name, publicKey: new Uint8Array(32), handlers: new Map() });
  return linkLanes(side("host"), side(id), nodeClock);
}

const tool = (name: string, more: object = {}) => ({
  name,
  version: "1.0.0",
  title: "",
  description: "",
  server: "s",
  isBound: false,
  schema: { args: "a", result: "r" },
  argsSchema: {},
  resultSchema: null,
  annotations: {},
  ...more,
});
const hello = (id: string, catalog: readonly object[]): DeviceHello =>
  ({ type: "device.hello", device_id: id, tenant: "t", name: "my laptop", catalog }) as DeviceHello;

function directory(pairedName: string | null = null): Directory {
  return new Directory({ clock: nodeClock, log: SILENT, pairedName: () => pairedName });
}

describe("the directory", () => {
  it("takes an announcement only over the announcer's own lane and under its own id", () => {
    const d = directory();
    const { left } = lanesTo("device");
    expect(() => d.announce(hello("device", []), left.peer.channelBinding)).toThrow("no lane");
    d.addLane(left);
    expect(() => d.announce(hello("other", []), left.peer.channelBinding)).toThrow("another id");
    expect(d.announce(hello("device", [tool("a.b")]), left.peer.channelBinding)).toBe(1);
    expect(d.list()).toMatchObject([{ id: "device", name: "my-laptop" }]);
  });

  it("prefers the name of the pairing", () => {
    const d = directory("paired");
    const { left } = lanesTo("device");
    d.addLane(left);
    d.announce(hello("device", []), left.peer.channelBinding);
    expect(d.get("device")?.name).toBe("paired");
  });

  it("leaves out tools that it cannot use, and keeps the others", () => {
    const d = directory();
    const { left } = lanesTo("device");
    d.addLane(left);
    const bad = [
      null,
      7,
      tool("bad name"),
      tool("x", { version: 1 }),
      tool("x", { argsSchema: null }),
      tool("x", { argsSchema: { $ref: "http://evil" } }),
      tool("x", { isBound: "yes" }),
    ];
    const catalog = [...bad, tool("good.one")] as object[];
    expect(d.announce(hello("device", catalog), left.peer.channelBinding)).toBe(1);
  });

  it("keeps a device that went away, offline, and lets a new lane replace an old one", async () => {
    const d = directory();
    const first = lanesTo("device");
    d.addLane(first.left);
    d.announce(hello("device", [tool("a.b")]), first.left.peer.channelBinding);
    const second = lanesTo("device");
    d.addLane(second.left);
    d.announce(hello("device", [tool("a.b")]), second.left.peer.channelBinding);
    await expect(first.left.closed).resolves.toBeNull();
    expect(d.get("device")?.lane).toBe(second.left);
    second.cut();
    await second.left.closed;
    expect(d.get("device")?.lane).toBeNull();
    expect(d.get("device")?.tools.size).toBe(1);
  });

  it("waits for a lane other than the last one, within a bound", async () => {
    const d = directory();
    const first = lanesTo("device");
    d.addLane(first.left);
    d.announce(hello("device", []), first.left.peer.channelBinding);
    expect(await d.laneTo("device", null, 0, undefined)).toBe(first.left);
    expect(await d.laneTo("device", first.left, 20, undefined)).toBeNull();
    const stop = new AbortController();
    const given = d.laneTo("device", first.left, 60_000, stop.signal);
    stop.abort();
    expect(await given).toBeNull();
    const waiting = d.laneTo("device", first.left, 60_000, undefined);
    const second = lanesTo("device");
    d.addLane(second.left);
    d.announce(hello("device", []), second.left.peer.channelBinding);
    expect(await waiting).toBe(second.left);
  });
});

describe("a dialer", () => {
  it("connects, announces, and begins again after every end", async () => {
    const w = await createWorld({
      hostRules: [allow(["*"])],
      deviceRules: [allow(["*"])],
      servers: [doubleServer("good")],
    });
    const cuts: (() => void)[] = [];
    let attempts = 0;
    const dialer = new Dialer({
      clock: nodeClock,
      random: nodeRandom,
      log: SILENT,
      tenant: "default",
      device: w.device,
      address: "mxp://test",
      dial: async (): Promise<Lane> => {
        attempts += 1;
        if (attempts === 2) {
          throw new Failure("address-unreachable", "away", { origin: "host", remedy: "Wait." });
        }
        const pair = linkLanes(
          {
            ...w.hostIdentity,
            handlers: new Map([[TOOLS_AGENT, answerTools(w.host, null)]]),
          },
          { ...w.deviceIdentity, handlers: new Map([[TOOLS_AGENT, answerTools(null, w.device)]]) },
          nodeClock,
        );
        w.host.addLane(pair.left);
        cuts.push(() => pair.cut());
        return pair.right;
      },
    });
    await vi.waitFor(() => expect(dialer.state).toBe("connected"));
    cuts[0]?.();
    await vi.waitFor(() => expect(attempts).toBe(3), { timeout: 5000 });
    await vi.waitFor(() => expect(dialer.state).toBe("connected"));
    expect(w.host.directory.list()[0]?.lane).not.toBeNull();
    await dialer.close();
    expect(dialer.state).toBe("stopped");
    await w.close();
  }, 30_000);
});

describe("roles", () => {
  it("answer only the frames that are for them", () => {
    const handler = answerTools(null, null);
    const options = { tenant: "t", timeoutMs: 1, depth: 1, isIdempotent: false };
    const call = {
      peer: lanesTo("x").left.peer,
      agent: TOOLS_AGENT,
      signal: new AbortController().signal,
      record: makeCallRecord(nodeRandom, options),
    };
    for (const type of ["device.hello", "tool.call.start"]) {
      expect(() => handler({ ...call, payload: encodeFrame({ type }) })).toThrow("unsupported");
    }
  });
});

describe("waiting before the next attempt", () => {
  it("grows with each failure, is random below its bound, and starts anew after stability", () => {
    const full = { bytes: (size: number) => new Uint8Array(size).fill(255) };
    const backoff = new Backoff({ firstMs: 100, maxMs: 1000, stableMs: 5000 }, full);
    expect([0, 0, 0, 0, 0].map((upMs) => backoff.nextMs(upMs))).toEqual([100, 200, 400, 800, 1000]);
    expect(backoff.nextMs(5000)).toBe(100);
    const none = { bytes: (size: number) => new Uint8Array(size) };
    expect(new Backoff({ firstMs: 100, maxMs: 1000, stableMs: 1 }, none).nextMs(0)).toBe(0);
  });
});

describe("call records", () => {
  const options = { tenant: "t", timeoutMs: 5, depth: 2, isIdempotent: true };

  it("take the caller's trace as their parent, and replace one that is malformed", () => {
    const given = `00-${"a".repeat(32)}-${"b".repeat(16)}-01`;
    const record = makeCallRecord(nodeRandom, { ...options, traceparent: given });
    expect(record.traceparent).toMatch(
      new RegExp(`^00-${"a".repeat(32)}-(?!b{16})[0-9a-f]{16}-01$`),
    );
    for (const bad of ["x", `00-${"0".repeat(32)}-${"b".repeat(16)}-01`, `${given}x`]) {
      const made = makeCallRecord(nodeRandom, { ...options, traceparent: bad });
      expect(made.traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
      expect(made.traceparent).not.toContain("0".repeat(32));
    }
  });

  it("have a key only when the call may be repeated", () => {
    const record = makeCallRecord(nodeRandom, options);
    expect(record.idempotencyKey).toBe(record.correlationId);
    const once = makeCallRecord(nodeRandom, { ...options, isIdempotent: false });
    expect(once.idempotencyKey).toBe("");
  });
});

describe("the book of peers", () => {
  const peer = (name: string) => ({
    id: createIdentity(nodeRandom, PORTS.signatures).id,
    name,
    role: "device" as const,
    address: null,
    pairedMs: 1,
  });

  it("gives each peer a name of its own, keeps them on disk, and refuses a damaged file", async () => {
    const folder = mkdtempSync(join(tmpdir(), "rtt-peers-"));
    const path = join(folder, "peers.json");
    const book = await PeerBook.open(nodeFiles, path);
    const first = peer("my laptop");
    expect((await book.add(first)).name).toBe("my-laptop");
    expect((await book.add(peer("my laptop"))).name).toBe("my-laptop-2");
    expect((await book.add({ ...first, name: "renamed" })).name).toBe("renamed");
    const other = await PeerBook.open(nodeFiles, path);
    expect(other.list().map(({ name }) => name)).toEqual(["my-laptop-2", "renamed"]);
    expect(await other.remove(first.id)).toBe(true);
    await book.reload();
    expect([book.list().length, book.nameOf(first.id)]).toEqual([1, null]);
    writeFileSync(path, '{"kind":"mxp.peers/v1","peers":[{"id":"x"}]}\n');
    await expect(PeerBook.open(nodeFiles, path)).rejects.toMatchObject({ code: "config-invalid" });
    rmSync(folder, { recursive: true });
  });
});
