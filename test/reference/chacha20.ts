/** Readable twin of ChaCha20: RFC 8439 §2.1 to §2.4, word by word. */
const CONSTANT = new TextEncoder().encode("expand 32-byte k");
const BLOCK_SIZE = 64;

/** §2.1, on the words a, b, c and d of the state. */
function quarterRound(state: Uint32Array, a: number, b: number, c: number, d: number): void {
  const step = (sum: number, term: number, turned: number, bits: number) => {
    const total = (state[sum]! + state[term]!) >>> 0;
    const mixed = state[turned]! ^ total;
    state[sum] = total;
    state[turned] = (mixed << bits) | (mixed >>> (32 - bits));
  };
  step(a, b, d, 16);
  step(c, d, b, 12);
  step(a, b, d, 8);
  step(c, d, b, 7);
}

/** §2.3: one block of key stream. */
export function chacha20Block(
  key: Uint8Array,
  counter: number,
  nonce: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const words = (bytes: Uint8Array) => [...new Uint32Array(bytes.slice().buffer)];
  const initial = Uint32Array.of(...words(CONSTANT), ...words(key), counter, ...words(nonce));
  const state = initial.slice();
  for (let round = 0; round < 10; round++) {
    quarterRound(state, 0, 4, 8, 12);
    quarterRound(state, 1, 5, 9, 13);
    quarterRound(state, 2, 6, 10, 14);
    quarterRound(state, 3, 7, 11, 15);
    quarterRound(state, 0, 5, 10, 15);
    quarterRound(state, 1, 6, 11, 12);
    quarterRound(state, 2, 7, 8, 13);
    quarterRound(state, 3, 4, 9, 14);
  }
  return new Uint8Array(state.map((word, index) => word + initial[index]!).buffer);
}

/** §2.4: encrypts and decrypts. */
export function chacha20(
  key: Uint8Array,
  counter: number,
  nonce: Uint8Array,
  data: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const result = Uint8Array.from(data);
  for (let at = 0; at < data.length; at += BLOCK_SIZE) {
    const stream = chacha20Block(key, counter + at / BLOCK_SIZE, nonce);
    for (let i = 0; i < Math.min(BLOCK_SIZE, data.length - at); i++) {
      result[at + i] = result[at + i]! ^ stream[i]!;
    }
  }
  return result;
}
