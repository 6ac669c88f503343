/**
 * Goal: only tools that were reviewed under their own server count as reviewed, every version of them, and a mark names
 * one description. Method: registries with what a stranger could put beside the reviewed tools; descriptions that
 * differ in one member.
 */
import { describe, expect, test } from "vitest";
import {
  descriptionMark,
  heldFailure,
  ReviewedTools,
} from "../../../../host/shared/fabric/bridge/review.ts";
import {
  descriptionJson,
  TOOL_KIND,
  type ToolDescription,
} from "../../../../host/shared/fabric/bridge/tool-description.ts";
import { parseSymbolAddress } from "../../../../host/shared/fabric/symbol.ts";
import { testDigest } from "../../../support/ports.ts";
import { FOLDER, memoryRegistry } from "../../../support/registry.ts";

const TOOL: ToolDescription = {
  name: "send",
  title: "",
  description: "Sends it.",
  inputSchema: { type: "object" },
  outputSchema: null,
  annotations: {},
};

/** A registry with `TOOL` of the server "work" at each address, under the kind that is given with it. */
async function registryWith(...addresses: readonly (readonly [string, string])[]) {
  const world = await memoryRegistry();
  for (const [address, kind] of addresses) {
    const body = { type: TOOL_KIND, provider: "work", tool: descriptionJson(TOOL) };
    await world.registry.put({ kind, address: parseSymbolAddress(address), body });
  }
  return { ...world, reviewed: await ReviewedTools.read(world.registry) };
}

describe("what counts as reviewed", () => {
  test.each([
    ["another kind of object", "rtt://mcp/work/tool/send@1.0.0", "agent"],
    ["another namespace", "rtt://local/work/tool/send@1.0.0", TOOL_KIND],
    ["a namespace without a server", "rtt://mcp/tool/send@1.0.0", TOOL_KIND],
    ["a namespace below a server", "rtt://mcp/work/more/tool/send@1.0.0", TOOL_KIND],
    ["the description of another server", "rtt://mcp/play/tool/send@1.0.0", TOOL_KIND],
  ])("%s does not", async (_, address, kind) => {
    const { reviewed } = await registryWith([address, kind]);
    expect(reviewed.has("work")).toBe(false);
    expect(reviewed.has("play")).toBe(false);
    expect(reviewed.compare("work", "1.0.0", TOOL).state).toBe("first");
  });

  test("every reviewed version does", async () => {
    const { reviewed } = await registryWith(
      ["rtt://mcp/work/tool/send@1.0.0", TOOL_KIND],
      ["rtt://mcp/work/tool/send@2.0.0", TOOL_KIND],
    );
    expect(reviewed.has("work")).toBe(true);
    expect(reviewed.versions("work", "send").map(({ address }) => address)).toEqual([
      "rtt://mcp/work/tool/send@1.0.0",
      "rtt://mcp/work/tool/send@2.0.0",
    ]);
    expect(reviewed.versions("work", "other")).toEqual([]);
    expect(reviewed.versions("play", "send")).toEqual([]);
  });

  test("a name that makes no address is a new tool of a server that was reviewed", async () => {
    const { reviewed } = await registryWith(["rtt://mcp/work/tool/send@1.0.0", TOOL_KIND]);
    const review = reviewed.compare("work", "1.0.0", { ...TOOL, name: "пример" });
    expect(review.state).toBe("new");
    expect(heldFailure(review, true)?.message).toContain("nobody has reviewed");
    expect(heldFailure(review, false)).toBeNull();
  });

  test("an object that has rotted makes its server known, and holds its tool", async () => {
    const { files, registry } = await registryWith(["rtt://mcp/work/tool/send@1.0.0", TOOL_KIND]);
    const [entry] = await registry.list();
    files.all.set(`${FOLDER}/cas/sha256/${entry?.id}.json`, new Uint8Array());
    const reviewed = await ReviewedTools.read(registry);
    expect(reviewed.has("work")).toBe(true);
    const review = reviewed.compare("work", "1.0.0", TOOL);
    expect(review).toMatchObject({ state: "unreadable", reviewed: null });
    expect(heldFailure(review, false)?.message).toContain("(object-corrupt)");
  });
});

describe("the mark of a description", () => {
  const mark = (tool: ToolDescription): string | null => descriptionMark(testDigest, tool);

  test("is that of everything it says, and of nothing else", () => {
    const marks = [
      TOOL,
      { ...TOOL, title: "Send" },
      { ...TOOL, description: "Sends it. " },
      { ...TOOL, inputSchema: { type: "object", required: ["to"] } },
      { ...TOOL, outputSchema: {} },
      { ...TOOL, annotations: { readOnlyHint: true } },
    ].map(mark);
    expect(new Set(marks).size).toBe(marks.length);
    for (const one of marks) expect(one).toMatch(/^[0-9a-f]{24}$/);
    const a = { type: "object", properties: { a: {}, b: {} } };
    const b = { properties: { b: {}, a: {} }, type: "object" };
    expect(mark({ ...TOOL, inputSchema: a })).toBe(mark({ ...TOOL, inputSchema: b }));
  });

  test("there is none of what cannot be kept", () => {
    expect(mark({ ...TOOL, description: "\ud800" })).toBeNull();
    expect(mark({ ...TOOL, inputSchema: { x: "x".repeat(2 << 20) } })).toBeNull();
  });
});
