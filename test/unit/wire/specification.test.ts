/**
 * Goal: docs/protocol.md and the engine state the same codes and limits, and code cites sections
 * that exist. Method: every table of the document whose first heading names a kind of code is
 * parsed and compared with the constants that the engine exports, in both directions.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { TestModule } from "../../support/wasm.ts";

const ROOT = join(import.meta.dirname, "../../..");
const DOCUMENT = readFileSync(join(ROOT, "docs/protocol.md"), "utf8");
const CONTRACT = readFileSync(join(ROOT, "wit/types.wit"), "utf8");
const WIRE = join(ROOT, "assembly/wire");

/** The rows of the table whose first column is headed `heading`, as trimmed cells. */
function table(heading: string): string[][] {
  const lines = DOCUMENT.split("\n");
  const head = lines.findIndex((line) => line.split("|")[1]?.trim() === heading);
  expect(head, `a table headed "${heading}"`).toBeGreaterThan(0);
  const rows: string[][] = [];
  for (const line of lines.slice(head + 2)) {
    if (!line.startsWith("|")) break;
    rows.push(
      line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
  }
  return rows;
}

/** The engine's constants: exported numbers, as unsigned. */
const constants = new Map<string, bigint>();
for (const [name, value] of Object.entries<unknown>(new TestModule("wire").exports)) {
  if (!(value instanceof WebAssembly.Global)) continue;
  const number: unknown = value.value;
  if (typeof number === "bigint") constants.set(name, number);
  if (typeof number === "number") constants.set(name, BigInt.asUintN(32, BigInt(number)));
}

/**
 * Codes of a table, and the prefix of their constants. Constants of that prefix that are no codes.
 */
const CODES: readonly (readonly [heading: string, prefix: string, others: readonly string[]])[] = [
  ["packet type", "PACKET_", ["PACKET_HEADER_SIZE", "PACKET_MAX"]],
  ["initial kind", "INITIAL_", []],
  ["hint kind", "HINT_", []],
  ["parameter", "PARAMETER_", []],
  [
    "frame type",
    "FRAME_",
    ["FRAME_SIZE", "FRAME_HEAD_SIZE", "FRAME_EXTENSION_FIRST", "FRAME_EXTENSION_LAST"],
  ],
  ["control subtype", "CONTROL_", []],
  ["stream kind", "STREAM_KIND_", []],
  [
    "message type",
    "MESSAGE_",
    [
      "MESSAGE_MAGIC",
      "MESSAGE_HEADER_SIZE",
      "MESSAGE_TRAILER_SIZE",
      "MESSAGE_MIN",
      "MESSAGE_SIZE",
      "MESSAGE_SLICES_SIZE",
      "MESSAGE_COMPRESSED",
      "MESSAGE_ENCRYPTED",
      "MESSAGE_REQUIRES_ACK",
      "MESSAGE_FINAL",
    ],
  ],
];

describe("codes", () => {
  test.each(CODES)("%s: the table and the constants are the same", (heading, prefix, others) => {
    const stated = new Map(
      table(heading)
        .filter(([code]) => /^(0x)?[0-9a-f]+$/i.test(code!))
        .map(([code, name]) => [`${prefix}${name}`, BigInt(code!)]),
    );
    const built = [...constants].filter(
      ([name]) => name.startsWith(prefix) && !others.includes(name),
    );
    expect(stated.size).toBeGreaterThan(1);
    expect(Object.fromEntries(built)).toEqual(Object.fromEntries(stated));
  });

  test("versions", () => {
    const stated = table("version").map(([version]) => version);
    expect(stated.slice(0, 3)).toEqual(
      ["VERSION_CHACHAPOLY", "VERSION_AESGCM", "VERSION_P256"].map(
        (name) => `0x${constants.get(name)!.toString(16).toUpperCase()}`,
      ),
    );
    expect(stated[3]).toBe("0x?A?A?A?A");
  });

  test("extension frames", () => {
    const range = table("frame type").find(([, name]) => name === "extension")![0];
    const hex = (name: string) => `0x${constants.get(name)!.toString(16).toUpperCase()}`;
    expect(range).toBe(`${hex("FRAME_EXTENSION_FIRST")}–${hex("FRAME_EXTENSION_LAST")}`);
  });

  test("error numbers are the places in the contract's list", () => {
    const list = CONTRACT.slice(CONTRACT.indexOf("enum error-code"));
    const codes = [...list.matchAll(/^\s{4}([a-z][a-z0-9-]*),/gm)].map((match) => match[1]);
    for (const [name, number] of table("error")) {
      expect(codes.indexOf(name), name).toBe(Number(number) - 1);
    }
  });

  test("the defaults of silent parameters", () => {
    const absent = (name: string) => table("parameter").find((row) => row[1] === name)![4];
    expect(absent("MAX_ACK_DELAY_US")!.replace(",", "")).toBe(
      String(constants.get("MAX_ACK_DELAY_DEFAULT_US")),
    );
    expect(absent("MAX_PACKET")).toBe(String(constants.get("BASE_PACKET_BYTES")));
  });
});

test("limits: the table and the constants are the same", () => {
  const names = readFileSync(join(WIRE, "limits.ts"), "utf8").matchAll(/^export const (\w+)/gm);
  const built = [...names].map(([, name]) => [name, constants.get(name!)]);
  const stated = table("limit").map(([name, value]) => [name, BigInt(value!)]);
  expect(Object.fromEntries(stated)).toEqual(Object.fromEntries(built));
});

test("every section that wire/ cites exists", () => {
  const sections = new Set(
    [...DOCUMENT.matchAll(/^#{2,3} ([0-9]+(?:\.[0-9]+)?) /gm)].map((match) => match[1]),
  );
  let cited = 0;
  for (const file of readdirSync(WIRE)) {
    const source = readFileSync(join(WIRE, file), "utf8");
    for (const [, list] of source.matchAll(/docs\/protocol\.md ((?:§[0-9.]+[0-9](?:, )?)+)/g)) {
      for (const section of list!.matchAll(/§([0-9.]*[0-9])/g)) {
        expect(sections, `${file} cites §${section[1]}`).toContain(section[1]);
        cited += 1;
      }
    }
  }
  expect(cited).toBeGreaterThan(15);
});
