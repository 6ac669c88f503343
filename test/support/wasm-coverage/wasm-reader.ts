/** Reads a Wasm binary: LEB128 numbers, sections, and where each instruction of a function ends. */

/** A position in the bytes of a module. */
export class WasmReader {
  readonly bytes: Uint8Array;
  at: number;

  constructor(bytes: Uint8Array, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }

  u8(): number {
    const byte = this.bytes[this.at];
    if (byte === undefined) throw new Error("the module ends too early");
    this.at += 1;
    return byte;
  }

  u32(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.u8();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  }

  /** Skips one LEB128 number of any size and sign. */
  skipNumber(): void {
    while (this.u8() >= 0x80);
  }

  skip(count: number): void {
    this.at += count;
  }

  text(): string {
    const length = this.u32();
    this.at += length;
    return new TextDecoder().decode(this.bytes.subarray(this.at - length, this.at));
  }
}

/** One section: its id and where its content lies. */
export interface Section {
  readonly id: number;
  readonly start: number;
  readonly end: number;
}

export const SECTION_TYPE = 1;
export const SECTION_IMPORT = 2;
export const SECTION_FUNCTION = 3;
export const SECTION_MEMORY = 5;
export const SECTION_CODE = 10;

/** All sections of a module, in their order. */
export function sectionsOf(bytes: Uint8Array): Section[] {
  const reader = new WasmReader(bytes, 8);
  const sections: Section[] = [];
  while (reader.at < bytes.length) {
    const id = reader.u8();
    const size = reader.u32();
    sections.push({ id, start: reader.at, end: reader.at + size });
    reader.skip(size);
  }
  return sections;
}

/** Opcodes that instrumentation looks at or writes. */
export const OP = {
  if: 0x04,
  else: 0x05,
  end: 0x0b,
  brIf: 0x0d,
  brTable: 0x0e,
  select: 0x1b,
  selectTyped: 0x1c,
  localGet: 0x20,
  localTee: 0x22,
  i32Store8: 0x3a,
  i32Const: 0x41,
  i32Eqz: 0x45,
  i32LessUnsigned: 0x49,
} as const;

const BLOCK_LIKE = new Set([0x02, 0x03, 0x04]);
const ONE_INDEX = new Set([
  0x0c, 0x0d, 0x10, 0x12, 0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x3f, 0x40, 0x41, 0x42, 0xd0,
  0xd2,
]);

/** Moves `reader` from an opcode to behind the instruction's immediates, and returns the opcode. */
export function skipInstruction(reader: WasmReader): number {
  const opcode = reader.u8();
  if (BLOCK_LIKE.has(opcode) || ONE_INDEX.has(opcode)) reader.skipNumber();
  else if (opcode === OP.brTable) skipNumbers(reader, reader.u32() + 1);
  else if (opcode === 0x11 || opcode === 0x13) skipNumbers(reader, 2);
  else if (opcode === OP.selectTyped) skipNumbers(reader, reader.u32());
  else if (opcode >= 0x28 && opcode <= 0x3e) skipMemoryArgument(reader);
  else if (opcode === 0x43) reader.skip(4);
  else if (opcode === 0x44) reader.skip(8);
  else if (opcode === 0xfc) skipBulk(reader);
  else if (opcode === 0xfd) skipVector(reader);
  else if (opcode === 0xfe) skipAtomic(reader);
  else if (opcode > 0xd2) throw new Error(`opcode ${opcode.toString(16)} is not known here`);
  return opcode;
}

function skipNumbers(reader: WasmReader, count: number): void {
  for (let index = 0; index < count; index++) reader.skipNumber();
}

/** Alignment, memory index when bit 6 of the alignment says so, offset. */
function skipMemoryArgument(reader: WasmReader): void {
  const alignment = reader.u32();
  if ((alignment & 0x40) !== 0) reader.skipNumber();
  reader.skipNumber();
}

/** Conversions without trap, and operations on whole ranges of memory and tables. */
function skipBulk(reader: WasmReader): void {
  const operation = reader.u32();
  if (operation <= 7) return;
  skipNumbers(reader, [8, 10, 12, 14].includes(operation) ? 2 : 1);
}

function skipVector(reader: WasmReader): void {
  const operation = reader.u32();
  if (operation <= 11 || operation === 92 || operation === 93) skipMemoryArgument(reader);
  else if (operation === 12 || operation === 13) reader.skip(16);
  else if (operation >= 21 && operation <= 34) reader.skip(1);
  else if (operation >= 84 && operation <= 91) {
    skipMemoryArgument(reader);
    reader.skip(1);
  }
}

/** A fence has one byte, everything else the argument of a load or store. */
function skipAtomic(reader: WasmReader): void {
  if (reader.u32() === 3) reader.skip(1);
  else skipMemoryArgument(reader);
}
