/**
 * Edits JSON and JSONC as text: members come and go, and every comment, blank and order of the rest stays. The only
 * file that imports the package `jsonc-parser`, which tells where each member stands.
 *
 * What comes in looks like what is there: its indent, its ends of lines, its comma after the last member, one line in
 * an object of one line. Taking out what was put in gives the text from before, unless the object was empty and
 * written in an unusual way ("{ }").
 */
import { type Node, parseTree } from "jsonc-parser";
import { isJsonObject, type Json } from "../../../trust/canonical-json.ts";
import { membersInOrder } from "./member-order.ts";
import { blankStart, edited, indentAt, lineEndOf, type TextEdit } from "./text-edits.ts";

/** A member to be put in, by its name. */
export type Member = readonly [name: string, value: Json];

type Path = readonly string[];

interface Place {
  /** Of the name. */
  readonly start: number;
  /** Behind the value. */
  readonly end: number;
  /** Of the comma behind it, or -1. */
  readonly comma: number;
  readonly name: string;
  readonly value: Node;
}

/** An object in the text. */
interface Container {
  /** Behind the brace that opens it. */
  readonly start: number;
  /** Of the brace that closes it. */
  readonly end: number;
  readonly members: readonly Place[];
}

/** Longer lists get a line for each value. */
const LIST_CHARACTERS_MAX = 80;
/** Where more would come into an object of one line, each new member gets a line. */
const LINE_CHARACTERS_MAX = 100;

const BLANKS = /[ \t\r\n]*/y;
const TRIVIA = /(?:[ \t\r\n]+|\/\/[^\r\n]*|\/\*[^]*?\*\/)*/y;
/** A comment on the same line as what is before it. */
const COMMENT_BESIDE = /[ \t]*(?:\/\/[^\r\n]*|\/\*[^\r\n]*?\*\/)/y;

/** Puts members behind those of the object at `path`, which is there. Their names must not be. */
export function insertMembers(text: string, path: Path, members: readonly Member[]): string {
  const container = containerAt(text, path);
  const style = styleOf(text);
  const last = container.members.at(-1);
  if (last !== undefined) return insertBehind(text, container, last, members, style);
  const inner = text.slice(container.start, container.end);
  const comments = inner.trimEnd();
  const isOnOneLine = !text.trimEnd().includes("\n") && path.length > 0;
  if (isOnOneLine && comments === "") {
    const list = members.map((member) => inlineMember(member, style)).join(style.comma);
    return edited(text, [{ at: container.start, length: inner.length, text: list }]);
  }
  const closing = indentAt(text, container.end);
  const indent = `${closing}${style.indent}`;
  const list = members.map((member) => blockMember(member, indent, style)).join(",");
  const isLineThere = inner.slice(comments.length).includes("\n") && comments !== "";
  const end = isLineThere ? "" : `${style.lineEnd}${closing}`;
  const length = isLineThere ? 0 : inner.length - comments.length;
  return edited(text, [{ at: container.start + comments.length, length, text: `${list}${end}` }]);
}

function insertBehind(
  text: string,
  { start }: Container,
  last: Place,
  members: readonly Member[],
  style: Style,
): string {
  const first = matchAt(TRIVIA, text, start);
  const isBlock = text.slice(start, start + first.length).includes("\n");
  const isTrailing = last.comma !== -1;
  const comma: TextEdit[] = isTrailing ? [] : [{ at: last.end, length: 0, text: "," }];
  let at = isTrailing ? last.comma + 1 : last.end;
  if (!isBlock) {
    const texts = members.map((member) => inlineMember(member, style));
    const isShort = texts.join(style.comma).length <= LINE_CHARACTERS_MAX || !text.includes("\n");
    const line = `${style.lineEnd}${indentAt(text, start)}${style.indent}`;
    const list = texts.map((one) => (isShort ? style.comma.slice(1) : line) + one).join(",");
    return edited(text, [...comma, { at, length: 0, text: isTrailing ? `${list},` : list }]);
  }
  // A comment beside the last member is about that member.
  for (let beside = matchAt(COMMENT_BESIDE, text, at); beside !== "";) {
    at += beside.length;
    beside = matchAt(COMMENT_BESIDE, text, at);
  }
  const indent = indentAt(text, start + first.length);
  const list = members.map((member) => blockMember(member, indent, style)).join(",");
  return edited(text, [...comma, { at, length: 0, text: isTrailing ? `${list},` : list }]);
}

/** Takes members out of the object at `path`, as far as they are there. */
export function removeMembers(text: string, path: Path, names: ReadonlySet<string>): string {
  const container = containerAt(text, path);
  const { members, start, end } = container;
  const edits = members.flatMap((member, at): TextEdit[] => {
    if (!names.has(member.name)) {
      const isLastLeft = members.slice(at + 1).every(({ name }) => names.has(name));
      const isTrailing = (members.at(-1)?.comma ?? -1) !== -1;
      const isCommaLeftOver = isLastLeft && at < members.length - 1 && !isTrailing;
      return isCommaLeftOver ? [{ at: member.comma, length: 1, text: "" }] : [];
    }
    const from = Math.max(blankStart(text, member.start), start);
    const cut = { at: from, length: member.end - from, text: "" };
    if (member.comma === -1) return [cut];
    const isBeside = text.slice(member.end, member.comma).trim() === "";
    if (isBeside) return [{ ...cut, length: member.comma + 1 - from }];
    return [cut, { at: member.comma, length: 1, text: "" }];
  });
  const removed = edited(text, edits);
  const closing = end - (text.length - removed.length);
  const isEmpty = removed.slice(start, closing).trim() === "";
  return isEmpty ? removed.slice(0, start) + removed.slice(closing) : removed;
}

/** Writes another value in place of that at `path`, which is there. */
export function replaceValue(text: string, path: Path, value: Json): string {
  const { members, start } = containerAt(text, path.slice(0, -1));
  const member = members.find(({ name }) => name === path.at(-1));
  if (member === undefined) throw new Error("only a member that is there has a value");
  const style = styleOf(text);
  const isBlock = matchAt(BLANKS, text, start).includes("\n");
  const written = isBlock
    ? blockValue(value, indentAt(text, member.start), style)
    : inlineValue(value, style);
  const { offset, length } = member.value;
  return edited(text, [{ at: offset, length, text: written }]);
}

// --- where things are ---

function containerAt(text: string, path: Path): Container {
  let node = parseTree(text, [], { allowTrailingComma: true, disallowComments: false });
  for (const name of path) {
    const property = node?.children?.find(({ children }) => children?.[0]?.value === name);
    node = property?.children?.[1];
  }
  if (node?.type !== "object") throw new Error("only an object has members");
  return {
    start: node.offset + 1,
    end: node.offset + node.length - 1,
    members: (node.children ?? []).map((property) => placeOf(text, property)),
  };
}

function placeOf(text: string, { offset, children = [] }: Node): Place {
  const [name, value] = children;
  if (name === undefined || value === undefined) throw new Error("the text was read before");
  const end = value.offset + value.length;
  const behind = end + matchAt(TRIVIA, text, end).length;
  return {
    start: offset,
    end,
    comma: text[behind] === "," ? behind : -1,
    name: String(name.value),
    value,
  };
}

function matchAt(pattern: RegExp, text: string, at: number): string {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? "";
}

// --- how things look ---

interface Style {
  readonly indent: string;
  readonly lineEnd: string;
  /** Between a name and its value. */
  readonly colon: string;
  /** Between members on one line. */
  readonly comma: string;
}

function styleOf(text: string): Style {
  const isTight = /"\s*:[^\s]/.test(text) && !/"\s*:[ \t\r\n]/.test(text);
  return {
    indent: /\n([ \t]+)["/]/.exec(text)?.[1] ?? "  ",
    lineEnd: lineEndOf(text),
    colon: isTight ? ":" : ": ",
    comma: isTight ? "," : ", ",
  };
}

function blockMember([name, value]: Member, indent: string, style: Style): string {
  return `${style.lineEnd}${indent}${JSON.stringify(name)}: ${blockValue(value, indent, style)}`;
}

/** A list of short values stays on one line, as people write arguments. */
function blockValue(value: Json, indent: string, style: Style): string {
  const inner = `${indent}${style.indent}`;
  const between = `,${style.lineEnd}${inner}`;
  if (Array.isArray(value)) {
    const line = inlineValue(value, style);
    const isShort = line.length <= LIST_CHARACTERS_MAX && !value.some(isJsonObject);
    if (isShort) return line;
    const items = value.map((item: Json) => blockValue(item, inner, style));
    return `[${style.lineEnd}${inner}${items.join(between)}${style.lineEnd}${indent}]`;
  }
  if (!isJsonObject(value) || Object.keys(value).length === 0) return JSON.stringify(value);
  const members = membersInOrder(value).map((member) => blockMember(member, inner, style));
  return `{${members.join(",")}${style.lineEnd}${indent}}`;
}

function inlineMember([name, value]: Member, style: Style): string {
  return `${JSON.stringify(name)}${style.colon}${inlineValue(value, style)}`;
}

function inlineValue(value: Json, style: Style): string {
  if (Array.isArray(value)) {
    return `[${value.map((item: Json) => inlineValue(item, style)).join(style.comma)}]`;
  }
  if (!isJsonObject(value)) return JSON.stringify(value);
  const members = membersInOrder(value).map((member) => inlineMember(member, style));
  const edge = style.comma.slice(1);
  return members.length === 0 ? "{}" : `{${edge}${members.join(style.comma)}${edge}}`;
}
