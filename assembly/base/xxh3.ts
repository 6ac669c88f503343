/**
 * XXH3, 64 bits, seed 0: the checksum where nobody attacks (records on disk, rings in shared memory).
 *
 * Spec       XXH3_64bits of xxHash 0.8, doc/xxhash_spec.md of that project
 * Layer      base (L0)
 * Memory     state, XXH3_STATE_SIZE = 336 bytes:
 *            0          64        72          76          80
 *            | acc 8×u64 | total u64 | held u32 | stripes u32 | held bytes 256 |
 * Invariant  streaming holds back at least one byte, because the last stripe is mixed differently;
 *            the last 64 bytes that were consumed stay at the end of the held bytes
 * Limits     never for secrets: it is not a MAC, and its branches depend on the length only
 * Cost       four SIMD accumulators of two lanes
 */
export const XXH3_STATE_SIZE: i32 = 336;
const TOTAL: usize = 64;
const HELD: usize = 72;
const STRIPES: usize = 76;
const BUFFER: usize = 80;
const BUFFER_SIZE: usize = 256;

const STRIPE_SIZE: usize = 64;
const STRIPES_PER_BLOCK: u32 = 16;
/** Longest input that is hashed without accumulators. */
const MID_SIZE_MAX: usize = 240;

const PRIME32_1: u64 = 0x9e3779b1;
const PRIME32_2: u64 = 0x85ebca77;
const PRIME32_3: u64 = 0xc2b2ae3d;
const PRIME64_1: u64 = 0x9e3779b185ebca87;
const PRIME64_2: u64 = 0xc2b2ae3d27d4eb4f;
const PRIME64_3: u64 = 0x165667b19e3779f9;
const PRIME64_4: u64 = 0x85ebca77c2b2ae63;
const PRIME64_5: u64 = 0x27d4eb2f165667c5;
const PRIME_MX1: u64 = 0x165667919e3779f9;
const PRIME_MX2: u64 = 0x9fb21c651e98df25;

/** The default secret of the specification, 192 bytes. */
const SECRET: usize = memory.data<u64>(
  [
    0xbe4ba423396cfeb8, 0x1cad21f72c81017c, 0xdb979083e96dd4de, 0x1f67b3b7a4a44072,
    0x78e5c0cc4ee679cb, 0x2172ffcc7dd05a82, 0x8e2443f7744608b8, 0x4c263a81e69035e0,
    0xcb00c391bb52283c, 0xa32e531b8b65d088, 0x4ef90da297486471, 0xd8acdea946ef1938,
    0x3f349ce33f76faa8, 0x1d4f0bc7c7bbdcf9, 0x3159b4cd4be0518a, 0x647378d9c97e9fc8,
    0xc3ebd33483acc5ea, 0xeb6313faffa081c5, 0x49daf0b751dd0d17, 0x9e68d429265516d3,
    0xfca1477d58be162b, 0xce31d07ad1b8f88f, 0x280416958f3acb45, 0x7e404bbbcafbd7af,
  ],
  16,
);
const ACC: usize = memory.data(64, 16);
const LAST_STRIPE: usize = memory.data(64, 16);

/** Hash of `len` bytes at `ptr`. */
export function xxh3(ptr: usize, len: usize): u64 {
  if (len <= 16) return hashShort(ptr, len);
  if (len <= 128) return hashTo128(ptr, len);
  if (len <= MID_SIZE_MAX) return hashTo240(ptr, len);
  accInit(ACC);
  consume(ACC, ptr, (len - 1) / STRIPE_SIZE, 0);
  consumeLast(ACC, ptr + len - STRIPE_SIZE);
  return accMerge(ACC, len);
}

/** Starts a streaming hash. */
export function xxh3Init(state: usize): void {
  accInit(state);
  store<u64>(state, 0, TOTAL);
  store<u64>(state, 0, HELD);
}

/** Adds `len` bytes at `ptr`. */
export function xxh3Update(state: usize, ptr: usize, len: usize): void {
  store<u64>(state, load<u64>(state, TOTAL) + <u64>len, TOTAL);
  const held = <usize>load<u32>(state, HELD);
  const buffer = state + BUFFER;
  if (len <= BUFFER_SIZE - held) {
    memory.copy(buffer + held, ptr, len);
    store<u32>(state, <u32>(held + len), HELD);
    return;
  }
  if (held > 0) {
    const missing = BUFFER_SIZE - held;
    memory.copy(buffer + held, ptr, missing);
    ptr += missing;
    len -= missing;
    consumeInto(state, buffer, BUFFER_SIZE / STRIPE_SIZE);
  }
  if (len > BUFFER_SIZE) {
    const stripes = (len - 1) / STRIPE_SIZE;
    consumeInto(state, ptr, stripes);
    ptr += stripes * STRIPE_SIZE;
    len -= stripes * STRIPE_SIZE;
    memory.copy(buffer + BUFFER_SIZE - STRIPE_SIZE, ptr - STRIPE_SIZE, STRIPE_SIZE);
  }
  memory.copy(buffer, ptr, len);
  store<u32>(state, <u32>len, HELD);
}

/** Hash of all bytes added. The state stays as it is, so that more may follow. */
export function xxh3Final(state: usize): u64 {
  const total = <usize>load<u64>(state, TOTAL);
  const held = <usize>load<u32>(state, HELD);
  const buffer = state + BUFFER;
  if (total <= MID_SIZE_MAX) return xxh3(buffer, total);
  memory.copy(ACC, state, 64);
  consume(ACC, buffer, (held - 1) / STRIPE_SIZE, load<u32>(state, STRIPES));
  if (held >= STRIPE_SIZE) {
    consumeLast(ACC, buffer + held - STRIPE_SIZE);
  } else {
    const before = STRIPE_SIZE - held;
    memory.copy(LAST_STRIPE, buffer + BUFFER_SIZE - before, before);
    memory.copy(LAST_STRIPE + before, buffer, held);
    consumeLast(ACC, LAST_STRIPE);
  }
  return accMerge(ACC, total);
}

function consumeInto(state: usize, ptr: usize, stripes: usize): void {
  store<u32>(state, consume(state, ptr, stripes, load<u32>(state, STRIPES)), STRIPES);
}

function hashShort(ptr: usize, len: usize): u64 {
  if (len > 8) {
    const low = load<u64>(ptr) ^ load<u64>(SECRET, 24) ^ load<u64>(SECRET, 32);
    const high = load<u64>(ptr + len - 8) ^ load<u64>(SECRET, 40) ^ load<u64>(SECRET, 48);
    return avalanche(<u64>len + bswap<u64>(low) + high + foldedProduct(low, high));
  }
  if (len >= 4) {
    const words = <u64>load<u32>(ptr + len - 4) + ((<u64>load<u32>(ptr)) << 32);
    let hash = words ^ load<u64>(SECRET, 8) ^ load<u64>(SECRET, 16);
    hash ^= rotl<u64>(hash, 49) ^ rotl<u64>(hash, 24);
    hash *= PRIME_MX2;
    hash ^= (hash >> 35) + <u64>len;
    hash *= PRIME_MX2;
    return hash ^ (hash >> 28);
  }
  if (len > 0) {
    const first = <u32>load<u8>(ptr);
    const middle = <u32>load<u8>(ptr + (len >> 1));
    const last = <u32>load<u8>(ptr + len - 1);
    const word = (first << 16) | (middle << 24) | last | ((<u32>len) << 8);
    return avalanche64(<u64>word ^ <u64>(load<u32>(SECRET) ^ load<u32>(SECRET, 4)));
  }
  return avalanche64(load<u64>(SECRET, 56) ^ load<u64>(SECRET, 64));
}

function hashTo128(ptr: usize, len: usize): u64 {
  let hash = <u64>len * PRIME64_1;
  const end = ptr + len;
  if (len > 96) hash += mix16(ptr + 48, SECRET + 96) + mix16(end - 64, SECRET + 112);
  if (len > 64) hash += mix16(ptr + 32, SECRET + 64) + mix16(end - 48, SECRET + 80);
  if (len > 32) hash += mix16(ptr + 16, SECRET + 32) + mix16(end - 32, SECRET + 48);
  return avalanche(hash + mix16(ptr, SECRET) + mix16(end - 16, SECRET + 16));
}

function hashTo240(ptr: usize, len: usize): u64 {
  let hash = <u64>len * PRIME64_1;
  for (let i: usize = 0; i < 128; i += 16) hash += mix16(ptr + i, SECRET + i);
  hash = avalanche(hash);
  const whole = len & ~15;
  for (let i: usize = 128; i < whole; i += 16) hash += mix16(ptr + i, SECRET + i - 128 + 3);
  return avalanche(hash + mix16(ptr + len - 16, SECRET + 136 - 17));
}

function accInit(acc: usize): void {
  store<u64>(acc, PRIME32_3);
  store<u64>(acc, PRIME64_1, 8);
  store<u64>(acc, PRIME64_2, 16);
  store<u64>(acc, PRIME64_3, 24);
  store<u64>(acc, PRIME64_4, 32);
  store<u64>(acc, PRIME32_2, 40);
  store<u64>(acc, PRIME64_5, 48);
  store<u64>(acc, PRIME32_1, 56);
}

/**
 * Mixes `stripes` stripes into the accumulators, of which `done` are already in the current block.
 * Returns how many the block holds now.
 */
function consume(acc: usize, ptr: usize, stripes: usize, done: u32): u32 {
  let a = v128.load(acc);
  let b = v128.load(acc, 16);
  let c = v128.load(acc, 32);
  let d = v128.load(acc, 48);
  while (stripes > 0) {
    const now = min<u32>(<u32>stripes, STRIPES_PER_BLOCK - done);
    let secret = SECRET + <usize>done * 8;
    for (const end = ptr + <usize>now * STRIPE_SIZE; ptr < end; ptr += STRIPE_SIZE) {
      a = accumulate(a, v128.load(ptr), v128.load(secret));
      b = accumulate(b, v128.load(ptr, 16), v128.load(secret, 16));
      c = accumulate(c, v128.load(ptr, 32), v128.load(secret, 32));
      d = accumulate(d, v128.load(ptr, 48), v128.load(secret, 48));
      secret += 8;
    }
    stripes -= <usize>now;
    done += now;
    if (done == STRIPES_PER_BLOCK) {
      a = scramble(a, v128.load(SECRET, 128));
      b = scramble(b, v128.load(SECRET, 144));
      c = scramble(c, v128.load(SECRET, 160));
      d = scramble(d, v128.load(SECRET, 176));
      done = 0;
    }
  }
  v128.store(acc, a);
  v128.store(acc, b, 16);
  v128.store(acc, c, 32);
  v128.store(acc, d, 48);
  return done;
}

/** The last 64 bytes take a secret of their own, at 192 - 64 - 7. */
function consumeLast(acc: usize, ptr: usize): void {
  for (let i: usize = 0; i < STRIPE_SIZE; i += 16) {
    const mixed = accumulate(v128.load(acc + i), v128.load(ptr + i), v128.load(SECRET + 121 + i));
    v128.store(acc + i, mixed);
  }
}

function accMerge(acc: usize, len: usize): u64 {
  let hash = <u64>len * PRIME64_1;
  for (let i: usize = 0; i < 64; i += 16) hash += mix16(acc + i, SECRET + 11 + i);
  return avalanche(hash);
}

function accumulate(acc: v128, data: v128, secret: v128): v128 {
  const key = v128.xor(data, secret);
  const low = v128.shuffle<i32>(key, key, 0, 2, 0, 2);
  const high = v128.shuffle<i32>(key, key, 1, 3, 1, 3);
  const swapped = v128.shuffle<i64>(data, data, 1, 0);
  return i64x2.add(acc, i64x2.add(i64x2.extmul_low_i32x4_u(low, high), swapped));
}

function scramble(acc: v128, secret: v128): v128 {
  const mixed = v128.xor(v128.xor(acc, i64x2.shr_u(acc, 47)), secret);
  const prime = i32x4.splat(<i32>PRIME32_1);
  const low = i64x2.extmul_low_i32x4_u(v128.shuffle<i32>(mixed, mixed, 0, 2, 0, 2), prime);
  const high = i64x2.extmul_low_i32x4_u(v128.shuffle<i32>(mixed, mixed, 1, 3, 1, 3), prime);
  return i64x2.add(low, i64x2.shl(high, 32));
}

function mix16(ptr: usize, secret: usize): u64 {
  const low = load<u64>(ptr) ^ load<u64>(secret);
  return foldedProduct(low, load<u64>(ptr, 8) ^ load<u64>(secret, 8));
}

/** Both halves of the 128-bit product, exclusive-ored. Wasm has no wide multiplication. */
function foldedProduct(a: u64, b: u64): u64 {
  const aLow = a & 0xffffffff;
  const aHigh = a >> 32;
  const bLow = b & 0xffffffff;
  const bHigh = b >> 32;
  const lowLow = aLow * bLow;
  const highLow = aHigh * bLow;
  const cross = (lowLow >> 32) + (highLow & 0xffffffff) + aLow * bHigh;
  const upper = (highLow >> 32) + (cross >> 32) + aHigh * bHigh;
  return upper ^ ((cross << 32) | (lowLow & 0xffffffff));
}

function avalanche(hash: u64): u64 {
  hash ^= hash >> 37;
  hash *= PRIME_MX1;
  return hash ^ (hash >> 32);
}

/** The finish of XXH64, which XXH3 takes for up to three bytes. */
function avalanche64(hash: u64): u64 {
  hash ^= hash >> 33;
  hash *= PRIME64_2;
  hash ^= hash >> 29;
  hash *= PRIME64_3;
  return hash ^ (hash >> 32);
}
