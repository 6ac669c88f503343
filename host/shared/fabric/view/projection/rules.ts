/**
 * Rules. Of files with instructions a tool has one, and gets the project's: its own, else `AGENTS.md`, else the only
 * one that there is. Rules for some files go into the tool's folder, in its dialect.
 */
import { fromUtf8 } from "../../../trust/bytes.ts";
import { isJsonObject } from "../../../trust/canonical-json.ts";
import { parseFrontMatter } from "../../discovery/text/front-matter.ts";
import { idOfDigest } from "../../registry/layout.ts";
import { type RuleDialect, rulePartsOf, writeRule } from "../dialects/rule.ts";
import type { RulePlace } from "../layout.ts";
import { INSTRUCTION_FILES, TOOL_LAYOUTS } from "../layouts.ts";
import { inBase, leaveOut, loseOverlay, loser, noPlace, type Stage } from "./stage.ts";
import { type ShownSymbol, textOf } from "./symbols.ts";

const EVERYBODYS = "AGENTS.md";

export async function projectRules(stage: Stage, rules: readonly ShownSymbol[]): Promise<void> {
  const { instructions = [], others = [] } = Object.groupBy(rules, (rule) =>
    isInstructions(rule) ? "instructions" : "others",
  );
  for (const some of Map.groupBy(instructions, ({ base }) => base).values()) {
    projectInstructions(stage, some);
  }
  const place = stage.layout.rules;
  if (place === null) return noPlace(stage, others, "rules for some files");
  // The user's own files first, so that what is derived never gets their names.
  const isOwn = (rule: ShownSymbol): boolean => ownerOf(rule)?.tool === place.tool;
  for (const rule of others) if (isOwn(rule)) linkRule(stage, rule, place);
  for (const rule of others) if (!isOwn(rule)) await translateRule(stage, rule, place);
}

function fileOf({ inner }: ShownSymbol): string {
  return textOf(inner, "file") ?? "";
}

/** Whether a rule is the one file with instructions of some tool. */
function isInstructions(rule: ShownSymbol): boolean {
  const path = INSTRUCTION_FILES.get(fileOf(rule));
  if (path === undefined) return false;
  const { sources } = rule;
  return sources.length === 0 || sources.some((source) => source.path === inBase(rule, path));
}

function projectInstructions(stage: Stage, rules: readonly ShownSymbol[]): void {
  const { canvas, layout } = stage;
  const place = layout.instructions;
  if (place === null) return noPlace(stage, rules, "instructions");
  const isOwn = (rule: ShownSymbol): boolean => INSTRUCTION_FILES.get(fileOf(rule)) === place.path;
  const meant =
    rules.find(isOwn) ??
    rules.find((rule) => fileOf(rule) === EVERYBODYS) ??
    (new Set(rules.map(({ inner }) => inner["digest"])).size === 1 ? rules[0] : undefined);
  for (const rule of rules) {
    if (meant === undefined) {
      const message = `${layout.title} has one file with instructions, and there are several`;
      leaveOut(stage, rule, place.view, "ambiguous", message);
    } else if (rule !== meant && rule.inner["digest"] !== meant.inner["digest"]) {
      const message = `${fileOf(meant)} is what ${layout.title} gets as instructions`;
      leaveOut(stage, rule, place.view, "name-taken", message);
    } else {
      const object = idOfDigest(rule.inner["digest"]);
      const path = inBase(rule, place.path);
      const isSource = rule.sources.some((source) => source.path === path);
      if (object === null) missing(stage, rule, place.view);
      else if (canvas.link(rule, place.view, [{ path, object, isSource }])) {
        loseOverlay(stage, rule, place.view);
      }
    }
  }
}

function missing(stage: Stage, rule: ShownSymbol, view: string): void {
  leaveOut(stage, rule, view, "not-expressible", "The registry does not have its file");
}

/** The tool whose folder of rules a rule is from; null when nothing says so. */
function ownerOf({ inner, sources }: ShownSymbol): RulePlace | null {
  const places = TOOL_LAYOUTS.flatMap(({ rules }) => (rules === null ? [] : [rules]));
  const file = textOf(inner, "file") ?? "";
  const { native } = inner;
  const writer = sources[0]?.tool ?? (isJsonObject(native) ? Object.keys(native)[0] : undefined);
  return (
    places.find(({ tool }) => tool === writer) ??
    // The longest ending first: `.instructions.md` is also `.md`.
    places
      .filter(({ ending }) => file.endsWith(ending))
      .sort((a, b) => b.ending.length - a.ending.length)[0] ??
    null
  );
}

/** As it is, under its own name. */
function linkRule(stage: Stage, rule: ShownSymbol, place: RulePlace): void {
  const object = idOfDigest(rule.inner["digest"]);
  if (object === null) return missing(stage, rule, place.view);
  const path = inBase(rule, `${place.folder}/${fileOf(rule)}`);
  const isSource = rule.sources.some((source) => source.path === path);
  const files = [{ path, object, isSource }];
  if (stage.canvas.link(rule, place.view, files)) loseOverlay(stage, rule, place.view);
}

async function translateRule(stage: Stage, rule: ShownSymbol, place: RulePlace): Promise<void> {
  const { canvas, registry } = stage;
  const { view, dialect, folder, ending } = place;
  const owner = ownerOf(rule);
  const id = idOfDigest(rule.inner["digest"]);
  if (owner === null || id === null) return missing(stage, rule, view);
  const text = fromUtf8((await registry.getBlob(id)).bytes);
  const matter = text === null ? null : parseFrontMatter(text);
  if (matter === null || "fault" in matter) {
    return leaveOut(stage, rule, view, "not-expressible", "Its file cannot be read as a rule");
  }
  const written = writeRule(rulePartsOf(matter, owner.dialect), dialect);
  if (written === null) {
    const message = `${stage.layout.title} cannot say when it applies`;
    return leaveOut(stage, rule, view, "not-expressible", message);
  }
  const path = inBase(rule, `${folder}/${rule.address.name}${ending}`);
  if (!canvas.link(rule, view, [{ path, object: canvas.text(written), isSource: false }])) return;
  loseOverlay(stage, rule, view);
  const lose = loser(canvas, rule, view);
  for (const name of foreignFields(Object.keys(matter.members), owner.dialect)) {
    lose(`native.${owner.tool}.${name}`, "only-another-tool");
  }
}

/** Fields that say neither the scope nor the description. */
function foreignFields(names: readonly string[], { scopeFields }: RuleDialect): readonly string[] {
  return names.filter((name) => name !== "description" && !scopeFields.includes(name));
}
