/** The npm packages that this package needs at run time, as the lock file pins them. */
import { purlOf } from "../../shared/fabric/release/server-package.ts";

export interface NpmPackage {
  readonly name: string;
  readonly version: string;
  readonly purl: string;
  /** SPDX, or what the package says instead; null when it says nothing. */
  readonly license: string | null;
  /** Of the package's archive, hexadecimal. */
  readonly sha512: string | null;
  /** Not everybody has it, such as a binary for another system. */
  readonly isOptional: boolean;
  /** Package URLs of what it needs itself. */
  readonly needs: readonly string[];
}

export interface PackageList {
  readonly root: NpmPackage;
  /** In the order of their package URLs, each once. */
  readonly packages: readonly NpmPackage[];
}

interface LockEntry {
  readonly version?: string;
  readonly integrity?: string;
  readonly license?: string;
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly devOptional?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

export interface LockFile {
  readonly name: string;
  readonly version: string;
  readonly lockfileVersion: number;
  readonly packages: Readonly<Record<string, LockEntry>>;
}

const MODULES = "node_modules/";

/** What a lock file of version 3 pins, without what only development needs. */
export function packagesOfLock(lock: LockFile): PackageList {
  if (lock.lockfileVersion !== 3) throw new Error("The lock file is of another version than 3");
  const wanted = Object.entries(lock.packages).filter(([path, { dev }]) => path !== "" && !dev);
  const byPurl = new Map(
    wanted.map(([path, entry]): [string, NpmPackage] => {
      const one = packageOf(lock, path, nameOf(path), entry);
      return [one.purl, one];
    }),
  );
  return {
    root: packageOf(lock, "", lock.name, { version: lock.version, ...lock.packages[""] }),
    packages: [...byPurl.values()].sort((a, b) => (a.purl < b.purl ? -1 : 1)),
  };
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf(MODULES) + MODULES.length);
}

function packageOf(lock: LockFile, path: string, name: string, entry: LockEntry): NpmPackage {
  const { version = "0.0.0", license = null, integrity = "" } = entry;
  const needed = {
    ...entry.dependencies,
    ...entry.optionalDependencies,
    ...entry.peerDependencies,
  };
  const needs = Object.keys(needed).flatMap((need) => {
    const found = resolveIn(lock, path, need);
    return found === null ? [] : [purlOf("npm", need, found.version)];
  });
  const sha512 = /^sha512-([A-Za-z0-9+/]+={0,2})$/.exec(integrity)?.[1];
  return {
    name,
    version,
    purl: purlOf("npm", name, version),
    license,
    sha512: sha512 === undefined ? null : Buffer.from(sha512, "base64").toString("hex"),
    isOptional: entry.optional === true || entry.devOptional === true,
    needs: needs.sort(),
  };
}

/** The package that a name means for the package at a path: the nearest one upward, as Node looks for it. */
function resolveIn(lock: LockFile, path: string, name: string): LockEntry | null {
  for (let at = path; ; at = at.slice(0, Math.max(0, at.lastIndexOf(MODULES) - 1))) {
    const entry = lock.packages[`${at === "" ? "" : `${at}/`}${MODULES}${name}`];
    if (entry !== undefined) return entry.dev === true ? null : entry;
    if (at === "") return null;
  }
}
