/**
 * Goal: the identity file is private, never overwritten, and any change to it is refused.
 * Method: real files in a temporary folder; flipped bytes, wrong modes and wrong passphrases.
 */
import { chmodSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { nodeFiles } from "../../../host/node/files.ts";
import { createIdentity } from "../../../host/shared/trust/identity.ts";
import {
  readIdentity,
  readPublicIdentity,
  writeIdentity,
} from "../../../host/shared/trust/key-file.ts";
import { formatIdentityKey } from "../../../host/shared/trust/key-text.ts";
import { failureCode, temporaryFolder, testPorts } from "../../support/ports.ts";

const ports = testPorts();
const newIdentity = () => createIdentity(ports.random, ports.signatures);

/** A file that holds a changed copy of an identity. */
function changed(path: string, change: (document: Record<string, unknown>) => unknown): void {
  const document = JSON.parse(readFileSync(path, "utf8")) as Record<string, unknown>;
  writeFileSync(path, JSON.stringify(change(document) ?? document));
}

test("an identity comes back from its file, which only the owner may read", async () => {
  const path = join(temporaryFolder(), "identity.json");
  const identity = newIdentity();
  await writeIdentity(ports, path, identity);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(await readIdentity(ports, path)).toEqual(identity);
});

test("a passphrase protects the keys and opens them again", async () => {
  const path = join(temporaryFolder(), "identity.json");
  const identity = newIdentity();
  await writeIdentity(ports, path, identity, "correct horse");
  expect(readFileSync(path, "utf8")).not.toContain(
    Buffer.from(identity.seed).toString("base64url"),
  );
  expect(await readIdentity(ports, path, "correct horse")).toEqual(identity);
  expect(await failureCode(() => readIdentity(ports, path))).toBe("identity-locked");
  expect(await failureCode(() => readIdentity(ports, path, "wrong"))).toBe("identity-locked");
});

test("an identity is never overwritten", async () => {
  const path = join(temporaryFolder(), "identity.json");
  const identity = newIdentity();
  await writeIdentity(ports, path, identity);
  expect(await failureCode(() => writeIdentity(ports, path, newIdentity()))).toBe(
    "permission-denied",
  );
  expect(await readIdentity(ports, path)).toEqual(identity);
});

test("a missing file says how to make one", async () => {
  const path = join(temporaryFolder(), "identity.json");
  await expect(readIdentity(ports, path)).rejects.toMatchObject({
    code: "identity-missing",
    remedy: expect.stringContaining("rtt id new"),
  });
});

test.each([0o644, 0o640, 0o604, 0o660, 0o601])("mode %o is refused with a remedy", async (mode) => {
  const path = join(temporaryFolder(), "identity.json");
  await writeIdentity(ports, path, newIdentity());
  chmodSync(path, mode);
  await expect(readIdentity(ports, path)).rejects.toMatchObject({
    code: "permission-denied",
    remedy: expect.stringContaining("chmod 600"),
  });
});

test("the public part is read without the passphrase, and only when it agrees with itself", async () => {
  const path = join(temporaryFolder(), "identity.json");
  const { id, publicKey, staticPublicKey, ...secrets } = newIdentity();
  await writeIdentity(ports, path, { id, publicKey, staticPublicKey, ...secrets }, "correct horse");
  const whole = readFileSync(path);
  expect(await readPublicIdentity(ports, path)).toEqual({ id, publicKey, staticPublicKey });
  for (const parts of [
    { id: newIdentity().id },
    { identity: 1 },
    { identity: "z6Mk" },
    { static: null },
    { static: formatIdentityKey(publicKey) },
  ]) {
    changed(path, (document) => ({ ...document, ...parts }));
    expect(await failureCode(() => readPublicIdentity(ports, path))).toBe("identity-missing");
    writeFileSync(path, whole);
  }
});

test("a folder or a link in place of the file is refused", async () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, "a"));
  await writeIdentity(ports, join(folder, "real"), newIdentity());
  symlinkSync(join(folder, "real"), join(folder, "b"));
  expect(await failureCode(() => readIdentity(ports, join(folder, "a")))).toBe("identity-missing");
  expect(await failureCode(() => readIdentity(ports, join(folder, "b")))).toBe("identity-missing");
});

test("a file that vanishes between two steps is a failure, not a crash", async () => {
  const path = join(temporaryFolder(), "identity.json");
  await writeIdentity(ports, path, newIdentity());
  const files = { ...nodeFiles, read: () => Promise.resolve(null) };
  expect(await failureCode(() => readIdentity({ ...ports, files }, path))).toBe("identity-missing");
});

type Change = (document: Record<string, unknown>) => unknown;
const plainChanges: readonly (readonly [string, Change])[] = [
  ["not an object", () => []],
  ["another kind", (document) => ({ ...document, kind: "mxp.identity/v2" })],
  ["another id", (document) => ({ ...document, id: "12D3KooX" })],
  ["no id", ({ id: _id, ...rest }) => rest],
  [
    "a secret that is no base64url",
    (document) => ({ ...document, secret: { encoding: "plain", keys: "?" } }),
  ],
  ["another identity key", (document) => ({ ...document, identity: "z6Mk" })],
  ["another static key", (document) => ({ ...document, static: "z6LS" })],
  ["no public members", ({ kind, secret }) => ({ kind, secret })],
  ["no secret", (document) => ({ ...document, secret: 1 })],
  ["a secret that is no text", (document) => ({ ...document, secret: { encoding: "plain" } })],
  ["a short secret", (document) => ({ ...document, secret: { encoding: "plain", keys: "AAAA" } })],
  ["an unknown encoding", (document) => ({ ...document, secret: { encoding: "rot13" } })],
];

test.each(plainChanges)("a file with %s is refused", async (_name, change) => {
  const path = join(temporaryFolder(), "identity.json");
  await writeIdentity(ports, path, newIdentity());
  changed(path, change);
  expect(await failureCode(() => readIdentity(ports, path))).toBe("identity-missing");
});

test("a file that is not JSON is refused without quoting it", async () => {
  const path = join(temporaryFolder(), "identity.json");
  writeFileSync(path, "{secret", { mode: 0o600 });
  await expect(readIdentity(ports, path)).rejects.toThrow(/is not JSON/);
});

const sealedChanges: readonly (readonly [string, Record<string, unknown>, string])[] = [
  ["no salt", { salt: 1 }, "identity-missing"],
  ["a salt that is not base64url", { salt: "!" }, "identity-missing"],
  ["no cost", { costLog2: "10" }, "identity-missing"],
  ["no block size", { blockSize: null }, "identity-missing"],
  ["no parallelism", { parallelism: null }, "identity-missing"],
  ["a cost beyond reason", { costLog2: 40 }, "identity-locked"],
  ["a broken cost", { costLog2: 10.5 }, "identity-locked"],
  ["a cost below reason", { costLog2: 1 }, "identity-locked"],
  ["another block size", { blockSize: 16 }, "identity-locked"],
  ["another parallelism", { parallelism: 2 }, "identity-locked"],
  ["a short nonce", { nonce: "AAAA" }, "identity-locked"],
  ["a short ciphertext", { ciphertext: "AAAA" }, "identity-locked"],
];

test.each(sealedChanges)("a sealed file with %s is refused", async (_name, members, code) => {
  const path = join(temporaryFolder(), "identity.json");
  await writeIdentity(ports, path, newIdentity(), "correct horse");
  changed(path, (document) => ({
    ...document,
    secret: { ...(document["secret"] as object), ...members },
  }));
  expect(await failureCode(() => readIdentity(ports, path, "correct horse"))).toBe(code);
});

test("a sealed secret without an id does not open", async () => {
  const path = join(temporaryFolder(), "identity.json");
  await writeIdentity(ports, path, newIdentity(), "correct horse");
  changed(path, ({ id: _id, ...rest }) => rest);
  expect(await failureCode(() => readIdentity(ports, path, "correct horse"))).toBe(
    "identity-locked",
  );
});

test("a sealed secret does not open under another id", async () => {
  const path = join(temporaryFolder(), "identity.json");
  await writeIdentity(ports, path, newIdentity(), "correct horse");
  changed(path, (document) => ({ ...document, id: newIdentity().id }));
  expect(await failureCode(() => readIdentity(ports, path, "correct horse"))).toBe(
    "identity-locked",
  );
});
