/**
 * Goal: whatever bytes the device gives, they are read as a request or as none, and never wrongly. Method: every
 * request built field by field as linux/fuse.h says; cut, stretched, filled with the largest numbers; random bytes.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeRequest } from "../../../../host/node/fuse/protocol.ts";
import { ask, fields, nameBytes, requestBytes } from "./kernel.ts";

const LARGEST = 2n ** 64n - 1n;

test("every request is read with its arguments", () => {
  const head = { unique: 1n, node: 7 };
  const cases: readonly [Uint8Array, object][] = [
    [ask.lookup(7, "agents"), { ...head, kind: "lookup", name: "agents" }],
    [ask.lookup(7, "agénts 界"), { ...head, kind: "lookup", name: "agénts 界" }],
    [ask.forget(7, 3), { ...head, kind: "forget", forgotten: [{ node: 7, count: 3 }] }],
    [ask.getattr(7), { ...head, kind: "getattr" }],
    [ask.readlink(7), { ...head, kind: "readlink" }],
    [ask.open(7, 0x8000), { ...head, kind: "open", flags: 0x8000 }],
    [ask.read(7, 4096, 100), { ...head, kind: "read", offset: 4096, sizeBytes: 100 }],
    [ask.release(7), { ...head, kind: "release" }],
    [ask.opendir(7), { ...head, kind: "opendir" }],
    [
      ask.readdir(7, 5, 2, 4096),
      { ...head, kind: "readdir", isPlus: false, handle: 5, offset: 2, sizeBytes: 4096 },
    ],
    [
      ask.readdir(7, 5, 2, 4096, true),
      { ...head, kind: "readdir", isPlus: true, handle: 5, offset: 2, sizeBytes: 4096 },
    ],
    [ask.releasedir(7, 5), { ...head, kind: "releasedir", handle: 5 }],
    [ask.access(7, 4), { ...head, kind: "access", mask: 4 }],
    [ask.statfs(), { unique: 1n, node: 1, kind: "statfs" }],
    [ask.interrupt(9n), { unique: 1n, node: 1, kind: "interrupt" }],
    [ask.destroy(), { unique: 1n, node: 1, kind: "destroy" }],
    [
      ask.init(7, 41, 0xff),
      {
        unique: 1n,
        node: 0,
        kind: "init",
        major: 7,
        minor: 41,
        readaheadBytes: 131_072,
        flags: 0xff,
      },
    ],
    [
      ask.batchForget([
        [3, 1],
        [4, 2],
      ]),
      {
        unique: 1n,
        node: 0,
        kind: "forget",
        forgotten: [
          { node: 3, count: 1 },
          { node: 4, count: 2 },
        ],
      },
    ],
  ];
  for (const [bytes, expected] of cases) expect(decodeRequest(bytes)).toEqual(expected);
});

test("what would change something is one kind, what nobody knows another", () => {
  const changing = [4, 6, 8, 9, 10, 11, 12, 13, 16, 21, 24, 35, 43, 45, 47, 51];
  for (const opcode of changing) {
    expect(decodeRequest(ask.other(opcode))).toMatchObject({ kind: "change" });
  }
  for (const opcode of [0, 7, 20, 22, 23, 25, 39, 40, 46, 52, 4096, 0xffff_ffff]) {
    expect(decodeRequest(ask.other(opcode))).toMatchObject({ kind: "unknown" });
  }
});

test("a request without all of its arguments is malformed, and one to forget forgets nothing", () => {
  for (const make of [
    ask.lookup(7, "a"),
    ask.open(7, 0),
    ask.read(7, 0, 1),
    ask.init(7, 31, 0),
    ask.readdir(7, 1, 0, 1),
    ask.releasedir(7, 1),
    ask.access(7, 1),
  ]) {
    const cut = make.slice(0, 41);
    new DataView(cut.buffer).setUint32(0, cut.length, true);
    expect(decodeRequest(cut)).toEqual({
      kind: "malformed",
      unique: 1n,
      node: 7 * Number(make[16] === 7),
    });
  }
  for (const make of [ask.forget(7, 1), ask.batchForget([[7, 1]])]) {
    const cut = make.slice(0, 44);
    new DataView(cut.buffer).setUint32(0, cut.length, true);
    expect(decodeRequest(cut)).toMatchObject({ kind: "forget", forgotten: [] });
  }
});

test("a length that is not that of what was read is malformed", () => {
  for (const claimed of [0, 39, 41, 0xffff_ffff]) {
    const bytes = ask.getattr(7);
    new DataView(bytes.buffer).setUint32(0, claimed, true);
    expect(decodeRequest(bytes)).toEqual({ kind: "malformed", unique: 1n, node: 7 });
    const forget = ask.forget(7, 1);
    new DataView(forget.buffer).setUint32(0, claimed, true);
    expect(decodeRequest(forget)).toMatchObject({ kind: "forget", forgotten: [] });
  }
});

test("less than a head is no request", () => {
  for (let length = 0; length < 40; length += 1) {
    expect(decodeRequest(ask.getattr(7).subarray(0, length))).toBeNull();
  }
});

test("a name ends with its only zero, and is not empty", () => {
  const kindOf = (argument: Uint8Array) => decodeRequest(requestBytes(1, {}, argument))?.kind;
  expect(kindOf(new Uint8Array([0, 0]))).toBe("malformed");
  expect(kindOf(new Uint8Array([97, 98]))).toBe("malformed");
  expect(kindOf(new Uint8Array([97, 0, 98, 0]))).toBe("malformed");
  expect(kindOf(new Uint8Array([0]))).toBe("malformed");
  expect(kindOf(nameBytes("a"))).toBe("lookup");
});

test("a name that is no UTF-8 is nobody's", () => {
  const request = decodeRequest(requestBytes(1, {}, new Uint8Array([0xff, 0xfe, 0])));
  expect(request).toMatchObject({ kind: "lookup", name: null });
});

test("numbers that JavaScript does not hold name nothing and reach nowhere", () => {
  const node = decodeRequest(requestBytes(3, { node: LARGEST, unique: LARGEST }, fields(16)));
  expect(node).toEqual({ kind: "getattr", node: 0, unique: LARGEST });
  expect(decodeRequest(ask.read(7, LARGEST, 0xffff_ffff))).toMatchObject({
    offset: Number.MAX_SAFE_INTEGER,
    sizeBytes: 0xffff_ffff,
  });
});

test("a list to forget is read as far as it goes", () => {
  const bytes = ask.batchForget([[3, 1]]);
  new DataView(bytes.buffer).setUint32(40, 0xffff_ffff, true);
  expect(decodeRequest(bytes)).toMatchObject({ forgotten: [{ node: 3, count: 1 }] });
});

test("any bytes are read without a failure", () => {
  const opcode = fc.oneof(fc.integer({ min: 0, max: 60 }), fc.nat(0xffff_ffff));
  fc.assert(
    fc.property(opcode, fc.uint8Array({ maxLength: 200 }), fc.boolean(), (code, bytes, isWhole) => {
      if (bytes.length >= 40) {
        const view = new DataView(bytes.buffer);
        view.setUint32(4, code, true);
        if (isWhole) view.setUint32(0, bytes.length, true);
      }
      const request = decodeRequest(bytes);
      expect(request === null).toBe(bytes.length < 40);
    }),
    { numRuns: 20_000 },
  );
});

test("a request is read where it lies in a larger buffer", () => {
  const buffer = new Uint8Array(1000).fill(0xff);
  const bytes = ask.read(7, 4096, 100);
  buffer.set(bytes, 100);
  expect(decodeRequest(buffer.subarray(100, 100 + bytes.length))).toEqual(decodeRequest(bytes));
});
