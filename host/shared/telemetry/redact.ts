/** What never reaches a log: values under names that hold secrets, and texts that look like tokens. */

/** Names whose value is replaced, compared in lower case without separators. */
const SECRET_NAMES: ReadonlySet<string> = new Set([
  "authorization",
  "cookie",
  "token",
  "accesstoken",
  "refreshtoken",
  "bearer",
  "password",
  "passphrase",
  "secret",
  "apikey",
  "privatekey",
  "seed",
  "psk",
  "code",
  "invitation",
]);

/** Error codes are stable public words; `code` is a secret only where it is an invitation. */
const PUBLIC_CODE = /^(?:[a-z]+(?:-[a-z]+)*|[A-Z_]+|\d+)$/;

/** A bearer token inside a longer text. */
const BEARER = /\b(Bearer\s+)[A-Za-z0-9._~+/=-]{8,}/gi;
/** `name=value` and `"name":"value"` inside a longer text, such as the error output of a tool server. */
const ASSIGNMENT =
  /((?:api[_-]?key|token|secret|password|passphrase|private[_-]?key)["']?\s*[:=]\s*["']?)[^\s"',;]{4,}/gi;

export const REDACTED = "[redacted]";

const DEPTH_MAX = 8;

/** A copy of `value` that is fit for a log. */
export function redact(value: unknown, depth = 0): unknown {
  if (typeof value === "string") return redactText(value);
  if (typeof value === "bigint") return value.toString();
  if (value === null || typeof value !== "object") return value;
  if (depth >= DEPTH_MAX) return "[deep]";
  if (value instanceof Uint8Array) return `[${value.length} bytes]`;
  if (Array.isArray(value)) return value.map((item) => redact(item, depth + 1));
  if (value instanceof Error && !("toJSON" in value)) return redactText(value.message);
  const source =
    "toJSON" in value && typeof value.toJSON === "function" ? (value.toJSON() as object) : value;
  return Object.fromEntries(
    Object.entries(source).map(([name, inner]) => [
      name,
      isSecret(name, inner) ? REDACTED : redact(inner, depth + 1),
    ]),
  );
}

/** Takes secrets out of a text that somebody else wrote. */
export function redactText(text: string): string {
  return text.replace(BEARER, `$1${REDACTED}`).replace(ASSIGNMENT, `$1${REDACTED}`);
}

function isSecret(name: string, value: unknown): boolean {
  const plain = name.toLowerCase().replace(/[-_]/g, "");
  if (!SECRET_NAMES.has(plain)) return false;
  if (plain !== "code") return true;
  return typeof value === "string" && !PUBLIC_CODE.test(value);
}
