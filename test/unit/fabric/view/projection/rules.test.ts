import fc from "fast-check";
import { expect, test } from "vitest";
import { parseFrontMatter } from "../../../../../host/shared/fabric/discovery/text/front-matter.ts";
import {
  type RuleParts,
  rulePartsOf,
  type RuleScope,
  writeRule,
} from "../../../../../host/shared/fabric/view/dialects/rule.ts";
import type { RulePlace } from "../../../../../host/shared/fabric/view/layout.ts";
import { TOOL_LAYOUTS } from "../../../../../host/shared/fabric/view/layouts.ts";
import { readBack } from "./read-back.ts";

const PLACES = [...new Set(TOOL_LAYOUTS.flatMap(({ rules }) => (rules === null ? [] : [rules])))];
const CASES = PLACES.map((place) => [`${place.folder}/*${place.ending}`, place] as const);

function parts(source: string, { dialect }: RulePlace): RuleParts {
  const matter = parseFrontMatter(source);
  if ("fault" in matter) throw new Error(`${matter.fault.message}:\n${source}`);
  return rulePartsOf(matter, dialect);
}

function placeOf(ending: string): RulePlace {
  const place = PLACES.find((one) => one.ending === ending);
  if (place === undefined) throw new Error(`no rules end in ${ending}`);
  return place;
}

const glob = fc.oneof(
  fc.constantFrom("*.ts", "**/*.tsx", "src/**", "docs/*.md", "a b.txt", "{a,b}/*.js", "[ab].c"),
  fc.stringMatching(/^[\w*][\w./*-]{0,12}$/),
);
const scope: fc.Arbitrary<RuleScope> = fc.oneof(
  fc.constant({ when: "always" } as const),
  fc.constant({ when: "asked" } as const),
  fc
    .array(glob, { minLength: 1, maxLength: 3 })
    .filter((globs) => !globs.some((one) => ["*", "**", "**/*"].includes(one)))
    .map((globs) => ({ when: "files", globs }) as const),
);
const text = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 30 }),
  fc.constantFrom(
    "---\nnot: fields\n---",
    "# Title\n\nText",
    "use: this",
    'say "no"',
    "a # b",
    "*",
  ),
);
const description = fc.option(text.filter((one) => one.trim() !== "" && one.isWellFormed()));

test.each(CASES)("what is written to %s applies to the same files", (_, place) => {
  let written = 0;
  const property = fc.property(description, scope, text, (described, applies, body) => {
    const rule = {
      description: described,
      scope: applies,
      text: body.replaceAll("\r\n", "\n").trim(),
    };
    if (rule.text.includes("\0")) return;
    const file = writeRule(rule, place.dialect);
    if (file === null) {
      expect(applies.when).not.toBe("always");
      return;
    }
    written += 1;
    expect(parts(file, place)).toEqual(rule);
    const read = readBack(`${place.folder}/style${place.ending}`, file);
    expect(read.common["name"]).toBe("style");
    expect(read.common["description"] ?? null).toBe(described);
  });
  fc.assert(property, { numRuns: 400 });
  expect(written).toBeGreaterThan(200);
});

test("a rule of one tool is the same rule in another", () => {
  const cursor = placeOf(".mdc");
  const claude = placeOf(".md");
  const copilot = placeOf(".instructions.md");
  const source =
    "---\ndescription: Style\nglobs: *.ts,src/**/*.tsx\nalwaysApply: false\n---\n\nNo tabs.\n";
  const rule = parts(source, cursor);
  expect(writeRule(rule, claude.dialect)).toBe(
    '---\ndescription: Style\npaths: ["*.ts", "src/**/*.tsx"]\n---\n\nNo tabs.\n',
  );
  expect(writeRule(rule, copilot.dialect)).toBe(
    '---\ndescription: Style\napplyTo: "*.ts,src/**/*.tsx"\n---\n\nNo tabs.\n',
  );
  expect(writeRule(rule, cursor.dialect)).toBe(source);
  // What always applies has no fields in Claude Code.
  const always = parts("Be brief.\n", claude);
  expect(writeRule(always, claude.dialect)).toBe("Be brief.\n");
  expect(writeRule(always, cursor.dialect)).toBe("---\nalwaysApply: true\n---\n\nBe brief.\n");
  expect(writeRule(always, copilot.dialect)).toBe('---\napplyTo: "**"\n---\n\nBe brief.\n');
});

test("a rule for when it is asked for is not shown where it would always apply", () => {
  const asked = parts(
    "---\ndescription: Releases\nalwaysApply: false\n---\nTag it.\n",
    placeOf(".mdc"),
  );
  expect(asked.scope).toEqual({ when: "asked" });
  expect(writeRule(asked, placeOf(".md").dialect)).toBeNull();
  expect(writeRule(asked, placeOf(".instructions.md").dialect)).toBe(
    "---\ndescription: Releases\n---\n\nTag it.\n",
  );
});

test("a pattern cannot write fields of its own", () => {
  const globs = ["*.ts\nalwaysApply: true", "a\u2028b", "#x", '"quoted"'];
  for (const one of globs) {
    const rule: RuleParts = {
      description: null,
      scope: { when: "files", globs: [one] },
      text: "x",
    };
    expect(writeRule(rule, placeOf(".mdc").dialect)).toBeNull();
    for (const ending of [".md", ".instructions.md"]) {
      const place = placeOf(ending);
      const file = writeRule(rule, place.dialect) as string;
      const matter = parseFrontMatter(file);
      if ("fault" in matter) throw new Error(matter.fault.message);
      expect(Object.keys(matter.members)).toHaveLength(1);
      expect(matter.text).toBe("x");
    }
  }
});

test("patterns are read as their tools write them", () => {
  const cursor = placeOf(".mdc");
  const scopeOf = (line: string) => parts(`---\n${line}\n---\nx\n`, cursor).scope;
  expect(scopeOf("globs: '*.ts, *.js'")).toEqual({ when: "files", globs: ["*.ts", "*.js"] });
  expect(scopeOf("globs: {src,test}/**/*.ts")).toEqual({
    when: "files",
    globs: ["{src,test}/**/*.ts"],
  });
  expect(scopeOf('globs: ["a.ts", 3]')).toEqual({ when: "files", globs: ["a.ts"] });
  expect(scopeOf("globs: **/*\nalwaysApply: false")).toEqual({ when: "always" });
  expect(scopeOf("globs: *.ts\nalwaysApply: true")).toEqual({ when: "always" });
  expect(scopeOf("globs:")).toEqual({ when: "asked" });
  expect(scopeOf("globs: 3")).toEqual({ when: "asked" });
});
