/**
 * Goal: a merge changes our fields and nothing else, and can be undone.
 * Method: random documents with comments, odd blanks, both ends of lines and byte order marks; what a merge makes of
 * them is read again by the parsers of the scan and compared; then documents written by hand.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readConfig } from "../../../../../host/shared/fabric/view/merge/config-text.ts";
import {
  mergeConfig,
  type MergeInput,
} from "../../../../../host/shared/fabric/view/merge/merge.ts";
import { isSameValue } from "../../../../../host/shared/fabric/view/merge/values.ts";
import type { ConfigFormat, ViewField } from "../../../../../host/shared/fabric/view/model.ts";
import type { Json } from "../../../../../host/shared/trust/canonical-json.ts";

// --- documents ---

const name = fc.constantFrom("a", "b", "theme", "x y", "é", "mcpServers", "servers", "d.e");
const scalar = fc.oneof(
  fc.constantFrom("1", "-2.5", "true", "null", '"t"', '"\\u00e9 \\" \\\\"', '"// no"', '"{,"'),
);

/** What may stand between two tokens; comments are numbered so that each is known again. */
const trivia = fc.constantFrom(
  "",
  "",
  "",
  " ",
  "  ",
  "\n",
  "\n\t",
  "/*c*/",
  " /* , } */ ",
  "//c\n",
  ' // "x"\n  ',
);

interface Piece {
  readonly text: string;
}

const { document } = fc.letrec<{ document: Piece; value: Piece; object: Piece; list: Piece }>(
  (tie) => ({
    document: fc
      .tuple(trivia, tie("object"), trivia)
      .map(([a, { text }, b]) => ({ text: a + text + b })),
    value: fc.oneof(
      { depthSize: "small" },
      scalar.map((text) => ({ text })),
      tie("object"),
      tie("list"),
    ),
    list: fc
      .array(fc.tuple(trivia, tie("value"), trivia), { maxLength: 3 })
      .map((items) => ({ text: `[${items.map(([a, { text }, b]) => a + text + b).join(",")}]` })),
    object: fc
      .tuple(
        fc.uniqueArray(fc.tuple(name, trivia, trivia, tie("value"), trivia, trivia), {
          maxLength: 4,
          selector: ([one]) => one,
        }),
        fc.boolean(),
        trivia,
      )
      .map(([members, isTrailing, end]) => {
        const texts = members.map(
          ([key, a, b, { text }, c, d]) => `${a}${JSON.stringify(key)}${b}:${c}${text}${d}`,
        );
        return { text: `{${texts.join(",")}${isTrailing && texts.length > 0 ? "," : ""}${end}}` };
      }),
  }),
);

const jsonc = fc
  .tuple(document, fc.boolean(), fc.boolean())
  .map(([{ text }, isWindows, hasMark]) => {
    const lines = isWindows ? text.replaceAll("\n", "\r\n") : text;
    return hasMark ? `\ufeff${lines}` : lines;
  });

const tomlKey = fc.constantFrom(
  "model",
  '"x y"',
  "'q'",
  "mcp_servers.q.url",
  "a.b",
  "mcp_servers.z",
);
const tomlScalar = fc.constantFrom(
  "1",
  '"t # no"',
  "'''\n[mcp_servers.a]\n'''",
  "[1, # c\n 2]",
  "1979-05-27 07:32:00Z",
  "{ a = 1, b = [2] }",
  "-inf",
  "[{ x = '}' }]",
);
const tomlHeader = fc.constantFrom(
  "[mcp_servers.files]",
  "[zeta]",
  "[mcp_servers]",
  "[[list]]",
  "[list.sub]",
  '[mcp_servers."d.e".env] # h',
);
const tomlLine = fc.oneof(
  fc.constantFrom("", "# c", '  # "c"'),
  fc
    .tuple(tomlKey, tomlScalar, fc.constantFrom("", " # beside"))
    .map(([k, v, c]) => `${k} = ${v}${c}`),
  tomlHeader,
);
const toml = fc
  .tuple(fc.array(tomlLine, { maxLength: 9 }), fc.boolean(), fc.boolean())
  .map(([lines, isWindows, isEnded]) => {
    const text = lines.join("\n") + (isEnded && lines.length > 0 ? "\n" : "");
    return isWindows ? text.replaceAll("\n", "\r\n") : text;
  });

const value: fc.Arbitrary<Json> = fc.oneof(
  fc.constant({ command: "npx", args: ["-y", "x"] }),
  fc.constant({ url: "https://x", headers: { A: '\u007f\t"' } }),
  fc.constant({ command: "c", env: { K: "${K}" }, on: true, n: 1.5, deep: { er: { x: [] } } }),
  fc.constant({}),
);

function fields(top: string): fc.Arbitrary<ViewField[]> {
  const path = fc.constantFrom("a", "b", "x y", "d.e", "new").map((one) => [top, one]);
  return fc.uniqueArray(fc.record({ path, value }), {
    maxLength: 4,
    selector: ({ path: p }) => p[1],
  });
}

const FORMATS: readonly (readonly [ConfigFormat, fc.Arbitrary<string>, string])[] = [
  ["jsonc", jsonc, "mcpServers"],
  ["toml", toml, "mcp_servers"],
];

// --- what holds ---

function merged(input: MergeInput) {
  const outcome = mergeConfig(input);
  if (!outcome.ok) throw new Error(`not merged: ${outcome.problem.rule}`);
  return outcome;
}

function valueOf(format: ConfigFormat, text: string | null): Json {
  const reading = readConfig(format, text ?? (format === "toml" ? "" : "{}"));
  if (!reading.ok) throw new Error(`not readable: ${reading.problem.message}`);
  return reading.value;
}

/** Every comment of a text in its order; the strings of the documents above have none that looks like one. */
function comments(format: ConfigFormat, text: string): readonly string[] {
  const pattern = format === "toml" ? /# (?:c|"c"|beside|h)\b"?/g : /\/\*[^]*?\*\/|\/\/(?: "x"|c)/g;
  return text.match(pattern) ?? [];
}

describe.each(FORMATS)("%s", (format, documents, top) => {
  test("our fields come in, everything else stays, and the bytes come back", () => {
    let edited = 0;
    fc.assert(
      fc.property(documents, fields(top), fields(top), (text, first, second) => {
        if (!readConfig(format, text).ok) return;
        const start = { format, now: text, last: [], wanted: first, original: text };
        const one = mergeConfig(start);
        // Documents that cannot be edited safely are left alone, and that is told.
        if (!one.ok) return expect(one.problem.rule).toBe("not-editable");
        edited += 1;
        const now = one.text as string;
        expect(comments(format, now)).toEqual(comments(format, text));
        const owned = new Map(one.owned.map((field) => [field.path[1], field.value]));
        checkValues(valueOf(format, text), valueOf(format, now), top, owned);
        const again = { format, now, last: one.owned, wanted: first, original: text };
        expect(merged(again).text).toBe(now);
        expect(merged({ ...again, original: undefined }).text).toBe(now);
        expect(merged({ ...again, wanted: [] }).text).toBe(text);
        // Whatever was there in between, the same fields make the same bytes.
        const other = mergeConfig({ ...again, wanted: second });
        const direct = mergeConfig({ ...start, wanted: second });
        expect(other.ok && other.text).toBe(direct.ok && direct.text);
      }),
      { numRuns: 400 },
    );
    expect(edited).toBeGreaterThan(50);
  });

  test("without the original, what is left says the same", () => {
    fc.assert(
      fc.property(documents, fields(top), fields(top), (text, first, second) => {
        const start: MergeInput = { format, now: text, last: [], wanted: first, original: text };
        const one = readConfig(format, text).ok ? mergeConfig(start) : null;
        if (one?.ok !== true) return;
        const after = { format, now: one.text, last: one.owned, original: undefined };
        const none = mergeConfig({ ...after, wanted: [] });
        if (none.ok) {
          const had = valueOf(format, text) as Record<string, Json>;
          const left = { ...(valueOf(format, none.text) as Record<string, Json>) };
          // Nobody knows any more who made an empty table.
          if (had[top] === undefined && isSameValue(left[top], {})) delete left[top];
          expect(left).toEqual(had);
          expect(comments(format, none.text ?? "")).toEqual(comments(format, text));
        }
        const other = mergeConfig({ ...after, wanted: second });
        if (!other.ok) return;
        const owned = new Map(other.owned.map((field) => [field.path[1], field.value]));
        checkValues(valueOf(format, text), valueOf(format, other.text), top, owned);
        expect(comments(format, other.text ?? "")).toEqual(comments(format, text));
      }),
      { numRuns: 400 },
    );
  });
});

/** Everything but the owned members of `top` is as before, and those are as they are owned. */
function checkValues(
  before: Json,
  after: Json,
  top: string,
  owned: ReadonlyMap<string | undefined, Json>,
) {
  const old = before as Record<string, Json>;
  const fresh = after as Record<string, Json>;
  for (const key of new Set([...Object.keys(old), ...Object.keys(fresh)])) {
    if (key !== top) expect(isSameValue(fresh[key], old[key])).toBe(true);
  }
  const had = (old[top] ?? {}) as Record<string, Json>;
  const has = (fresh[top] ?? {}) as Record<string, Json>;
  if (typeof had !== "object" || Array.isArray(had)) return expect(has).toEqual(had);
  for (const key of new Set([...Object.keys(had), ...Object.keys(has), ...owned.keys()])) {
    const expected = owned.get(key) ?? had[key as string];
    expect(isSameValue(has[key as string], expected)).toBe(true);
  }
}
