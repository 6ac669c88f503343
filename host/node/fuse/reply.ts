/**
 * Answers to the kernel as bytes. A node's content never changes under its number, so what the kernel caches of a file
 * stays right; only names are asked for again after `NAME_VALID_S`.
 *
 * Spec   linux/fuse.h, protocol 7.31
 *
 *   0        4        8                16
 *   +--------+--------+----------------+ - - -
 *   | length | −errno | unique         | body
 *   +--------+--------+----------------+ - - -
 */
import { MAJOR, MINOR, type NodeId } from "./protocol.ts";

/** Numbers of Linux, which are the same on all machines that run this. */
export const ERRNO = {
  ENOENT: 2,
  EIO: 5,
  EBADF: 9,
  EACCES: 13,
  ENOTDIR: 20,
  EISDIR: 21,
  EINVAL: 22,
  ENFILE: 23,
  EROFS: 30,
  ENOSYS: 38,
  EPROTO: 71,
} as const;

export type ErrorName = keyof typeof ERRNO;

/** How long the kernel may believe a name unless it is told otherwise: the longest that a flip can go unseen. */
const NAME_VALID_S = 1n;
const CONTENT_VALID_S = 3600n;

const HEAD_BYTES = 16;
const ATTRIBUTE_BYTES = 88;
const ENTRY_BYTES = 40 + ATTRIBUTE_BYTES;
const BLOCK_BYTES = 4096;
/** What the kernel may ask for in one read: 256 pages. */
const PAGES_MAX = 256;
/** Nothing is ever written, so the least that the protocol allows. */
const WRITE_BYTES_MAX = 4096;

/** What an INIT may agree on. */
export const FLAG = {
  ASYNC_READ: 1 << 0,
  DO_READDIRPLUS: 1 << 13,
  READDIRPLUS_AUTO: 1 << 14,
  /** An OPEN that is answered with ENOSYS is never asked again: a file then opens without a message. */
  NO_OPEN: 1 << 17,
  PARALLEL_DIROPS: 1 << 18,
  MAX_PAGES: 1 << 22,
} as const;

const FLAGS_WANTED = Object.values(FLAG).reduce((all, flag) => all | flag, 0);

export interface Attributes {
  readonly node: NodeId;
  readonly isFolder: boolean;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  /** How many names lead to it. */
  readonly links: number;
}

/** To whom everything belongs. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

export interface Answer {
  readonly error?: ErrorName;
  readonly body?: Uint8Array;
}

/** A whole reply, in the parts that are written in one go. */
export function encodeReply(unique: bigint, { error, body }: Answer): readonly Uint8Array[] {
  const head = new Uint8Array(HEAD_BYTES);
  const view = new DataView(head.buffer);
  const bodyBytes = error === undefined ? (body?.length ?? 0) : 0;
  view.setUint32(0, HEAD_BYTES + bodyBytes, true);
  view.setInt32(4, error === undefined ? 0 : -ERRNO[error], true);
  view.setBigUint64(8, unique, true);
  return body === undefined || bodyBytes === 0 ? [head] : [head, body];
}

/** What is agreed on with a kernel that offers `flags`. */
export function agreedFlags(flags: number): number {
  return flags & FLAGS_WANTED;
}

/**
 *   0       4       8       12      16  18  20      24      28  30  32
 *   +-------+-------+-------+-------+---+---+-------+-------+---+---+ - - - - - +
 *   | major | minor | ahead | flags |bg |cgt| write | grain |pgs|map| 8 unused  |
 *   +-------+-------+-------+-------+---+---+-------+-------+---+---+ - - - - - +
 */
export function initBody(readaheadBytes: number, flags: number): Uint8Array {
  const body = new Uint8Array(64);
  const view = new DataView(body.buffer);
  view.setUint32(0, MAJOR, true);
  view.setUint32(4, MINOR, true);
  view.setUint32(8, readaheadBytes, true);
  view.setUint32(12, flags, true);
  view.setUint16(16, 64, true);
  view.setUint16(18, 48, true);
  view.setUint32(20, WRITE_BYTES_MAX, true);
  view.setUint32(24, 1_000_000, true);
  view.setUint16(28, PAGES_MAX, true);
  return body;
}

/**
 *   0      8        16       24       32    36    40
 *   +------+--------+--------+--------+-----+-----+ - - - - - -
 *   | node | 0      | name s | attr s | ns  | ns  | attributes
 *   +------+--------+--------+--------+-----+-----+ - - - - - -
 */
export function entryBody(attributes: Attributes, owner: Owner): Uint8Array {
  const body = new Uint8Array(ENTRY_BYTES);
  writeEntry(new DataView(body.buffer), 0, attributes, owner);
  return body;
}

export function attributesBody(attributes: Attributes, owner: Owner): Uint8Array {
  const body = new Uint8Array(16 + ATTRIBUTE_BYTES);
  const view = new DataView(body.buffer);
  view.setBigUint64(0, attributesValid(attributes), true);
  writeAttributes(view, 16, attributes, owner);
  return body;
}

/** A handle, and flags that say nothing. */
export function openBody(handle: number): Uint8Array {
  const body = new Uint8Array(16);
  new DataView(body.buffer).setBigUint64(0, BigInt(handle), true);
  return body;
}

export function statisticsBody(files: number, sizeBytes: number): Uint8Array {
  const body = new Uint8Array(80);
  const view = new DataView(body.buffer);
  view.setBigUint64(0, BigInt(Math.ceil(sizeBytes / BLOCK_BYTES)), true);
  view.setBigUint64(24, BigInt(files), true);
  view.setUint32(40, BLOCK_BYTES, true);
  view.setUint32(44, 255, true);
  view.setUint32(48, BLOCK_BYTES, true);
  return body;
}

export interface Listed {
  readonly name: string;
  readonly attributes: Attributes;
}

/**
 * As many entries from `offset` on as fit into `sizeBytes`, and how many those are. With `isPlus` each begins with
 * what a lookup would have answered; zeros there, as for "." and "..", mean that nothing was looked up.
 *
 *   0      8        16      20     24
 *   +------+--------+-------+------+- - - - - - - - - - - - -+
 *   | node | offset | bytes | type | name, padded to 8 bytes |
 *   +------+--------+-------+------+- - - - - - - - - - - - -+
 */
export function listingBody(
  entries: readonly Listed[],
  at: { readonly offset: number; readonly sizeBytes: number; readonly isPlus: boolean },
  owner: Owner,
): { readonly body: Uint8Array; readonly count: number } {
  const body = new Uint8Array(Math.min(at.sizeBytes, PAGES_MAX * BLOCK_BYTES));
  const view = new DataView(body.buffer);
  let used = 0;
  let index = at.offset;
  for (; index < entries.length; index += 1) {
    const { name, attributes } = entries[index] as Listed;
    const encoded = UTF8.encode(name);
    const entryAt = at.isPlus ? used + ENTRY_BYTES : used;
    const end = entryAt + 24 + ((encoded.length + 7) & ~7);
    if (end > body.length) break;
    if (at.isPlus && name !== "." && name !== "..") writeEntry(view, used, attributes, owner);
    view.setBigUint64(entryAt, BigInt(attributes.node), true);
    view.setBigUint64(entryAt + 8, BigInt(index + 1), true);
    view.setUint32(entryAt + 16, encoded.length, true);
    view.setUint32(entryAt + 20, modeOf(attributes) >> 12, true);
    body.set(encoded, entryAt + 24);
    used = end;
  }
  return { body: body.subarray(0, used), count: Math.max(0, index - at.offset) };
}

/** A message that nobody asked for: the kernel forgets what it knows of a name in a folder. */
export function invalidation(folder: NodeId, name: string): Uint8Array {
  const encoded = UTF8.encode(name);
  const message = new Uint8Array(HEAD_BYTES + 16 + encoded.length + 1);
  const view = new DataView(message.buffer);
  view.setUint32(0, message.length, true);
  view.setInt32(4, NOTIFY_INVALID_ENTRY, true);
  view.setBigUint64(16, BigInt(folder), true);
  view.setUint32(24, encoded.length, true);
  message.set(encoded, 32);
  return message;
}

const NOTIFY_INVALID_ENTRY = 3;
const UTF8 = new TextEncoder();

function writeEntry(view: DataView, at: number, attributes: Attributes, owner: Owner): void {
  view.setBigUint64(at, BigInt(attributes.node), true);
  view.setBigUint64(at + 16, NAME_VALID_S, true);
  view.setBigUint64(at + 24, attributesValid(attributes), true);
  writeAttributes(view, at + 40, attributes, owner);
}

/** A flip may put a file of another size under a name, but then it is another node. */
function attributesValid({ isFolder }: Attributes): bigint {
  return isFolder ? NAME_VALID_S : CONTENT_VALID_S;
}

/** Read-only for everyone; who may come in at all, the kernel decides. */
function modeOf({ isFolder }: Attributes): number {
  return isFolder ? 0o040555 : 0o100444;
}

/**
 *   0      8       16       24     32     40     48      60    64     68    72    76    80    84  88
 *   +------+-------+--------+------+------+------+-------+-----+------+-----+-----+-----+-----+---+
 *   | node | bytes | blocks | atime| mtime| ctime| 3 × ns| mode| links| uid | gid | dev | blk | 0 |
 *   +------+-------+--------+------+------+------+-------+-----+------+-----+-----+-----+-----+---+
 */
function writeAttributes(view: DataView, at: number, of: Attributes, owner: Owner): void {
  const seconds = BigInt(Math.floor(of.modifiedMs / 1000));
  const nanoseconds = Math.floor(of.modifiedMs % 1000) * 1_000_000;
  view.setBigUint64(at, BigInt(of.node), true);
  view.setBigUint64(at + 8, BigInt(of.sizeBytes), true);
  view.setBigUint64(at + 16, BigInt(Math.ceil(of.sizeBytes / 512)), true);
  for (const time of [24, 32, 40]) view.setBigUint64(at + time, seconds, true);
  for (const time of [48, 52, 56]) view.setUint32(at + time, nanoseconds, true);
  view.setUint32(at + 60, modeOf(of), true);
  view.setUint32(at + 64, of.links, true);
  view.setUint32(at + 68, owner.uid, true);
  view.setUint32(at + 72, owner.gid, true);
  view.setUint32(at + 80, BLOCK_BYTES, true);
}
