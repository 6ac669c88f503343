/**
 * Reads the folded text form of a WebAssembly module into lists, far enough to walk its functions.
 */

/** An atom, or a list that begins with its operator. */
export type Node = string | readonly Node[];

/** A function of a module. */
export interface WatFunction {
  readonly name: string;
  readonly params: readonly string[];
  readonly body: readonly Node[];
}

const TOKEN = /;;[^\n]*|\(;[^]*?;\)|"(?:[^"\\]|\\.)*"|[()]|[^\s()"]+/g;

/** All lists of a text, one inside the other. */
export function parseWat(text: string): readonly Node[] {
  const top: Node[] = [];
  const stack: Node[][] = [top];
  for (const [token] of text.matchAll(TOKEN)) {
    if (token.startsWith(";;") || token.startsWith("(;")) continue;
    if (token === "(") {
      const list: Node[] = [];
      stack.at(-1)!.push(list);
      stack.push(list);
    } else if (token === ")") {
      stack.pop();
    } else {
      stack.at(-1)!.push(token);
    }
  }
  return top;
}

/** The operator of a list. */
export function operator(node: Node): string {
  return typeof node === "string" ? "" : String(node[0]);
}

/** The lists inside a list: the operands of an instruction. */
export function operands(node: Node): readonly Node[] {
  return typeof node === "string" ? [] : node.filter((child) => typeof child !== "string");
}

const DECLARATIONS = new Set(["param", "result", "local", "type", "export"]);

/** The functions that a module defines. */
export function functionsOf(text: string): readonly WatFunction[] {
  const module = parseWat(text).find((node) => operator(node) === "module") as readonly Node[];
  return module
    .filter((node) => operator(node) === "func")
    .map((node) => {
      const items = operands(node);
      const params = items.filter((item) => operator(item) === "param");
      return {
        name: String(node[1]).slice(1),
        params: params.map((param) => String(param[1])),
        body: items.filter((item) => !DECLARATIONS.has(operator(item))),
      };
    });
}
