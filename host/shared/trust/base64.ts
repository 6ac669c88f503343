/**
 * Base64 (RFC 4648 §4, padded) and base64url (§5, unpadded), strict: one value has exactly one spelling, so that
 * no byte of a signed file can change unnoticed.
 */
const STANDARD = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL_SAFE = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** Value of each character code, −1 for foreign ones. */
function valuesOf(alphabet: string): Int8Array {
  const values = new Int8Array(128).fill(-1);
  for (let index = 0; index < alphabet.length; index++) values[alphabet.charCodeAt(index)] = index;
  return values;
}

const STANDARD_VALUES = valuesOf(STANDARD);
const URL_SAFE_VALUES = valuesOf(URL_SAFE);

function encode(bytes: Uint8Array, alphabet: string): string {
  let text = "";
  let bits = 0;
  let count = 0;
  for (const byte of bytes) {
    bits = (bits << 8) | byte;
    count += 8;
    while (count >= 6) {
      count -= 6;
      text += alphabet.charAt((bits >> count) & 63);
    }
    bits &= (1 << count) - 1;
  }
  if (count > 0) text += alphabet.charAt((bits << (6 - count)) & 63);
  return text;
}

function decode(text: string, values: Int8Array): Uint8Array<ArrayBuffer> | null {
  if (text.length % 4 === 1) return null;
  const bytes = new Uint8Array(Math.floor((text.length * 3) / 4));
  let bits = 0;
  let count = 0;
  let at = 0;
  for (let index = 0; index < text.length; index++) {
    const value = values[text.charCodeAt(index)] ?? -1;
    if (value < 0) return null;
    bits = (bits << 6) | value;
    count += 6;
    if (count >= 8) {
      count -= 8;
      bytes[at++] = bits >> count;
      bits &= (1 << count) - 1;
    }
  }
  // The bits that fill up the last character carry nothing and must be zero.
  return bits === 0 ? bytes : null;
}

/** Padded standard base64. */
export function encodeBase64(bytes: Uint8Array): string {
  const text = encode(bytes, STANDARD);
  return text.padEnd(Math.ceil(text.length / 4) * 4, "=");
}

/** Bytes of a padded standard base64 text, or null. */
export function decodeBase64(text: string): Uint8Array<ArrayBuffer> | null {
  if (text.length % 4 !== 0) return null;
  const unpadded = text.replace(/={1,2}$/, "");
  return decode(unpadded, STANDARD_VALUES);
}

/** Unpadded base64url. */
export function encodeBase64Url(bytes: Uint8Array): string {
  return encode(bytes, URL_SAFE);
}

/** Bytes of an unpadded base64url text, or null. */
export function decodeBase64Url(text: string): Uint8Array<ArrayBuffer> | null {
  return decode(text, URL_SAFE_VALUES);
}
