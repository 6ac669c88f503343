/**
 * Goal: the checked reader never reads past its end, and remembers that it was asked to; small
 * helpers of wire/. Method: every read at every distance from the end of memory.
 */
import { describe, expect, test } from "vitest";
import { TestModule } from "../../support/wasm.ts";
import { putAtEnd } from "../../support/wire-frames.ts";

const wasm = new TestModule("wire");
const { exports, view } = wasm;
const cursor = wasm.reserve(16);
const isShort = () => view.getUint8(cursor + 8) === 1;

/** Opens the cursor over `bytes`, which end where memory ends. */
function open(bytes: Uint8Array): void {
  exports["cursorOpen"]!(cursor, putAtEnd(wasm, bytes), bytes.length);
}

describe("the cursor", () => {
  test.each([
    ["u8", 1, 0x01n],
    ["u16", 2, 0x0201n],
    ["u32", 4, 0x04030201n],
    ["u64", 8, 0x0807060504030201n],
  ])("%s reads little-endian, and gives 0 where bytes are missing", (name, size, value) => {
    const bytes = Uint8Array.from({ length: size }, (_, index) => index + 1);
    open(bytes);
    expect(BigInt(exports[`cursor${name.toUpperCase()}`]!(cursor))).toBe(value);
    expect(isShort()).toBe(false);
    expect(exports["cursorRemaining"]!(cursor)).toBe(0);
    for (let length = 0; length < size; length++) {
      open(bytes.subarray(0, length));
      expect(Number(exports[`cursor${name.toUpperCase()}`]!(cursor))).toBe(0);
      expect(isShort()).toBe(true);
    }
  });

  test("after a read past the end nothing is left, and the memory of it stays", () => {
    open(Uint8Array.from([1, 2, 3]));
    exports["cursorU64"]!(cursor);
    expect(exports["cursorRemaining"]!(cursor)).toBe(0);
    expect(exports["cursorU8"]!(cursor)).toBe(0);
    expect(exports["cursorTake"]!(cursor, 0)).toBe(wasm.bytes.length);
    expect(isShort()).toBe(true);
  });

  test("negative lengths are short, as an input and as a read", () => {
    exports["cursorOpen"]!(cursor, 1024, -1);
    expect(exports["cursorRemaining"]!(cursor)).toBe(0);
    open(Uint8Array.from([1, 2, 3]));
    expect(exports["cursorTake"]!(cursor, -1)).toBe(0);
    expect(isShort()).toBe(true);
  });

  test("padding is zero or not at every length", () => {
    for (let length = 0; length < 20; length++) {
      open(new Uint8Array(length));
      expect(exports["cursorRestIsZero"]!(cursor)).toBe(1);
      for (let at = 0; at < length; at++) {
        const bytes = new Uint8Array(length);
        bytes[at] = 0x80;
        open(bytes);
        expect(exports["cursorRestIsZero"]!(cursor)).toBe(0);
      }
    }
  });
});

describe("error numbers", () => {
  test("a status is its place in the list of codes, and comes back", () => {
    expect(exports["errorNumber"]!(0)).toBe(0n);
    expect(exports["errorNumber"]!(5)).toBe(0n);
    expect(exports["errorNumber"]!(-25)).toBe(25n);
    expect(exports["statusOfErrorNumber"]!(0n)).toBe(0);
    expect(exports["statusOfErrorNumber"]!(25n)).toBe(-25);
    expect(exports["statusOfErrorNumber"]!(0xffffn)).toBe(-0xffff);
  });

  test("a number that cannot be a code is an internal failure", () => {
    expect(exports["statusOfErrorNumber"]!(0x10000n)).toBe(-86);
    expect(exports["statusOfErrorNumber"]!(-1n)).toBe(-86);
  });
});

describe("stream ids", () => {
  test("hold index, initiator and direction", () => {
    expect(exports["bidirectionalStreamId"]!(0n, 0)).toBe(0n);
    expect(exports["bidirectionalStreamId"]!(3n, 1)).toBe(14n);
    expect(exports["streamIndex"]!(14n)).toBe(3n);
    expect(exports["isStreamByServer"]!(14n)).toBe(1);
    expect(exports["isStreamByServer"]!(12n)).toBe(0);
    expect(exports["isStreamUnidirectional"]!(15n)).toBe(1);
    expect(exports["isStreamIdValid"]!(14n)).toBe(1);
    expect(exports["isStreamIdValid"]!(15n)).toBe(0);
    expect(exports["isStreamIdValid"]!(2n ** 62n)).toBe(0);
  });
});
