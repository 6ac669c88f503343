/**
 * Goal: what was reviewed is what is compared with, whatever else lies in the registry, and what cannot be believed
 * holds its tool. Method: registries in memory, signed, tampered with and filled by hand.
 */
import { describe, expect, test } from "vitest";
import {
  heldFailure,
  ReviewedTools,
  type ToolReview,
} from "../../../../host/shared/fabric/bridge/review.ts";
import {
  registerListedTools,
  registerTools,
} from "../../../../host/shared/fabric/bridge/register-tools.ts";
import {
  readToolBody,
  toolAddress,
  type ToolDescription,
  toolVersion,
} from "../../../../host/shared/fabric/bridge/tool-description.ts";
import { readToolList } from "../../../../host/shared/fabric/bridge/tool-manifest.ts";
import { formatSymbolAddress } from "../../../../host/shared/fabric/symbol.ts";
import { utf8 } from "../../../../host/shared/trust/bytes.ts";
import { FOLDER, memoryRegistry } from "../../../support/registry.ts";

const MANIFESTS = "/p/.rtt/manifests";

function tool(name: string, description = "Does it."): ToolDescription {
  return {
    name,
    title: "",
    description,
    inputSchema: { type: "object" },
    outputSchema: null,
    annotations: {},
  };
}

/** A registry in which these tools of "work" were reviewed at this version. */
async function reviewedWorld(version: string, ...tools: readonly ToolDescription[]) {
  const world = await memoryRegistry();
  const before = await ReviewedTools.read(world.registry);
  const reviews = tools.map((one) => before.compare("work", version, one));
  const registered = await registerTools(world.files, world.registry, MANIFESTS, reviews, before);
  return { ...world, reviews, registered, reviewed: await ReviewedTools.read(world.registry) };
}

const heldOf = (review: ToolReview, isStrict = true): string =>
  heldFailure(review, isStrict)?.message ?? "";

describe("what is said of a tool", () => {
  test("same, changed, new and first", async () => {
    const { reviewed } = await reviewedWorld("1.0.0", tool("a"), tool("b"));
    const states = [
      reviewed.compare("work", "1.0.0", tool("a")),
      reviewed.compare("work", "9.9.9", tool("a")),
      reviewed.compare("work", "1.0.0", tool("a", "Else.")),
      reviewed.compare("work", "1.0.0", tool("c")),
      reviewed.compare("other", "1.0.0", tool("a")),
    ];
    expect(states.map(({ state }) => state)).toEqual(["same", "same", "changed", "new", "first"]);
    expect(states.map((one) => heldOf(one) !== "")).toEqual([false, false, true, true, false]);
    expect(states.map((one) => heldOf(one, false) !== "")).toEqual([
      false,
      false,
      true,
      false,
      false,
    ]);
  });

  test("the order of members says nothing", async () => {
    const schema = { type: "object", properties: { a: {}, b: {} } };
    const { reviewed } = await reviewedWorld("1.0.0", { ...tool("a"), inputSchema: schema });
    const turned = { properties: { b: {}, a: {} }, type: "object" };
    const { state } = reviewed.compare("work", "1.0.0", { ...tool("a"), inputSchema: turned });
    expect(state).toBe("same");
  });

  test("hidden text is held, even of a server that nobody has reviewed and where nothing is strict", async () => {
    const { reviewed } = await reviewedWorld("1.0.0");
    const review = reviewed.compare("work", "1.0.0", tool("a", "x\u200b"));
    expect(heldOf(review, false)).toMatch(/characters that nobody sees: description/);
  });

  test("what cannot be kept is held: too deep, too large, half a surrogate pair", async () => {
    const { reviewed } = await reviewedWorld("1.0.0", tool("a"));
    let deep: Record<string, unknown> = {};
    for (let depth = 0; depth < 20_000; depth++) deep = { deep };
    for (const hostile of [
      { ...tool("a"), inputSchema: deep },
      { ...tool("a"), inputSchema: { description: "x".repeat(2 << 20) } },
      tool("a", "\ud800"),
    ]) {
      const review = reviewed.compare("work", "1.0.0", hostile);
      expect([review.state, heldOf(review) !== ""]).toEqual(["unreadable", true]);
    }
    const seen = ReviewedTools.seen("work", "x", [{ ...tool("a"), inputSchema: deep }, tool("b")]);
    expect(seen.compare("work", "1.0.0", tool("b")).state).toBe("same");
  });

  test("an object whose signature is gone holds its tool, and no other", async () => {
    const { registry, files } = await reviewedWorld("1.0.0", tool("a"), tool("b"));
    const entry = (await registry.list()).find(({ address }) => address.name === "a");
    files.all.delete(`${FOLDER}/cas/sha256/${entry?.id}.dsse`);
    const reviewed = await ReviewedTools.read(registry);
    const [a, b] = [tool("a"), tool("b")].map((one) => reviewed.compare("work", "1.0.0", one));
    expect([a?.state, b?.state]).toEqual(["unreadable", "same"]);
    expect(heldOf(a as ToolReview)).toContain("signature-missing");
  });
});

describe("registering", () => {
  test("an accepted version takes the place of every earlier one, manifest and all", async () => {
    const world = await reviewedWorld("1.0.0", tool("a"));
    const next = world.reviewed.compare("work", "2.0.0", tool("a", "More."));
    const { registry, files } = world;
    const done = await registerTools(files, registry, MANIFESTS, [next], world.reviewed);
    expect(done).toMatchObject({
      addresses: ["rtt://mcp/work/tool/a@2.0.0"],
      replaced: ["rtt://mcp/work/tool/a@1.0.0"],
      keptManifests: [],
    });
    const listed = (await registry.list()).map(({ address }) => formatSymbolAddress(address));
    expect(listed).toEqual(["rtt://mcp/work/tool/a@2.0.0"]);
  });

  test("two tools with one address: the first is taken, the other is named", async () => {
    const { registered } = await reviewedWorld(
      "1.0.0",
      tool("get_it"),
      tool("get-it"),
      tool("пример"),
    );
    expect(registered.addresses).toEqual(["rtt://mcp/work/tool/get-it@1.0.0"]);
    expect(registered.problems.map(({ message }) => message)).toEqual([
      expect.stringContaining("two tools, get_it and get-it, with one address"),
      expect.stringContaining("a name that makes no address"),
    ]);
  });

  test("a folder of manifests that is a link is not followed", async () => {
    const { registry, files } = await memoryRegistry();
    await files.write(MANIFESTS, utf8("a file"));
    const before = await ReviewedTools.read(registry);
    const reviews = [before.compare("work", "1.0.0", tool("a"))];
    await expect(registerTools(files, registry, MANIFESTS, reviews, before)).rejects.toMatchObject({
      code: "path-denied",
    });
  });

  test("a published list names tools; it takes nothing from what was reviewed", async () => {
    const { registry, files } = await reviewedWorld("1.0.0", tool("a"));
    const list = utf8('{"tools":[{"name":"a","version":"1.0.0"},{"name":"b"}]}');
    const listed = readToolList(list, "tools.json", "work");
    await registerListedTools(files, registry, MANIFESTS, listed);
    const reviewed = await ReviewedTools.read(registry);
    expect(reviewed.compare("work", "1.0.0", tool("a")).state).toBe("same");
    expect(reviewed.compare("work", "1.0.0", tool("b")).state).toBe("new");
    const twice = readToolList(utf8('{"tools":[{"name":"x"},{"name":"X"}]}'), "tools.json", "work");
    await expect(registerListedTools(files, registry, MANIFESTS, twice)).rejects.toMatchObject({
      code: "config-invalid",
    });
  });
});

test.each([
  ["1.2.3", "1.2.3"],
  ["2026.8", "2026.8.0"],
  ["1.0.0-RC.1", "1.0.0-rc.1"],
  ["", "1.0.0"],
  ["unknown", "1.0.0"],
])("a server's version %j becomes %s", (given, version) => {
  expect(toolVersion(given)).toBe(version);
  expect(toolAddress("work", "a", toolVersion(given))).not.toBeNull();
});

test.each([
  null,
  [],
  {},
  { type: "mcp_tool" },
  { type: "mcp_tool", provider: 1, tool: {} },
  { type: "mcp_tool", provider: "p", tool: { name: "a" } },
  { type: "mcp_tool", provider: "p", tool: { name: "a", description: "", inputSchema: [] } },
  {
    type: "mcp_tool",
    provider: "p",
    tool: { name: "a", description: "", inputSchema: {}, outputSchema: 1 },
  },
  { type: "agent", provider: "p", tool: { name: "a", description: "", inputSchema: {} } },
])("a body that describes no tool is none: %j", (body) => {
  expect(readToolBody(body)).toBeNull();
});
