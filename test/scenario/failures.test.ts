/** What a machine or a person gets wrong: one clear line, a remedy, and an exit code of its own. */
import { createServer } from "node:net";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { afterAll, describe, expect, it } from "vitest";
import { Bench } from "../support/rtt.ts";

const bench = new Bench();
afterAll(() => bench.close());

/** One line that names the code, one line that says what to do. */
function clear(code: string): unknown {
  return expect.stringMatching(new RegExp(`^rtt: ${code}: [^\\n]+\\n {5}→ [^\\n]+\\n$`));
}

describe("rtt says what is wrong", () => {
  it("when the UDP port is taken", async () => {
    const socket = createSocket("udp4").bind(0, "127.0.0.1");
    await once(socket, "listening");
    const listen = `127.0.0.1:${socket.address().port}`;
    const { code, stderr } = await bench.run(
      "a",
      "up",
      "--log-level",
      "silent",
      "--listen",
      listen,
    );
    socket.close();
    expect([code, stderr]).toEqual([10, clear("port-in-use")]);
  });

  it("when the HTTP port is taken", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const port = String((server.address() as AddressInfo).port);
    const { code, stderr } = await bench.run(
      "a",
      "up",
      "--log-level",
      "silent",
      "--http-port",
      port,
    );
    server.close();
    expect([code, stderr]).toEqual([10, clear("port-in-use")]);
  });

  it("when the state folder cannot be written", async () => {
    bench.file("no-folder", "a file is in the way");
    const { code, stderr } = await bench.run("no-folder/state", "up");
    expect([code, stderr]).toEqual([11, clear("folder-unwritable")]);
  });

  it("when the folder to serve is not there", async () => {
    const { code, stderr } = await bench.run(
      ...(["a", "up", "--log-level", "silent", "--device", "--folder", "/nowhere"] as const),
    );
    expect([code, stderr]).toEqual([12, clear("file-missing")]);
  });

  it("when a node runs here already", async () => {
    await bench.up("b", "--host");
    const { code, stderr } = await bench.run("b", "up");
    expect([code, stderr]).toEqual([13, clear("already-running")]);
  });

  it("when no node runs", async () => {
    for (const verb of [["tools"], ["call", "x"], ["invite"]]) {
      const { code, stderr } = await bench.run("nobody", ...verb);
      expect([code, stderr]).toEqual([13, clear("not-running")]);
    }
  });

  it("when the configuration is wrong, with file and line", async () => {
    bench.folder("c");
    bench.file("c/config.yaml", "name: desk\nhttp:\n  port: 99999\n");
    const { code, stderr } = await bench.run("c", "up");
    expect([code, stderr]).toEqual([2, clear("config-invalid")]);
    expect(stderr).toContain("config.yaml:3");
  });

  it("when a file of servers is wrong, or names a variable that is not set", async () => {
    const broken = bench.file("broken.json", "{");
    expect((await bench.run("d", "up", "--device", "--import", broken)).code).toBe(2);
    const servers = { mcpServers: { git: { command: "git-mcp", env: { KEY: "${NO_SUCH_KEY}" } } } };
    const unset = bench.file("unset.json", JSON.stringify(servers));
    const { code, stderr } = await bench.run(
      ...(["d", "up", "--log-level", "silent", "--device", "--import", unset] as const),
    );
    expect([code, stderr]).toEqual([2, clear("config-invalid")]);
    expect(stderr).toContain("NO_SUCH_KEY");
  });

  it("when the command line cannot be understood", async () => {
    expect((await bench.run("e", "fly")).code).toBe(2);
    expect((await bench.run("e", "up", "--fast")).code).toBe(2);
    expect((await bench.run("e", "call", "x", "--args", "{")).code).toBe(2);
    expect((await bench.run("e", "--help")).code).toBe(0);
    expect((await bench.run("e", "up", "--help")).stdout).toContain("--listen");
  });

  it("also in JSON", async () => {
    const { code, stderr } = await bench.run("nobody", "tools", "--json");
    expect(code).toBe(13);
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: "not-running", origin: "local" } });
  });

  it("and goes on when one server's program is missing", async () => {
    const servers = { mcpServers: { lost: { command: "/no/such/program" } } };
    const file = bench.file("lost.json", JSON.stringify(servers));
    const node = await bench.up("f", "--host", "--device", "--import", file);
    expect(node.ready.servers).toMatchObject([{ name: "lost", state: "waiting" }]);
    const doctor = await bench.run("f", "doctor");
    expect(doctor.stdout).toMatch(/FAIL {2}server lost .*program-missing/);
    expect(doctor.code).not.toBe(0);
  });
});
