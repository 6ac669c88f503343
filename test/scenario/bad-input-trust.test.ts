/**
 * Policies, receipts, keys and peers that somebody changed, mixed up or made up, and datagrams that mean nothing:
 * through the real command line and the real socket.
 */
import { randomBytes } from "node:crypto";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import {
  chmodSync,
  copyFileSync,
  cpSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { clear, receiptOf, startPaired, type Pair } from "../support/paired.ts";
import { Bench, policyOf, rule, type Run } from "../support/rtt.ts";

const LONG_MS = 60_000;
const SOON = { timeout: 30_000, interval: 250 };

const bench = new Bench();
const note = join(bench.folder("open"), "note.txt");
let pair: Pair;

beforeAll(async () => {
  writeFileSync(note, "hello\n");
  pair = await startPaired(bench, { folder: bench.path("open"), tools: 1 });
}, 180_000);
afterAll(() => bench.close());

const call = (): Promise<Run> =>
  bench.run("host", "call", "fs.read", "--args", JSON.stringify({ path: note }));

/** Changes one bit of one byte. */
function flip(path: string, at: number): void {
  const bytes = readFileSync(path);
  const index = Math.min(at, bytes.length - 1);
  bytes.writeUInt8(bytes.readUInt8(index) ^ 1, index);
  writeFileSync(path, bytes);
}

describe("a policy that", () => {
  const inForce = bench.path("host/policy/host.dsse.json");
  const install = (file: string): Promise<Run> =>
    bench.run("host", "policy", "install", file, "--role", "host");
  const rules = [rule(["*"])];

  it.concurrent.each([
    ["has expired", { notAfter: 2 }, "policy-expired"],
    ["is not valid yet", { notBefore: 4e12, notAfter: 5e12 }, "policy-not-yet-valid"],
    ["is for other nodes", { scope: { devices: ["12D3KooWother"] } }, "policy-scope"],
    ["goes back", { version: 1 }, "policy-rollback"],
  ])("%s is refused", async (_, parts, code) => {
    const id = code === "policy-rollback" ? "test-host" : code;
    const signed = await bench.sign("host", { ...policyOf(id, rules), ...parts });
    expect(await install(signed)).toEqual({ code: 3, stdout: "", stderr: clear(code) });
  });

  it("was changed, is signed by a stranger or by nobody, is refused", async () => {
    const tampered = bench.path("tampered.dsse.json");
    copyFileSync(inForce, tampered);
    const text = readFileSync(tampered, "utf8");
    writeFileSync(tampered, text.replace(/"payload":"(.{40})./, '"payload":"$1A'));
    expect((await install(tampered)).stderr).toEqual(clear("signature-invalid"));
    const foreign = await bench.sign("device", policyOf("foreign", rules));
    expect(await install(foreign)).toMatchObject({ code: 7, stderr: clear("signer-untrusted") });
    const unsigned = bench.file("unsigned.json", JSON.stringify(policyOf("unsigned", rules)));
    expect((await install(unsigned)).code).not.toBe(0);
    expect(await call()).toMatchObject({ code: 0, stdout: "hello\n\n" });
  });

  it(
    "is damaged under the running node denies everything until it is whole again",
    async () => {
      const whole = readFileSync(inForce);
      flip(inForce, whole.indexOf('"payload":"') + 60);
      await vi.waitFor(async () => {
        const denied = await call();
        expect([denied.code, denied.stdout]).not.toEqual([0, "hello\n\n"]);
        const { outcome, code } = receiptOf(bench, "host", denied);
        expect([outcome, code]).toEqual(["denied", "signature-invalid"]);
      }, SOON);
      const doctor = await bench.run("host", "doctor");
      expect(doctor.stdout).toMatch(/FAIL +host policy +signature-invalid/);
      writeFileSync(inForce, whole);
      await vi.waitFor(async () => expect(await call()).toMatchObject({ code: 0 }), SOON);
    },
    LONG_MS,
  );
});

describe.concurrent("one changed bit", () => {
  it.each([
    ["a receipt", "receipts", "receipt-invalid"],
    ["the log's checkpoint", "log/checkpoint", "log-corrupt"],
    ["the log's entries", "log/tile/entries", "log-corrupt"],
    ["the log's hashes", "log/tile/0", "log-corrupt"],
  ])(
    "in %s is found",
    async (_, place, code) => {
      const copy = `copy-${place.replaceAll("/", "-")}`;
      cpSync(bench.path("host"), bench.path(copy), { recursive: true });
      const [path = ""] = filesIn(bench.path(copy, place));
      const whole = readFileSync(path);
      for (const at of [0, whole.length >> 1, whole.length - 1]) {
        flip(path, at);
        const verified = await bench.run(copy, "receipt", "verify");
        expect(verified).toEqual({ code: 7, stdout: "", stderr: clear(code) });
        writeFileSync(path, whole);
      }
      // Nothing else is what was wrong.
      expect((await bench.run(copy, "receipt", "verify")).code).toBe(0);
    },
    LONG_MS,
  );
});

function filesIn(path: string): readonly string[] {
  try {
    const names = readdirSync(path, { recursive: true, withFileTypes: true });
    return names.filter((one) => one.isFile()).map((one) => join(one.parentPath, one.name));
  } catch {
    return [path];
  }
}

describe.concurrent("an identity file", () => {
  it("that others can read is not used", async () => {
    const { path } = await bench.ask<{ path: string }>("loose", "id", "new");
    chmodSync(path, 0o640);
    const up = await bench.run("loose", "up", "--log-level", "silent");
    expect(up).toEqual({ code: 11, stdout: "", stderr: clear("permission-denied") });
    expect(up.stderr).toContain(`chmod 600 ${path}`);
    expect((await bench.run("loose", "doctor")).stdout).toMatch(
      /FAIL +identity +permission-denied/,
    );
  });

  it("that is damaged, or there already, is never replaced", async () => {
    const { path } = await bench.ask<{ path: string }>("torn", "id", "new");
    const again = await bench.run("torn", "id", "new");
    expect(again).toEqual({ code: 11, stdout: "", stderr: clear("permission-denied") });
    writeFileSync(path, readFileSync(path).subarray(0, 100));
    const up = await bench.run("torn", "up", "--log-level", "silent");
    expect(up).toEqual({ code: 8, stdout: "", stderr: clear("identity-missing") });
  });

  it("beside a damaged file of its node is used when that is repaired; the error names it", async () => {
    await bench.run("hurt", "id", "new");
    for (const name of ["peers.json", "invitations.json"]) {
      const path = bench.path("hurt", name);
      writeFileSync(path, "{");
      const up = await bench.run("hurt", "up", "--log-level", "silent");
      expect(up).toEqual({ code: 2, stdout: "", stderr: clear("config-invalid") });
      expect(up.stderr).toContain(name);
      rmSync(path);
    }
    await (await bench.up("hurt")).stop();
  });
});

describe.concurrent("a host", () => {
  it(
    "that is dialled under another key than its own is not reached",
    async () => {
      const { staticKey } = await bench.ask<{ staticKey: string }>("other", "id", "new");
      const { address } = pair.host.ready.udp;
      const wrong = address.replace(/mxp:\/\/[^@]+@/, `mxp://${staticKey}@`);
      expect(wrong).not.toBe(address);
      await bench.up("other", "--device", "--dial", wrong, "--name", "lost");
      await vi.waitFor(async () => {
        const doctor = await bench.run("other", "doctor");
        expect(doctor.stdout).toMatch(/FAIL +host .*(key-unknown|handshake-)/);
      }, SOON);
    },
    LONG_MS,
  );

  it(
    "answers noise with less than three times as much, and goes on",
    async () => {
      const socket = createSocket("udp4").bind(0, "127.0.0.1");
      await once(socket, "listening");
      let [sentBytes, gotBytes] = [0, 0];
      socket.on("message", (bytes) => (gotBytes += bytes.length));
      const { port } = pair.host.ready.udp;
      for (let count = 0; count < 500; count += 1) {
        const noise = randomBytes(1 + ((count * 7) % 1452));
        // Every second one claims to be a first packet of this version, padded as one.
        if (count % 2 === 1 && noise.length > 16) {
          noise.writeUInt8(1, 8);
          noise.writeUInt8(1 + (count % 4), 9);
          noise.writeUInt16LE(noise.length - 16, 10);
          noise.writeUInt32LE(0x4d585001, 12);
        }
        sentBytes += noise.length;
        await new Promise<unknown>((resolve) => socket.send(noise, port, "127.0.0.1", resolve));
      }
      expect(await call()).toMatchObject({ code: 0, stdout: "hello\n\n" });
      socket.close();
      expect(gotBytes).toBeLessThanOrEqual(3 * sentBytes);
      expect(pair.host.stderr).not.toMatch(/bug|internal/);
    },
    LONG_MS,
  );
});
