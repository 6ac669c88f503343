/**
 * Finds in a host's source what coverage is measured by: lines that hold a statement, and arms.
 *
 * An arm is one way out of an `if`, `?:`, `&&`, `||` or `??`, one `case`, or the call of a function; as in the engine,
 * both ways out must be taken. V8 tells how often each place was reached, so a way out that has no code of its own (an
 * `if` without `else`, a condition that ends early) was taken when its start was reached more often than its code.
 *
 * Not seen: `?.`, `??=` and default values of parameters, for which V8 keeps no counter.
 */
import { parseAst } from "vitest/node";
import type { Point } from "../wasm-coverage/instrument.ts";

/** Something that was executed when `start` was reached more often than `instead`, if there is one. */
export interface Place extends Point {
  readonly start: number;
  readonly instead: number | null;
}

interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
}

type Fields = Readonly<Record<string, unknown>>;

const isNode = (value: unknown): value is Node =>
  typeof value === "object" && value !== null && "type" in value && "start" in value;

/** A field that the syntax says is there. */
function child(node: Node, name: string): Node {
  const value = (node as unknown as Fields)[name];
  if (!isNode(value)) throw new Error(`${node.type} has no ${name}`);
  return value;
}

const STATEMENTS =
  /^(Expression|If|For|ForIn|ForOf|While|DoWhile|Return|Throw|Try|Switch)Statement$/;
const JUMPS = /^(Break|Continue)Statement$/;
const FUNCTIONS = /^(FunctionDeclaration|FunctionExpression|ArrowFunctionExpression)$/;
/** Syntax of types that has a value inside. */
const TYPED_VALUES = /^TS(As|Satisfies|NonNull|TypeAssertion|InstantiationExpression)/;

class Finder {
  readonly places: Place[] = [];
  readonly #file: string;
  readonly #lineStarts: readonly number[];

  constructor(file: string, text: string) {
    this.#file = file;
    this.#lineStarts = [0, ...[...text.matchAll(/\n/g)].map(({ index }) => index + 1)];
  }

  visit(node: Node): void {
    if (node.type.startsWith("TS") && !TYPED_VALUES.test(node.type)) return;
    if (STATEMENTS.test(node.type) || JUMPS.test(node.type)) this.#add(node, "line", "", node);
    if (node.type === "VariableDeclaration") this.#add(node, "line", "", node);
    if (FUNCTIONS.test(node.type)) this.#function(node);
    if (node.type === "IfStatement") this.#choice(node, "if");
    if (node.type === "ConditionalExpression") this.#choice(node, "?:");
    if (node.type === "LogicalExpression") this.#logical(node);
    if (node.type === "SwitchCase") this.#case(node);
    for (const value of Object.values(node)) {
      for (const one of Array.isArray(value) ? value : [value]) if (isNode(one)) this.visit(one);
    }
  }

  #function(node: Node): void {
    const body = (node as unknown as Fields)["body"];
    // An abstract method and an overload have none.
    if (!isNode(body)) return;
    // The braces of a body belong to the function's own counter, its first statement may not.
    this.#add(node, "arm", "function called", body);
  }

  #choice(node: Node, name: string): void {
    const consequent = child(node, "consequent");
    const alternate = (node as unknown as Fields)["alternate"];
    this.#add(node, "arm", `${name} true`, consequent);
    if (isNode(alternate)) this.#add(node, "arm", `${name} false`, alternate);
    else this.#add(node, "arm", `${name} false`, node, consequent);
  }

  #logical(node: Node): void {
    const operator = String((node as unknown as Fields)["operator"]);
    const right = child(node, "right");
    let left = child(node, "left");
    // In `a && b && c` it is b after which c may be left out.
    if (left.type === node.type && (left as unknown as Fields)["operator"] === operator) {
      left = child(left, "right");
    }
    this.#add(right, "arm", `${operator} right`, right);
    this.#add(right, "arm", `${operator} short`, left, right);
  }

  #case(node: Node): void {
    const [first] = (node as unknown as Fields)["consequent"] as readonly Node[];
    if (first !== undefined) this.#add(node, "arm", "case taken", first);
  }

  #add(at: Node, kind: Point["kind"], what: string, reached: Node, instead?: Node): void {
    const line = this.#lineStarts.findLastIndex((start) => start <= at.start);
    const column = at.start - this.#lineStarts[line]!;
    const space = what.lastIndexOf(" ");
    this.places.push({
      kind,
      file: this.#file,
      line: line + 1,
      column,
      branch: what.slice(0, Math.max(space, 0)),
      arm: what.slice(space + 1),
      start: reached.start,
      instead: instead?.start ?? null,
    });
  }
}

/** All lines and arms of one TypeScript file. */
export function placesOf(file: string, text: string): readonly Place[] {
  const finder = new Finder(file, text);
  finder.visit(parseAst(text, { lang: "ts" }));
  return finder.places;
}
