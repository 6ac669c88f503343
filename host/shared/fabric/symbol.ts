/**
 * Addresses of symbols: `rtt://<namespace>/<type>/<name>@<version>#<variant>`.
 *
 *   rtt://obs/extension/logger@1.3.0#ndjson
 *         └┬┘ └───┬───┘ └─┬──┘ └─┬─┘ └─┬──┘
 *   namespace   type    name  version variant (may be missing)
 *
 * A namespace may have several parts, because published tools of MCP servers lie at `rtt://mcp/<provider>/tool/…`.
 * Only lower-case ASCII letters, digits and hyphens are in it, so that no two addresses look alike, and one address
 * has exactly one spelling.
 */
import { Failure } from "../ports/failure.ts";
import { isInRange, isVersion, isVersionRange } from "../trust/policy/versions.ts";

/** What a symbol can be: ours, and the published ones that mean something else. */
export const SYMBOL_TYPES = [
  "agent",
  "skill",
  "tool",
  "mcp-server",
  "rule",
  "command",
  "hook",
  "contract",
  "api",
  "plugin",
  "extension",
  "stub",
  "flag",
  "tag",
  "service",
  "queue",
  "bus",
  "file",
  "proc",
  "stream",
  "view",
  "plan",
] as const;

export type SymbolType = (typeof SYMBOL_TYPES)[number];

export interface SymbolAddress {
  /** One part, or several with slashes between them. */
  readonly namespace: string;
  readonly type: SymbolType;
  readonly name: string;
  readonly version: string;
  readonly variant: string | null;
}

/** An address whose version is a range: what somebody asks for. */
export interface SymbolReference extends Omit<SymbolAddress, "version"> {
  readonly range: string;
}

export const ADDRESS_CHARACTERS_MAX = 512;
const NAMESPACE_PARTS_MAX = 4;
const PART_CHARACTERS_MAX = 128;

const SCHEME = "rtt://";
const PART = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/;
/** SemVer 2.0.0 without build metadata, which would give one version two spellings. */
const VERSION = /^\d{1,15}\.\d{1,15}\.\d{1,15}(?:-[0-9a-z-]+(?:\.[0-9a-z-]+)*)?$/;

function invalid(text: string, problem: string): Failure {
  // What cannot be shown safely on a terminal is shown as its code points.
  const shown = text.slice(0, 80).replace(/[^\x20-\x7e]/gu, (character) => {
    return `\\u{${Number(character.codePointAt(0)).toString(16)}}`;
  });
  return new Failure("symbol-invalid", `"${shown}" is no address of a symbol: ${problem}`, {
    origin: "local",
    remedy: "Write rtt://namespace/type/name@1.0.0#variant with a-z, 0-9 and hyphens.",
  });
}

/** Reads an address. Total: whatever it is given, it answers or fails with `symbol-invalid`. */
export function parseSymbolAddress(text: string): SymbolAddress {
  const { range, ...rest } = parseParts(text, true);
  if (!VERSION.test(range) || !isVersion(range)) {
    throw invalid(text, "the version is not of the form 1.2.3");
  }
  return { ...rest, version: range };
}

/** Reads an address with a range in place of the version; without one, every version is meant. */
export function parseSymbolReference(text: string): SymbolReference {
  const reference = parseParts(text, false);
  if (!isVersionRange(reference.range)) throw invalid(text, "the range of versions is not one");
  return reference;
}

/** An address, its version still unread. */
function parseParts(text: string, isVersionNeeded: boolean): SymbolReference {
  if (!text.startsWith(SCHEME)) throw invalid(text, `it does not begin with ${SCHEME}`);
  if (text.length > ADDRESS_CHARACTERS_MAX) {
    throw invalid(text, `it has more than ${ADDRESS_CHARACTERS_MAX} characters`);
  }
  const [head = "", variant, ...moreVariants] = text.slice(SCHEME.length).split("#");
  const [path = "", range, ...moreRanges] = head.split("@");
  if (moreVariants.length > 0 || moreRanges.length > 0) throw invalid(text, "# or @ stands twice");
  if (range === undefined && isVersionNeeded) throw invalid(text, "it names no version");
  const parts = path.split("/");
  if (parts.length < 3) throw invalid(text, "namespace, type or name is missing");
  if (parts.length > NAMESPACE_PARTS_MAX + 2) throw invalid(text, "the namespace has many parts");
  const odd = [...parts, ...(variant === undefined ? [] : [variant])].find((part) => !isPart(part));
  if (odd !== undefined) throw invalid(text, "a part is empty or has other characters");
  const type = SYMBOL_TYPES.find((known) => known === parts.at(-2));
  if (type === undefined) throw invalid(text, `the type is none of ${SYMBOL_TYPES.join(", ")}`);
  return {
    namespace: parts.slice(0, -2).join("/"),
    type,
    name: parts.at(-1) as string,
    range: range ?? "*",
    variant: variant ?? null,
  };
}

function isPart(text: string): boolean {
  return text.length <= PART_CHARACTERS_MAX && PART.test(text);
}

/** Texts of addresses that were checked: a scan asks for the same ones again and again. */
const TEXTS = new WeakMap<SymbolAddress, string>();

/** The text of an address. What is not an address fails with `symbol-invalid`, so that none is ever written. */
export function formatSymbolAddress(address: SymbolAddress): string {
  const known = TEXTS.get(address);
  if (known !== undefined) return known;
  const { namespace, type, name, version, variant } = address;
  const tail = variant === null ? "" : `#${variant}`;
  const text = `${SCHEME}${namespace}/${type}/${name}@${version}${tail}`;
  parseSymbolAddress(text);
  TEXTS.set(address, text);
  return text;
}

/**
 * The name of something whose own name is less strict ("Code_Fix" becomes "code-fix"); null when it cannot be one.
 * Characters beyond ASCII are refused, not replaced: two names that only look alike must not become one.
 */
export function symbolName(text: string): string | null {
  if (!/^[A-Za-z0-9 ._:/-]+$/.test(text)) return null;
  const name = text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "");
  return isPart(name) ? name : null;
}

/** Whether `address` is one of those that `reference` asks for. */
export function isReferredTo(address: SymbolAddress, reference: SymbolReference): boolean {
  return (
    address.namespace === reference.namespace &&
    address.type === reference.type &&
    address.name === reference.name &&
    address.variant === reference.variant &&
    isInRange(address.version, reference.range, "allow")
  );
}

/** Negative when `a` is the older version, positive when it is the newer one, 0 when they are the same. */
export function compareVersions(a: string, b: string): number {
  if (a === b) return 0;
  // "deny" counts pre-releases among the versions of a range, and here every version takes part.
  return isInRange(a, `>${b}`, "deny") ? 1 : -1;
}
