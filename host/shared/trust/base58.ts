/** Base58 with the Bitcoin alphabet, as libp2p peer ids and multibase `z` use it. */
const ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/** Ids, keys and invitations are far shorter; the cost grows with the square of the length. */
const TEXT_MAX = 1024;

/** Base58 of `bytes`. Each leading zero byte becomes one "1". */
export function encodeBase58(bytes: Uint8Array): string {
  const digits: number[] = [];
  for (const byte of bytes) {
    let carry = byte;
    for (let index = 0; index < digits.length; index++) {
      carry += (digits[index] as number) * 256;
      digits[index] = carry % 58;
      carry = Math.floor(carry / 58);
    }
    while (carry > 0) {
      digits.push(carry % 58);
      carry = Math.floor(carry / 58);
    }
  }
  let text = "";
  for (const byte of bytes) {
    if (byte !== 0) break;
    text += ALPHABET.charAt(0);
  }
  for (const digit of digits.reverse()) text += ALPHABET.charAt(digit);
  return text;
}

/** Bytes of a base58 text, or null when a character is foreign or the text is too long. */
export function decodeBase58(text: string): Uint8Array<ArrayBuffer> | null {
  if (text.length > TEXT_MAX) return null;
  const bytes: number[] = [];
  for (const character of text) {
    let carry = ALPHABET.indexOf(character);
    if (carry < 0) return null;
    for (let index = 0; index < bytes.length; index++) {
      carry += (bytes[index] as number) * 58;
      bytes[index] = carry & 0xff;
      carry >>= 8;
    }
    while (carry > 0) {
      bytes.push(carry & 0xff);
      carry >>= 8;
    }
  }
  for (const character of text) {
    if (character !== ALPHABET.charAt(0)) break;
    bytes.push(0);
  }
  return Uint8Array.from(bytes.reverse());
}
