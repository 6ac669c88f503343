/**
 * Goal: `rtt id`, `policy` and `receipt` do what a person needs, offline, and fail on anything that was changed.
 * Method: the verbs on real state folders, with the exit code that `rtt` would end with; a sample of every file
 * changed. That every single byte counts is shown in receipt-store.test.ts and policy-bundle.test.ts.
 */
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { beforeAll, expect, test } from "vitest";
import type { CommandContext } from "../../../host/node/commands/context.ts";
import { addId } from "../../../host/node/commands/id.ts";
import { addPolicy } from "../../../host/node/commands/policy.ts";
import { addReceipt } from "../../../host/node/commands/receipt.ts";
import { exitCodeOf } from "../../../host/node/exit-codes.ts";
import { trustPorts } from "../../../host/node/trust-ports.ts";
import { Failure } from "../../../host/shared/ports/failure.ts";
import { SILENT } from "../../../host/shared/telemetry/logger.ts";
import { readIdentity, writeIdentity } from "../../../host/shared/trust/key-file.ts";
import { ReceiptStore } from "../../../host/shared/trust/receipt/store.ts";
import { policyDocument } from "../../support/policies.ts";
import { temporaryFolder } from "../../support/ports.ts";
import { deviceNode, hostNode, receiptOf } from "../../support/receipts.ts";

interface Answer {
  readonly code: number;
  readonly failure: string | null;
  readonly value: Record<string, unknown>;
  readonly text: string;
}

/** Runs one command line in a state folder. */
function rtt(home: string, ...words: string[]): Promise<Answer> {
  return rttIn({ RTT_TENANT: "home" }, home, ...words);
}

async function rttIn(
  environment: CommandContext["environment"],
  home: string,
  ...words: string[]
): Promise<Answer> {
  const program = new Command("rtt").exitOverride().configureOutput({ writeErr: () => undefined });
  let answer: Answer = { code: 0, failure: null, value: {}, text: "" };
  const context: CommandContext = {
    home,
    environment,
    log: SILENT,
    isJson: () => true,
    answer: (value, text) => {
      answer = { ...answer, value: value as Record<string, unknown>, text };
    },
    exitWith: (code) => {
      answer = { ...answer, code };
    },
  };
  for (const add of [addId, addPolicy, addReceipt]) add(program, context);
  try {
    await program.parseAsync(words, { from: "user" });
    return answer;
  } catch (error) {
    const { code } = Failure.from(error);
    return { ...answer, code: exitCodeOf(code), failure: code };
  }
}

/** A state folder of the test host with two receipts. */
async function homeWithReceipts(): Promise<string> {
  const home = temporaryFolder();
  await writeIdentity(trustPorts(), join(home, "identity.json"), hostNode);
  const store = await ReceiptStore.open(trustPorts(), { folder: home, identity: hostNode });
  await store.record(receiptOf());
  await store.record(
    receiptOf({ correlationId: "call-2", outcome: "failed", code: "tool-failed", delivered: null }),
  );
  return home;
}

function write(home: string, name: string, content: string | object): string {
  const path = join(home, name);
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
  return path;
}

beforeAll(() => {
  // The first use loads the engine; no single test should pay for that.
  trustPorts();
});

test("id new makes an identity once, and id shows it", async () => {
  const home = join(temporaryFolder(), "state");
  expect(await rtt(home, "id")).toMatchObject({ code: 8, failure: "identity-missing" });
  const made = await rtt(home, "id", "new");
  expect(made.value["id"]).toMatch(/^12D3Koo/);
  expect(made.text).toContain(made.value["key"]);
  expect((await rtt(home, "id", "show", "--json")).value).toEqual(made.value);
  expect(await rtt(home, "id", "new")).toMatchObject({ code: 11, failure: "permission-denied" });
});

test("id new with a passphrase seals the keys, and id shows the public ones without it", async () => {
  const home = temporaryFolder();
  const file = write(home, "passphrase", "correct horse\n");
  const made = await rtt(home, "id", "new", "--passphrase-file", file);
  expect((await rtt(home, "id")).value).toEqual(made.value);
  const path = join(home, "identity.json");
  const identity = await readIdentity(trustPorts(), path, "correct horse");
  expect(identity.id).toBe(made.value["id"]);
  for (const content of ["", "\nsecond line"]) {
    const empty = write(home, "empty", content);
    const answer = await rtt(home, "policy", "sign", file, "--passphrase-file", empty);
    expect(answer).toMatchObject({ failure: "canonical-json-invalid" });
    const again = await rtt(temporaryFolder(), "id", "new", "--passphrase-file", empty);
    expect(again).toMatchObject({ code: 8, failure: "identity-locked" });
  }
});

test("a policy is signed, verified, installed and explained", async () => {
  const home = temporaryFolder();
  const { value } = await rtt(home, "id", "new");
  const key = String(value["key"]);
  const year = 365 * 24 * 3_600_000;
  const document = write(home, "policy.json", {
    ...policyDocument(),
    notBefore: Date.now() - year,
    notAfter: Date.now() + year,
  });
  const file = join(home, "signed.json");
  expect((await rtt(home, "policy", "sign", document, "--out", file)).value).toEqual({
    path: file,
    signer: key,
  });
  expect((await rtt(home, "policy", "sign", document)).value).toHaveProperty("payload");
  expect(await rtt(home, "policy", "verify", file)).toMatchObject({ failure: "signer-untrusted" });
  const verified = await rtt(home, "policy", "verify", file, "--signer", key);
  expect(verified.value).toMatchObject({ id: "test", version: 1, signer: key });
  const install = ["policy", "install", file, "--role", "host"];
  expect(await rtt(home, ...install)).toMatchObject({ code: 7, failure: "signer-untrusted" });
  expect((await rtt(home, "policy", "trust", String(value["id"]))).value).toEqual({ signer: key });
  expect(await rttIn({}, home, ...install)).toMatchObject({ code: 0, value: { id: "test" } });
  const allowed = await rtt(home, "policy", "explain", "fs.read", "--tool-version", "1.2.0");
  expect(allowed).toMatchObject({ code: 0, value: { decision: { effect: "allow" } } });
  expect(allowed.text).toContain('* allow "read"');
  const denied = await rtt(home, "policy", "explain", "fs.write", "--path", "/a/../b", "x");
  expect(denied).toMatchObject({ code: 3, value: { decision: { effect: "deny" } } });
  expect(denied.text).toContain("no rule");
  const device = ["policy", "explain", "fs.read", "--role", "device", "--egress", "a.org"];
  expect(await rtt(home, ...device)).toMatchObject({ code: 3, failure: "policy-missing" });
});

test("what is wrong with a policy has its own exit code", async () => {
  const home = temporaryFolder();
  const { value } = await rtt(home, "id", "new");
  await rtt(home, "policy", "trust", String(value["key"]));
  const expired = write(home, "expired.json", policyDocument());
  const signed = join(home, "signed.json");
  await rtt(home, "policy", "sign", expired, "--out", signed);
  const verify = ["policy", "verify", signed, "--tenant", "home"];
  expect(await rtt(home, ...verify)).toMatchObject({ code: 3, failure: "policy-expired" });
  const whole = readFileSync(signed);
  whole[60] = (whole[60] as number) ^ 1;
  writeFileSync(signed, whole);
  expect((await rtt(home, ...verify)).code).toBe(7);
  for (const [words, failure] of [
    [["policy", "verify", join(home, "missing")], "file-missing"],
    [["policy", "sign", write(home, "bad.json", "{}")], "policy-malformed"],
    [["policy", "trust", "me"], "argument-invalid"],
  ] as const) {
    expect(await rtt(home, ...words)).toMatchObject({ failure });
  }
});

test("receipts are listed, shown, verified and proven", async () => {
  const home = await homeWithReceipts();
  const list = await rtt(home, "receipt", "list");
  expect(list.value["receipts"]).toMatchObject([
    { index: 0, correlationId: "call-1", outcome: "ok" },
    { index: 1, correlationId: "call-2", outcome: "failed" },
  ]);
  expect(list.text.split("\n")).toHaveLength(2);
  const shown = await rtt(home, "receipt", "show", "call-1");
  expect(shown.value).toMatchObject({ verified: true, facts: { tool: { name: "fs.read" } } });
  expect(shown.text).toContain("request and result arrived as they were sent");
  const one = ["receipt", "verify", "call-1", "--host", hostNode.id, "--device", deviceNode.id];
  expect(await rtt(home, ...one)).toMatchObject({ code: 0, value: { verified: true } });
  expect((await rtt(home, "receipt", "verify")).value).toEqual({
    verified: true,
    receipts: 2,
    logSize: 2,
  });
  for (const side of ["host", "device"]) {
    const bundle = await rtt(home, "receipt", "show", "call-1", "--bundle", side);
    expect(bundle.value["mediaType"]).toContain("sigstore.bundle.v0.3");
  }
});

test("a stranger verifies a receipt file, with and without its proof", async () => {
  const home = await homeWithReceipts();
  const stranger = temporaryFolder();
  const file = join(home, "receipts/call-1.json");
  const proof = join(stranger, "call-1.tlog-proof");
  expect((await rtt(home, "receipt", "prove", "call-1", "--out", proof)).value["path"]).toBe(proof);
  expect((await rtt(home, "receipt", "prove", "call-1")).value["proof"]).toBe(
    readFileSync(proof, "utf8"),
  );
  const verify = ["receipt", "verify", "--file", file];
  expect((await rtt(stranger, ...verify)).code).toBe(0);
  const inLog = [...verify, "--proof", proof, "--log"];
  expect((await rtt(stranger, ...inLog, hostNode.id)).code).toBe(0);
  expect(await rtt(stranger, ...inLog, deviceNode.id)).toMatchObject({ failure: "log-corrupt" });
  expect(await rtt(stranger, ...verify, "--host", deviceNode.id)).toMatchObject({ code: 7 });
  expect(await rtt(stranger, ...verify, "--proof", proof)).toMatchObject({ code: 2 });
  writeFileSync(proof, Buffer.from([0xff]));
  expect(await rtt(stranger, ...inLog, hostNode.id)).toMatchObject({ failure: "log-corrupt" });
});

test("a changed byte anywhere ends the verification with an exit code", async () => {
  const home = await homeWithReceipts();
  const folders = ["receipts", "log"].map((name) => join(home, name));
  const files = folders
    .flatMap((folder) =>
      readdirSync(folder, { recursive: true, encoding: "utf8" }).map((name) => join(folder, name)),
    )
    .filter((path) => statSync(path).isFile());
  expect(files).toHaveLength(5);
  for (const path of files) {
    const whole = readFileSync(path);
    for (const at of [0, Math.floor(whole.length / 3), Math.floor(whole.length / 2), -1]) {
      const broken = Buffer.from(whole);
      const place = at < 0 ? whole.length - 1 : at;
      broken[place] = (broken[place] as number) ^ 1;
      writeFileSync(path, broken);
      expect((await rtt(home, "receipt", "verify")).code, `${path} byte ${place}`).toBe(7);
    }
    writeFileSync(path, whole);
  }
  expect((await rtt(home, "receipt", "verify")).code).toBe(0);
});

test("what cannot be shown says why", async () => {
  const home = await homeWithReceipts();
  const denied = receiptOf({
    correlationId: "call-3",
    device: null,
    served: null,
    channel: null,
    delivered: null,
    outcome: "device-offline",
    code: "device-offline",
  });
  const store = await ReceiptStore.open(trustPorts(), { folder: home, identity: hostNode });
  await store.record(denied);
  expect((await rtt(home, "receipt", "show", "call-3")).text).toContain("(nobody)");
  const hostless = receiptOf({ correlationId: "call-4", host: null, sent: null });
  await store.record(hostless);
  expect((await rtt(home, "receipt", "show", "call-4")).text).toContain("signed by host (nobody)");
  for (const [words, failure] of [
    [["show", "call-9"], "file-missing"],
    [["show", "call-3", "--bundle", "device"], "argument-invalid"],
    [["show", "call-1", "--bundle", "me"], "argument-invalid"],
    [["verify", "--file", join(home, "missing")], "file-missing"],
  ] as const) {
    expect(await rtt(home, "receipt", ...words)).toMatchObject({ failure });
  }
  const empty = temporaryFolder();
  expect(await rtt(empty, "receipt", "list")).toMatchObject({ failure: "identity-missing" });
  await rtt(empty, "id", "new");
  expect(await rtt(empty, "receipt", "list")).toMatchObject({ failure: "file-missing" });
});

test("a node without calls has an empty list", async () => {
  const home = temporaryFolder();
  await writeIdentity(trustPorts(), join(home, "identity.json"), hostNode);
  await ReceiptStore.open(trustPorts(), { folder: home, identity: hostNode });
  expect((await rtt(home, "receipt", "list")).text).toBe("There are no receipts yet");
  expect((await rtt(home, "receipt", "verify")).value).toMatchObject({ receipts: 0 });
});
