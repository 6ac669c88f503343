/**
 * Goal: what a merge writes looks as a person would have written it there, in every way in which people write these
 * files. Method: documents by hand, each with what has to come of it.
 */
import { describe, expect, test } from "vitest";
import { mergeConfig } from "../../../../../host/shared/fabric/view/merge/merge.ts";
import type { ConfigFormat, ViewField } from "../../../../../host/shared/fabric/view/model.ts";
import type { Json } from "../../../../../host/shared/trust/canonical-json.ts";

type Fields = Readonly<Record<string, Json>>;

function fieldsOf(fields: Fields): readonly ViewField[] {
  return Object.entries(fields).map(([path, value]) => ({ path: path.split("/"), value }));
}

function merge(format: ConfigFormat, now: string | null, wanted: Fields, last: Fields = {}) {
  return mergeConfig({
    format,
    now,
    last: fieldsOf(last),
    wanted: fieldsOf(wanted),
    original: undefined,
  });
}

function text(format: ConfigFormat, now: string | null, wanted: Fields, last: Fields = {}) {
  const outcome = merge(format, now, wanted, last);
  return outcome.ok ? outcome.text : outcome.problem.rule;
}

const B = { "s/b": { command: "npx", args: ["x"] } };

describe("JSON", () => {
  test.each<[string, string | null, Fields, string]>([
    [
      "a new file",
      null,
      { "s/b": { url: "u" } },
      '{\n  "s": {\n    "b": {\n      "url": "u"\n    }\n  }\n}\n',
    ],
    [
      "tabs",
      '{\n\t"s": {\n\t\t"a": 1\n\t}\n}',
      { "s/b": {} },
      '{\n\t"s": {\n\t\t"a": 1,\n\t\t"b": {}\n\t}\n}',
    ],
    [
      "a comment beside the last member",
      '{\n  "s": {\n    "a": 1 // one\n  }\n}',
      { "s/b": 2 },
      '{\n  "s": {\n    "a": 1, // one\n    "b": 2\n  }\n}',
    ],
    [
      "a comma after the last member",
      '{\n  "s": {\n    "a": 1, // one\n  },\n}',
      { "s/b": 2 },
      '{\n  "s": {\n    "a": 1, // one\n    "b": 2,\n  },\n}',
    ],
    ["one line", '{"s":{"a":1}}', { "s/b": { c: [1, 2] } }, '{"s":{"a":1,"b":{"c":[1,2]}}}'],
    [
      "one airy line",
      '{ "s": { "a": 1 } }\n',
      { "s/b": { c: 2 } },
      '{ "s": { "a": 1, "b": { "c": 2 } } }\n',
    ],
    ["an empty object of one line", '{"s":{}}', { "s/b": 1 }, '{"s":{"b":1}}'],
    [
      "comments in an empty object",
      '{\n  "s": {\n    // none\n  }\n}\n',
      { "s/b": 1 },
      '{\n  "s": {\n    // none\n    "b": 1\n  }\n}\n',
    ],
    [
      "a comment on the line of an empty object",
      '{\n  "s": { /* none */ }\n}\n',
      { "s/b": 1 },
      '{\n  "s": { /* none */\n    "b": 1\n  }\n}\n',
    ],
    [
      "the ends of lines of Windows",
      '{\r\n  "s": {\r\n    "a": 1\r\n  }\r\n}\r\n',
      { "s/b": { c: 1 } },
      '{\r\n  "s": {\r\n    "a": 1,\r\n    "b": {\r\n      "c": 1\r\n    }\r\n  }\r\n}\r\n',
    ],
    [
      "a byte order mark",
      '\ufeff{\n  "s": {}\n}',
      { "s/b": 1 },
      '\ufeff{\n  "s": {\n    "b": 1\n  }\n}',
    ],
    [
      "a long list",
      null,
      { s: ["x".repeat(60), "y".repeat(60)] },
      `{\n  "s": [\n    "${"x".repeat(60)}",\n    "${"y".repeat(60)}"\n  ]\n}\n`,
    ],
    [
      "a list of tables",
      null,
      { s: [{ a: 1 }] },
      '{\n  "s": [\n    {\n      "a": 1\n    }\n  ]\n}\n',
    ],
    ["names that JSON escapes", null, { 's/a"\\': 1 }, '{\n  "s": {\n    "a\\"\\\\": 1\n  }\n}\n'],
  ])("%s", (_, now, wanted, expected) => {
    expect(text("jsonc", now, wanted)).toBe(expected);
  });

  test("many members do not make one line endless", () => {
    const wanted = { "s/b": { url: "u".repeat(60) }, "s/c": { url: "u".repeat(60) } };
    const made = text("jsonc", '{\n  "s": { "a": 1 }\n}\n', wanted) ?? "";
    expect(made.split("\n").slice(1, 4)).toEqual([
      '  "s": { "a": 1,',
      `    "b": { "url": "${"u".repeat(60)}" },`,
      `    "c": { "url": "${"u".repeat(60)}" } }`,
    ]);
    expect(text("jsonc", made, {}, wanted)).toBe('{\n  "s": { "a": 1 }\n}\n');
  });

  test("a new value changes only what differs, and keeps comments inside", () => {
    const now =
      '{\n  "s": {\n    "b": {\n      // why\n      "command": "npx", // how\n      "args": ["x"]\n    }\n  }\n}\n';
    const wanted = { "s/b": { command: "node", args: ["x"], env: { A: "1" } } };
    expect(text("jsonc", now, wanted, B)).toBe(
      '{\n  "s": {\n    "b": {\n      // why\n      "command": "node", // how\n      "args": ["x"],\n      "env": {\n        "A": "1"\n      }\n    }\n  }\n}\n',
    );
    expect(text("jsonc", now, { "s/b": "off" }, B)).toBe('{\n  "s": {\n    "b": "off"\n  }\n}\n');
    expect(text("jsonc", '{"s":{"b":1}}', { "s/b": [2] }, { "s/b": 1 })).toBe('{"s":{"b":[2]}}');
  });

  test("what is no table is in the way", () => {
    for (const now of ['{"s": 1}', '{"s": []}', '{"s": null}']) {
      const outcome = merge("json", now, B);
      expect(outcome).toMatchObject({ ok: true, text: now, owned: [] });
      expect(outcome.ok && outcome.disputes).toEqual([{ path: ["s", "b"], reason: "taken" }]);
    }
  });

  test("what somebody removed stays away, and what nobody wants goes", () => {
    const outcome = merge("json", '{"s":{}}', B, B);
    expect(outcome).toMatchObject({ text: '{"s":{}}', owned: fieldsOf(B) });
    expect(outcome.ok && outcome.disputes).toEqual([{ path: ["s", "b"], reason: "removed" }]);
    expect(merge("json", '{"s":{}}', {}, B)).toMatchObject({
      text: '{"s":{}}',
      owned: [],
      disputes: [],
    });
    const edited = merge("json", '{"s":{"b":1}}', {}, B);
    expect(edited).toMatchObject({ text: '{"s":{"b":1}}', owned: [] });
    expect(edited.ok && edited.disputes).toEqual([{ path: ["s", "b"], reason: "edited" }]);
  });
});

describe("TOML", () => {
  test.each<[string, string | null, Fields, string]>([
    ["a new file", null, B, '[s.b]\ncommand = "npx"\nargs = ["x"]\n'],
    [
      "behind the last of its kind",
      "[s.a]\nx = 1 # one\n\n# about z\n[z]\n",
      { "s/b": { y: 2 } },
      "[s.a]\nx = 1 # one\n\n[s.b]\ny = 2\n\n# about z\n[z]\n",
    ],
    [
      "a table in a table",
      null,
      { "s/b": { x: 1, env: { K: "v" } } },
      '[s.b]\nx = 1\n\n[s.b.env]\nK = "v"\n',
    ],
    ["names in quotes", null, { "s/a.b c": { x: 1 } }, '[s."a.b c"]\nx = 1\n'],
    ["no end of line at the end", "x = 1", { "s/b": { y: 2 } }, "x = 1\n\n[s.b]\ny = 2"],
    [
      "a header at once behind it",
      "[s.a]\nx = 1\n[z]\n",
      { "s/b": { y: 2 } },
      "[s.a]\nx = 1\n\n[s.b]\ny = 2\n\n[z]\n",
    ],
    ["a value at the top", "[a]\nx = 1\n", { m: "v" }, 'm = "v"\n\n[a]\nx = 1\n'],
    ["a value among others at the top", "x = 1\n\n[a]\n", { m: true }, "x = 1\nm = true\n\n[a]\n"],
    ["a value in a table", "[a]\nx = 1\n\n[b]\n", { "a/m": 2 }, "[a]\nx = 1\nm = 2\n\n[b]\n"],
    ["a value in a table without a line behind", "[a]", { "a/m": 2 }, "[a]\nm = 2"],
    [
      "a value in a table of keys with dots",
      "a.x = 1\ny = 2\n",
      { "a/m": 2 },
      "a.x = 1\na.m = 2\ny = 2\n",
    ],
    ["a value in a table that is not there", "x = 1\n", { "a/m": 2 }, "x = 1\n\n[a]\nm = 2\n"],
    ["an empty file", "", { m: 1 }, "m = 1\n"],
    ["a list of tables", "[[l]]\na = 1\n", { "s/b": { c: 1 } }, "[[l]]\na = 1\n\n[s.b]\nc = 1\n"],
    [
      "the ends of lines of Windows",
      "[s.a]\r\nx = 1\r\n",
      { "s/b": { y: 2 } },
      "[s.a]\r\nx = 1\r\n\r\n[s.b]\r\ny = 2\r\n",
    ],
    [
      "keys with escapes",
      '["\\u0061\\t\\U0001F600"]\nx = 1\n',
      { "s/b": { y: 2 } },
      '["\\u0061\\t\\U0001F600"]\nx = 1\n\n[s.b]\ny = 2\n',
    ],
  ])("%s", (_, now, wanted, expected) => {
    expect(text("toml", now, wanted)).toBe(expected);
  });

  const OURS = { "s/b": { command: "npx", args: ["x"] } };

  test.each<[string, string, string]>([
    [
      "a table with a header",
      '[s.b]\n# why\ncommand = "npx" # how\nargs = ["x"]\n',
      '[s.b]\n# why\ncommand = "node" # how\nargs = ["x"]\n',
    ],
    [
      "a table of keys with dots",
      '[s]\nb.command = "npx"\nb.args = ["x"]\n',
      '[s]\nb.command = "node"\nb.args = ["x"]\n',
    ],
    [
      "an inline table",
      '[s]\nb = { command = "npx", args = ["x"] } # one\n',
      '[s]\nb = { args = ["x"], command = "node" } # one\n',
    ],
  ])("a new value in %s", (_, now, expected) => {
    const made = text("toml", now, { "s/b": { args: ["x"], command: "node" } }, OURS);
    expect(made).toBe(expected);
  });

  test("a comment beside what goes stays", () => {
    expect(text("toml", '[s.b]\ncommand = "npx" # mine\nargs = ["x"]\n', {}, OURS)).toBe(
      "# mine\n",
    );
    expect(
      text(
        "toml",
        'x = 1\n\n[s.b] # mine\ncommand = "npx"\nargs = [\n "x", # inner\n]\n',
        {},
        OURS,
      ),
    ).toBe("x = 1\n\n# mine\n");
  });

  test("all servers in one inline table are left alone", () => {
    const now = "s = { a = { x = 1 } }\n";
    expect(merge("toml", now, B)).toMatchObject({ ok: false, problem: { rule: "not-editable" } });
    const ours = 's = { b = { command = "npx", args = ["x"] } }\n';
    expect(text("toml", ours, {}, OURS)).toBe("not-editable");
  });

  test("a table becomes a value, and a value a table", () => {
    expect(text("toml", '[s.b]\ncommand = "npx"\nargs = ["x"]\n', { "s/b": 1 }, OURS)).toBe(
      "[s]\nb = 1\n",
    );
    expect(text("toml", "[s]\nb = 1\n", OURS, { "s/b": 1 })).toBe(
      '[s]\nb = { command = "npx", args = ["x"] }\n',
    );
  });
});
