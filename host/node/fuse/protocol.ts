/**
 * What the kernel asks of a FUSE server, decoded. Pure and total: whatever the bytes are, what comes out is a request
 * or null, and nothing is thrown.
 *
 * Spec   linux/fuse.h, protocol 7.31 (Linux 5.4); little-endian, as every machine that runs this
 *
 *   0        4        8                16               24       28       32       36  38  40
 *   +--------+--------+----------------+----------------+--------+--------+--------+---+---+ - - - - -
 *   | length | opcode | unique         | node           | uid    | gid    | pid    |ext| 0 | arguments
 *   +--------+--------+----------------+----------------+--------+--------+--------+---+---+ - - - - -
 *
 * `length` counts all of it. `unique` names the request in its reply. `ext` counts words behind the arguments of
 * requests that create something, which are refused unread.
 */

/** A node, numbered by us. The kernel only names those that it was told of, but nothing here relies on that. */
export type NodeId = number;

/** The kernel's name for the root. */
export const ROOT: NodeId = 1;
/** No node and no handle ever has this number. */
const NONE = 0;

export const MAJOR = 7;
/** Spoken here; a newer kernel falls back to it. */
export const MINOR = 31;

const HEAD_BYTES = 40;

/** How many times the kernel lets go of a node that it had looked up. */
export interface Forgotten {
  readonly node: NodeId;
  readonly count: number;
}

export type Asked =
  | {
      readonly kind: "init";
      readonly major: number;
      readonly minor: number;
      readonly readaheadBytes: number;
      readonly flags: number;
    }
  /** `name` is null where its bytes are no UTF-8: nothing here has such a name. */
  | { readonly kind: "lookup"; readonly name: string | null }
  | { readonly kind: "forget"; readonly forgotten: readonly Forgotten[] }
  | { readonly kind: "open"; readonly flags: number }
  | { readonly kind: "read"; readonly offset: number; readonly sizeBytes: number }
  | {
      readonly kind: "readdir";
      /** Whether each entry is to be looked up on the way. */
      readonly isPlus: boolean;
      readonly handle: number;
      readonly offset: number;
      readonly sizeBytes: number;
    }
  | { readonly kind: "releasedir"; readonly handle: number }
  | { readonly kind: "access"; readonly mask: number }
  | { readonly kind: PlainKind };

/** Requests whose arguments do not matter here. */
type PlainKind =
  | "getattr"
  | "readlink"
  | "opendir"
  | "release"
  | "statfs"
  | "interrupt"
  | "destroy"
  /** Whatever would change something. */
  | "change"
  | "unknown"
  | "malformed";

export type Request = Asked & { readonly unique: bigint; readonly node: NodeId };

const LOOKUP = 1;
const FORGET = 2;
const OPEN = 14;
const READ = 15;
const INIT = 26;
const READDIR = 28;
const RELEASEDIR = 29;
const ACCESS = 34;
const BATCH_FORGET = 42;
const READDIRPLUS = 44;

const PLAIN: ReadonlyMap<number, PlainKind> = new Map<number, PlainKind>([
  [3, "getattr"],
  [5, "readlink"],
  [17, "statfs"],
  [18, "release"],
  [27, "opendir"],
  [36, "interrupt"],
  [38, "destroy"],
  // SETATTR SYMLINK MKNOD MKDIR UNLINK RMDIR RENAME LINK WRITE SETXATTR REMOVEXATTR CREATE FALLOCATE RENAME2
  // COPY_FILE_RANGE TMPFILE
  ...[4, 6, 8, 9, 10, 11, 12, 13, 16, 21, 24, 35, 43, 45, 47, 51].map(
    (opcode): [number, PlainKind] => [opcode, "change"],
  ),
]);

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The request that `bytes`, one whole read of the device, hold; null when not even the head is there. */
export function decodeRequest(bytes: Uint8Array): Request | null {
  if (bytes.length < HEAD_BYTES) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const head = { unique: view.getBigUint64(8, true), node: u64(view, 16, NONE) };
  const opcode = view.getUint32(4, true);
  const isWhole = view.getUint32(0, true) === bytes.length;
  return { ...head, ...(isWhole ? decodeAsked(opcode, head.node, bytes, view) : refused(opcode)) };
}

/** What is malformed is answered with an error, except for what the kernel wants no answer to. */
function refused(opcode: number): Asked {
  const isAnswered = opcode !== FORGET && opcode !== BATCH_FORGET;
  return isAnswered ? { kind: "malformed" } : { kind: "forget", forgotten: [] };
}

function decodeAsked(opcode: number, node: NodeId, bytes: Uint8Array, view: DataView): Asked {
  const need = ARGUMENT_BYTES.get(opcode) ?? 0;
  if (bytes.length < HEAD_BYTES + need) return refused(opcode);
  switch (opcode) {
    case LOOKUP:
      return decodeLookup(bytes.subarray(HEAD_BYTES));
    case FORGET:
      return { kind: "forget", forgotten: [{ node, count: u64(view, 40) }] };
    case BATCH_FORGET:
      return decodeBatch(view);
    case INIT:
      return decodeInit(view);
    case OPEN:
      return { kind: "open", flags: view.getUint32(40, true) };
    case READ:
      return { kind: "read", offset: u64(view, 48), sizeBytes: view.getUint32(56, true) };
    case READDIR:
    case READDIRPLUS:
      return {
        kind: "readdir",
        isPlus: opcode === READDIRPLUS,
        handle: u64(view, 40, NONE),
        offset: u64(view, 48),
        sizeBytes: view.getUint32(56, true),
      };
    case RELEASEDIR:
      return { kind: "releasedir", handle: u64(view, 40, NONE) };
    case ACCESS:
      return { kind: "access", mask: view.getUint32(40, true) };
    default:
      return { kind: PLAIN.get(opcode) ?? "unknown" };
  }
}

/**
 * Bytes of arguments without which a request cannot be read.
 *
 *          40               48               56       60
 *   READ   +----------------+----------------+--------+ - - - -      READDIR, READDIRPLUS: the same
 *          | handle         | offset         | size   | flags, owner
 *          +----------------+----------------+--------+ - - - -
 *   INIT   | major  | minor | ahead  | flags |
 *          +--------+-------+--------+-------+
 */
const ARGUMENT_BYTES: ReadonlyMap<number, number> = new Map([
  [LOOKUP, 2],
  [FORGET, 8],
  [BATCH_FORGET, 8],
  [INIT, 16],
  [OPEN, 8],
  [READ, 40],
  [READDIR, 40],
  [READDIRPLUS, 40],
  [RELEASEDIR, 24],
  [ACCESS, 8],
]);

function decodeInit(view: DataView): Asked {
  return {
    kind: "init",
    major: view.getUint32(40, true),
    minor: view.getUint32(44, true),
    readaheadBytes: view.getUint32(48, true),
    flags: view.getUint32(52, true),
  };
}

/** One name, and the zero that ends it. */
function decodeLookup(argument: Uint8Array): Asked {
  if (argument.indexOf(0) !== argument.length - 1) return { kind: "malformed" };
  try {
    return { kind: "lookup", name: UTF8.decode(argument.subarray(0, -1)) };
  } catch {
    return { kind: "lookup", name: null };
  }
}

/**
 *   40      44      48               56               64
 *   +-------+-------+----------------+----------------+ - -
 *   | count | 0     | node           | count of it    | the next
 *   +-------+-------+----------------+----------------+ - -
 */
function decodeBatch(view: DataView): Asked {
  const fit = Math.floor((view.byteLength - 48) / 16);
  const count = Math.min(view.getUint32(40, true), fit);
  const forgotten = Array.from({ length: count }, (_, index) => ({
    node: u64(view, 48 + index * 16, NONE),
    count: u64(view, 56 + index * 16),
  }));
  return { kind: "forget", forgotten };
}

/** A number of 64 bits; `beyond` stands for all that a JavaScript number does not hold exactly. */
function u64(view: DataView, at: number, beyond: number = Number.MAX_SAFE_INTEGER): number {
  const value = view.getUint32(at + 4, true) * 2 ** 32 + view.getUint32(at, true);
  return value > Number.MAX_SAFE_INTEGER ? beyond : value;
}
