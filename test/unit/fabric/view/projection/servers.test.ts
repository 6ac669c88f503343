import fc from "fast-check";
import { expect, test } from "vitest";
import { tomlMembers } from "../../../../../host/shared/fabric/view/dialects/toml-writer.ts";
import type { ServerPlace } from "../../../../../host/shared/fabric/view/layout.ts";
import { TOOL_LAYOUTS } from "../../../../../host/shared/fabric/view/layouts.ts";
import {
  isJsonObject,
  type Json,
  type JsonObject,
} from "../../../../../host/shared/trust/canonical-json.ts";
import { type Loss, losses, readBack, withoutLost } from "./read-back.ts";

const PLACES = TOOL_LAYOUTS.flatMap(({ servers }) => (servers === null ? [] : [servers]));

/** Tools of which nobody knows how they refer to a variable; Codex has no way where others do. */
const WITHOUT_REFERENCES = ["codex", "factory", "junie", "kimi-code"];

function placeOf(path: string): ServerPlace {
  const place = PLACES.find(({ paths }) => paths.includes(path));
  if (place === undefined) throw new Error(`no tool has its servers in ${path}`);
  return place;
}

/** A whole file with one server, as it is when nothing else was there. */
function fileOf({ member, format }: ServerPlace, entry: JsonObject): string {
  const file = { [member]: { server: entry } };
  return format === "toml" ? `${tomlMembers(file)}\n` : JSON.stringify(file);
}

interface Written {
  readonly entry: JsonObject | null;
  readonly all: readonly Loss[];
}

function write(place: ServerPlace, common: JsonObject, native: JsonObject = {}): Written {
  const { all, lose } = losses();
  const written = place.dialect.write({ common, native }, lose);
  return { entry: "entry" in written ? written.entry : null, all };
}

/** A body as the scan of a `.mcp.json` makes it. */
function scanned(entry: JsonObject): JsonObject {
  return readBack(".mcp.json", JSON.stringify({ mcpServers: { server: entry } })).common;
}

const words = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 20 }),
  fc.constantFrom(
    "--flag",
    "--key=value",
    "a b",
    '"',
    "\\",
    "'",
    "\n",
    "",
    "日本",
    "true",
    "1",
    "-y",
  ),
);
const name = fc.stringMatching(/^[A-Z][A-Z_]{0,8}$/);
const spoken = fc.oneof(
  words,
  name.map((variable) => `\${${variable}}`),
  name.map((variable) => `prefix-\${${variable}}/tail`),
  fc.tuple(name, fc.stringMatching(/^[a-z]{1,5}$/)).map(([variable, d]) => `\${${variable}:-${d}}`),
);
const header = fc.oneof(
  spoken,
  name.map((variable) => `Bearer \${${variable}}`),
);
const program = fc.record(
  {
    command: fc.stringMatching(/^[a-z][a-z-]{0,10}$/),
    args: fc.array(spoken, { maxLength: 4 }),
    env: fc.dictionary(name, spoken, { maxKeys: 4 }),
    cwd: fc.constantFrom("./work", "/srv/x", "${HOME}/x"),
  },
  { requiredKeys: ["command"] },
);
const remote = fc.record(
  {
    type: fc.constantFrom("http", "sse"),
    url: fc.constantFrom("https://a.example/mcp", "https://a.example/sse", "https://${HOST}/mcp"),
    headers: fc.dictionary(fc.constantFrom("Authorization", "X-Key", "X-Team"), header),
  },
  { requiredKeys: ["url", "type"] },
);

test.each(PLACES.map((place) => [place.paths[0] as string, place] as const))(
  "what is written to %s is read as the same server, but for what is reported",
  (path, place) => {
    let shown = 0;
    const property = fc.property(fc.oneof(program, remote), (raw) => {
      const common = scanned(raw);
      const { entry, all } = write(place, common);
      if (entry === null) return;
      shown += 1;
      const read = readBack(path, fileOf(place, entry));
      expect(dropped(read.common, all)).toEqual(dropped(common, all));
      // Only Copilot CLI has a field that is always there.
      expect(read.native).toEqual(place.view === "copilot-cli" ? { tools: ["*"] } : {});
    });
    fc.assert(property, { numRuns: 300 });
    expect(shown).toBeGreaterThan(50);
  },
);

/** Without what was lost; of a reference whose default was lost, the rest counts. */
function dropped(common: JsonObject, all: readonly Loss[]): Json {
  const gone = all.filter(({ reason }) => reason !== "no-default" && reason !== "no-variable");
  return withoutDefaults(
    withoutLost(common, gone),
    all.some(({ reason }) => reason === "no-default"),
  );
}

function withoutDefaults(value: Json, isDefaultLost: boolean): Json {
  if (Array.isArray(value)) return value.map((item: Json) => withoutDefaults(item, isDefaultLost));
  if (!isJsonObject(value)) return value;
  const { template } = value;
  if (typeof template === "string" && isDefaultLost) {
    const text = template.replace(/:-[^}]*\}/g, "}");
    const only = /^\$\{(env:\w+)\}$/.exec(text)?.[1];
    return only === undefined ? { template: text } : { ref: only };
  }
  const members = Object.entries(value).map(([key, item]) => [
    key,
    withoutDefaults(item, isDefaultLost),
  ]);
  return Object.fromEntries(members) as JsonObject;
}

test("each tool gets a program, a folder and a secret in its own spelling", () => {
  const common: JsonObject = {
    name: "files",
    version: "1.0.0",
    transport: "stdio",
    command: "files-mcp",
    args: ["--root", "."],
    env: { LOG: "debug", TOKEN: { ref: "env:TOKEN" } },
    cwd: "./data",
  };
  const entries = PLACES.map((place) => [place.paths[0], write(place, common)]);
  const plain = { command: "files-mcp", args: ["--root", "."] };
  const noFolder: Loss[] = [{ field: "cwd", reason: "no-such-field" }];
  const noToken: Loss = { field: "env.TOKEN", reason: "no-reference" };
  const unsaid = [noToken, ...noFolder];
  expect(Object.fromEntries(entries)).toEqual({
    ".mcp.json": {
      entry: { type: "stdio", ...plain, env: { LOG: "debug", TOKEN: "${TOKEN}" } },
      all: noFolder,
    },
    ".codex/config.toml": {
      entry: { ...plain, cwd: "./data", env: { LOG: "debug" }, env_vars: ["TOKEN"] },
      all: [],
    },
    ".cursor/mcp.json": {
      entry: { ...plain, env: { LOG: "debug", TOKEN: "${env:TOKEN}" } },
      all: noFolder,
    },
    ".vscode/mcp.json": {
      entry: {
        type: "stdio",
        ...plain,
        env: { LOG: "debug", TOKEN: "${env:TOKEN}" },
        cwd: "./data",
      },
      all: [],
    },
    ".github/mcp.json": {
      entry: { type: "stdio", ...plain, env: { LOG: "debug", TOKEN: "${TOKEN}" }, tools: ["*"] },
      all: noFolder,
    },
    ".gemini/settings.json": {
      entry: { ...plain, cwd: "./data", env: { LOG: "debug", TOKEN: "${TOKEN}" } },
      all: [],
    },
    "opencode.json": {
      entry: {
        type: "local",
        command: ["files-mcp", "--root", "."],
        environment: { LOG: "debug", TOKEN: "{env:TOKEN}" },
        cwd: "./data",
      },
      all: [],
    },
    ".factory/mcp.json": { entry: { type: "stdio", ...plain, env: { LOG: "debug" } }, all: unsaid },
    ".junie/mcp/mcp.json": { entry: { ...plain, env: { LOG: "debug" } }, all: unsaid },
    ".kimi-code/mcp.json": {
      entry: { transport: "stdio", ...plain, env: { LOG: "debug" }, cwd: "./data" },
      all: [noToken],
    },
    ".kiro/settings/mcp.json": {
      entry: { ...plain, env: { LOG: "debug", TOKEN: "${TOKEN}" } },
      all: noFolder,
    },
    ".qwen/settings.json": {
      entry: { ...plain, cwd: "./data", env: { LOG: "debug", TOKEN: "${TOKEN}" } },
      all: [],
    },
  });
});

test("each tool gets an address with a secret in a header", () => {
  const common: JsonObject = {
    transport: "streamable-http",
    url: "https://a.example/mcp",
    headers: {
      Authorization: { template: "Bearer ${env:TOKEN}" },
      "X-Key": { ref: "env:KEY" },
      "X-Team": "a",
    },
  };
  const entries = PLACES.map((place) => [place.paths[0], write(place, common).entry]);
  const url = "https://a.example/mcp";
  const shell = { Authorization: "Bearer ${TOKEN}", "X-Key": "${KEY}", "X-Team": "a" };
  const code = { Authorization: "Bearer ${env:TOKEN}", "X-Key": "${env:KEY}", "X-Team": "a" };
  expect(Object.fromEntries(entries)).toEqual({
    ".mcp.json": { type: "http", url, headers: shell },
    ".codex/config.toml": {
      url,
      http_headers: { "X-Team": "a" },
      env_http_headers: { "X-Key": "KEY" },
      bearer_token_env_var: "TOKEN",
    },
    ".cursor/mcp.json": { type: "http", url, headers: code },
    ".vscode/mcp.json": { type: "http", url, headers: code },
    ".github/mcp.json": { type: "http", url, headers: shell, tools: ["*"] },
    ".gemini/settings.json": { httpUrl: url, headers: shell },
    "opencode.json": {
      type: "remote",
      url,
      headers: { Authorization: "Bearer {env:TOKEN}", "X-Key": "{env:KEY}", "X-Team": "a" },
    },
    ".factory/mcp.json": { type: "http", url, headers: { "X-Team": "a" } },
    ".junie/mcp/mcp.json": { type: "http", url, headers: { "X-Team": "a" } },
    ".kimi-code/mcp.json": { transport: "http", url, headers: { "X-Team": "a" } },
    ".kiro/settings/mcp.json": { type: "http", url, headers: shell },
    ".qwen/settings.json": { httpUrl: url, headers: shell },
  });
});

test("a secret that a tool cannot refer to is left out and reported, or the server is", () => {
  const codex = placeOf(".codex/config.toml");
  const env = { A: { ref: "env:B" }, C: { template: "x-${env:C}" } };
  const headers = { "X-A": { template: "x ${env:A}" }, authorization: { ref: "input:key" } };
  expect(write(codex, { command: "a", env })).toEqual({
    entry: { command: "a" },
    all: [
      { field: "env.A", reason: "no-reference" },
      { field: "env.C", reason: "no-reference" },
    ],
  });
  expect(write(codex, { url: "https://a.example", headers })).toEqual({
    entry: { url: "https://a.example" },
    all: [
      { field: "headers.X-A", reason: "no-reference" },
      { field: "headers.authorization", reason: "no-reference" },
    ],
  });
  const args = ["--key", { ref: "env:KEY" }];
  expect(codex.dialect.write({ common: { command: "a", args }, native: {} }, () => {})).toEqual({
    reason: "no-reference",
    refused: expect.stringContaining("args[1]"),
  });
  // Only VS Code asks for values.
  const asked = { command: "a", env: { KEY: { ref: "input:key" } } };
  for (const place of PLACES) {
    const { entry, all } = write(place, asked);
    const isAsked = place.view === "copilot";
    expect(JSON.stringify(entry).includes("${input:key}")).toBe(isAsked);
    expect(all).toEqual(isAsked ? [] : [{ field: "env.KEY", reason: "no-reference" }]);
  }
});

test("a default goes only where there are defaults, and the loss of one is reported", () => {
  const common: JsonObject = { command: "a", env: { LEVEL: { template: "${env:LEVEL:-info}" } } };
  const said = PLACES.map((place) => [place.view, write(place, common)] as const);
  for (const [view, { entry, all }] of said) {
    const text = JSON.stringify(entry);
    if (view === "claude-code") expect([text.includes("${LEVEL:-info}"), all]).toEqual([true, []]);
    else expect([view, all.length, text.includes("info")]).toEqual([view, 1, false]);
  }
});

test("variables of an editor are reported where they would be taken for text", () => {
  const common: JsonObject = { command: "a", args: ["${workspaceFolder}/x"] };
  const lost = PLACES.filter((place) => write(place, common).all.length > 0);
  expect(lost.map(({ view }) => view)).toEqual([
    "claude-code",
    "codex",
    "copilot-cli",
    "gemini-cli",
    "opencode",
    "factory",
    "junie",
    "kimi-code",
    "kiro",
    "qwen",
  ]);
});

test("what only one tool understands comes back to it, with its secrets as references", () => {
  const native: JsonObject = { alwaysAllow: ["read"], timeout: 30, key: { ref: "env:KEY" } };
  for (const place of PLACES) {
    const { entry, all } = write(place, { command: "a" }, { ...native, name: "My Server" });
    if (entry === null) throw new Error("refused");
    const isLost = WITHOUT_REFERENCES.includes(place.view);
    const read = readBack(place.paths[0] as string, fileOf(place, entry));
    const { key, ...rest } = native;
    const always = place.view === "copilot-cli" ? { tools: ["*"] } : {};
    expect(read.native).toEqual({ ...always, ...rest, ...(isLost ? {} : { key }) });
    expect(all).toEqual(isLost ? [{ field: "native.key", reason: "no-reference" }] : []);
  }
  const own = write(placeOf(".github/mcp.json"), { command: "a" }, { tools: ["read"] });
  expect(own.entry).toMatchObject({ tools: ["read"] });
});

test("a server that is none is refused everywhere, and event streams by Codex", () => {
  for (const place of PLACES) {
    expect(write(place, {}).entry).toBeNull();
    expect(write(place, { command: "a", url: "https://a.example" }).entry).toBeNull();
    const sse = write(place, { transport: "sse", url: "https://a.example/events" });
    expect(sse.entry === null).toBe(place.view === "codex");
    const isUnsaid = place.view === "opencode";
    expect(sse.all).toEqual(isUnsaid ? [{ field: "transport", reason: "no-such-field" }] : []);
  }
});

test("parts that are no text are never written", () => {
  const common: JsonObject = { command: "a", args: [1], env: { A: { deep: true }, B: null } };
  for (const place of PLACES) {
    expect(write(place, common).entry).toBeNull();
    const { entry, all } = write(place, { ...common, args: [] });
    expect(JSON.stringify(entry)).not.toContain("deep");
    expect(all.map(({ field }) => field)).toEqual(["env.A", "env.B"]);
  }
});
