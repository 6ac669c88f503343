/**
 * Goal: a code lets one node in, once, before it expires, on one connection, and any other use has its own failure.
 * Method: round trips, every character changed, every kind of wrong proof, two joiners at once.
 */
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { decodeBase58, encodeBase58 } from "../../../host/shared/trust/base58.ts";
import { concatBytes } from "../../../host/shared/trust/bytes.ts";
import {
  formatInvitation,
  type Invitation,
  invitationProof,
  parseInvitation,
} from "../../../host/shared/trust/invitation.ts";
import { InvitationStore } from "../../../host/shared/trust/invitation-store.ts";
import { failureCode, temporaryFolder, testDigest, testPorts } from "../../support/ports.ts";
import { deviceNode, hostNode } from "../../support/receipts.ts";

const NOW_MS = 1_750_000_000_000;
let wallMs = NOW_MS;
const real = testPorts();
const ports = testPorts({ clock: { ...real.clock, wallMs: () => wallMs } });
const binding = new Uint8Array(32).fill(9);
const invitation: Invitation = {
  expiresMs: NOW_MS + 600_000,
  secret: new Uint8Array(16).fill(5),
  staticKey: hostNode.staticPublicKey,
  identity: hostNode.publicKey,
  host: "192.0.2.7",
  port: 7447,
  policyId: "paired",
};
const code = formatInvitation(testDigest, invitation);
const parse = (text: string) => parseInvitation(testDigest, text, NOW_MS);
const proofFor = (secret: Uint8Array, channel = binding, joiner = deviceNode.publicKey) =>
  invitationProof(testDigest, secret, channel, joiner);

test("a code gives back its invitation, with spaces around it too", () => {
  expect(code).toMatch(/^rtt1-[1-9A-HJ-NP-Za-km-z]{100,200}$/);
  expect(parse(` ${code}\n`)).toEqual(invitation);
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 16, maxLength: 16 }),
      fc.domain(),
      fc.integer({ min: 1, max: 65535 }),
      (secret, host, port) => {
        const other = { ...invitation, secret, host, port };
        expect(parse(formatInvitation(testDigest, other))).toEqual(other);
      },
    ),
  );
});

test("a code with any character changed is refused", async () => {
  for (let at = 0; at < code.length; at++) {
    const broken = `${code.slice(0, at)}${code[at] === "2" ? "3" : "2"}${code.slice(at + 1)}`;
    expect(await failureCode(() => parse(broken)), `character ${at}`).toBe("invitation-malformed");
  }
});

test("texts that are no codes are refused", async () => {
  for (const text of ["", "rtt1-", "rtt2-abc", "rtt1-0", code.slice(0, -1), "rtt1-2222"]) {
    expect(await failureCode(() => parse(text)), text).toBe("invitation-malformed");
  }
});

/** A code of changed bytes with a right check. */
function forged(change: (body: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>): string {
  const bytes = decodeBase58(code.slice(5)) as Uint8Array<ArrayBuffer>;
  const body = change(bytes.slice(0, -4));
  return `rtt1-${encodeBase58(concatBytes(body, testDigest.sha256(body).subarray(0, 4)))}`;
}

test("a code that is whole but makes no sense is refused", async () => {
  const set =
    (at: number, ...values: number[]) =>
    (body: Uint8Array<ArrayBuffer>) => {
      body.set(values, at);
      return body;
    };
  for (const change of [
    set(0, 2),
    set(89, 0, 0),
    set(91, 200),
    set(91, 255),
    set(92, 0xff),
    set(101, 5),
    set(102, 0xff),
    (body: Uint8Array<ArrayBuffer>) => body.slice(0, -1),
    (body: Uint8Array<ArrayBuffer>) => concatBytes(body, Uint8Array.of(0)),
    (body: Uint8Array<ArrayBuffer>) => concatBytes(body.slice(0, 91), Uint8Array.of(0, 1, 0x41)),
    (body: Uint8Array<ArrayBuffer>) => concatBytes(body.slice(0, 101), Uint8Array.of(0)),
  ]) {
    expect(await failureCode(() => parse(forged(change)))).toBe("invitation-malformed");
  }
});

test("an expired code is refused, at the exact moment", async () => {
  const at = (ms: number) => failureCode(() => parseInvitation(testDigest, code, ms));
  expect(await at(invitation.expiresMs - 1)).toBe("none");
  expect(await at(invitation.expiresMs)).toBe("invitation-expired");
  expect(await at(Number.NaN)).toBe("invitation-expired");
});

test("hosts and policies that do not fit cannot be put into a code", async () => {
  for (const change of [{ host: "" }, { host: "x".repeat(256) }, { policyId: "" }]) {
    const task = () => formatInvitation(testDigest, { ...invitation, ...change });
    expect(await failureCode(task)).toBe("argument-invalid");
  }
});

async function storeWithOne(): Promise<InvitationStore> {
  const store = new InvitationStore(ports, temporaryFolder());
  await store.add(invitation);
  return store;
}

test("a proof lets its joiner in once", async () => {
  const store = await storeWithOne();
  const redeem = () => store.redeem(proofFor(invitation.secret), binding, deviceNode.publicKey);
  expect(await redeem()).toMatchObject({ policyId: "paired", isUsed: true });
  expect(await failureCode(redeem)).toBe("invitation-used");
});

test("using one invitation leaves the others as they are", async () => {
  const store = await storeWithOne();
  await store.add({ ...invitation, secret: new Uint8Array(16).fill(6), policyId: "other" });
  await store.redeem(proofFor(invitation.secret), binding, deviceNode.publicKey);
  expect((await store.list()).map(({ policyId, isUsed }) => [policyId, isUsed])).toEqual([
    ["paired", true],
    ["other", false],
  ]);
});

test("of two joiners at once only one gets in", async () => {
  const store = await storeWithOne();
  const codes = await Promise.all(
    [hostNode, deviceNode].map(({ publicKey }) =>
      failureCode(() =>
        store.redeem(proofFor(invitation.secret, binding, publicKey), binding, publicKey),
      ),
    ),
  );
  expect(codes.toSorted()).toEqual(["invitation-used", "none"]);
});

test("a proof of another secret, connection or node lets nobody in", async () => {
  const store = await storeWithOne();
  for (const proof of [
    proofFor(new Uint8Array(16)),
    proofFor(invitation.secret, new Uint8Array(32)),
    proofFor(invitation.secret, binding, hostNode.publicKey),
    new Uint8Array(0),
  ]) {
    const task = () => store.redeem(proof, binding, deviceNode.publicKey);
    expect(await failureCode(task)).toBe("invitation-unknown");
  }
});

test("an expired invitation says so, and is forgotten after a week", async () => {
  const store = await storeWithOne();
  const redeem = () => store.redeem(proofFor(invitation.secret), binding, deviceNode.publicKey);
  try {
    wallMs = invitation.expiresMs;
    expect(await failureCode(redeem)).toBe("invitation-expired");
    wallMs += 8 * 24 * 3_600_000;
    expect(await failureCode(redeem)).toBe("invitation-unknown");
    expect(await store.list()).toEqual([]);
  } finally {
    wallMs = NOW_MS;
  }
});

test("invitations survive in a file that only the owner may read", async () => {
  const folder = temporaryFolder();
  await new InvitationStore(ports, folder).add(invitation);
  const path = join(folder, "invitations.json");
  expect(statSync(path).mode & 0o777).toBe(0o600);
  const { expiresMs, policyId, secret } = invitation;
  expect(await new InvitationStore(ports, folder).list()).toEqual([
    { secret, expiresMs, policyId, isUsed: false },
  ]);
});

test("a damaged file is a failure, and the number of invitations is bounded", async () => {
  const folder = temporaryFolder();
  const store = new InvitationStore(ports, folder);
  await store.add(invitation);
  const path = join(folder, "invitations.json");
  const whole = readFileSync(path, "utf8");
  for (const text of [
    whole.replace("/v1", "/v2"),
    whole.replace('"isUsed":false', '"isUsed":0'),
    whole.replace(/"secret":"[^"]*"/, '"secret":"AAAA"'),
    '{"invitations":{},"kind":"mxp.invitations/v1"}\n',
  ]) {
    writeFileSync(path, text);
    expect(await failureCode(() => store.list())).toBe("config-invalid");
  }
  const one = /\[(.*)\]/.exec(whole)?.[1] as string;
  const many = Array.from({ length: 256 }, () => one).join(",");
  writeFileSync(path, `{"invitations":[${many}],"kind":"mxp.invitations/v1"}\n`);
  expect(await failureCode(() => store.add(invitation))).toBe("memory-limit");
});
