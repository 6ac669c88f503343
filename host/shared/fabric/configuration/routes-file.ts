/**
 * `.rtt/routes.json`: routes that are wanted beyond those that a project has by itself.
 *
 *   { routes: [{ from, to }] }      as published; a version may be missing or a range
 *   { routes: [{ from, to, capabilities, optional }] }      with what we add
 */
import { Failure } from "../../ports/failure.ts";
import { type ConfigurationDocument, parseConfiguration } from "./document.ts";
import { objects, texts } from "./member.ts";
import { FLAG, list, needed, object, optional } from "./schema.ts";
import { CAPABILITY, REFERENCE, SCHEMA_MEMBER } from "./texts.ts";
import { parseSymbolReference } from "../symbol.ts";

const ROUTES_MAX = 50_000;

export const ROUTES_SCHEMA = object({
  $schema: SCHEMA_MEMBER,
  routes: needed(
    list(
      object({
        from: needed(REFERENCE, "Who reaches; without a version, the newest one."),
        to: needed(REFERENCE, "Who is reached; without a version, the best that fits."),
        capabilities: optional(
          list(CAPABILITY, 256),
          "What the one that is reached must be able to do.",
        ),
        optional: optional(FLAG, "Left out when it cannot be had, instead of failing the plan."),
      }),
      ROUTES_MAX,
    ),
    "Routes that are wanted.",
  ),
});

/** A route as it was wished for, with its place for messages. */
export interface RouteWish {
  /** References: a version may be missing or a range. */
  readonly from: string;
  readonly to: string;
  readonly capabilities: readonly string[];
  readonly isOptional: boolean;
  readonly path: string;
  readonly line: number;
}

/** Reads wanted routes. Fails with `config-invalid`. */
export function readRoutesFile(source: string, path: string): readonly RouteWish[] {
  const document = parseConfiguration(source, path, "json", ROUTES_SCHEMA);
  const seen = new Map<string, number>();
  return objects(document.value["routes"]).map((route, at) => {
    const member = ["routes", String(at)];
    const from = reference(document, [...member, "from"], route["from"] as string);
    const to = reference(document, [...member, "to"], route["to"] as string);
    const line = document.lineOf(member);
    const before = seen.get(`${from} ${to}`);
    if (before !== undefined) {
      throw document.wrong(member, "conflict", `is the route of line ${before} once more`);
    }
    seen.set(`${from} ${to}`, line);
    return {
      from,
      to,
      capabilities: texts(route["capabilities"]),
      isOptional: route["optional"] === true,
      path,
      line,
    };
  });
}

/** What the pattern lets through and is no reference: a range that is none, an address that is too long. */
function reference(
  document: ConfigurationDocument,
  member: readonly string[],
  value: string,
): string {
  try {
    parseSymbolReference(value);
    return value;
  } catch (thrown) {
    const message = Failure.from(thrown).message.replace(/^symbol-invalid: /, "");
    throw document.wrong(member, "pattern", message);
  }
}
