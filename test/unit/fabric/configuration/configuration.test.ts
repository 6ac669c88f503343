/**
 * Goal: all files of a project are read at once; what is missing has its default, what contradicts itself is refused.
 * Method: projects in memory, and the forms that only other programs use, judged directly.
 */
import { expect, test } from "vitest";
import {
  CONFIGURATION_PATHS,
  readConfiguration,
} from "../../../../host/shared/fabric/configuration/configuration.ts";
import { parseConfiguration } from "../../../../host/shared/fabric/configuration/document.ts";
import { CONFIGURATION_SCHEMAS } from "../../../../host/shared/fabric/configuration/schemas.ts";
import { LOCAL_TOPOLOGY, OPEN_POLICY } from "../../../../host/shared/fabric/planner/defaults.ts";
import { Failure } from "../../../../host/shared/ports/failure.ts";
import { utf8 } from "../../../../host/shared/trust/bytes.ts";
import { MemoryFiles } from "../../../support/memory-files.ts";
import { failureCode } from "../../../support/ports.ts";
import { CORPUS } from "./corpus.ts";

function project(files: Readonly<Record<string, string>>): MemoryFiles {
  const memory = new MemoryFiles();
  for (const [path, text] of Object.entries(files)) memory.all.set(`/p/${path}`, utf8(text));
  return memory;
}

const read = (files: Readonly<Record<string, string>>) => readConfiguration(project(files), "/p");

const view = (provider: string, more = ""): string =>
  `{"provider":"${provider}","entries":[]${more}}`;

test("what is missing has its default", async () => {
  expect(await read({})).toEqual({
    policy: { policy: OPEN_POLICY, health: [], notes: [] },
    routes: [],
    topology: LOCAL_TOPOLOGY,
    providers: [],
    views: [],
    bridge: [],
    notes: [],
  });
});

test("every file is read from its place, views from both, in the order of their providers", async () => {
  const { policy, routes, topology, providers, views, bridge, notes } = await read({
    [CONFIGURATION_PATHS.policy]: '{"allow":[],"qos":{"*":{"throughput_qps":1}}}',
    [CONFIGURATION_PATHS.routes]: '{"routes":[{"from":"rtt://a/agent/x","to":"rtt://a/tool/y"}]}',
    [CONFIGURATION_PATHS.topology]: '{"nodes":{"n":{}}}',
    [CONFIGURATION_PATHS.providers]: "providers: { m: { agent_target: shown/m } }\n",
    [CONFIGURATION_PATHS.bridge]: "mcp: { providers: { x: {} } }\n",
    ".rtt/views/z.view.json": view("z", ',"sign":{"alg":"a","key_id":"k","sig":"s"}'),
    ".rtt/views/b.view.json": view("b"),
    "views/m.view.json": view("m", ',"mount":"shown/m"'),
    "views/readme.txt": "no view",
  });
  expect(policy.policy.allow).toEqual([]);
  expect(routes).toHaveLength(1);
  expect(topology.nodes).toEqual({ n: {} });
  expect(providers).toEqual([{ name: "m", agentTarget: "shown/m" }]);
  expect(views.map(({ provider }) => provider)).toEqual(["b", "m", "z"]);
  expect(bridge).toHaveLength(1);
  expect(notes.map(({ path }) => path)).toEqual([".rtt/policy.json", ".rtt/views/z.view.json"]);
});

test("a provider has one view and one folder", async () => {
  const both = { ".rtt/views/a.view.json": view("a"), "views/a.view.json": view("a") };
  expect(await failureCode(() => read(both))).toBe("config-invalid");
  const providers = "providers: { a: { agent_target: one } }\n";
  const other = {
    [CONFIGURATION_PATHS.providers]: providers,
    ".rtt/views/a.view.json": view("a", ',"mount":"two"'),
  };
  expect(await failureCode(() => read(other))).toBe("config-invalid");
  // A view that names no folder leaves that to providers.yaml.
  const none = { ...other, ".rtt/views/a.view.json": view("a") };
  expect(await failureCode(() => read(none))).toBe("none");
});

test("more views than anybody has are refused before they are read", async () => {
  const names = Array.from({ length: 65 }, (_, at) => `a${at}`);
  const views = Object.fromEntries(names.map((name) => [`.rtt/views/${name}.view.json`, "{"]));
  await expect(read(views)).rejects.toThrow(/\.rtt\/views:1: .*more than 64 views \(too-many\)/);
});

test("a name that cannot be shown on a terminal is shown as its code points", async () => {
  const files = { [CONFIGURATION_PATHS.topology]: '{"nodes":{"n\\u001b[31m":{}}}' };
  await expect(read(files)).rejects.toThrow('topology.json:1: "nodes.n\\u{1b}[31m" must be');
  const list = { [CONFIGURATION_PATHS.topology]: '{"nodes":[]}' };
  await expect(read(list)).rejects.toThrow('"nodes" must be an object (type)');
});

/** The program has readers of its own for these; their forms are for others, and judged here as they would. */
const FOREIGN = CORPUS.filter(
  ({ name, fault }) => ["panel", "manifest", "agent"].includes(name) && fault !== "text",
);

test.each(FOREIGN)("the form of $name says of $about what its reader says", (one) => {
  const entry = CONFIGURATION_SCHEMAS.find(({ name }) => name === one.name);
  if (entry === undefined) throw new Error(`there is no form of ${one.name}`);
  let code = "none";
  try {
    parseConfiguration(one.text, "x", entry.syntax, entry.schema);
  } catch (thrown) {
    code = Failure.from(thrown).code;
  }
  expect(code).toBe(one.fault === "form" ? "config-invalid" : "none");
});
