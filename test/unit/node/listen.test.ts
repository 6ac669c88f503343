/**
 * Goal: `listen` opens the endpoint that was asked for, and says what to do when the engine is missing.
 * Method: transports over loopback UDP, and a copy of the sources without a build beside them.
 */
import { spawnSync } from "node:child_process";
import { cpSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import {
  createIdentity,
  Failure,
  type Identity,
  listen,
  type ListenOptions,
} from "../../../host/node/index.ts";
import { nodeSignatures } from "../../../host/node/signatures.ts";
import { issueCertificate } from "../../../host/shared/trust/certificate.ts";
import { failureCode, temporaryFolder } from "../../support/ports.ts";

const ROOT = join(import.meta.dirname, "../../..");
const DAY_MS = 86_400_000;

async function open(options: ListenOptions) {
  const transport = await listen(options);
  onTestFinished(() => transport.close("the test is over"));
  return transport;
}

/** A certificate for `identity` by an authority. */
function certified(identity: Identity, authority: Identity): Uint8Array {
  return issueCertificate(nodeSignatures, {
    identity: identity.publicKey,
    staticKey: identity.staticPublicKey,
    issuer: { seed: authority.seed, publicKey: authority.publicKey },
    serial: 1n,
    notBeforeMs: Date.now() - DAY_MS,
    notAfterMs: Date.now() + DAY_MS,
    names: ["server.example"],
  });
}

test("nodes that one authority has certified need no pins, and can be dialled by name", async () => {
  const [authority, one, other] = [createIdentity(), createIdentity(), createIdentity()];
  const authorities = [authority.publicKey];
  const server = await open({
    identity: one,
    certificate: certified(one, authority),
    authorities,
  });
  const client = await open({
    identity: other,
    certificate: certified(other, authority),
    authorities,
    host: "127.0.0.1",
    port: 0,
  });
  const target = { ...server.local, staticKey: one.staticPublicKey };
  const lane = await client.connect({ ...target, name: "server.example" });
  expect(lane.peer).toMatchObject({ id: one.id, trust: "certified" });
  const dial = client.connect({ ...target, name: "other.example" });
  expect(await failureCode(() => dial)).toBe("certificate-name");
});

test("a port that is taken is a named failure", async () => {
  const identity = createIdentity();
  const { local } = await open({ identity });
  const again = listen({ identity, port: local.port });
  await expect(again).rejects.toMatchObject({ code: "port-in-use", origin: "host" });
});

test("a certificate that is too large is refused before anything is opened", async () => {
  const certificate = new Uint8Array(513);
  const opening = async () => listen({ identity: createIdentity(), certificate });
  await expect(opening()).rejects.toBeInstanceOf(Failure);
  expect(await failureCode(opening)).toBe("argument-invalid");
});

test("without a built engine the failure says how to build it", () => {
  const folder = temporaryFolder();
  for (const part of ["node/engine.ts", "shared/engine", "shared/ports"]) {
    cpSync(join(ROOT, "host", part), join(folder, "host", part), { recursive: true });
  }
  const script = `
    const { loadEngine } = await import("./host/node/engine.ts");
    try { loadEngine(); } catch (failure) { console.log(JSON.stringify(failure)); }`;
  const argv = ["--input-type=module", "--eval", script];
  const { stdout } = spawnSync(process.execPath, argv, { cwd: folder, encoding: "utf8" });
  expect(JSON.parse(stdout)).toMatchObject({
    code: "file-missing",
    origin: "host",
    remedy: "Run `npm run build`.",
    context: { path: join(folder, "build/engine.wasm") },
  });
});
