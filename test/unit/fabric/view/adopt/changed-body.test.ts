/**
 * Goal: an edit of a tool's file changes what the file says and nothing else of the symbol.
 * Method: bodies in each form that a registry has, shown and edited readings of them, and the body that must come out.
 */
import { describe, expect, test } from "vitest";
import type { FoundSymbol } from "../../../../../host/shared/fabric/discovery/found.ts";
import { parseSymbolAddress } from "../../../../../host/shared/fabric/symbol.ts";
import {
  changedBody,
  withDigest,
} from "../../../../../host/shared/fabric/view/adopt/changed-body.ts";
import type { Json, JsonObject } from "../../../../../host/shared/trust/canonical-json.ts";

/** A reading of Claude Code's file, which says these members and these of its own. */
function reading(common: JsonObject, native: JsonObject | null = null): FoundSymbol {
  const inner = native === null ? common : { ...common, native: { "claude-code": native } };
  return {
    kind: "agent",
    address: parseSymbolAddress("rtt://local/agent/a@1.0.0"),
    body: { type: "agent", agent: inner },
    source: { path: "/p/.claude/agents/a.md", line: 1, tool: "claude-code", format: "agent-md" },
    others: [],
    lossy: [],
    contents: [],
  };
}

const own = (agent: JsonObject): JsonObject => ({ type: "agent", agent });

describe("an edit", () => {
  test("of one member leaves the others, also those that the file cannot say", () => {
    const body = own({ name: "a", description: "Old", model: "x" });
    const shown = reading({ name: "a", description: "Old" });
    const edited = reading({ name: "a", description: "New" });
    expect(changedBody(body, shown, edited)).toEqual(
      own({ name: "a", description: "New", model: "x" }),
    );
  });

  test("that takes a member out takes it out of the body", () => {
    const body = own({ name: "a", description: "Old", instructions: "Do." });
    const shown = reading({ name: "a", description: "Old", instructions: "Do." });
    const edited = reading({ name: "a", instructions: "Do." });
    expect(changedBody(body, shown, edited)).toEqual(own({ name: "a", instructions: "Do." }));
  });

  test("of what only this tool says does not touch what others say", () => {
    const codex = { model: "gpt-5" };
    const body = own({ name: "a", native: { codex, "claude-code": { model: "sonnet", hue: 1 } } });
    const shown = reading({ name: "a" }, { model: "sonnet", hue: 1 });
    expect(changedBody(body, shown, reading({ name: "a" }, { model: "opus" }))).toEqual(
      own({ name: "a", native: { codex, "claude-code": { model: "opus" } } }),
    );
    // Nothing of its own is left, so nothing is kept for it.
    expect(changedBody(body, shown, reading({ name: "a" }))).toEqual(
      own({ name: "a", native: { codex } }),
    );
    const alone = own({ name: "a", native: { "claude-code": { model: "sonnet", hue: 1 } } });
    expect(changedBody(alone, shown, reading({ name: "a" }))).toEqual(own({ name: "a" }));
  });

  test("that says something of its own for the first time is kept for its tool", () => {
    const edited = reading({ name: "a" }, { model: "opus" });
    const expected = own({ name: "a", native: { "claude-code": { model: "opus" } } });
    expect(changedBody(own({ name: "a" }), reading({ name: "a" }), edited)).toEqual(expected);
  });

  test("of which nobody knows what was shown adds and replaces, and takes nothing away", () => {
    const body = own({ name: "a", description: "Old", tools: ["x"], native: { codex: { b: 1 } } });
    const edited = reading({ name: "a", description: "New" }, { model: "opus" });
    expect(changedBody(body, null, edited)).toEqual(
      own({
        name: "a",
        description: "New",
        tools: ["x"],
        native: { codex: { b: 1 }, "claude-code": { model: "opus" } },
      }),
    );
  });
});

describe("a published manifest", () => {
  const manifest: JsonObject = { $schema: "https://rtt/agent-manifest/v1", id: "a", desc: "Old" };
  const shown = reading({ description: "Old" });
  const edited = reading({ description: "New" });

  test("gets the edit in its own words", () => {
    expect(changedBody(manifest, shown, edited)).toEqual({ ...manifest, desc: "New" });
    const { desc: _, ...without } = manifest;
    expect(changedBody(manifest, shown, reading({}))).toEqual(without);
  });

  test("of a tool gets it inside what wraps it", () => {
    const kind = "mcp_tool";
    const tool = { name: "send", description: "Old", inputSchema: {} };
    const read = (description: string): FoundSymbol => ({
      ...reading({}),
      kind,
      body: { type: kind, [kind]: { name: "send", description } },
    });
    expect(changedBody({ type: kind, provider: "work", tool }, read("Old"), read("New"))).toEqual({
      type: kind,
      provider: "work",
      tool: { ...tool, description: "New" },
    });
  });
});

test.each<readonly [Json]>([[null], ["text"], [[1]]])("%j has nothing to change", (body) => {
  expect(changedBody(body, null, reading({ name: "b" }))).toEqual(body);
});

test("a digest is replaced wherever it stands, and only whole", () => {
  const [old, fresh] = ["sha256:a", "sha256:b"];
  const body = { files: [{ path: "x", digest: old }, old, `${old}0`, 1, null], main: old };
  expect(withDigest(body, old, fresh)).toEqual({
    files: [{ path: "x", digest: fresh }, fresh, `${old}0`, 1, null],
    main: fresh,
  });
});
