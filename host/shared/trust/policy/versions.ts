/** Semantic versions of tools. The only file that imports the package `semver`. */
import semver from "semver";

/** The semver of a text that may not be one ("2026.8" becomes "2026.8.0"); "0.0.0" when there is none. */
export function normalizeVersion(text: string | undefined): string {
  if (text === undefined) return "0.0.0";
  return semver.valid(text) ?? semver.coerce(text)?.version ?? "0.0.0";
}

export function isVersion(text: string): boolean {
  return semver.valid(text) !== null;
}

export function isVersionRange(text: string): boolean {
  return semver.validRange(text) !== null;
}

/**
 * Whether `version` lies in `range`. A pre-release is in a range for a prohibition but not for a permission, as
 * each errs towards refusing.
 */
export function isInRange(version: string, range: string, effect: "allow" | "deny"): boolean {
  return semver.satisfies(version, range, { includePrerelease: effect === "deny" });
}
