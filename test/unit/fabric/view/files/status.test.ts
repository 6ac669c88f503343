/**
 * Goal: whatever happens to a view's files is told, and an edit comes back as a new object of its symbol.
 * Method: an agent, a skill, a rule and a server are projected, shown in a temporary folder, changed as people, editors
 * and tools change files, looked at, adopted, and shown again.
 */
import { chmodSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { adoptFile } from "../../../../../host/shared/fabric/view/adopt/adopt.ts";
import { fsck } from "../../../../../host/shared/fabric/registry/fsck.ts";
import { projectViews } from "../../../../../host/shared/fabric/view/projection.ts";
import type { Projection } from "../../../../../host/shared/fabric/view/model.ts";
import { viewStatus } from "../../../../../host/shared/fabric/view/status/status.ts";
import { parseSymbolAddress } from "../../../../../host/shared/fabric/symbol.ts";
import type { Json } from "../../../../../host/shared/trust/canonical-json.ts";
import { utf8 } from "../../../../../host/shared/trust/bytes.ts";
import { failureCode } from "../../../../support/ports.ts";
import { OWNER } from "../../../../support/registry.ts";
import { ViewWorld } from "./world.ts";

const AGENT = ".claude/agents/reviewer.md";
const CURSOR_AGENT = ".cursor/agents/reviewer.md";
const SKILL = ".claude/skills/pdf/SKILL.md";
const SCRIPT = ".claude/skills/pdf/run.py";
const SERVERS = ".mcp.json";

/** A project with one symbol of each kind, shown to two tools. */
async function project(): Promise<ViewWorld> {
  const world = await ViewWorld.open();
  const { registry } = world;
  const skill = utf8("---\nname: pdf\ndescription: Reads PDF\n---\nUse it.\n");
  const [main, script] = await registry.putBlobs([
    { kind: "skill-file", address: null, bytes: skill },
    { kind: "skill-file", address: null, bytes: utf8("print()\n") },
  ]);
  const put = (kind: string, name: string, body: Json) =>
    registry.put({ kind, address: parseSymbolAddress(`rtt://local/${kind}/${name}@1.0.0`), body });
  await put("agent", "reviewer", {
    type: "agent",
    agent: {
      name: "reviewer",
      version: "1.0.0",
      description: "Reviews",
      instructions: "You review.",
      native: { codex: { model: "gpt-5" }, "claude-code": { model: "sonnet" } },
    },
  });
  await put("skill", "pdf", {
    type: "skill",
    skill: {
      id: "pdf",
      name: "pdf",
      version: "1.0.0",
      description: "Reads PDF",
      files: [
        { path: "SKILL.md", digest: `sha256:${main}` },
        { path: "run.py", digest: `sha256:${script}` },
      ],
    },
  });
  await put("mcp-server", "docs", {
    type: "mcp-server",
    server: { name: "docs", version: "1.0.0", transport: "stdio", command: "docs-mcp", args: [] },
  });
  return world;
}

function projection(world: ViewWorld): Promise<Projection> {
  const views = ["claude-code", "cursor"].map((view) => ({
    view,
    provider: view,
    folder: null,
    entries: null,
  }));
  const { registry, ports, root } = world;
  const { files, digest } = ports;
  const sources = new Map();
  return projectViews({ registry, files, digest, root, views, sources, environment: null });
}

async function show(world: ViewWorld) {
  return world.apply((await projection(world)).files);
}

function status(world: ViewWorld) {
  return viewStatus(world.ports, world.root, world.registry, world.generation);
}

async function drift(world: ViewWorld): Promise<readonly string[]> {
  const report = await status(world);
  expect(report.ok).toBe(report.drift.length === 0);
  return report.drift.map(
    ({ kind, path, field }) => `${kind} ${path}${field === null ? "" : ` ${field}`}`,
  );
}

function adopt(world: ViewWorld, path: string) {
  const { ports, root, registry, generation } = world;
  if (generation === null) throw new Error("nothing is shown");
  const symbolsAt = async (shown: string): Promise<readonly string[]> =>
    (await projection(world)).files.find((file) => file.path === shown)?.symbols ?? [];
  return adoptFile({ ports, root, registry, generation, symbolsAt }, path);
}

/** The body at an address, without what wraps it. */
async function bodyOf(world: ViewWorld, kind: string, name: string): Promise<Record<string, Json>> {
  const { body: whole } = await world.registry.find(`rtt://local/${kind}/${name}@1.0.0`);
  return Object.values(whole as Record<string, Json>).find(
    (one) => typeof one === "object",
  ) as never;
}

/** Writes into a file as a program does that opens it, whatever its mode says. */
function writeInPlace(path: string, text: string): void {
  chmodSync(path, 0o644);
  writeFileSync(path, text);
  chmodSync(path, 0o444);
}

describe("status", () => {
  test("nothing is on the disk twice", async () => {
    const world = await project();
    expect((await status(world)).generation).toBe(null);
    await show(world);
    const report = await status(world);
    expect(report).toMatchObject({
      ok: true,
      generation: 1,
      copies: 0,
      duplicateBytes: 0,
      drift: [],
    });
    expect(report.inodes).toBe(report.objects);
    expect(report.files).toBeGreaterThan(report.objects);
  });

  test("every way to drift has its name", async () => {
    const world = await project();
    await show(world);
    const text = (await world.text(CURSOR_AGENT)) ?? "";
    await world.write(CURSOR_AGENT, text);
    await world.write(AGENT, `${text}more`);
    chmodSync(world.path(SKILL), 0o644);
    writeInPlace(world.path(SCRIPT), "import os\n");
    await world.write(SERVERS, ((await world.text(SERVERS)) ?? "").replace("docs-mcp", "mine"));
    rmSync(world.path(".cursor/mcp.json"));
    expect(await drift(world)).toEqual(
      [
        `changed ${AGENT}`,
        `object-changed ${SCRIPT}`,
        `mode ${SKILL}`,
        `replaced ${CURSOR_AGENT}`,
        "missing .cursor/mcp.json",
        `object-changed ${SCRIPT.replace(".claude", ".cursor")}`,
        `mode ${SKILL.replace(".claude", ".cursor")}`,
        `field-changed ${SERVERS} mcpServers.docs`,
      ].sort((a, b) => (a.slice(a.indexOf(" ")) < b.slice(b.indexOf(" ")) ? -1 : 1)),
    );
    expect((await status(world)).duplicateBytes).toBe(text.length);
    await world.write(SERVERS, "{}");
    await world.files.remove(world.path(AGENT));
    await world.files.makeFolder(world.path(AGENT), 0o755);
    const after = await drift(world);
    expect(after).toContain(`field-missing ${SERVERS} mcpServers.docs`);
    expect(after).toContain(`not-a-file ${AGENT}`);
    await world.write(SERVERS, "{");
    expect(await drift(world)).toContain(`unreadable ${SERVERS}`);
    renameSync(world.path(".claude"), world.path("away"));
    writeFileSync(world.path(".claude"), "");
    expect(await drift(world)).toContain(`not-a-file ${SKILL}`);
  });

  test("in a clone, which keeps neither links nor modes, the next plan brings back both", async () => {
    const world = await project();
    await show(world);
    for (const { path, digest, how } of world.generation?.files ?? []) {
      if (how !== "link") continue;
      const object = world.registry.layout.content(digest.slice("sha256:".length), "blob");
      await world.write(path, (await world.text(path)) ?? "");
      chmodSync(object, 0o644);
    }
    expect((await drift(world)).every((line) => line.startsWith("replaced "))).toBe(true);
    await show(world);
    expect(await drift(world)).toEqual([]);
    expect((await status(world)).duplicateBytes).toBe(0);
  });

  test("an object that is gone is told, and a broken link is mended by the next plan", async () => {
    const world = await project();
    await show(world);
    await world.write(CURSOR_AGENT, (await world.text(CURSOR_AGENT)) ?? "");
    await show(world);
    expect(await drift(world)).toEqual([]);
    const id = world.generation?.files.find(({ path }) => path === CURSOR_AGENT)?.digest ?? "";
    rmSync(world.registry.layout.content(id.slice("sha256:".length), "blob"));
    expect(await drift(world)).toEqual([`object-missing ${CURSOR_AGENT}`]);
  });
});

describe("adopt", () => {
  test("an edited agent changes what its tool can say, and nothing else", async () => {
    const world = await project();
    await show(world);
    const text = (await world.text(AGENT)) ?? "";
    const edited = text
      .replace("Reviews", "Reviews well")
      .replace("You review.", "You review code.");
    await world.write(AGENT, edited.replace("model: sonnet", "model: opus\ncolor: blue"));
    const { symbols, object } = await adopt(world, AGENT);
    expect([symbols.map(({ address }) => address), object]).toEqual([
      ["rtt://local/agent/reviewer@1.0.0"],
      "whole",
    ]);
    expect(await bodyOf(world, "agent", "reviewer")).toEqual({
      name: "reviewer",
      version: "1.0.0",
      description: "Reviews well",
      instructions: "You review code.",
      native: { codex: { model: "gpt-5" }, "claude-code": { model: "opus", color: "blue" } },
    });
    expect((await show(world)).problems).toEqual([]);
    expect(await drift(world)).toEqual([]);
    expect(await world.text(CURSOR_AGENT)).toContain("You review code.");
    expect(await adopt(world, AGENT)).toEqual({ path: AGENT, symbols: [], object: "whole" });
  });

  test("a published manifest gets the edit in its own words", async () => {
    const world = await project();
    const address = "rtt://agents/agent/search@1.0.0";
    const manifest = {
      $schema: "https://rtt/agent-manifest/v1",
      id: "search",
      name: "search",
      desc: "Searches",
      rtt_saddr: address,
    };
    const put = { kind: "agent", address: parseSymbolAddress(address), body: manifest };
    await world.registry.put(put);
    await show(world);
    const path = ".claude/agents/search.md";
    await world.write(path, ((await world.text(path)) ?? "").replace("Searches", "Finds"));
    const { symbols } = await adopt(world, path);
    expect(symbols.map((one) => one.address)).toEqual([address]);
    const { body } = await world.registry.find(address);
    expect(body).toMatchObject({ ...manifest, desc: "Finds" });
    expect(body).not.toHaveProperty("description");
    expect((await show(world)).problems).toEqual([]);
    expect(await drift(world)).toEqual([]);
  });

  test("two names of one object that was written through are both mended", async () => {
    const world = await project();
    await show(world);
    writeInPlace(world.path(SCRIPT), "print(2)\n");
    const adopted = await adopt(world, SCRIPT);
    expect([adopted.symbols.length, adopted.object]).toEqual([1, "quarantined"]);
    expect((await show(world)).problems).toEqual([]);
    expect(await drift(world)).toEqual([]);
    expect(await world.text(SCRIPT.replace(".claude", ".cursor"))).toBe("print(2)\n");
  });

  test("an earlier generation comes back with its merged fields", async () => {
    const world = await project();
    const path = ".cursor/mcp.json";
    await world.write(path, "{\n  // mine\n}\n");
    await show(world);
    const first = world.generation;
    const text = await world.text(path);
    expect(text).toContain("docs-mcp");
    await world.apply([]);
    expect(await world.text(path)).toBe("{\n  // mine\n}\n");
    expect((await world.rollback(first)).problems).toEqual([]);
    expect(await world.text(path)).toBe(text);
    expect(world.generation?.files).toEqual(first?.files);
  });

  test("a link that was written through gives the object back", async () => {
    const world = await project();
    await show(world);
    const path = world.path(AGENT);
    const text = (await world.text(AGENT)) ?? "";
    writeInPlace(path, text.replace("You review.", "You look."));
    expect(await drift(world)).toEqual([`object-changed ${AGENT}`]);
    const adopted = await adopt(world, AGENT);
    expect([adopted.symbols.length, adopted.object]).toEqual([1, "restored"]);
    const options = { signer: OWNER, anchors: [OWNER.publicKey] };
    const report = await fsck(world.ports, `${world.root}/.rtt/registry`, options);
    expect(report.findings).toEqual([]);
    // Making the projection again has brought the derived object back.
    expect((await bodyOf(world, "agent", "reviewer"))["instructions"]).toBe("You look.");
    await show(world);
    expect(await drift(world)).toEqual([]);
    expect(readdirSync(`${world.root}/.rtt/registry/quarantine`)).toHaveLength(1);
  });

  test("an object comes back from another file that holds it", async () => {
    const world = await project();
    await show(world);
    const other = SCRIPT.replace(".claude", ".cursor");
    await world.write(other, "print()\n");
    writeInPlace(world.path(SCRIPT), "print(1)\n");
    const adopted = await adopt(world, SCRIPT);
    expect([adopted.symbols.length, adopted.object]).toEqual([1, "restored"]);
    await show(world);
    expect(await drift(world)).toEqual([]);
    expect([await world.text(SCRIPT), await world.text(other)]).toEqual([
      "print(1)\n",
      "print(1)\n",
    ]);
  });

  test("a skill gets its new file, for every tool", async () => {
    const world = await project();
    await show(world);
    await world.write(SKILL, "---\nname: pdf\ndescription: Reads any PDF\n---\nUse it well.\n");
    await adopt(world, SKILL);
    expect((await bodyOf(world, "skill", "pdf"))["description"]).toBe("Reads any PDF");
    await show(world);
    expect(await drift(world)).toEqual([]);
    expect(await world.text(SKILL.replace(".claude", ".cursor"))).toContain("Use it well.");
    expect(statSync(world.path(SKILL)).nlink).toBeGreaterThan(2);
  });

  test("a server that was edited in a configuration comes back", async () => {
    const world = await project();
    await show(world);
    const text = (await world.text(SERVERS)) ?? "";
    await world.write(SERVERS, text.replace('"docs-mcp"', '"docs-mcp-2"'));
    const { symbols } = await adopt(world, SERVERS);
    expect(symbols.map(({ address }) => address)).toEqual(["rtt://local/mcp-server/docs@1.0.0"]);
    expect((await bodyOf(world, "mcp-server", "docs"))["command"]).toBe("docs-mcp-2");
    expect((await show(world)).problems).toEqual([]);
    expect(await drift(world)).toEqual([]);
    expect(await world.text(".cursor/mcp.json")).toContain("docs-mcp-2");
  });

  test.each([
    ["no view", "x.md", ""],
    ["another name", AGENT, "---\nname: other\ndescription: x\n---\n"],
    ["a file that its tool would refuse", AGENT, "no front matter\n"],
    ["a broken configuration", SERVERS, "{"],
  ])("%s is refused", async (_, path, text) => {
    const world = await project();
    await show(world);
    await world.write(path, text);
    expect(await failureCode(() => adopt(world, path))).toBe("view-conflict");
  });

  test.each([AGENT, SCRIPT])("%s of a symbol that nobody knows is refused", async (path) => {
    const world = await project();
    await show(world);
    const text = (await world.text(path)) ?? "";
    await world.write(path, text.replace("You review", "You look").replace("print()", "pass"));
    const { ports, root, registry, generation } = world;
    if (generation === null) throw new Error("nothing is shown");
    const input = { ports, root, registry, generation, symbolsAt: async () => [] };
    expect(await failureCode(() => adoptFile(input, path))).toBe("view-conflict");
    expect(await world.text(path)).not.toBe(text);
  });

  test("a server's entry that says nothing is refused", async () => {
    const world = await project();
    await show(world);
    await world.write(SERVERS, '{"mcpServers": {"docs": {}}}');
    expect(await failureCode(() => adopt(world, SERVERS))).toBe("view-conflict");
    await world.write(SERVERS, '{"mcpServers": {}}');
    expect(await adopt(world, SERVERS)).toEqual({ path: SERVERS, symbols: [], object: null });
  });

  test("a file that is gone is refused", async () => {
    const world = await project();
    await show(world);
    rmSync(world.path(AGENT));
    expect(await failureCode(() => adopt(world, AGENT))).toBe("view-conflict");
  });
});
