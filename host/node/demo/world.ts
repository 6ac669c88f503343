/**
 * What the main job needs on disk: a folder of sample files, and the state folders of a host and a device that are
 * paired and have signed policies. Everything is made anew, under a folder of its own, so that runs never meet.
 */
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, realpathSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PeerBook } from "../../shared/gateway/peer-book.ts";
import type { Json } from "../../shared/trust/canonical-json.ts";
import { createIdentity, type Identity } from "../../shared/trust/identity.ts";
import { writeIdentity } from "../../shared/trust/key-file.ts";
import { signPolicy } from "../../shared/trust/policy/bundle.ts";
import { type PolicyRole, PolicyStore } from "../../shared/trust/policy/store.ts";
import { addSigner } from "../../shared/trust/signers.ts";
import { openHome, type StatePaths } from "../state.ts";
import { trustPorts } from "../trust-ports.ts";

/** The client's name, and so the principal "mcp:…" of the host's policy. */
export const CLIENT_NAME = "main-job";
export const DEVICE_NAME = "laptop";
export const HOST_NAME = "desk";
const VALID_MS = 24 * 3_600_000;

export interface DemoNode {
  readonly identity: Identity;
  readonly paths: StatePaths;
}

export interface DemoWorld {
  readonly root: string;
  /** The folder that the device's file server serves. */
  readonly files: string;
  readonly host: DemoNode;
  readonly device: DemoNode;
  /** A file that both policies allow, with content that nobody can have known a second ago. */
  readonly allowed: { readonly path: string; readonly content: string };
  /** A file that the host's policy does not allow. */
  readonly deniedByHost: string;
  /** A file that the host's policy allows and the device's does not. */
  readonly deniedByDevice: string;
}

export async function createWorld(): Promise<DemoWorld> {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "rtt-demo-")));
  const files = join(root, "files");
  const folders = ["shared", "host-says-yes", "private"].map((name) => join(files, name));
  for (const folder of folders) mkdirSync(folder, { recursive: true });
  const [shared = "", hostSaysYes = "", hidden = ""] = folders;
  const host = await createNode(join(root, "host"));
  const device = await createNode(join(root, "device"));
  await installPolicy(host, "host", rulesFor(`mcp:${CLIENT_NAME}`, [shared, hostSaysYes]));
  await installPolicy(device, "device", rulesFor(host.identity.id, [shared]));
  await pair(host, device);
  // The names carry randomness too, so that a search of the wire for a path means something.
  const name = (kind: string): string => `${kind}-${randomBytes(6).toString("hex")}.txt`;
  const allowed = {
    path: join(shared, name("report")),
    content: `Written for this run only: ${randomBytes(24).toString("hex")}\n`,
  };
  const deniedByHost = join(hidden, name("salaries"));
  const deniedByDevice = join(hostSaysYes, name("diary"));
  writeFileSync(allowed.path, allowed.content);
  writeFileSync(deniedByHost, "not for the host\n");
  writeFileSync(deniedByDevice, "not for anybody else\n");
  return { root, files, host, device, allowed, deniedByHost, deniedByDevice };
}

async function createNode(home: string): Promise<DemoNode> {
  const ports = trustPorts();
  const paths = openHome(home);
  const identity = createIdentity(ports.random, ports.signatures);
  await writeIdentity(ports, paths.identity, identity);
  await addSigner(ports.files, home, identity.publicKey);
  return { identity, paths };
}

/** One rule: this principal may read text files in these folders. */
function rulesFor(principal: string, folders: readonly string[]): readonly Json[] {
  return [
    {
      id: "read-shared-files",
      effect: "allow",
      principals: [principal],
      actions: ["tool.call"],
      resources: ["fs.read@^1"],
      paths: folders,
      caps: { timeoutMs: 30_000, maxBytes: 65_536, maxDepth: 1 },
      reason: "Text files of the shared folders may be read.",
    },
  ];
}

async function installPolicy(
  node: DemoNode,
  role: PolicyRole,
  rules: readonly Json[],
): Promise<void> {
  const ports = trustPorts();
  const nowMs = ports.clock.wallMs();
  const document = {
    kind: "mxp.policy/v1",
    id: `demo-${role}`,
    version: 1,
    notBefore: nowMs - 60_000,
    notAfter: nowMs + VALID_MS,
    rules,
  };
  const file = signPolicy(ports, document, node.identity.seed);
  const enforcer = { tenant: "default", device: node.identity.id };
  await new PolicyStore(ports, node.paths.home).install(role, file, enforcer);
}

/** The host knows the device's key; the device learns the host's address when the host is up. */
async function pair(host: DemoNode, device: DemoNode): Promise<void> {
  const ports = trustPorts();
  const pairedMs = ports.clock.wallMs();
  const book = await PeerBook.open(ports.files, host.paths.peers);
  const { id } = device.identity;
  await book.add({ id, name: DEVICE_NAME, role: "device", address: null, pairedMs });
}

/** Tells the device where its host listens. */
export async function introduceHost(world: DemoWorld, address: string): Promise<void> {
  const ports = trustPorts();
  const book = await PeerBook.open(ports.files, world.device.paths.peers);
  const { id } = world.host.identity;
  const pairedMs = ports.clock.wallMs();
  await book.add({ id, name: HOST_NAME, role: "host", address, pairedMs });
}
