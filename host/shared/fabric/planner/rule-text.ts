/**
 * The texts in which the published policy.json writes pins and failover:
 *
 *   "rtt://ui/agent/writer@* -> rtt://obs/extension/logger@1.3.0"      a pin
 *   "rtt://ui/agent/* -> [rtt://db/service/a, rtt://db/service/b]"     a failover
 */
import { isVersionRange } from "../../trust/policy/versions.ts";
import type { FailoverRule, PinRule } from "./model.ts";

const ARROW = "->";

/** "A -> B" in its two parts; null when it is not one. */
export function parseArrow(text: string): readonly [string, string] | null {
  const [from, to, ...more] = text.split(ARROW).map((part) => part.trim());
  if (from === undefined || to === undefined || more.length > 0) return null;
  return from === "" || to === "" ? null : [from, to];
}

/** "A -> B@v"; null when it is not one. A variant may follow the version. */
export function parsePin(text: string): PinRule | null {
  const sides = parseArrow(text);
  if (sides === null) return null;
  const [from, target] = sides;
  const at = target.lastIndexOf("@");
  if (at <= 0) return null;
  const hash = target.indexOf("#", at);
  const version = target.slice(at + 1, hash === -1 ? undefined : hash).trim();
  if (version === "" || !isVersionRange(version)) return null;
  const to = target.slice(0, at) + (hash === -1 ? "" : target.slice(hash));
  return { from, to, version };
}

/** "A -> [B, C]"; null when it is not one. */
export function parseFailover(text: string): FailoverRule | null {
  const sides = parseArrow(text);
  if (sides === null) return null;
  const [from, list] = sides;
  if (!list.startsWith("[") || !list.endsWith("]")) return null;
  const to = list
    .slice(1, -1)
    .split(",")
    .map((part) => part.trim());
  return to.includes("") ? null : { from, to };
}
