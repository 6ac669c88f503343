/**
 * Which arguments of a call name files. A contract says it; for a tool without one it is told by the argument's
 * name and by the look of its value, and when in doubt a text counts as a path, because policy denies by default.
 */

/** Names that servers use for arguments that are paths, where no contract says it. */
const PATH_NAMES: ReadonlySet<string> = new Set([
  "path",
  "paths",
  "file",
  "files",
  "filename",
  "filepath",
  "folder",
  "directory",
  "dir",
  "cwd",
  "source",
  "destination",
]);

/** Looks like a path wherever it stands: absolute, home, a drive, a file URL, or climbing. */
const PATH_LIKE = /^(?:\/|~|[A-Za-z]:[\\/]|\\\\|file:)|(?:^|[\\/])\.\.(?:[\\/]|$)/;

/** The paths among the arguments of a call; `declared` are those that a contract names. */
export function pathsIn(args: unknown, declared: readonly string[] | null): readonly string[] {
  const found: string[] = [];
  if (args === null || typeof args !== "object") return found;
  for (const [name, value] of Object.entries(args)) {
    const isNamed =
      declared === null
        ? PATH_NAMES.has(name.toLowerCase().replace(/[_-]/g, ""))
        : declared.includes(name);
    if (declared === null || isNamed) collect(value, isNamed, found);
  }
  return found;
}

function collect(value: unknown, isNamed: boolean, found: string[]): void {
  if (typeof value === "string") {
    if (isNamed || PATH_LIKE.test(value)) found.push(value);
  } else if (value !== null && typeof value === "object") {
    for (const inner of Object.values(value)) collect(inner, isNamed, found);
  }
}
