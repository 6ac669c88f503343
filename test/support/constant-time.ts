/**
 * Finds every place of a compiled module where time may depend on bytes in memory.
 *
 * Secrets reach the engine's cryptography through pointers only: the arguments of its functions are
 * addresses, lengths and counters. So a value is *suspect* when it was loaded from memory, or
 * computed from such a value, also through locals, arguments and results of calls; unless the load
 * is declared to be of something public. A finding is a suspect condition (if, br_if, br_table,
 * select), a suspect address or size, or any division. What is not found cannot depend on a secret;
 * what is found needs a reason why it is none (constant-time-reviewed.ts). What a branch decides is
 * not suspect by itself: whoever reviews a branch reviews what follows from it.
 *
 * The walk is over structured control flow with one set of suspect locals for each point, as the
 * optimiser lets unrelated variables share a local.
 */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { functionsOf, operands, operator } from "./wat.ts";
import type { Node, WatFunction } from "./wat.ts";

/** One suspect place, written so that it survives the renumbering of locals. */
export interface Finding {
  readonly function: string;
  readonly place: string;
}

const DISASSEMBLER = join(import.meta.dirname, "../../node_modules/binaryen/bin/wasm-dis");

/** What is known to be public although it comes from memory. */
export interface Declarations {
  /**
   * True when `load`, as a finding would show it, reads a length, a mode or a counter in this
   * function.
   */
  isPublicLoad(name: string, load: string): boolean;
  /** True when what the function returns is a length or a verdict that the peer sees anyway. */
  isPublicResult(name: string): boolean;
}

/** Suspects everything. */
export const NOTHING_DECLARED: Declarations = {
  isPublicLoad: () => false,
  isPublicResult: () => false,
};

/**
 * Constants from here on are addresses of static memory: the compiler places code's own data above
 * 1 KiB.
 */
const STATIC_FROM = 1024;

/**
 * The text form of a compiled module, by the disassembler that comes with the AssemblyScript
 * compiler.
 */
export function textOf(file: string): string {
  const options = { encoding: "utf8", maxBuffer: 1 << 26 } as const;
  return execFileSync(process.execPath, [DISASSEMBLER, file], options);
}

/** Every finding in the functions of a module in text form. */
export function auditText(text: string, declarations = NOTHING_DECLARED): Finding[] {
  return new Audit(functionsOf(text), declarations).findings();
}

/** Which functions call which. */
export function callersOf(text: string): Map<string, Set<string>> {
  const callers = new Map<string, Set<string>>();
  const visit = (caller: string, node: Node): void => {
    if (operator(node) === "call") {
      const callee = String(node[1]).slice(1);
      callers.set(callee, (callers.get(callee) ?? new Set()).add(caller));
    }
    for (const operand of operands(node)) visit(caller, operand);
  };
  for (const { name, body } of functionsOf(text)) {
    for (const node of body) visit(name, node);
  }
  return callers;
}

/**
 * Suspect locals at one point, and those that were overwritten; undefined where control never
 * comes.
 */
type State = Set<string> | undefined;

/** The mark of a local that no longer holds the argument it came with. */
function overwritten(local: string): string {
  return `=${local}`;
}

function merge(left: State, right: State): State {
  if (left === undefined || right === undefined) return left ?? right;
  return new Set([...left, ...right]);
}

/** What is known about a function from outside: shared by all calls. */
interface Summary {
  readonly suspectParams: Set<number>;
  hasSuspectResult: boolean;
}

class Audit {
  readonly #functions: readonly WatFunction[];
  readonly #summaries = new Map<string, Summary>();
  readonly #declarations: Declarations;

  constructor(functions: readonly WatFunction[], declarations: Declarations) {
    this.#functions = functions;
    this.#declarations = declarations;
    for (const { name } of functions) {
      this.#summaries.set(name, { suspectParams: new Set(), hasSuspectResult: false });
    }
  }

  findings(): Finding[] {
    // Suspicion only grows, so this ends; the last round has seen everything.
    for (let before = -1; before !== this.#size();) {
      before = this.#size();
      this.#walkAll();
    }
    return this.#walkAll();
  }

  #walkAll(): Finding[] {
    return this.#functions.flatMap((each) =>
      new Walk(each, this.#summaries, this.#declarations).run(),
    );
  }

  #size(): number {
    let size = 0;
    for (const summary of this.#summaries.values()) {
      size += summary.suspectParams.size + (summary.hasSuspectResult ? 1 : 0);
    }
    return size;
  }
}

/** What jumps to a label bring with them. */
interface Label {
  state: State;
  isSuspect: boolean;
}

class Walk {
  readonly #function: WatFunction;
  readonly #summaries: ReadonlyMap<string, Summary>;
  readonly #labels = new Map<string, Label>();
  /** A loop is walked several times: a set keeps one finding for each node. */
  readonly #findings = new Map<Node, string>();
  readonly #declarations: Declarations;
  #state: State = new Set();

  constructor(
    each: WatFunction,
    summaries: ReadonlyMap<string, Summary>,
    declarations: Declarations,
  ) {
    this.#function = each;
    this.#summaries = summaries;
    this.#declarations = declarations;
  }

  run(): Finding[] {
    const { name, params, body } = this.#function;
    const summary = this.#summaries.get(name)!;
    this.#state = new Set([...summary.suspectParams].map((index) => params[index]!));
    if (this.#walkAll(body)) summary.hasSuspectResult = true;
    return [...this.#findings.values()].map((place) => ({ function: name, place }));
  }

  /** Walks nodes in order; true when the value of the last one is suspect. */
  #walkAll(nodes: readonly Node[]): boolean {
    let isSuspect = false;
    for (const node of nodes) isSuspect = this.#walk(node);
    return isSuspect;
  }

  /** True when any of the nodes is suspect. */
  #any(nodes: readonly Node[]): boolean {
    return nodes.map((node) => this.#walk(node)).includes(true);
  }

  /** Follows one instruction; true when its value is suspect. */
  #walk(node: Node): boolean {
    const op = operator(node);
    const parts = operands(node).filter((part) => !["result", "type"].includes(operator(part)));
    switch (op) {
      case "local.get":
        return this.#state?.has(String(node[1])) ?? false;
      case "local.set":
      case "local.tee":
        return this.#set(String(node[1]), this.#any(parts));
      case "block":
        return this.#block(node, parts);
      case "loop":
        return this.#loop(node, parts);
      case "if":
        return this.#if(node, parts);
      case "br":
      case "br_if":
      case "br_table":
        return this.#branch(node, op, parts);
      case "select":
        return this.#select(node, parts);
      case "return":
        if (this.#any(parts)) this.#summaries.get(this.#function.name)!.hasSuspectResult = true;
        this.#state = undefined;
        return false;
      case "unreachable":
        this.#state = undefined;
        return false;
      case "call":
        return this.#call(String(node[1]).slice(1), parts);
      case "call_indirect":
        this.#find(node, "call_indirect");
        this.#any(parts);
        return true;
      default:
        return this.#operation(node, op, parts);
    }
  }

  #set(local: string, isSuspect: boolean): boolean {
    if (isSuspect) this.#state?.add(local);
    else this.#state?.delete(local);
    this.#state?.add(overwritten(local));
    return isSuspect;
  }

  #block(node: Node, parts: readonly Node[]): boolean {
    const label = this.#open(node);
    const isSuspect = this.#walkAll(parts);
    this.#state = merge(this.#state, label.state);
    return isSuspect || label.isSuspect;
  }

  /** Walks a loop until the locals that come back to its head bring nothing new. */
  #loop(node: Node, parts: readonly Node[]): boolean {
    let head = this.#state;
    for (;;) {
      const label = this.#open(node);
      this.#state = head && new Set(head);
      const isSuspect = this.#walkAll(parts);
      const next = merge(head, label.state);
      if (next?.size === head?.size) return isSuspect;
      head = next;
    }
  }

  #if(node: Node, [condition, ...arms]: readonly Node[]): boolean {
    if (this.#walk(condition!)) this.#find(node, "if", condition);
    const before = this.#state && new Set(this.#state);
    const isSuspect = this.#walkAll(operands(arms[0]!));
    const after = this.#state;
    this.#state = before;
    const isOtherSuspect = arms[1] !== undefined && this.#walkAll(operands(arms[1]));
    this.#state = merge(after, this.#state);
    return isSuspect || isOtherSuspect;
  }

  #branch(node: Node, op: string, parts: readonly Node[]): boolean {
    const suspects = parts.map((part) => this.#walk(part));
    if (op !== "br" && suspects.at(-1) === true) this.#find(node, op, parts.at(-1));
    const isValueSuspect = suspects.slice(0, op === "br" ? undefined : -1).includes(true);
    for (const name of (node as readonly Node[]).slice(1)) {
      const label = typeof name === "string" ? this.#labels.get(name) : undefined;
      if (label === undefined) continue;
      label.state = merge(label.state, this.#state && new Set(this.#state));
      label.isSuspect ||= isValueSuspect;
    }
    if (op !== "br_if") this.#state = undefined;
    return isValueSuspect;
  }

  #select(node: Node, parts: readonly Node[]): boolean {
    const [left, right, condition] = parts.map((part) => this.#walk(part));
    if (condition === true) this.#find(node, "select", parts[2]);
    return left === true || right === true || condition === true;
  }

  #call(callee: string, parts: readonly Node[]): boolean {
    const suspects = parts.map((part) => this.#walk(part));
    const summary = this.#summaries.get(callee);
    if (summary === undefined) return true;
    for (const [index, isSuspect] of suspects.entries()) {
      if (isSuspect && this.#state !== undefined) summary.suspectParams.add(index);
    }
    return summary.hasSuspectResult && !this.#declarations.isPublicResult(callee);
  }

  /** Arithmetic, loads, stores and bulk operations. */
  #operation(node: Node, op: string, parts: readonly Node[]): boolean {
    const suspects = parts.map((part) => this.#walk(part));
    if (/\.(div|rem)_/.test(op)) this.#find(node, op, ...parts);
    // memory.copy and memory.fill are addressed by their first operands and timed by the last one.
    const isBulk = op.startsWith("memory.");
    const isAccess = /\.(load|store)/.test(op);
    for (const [index, part] of parts.entries()) {
      const isAddress = isBulk ? !(op === "memory.fill" && index === 1) : isAccess && index === 0;
      if (isAddress && suspects[index] === true) this.#find(node, op, part);
    }
    if (/\.load/.test(op)) {
      return !this.#declarations.isPublicLoad(this.#function.name, this.#show(node, 4));
    }
    return suspects.includes(true);
  }

  #open(node: Node): Label {
    const label: Label = { state: undefined, isSuspect: false };
    const name = typeof node === "string" ? undefined : node[1];
    if (typeof name === "string") this.#labels.set(name, label);
    return label;
  }

  #find(node: Node, kind: string, ...conditions: (Node | undefined)[]): void {
    const shown = conditions.map((condition) => this.#show(condition, 4));
    this.#findings.set(node, `${kind} ${shown.join(" ")}`.trim());
  }

  /** An expression without the numbers of its locals: p0 is the first argument, v a variable. */
  #show(node: Node | undefined, depth: number): string {
    if (node === undefined) return "";
    const op = operator(node);
    if (op === "local.get") {
      const index = this.#function.params.indexOf(String(node[1]));
      const isArgument = index >= 0 && this.#state?.has(overwritten(String(node[1]))) !== true;
      return isArgument ? `p${index}` : "v";
    }
    if (op === "local.tee") return this.#show(operands(node)[0], depth);
    if (op === "i32.const" && Number(node[1]) >= STATIC_FROM) return "static";
    if (op.endsWith(".const")) return String(node[1]);
    if (depth === 0) return "…";
    const parts = operands(node).filter((part) => !["result", "type"].includes(operator(part)));
    const atoms = (node as readonly Node[]).slice(1).filter((part) => typeof part === "string");
    const shown = parts.map((part) => this.#show(part, depth - 1));
    return `(${[op, ...atoms, ...shown].join(" ")})`;
  }
}
