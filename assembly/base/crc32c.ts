/**
 * CRC-32C (Castagnoli), continued over pieces: crc32c(crc32c(0, a), b) is that of a followed by b.
 *
 * Spec       RFC 3720 §12.1, appendix B.4
 * Layer      base (L0)
 * Memory     TABLES, 16 × 256 u32; table k holds what a byte followed by k zero bytes contributes
 * Limits     never for secrets: the tables are indexed by the data
 * Cost       16 bytes a step; the tables are made at the first call
 * Twin       test/reference/crc32c.ts
 */
/** x^32 + x^28 + x^27 + … + 1, bits reversed. */
const POLYNOMIAL: u32 = 0x82f63b78;
const TABLE_SIZE: usize = 1024;
const TABLE_COUNT: usize = 16;
const TABLES: usize = memory.data(16384, 16);

/** Continues `crc` (0 at the start) over `len` bytes at `ptr`. */
export function crc32c(crc: u32, ptr: usize, len: i32): u32 {
  // Entry 1 of the first table is never zero, so it tells whether the tables exist.
  if (load<u32>(TABLES, 4) == 0) buildTables();
  let state = ~crc;
  const end = ptr + <usize>len;
  for (; ptr + 16 <= end; ptr += 16) {
    state =
      fourBytes(12, load<u32>(ptr) ^ state) ^
      fourBytes(8, load<u32>(ptr, 4)) ^
      fourBytes(4, load<u32>(ptr, 8)) ^
      fourBytes(0, load<u32>(ptr, 12));
  }
  for (; ptr < end; ptr++) state = (state >> 8) ^ entry(0, state ^ load<u8>(ptr));
  return ~state;
}

/** What four bytes contribute when `following` bytes of the step come after them. */
function fourBytes(following: usize, word: u32): u32 {
  return (
    entry(following + 3, word) ^
    entry(following + 2, word >> 8) ^
    entry(following + 1, word >> 16) ^
    entry(following, word >> 24)
  );
}

function entry(table: usize, byte: u32): u32 {
  return load<u32>(TABLES + table * TABLE_SIZE + ((<usize>(byte & 255)) << 2));
}

function buildTables(): void {
  for (let byte: u32 = 0; byte < 256; byte++) {
    let value = byte;
    for (let bit = 0; bit < 8; bit++) value = (value >> 1) ^ (POLYNOMIAL & (0 - (value & 1)));
    store<u32>(TABLES + ((<usize>byte) << 2), value);
  }
  for (let table: usize = 1; table < TABLE_COUNT; table++) {
    for (let byte: u32 = 0; byte < 256; byte++) {
      const shorter = entry(table - 1, byte);
      store<u32>(
        TABLES + table * TABLE_SIZE + ((<usize>byte) << 2),
        (shorter >> 8) ^ entry(0, shorter),
      );
    }
  }
}
