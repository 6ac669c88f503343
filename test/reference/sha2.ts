/**
 * Readable twin of SHA-256 and SHA-512: the text of FIPS 180-4 §6 with numbers of any size.
 *
 * Both differ in the width of a word, the number of rounds and the amounts of the rotations, and in nothing else.
 */
interface Variant {
  readonly wordBits: bigint;
  readonly rounds: number;
  /** Σ0, Σ1: three rotations each. σ0, σ1: two rotations and a shift each. */
  readonly sum0: readonly bigint[];
  readonly sum1: readonly bigint[];
  readonly sigma0: readonly [bigint, bigint, bigint];
  readonly sigma1: readonly [bigint, bigint, bigint];
}

const SHA256: Variant = {
  wordBits: 32n,
  rounds: 64,
  sum0: [2n, 13n, 22n],
  sum1: [6n, 11n, 25n],
  sigma0: [7n, 18n, 3n],
  sigma1: [17n, 19n, 10n],
};

const SHA512: Variant = {
  wordBits: 64n,
  rounds: 80,
  sum0: [28n, 34n, 39n],
  sum1: [14n, 18n, 41n],
  sigma0: [1n, 8n, 7n],
  sigma1: [19n, 61n, 6n],
};

export const sha256 = (message: Uint8Array) => digest(SHA256, message);
export const sha512 = (message: Uint8Array) => digest(SHA512, message);

function digest(variant: Variant, message: Uint8Array): Uint8Array<ArrayBuffer> {
  const wordSize = Number(variant.wordBits / 8n);
  const mask = (1n << variant.wordBits) - 1n;
  const padded = pad(message, wordSize * 16);
  let hash = primes(8).map((prime) => rootFraction(prime, 2n, variant.wordBits));
  for (let at = 0; at < padded.length; at += wordSize * 16) {
    const words = Array.from({ length: 16 }, (_, index) =>
      bigEndian(padded.subarray(at + index * wordSize, at + (index + 1) * wordSize)),
    );
    const mixed = rounds(variant, hash, words);
    hash = hash.map((word, index) => (word + mixed[index]!) & mask);
  }
  return Uint8Array.from(
    hash.flatMap((word) =>
      Array.from({ length: wordSize }, (_, index) =>
        Number((word >> BigInt(8 * (wordSize - 1 - index))) & 255n),
      ),
    ),
  );
}

/** FIPS 180-4 §6.2.2 and §6.4.2, steps 1 to 3. */
function rounds(variant: Variant, hash: readonly bigint[], words: bigint[]): bigint[] {
  const { wordBits } = variant;
  const mask = (1n << wordBits) - 1n;
  const rotate = (word: bigint, bits: bigint) =>
    ((word >> bits) | (word << (wordBits - bits))) & mask;
  const sum = (word: bigint, amounts: readonly bigint[]) =>
    amounts.reduce((mixed, bits) => mixed ^ rotate(word, bits), 0n);
  const sigma = (word: bigint, [first, second, shift]: readonly [bigint, bigint, bigint]) =>
    rotate(word, first) ^ rotate(word, second) ^ (word >> shift);
  for (let t = 16; t < variant.rounds; t++) {
    const word =
      sigma(words[t - 2]!, variant.sigma1) +
      words[t - 7]! +
      sigma(words[t - 15]!, variant.sigma0) +
      words[t - 16]!;
    words.push(word & mask);
  }
  const constants = primes(variant.rounds).map((prime) => rootFraction(prime, 3n, wordBits));
  let [a, b, c, d, e, f, g, h] = hash as [
    bigint,
    bigint,
    bigint,
    bigint,
    bigint,
    bigint,
    bigint,
    bigint,
  ];
  for (let t = 0; t < variant.rounds; t++) {
    const choice = (e & f) ^ (~e & mask & g);
    const majority = (a & b) ^ (a & c) ^ (b & c);
    const t1 = h + sum(e, variant.sum1) + choice + constants[t]! + words[t]!;
    const t2 = sum(a, variant.sum0) + majority;
    [a, b, c, d, e, f, g, h] = [(t1 + t2) & mask, a, b, c, (d + t1) & mask, e, f, g];
  }
  return [a, b, c, d, e, f, g, h];
}

/** FIPS 180-4 §5.1: a one bit, zeros, and the length in bits as the last eighth of a block. */
function pad(message: Uint8Array, blockSize: number): Uint8Array {
  const blocks = Math.ceil((message.length + 1 + blockSize / 8) / blockSize);
  const padded = new Uint8Array(blocks * blockSize);
  padded.set(message);
  padded[message.length] = 0x80;
  new DataView(padded.buffer).setBigUint64(padded.length - 8, BigInt(message.length) * 8n);
  return padded;
}

function bigEndian(bytes: Uint8Array): bigint {
  return bytes.reduce((word, byte) => (word << 8n) | BigInt(byte), 0n);
}

function primes(count: number): bigint[] {
  const found: bigint[] = [];
  for (let next = 2n; found.length < count; next++) {
    if (found.every((prime) => next % prime !== 0n)) found.push(next);
  }
  return found;
}

/** The first `bits` bits behind the point of the root of degree `degree`, found bit by bit. */
function rootFraction(prime: bigint, degree: bigint, bits: bigint): bigint {
  const scaled = prime << (bits * degree);
  let root = 0n;
  for (let bit = 1n << (bits + 5n); bit > 0n; bit >>= 1n) {
    if ((root + bit) ** degree <= scaled) root += bit;
  }
  return root & ((1n << bits) - 1n);
}
