/**
 * Rewrites a Wasm module so that it records which lines and which arms of branches were executed.
 *
 * A second memory gets one byte for each line of straight code and one for each arm of every `if`,
 * `br_if`, `select` and `br_table`; the byte is set to 1 when it is passed. A memory of its own
 * needs no import, shifts no function index, and cannot be overwritten by the code under test. It
 * is exported as `coverage:<name>`.
 *
 * Before a condition (on the stack) this is inserted, where `t` is a new local and `id` the first
 * of two bytes:
 *
 *     local.tee t   i32.eqz   i32.const 1   i32.store8 (coverage) offset=id   local.get t
 *
 * so byte `id` is set when the condition holds, and byte `id + 1` when it does not.
 */
import { type Mapping, mappingAt } from "./source-map.ts";
import {
  OP,
  SECTION_CODE,
  SECTION_EXPORT,
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
  if (!sections.some((section) => section.id === SECTION_IMPORT)) {
    throw new Error("the module imports no memory, so the second one would be the first");
  }
  const code = new Instrumenter(bytes, mappings, isWanted);
  const output: number[] = [...bytes.subarray(0, 8)];
  const counts = parameterCountsOf(bytes, sections);
  const emit = (id: number, parts: readonly (readonly number[])[]) => {
    const size = parts.reduce((sum, part) => sum + part.length, 0);
    output.push(id, ...leb(size));
    for (const part of parts) for (const byte of part) output.push(byte);
  };
  const rewritten = sections.find((section) => section.id === SECTION_CODE)!;
  const body = code.code(rewritten, counts);
  const pages = Math.max(1, Math.ceil(code.points.length / PAGE));
  let hasMemory = false;
  for (const section of sections) {
    const content = bytes.subarray(section.start, section.end);
    // The memory section belongs before globals, exports and everything behind them.
    if (!hasMemory && section.id >= SECTION_MEMORY) {
      if (section.id === SECTION_MEMORY) throw new Error("the module has a memory of its own");
      emit(SECTION_MEMORY, [[1, 1, ...leb(pages), ...leb(pages)]]);
      hasMemory = true;
    }
    if (section.id === SECTION_CODE) emit(section.id, body);
    else if (section.id === SECTION_EXPORT) emit(section.id, exportsWith(content, name));
    else if (section.id !== 0) emit(section.id, [[...content]]);
  }
  return { bytes: Uint8Array.from(output), points: code.points };
}

/** The export section with memory 1 added as `coverage:<name>`. */
function exportsWith(content: Uint8Array, name: string): number[][] {
  const reader = new WasmReader(content);
  const count = reader.u32();
  const text = [...new TextEncoder().encode(`coverage:${name}`)];
  return [leb(count + 1), [...content.subarray(reader.at)], [...leb(text.length), ...text, 2, 1]];
}
