/**
 * Globs over addresses, as fnmatch reads them: "*" for any characters, "?" for one, "[a-z]" and "[!a-z]" for one of
 * a set. A "[" without its "]" stands for itself.
 *
 * Matching never takes more than pattern length × text length steps: of several stars only the last is tried again.
 */

/** One place of a pattern. */
type Token =
  | { readonly kind: "star" }
  | { readonly kind: "any" }
  | { readonly kind: "one"; readonly character: string }
  | {
      readonly kind: "set";
      readonly isNegated: boolean;
      readonly ranges: readonly (readonly [string, string])[];
    };

export type Glob = readonly Token[];

export function parseGlob(pattern: string): Glob {
  const tokens: Token[] = [];
  for (let at = 0; at < pattern.length; at++) {
    const character = pattern.charAt(at);
    if (character === "*") {
      if (tokens.at(-1)?.kind !== "star") tokens.push({ kind: "star" });
    } else if (character === "?") {
      tokens.push({ kind: "any" });
    } else if (character === "[") {
      const end = endOfSet(pattern, at);
      if (end === -1) {
        tokens.push({ kind: "one", character });
      } else {
        tokens.push(parseSet(pattern.slice(at + 1, end)));
        at = end;
      }
    } else {
      tokens.push({ kind: "one", character });
    }
  }
  return tokens;
}

/** Index of the "]" that closes the set at `start`; a "]" right after "[" or "[!" belongs to the set. */
function endOfSet(pattern: string, start: number): number {
  const first = pattern.charAt(start + 1) === "!" ? start + 2 : start + 1;
  return pattern.indexOf("]", first + 1);
}

function parseSet(text: string): Token {
  const isNegated = text.startsWith("!");
  const body = isNegated ? text.slice(1) : text;
  const ranges: [string, string][] = [];
  for (let at = 0; at < body.length; at++) {
    const low = body.charAt(at);
    if (body.charAt(at + 1) === "-" && at + 2 < body.length) {
      ranges.push([low, body.charAt(at + 2)]);
      at += 2;
    } else {
      ranges.push([low, low]);
    }
  }
  return { kind: "set", isNegated, ranges };
}

export function matchesGlob(glob: Glob, text: string): boolean {
  let [token, at] = [0, 0];
  let [starToken, starAt] = [-1, 0];
  while (at < text.length) {
    const current = glob[token];
    if (current?.kind === "star") {
      starToken = token++;
      starAt = at;
    } else if (current !== undefined && fits(current, text.charAt(at))) {
      token++;
      at++;
    } else if (starToken !== -1) {
      token = starToken + 1;
      at = ++starAt;
    } else {
      return false;
    }
  }
  while (glob[token]?.kind === "star") token++;
  return token === glob.length;
}

function fits(token: Token, character: string): boolean {
  if (token.kind === "any") return true;
  if (token.kind === "one") return token.character === character;
  if (token.kind === "star") return false;
  const isIn = token.ranges.some(([low, high]) => low <= character && character <= high);
  return isIn !== token.isNegated;
}
