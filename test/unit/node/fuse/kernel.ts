/** Requests as the kernel writes them, built field by field from linux/fuse.h, and its way of reading a reply. */
const HEAD_BYTES = 40;

export interface Field {
  readonly at: number;
  readonly bytes: 2 | 4 | 8;
  readonly value: number | bigint;
}

export interface RequestOptions {
  readonly unique?: bigint;
  readonly node?: number | bigint;
}

/** One request: its head, and arguments of `argumentBytes` in which `fields` are set (`at` counts from them). */
export function requestBytes(
  opcode: number,
  options: RequestOptions,
  argument: Uint8Array,
): Uint8Array {
  const bytes = new Uint8Array(HEAD_BYTES + argument.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, bytes.length, true);
  view.setUint32(4, opcode, true);
  view.setBigUint64(8, options.unique ?? 1n, true);
  view.setBigUint64(16, BigInt(options.node ?? 1), true);
  bytes.set(argument, HEAD_BYTES);
  return bytes;
}

export function fields(argumentBytes: number, ...set: readonly Field[]): Uint8Array {
  const argument = new Uint8Array(argumentBytes);
  const view = new DataView(argument.buffer);
  for (const { at, bytes, value } of set) {
    if (bytes === 2) view.setUint16(at, Number(value), true);
    else if (bytes === 4) view.setUint32(at, Number(value), true);
    else view.setBigUint64(at, BigInt(value), true);
  }
  return argument;
}

/** A name and the zero behind it. */
export function nameBytes(name: string): Uint8Array {
  return new TextEncoder().encode(`${name}\0`);
}

const u32 = (at: number, value: number): Field => ({ at, bytes: 4, value });
const u64 = (at: number, value: number | bigint): Field => ({ at, bytes: 8, value });

/** Each request by its name in fuse.h. */
export const ask = {
  lookup: (node: number, name: string) => requestBytes(1, { node }, nameBytes(name)),
  forget: (node: number, count: number) => requestBytes(2, { node }, fields(8, u64(0, count))),
  getattr: (node: number) => requestBytes(3, { node }, fields(16)),
  readlink: (node: number) => requestBytes(5, { node }, new Uint8Array()),
  open: (node: number, flags: number) => requestBytes(14, { node }, fields(8, u32(0, flags))),
  read: (node: number, offset: number | bigint, size: number) =>
    requestBytes(15, { node }, fields(40, u64(8, offset), u32(16, size))),
  statfs: () => requestBytes(17, {}, new Uint8Array()),
  release: (node: number) => requestBytes(18, { node }, fields(24)),
  init: (major: number, minor: number, flags: number) =>
    requestBytes(
      26,
      { node: 0 },
      fields(64, u32(0, major), u32(4, minor), u32(8, 131_072), u32(12, flags)),
    ),
  opendir: (node: number) => requestBytes(27, { node }, fields(8)),
  readdir: (node: number, handle: number, offset: number, size: number, isPlus = false) =>
    requestBytes(
      isPlus ? 44 : 28,
      { node },
      fields(40, u64(0, handle), u64(8, offset), u32(16, size)),
    ),
  releasedir: (node: number, handle: number) =>
    requestBytes(29, { node }, fields(24, u64(0, handle))),
  access: (node: number, mask: number) => requestBytes(34, { node }, fields(8, u32(0, mask))),
  interrupt: (unique: bigint) => requestBytes(36, {}, fields(8, u64(0, unique))),
  destroy: () => requestBytes(38, {}, new Uint8Array()),
  batchForget: (forgotten: readonly (readonly [number, number])[]) =>
    requestBytes(
      42,
      { node: 0 },
      fields(
        8 + forgotten.length * 16,
        u32(0, forgotten.length),
        ...forgotten.flatMap(([node, count], at) => [
          u64(8 + at * 16, node),
          u64(16 + at * 16, count),
        ]),
      ),
    ),
  other: (opcode: number, argument: Uint8Array = fields(64)) => requestBytes(opcode, {}, argument),
};

export interface KernelReply {
  readonly unique: bigint;
  /** 0, or the number of an error. */
  readonly errno: number;
  readonly body: DataView;
}

/** A reply as the kernel takes it: it refuses one whose length is not that of what was written. */
export function readReply(parts: readonly Uint8Array[]): KernelReply {
  const bytes = new Uint8Array(Buffer.concat(parts));
  const view = new DataView(bytes.buffer);
  if (view.getUint32(0, true) !== bytes.length) throw new Error("the reply has another length");
  const errno = 0 - view.getInt32(4, true);
  if (errno < 0 || errno > 511) throw new Error(`the kernel takes no error ${errno}`);
  if (errno !== 0 && bytes.length !== 16) throw new Error("an error with a body");
  return { unique: view.getBigUint64(8, true), errno, body: new DataView(bytes.buffer, 16) };
}

export interface ListedName {
  readonly name: string;
  readonly node: number;
  readonly offset: number;
  readonly type: number;
}

/** The entries of a READDIR or READDIRPLUS reply. */
export function readListing({ body }: KernelReply, isPlus = false): readonly ListedName[] {
  const names: ListedName[] = [];
  for (let at = 0; at < body.byteLength;) {
    const entry = isPlus ? at + 128 : at;
    const length = body.getUint32(entry + 16, true);
    const name = new Uint8Array(body.buffer, body.byteOffset + entry + 24, length);
    names.push({
      name: new TextDecoder().decode(name),
      node: Number(body.getBigUint64(entry, true)),
      offset: Number(body.getBigUint64(entry + 8, true)),
      type: body.getUint32(entry + 20, true),
    });
    at = entry + 24 + ((length + 7) & ~7);
  }
  return names;
}
