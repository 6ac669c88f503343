/**
 * Goal: a configuration file is taken exactly when all of it is right; the first thing that is wrong is named with file,
 * line, member and rule.
 * Method: a corpus of good and bad files, and what the good ones are read as.
 */
import { expect, test } from "vitest";
import { readPolicyFile } from "../../../../host/shared/fabric/configuration/policy-file.ts";
import {
  readBridgeFile,
  readProvidersFile,
  readViewFile,
} from "../../../../host/shared/fabric/configuration/provider-files.ts";
import { readRoutesFile } from "../../../../host/shared/fabric/configuration/routes-file.ts";
import { readTopologyFile } from "../../../../host/shared/fabric/configuration/topology-file.ts";
import { Failure } from "../../../../host/shared/ports/failure.ts";
import { CORPUS } from "./corpus.ts";
import { readByName } from "./readers.ts";

const good = CORPUS.filter(({ fault }) => fault === null);
const bad = CORPUS.filter(({ fault }) => fault !== null);

test.each(good)("$name: $about is taken", ({ name, text }) => {
  expect(readByName(name, text)).toBeDefined();
});

test.each(bad)("$name: $fault: $about is refused", ({ name, text, line, rule, member }) => {
  let failure: Failure | null = null;
  try {
    readByName(name, text);
  } catch (thrown) {
    failure = Failure.from(thrown);
  }
  expect(failure?.code).toBe("config-invalid");
  expect(failure?.context["path"]).toMatch(/^(?:\.rtt|providers|connector-mcp|agents)\//);
  // These have readers of their own, with rules in words.
  if (["panel", "manifest", "agent"].includes(name)) return;
  expect(failure?.context).toMatchObject({ line, rule, member });
  expect(failure?.message).toContain(`:${line}:`);
  expect(failure?.message).toContain(`(${rule})`);
});

const textOf = (name: string, about: string): string =>
  good.find((one) => one.name === name && one.about === about)?.text ?? "";

test("both published forms of a policy mean the same to the planner", () => {
  const first = readPolicyFile(textOf("policy", "the published one"), "p");
  expect(first.policy).toEqual({
    allow: [
      // "*" among the scopes is all of them.
      { from: "rtt://*/api/*", to: "rtt://*/api/*", scopes: null },
      { from: "rtt://*/bus/*", to: "rtt://*/extension/*", scopes: null },
    ],
    deny: [],
    pins: [{ from: "rtt://core/api/auth", to: "rtt://idp/api/auth", version: "2.0.0" }],
    qos: [{ match: "rtt://*/stream/*", latencyMs: 1, priority: 9 }],
    failover: [
      {
        from: "rtt://core/bus/events",
        to: ["rtt://obs/extension/logger#ndjson", "rtt://obs/extension/logger#json"],
      },
    ],
  });
  expect(first.health).toMatchObject([
    {
      conditions: [
        { metric: "p95", below: 5 },
        { metric: "err", below: 0.1 },
      ],
    },
  ]);
  expect(first.notes).toEqual([]);
  const later = readPolicyFile(textOf("policy", "the later published one"), "p");
  expect(later.policy).toMatchObject({
    allow: [{ from: "rtt://agent/*", to: "rtt://mcp/claude/*", scopes: null }],
    qos: [{ match: "rtt://agent/api/search@1.0.0", latencyMs: 400, priority: null }],
    pins: [],
    failover: [],
  });
  expect(later.notes).toMatchObject([{ message: expect.stringMatching(/^throughput_qps/) }]);
  expect(later.health).toEqual([]);
  const own = readPolicyFile(textOf("policy", "everything of the later form"), "p");
  expect(own.policy).toMatchObject({
    allow: null,
    pins: [
      { from: "*", to: "rtt://idp/api/auth", version: "^2.0.0" },
      { from: "*", to: "rtt://idp/api/auth#fast", version: "2.0.0" },
    ],
    failover: [{ from: "rtt://a/agent/*", to: ["rtt://b/service/x", "rtt://b/service/y@1.0.0"] }],
  });
});

test("a policy that names scopes gives those, and no others", () => {
  const text = '{"allow":[{"from":"*","to":"*","scopes":["read","write"]}],"qos":[{"match":"*"}]}';
  const { policy } = readPolicyFile(text, "p");
  expect(policy.allow).toEqual([{ from: "*", to: "*", scopes: ["read", "write"] }]);
  expect(policy.qos).toEqual([{ match: "*", latencyMs: null, priority: null }]);
});

test("a missing list of permissions permits, an empty one does not", () => {
  expect(readPolicyFile("{}", "p").policy.allow).toBeNull();
  expect(readPolicyFile('{"allow":[]}', "p").policy.allow).toEqual([]);
});

test("wanted routes keep their lines", () => {
  const text =
    '{"routes":[\n{"from":"rtt://a/agent/x","to":"rtt://a/tool/y"},\n\n{"from":"rtt://a/agent/x","to":"rtt://a/tool/z","optional":true}]}';
  expect(readRoutesFile(text, "r.json")).toMatchObject([
    { line: 2, path: "r.json", isOptional: false, capabilities: [] },
    { line: 4, isOptional: true },
  ]);
});

test("a topology says what nodes can carry", () => {
  expect(readTopologyFile(textOf("topology", "everything"), "t")).toEqual({
    nodes: { n1: { cpu: 8, memoryMb: 16_384, machine: "m1" }, "n2.local:1": {} },
    place: { "rtt://a/agent/x@1.0.0": "n1" },
  });
});

test("paths have one spelling", () => {
  expect(readProvidersFile(textOf("providers", "the published ones"), "p")).toEqual([
    { name: "claude", agentTarget: "providers/claude/.claude/agents" },
    { name: "openai", agentTarget: "providers/openai/.openai/agents" },
  ]);
  expect(readBridgeFile(textOf("bridge", "the published one"), "b")).toMatchObject([
    { name: "claude", toolsManifest: "providers/claude/.claude/tools.json" },
  ]);
  expect(readBridgeFile(textOf("bridge", "nothing optional"), "b")).toEqual([
    { name: "x", unixSocket: null, namedPipe: null, toolsManifest: null },
  ]);
});

test("a view says what it shows, and that its own signature counts for nothing", () => {
  const view = readViewFile(textOf("view", "the published one"), "v/claude.view.json");
  expect(view).toMatchObject({
    provider: "claude",
    mount: "providers/claude/.claude/agents",
    entries: [
      { id: "summarize@1.0.0", overlays: ["provider:claude", "env:prod"] },
      { id: "code_fix@1.0.0", overlays: [] },
    ],
    notes: [{ message: expect.stringMatching(/^sign has no effect/) }],
  });
  const bare = readViewFile(textOf("view", "the tool's own places"), "v/claude.view.json");
  expect(bare).toMatchObject({ mount: null, notes: [] });
});
