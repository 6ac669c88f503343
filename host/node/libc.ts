/**
 * The few calls of the C library that Node.js does not offer. Each answers null or false where there is no such call,
 * and then the caller does without.
 */
import koffi from "koffi";

type SetSocketOption = (
  descriptor: number,
  level: number,
  name: number,
  value: Int32Array,
  size: number,
) => number;
type SocketPair = (family: number, type: number, protocol: number, pair: Int32Array) => number;
type ReceiveMessage = (descriptor: number, message: Uint8Array, flags: number) => number;

interface Library {
  readonly setSocketOption: SetSocketOption;
  readonly socketPair: SocketPair;
  readonly receiveMessage: ReceiveMessage;
}

let library: Library | null | undefined;

function libc(): Library | null {
  if (library === undefined) library = load();
  return library;
}

function load(): Library | null {
  try {
    const loaded = koffi.load(null);
    return {
      setSocketOption: loaded.func("setsockopt", "int", ["int", "int", "int", "int *", "uint32"]),
      socketPair: loaded.func("socketpair", "int", ["int", "int", "int", koffi.out("int *")]),
      receiveMessage: loaded.func("recvmsg", "long", ["int", koffi.inout("uint8 *"), "int"]),
    };
  } catch {
    return null;
  }
}

/** Sets one integer option of a socket; false where the system has no such option. */
export function setSocketOption(
  descriptor: number,
  level: number,
  name: number,
  value: number,
): boolean {
  if (descriptor < 0 || process.platform !== "linux") return false;
  return libc()?.setSocketOption(descriptor, level, name, Int32Array.of(value), 4) === 0;
}

const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const MSG_DONTWAIT = 0x40;
const MSG_CMSG_CLOEXEC = 0x4000_0000;

/** Two connected local sockets; whoever gets them closes them. */
export function socketPair(): readonly [number, number] | null {
  const pair = new Int32Array(new ArrayBuffer(8));
  if (process.platform !== "linux" || libc()?.socketPair(AF_UNIX, SOCK_STREAM, 0, pair) !== 0) {
    return null;
  }
  return [pair[0] ?? -1, pair[1] ?? -1];
}

/**
 * The file descriptor that another process has sent through a local socket (unix(7), SCM_RIGHTS); null when there is
 * none yet. It is not inherited by programs that this one starts.
 *
 *   message  0      8       16      24      32        40      48    56
 *            +------+-------+-------+-------+---------+-------+-----+
 *            | name | bytes | parts | count | control | bytes |flags|
 *            +------+-------+-------+-------+---------+-------+-----+
 *   control  0       8       12     16           20
 *            +-------+-------+------+------------+ - -
 *            | bytes | level | type | descriptor |
 *            +-------+-------+------+------------+ - -
 */
export function receiveDescriptor(socket: number): number | null {
  const byte = new ArrayBuffer(8);
  const part = new ArrayBuffer(16);
  const control = new ArrayBuffer(32);
  const message = new ArrayBuffer(56);
  const [partView, view] = [new DataView(part), new DataView(message)];
  partView.setBigUint64(0, addressOf(byte), true);
  partView.setBigUint64(8, 1n, true);
  view.setBigUint64(16, addressOf(part), true);
  view.setBigUint64(24, 1n, true);
  view.setBigUint64(32, addressOf(control), true);
  view.setBigUint64(40, BigInt(control.byteLength), true);
  const flags = MSG_DONTWAIT | MSG_CMSG_CLOEXEC;
  const count = libc()?.receiveMessage(socket, new Uint8Array(message), flags) ?? -1;
  const received = new DataView(control);
  const isDescriptor =
    received.getInt32(8, true) === SOL_SOCKET && received.getInt32(12, true) === SCM_RIGHTS;
  return count > 0 && isDescriptor ? received.getInt32(16, true) : null;
}

/** Where a buffer lies. An ArrayBuffer, unlike a small typed array, is never moved by the collector. */
function addressOf(buffer: ArrayBuffer): bigint {
  return koffi.address(new Uint8Array(buffer));
}
