/**
 * Goal: a release is what was signed, file for file, and a stock verifier accepts the signature.
 * Method: manifests over files in memory, one thing wrong at a time; `@sigstore/verify` as the other verifier.
 */
import { createPublicKey } from "node:crypto";
import { bundleFromJSON } from "@sigstore/bundle";
import { toSignedEntity, toTrustMaterial, Verifier } from "@sigstore/verify";
import { expect, test } from "vitest";
import {
  compareFiles,
  digestFiles,
  openRelease,
  type Release,
  signRelease,
} from "../../../../host/shared/fabric/release/release-manifest.ts";
import { bundleJson, makeBundle } from "../../../../host/shared/trust/bundle.ts";
import { fromUtf8, utf8 } from "../../../../host/shared/trust/bytes.ts";
import { documentBytes } from "../../../../host/shared/trust/canonical-json.ts";
import { signEnvelope } from "../../../../host/shared/trust/dsse.ts";
import { STATEMENT_PAYLOAD_TYPE, statementBytes } from "../../../../host/shared/trust/statement.ts";
import { MemoryFiles } from "../../../support/memory-files.ts";
import { failureCode, testPorts } from "../../../support/ports.ts";
import { COLLEAGUE, OWNER, STRANGER } from "../../../support/registry.ts";

const files = new MemoryFiles();
const ports = testPorts({ files });
for (const name of ["dist/a.js", "dist/b.js", "package.json"]) {
  files.all.set(`/r/${name}`, utf8(name));
}
const PATHS = ["package.json", "dist/b.js", "dist/a.js"];

async function release(): Promise<Release> {
  return { name: "mxp", version: "1.2.3", files: await digestFiles(ports, "/r", PATHS) };
}

test("what was signed is read back, in the order of the paths, and is the same every time", async () => {
  const made = await release();
  const file = signRelease(ports, made, OWNER);
  expect(signRelease(ports, made, OWNER)).toEqual(file);
  const opened = openRelease(ports, file, [STRANGER.publicKey, OWNER.publicKey]);
  expect(opened).toEqual({ ...made, signer: OWNER.key });
  expect([...opened.files.keys()]).toEqual(["dist/a.js", "dist/b.js", "package.json"]);
  compareFiles(opened.files, made.files);
});

test("@sigstore/verify accepts the signature, and refuses another key's", async () => {
  const file = signRelease(ports, await release(), OWNER);
  const head = Buffer.from("302a300506032b6570032100", "hex");
  const verifierOf = (key: Uint8Array): Verifier => {
    const root = {
      mediaType: "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
      tlogs: [],
      certificateAuthorities: [],
      ctlogs: [],
      timestampAuthorities: [],
    };
    const der = Buffer.concat([head, key]);
    const material = toTrustMaterial(root, () => ({
      publicKey: createPublicKey({ key: der, format: "der", type: "spki" }),
      validFor: () => true,
    }));
    return new Verifier(material, { tlogThreshold: 0, ctlogThreshold: 0, timestampThreshold: 0 });
  };
  const entity = toSignedEntity(bundleFromJSON(JSON.parse(fromUtf8(file) ?? "")));
  expect(verifierOf(OWNER.publicKey).verify(entity).key).toBeDefined();
  expect(() => verifierOf(COLLEAGUE.publicKey).verify(entity)).toThrow();
});

test("another signer, a changed byte, and a statement about something else are refused", async () => {
  const file = signRelease(ports, await release(), OWNER);
  const open = (bytes: Uint8Array, key: Uint8Array = OWNER.publicKey) =>
    failureCode(() => openRelease(ports, bytes, [key]));
  expect(await open(file, COLLEAGUE.publicKey)).toBe("signer-untrusted");
  expect(await failureCode(() => openRelease(ports, file, []))).toBe("signer-untrusted");
  const payload = /"payload":"([^"]+)"/.exec(fromUtf8(file) ?? "")?.[1] ?? "";
  const other = payload.startsWith("e") ? `f${payload.slice(1)}` : `e${payload.slice(1)}`;
  const changed = utf8((fromUtf8(file) ?? "").replace(payload, other));
  expect(await open(changed)).toBe("signature-invalid");
  expect(await open(utf8("{}\n"))).toBe("signature-invalid");
  const subject = { name: "a", digest: `sha256:${"0".repeat(64)}` };
  const good = { name: "mxp", version: "1.0.0" };
  for (const [subjects, predicateType, predicate] of [
    [[subject], "urn:mxp:other:v1", good],
    [[subject], "urn:mxp:release:v1", { name: "mxp" }],
    [[subject], "urn:mxp:release:v1", { name: 7, version: "1.0.0" }],
    [[subject, subject], "urn:mxp:release:v1", good],
  ] as const) {
    const statement = statementBytes({ subjects, predicateType, predicate });
    const signed = signEnvelope(ports.signatures, STATEMENT_PAYLOAD_TYPE, statement, OWNER.seed);
    expect(await open(documentBytes(bundleJson(makeBundle(signed))))).toBe("signature-invalid");
  }
});

test("the first file that differs, is missing, or was not released is named", async () => {
  const { files: signed } = await release();
  const compare = (change: (present: Map<string, string>) => void): string => {
    const present = new Map(signed);
    change(present);
    try {
      compareFiles(signed, present);
      return "none";
    } catch (thrown) {
      return String(thrown);
    }
  };
  expect(compare(() => {})).toBe("none");
  expect(
    compare((present) => present.set("dist/b.js", "sha256:0").delete("package.json")),
  ).toContain("build-differs: dist/b.js is another one than was released");
  expect(compare((present) => present.delete("dist/a.js"))).toContain("dist/a.js is missing");
  expect(compare((present) => present.set("dist/c.js", "x"))).toContain(
    "dist/c.js was not released",
  );
  expect(await failureCode(() => digestFiles(ports, "/r", ["none"]))).toBe("file-missing");
});
