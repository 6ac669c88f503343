/** Readable twin of assembly/wire/parameters.ts, from docs/protocol.md §6. */
import { ByteReader, ByteWriter, orNull, refuseUnless } from "./bytes.ts";

/** One parameter as it lies on the wire. */
export interface WireParameter {
  readonly id: number;
  readonly value: Uint8Array;
}

/** The ids of numbers, the bytes of each, and the range that is allowed. */
const NUMBERS: Readonly<Record<number, readonly [size: number, least: bigint, most: bigint]>> = {
  1: [8, 0n, 2n ** 62n - 1n],
  2: [8, 0n, 2n ** 62n - 1n],
  3: [8, 0n, 2n ** 60n],
  4: [4, 0n, 2n ** 32n - 1n],
  5: [4, 0n, 2n ** 32n - 1n],
  6: [4, 0n, 16_777_256n],
  7: [4, 0n, 16_384_000n],
  8: [8, 0n, 2n ** 64n - 1n],
  9: [2, 1024n, 65_535n],
};

/** Numbers by id, and the byte strings of 10, 11 and 13. */
export interface ParametersValue {
  readonly numbers: ReadonlyMap<number, bigint>;
  readonly strings: ReadonlyMap<number, Uint8Array>;
}

export function encodeParameters(
  parameters: readonly WireParameter[],
  paddingBytes: number,
): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter();
  for (const { id, value } of parameters) {
    writer.number(id, 2).number(value.length, 2).bytes(value);
  }
  return writer.zeros(paddingBytes).finish();
}

/** All parameters of one payload; null when it is refused. */
export function decodeParameters(bytes: Uint8Array, isEncrypted: boolean): ParametersValue | null {
  return orNull(() => {
    const numbers = new Map<number, bigint>();
    const strings = new Map<number, Uint8Array>();
    const reader = new ByteReader(bytes);
    while (reader.remaining > 0) {
      if (reader.remaining === 1) {
        reader.zeros(1);
        break;
      }
      const id = reader.number(2);
      if (id === 0) {
        reader.zeros(reader.remaining);
        break;
      }
      const value = reader.bytes(reader.number(2));
      refuseUnless(isEncrypted || id <= 10 || id >= 16);
      take(id, value, numbers, strings);
    }
    const message = numbers.get(6);
    const stream = numbers.get(2);
    refuseUnless(message === undefined || stream === undefined || message <= stream);
    return { numbers, strings };
  });
}

function take(
  id: number,
  value: Uint8Array,
  numbers: Map<number, bigint>,
  strings: Map<number, Uint8Array>,
): void {
  const rule = NUMBERS[id];
  if (rule !== undefined) {
    const [size, least, most] = rule;
    refuseUnless(value.length === size && !numbers.has(id));
    const number = new ByteReader(value).big(size);
    refuseUnless(number >= least && number <= most);
    numbers.set(id, number);
    return;
  }
  if (id !== 10 && id !== 11 && id !== 13) return;
  refuseUnless(!strings.has(id));
  const length = value.length;
  if (id === 10) refuseUnless(length % 4 === 0 && length >= 8 && length <= 68);
  else refuseUnless(length >= 1 && length <= (id === 11 ? 512 : 128));
  strings.set(id, value);
}
