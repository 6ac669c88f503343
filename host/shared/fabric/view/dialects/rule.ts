/**
 * Rules that apply to some files, in front matter of three kinds:
 *
 *                Claude Code         Cursor                           Copilot
 *   always       no paths            alwaysApply: true                applyTo: "**"
 *   some files   paths: ["*.ts"]     globs: *.ts                      applyTo: "*.ts"
 *   when asked   cannot be said      description alone                description alone
 */
import type { Json, JsonObject } from "../../../trust/canonical-json.ts";
import type { FrontMatter } from "../../discovery/text/front-matter.ts";
import { yamlInline, yamlText } from "./yaml-writer.ts";

/** When a rule applies: always, to files that fit one of the patterns, or when somebody asks for it. */
export type RuleScope =
  | { readonly when: "always" }
  | { readonly when: "files"; readonly globs: readonly string[] }
  | { readonly when: "asked" };

export interface RuleParts {
  readonly description: string | null;
  readonly scope: RuleScope;
  readonly text: string;
}

export interface RuleDialect {
  /** The names of the fields that say the scope. */
  readonly scopeFields: readonly string[];
  readonly scopeOf: (members: JsonObject) => RuleScope;
  /** The lines of the front matter that say the scope; null when the tool cannot. */
  readonly scopeLines: (scope: RuleScope) => readonly string[] | null;
}

/** Patterns as a list, or as a text with commas between them that stand in no braces. */
function globsOf(value: Json | undefined): readonly string[] {
  if (typeof value === "string") {
    return value
      .split(/,(?![^{]*\})/)
      .map((glob) => glob.trim().replace(/^(["'])(.*)\1$/, "$2"))
      .filter((glob) => glob !== "");
  }
  if (!Array.isArray(value)) return [];
  return (value as readonly Json[]).filter((glob) => typeof glob === "string");
}

function isEverything(globs: readonly string[]): boolean {
  return globs.some((glob) => glob === "**" || glob === "**/*" || glob === "*");
}

/** Patterns that cannot be taken for anything else when they stand without quotes. */
const PATTERNS = /^[\w./*?][\w./*?+@!(){}|[\], -]*$/;

/** Whether a text without quotes is still that text to a reader of YAML, or a pattern to one who knows them. */
function isBarePattern(globs: string): boolean {
  const isOther = !Number.isNaN(Number(globs)) || /^(?:true|false|null|\.inf|\.nan)$/i.test(globs);
  return PATTERNS.test(globs) && !isOther;
}

/** What `*` alone means differs between tools, so everything is always said as "always". */
function scopeOfGlobs(globs: readonly string[], otherwise: RuleScope): RuleScope {
  if (globs.length === 0) return otherwise;
  return isEverything(globs) ? { when: "always" } : { when: "files", globs };
}

export const CLAUDE_RULE: RuleDialect = {
  scopeFields: ["paths"],
  scopeOf: ({ paths }) => scopeOfGlobs(globsOf(paths), { when: "always" }),
  scopeLines(scope) {
    if (scope.when === "always") return [];
    return scope.when === "files" ? [`paths: ${yamlInline([...scope.globs])}`] : null;
  },
};

export const CURSOR_RULE: RuleDialect = {
  scopeFields: ["globs", "alwaysApply"],
  scopeOf({ globs, alwaysApply }) {
    // Front matter that is no YAML has only texts.
    const isAlways = alwaysApply === true || alwaysApply === "true";
    return isAlways ? { when: "always" } : scopeOfGlobs(globsOf(globs), { when: "asked" });
  },
  scopeLines(scope) {
    if (scope.when === "always") return ["alwaysApply: true"];
    if (scope.when === "asked") return ["alwaysApply: false"];
    // Cursor takes quotes for a part of the pattern, so it stands there as it is, and must not be able to end its line.
    const globs = scope.globs.join(",");
    return isBarePattern(globs) ? [`globs: ${globs}`, "alwaysApply: false"] : null;
  },
};

export const COPILOT_RULE: RuleDialect = {
  scopeFields: ["applyTo"],
  scopeOf: ({ applyTo }) => scopeOfGlobs(globsOf(applyTo), { when: "asked" }),
  scopeLines(scope) {
    if (scope.when === "asked") return [];
    return [`applyTo: ${yamlText(scope.when === "always" ? "**" : scope.globs.join(","))}`];
  },
};

/** What a file of `dialect` says. */
export function rulePartsOf({ members, text }: FrontMatter, dialect: RuleDialect): RuleParts {
  const { description } = members;
  return {
    description: typeof description === "string" ? description : null,
    scope: dialect.scopeOf(members),
    text,
  };
}

/** The file in another dialect; null when it cannot say when the rule applies. */
export function writeRule({ description, scope, text }: RuleParts, to: RuleDialect): string | null {
  const scoped = to.scopeLines(scope);
  if (scoped === null) return null;
  const said = description === null ? [] : [`description: ${yamlText(description)}`];
  const head = [...said, ...scoped];
  // A text that begins with a line would be taken for fields.
  const isBare = head.length === 0 && !text.startsWith("---");
  return isBare ? `${text}\n` : `---\n${head.map((line) => `${line}\n`).join("")}---\n\n${text}\n`;
}
