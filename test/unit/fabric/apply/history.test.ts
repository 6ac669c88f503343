/**
 * Goal: a log says only what this program could have written. Method: histories with one thing wrong; records with one
 * member wrong; logs whose entries are signed, and nonsense.
 */
import { expect, test } from "vitest";
import {
  lastTransaction,
  readHistory,
  walFolder,
} from "../../../../host/shared/fabric/apply/apply-log.ts";
import { History } from "../../../../host/shared/fabric/apply/history.ts";
import {
  decodeRecord,
  encodeRecord,
  type LogRecord,
} from "../../../../host/shared/fabric/apply/log-record.ts";
import type { LogStep } from "../../../../host/shared/fabric/apply/machine.ts";
import { utf8 } from "../../../../host/shared/trust/bytes.ts";
import { canonicalText, type Json } from "../../../../host/shared/trust/canonical-json.ts";
import { formatIdentityKey } from "../../../../host/shared/trust/key-text.ts";
import { TiledLog } from "../../../../host/shared/trust/log/tiled-log.ts";
import { MemoryFiles } from "../../../support/memory-files.ts";
import { failureCode } from "../../../support/ports.ts";
import { digestOf, FOLDER, OWNER, portsOf } from "./apply-world.ts";

const BY = formatIdentityKey(OWNER.publicKey);

function begin(generation: number, more: object = {}): LogRecord {
  const base = generation - 1;
  return {
    at: 1,
    facts: {
      transaction: `t.${generation}`,
      purpose: "plan",
      plan: `sha256-${"a".repeat(64)}`,
      of: null,
      base: { generation: base, digest: base === 0 ? null : digestOf(String(base)) },
      generation,
      target: digestOf(String(generation)),
      by: BY,
      ...more,
    },
    step: { type: "begin", participants: ["view:a"] },
  };
}

type Later = Exclude<LogStep, { readonly type: "begin" }>;

function later(generation: number, step: Later): LogRecord {
  return { at: 2, transaction: `t.${generation}`, step };
}

const refusals = [{ participant: "view:a", code: "view-conflict" as const, message: "no" }];
const commit: Later = { type: "commit" };
const abort: Later = { type: "abort", refusals };
const revert: Later = { type: "revert", refusals };
const end = (outcome: "applied" | "aborted" | "reverted"): Later => {
  return { type: "end", outcome, left: [] };
};

const ALL: readonly LogRecord[] = [
  begin(1),
  later(1, commit),
  later(1, end("applied")),
  begin(2),
  later(2, abort),
  later(2, end("aborted")),
  begin(2),
  later(2, commit),
  later(2, revert),
  later(2, end("reverted")),
  begin(2),
  later(2, commit),
];

function historyOf(records: readonly LogRecord[], first = 0): History {
  const history = new History(first);
  for (const record of records) history.add(record);
  return history;
}

test("a history of every outcome, the last one still open", () => {
  const { transactions } = historyOf(ALL);
  expect(transactions.map(({ outcome }) => outcome)).toEqual([
    "applied",
    "aborted",
    "reverted",
    null,
  ]);
  expect(transactions.map(({ index }) => index)).toEqual([0, 3, 6, 10]);
  expect(transactions[1]?.refusals).toEqual(refusals);
  expect(transactions[0]).toMatchObject({ beginMs: 1, endMs: 2 });
});

test("records are read as they were written", () => {
  for (const [index, record] of ALL.entries()) {
    expect(decodeRecord(index, encodeRecord(record))).toEqual(record);
  }
});

test.each<[string, readonly LogRecord[]]>([
  ["an end without a beginning", [later(1, end("applied"))]],
  ["a decision without a beginning", [later(1, commit)]],
  ["a beginning in the middle", [begin(1), begin(1)]],
  ["two decisions", [begin(1), later(1, commit), later(1, abort)]],
  ["a way back before the decision", [begin(1), later(1, revert)]],
  ["an end without a decision", [begin(1), later(1, end("aborted"))]],
  ["another end than was decided", [begin(1), later(1, commit), later(1, end("aborted"))]],
  ["another transaction's decision", [begin(1), later(2, commit)]],
  ["a base that is not in force", [...ALL.slice(0, 3), begin(1)]],
  [
    "another document of the base",
    [...ALL.slice(0, 3), begin(2, { base: { generation: 1, digest: digestOf("x") } })],
  ],
  ["a number that does not follow", [begin(1, { generation: 2 })]],
  [
    "another base than a log began with",
    [begin(3), later(3, abort), later(3, end("aborted")), begin(2)],
  ],
])("%s is corrupt", async (_, records) => {
  expect(await failureCode(() => historyOf(records))).toBe("log-corrupt");
});

test("a part of a log may begin with any generation", () => {
  expect(historyOf(ALL.slice(3), 3).transactions).toHaveLength(3);
  expect(historyOf(ALL.slice(3)).transactions).toHaveLength(3);
});

function entryOf(change: (entry: Record<string, Json>) => void, record = begin(1)): Uint8Array {
  const entry = JSON.parse(new TextDecoder().decode(encodeRecord(record))) as Record<string, Json>;
  change(entry);
  return utf8(canonicalText(entry));
}

test.each<[string, Uint8Array]>([
  ["no JSON", utf8("{")],
  ["no text", Uint8Array.of(0xff)],
  ["a list", utf8("[]")],
  ["another kind", entryOf((entry) => (entry["kind"] = "mxp.other/v1"))],
  ["another type", entryOf((entry) => (entry["type"] = "perhaps"))],
  ["a member more", entryOf((entry) => (entry["more"] = 1))],
  ["a member less", entryOf((entry) => delete entry["by"])],
  ["no time", entryOf((entry) => (entry["at"] = -1))],
  ["no key", entryOf((entry) => (entry["by"] = "me"))],
  ["no plan", entryOf((entry) => (entry["plan"] = "sha256:x"))],
  ["no digest", entryOf((entry) => (entry["target"] = "x"))],
  ["no base", entryOf((entry) => (entry["base"] = null))],
  ["no participants", entryOf((entry) => (entry["participants"] = "all"))],
  ["a participant without a name", entryOf((entry) => (entry["participants"] = [1]))],
  ["no refusals", entryOf((entry) => (entry["refusals"] = 1), later(1, abort))],
  ["a refusal that is none", entryOf((entry) => (entry["refusals"] = [1]), later(1, abort))],
  ["another outcome", entryOf((entry) => (entry["outcome"] = "good"), later(1, end("applied")))],
])("an entry with %s is corrupt", async (_, bytes) => {
  expect(await failureCode(() => decodeRecord(0, bytes))).toBe("log-corrupt");
});

test("long reasons are cut so that an entry fits, at whole characters", () => {
  const message = `${"x".repeat(399)}\u{1f600}`;
  const many = Array.from({ length: 100 }, () => ({ ...refusals[0]!, message }));
  const bytes = encodeRecord(later(1, { type: "revert", refusals: many }));
  expect(bytes.length).toBeLessThan(65_536);
  const { step } = decodeRecord(0, bytes);
  expect(step.type === "revert" && step.refusals).toHaveLength(32);
});

test("more participants than an entry can name are refused", async () => {
  const participants = Array.from({ length: 129 }, (_, at) => `view:${at}`);
  for (const names of [participants, ["x".repeat(129)]]) {
    const record = { ...begin(1), step: { type: "begin", participants: names } } as LogRecord;
    expect(await failureCode(() => encodeRecord(record))).toBe("argument-invalid");
  }
});

test("an entry that is signed and no record is corrupt, and so is an end without a beginning", async () => {
  const files = new MemoryFiles();
  const ports = portsOf(files);
  expect(await lastTransaction(ports, FOLDER, OWNER)).toBeNull();
  expect(await readHistory(ports, FOLDER, OWNER)).toBeNull();
  const log = await TiledLog.open(ports, walFolder(FOLDER), OWNER);
  expect(await lastTransaction(ports, FOLDER, OWNER)).toBeNull();
  await log.append(utf8("{}"));
  expect(await failureCode(() => readHistory(ports, FOLDER, OWNER))).toBe("log-corrupt");
  expect(await failureCode(() => lastTransaction(ports, FOLDER, OWNER))).toBe("log-corrupt");
  for (let at = 0; at < 6; at += 1) await log.append(encodeRecord(later(1, commit)));
  expect(await failureCode(() => lastTransaction(ports, FOLDER, OWNER))).toBe("log-corrupt");
});
