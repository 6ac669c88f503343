/** Goal: the published log is judged by both published rules. Method: the entries of the vectors, whole and broken. */
import { expect, test } from "vitest";
import { checkPublishedLog } from "../../../../host/shared/fabric/migrate/published-wal.ts";
import { toHex, utf8 } from "../../../../host/shared/trust/bytes.ts";
import { testDigest } from "../../../support/ports.ts";
import { TREE_VECTORS, walFile } from "../../../support/published-tree.ts";

const check = (...texts: readonly string[]) =>
  checkPublishedLog(testDigest, new Map(texts.map((text, at) => [`${at}.wal.json`, utf8(text)])));

const { wal_rtt_v1: v1, wal_v1_0_0: v1_0_0 } = TREE_VECTORS;
const FIRST = walFile()[1];

/** An entry after another one, as the published tool chains them. */
function next(previous: string, text: string): { readonly root: string; readonly entry: string } {
  const frame = { apply: text, plan_id: "p", prev: previous, ts: 1_700_000_001 };
  const ascii = JSON.stringify(text).replace("é", "\\u00e9");
  const python = `{"apply": ${ascii}, "plan_id": "p", "prev": "${previous}", "ts": 1700000001}`;
  const hash = (bytes: Uint8Array): string => toHex(testDigest.sha256(bytes));
  const root = hash(utf8(`${previous}${hash(utf8(python))}`));
  return { root, entry: JSON.stringify({ root, frame }) };
}

test("entries of both published forms hold, in whichever order their files come", () => {
  expect(check()).toEqual({ entries: 0, broken: null });
  expect(check(FIRST)).toEqual({ entries: 1, broken: null });
  const second = next(v1.root, "café");
  const third = next(second.root, "x");
  expect(check(third.entry, FIRST, second.entry)).toEqual({ entries: 3, broken: null });
  const frame = JSON.parse(v1_0_0.entry_bytes_utf8) as object;
  expect(check(JSON.stringify({ root: v1_0_0.root, frame }))).toEqual({ entries: 1, broken: null });
});

test("a changed, missing, forked or senseless entry is told", () => {
  const second = next(v1.root, "a");
  expect(check(FIRST.replace("EXAMPLE", "EXAMPLF")).broken).toContain("was changed");
  expect(check(second.entry).broken).toContain("follow none that is there");
  expect(check(FIRST, second.entry, next(v1.root, "b").entry).broken).toContain("has a next one");
  expect(check("no JSON").broken).toContain("is no entry");
  expect(check("[]").broken).toContain("is no entry");
  expect(check('{"root":"x","frame":{}}').broken).toContain("names no entry before it");
});
