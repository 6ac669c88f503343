/**
 * Goal: the exported registry is an OCI image layout that other people's tools read and copy.
 * Method: `skopeo` inspects it and copies it, and the copy is imported with every signature verified. Where skopeo is
 * not installed the tests say so; in CI it has to be there.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { importFolder } from "../../host/shared/fabric/registry/import.ts";
import { exportOci } from "../../host/shared/fabric/registry/oci-export.ts";
import { Registry } from "../../host/shared/fabric/registry/registry.ts";
import { utf8 } from "../../host/shared/trust/bytes.ts";
import { temporaryFolder, testPorts } from "../support/ports.ts";
import { agentObject, COLLEAGUE, OWNER } from "../support/registry.ts";

const ports = testPorts();

function skopeo(...args: readonly string[]): string {
  const run = spawnSync("skopeo", args, { encoding: "utf8" });
  if (run.status !== 0) throw new Error(`skopeo ${args.join(" ")}: ${run.stderr}`);
  return run.stdout;
}

const isThere = spawnSync("skopeo", ["--version"]).status === 0;
const isCi = process.env["CI"] === "true";

test("skopeo is installed where it has to be", ({ skip }) => {
  if (!isThere && !isCi) skip("skopeo is not installed: apt-get install skopeo");
  expect(isThere).toBe(true);
});

async function exported() {
  const root = temporaryFolder();
  const registry = await Registry.open(ports, join(root, "registry"), { signer: OWNER });
  await registry.putAll([agentObject("a"), agentObject("b", "2.1.0")]);
  const bytes = utf8("---\nname: a\n---\nText\n");
  const blob = await registry.putBlob({ kind: "dialect", address: null, bytes });
  await registry.put(agentObject("c", "1.0.0", { dialect: `sha256:${blob}` }));
  await registry.put({ kind: "note", address: null, body: "garbage" });
  const folder = join(root, "oci");
  return { root, registry, folder, blob, ...(await exportOci(ports, registry, folder)) };
}

test("skopeo sees the image that was exported, and every object as a layer of it", async ({
  skip,
}) => {
  if (!isThere) skip("skopeo is not installed");
  const { folder, digest, objects, registry } = await exported();
  const seen = JSON.parse(skopeo("inspect", `oci:${folder}:registry`)) as {
    readonly Digest: string;
    readonly Layers: readonly string[];
  };
  expect(seen.Digest).toBe(digest);
  for (const { id } of await registry.list()) expect(seen.Layers).toContain(`sha256:${id}`);
  // The objects, the index and the signatures.
  expect(seen.Layers).toHaveLength(objects + 2);
});

test("what skopeo has copied is imported elsewhere, signatures and all", async ({ skip }) => {
  if (!isThere) skip("skopeo is not installed");
  const { root, folder, digest, blob, registry } = await exported();
  const copy = join(root, "copy");
  skopeo("copy", `oci:${folder}:registry`, `oci:${copy}:registry`);
  const raw = skopeo("inspect", "--raw", `oci:${copy}:registry`);
  const name = digest.slice("sha256:".length);
  expect(raw).toBe(readFileSync(join(folder, "blobs/sha256", name), "utf8"));
  const options = { signer: COLLEAGUE, anchors: [OWNER.publicKey, COLLEAGUE.publicKey] };
  const theirs = await Registry.open(ports, join(root, "theirs"), options);
  const report = await importFolder(ports, theirs, copy);
  expect(report).toMatchObject({
    vouched: [],
    symbols: ["rtt://test/agent/a@1.0.0", "rtt://test/agent/b@2.1.0", "rtt://test/agent/c@1.0.0"],
  });
  expect((await theirs.getBlob(blob)).signer).toBe(OWNER.key);
  expect((await theirs.list()).map(({ id }) => id)).toEqual(
    (await registry.list()).map(({ id }) => id),
  );
});

test("the same registry is exported as the same bytes", async () => {
  const { root, registry, digest } = await exported();
  const again = await exportOci(ports, registry, join(root, "again"));
  expect(again.digest).toBe(digest);
});
