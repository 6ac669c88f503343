/**
 * Keeps secrets out of bodies. What looks like one is replaced by where it comes from; what already is a reference,
 * in any tool's spelling, gets one spelling:
 *
 *   "ghp_…" under GITHUB_TOKEN         → { "ref": "env:GITHUB_TOKEN" }
 *   "${GITHUB_TOKEN}", "{env:…}"       → { "ref": "env:GITHUB_TOKEN" }
 *   "Bearer ${TOKEN}"                  → { "template": "Bearer ${env:TOKEN}" }
 *   "--api-key=sk-…" of the server x   → { "template": "--api-key=${env:X_API_KEY}" }
 *
 * In doubt something is a secret: a reference too many costs an environment variable, one too few a secret.
 */
import { isJsonObject, type Json } from "../../trust/canonical-json.ts";
import type { LossyField } from "./found.ts";

/** Words of a name that say that its value is a secret. */
const SECRET_WORDS = new Set(
  (
    "accesskey apikey apitoken auth authorization authtoken bearer clientsecret connectionstring cookie " +
    "credential credentials dsn key pass passphrase passwd password pat pin privatekey pwd secret " +
    "secretkey secrets session signature token"
  ).split(" "),
);
/** Names with such a word whose values are no secrets. */
const PLAIN_NAMES = new Set(["pwd", "oldpwd", "public_key", "key_id", "session_name"]);

/** Forms in which known services hand out secrets. */
const KNOWN_SECRET =
  /\b(?:sk-[\w-]{16,}|[sr]k_(?:live|test)_\w{10,}|gh[opsur]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|xox[abeprs]-[\w-]{10,}|(?:AKIA|ASIA)[0-9A-Z]{16}|AIza[\w-]{30,}|npm_\w{30,}|hf_\w{20,}|ey[JK][\w-]{8,}\.[\w-]{8,}\.[\w-]*|dop_v1_\w{20,}|pypi-[\w-]{20,}|lin_api_\w{20,}|ntn_\w{20,}|secret_\w{20,})/;
const KNOWN_SECRETS = new RegExp(KNOWN_SECRET.source, "g");
const PRIVATE_KEY = /-----BEGIN [A-Z ]*PRIVATE KEY-----/;

/** Whether a name of a variable, header, flag or field says that its value is a secret. */
export function isSecretName(name: string): boolean {
  if (PLAIN_NAMES.has(name.toLowerCase())) return false;
  const words = name
    .replace(/([a-z\d])([A-Z])/g, "$1-$2")
    .toLowerCase()
    .split(/[^a-z\d]+/);
  return words.some((word) => SECRET_WORDS.has(word)) || SECRET_WORDS.has(words.join(""));
}

/** Whether a value looks like a secret whatever its name is. */
export function isSecretValue(text: string): boolean {
  if (KNOWN_SECRET.test(text) || PRIVATE_KEY.test(text)) return true;
  if (/^[0-9a-f]{32,}$/i.test(text)) return true;
  return (
    /^[\w+/=.-]{24,}$/.test(text) &&
    /[a-z]/.test(text) &&
    /[A-Z]/.test(text) &&
    /\d/.test(text) &&
    // A path has capitals and digits too.
    !text.startsWith("/") &&
    text.split("/").length < 4 &&
    entropyBits(text) >= 3.8
  );
}

/** Shannon entropy of a character, in bits. */
function entropyBits(text: string): number {
  const counts = new Map<string, number>();
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) {
    bits -= (count / text.length) * Math.log2(count / text.length);
  }
  return bits;
}

/** References as Claude Code, VS Code, OpenCode and Gemini CLI write them. */
const REFERENCE =
  /\$\{env:(\w+)\}|\{env:(\w+)\}|\$\{([A-Z_][A-Z0-9_]*)(?::-([^}]*))?\}|\$([A-Z_][A-Z0-9_]*)\b/g;
const ONE_REFERENCE = /^\$\{((?:env|input):[\w-]+)\}$/;
const ANY_REFERENCE = /\$\{(?:env|input):[\w-]+(?::-[^}]*)?\}/;
const SCHEME = /^(Bearer|Basic|Token|ApiKey)\s+\S/i;
const HEADER = /^([A-Za-z][\w-]*):\s*(\S.*)$/;
const ASSIGNMENT = /^(-{0,2}[A-Za-z][\w-]*)=(.*)$/s;

/** Makes the values of one symbol safe to keep; remembers what it replaced. */
export class SecretKeeper {
  readonly lossy: LossyField[] = [];
  readonly #prefix: string;

  /** `owner` begins the names of variables for secrets that have no name of their own. */
  constructor(owner: string) {
    this.#prefix = variableName(owner);
  }

  /** The value of an environment variable. */
  variable(name: string, value: string, field: string): Json {
    if (value === "" || !(isSecretName(name) || isSecretValue(value))) {
      return this.text(value, field, name);
    }
    const text = this.#references(value, field);
    if (isOnlyReference(text)) return spoken(text);
    return this.#replaced(field, spoken(`\${env:${variableName(name)}}`));
  }

  /** The value of an HTTP header. */
  header(name: string, value: string, field: string): Json {
    if (value === "" || !isSecretName(name)) return this.text(value, field, name);
    const text = this.#references(value, field);
    if (isOnlyReference(text)) return spoken(text);
    return this.#replaced(field, spoken(this.#hideAfterScheme(value, name)));
  }

  /** Arguments of a program: a flag with a secret name takes its value from the next one. */
  words(words: readonly string[], field: string): Json[] {
    let flag: string | null = null;
    return words.map((word, at) => {
      const name = flag;
      flag = /^-{1,2}[A-Za-z][\w-]*$/.test(word) && isSecretName(word) ? word : null;
      const where = `${field}[${at}]`;
      if (name === null || flag !== null || isOnlyReference(this.#references(word, where))) {
        return this.text(word, where, `${field}-${at}`);
      }
      return this.#replaced(where, spoken(this.#variable(name)));
    });
  }

  /** Any other text: secrets in it are replaced, the rest stays. */
  text(value: string, field: string, name: string): Json {
    const text = this.#references(value, field);
    const hidden = this.#hide(text, name);
    return hidden === text ? spoken(text) : this.#replaced(field, spoken(hidden));
  }

  /** A whole value of a field that only one tool knows. */
  value(value: Json, field: string, name: string): Json {
    if (typeof value === "string") {
      return isSecretName(name)
        ? this.variable(`${this.#prefix}_${name}`, value, field)
        : this.text(value, field, name);
    }
    if (Array.isArray(value)) {
      return value.map((item: Json, at) => this.value(item, `${field}[${at}]`, name));
    }
    if (!isJsonObject(value)) return value;
    return Object.fromEntries(
      Object.entries(value).map(([member, item]): [string, Json] => [
        member,
        this.value(item, `${field}.${member}`, member),
      ]),
    );
  }

  #replaced(field: string, value: Json): Json {
    this.lossy.push({ field, reason: "secret-by-reference" });
    return value;
  }

  #variable(name: string): string {
    return `\${env:${this.#prefix}_${variableName(name)}}`;
  }

  /** One spelling for references. A default that looks like a secret is left out. */
  #references(value: string, field: string): string {
    return value.replace(REFERENCE, (_, vsCode, openCode, claude, initial, plain) => {
      const name = String(vsCode ?? openCode ?? claude ?? plain);
      if (typeof initial !== "string") return `\${env:${name}}`;
      if (!isSecretName(name) && !isSecretValue(initial)) return `\${env:${name}:-${initial}}`;
      this.#replaced(field, null);
      return `\${env:${name}}`;
    });
  }

  #hideAfterScheme(value: string, name: string): string {
    const scheme = SCHEME.exec(value)?.[1];
    return `${scheme === undefined ? "" : `${scheme} `}${this.#variable(name)}`;
  }

  /** The text with every secret in it replaced. */
  #hide(text: string, name: string): string {
    if (PRIVATE_KEY.test(text)) return this.#variable(name);
    const [, assigned, value = ""] = ASSIGNMENT.exec(text) ?? [];
    if (assigned !== undefined && !ANY_REFERENCE.test(value)) {
      // Whatever follows could belong to the value, spaces included.
      if (value !== "" && isSecretName(assigned)) return `${assigned}=${this.#variable(assigned)}`;
      return `${assigned}=${this.#hide(value, assigned)}`;
    }
    const [, header, content = ""] = HEADER.exec(text) ?? [];
    if (header !== undefined && isSecretName(header)) {
      return isOnlyReference(content)
        ? text
        : `${header}: ${this.#hideAfterScheme(content, header)}`;
    }
    if (/\s/.test(text)) return this.#hideInLine(text, name);
    if (text.includes("://")) return this.#hideInUrl(text, name);
    if (isSecretValue(text)) return this.#variable(name);
    return text.replace(KNOWN_SECRETS, () => this.#variable(name));
  }

  /** A line for a shell: `program KEY=value --token value https://…`. */
  #hideInLine(text: string, name: string): string {
    let flag: string | null = null;
    return text.replace(/\S+/g, (word) => {
      const before = flag;
      flag = /^-{1,2}[A-Za-z][\w-]*$/.test(word) && isSecretName(word) ? word : null;
      if (before === null || flag !== null || word.includes("${")) return this.#hide(word, name);
      return this.#variable(before);
    });
  }

  #hideInUrl(text: string, name: string): string {
    return text
      .replace(/(:\/\/[^/\s:@]*):([^/\s@]+)@/g, (whole, user: string, password: string) =>
        password.includes("${") ? whole : `${user}:${this.#variable("password")}@`,
      )
      .replace(
        /([?&#])([^=&#\s]+)=([^&#\s]+)/g,
        (whole, mark: string, key: string, value: string) =>
          !value.includes("${") && (isSecretName(key) || isSecretValue(value))
            ? `${mark}${key}=${this.#variable(key)}`
            : whole,
      )
      .replace(/(?<=\/)[^/?&#\s]{20,}/g, (part) =>
        isSecretValue(part) ? this.#variable(name) : part,
      )
      .replace(KNOWN_SECRETS, () => this.#variable(name));
  }
}

/** Whether a text is a reference, perhaps after the name of a scheme, and nothing else that could be secret. */
function isOnlyReference(text: string): boolean {
  return /^(?:(?:Bearer|Basic|Token|ApiKey)\s+)?\$\{(?:env|input):[\w-]+(?::-[^}]*)?\}$/i.test(
    text,
  );
}

/** How a body writes a text that may have references in it. */
function spoken(text: string): Json {
  const reference = ONE_REFERENCE.exec(text)?.[1];
  if (reference !== undefined) return { ref: reference };
  return ANY_REFERENCE.test(text) ? { template: text } : text;
}

function variableName(text: string): string {
  return text
    .replace(/([a-z\d])([A-Z])/g, "$1_$2")
    .toUpperCase()
    .replace(/[^A-Z0-9]+/g, "_")
    .replace(/^_+|_+$/g, "");
}
