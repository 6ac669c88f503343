/**
 * Goal: whoever reviews a tool sees everything that is different about it, and nothing that a screen would hide.
 * Method: hand-written cases of known attacks, and properties over random descriptions.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  changeLines,
  hiddenFields,
  toolChanges,
  visible,
} from "../../../../host/shared/fabric/bridge/tool-changes.ts";
import {
  isSameDescription,
  type ToolDescription,
} from "../../../../host/shared/fabric/bridge/tool-description.ts";

function tool(parts: Partial<ToolDescription> = {}): ToolDescription {
  return {
    name: "search",
    title: "",
    description: "Searches.",
    inputSchema: { type: "object", properties: { query: { type: "string" } } },
    outputSchema: null,
    annotations: {},
    ...parts,
  };
}

describe("what cannot be seen is shown as its code point", () => {
  test.each([
    ["zero width space", "a\u200bb", "a\\u{200b}b"],
    ["right-to-left override", "a\u202eb", "a\\u{202e}b"],
    ["tag characters", "a\u{e0041}b", "a\\u{e0041}b"],
    ["variation selectors", "a\ufe0fb\u{e0100}", "a\\u{fe0f}b\\u{e0100}"],
    ["escape sequences", "\u001b[2J", "\\u{1b}[2J"],
    ["no-break and ideographic spaces", "a\u00a0b\u3000c", "a\\u{a0}b\\u{3000}c"],
    ["line and paragraph separators", "a\u2028b\u2029", "a\\u{2028}b\\u{2029}"],
    ["Hangul filler", "a\u3164b", "a\\u{3164}b"],
    ["soft hyphen and BOM", "a\u00adb\ufeff", "a\\u{ad}b\\u{feff}"],
    ["half of a surrogate pair", "a\ud800b", "a\\u{d800}b"],
    ["private use", "\ue000", "\\u{e000}"],
    ["a Cyrillic letter in a Latin word", "p\u0430ypal", "p\\u{430}ypal"],
    ["lines and tabs", "a\n\tb\r", "a\\n\\tb\\r"],
    ["what only looks like an escape", "\\u{200b}", "\\\\u{200b}"],
  ])("%s", (_, text, shown) => {
    expect(visible(text)).toBe(shown);
  });

  test.each(["Größe, naïve café", "数据库搜索", "поиск файлов", "αβγ = 3 €", "🔍 search"])(
    "honest text stays: %s",
    (text) => {
      expect(visible(text)).toBe(text);
    },
  );

  test("so nothing that is shown can be hidden again", () => {
    const hostile = fc.string({ unit: "binary", maxLength: 50 });
    fc.assert(
      fc.property(hostile, (text) => {
        const shown = visible(text);
        expect(shown).not.toMatch(/[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u);
      }),
      { numRuns: 500 },
    );
  });

  test("and two texts that differ are shown differently", () => {
    const close = fc.string({
      unit: fc.constantFrom("a", "\\", "\u200b", "u", "{", "}", "2", "0", "b", "\n", "n"),
    });
    fc.assert(
      fc.property(close, close, (a, b) => {
        fc.pre(a !== b);
        expect(visible(a)).not.toBe(visible(b));
      }),
      { numRuns: 2000 },
    );
  });
});

describe("fields that hide something are named", () => {
  test("in texts, in schemas, and in names of members", () => {
    const poisoned = tool({
      title: "Search\u200b",
      description: "Honest.\nTwo lines.",
      inputSchema: {
        properties: { "quer\u200by": { description: "a\u{e0041}" } },
        required: ["x", "y\u202e"],
      },
    });
    expect(hiddenFields(poisoned)).toEqual([
      "title",
      'inputSchema.properties."quer\\\\u{200b}y"',
      'inputSchema.properties."quer\\\\u{200b}y".description',
      "inputSchema.required[1]",
    ]);
    expect(hiddenFields(tool())).toEqual([]);
  });
});

describe("changes", () => {
  test("are told field by field, with what is gone and what is new", () => {
    const after = tool({
      description: "Searches all.",
      inputSchema: { type: "object", properties: { query: { type: "number" }, path: {} } },
      annotations: { destructiveHint: true },
      outputSchema: { type: "object" },
    });
    const changes = toolChanges(tool({ title: "Search" }), after);
    expect(changes).toEqual([
      { field: "annotations", after: { destructiveHint: true } },
      { field: "description", before: "Searches.", after: "Searches all." },
      { field: "inputSchema.properties.path", after: {} },
      { field: "inputSchema.properties.query.type", before: "string", after: "number" },
      { field: "outputSchema", after: { type: "object" } },
      { field: "title", before: "Search" },
    ]);
    expect(changes.flatMap(changeLines)).toContain('  + {"destructiveHint":true}');
  });

  test("leave out what a long text has in common, and never what it has not", () => {
    const long = "x".repeat(500);
    const [field, before, after] = changeLines({
      field: "description",
      before: `${long} end`,
      after: `${long}\u200b steal end`,
    });
    expect(field).toBe("description");
    expect(before).toBe(`  - … ${"x".repeat(30)} end`);
    expect(after).toBe(`  + … ${"x".repeat(30)}\\u{200b} steal end`);
  });

  test("are cut only where they are very long, and say so", () => {
    const [, , after] = changeLines({ field: "f", before: "a", after: "b".repeat(9000) });
    expect(after).toMatch(/^ {2}\+ b{4000} … and 5000 characters more$/);
  });

  test("exist exactly when two descriptions say something else", () => {
    const json = fc.jsonValue({ maxDepth: 3, noUnicodeString: true }).filter(isPlain);
    const description = fc.record({
      name: fc.constant("t"),
      title: fc.constantFrom("", "T"),
      description: fc.constantFrom("a", "b"),
      inputSchema: fc.record({ type: fc.constant("object"), properties: json }),
      outputSchema: fc.constantFrom(null, { type: "object" }),
      annotations: fc.constantFrom({}, { readOnlyHint: true }),
    }) as fc.Arbitrary<ToolDescription>;
    fc.assert(
      fc.property(description, description, (a, b) => {
        expect(toolChanges(a, b).length === 0).toBe(isSameDescription(a, b));
        expect(toolChanges(a, a)).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });
});

/** Canonical JSON has no negative zero and no name that reaches a prototype. */
function isPlain(value: unknown): boolean {
  const text = JSON.stringify(value);
  return !Object.is(value, -0) && !text.includes("__proto__") && !/-0\b/.test(text);
}
