import fc from "fast-check";
import { expect, test } from "vitest";
import { plainInstructions } from "../../../../../host/shared/fabric/view/dialects/agent.ts";
import { TOOL_LAYOUTS } from "../../../../../host/shared/fabric/view/layouts.ts";
import type { JsonObject } from "../../../../../host/shared/trust/canonical-json.ts";
import { losses, readBack, withoutLost } from "./read-back.ts";

/** Places of agents that a scan reads, each once. */
const PLACES = [
  ...new Set(TOOL_LAYOUTS.flatMap(({ agents }) => (agents === null ? [] : [agents]))),
];

/** What YAML, TOML or Markdown could take for something else. */
const TRICKY = [
  "true",
  "null",
  "~",
  "yes",
  "on",
  "1.0",
  "0x10",
  "1e3",
  "2024-01-01",
  "- item",
  "key: value",
  "a # comment",
  "#hash",
  "{ a: b }",
  "[a, b]",
  "&anchor",
  "*alias",
  "!tag",
  "| block",
  "> folded",
  "%directive",
  "@at",
  "`tick`",
  "'single'",
  '"double"',
  'three """ quotes """" more',
  'ends with """',
  'ends with ""',
  "'''",
  "back\\slash \\n \\u0041",
  "tab\there",
  "---",
  "...",
  "line\nline",
  "\n\nleading and trailing\n\n",
  " spaces around ",
  "\u0085\u2028\u2029",
  "\u007f\u0001\u001f",
  "é e\u0301 ﬁ 日本語 العربية 👩‍👩‍👧",
  "\ufeffmark",
  "$HOME ${x} {env:X}",
  "=",
  "<<",
  "?",
  ":",
  ",",
];

const text = fc.oneof(
  fc.constantFrom(...TRICKY),
  fc.string({ unit: "grapheme", maxLength: 40 }),
  fc.string({ unit: "binary-ascii", maxLength: 40 }),
  fc.array(fc.constantFrom(...TRICKY), { maxLength: 4 }).map((parts) => parts.join("\n")),
);
const description = text.filter((value) => value.trim() !== "" && value.isWellFormed());
const instructions = text.map(plainInstructions).filter((value) => !value.includes("\0"));

test.each(PLACES.map((place) => [`${place.folder}/*${place.ending}`, place] as const))(
  "what is written to %s is read as the same agent",
  (_, { folder, ending, dialect }) => {
    const property = fc.property(description, instructions, (described, instructed) => {
      const { all, lose } = losses();
      const common = { name: "helper", description: described, instructions: instructed };
      const written = dialect.write({ ...common, version: "1.0.0", native: {} }, lose);
      if ("refused" in written) {
        expect([ending, instructed]).toEqual([".toml", ""]);
        return;
      }
      const read = readBack(`${folder}/helper${ending}`, written.text);
      const { instructions: _none, ...described1 } = common;
      const expected = instructed === "" ? described1 : common;
      expect(read.common).toEqual({ ...expected, version: "1.0.0" });
      expect(read.native).toEqual({});
      expect(all).toEqual([]);
    });
    fc.assert(property, { numRuns: 300 });
  },
);

const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { depthSize: "small" },
    text.filter((one) => one.isWellFormed()),
    fc.boolean(),
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).filter((one) => !Object.is(one, -0)),
    fc.array(tie("any"), { maxLength: 3 }),
    fc.dictionary(fc.stringMatching(/^[a-z][\w -]{0,8}$/), tie("any"), { maxKeys: 3 }),
  ),
})).any as fc.Arbitrary<never>;

/** Fields that a tool wrote for itself, as a scan of its own file keeps them. */
const natives = fc.dictionary(
  fc.stringMatching(/^[a-z][a-zA-Z_-]{0,12}$/).filter((name) => {
    return !["name", "description", "version", "instructions", "developer_instructions"].includes(
      name,
    );
  }),
  value,
  { maxKeys: 4 },
);

test.each(PLACES.map((place) => [`${place.folder}/*${place.ending}`, place] as const))(
  "what only the tool of %s understands comes back to it",
  (_, { folder, ending, dialect, tool }) => {
    const property = fc.property(natives, (native) => {
      // Through a reader once, since that is where bodies come from: secrets are references then.
      const head = JSON.stringify({ description: "Helps", ...native });
      const first = readBack(".claude/agents/helper.md", `---\n${head}\n---\nHelp.\n`);
      const { all, lose } = losses();
      const written = dialect.write(
        {
          name: "helper",
          description: "Helps",
          instructions: "Help.",
          version: "1.0.0",
          native: first.native,
        },
        lose,
      );
      if ("refused" in written) throw new Error(written.refused);
      const read = readBack(`${folder}/helper${ending}`, written.text);
      const lost = all.map(({ field, reason }) => ({
        field: field.replace(/^native\./, ""),
        reason,
      }));
      if (lost.some(({ field }) => /[.[]/.test(field))) return;
      expect(tool).not.toBeNull();
      expect(read.native).toEqual(withoutLost(first.native, lost));
    });
    fc.assert(property, { numRuns: 200 });
  },
);

test("a tool's own name for an agent goes back to it, and only to it", () => {
  const native: JsonObject = { name: "Code Reviewer" };
  for (const { dialect, folder, ending } of PLACES) {
    const agent = { name: "code-reviewer", description: "d", instructions: "i", version: "1.0.0" };
    const own = dialect.write({ ...agent, native }, () => {});
    const other = dialect.write({ ...agent, native: {} }, () => {});
    if ("refused" in own || "refused" in other) throw new Error("refused");
    const path = `${folder}/code-reviewer${ending}`;
    expect(readBack(path, own.text).native).toEqual(native);
    expect(readBack(path, other.text).native).toEqual({});
    expect(readBack(path, other.text).common["name"]).toBe("code-reviewer");
  }
});

test("a version is written where the tool passes over it, and reported where it would not", () => {
  const kept = PLACES.map(({ dialect, folder, ending }) => {
    const { all, lose } = losses();
    const agent = { name: "a", description: "d", instructions: "i", version: "2.1.0", native: {} };
    const written = dialect.write(agent, lose);
    if ("refused" in written) throw new Error(written.refused);
    const { common } = readBack(`${folder}/a${ending}`, written.text);
    expect(all).toEqual(
      common["version"] === "2.1.0" ? [] : [{ field: "version", reason: "no-such-field" }],
    );
    return [folder, common["version"]];
  });
  expect(kept).toEqual([
    [".claude/agents", "2.1.0"],
    [".codex/agents", "1.0.0"],
    [".cursor/agents", "2.1.0"],
    [".github/agents", "1.0.0"],
    [".agents/agents", "2.1.0"],
    [".opencode/agents", "1.0.0"],
    [".cline/agents", "1.0.0"],
    [".factory/droids", "1.0.0"],
    [".goose/agents", "1.0.0"],
    [".junie/agents", "1.0.0"],
    [".kimi-code/agents", "1.0.0"],
    [".kiro/agents", "1.0.0"],
    [".qwen/agents", "1.0.0"],
  ]);
});

test("an agent without a description is refused, and one whose instructions are no text", () => {
  for (const { dialect } of PLACES) {
    const agent = { name: "a", description: " ", instructions: "i", version: "1.0.0", native: {} };
    expect(dialect.write(agent, () => {})).toHaveProperty("refused");
    const broken = { ...agent, description: "d", instructions: "a\0b" };
    expect(dialect.write(broken, () => {})).toHaveProperty("refused");
  }
});

test("files are as people write them", () => {
  const claude = PLACES[0]?.dialect.write(
    {
      name: "reviewer",
      description: "Reviews code: every line",
      instructions: "You review code.\n\nBe kind.",
      version: "1.0.0",
      native: {
        tools: "Read, Grep",
        skills: ["pdf", "a, b"],
        hooks: { PreToolUse: [{ matcher: "Bash" }], empty: {} },
        token: { ref: "env:TOKEN" },
      },
    },
    () => {},
  );
  expect(claude).toEqual({
    text: [
      "---",
      "name: reviewer",
      'description: "Reviews code: every line"',
      "tools: Read, Grep",
      'skills: [pdf, "a, b"]',
      "hooks:",
      '  PreToolUse: [{"matcher": Bash}]',
      "  empty: {}",
      'token: "${TOKEN}"',
      "---",
      "",
      "You review code.",
      "",
      "Be kind.",
      "",
    ].join("\n"),
  });
  const codex = PLACES[1]?.dialect.write(
    {
      name: "reviewer",
      description: "Reviews code",
      instructions: 'Say "yes".\nOr """no"""',
      version: "1.0.0",
      native: { model_reasoning_effort: "high", mcp_servers: { a: { command: "x" } }, odd: null },
    },
    () => {},
  );
  expect(codex).toEqual({
    text: [
      'name = "reviewer"',
      'description = "Reviews code"',
      'model_reasoning_effort = "high"',
      'mcp_servers = { a = { command = "x" } }',
      'developer_instructions = """',
      'Say "yes".',
      'Or ""\\"no""\\""""',
      "",
    ].join("\n"),
  });
});
