/**
 * Goal: a generation says exactly which servers run and which of their tools are offered; what a server is started with
 * comes from its signed object and the environment. Method: hand-made generations and bodies.
 */
import { describe, expect, test } from "vitest";
import { readServer } from "../../../../host/shared/fabric/bridge/server-definition.ts";
import {
  DOOR_ADDRESS,
  providerName,
  selectServers,
  wiredItems,
  wiredServers,
  type Wires,
  wiresOf,
} from "../../../../host/shared/fabric/bridge/wired-servers.ts";
import { parseSymbolAddress } from "../../../../host/shared/fabric/symbol.ts";
import { Failure } from "../../../../host/shared/ports/failure.ts";
import type { Json } from "../../../../host/shared/trust/canonical-json.ts";
import { memoryRegistry } from "../../../support/registry.ts";

const digest = (digit: string): string => `sha256:${digit.repeat(64)}`;
const here = (node: string | undefined): boolean => node === undefined || node === "local";
const server = (name: string, version = "1.0.0"): string =>
  `rtt://local/mcp-server/${name}@${version}`;
const tool = (provider: string, name: string): string => `rtt://mcp/${provider}/tool/${name}@1.0.0`;

function wires(to: readonly string[], parts: Partial<Wires> = {}): Wires {
  return {
    routes: to.map((one) => ({ from: DOOR_ADDRESS, to: one, lane: "mxp" })),
    placement: {},
    symbols: Object.fromEntries(to.map((one) => [one, digest("1")])),
    ...parts,
  };
}

describe("what is wired", () => {
  test("is what the door reaches: a server with all tools, or the tools that are wired singly", () => {
    const symbols = Object.fromEntries(
      [server("a"), server("b"), server("c"), tool("b", "x")].map((one) => [one, digest("1")]),
    );
    const { servers, problems } = selectServers(
      wires([server("a"), tool("b", "x")], { symbols }),
      here,
    );
    expect(problems).toEqual([]);
    expect(servers.map(({ name, tools }) => [name, tools && [...tools.keys()]])).toEqual([
      ["a", null],
      ["b", ["x"]],
    ]);
  });

  test("is not what others reach, nor what is placed elsewhere", () => {
    const other = { from: "rtt://local/agent/a@1.0.0", to: server("a"), lane: "mxp" as const };
    const away = wires([server("b"), server("c")], { placement: { [server("b")]: "elsewhere" } });
    const all = {
      ...away,
      routes: [...away.routes, other],
      symbols: { ...away.symbols, [server("a")]: digest("2") },
    };
    expect(selectServers(all, here).servers.map(({ name }) => name)).toEqual(["c"]);
  });

  test("is the newest of two with one name, and says so", () => {
    const both = [server("a", "1.9.0"), server("a", "1.10.0")];
    for (const order of [both, both.toReversed()]) {
      const { servers, problems } = selectServers(wires(order), here);
      expect(servers.map(({ address }) => address)).toEqual([server("a", "1.10.0")]);
      expect(problems.map(({ message }) => message)).toEqual([
        expect.stringContaining('are both the server "a"'),
      ]);
    }
  });

  test("is compared item by item: servers and the tools that are wired singly", () => {
    const to = [server("a"), tool("a", "x")];
    expect([...wiredItems(wires(to), here)]).toEqual(to.map((one) => [one, digest("1")]));
    expect(wiredItems(wires(to), () => false).size).toBe(0);
  });

  test("leaves out what concerns no server", () => {
    const agent = "rtt://local/agent/a@1.0.0";
    const mixed = wires([server("a"), agent], {
      placement: { [agent]: "local", [server("a")]: "local" },
    });
    expect(wiresOf(mixed)).toEqual({
      ...wires([server("a")]),
      placement: { [server("a")]: "local" },
    });
  });

  test.each([
    ["rtt://local/mcp-server/github@1.0.0", "github"],
    ["rtt://local/mcp-server/github@1.0.0#cursor", "github-cursor"],
    ["rtt://local/services/search/mcp-server/db@1.0.0", "services-search-db"],
    ["rtt://acme/mcp-server/db@1.0.0", "acme-db"],
  ])("%s is called %s", (address, name) => {
    expect(providerName(parseSymbolAddress(address))).toBe(name);
  });

  test("is verified object by object; one that is none hinders no other", async () => {
    const { registry } = await memoryRegistry();
    const body: Json = { type: "mcp-server", server: { command: "x" } };
    const good = await registry.put({
      kind: "mcp-server",
      address: parseSymbolAddress(server("a")),
      body,
    });
    const skill = await registry.put({
      kind: "skill",
      address: null,
      body: { type: "skill", skill: {} },
    });
    const symbols = {
      [server("a")]: `sha256:${good}`,
      [server("b")]: `sha256:${skill}`,
      [server("c")]: digest("9"),
    };
    const wired = await wiredServers(registry, wires(Object.keys(symbols), { symbols }), here);
    expect(wired.servers).toMatchObject([{ name: "a", body }]);
    expect(wired.problems.map(({ code }) => code)).toEqual(["object-corrupt", "object-missing"]);
  });
});

describe("how a server is started", () => {
  const environment: Record<string, string> = { TOKEN: "t0ken", HOME_DIR: "/h" };
  const read = (fields: Json): unknown =>
    readServer("s", { type: "mcp-server", server: fields }, (name) => environment[name]);

  test("references are looked up, templates filled in, defaults used", () => {
    expect(
      read({
        command: "npx",
        args: [
          "-y",
          { template: "--root=${env:HOME_DIR}/x" },
          { template: "${env:NONE:-fallback}" },
        ],
        env: { API_TOKEN: { ref: "env:TOKEN" }, PLAIN: "1" },
        cwd: "sub",
      }),
    ).toEqual({
      kind: "stdio",
      command: "npx",
      args: ["-y", "--root=/h/x", "fallback"],
      environment: { API_TOKEN: "t0ken", PLAIN: "1" },
      folder: "sub",
    });
    const headers = { Authorization: { template: "Bearer ${env:TOKEN}" } };
    expect(read({ url: "https://x.example/mcp", headers })).toEqual({
      kind: "http",
      url: "https://x.example/mcp",
      headers: { Authorization: "Bearer t0ken" },
    });
  });

  test.each([
    [{}, "config-invalid"],
    [{ command: "x", url: "https://x" }, "config-invalid"],
    [{ command: 1 }, "config-invalid"],
    [{ command: "x", args: "y" }, "config-invalid"],
    [{ command: "x", args: [1] }, "config-invalid"],
    [{ command: "x", env: ["a"] }, "config-invalid"],
    [{ command: "x", env: { A: { ref: "env:NONE" } } }, "config-invalid"],
    [{ command: "x", env: { A: { ref: "input:key" } } }, "config-invalid"],
    [{ command: "x", env: { A: { other: 1 } } }, "config-invalid"],
    [{ url: "file:///etc/passwd" }, "config-invalid"],
    [{ url: "https://x", headers: 1 }, "config-invalid"],
    [{ url: "https://x/sse", transport: "sse" }, "unsupported"],
  ] as const)("%j is refused", (fields, code) => {
    let thrown: unknown;
    try {
      read(fields);
    } catch (failure) {
      thrown = failure;
    }
    expect(Failure.from(thrown).code).toBe(code);
  });

  test("a body that is no server is refused", () => {
    for (const body of [null, {}, { type: "agent", server: {} }, { type: "mcp-server" }]) {
      expect(() => readServer("s", body, () => undefined)).toThrow(/its object is no server/);
    }
  });
});
