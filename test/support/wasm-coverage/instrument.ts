/**
 * Rewrites a Wasm module so that it records which lines and which arms of branches were executed.
 *
 * A second memory gets one byte for each line of straight code and one for each arm of every `if`,
 * `br_if`, `select` and `br_table`; the byte is set to 1 when it is passed. A memory of its own shifts
 * no function index and cannot be overwritten by the code under test. It is imported, so that all
 * instances of a module record into one: `collect.ts` provides it.
 *
 * Before a condition (on the stack) this is inserted, where `t` is a new local and `id` the first of
 * two bytes:
 *
 *     local.tee t   i32.eqz   i32.const 1   i32.store8 (coverage) offset=id   local.get t
 *
 * so byte `id` is set when the condition holds, and byte `id + 1` when it does not.
 */
import { type Mapping, mappingAt } from "./source-map.ts";
import {
  OP,
  SECTION_CODE,
  SECTION_FUNCTION,
  SECTION_IMPORT,
  SECTION_MEMORY,
  SECTION_TYPE,
  type Section,
  sectionsOf,
  skipInstruction,
  WasmReader,
} from "./wasm-reader.ts";

/** What one byte of the coverage memory stands for. */
export interface Point {
  readonly kind: "line" | "arm";
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** Branches: which instruction, and which of its arms. */
  readonly branch: string;
  readonly arm: string;
}

export interface Instrumented {
  readonly bytes: Uint8Array;
  readonly points: readonly Point[];
}

/** The module name of the imported memory. */
export const COVERAGE_MODULE = "coverage";

/** Its size: a byte for each point, of which the whole engine has far fewer. */
export const COVERAGE_PAGES = 4;

const PAGE = 65_536;
const BRANCHES = new Map<number, string>([
  [OP.if, "if"],
  [OP.brIf, "br_if"],
  [OP.select, "select"],
  [OP.selectTyped, "select"],
]);

function leb(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  do {
    const low = rest % 128;
    rest = Math.floor(rest / 128);
    bytes.push(rest > 0 ? low + 128 : low);
  } while (rest > 0);
  return bytes;
}

/** LEB128 of an `i32.const`: a number from 64 on needs one bit more for its sign. */
function signedLeb(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 64) {
    bytes.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  return [...bytes, rest];
}

/** `i32.store8` to the second memory: alignment 0 with bit 6 set, memory 1, offset. */
const storeAt = (point: number) => [OP.i32Const, 1, OP.i32Store8, 0x40, 1, ...leb(point)];

/** Adds points while the code of one module is rewritten. */
class Instrumenter {
  readonly points: Point[] = [];
  readonly #bytes: Uint8Array;
  readonly #mappings: readonly Mapping[];
  readonly #isWanted: (file: string) => boolean;

  constructor(
    bytes: Uint8Array,
    mappings: readonly Mapping[],
    isWanted: (file: string) => boolean,
  ) {
    this.#bytes = bytes;
    this.#mappings = mappings;
    this.#isWanted = isWanted;
  }

  /** The whole code section, with its size changed. */
  code(section: Section, parameterCounts: readonly number[]): number[][] {
    const reader = new WasmReader(this.#bytes, section.start);
    const count = reader.u32();
    const parts = [leb(count)];
    for (let index = 0; index < count; index++) {
      const size = reader.u32();
      const body = this.#function(reader.at, reader.at + size, parameterCounts[index]!);
      parts.push(leb(body.length), body);
      reader.skip(size);
    }
    return parts;
  }

  #function(start: number, end: number, parameterCount: number): number[] {
    const reader = new WasmReader(this.#bytes, start);
    const groups = reader.u32();
    const groupsStart = reader.at;
    let locals = parameterCount;
    for (let index = 0; index < groups; index++) {
      locals += reader.u32();
      reader.skip(1);
    }
    // One more group: a single i32, whose index is behind all others.
    const body = [...leb(groups + 1), ...this.#bytes.subarray(groupsStart, reader.at), 1, 0x7f];
    let lastLine = "";
    while (reader.at < end) {
      const at = reader.at;
      const opcode = skipInstruction(reader);
      const place = this.#place(at, start);
      if (place !== null) {
        const line = `${place.file}:${place.line}`;
        // `else` and `end` are no places to insert before: a line begins behind them.
        if (line !== lastLine && opcode !== OP.else && opcode !== OP.end) {
          body.push(...this.#line(place));
          lastLine = line;
        }
        body.push(...this.#branch(opcode, at, place, locals));
      }
      body.push(...this.#bytes.subarray(at, reader.at));
      // What follows a join or a split may be reached without what came before.
      if (opcode <= OP.brTable) lastLine = "";
    }
    return body;
  }

  #place(at: number, functionStart: number): Mapping | null {
    const mapping = mappingAt(this.#mappings, at);
    // A mapping of another function says nothing about this one.
    if (mapping === null || mapping.file === null || mapping.offset < functionStart) return null;
    return this.#isWanted(mapping.file) ? mapping : null;
  }

  #add(place: Mapping, kind: Point["kind"], branch: string, arm: string): number {
    const { file, line, column } = place;
    this.points.push({ kind, file: file!, line, column, branch, arm });
    return this.points.length - 1;
  }

  #line(place: Mapping): number[] {
    return [OP.i32Const, 0, ...storeAt(this.#add(place, "line", "", ""))];
  }

  #branch(opcode: number, at: number, place: Mapping, local: number): number[] {
    const name = BRANCHES.get(opcode);
    const tee = [OP.localTee, ...leb(local)];
    const get = [OP.localGet, ...leb(local)];
    if (name !== undefined) {
      const id = this.#add(place, "arm", name, "true");
      this.#add(place, "arm", name, "false");
      return [...tee, OP.i32Eqz, ...storeAt(id), ...get];
    }
    if (opcode !== OP.brTable) return [];
    const reader = new WasmReader(this.#bytes, at + 1);
    const count = reader.u32();
    let id = 0;
    for (let index = 0; index <= count; index++) {
      // Entries with one target are one arm: it is the source's `case`.
      const point = this.#add(place, "arm", "br_table", `to ${reader.u32()}`);
      if (index === 0) id = point;
    }
    const most = [OP.i32Const, ...signedLeb(count)];
    const capped = [...tee, ...most, ...get, ...most, OP.i32LessUnsigned, OP.select];
    return [...capped, ...storeAt(id), ...get];
  }
}

/** Parameters of every function that the module defines. */
function parameterCountsOf(bytes: Uint8Array, sections: readonly Section[]): number[] {
  const types: number[] = [];
  const counts: number[] = [];
  for (const section of sections) {
    const reader = new WasmReader(bytes, section.start);
    if (section.id === SECTION_TYPE) {
      for (let left = reader.u32(); left > 0; left--) {
        if (reader.u8() !== 0x60) throw new Error("only plain function types are known here");
        const parameters = reader.u32();
        reader.skip(parameters);
        reader.skip(reader.u32());
        types.push(parameters);
      }
    } else if (section.id === SECTION_FUNCTION) {
      for (let left = reader.u32(); left > 0; left--) counts.push(types[reader.u32()]!);
    }
  }
  return counts;
}

/** Instruments the module; `isWanted` says which source files count. */
export function instrument(
  bytes: Uint8Array,
  mappings: readonly Mapping[],
  name: string,
  isWanted: (file: string) => boolean,
): Instrumented {
  const sections = sectionsOf(bytes);
  const contentOf = (section: Section) => bytes.subarray(section.start, section.end);
  const code = new Instrumenter(bytes, mappings, isWanted);
  const rewritten = new Map<number, number[][]>();
  for (const section of sections) {
    if (section.id === SECTION_CODE) {
      rewritten.set(section.id, code.code(section, parameterCountsOf(bytes, sections)));
    }
    if (section.id === SECTION_MEMORY) throw new Error("the module has a memory of its own");
  }
  const imports = sections.find((section) => section.id === SECTION_IMPORT);
  if (imports === undefined) throw new Error("the module imports no memory to come second to");
  if (code.points.length > COVERAGE_PAGES * PAGE) throw new Error("COVERAGE_PAGES is too small");
  rewritten.set(SECTION_IMPORT, importsWith(contentOf(imports), name));
  const output: number[] = [...bytes.subarray(0, 8)];
  for (const section of sections) {
    // Names and other custom sections are for people and debuggers.
    if (section.id === 0) continue;
    const parts = rewritten.get(section.id) ?? [[...contentOf(section)]];
    const size = parts.reduce((sum, part) => sum + part.length, 0);
    output.push(section.id, ...leb(size));
    for (const part of parts) for (const byte of part) output.push(byte);
  }
  return { bytes: Uint8Array.from(output), points: code.points };
}

/** The import section with memory 1 added, as `name` of module "coverage". */
function importsWith(content: Uint8Array, name: string): number[][] {
  const reader = new WasmReader(content);
  const count = reader.u32();
  const text = (value: string) => {
    const bytes = new TextEncoder().encode(value);
    return [...leb(bytes.length), ...bytes];
  };
  const memory = [2, 1, COVERAGE_PAGES, COVERAGE_PAGES];
  return [
    leb(count + 1),
    [...content.subarray(reader.at)],
    [...text(COVERAGE_MODULE), ...text(name), ...memory],
  ];
}
