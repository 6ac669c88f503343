/**
 * Goal: no branch, select, address or division of the engine's cryptography depends on a secret,
 * and it stays so. Method: follow every value loaded from memory through the compiled code of the
 * test entries; what it decides must be in the reviewed list, and the list must hold nothing else.
 * Then plant leaks, and see them found.
 */
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { auditText, callersOf, NOTHING_DECLARED, textOf } from "../../support/constant-time.ts";
import { PUBLIC_FILES, PUBLIC_LOADS, PUBLIC_RESULTS, REVIEWED } from "./constant-time-reviewed.ts";

const BUILD = join(import.meta.dirname, "../../../build/test");
const SCOPE = ["assembly/crypto/", "assembly/noise/"];
const publicFiles = PUBLIC_FILES.flatMap(({ files }) => files);
const texts = ["crypto-a", "crypto-b", "noise"].map((name) => textOf(join(BUILD, `${name}.wasm`)));

function isIn(file: string, name: string): boolean {
  return name.startsWith(`${file}/`);
}

function isPublicFunction(name: string): boolean {
  return publicFiles.some((file) => isIn(file, name));
}

const usedLoads = new Set<object>();
const usedResults = new Set<object>();
const declarations = {
  isPublicLoad: (name: string, load: string): boolean => {
    const entry = PUBLIC_LOADS.find((each) => isIn(each.file, name) && each.load === load);
    if (entry !== undefined) usedLoads.add(entry);
    return entry !== undefined || isPublicFunction(name);
  },
  isPublicResult: (name: string): boolean => {
    const entry = PUBLIC_RESULTS.find((each) => each.function === name);
    if (entry !== undefined) usedResults.add(entry);
    return entry !== undefined;
  },
};
const found = new Set(
  texts
    .flatMap((text) => auditText(text, declarations))
    .filter(({ function: name }) => SCOPE.some((scope) => name.startsWith(scope)))
    .filter(({ function: name }) => !isPublicFunction(name))
    .map(({ function: name, place }) => `${name}: ${place}`),
);
const reviewed = new Set(
  REVIEWED.flatMap(({ function: name, places }) => places.map((place) => `${name}: ${place}`)),
);

describe("the engine's cryptography", () => {
  test("decides nothing by data in memory beyond what was reviewed", () => {
    // A line here is a new place: make it independent of secrets, or say in the list why it is no
    // secret.
    expect([...found].filter((place) => !reviewed.has(place))).toEqual([]);
  });

  test("still has every place and every public value of the list", () => {
    expect([...reviewed].filter((place) => !found.has(place))).toEqual([]);
    expect(PUBLIC_LOADS.filter((entry) => !usedLoads.has(entry))).toEqual([]);
    expect(PUBLIC_RESULTS.filter((entry) => !usedResults.has(entry))).toEqual([]);
  });

  test("calls the files for public values from nowhere that has secrets", () => {
    let calls = 0;
    for (const text of texts) {
      for (const [callee, callers] of callersOf(text)) {
        if (!isPublicFunction(callee)) continue;
        calls++;
        expect([...callers].filter((caller) => !isPublicFunction(caller))).toEqual([]);
      }
    }
    expect(calls).toBeGreaterThan(0);
  });

  test("is looked at under the names that the list goes by", () => {
    const names = [
      "crypto/x25519/x25519",
      "crypto/chacha20-poly1305/aeadSeal",
      "crypto/hkdf/hkdfExpand",
      "noise/handshake-state/handshakeRead",
    ];
    for (const name of names) {
      expect(texts.some((text) => text.includes(`(func $assembly/${name} `))).toBe(true);
    }
  });
});

/**
 * The places found in a module with these functions; `load` and `secret` stand for a load from
 * memory.
 */
function plant(...functions: string[]): string[] {
  const secret = "(i32.load (local.get $p))";
  return auditText(`(module ${functions.join("\n").replaceAll("SECRET", secret)})`).map(
    ({ place }) => place,
  );
}

describe("the audit", () => {
  const F = "(func $f (param $p i32) (param $n i32) (result i32) (local $x i32) (local $y i32)";

  test("finds a branch, a select, a table and a jump on a secret", () => {
    expect(plant(`${F} (if SECRET (then (nop))) (i32.const 0))`)).toEqual(["if (i32.load p0)"]);
    expect(plant(`${F} (select (i32.const 1) (i32.const 2) SECRET))`)).toEqual([
      "select (i32.load p0)",
    ]);
    expect(plant(`${F} (block $b (br_if $b SECRET)) (i32.const 0))`)).toEqual([
      "br_if (i32.load p0)",
    ]);
    expect(plant(`${F} (block $b (br_table $b $b SECRET)) (i32.const 0))`)).toEqual([
      "br_table (i32.load p0)",
    ]);
  });

  test("finds an address and a size made of a secret", () => {
    expect(plant(`${F} (i32.load (i32.add (local.get $p) SECRET)))`)).toEqual([
      "i32.load (i32.add p0 (i32.load p0))",
    ]);
    expect(plant(`${F} (i32.store SECRET (i32.const 1)) (i32.const 0))`)).toHaveLength(1);
    expect(
      plant(`${F} (v128.store SECRET (v128.const i32x4 0 0 0 0)) (i32.const 0))`),
    ).toHaveLength(1);
    const copy = "(memory.copy (local.get $p) (local.get $p) SECRET)";
    expect(plant(`${F} ${copy} (i32.const 0))`)).toEqual(["memory.copy (i32.load p0)"]);
  });

  test("finds any division", () => {
    expect(plant(`${F} (i32.div_u (local.get $n) (i32.const 3)))`)).toEqual(["i32.div_u p1 3"]);
    expect(plant(`${F} (i32.rem_s SECRET (i32.const 3)))`)).toHaveLength(1);
  });

  test("follows a secret through locals, arithmetic, blocks and branches that carry values", () => {
    const later = "(if (local.get $y) (then (nop))) (i32.const 0))";
    const set = "(local.set $x (i32.xor SECRET (i32.const 1)))";
    expect(
      plant(`${F} ${set} (local.set $y (i32.shl (local.get $x) (i32.const 1))) ${later}`),
    ).toEqual(["if v"]);
    const block = "(local.set $y (block $b (result i32) (br $b SECRET)))";
    expect(plant(`${F} ${block} ${later}`)).toEqual(["if v"]);
    const arm = "(if (local.get $n) (then (local.set $y SECRET)))";
    expect(plant(`${F} ${arm} ${later}`)).toEqual(["if v"]);
  });

  test("follows a secret around a loop to a place before it", () => {
    const loop =
      "(loop $l (if (local.get $y) (then (nop))) (local.set $y (local.get $x))" +
      " (local.set $x SECRET) (br_if $l (local.get $n)))";
    expect(plant(`${F} ${loop} (i32.const 0))`)).toEqual(["if v"]);
  });

  test("follows a secret into a call and out of one", () => {
    const callee =
      "(func $g (param $q i32) (result i32) (if (local.get $q) (then (nop))) (i32.const 0))";
    expect(plant(`${F} (call $g SECRET))`, callee)).toEqual(["if p0"]);
    const source = "(func $h (param $q i32) (result i32) (i32.load8_u (local.get $q)))";
    expect(plant(`${F} (if (call $h (local.get $p)) (then (nop))) (i32.const 0))`, source)).toEqual(
      ["if (call $h p0)"],
    );
  });

  test("lets lengths, counters and addresses decide", () => {
    expect(
      plant(
        `${F} (loop $l (i32.store (i32.add (local.get $p) (local.get $x)) SECRET)` +
          " (local.set $x (i32.add (local.get $x) (i32.const 4)))" +
          " (br_if $l (i32.lt_u (local.get $x) (local.get $n))))" +
          " (select (i32.const 1) (i32.const 2) (local.get $n)))",
      ),
    ).toEqual([]);
  });

  test("does not confuse two variables that share a local", () => {
    const body =
      "(local.set $x SECRET) (i32.store (local.get $p) (local.get $x))" +
      " (local.set $x (local.get $n)) (if (local.get $x) (then (nop))) (i32.const 0))";
    expect(plant(`${F} ${body}`)).toEqual([]);
  });

  test("takes a declared load and a declared result for public", () => {
    const body = "(if (i32.load offset=8 (local.get $p)) (then (nop))) (i32.const 0)";
    const text = `(module ${F} ${body}))`;
    const isPublicLoad = (_: string, load: string): boolean => load === "(i32.load offset=8 p0)";
    expect(auditText(text)).toHaveLength(1);
    expect(auditText(text, { ...NOTHING_DECLARED, isPublicLoad })).toEqual([]);
    const callee = "(func $g (param $q i32) (result i32) (i32.load (local.get $q)))";
    const call = "(if (call $g (local.get $p)) (then (nop))) (i32.const 0)";
    const calling = `(module ${F} ${call}) ${callee})`;
    const isPublicResult = (name: string): boolean => name === "g";
    expect(auditText(calling)).toHaveLength(1);
    expect(auditText(calling, { ...NOTHING_DECLARED, isPublicResult })).toEqual([]);
  });
});
