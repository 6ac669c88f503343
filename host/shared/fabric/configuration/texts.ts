/** The texts that several configuration files have. A homoglyph is no letter here: all of them are ASCII. */
import { SYMBOL_TYPES } from "../symbol.ts";
import { optional, text } from "./schema.ts";

const PART = "[a-z0-9](?:[a-z0-9-]*[a-z0-9])?";
const TYPE = `(?:${SYMBOL_TYPES.join("|")})`;
const NAME = `rtt://${PART}(?:/${PART}){0,3}/${TYPE}/${PART}`;
const VERSION = "[0-9]{1,15}\\.[0-9]{1,15}\\.[0-9]{1,15}(?:-[0-9a-z-]+(?:\\.[0-9a-z-]+)*)?";
const RANGE = "[0-9a-zA-Z.^~<>=|* -]+";
const GLOB = "(?:rtt://|\\*)[a-z0-9/@#.*?!\\[\\]-]*";
const FILE = "[A-Za-z0-9._@ -]+";
const SYMBOL_CHARACTERS_MAX = 512;
/** As many as two globs with an arrow have. */
const RULE_CHARACTERS_MAX = 1100;

export const ADDRESS = text(
  `${NAME}@${VERSION}(?:#${PART})?`,
  SYMBOL_CHARACTERS_MAX,
  "an address with its version: rtt://namespace/type/name@1.0.0",
);

export const REFERENCE = text(
  `${NAME}(?:@${RANGE})?(?:#${PART})?`,
  SYMBOL_CHARACTERS_MAX,
  "an address, its version missing, whole or a range: rtt://namespace/type/name@^1.2",
);

export const UNVERSIONED = text(
  `${NAME}(?:#${PART})?`,
  SYMBOL_CHARACTERS_MAX,
  "an address without its version: rtt://namespace/type/name",
);

export const VERSION_RANGE = text(RANGE, 256, "a version or a range of versions");

export const ADDRESS_GLOB = text(
  GLOB,
  SYMBOL_CHARACTERS_MAX,
  "a pattern over addresses: rtt:// or * first, then a-z, 0-9, / @ # . - and * ? [a-z]",
);

export const ARROW_GLOB = text(
  `${GLOB}(?: *-> *${GLOB})?`,
  RULE_CHARACTERS_MAX,
  'a pattern over addresses, or two of them as "A -> B"',
);

export const PIN = text(
  `${GLOB} *-> *${GLOB}@${RANGE}(?:#${PART})?`,
  RULE_CHARACTERS_MAX,
  'a pin "A -> B@1.2.3"',
);

export const FAILOVER = text(
  `${GLOB} *-> *\\[ *${GLOB}(?: *, *${GLOB}){0,15} *\\]`,
  16 * SYMBOL_CHARACTERS_MAX,
  'a failover "A -> [B, C]"',
);

const CONDITION =
  "(?:p50|p95|p99)<[0-9]{1,9}(?:\\.[0-9]{1,3})?ms|err<[0-9]{1,3}(?:\\.[0-9]{1,3})?%";

export const HEALTH = text(
  `(?:${CONDITION})(?: *, *(?:${CONDITION})){0,3}`,
  200,
  'conditions such as "p95<5ms,err<0.1%"',
);

export const SCOPE = text("[!-~]+", 128, "a scope without spaces, or *");

export const CAPABILITY = text("[!-~]+", 128, "a capability without spaces");

export const NODE_NAME = text(
  "[A-Za-z0-9][A-Za-z0-9._:-]*",
  128,
  "the name of a node: a letter or digit, then those and . _ : -",
);

/** The name of a provider, which is also that of its view. */
export const PROVIDER = text(PART, 48, "the name of a provider: a-z, 0-9 and hyphens");

export const TITLE = text("[^\\x00-\\x1f\\x7f]+", 200, "a text on one line");

/** Inside the project; what leads out of it or into `.rtt` is found by whoever uses it. */
export const PROJECT_PATH = text(
  `(?:\\./)?${FILE}(?:/${FILE})*/?`,
  1024,
  "a path inside the project, with /",
);

export const SOCKET_PATH = text("[ -~]+", 256, "the path of a socket or a pipe");

export const AGENT_ID = text(
  `[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?@${VERSION}`,
  256,
  'an agent with its version: "search@1.0.0"',
);

export const OVERLAY = text(
  `(?:provider|env):${PART}`,
  64,
  'an overlay: "provider:claude" or "env:prod"',
);

/** Editors look for their schema there. */
export const SCHEMA_MEMBER = optional(
  text("[ -~]+", 512, "the address of a schema"),
  "The schema that editors check this file by; ignored.",
);
