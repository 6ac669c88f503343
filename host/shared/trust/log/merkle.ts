/**
 * Merkle tree hashing and proofs.
 *
 * Spec: RFC 6962 §2.1 (hashes, paths, consistency), RFC 9162 §2.1.3.2 and §2.1.4.2 (verification)
 *
 * A tree is read through its complete subtrees: `node(height, index)` is the hash over the leaves
 * [index·2^height, (index + 1)·2^height). Sizes are numbers up to 2^53, so no bit operators on them.
 */
import type { Digest } from "../../ports/digest.ts";
import { concatBytes, equalBytes } from "../bytes.ts";

export type Hash = Uint8Array<ArrayBuffer>;
export type NodeReader = (height: number, index: number) => Promise<Hash>;

export const HASH_BYTES = 32;
const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

/** The hash of an entry; the prefix keeps entries and nodes apart. */
export function leafHash(digest: Digest, entry: Uint8Array): Hash {
  return digest.sha256(concatBytes(LEAF, entry));
}

export function nodeHash(digest: Digest, left: Uint8Array, right: Uint8Array): Hash {
  return digest.sha256(concatBytes(NODE, left, right));
}

/** The root of the tree over `leaves`, which are hashes already and as many as a power of two. */
export function completeRoot(digest: Digest, leaves: readonly Hash[]): Hash {
  let level = leaves;
  while (level.length > 1) {
    const above: Hash[] = [];
    for (let index = 0; index < level.length; index += 2) {
      above.push(nodeHash(digest, level[index] as Hash, level[index + 1] as Hash));
    }
    level = above;
  }
  return level[0] as Hash;
}

/** The root of the first `size` leaves. */
export function treeRoot(digest: Digest, size: number, node: NodeReader): Promise<Hash> {
  return size === 0
    ? Promise.resolve(digest.sha256(new Uint8Array()))
    : rangeRoot(digest, 0, size, node);
}

/** MTH of the leaves [begin, end), where `begin` is a multiple of the largest power of two that fits. */
async function rangeRoot(
  digest: Digest,
  begin: number,
  end: number,
  node: NodeReader,
): Promise<Hash> {
  const size = end - begin;
  const leftSize = splitOf(size);
  if (leftSize * 2 === size || size === 1) return node(Math.log2(size), begin / size);
  const left = await rangeRoot(digest, begin, begin + leftSize, node);
  const right = await rangeRoot(digest, begin + leftSize, end, node);
  return nodeHash(digest, left, right);
}

/** The largest power of two smaller than `size`; half of it when it is one itself. */
function splitOf(size: number): number {
  let power = 1;
  while (power * 2 < size) power *= 2;
  return power;
}

// --- proofs ---

/** The audit path of leaf `index`, from its sibling up. */
export async function inclusionPath(
  digest: Digest,
  index: number,
  size: number,
  node: NodeReader,
): Promise<Hash[]> {
  const path: Hash[] = [];
  let begin = 0;
  let end = size;
  while (end - begin > 1) {
    const middle = begin + splitOf(end - begin);
    if (index < middle) {
      path.push(await rangeRoot(digest, middle, end, node));
      end = middle;
    } else {
      path.push(await rangeRoot(digest, begin, middle, node));
      begin = middle;
    }
  }
  return path.reverse();
}

/** The proof that the tree of `size` leaves begins with that of `oldSize` (0 < oldSize < size). */
export async function consistencyPath(
  digest: Digest,
  oldSize: number,
  size: number,
  node: NodeReader,
): Promise<Hash[]> {
  const path: Hash[] = [];
  let begin = 0;
  let end = size;
  while (end !== oldSize) {
    const middle = begin + splitOf(end - begin);
    if (oldSize <= middle) {
      path.push(await rangeRoot(digest, middle, end, node));
      end = middle;
    } else {
      path.push(await rangeRoot(digest, begin, middle, node));
      begin = middle;
    }
  }
  // The old tree's own root is known to whoever asks; any other subtree has to be given.
  if (begin > 0) path.push(await rangeRoot(digest, begin, end, node));
  return path.reverse();
}

/** The root that a leaf and its path lead to; null when the path has not the right length. */
export function rootOfPath(
  digest: Digest,
  leaf: Uint8Array<ArrayBuffer>,
  index: number,
  size: number,
  path: readonly Uint8Array[],
): Hash | null {
  if (!Number.isSafeInteger(index) || index < 0 || index >= size) return null;
  let position = index;
  let last = size - 1;
  let hash = leaf;
  for (const sibling of path) {
    if (last === 0) return null;
    if (isOdd(position) || position === last) {
      hash = nodeHash(digest, sibling, hash);
      // A node without a right sibling rises until it is one itself.
      while (!isOdd(position) && position !== 0) {
        position = half(position);
        last = half(last);
      }
    } else {
      hash = nodeHash(digest, hash, sibling);
    }
    position = half(position);
    last = half(last);
  }
  return last === 0 ? hash : null;
}

/** Whether the tree of `size` and `root` begins with the tree of `oldSize` and `oldRoot`. */
export function isConsistent(
  digest: Digest,
  old: { readonly size: number; readonly root: Uint8Array },
  now: { readonly size: number; readonly root: Uint8Array },
  path: readonly Hash[],
): boolean {
  if (old.size === now.size) return path.length === 0 && equalBytes(old.root, now.root);
  if (old.size <= 0 || old.size > now.size) return false;
  let position = old.size - 1;
  let last = now.size - 1;
  while (isOdd(position)) {
    position = half(position);
    last = half(last);
  }
  // When the old tree is complete, its root is the first node of the path and is left out.
  const nodes = position === 0 ? [old.root as Hash, ...path] : [...path];
  const first = nodes.shift();
  if (first === undefined) return false;
  let oldRoot = first;
  let root = first;
  for (const sibling of nodes) {
    if (last === 0) return false;
    if (isOdd(position) || position === last) {
      oldRoot = nodeHash(digest, sibling, oldRoot);
      root = nodeHash(digest, sibling, root);
      while (!isOdd(position) && position !== 0) {
        position = half(position);
        last = half(last);
      }
    } else {
      root = nodeHash(digest, root, sibling);
    }
    position = half(position);
    last = half(last);
  }
  return last === 0 && equalBytes(oldRoot, old.root) && equalBytes(root, now.root);
}

function isOdd(value: number): boolean {
  return value % 2 === 1;
}

function half(value: number): number {
  return Math.floor(value / 2);
}
