/**
 * Goal: our log is a C2SP tiled log that foreign tools read and verify.
 * Method: RFC 6962's reference set, Go's published signed note, the RFC's recursive definition as a twin, and Go's
 * own `sumdb/tlog` and `sumdb/note` on our files where Go and that module are installed.
 */
import { spawnSync } from "node:child_process";
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { decodeBase64 } from "../../host/shared/trust/base64.ts";
import { utf8 } from "../../host/shared/trust/bytes.ts";
import { logKey, parseProof } from "../../host/shared/trust/log/checkpoint.ts";
import { LogReader } from "../../host/shared/trust/log/log-reader.ts";
import {
  completeRoot,
  consistencyPath,
  type Hash,
  inclusionPath,
  isConsistent,
  leafHash,
  nodeHash,
  type NodeReader,
  rootOfPath,
  treeRoot,
} from "../../host/shared/trust/log/merkle.ts";
import { formatNoteKey, openNote } from "../../host/shared/trust/log/note.ts";
import { TiledLog } from "../../host/shared/trust/log/tiled-log.ts";
import { temporaryFolder, testDigest, testPorts } from "../support/ports.ts";
import { hostNode } from "../support/receipts.ts";
import { hex, toHex } from "../support/wasm.ts";

const ports = testPorts();

// --- RFC 6962: the reference set of google/certificate-transparency (merkle_tree_test.cc) ---

const INPUTS = [
  "",
  "00",
  "10",
  "2021",
  "3031",
  "40414243",
  "5051525354555657",
  "606162636465666768696a6b6c6d6e6f",
];
const ROOTS = [
  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
  "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
  "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
  "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
  "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
  "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
  "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
  "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
  "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];
const LEAVES = INPUTS.map((input) => leafHash(testDigest, hex(input)));

/** Reads complete subtrees of a list of leaves. */
const nodesOf =
  (leaves: readonly Hash[]): NodeReader =>
  (height, index) => {
    const width = 2 ** height;
    return Promise.resolve(
      completeRoot(testDigest, leaves.slice(index * width, (index + 1) * width)),
    );
  };

test("the roots of the reference set", async () => {
  for (const [size, root] of ROOTS.entries()) {
    expect(toHex(await treeRoot(testDigest, size, nodesOf(LEAVES)))).toBe(root);
  }
});

test("paths and consistency proofs of the reference set", async () => {
  const proofs = async (path: Promise<Hash[]>) => (await path).map(toHex);
  const ofFirst = [
    "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
    "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
  ];
  const nodes = nodesOf(LEAVES);
  expect(await proofs(inclusionPath(testDigest, 0, 8, nodes))).toEqual(ofFirst);
  expect(await proofs(inclusionPath(testDigest, 5, 8, nodes))).toEqual([
    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
  ]);
  expect(await proofs(consistencyPath(testDigest, 1, 8, nodes))).toEqual(ofFirst);
  expect(await proofs(consistencyPath(testDigest, 6, 8, nodes))).toEqual([
    "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
  ]);
  expect(await proofs(consistencyPath(testDigest, 2, 5, nodes))).toEqual([
    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
  ]);
});

// --- twin: the recursive definitions of RFC 6962 §2.1 ---

const largestPower = (n: number): number => 2 ** Math.ceil(Math.log2(n) - 1);

function mth(leaves: readonly Hash[]): Hash {
  if (leaves.length === 1) return leaves[0] as Hash;
  const k = largestPower(leaves.length);
  return nodeHash(testDigest, mth(leaves.slice(0, k)), mth(leaves.slice(k)));
}

function auditPath(m: number, leaves: readonly Hash[]): Hash[] {
  if (leaves.length === 1) return [];
  const k = largestPower(leaves.length);
  const [left, right] = [leaves.slice(0, k), leaves.slice(k)];
  return m < k ? [...auditPath(m, left), mth(right)] : [...auditPath(m - k, right), mth(left)];
}

function subproof(m: number, leaves: readonly Hash[], isWhole: boolean): Hash[] {
  if (m === leaves.length) return isWhole ? [] : [mth(leaves)];
  const k = largestPower(leaves.length);
  const [left, right] = [leaves.slice(0, k), leaves.slice(k)];
  return m <= k
    ? [...subproof(m, left, isWhole), mth(right)]
    : [...subproof(m - k, right, false), mth(left)];
}

test("every proof of every tree up to 40 leaves is the RFC's, and verifies", async () => {
  const leaves = Array.from({ length: 40 }, (_, index) => leafHash(testDigest, utf8(`${index}`)));
  for (let size = 1; size <= leaves.length; size++) {
    const some = leaves.slice(0, size);
    const nodes = nodesOf(some);
    const root = mth(some);
    expect(await treeRoot(testDigest, size, nodes)).toEqual(root);
    for (let index = 0; index < size; index++) {
      const proof = await inclusionPath(testDigest, index, size, nodes);
      expect(proof).toEqual(auditPath(index, some));
      expect(rootOfPath(testDigest, some[index] as Hash, index, size, proof)).toEqual(root);
    }
    for (let oldSize = 1; oldSize <= size; oldSize++) {
      const proof = await consistencyPath(testDigest, oldSize, size, nodes);
      expect(proof).toEqual(subproof(oldSize, some, true));
      const old = { size: oldSize, root: mth(some.slice(0, oldSize)) };
      expect(isConsistent(testDigest, old, { size, root }, proof)).toBe(true);
    }
  }
});

// --- signed notes ---

// The example of golang.org/x/mod/sumdb/note.
test("a note signed by another program opens", () => {
  const [name = "", , encoded = ""] =
    "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW".split("+");
  const publicKey = (decodeBase64(encoded) as Uint8Array).subarray(1);
  const key = { name, publicKey };
  expect(formatNoteKey(testDigest, key)).toBe(`PeterNeumann+c74f20a3+${encoded}`);
  const text =
    "If you think cryptography is the answer to your problem,\n" +
    "then you don't know what your problem is.\n";
  const signature =
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=";
  expect(openNote(ports, `${text}\n— PeterNeumann ${signature}\n`, key)).toBe(text);
});

// --- Go ---

const GO_CHECK = join(import.meta.dirname, "go/tlog");

/** Runs Go without the network; null when it or the module is not installed. */
function go(...parameters: string[]): { status: number | null; output: string } | null {
  const environment = { ...process.env, GOPROXY: "off", GOFLAGS: "-mod=readonly" };
  const run = (command: string[]) =>
    spawnSync("go", command, { cwd: GO_CHECK, env: environment, encoding: "utf8" });
  if (run(["list", "golang.org/x/mod/sumdb/tlog"]).status !== 0) return null;
  const { status, stdout, stderr } = run(["run", ".", ...parameters]);
  return { status, output: stdout + stderr };
}

test("Go's checksum-database packages verify our files, and that the log only grew", async (context) => {
  const folder = temporaryFolder();
  const log = await TiledLog.open(ports, folder, hostNode);
  const append = (count: number) =>
    Promise.all(Array.from({ length: count }, (_, at) => log.append(utf8(`${log.size} ${at}`))));
  await append(300);
  const older = join(folder, "older");
  copyFileSync(join(folder, "checkpoint"), older);
  await append(777);
  const key = formatNoteKey(testDigest, logKey(hostNode.id, hostNode.publicKey));
  const checked = go(folder, key, older);
  if (checked === null) {
    context.skip("needs Go and its module: (cd test/conformance/go/tlog && go mod download)");
    return;
  }
  expect(checked).toEqual({ status: 0, output: "1077 entries\n" });
  const reader = await LogReader.open(ports, folder, logKey(hostNode.id, hostNode.publicKey));
  expect((await reader?.prove(1000))?.path).toHaveLength(11);
  expect(() => parseProof("")).toThrow(/tlog-proof/);
}, 120_000);
