/** Which symbols may be unsigned: patterns such as "dev/*" over `namespace/type/name`, the published `allow_unsigned`. */
import type { SymbolAddress } from "../symbol.ts";

/** Whether one of the patterns covers the whole of the address; "*" stands for any characters. */
export function matchesAny(patterns: readonly string[], address: SymbolAddress): boolean {
  const text = `${address.namespace}/${address.type}/${address.name}`;
  return patterns.some((pattern) => matches(pattern, text));
}

/** Walks instead of compiling an expression, so that no pattern takes longer than its length times the text's. */
function matches(pattern: string, text: string): boolean {
  let [at, star, retry] = [0, -1, 0];
  let inPattern = 0;
  while (at < text.length) {
    if (pattern[inPattern] === "*") {
      star = inPattern++;
      retry = at;
    } else if (pattern[inPattern] === text[at]) {
      inPattern += 1;
      at += 1;
    } else if (star >= 0) {
      // The last star takes one character more.
      inPattern = star + 1;
      at = ++retry;
    } else {
      return false;
    }
  }
  while (pattern[inPattern] === "*") inPattern += 1;
  return inPattern === pattern.length;
}
