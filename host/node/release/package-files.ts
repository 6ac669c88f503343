/** The files of this package: where it lies, what belongs to a release, and its own bill of materials. */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type LockFile, type PackageList, packagesOfLock } from "./package-list.ts";
import { type OtherComponent, packagesOfSbom, sbomText } from "./sbom.ts";

const NAME = "mxp";
const LOCK = "package-lock.json";
const ENGINE = "dist/build/engine.wasm";
/** The bill of materials in the package. */
export const PACKAGE_SBOM = "dist/sbom.cdx.json";

/** Folders that the package has, whose every file is released. */
const FOLDERS = ["dist", "wit"];
/** Released too, but not part of the package. */
const BESIDE = ["build/engine.component.wasm", LOCK];

/** The folder of the package, whether this runs as TypeScript or from dist. */
export function packageRoot(): string {
  for (let folder = import.meta.dirname; ; folder = dirname(folder)) {
    const path = join(folder, "package.json");
    if (existsSync(path)) {
      const { name } = JSON.parse(readFileSync(path, "utf8")) as { readonly name?: string };
      if (name === NAME) return folder;
    }
    if (folder === dirname(folder)) throw new Error("The package has no package.json");
  }
}

/** Every file that is released and there, from the root, in order. */
export function releaseFiles(root: string): readonly string[] {
  const found = FOLDERS.flatMap((folder) => {
    if (!existsSync(join(root, folder))) return [];
    const entries = readdirSync(join(root, folder), { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) =>
        join(entry.parentPath, entry.name)
          .slice(root.length + 1)
          .replaceAll("\\", "/"),
      );
  });
  const more = ["package.json", ...BESIDE].filter((path) => existsSync(join(root, path)));
  return [...found, ...more].sort();
}

/** Whether a file need not be there where the package was installed. */
export function isBesidePackage(path: string): boolean {
  return BESIDE.includes(path);
}

/** What the package at a root is made of: by its lock file, or where there is none by the bill in it. */
export function packageList(root: string): PackageList {
  const lock = join(root, LOCK);
  if (existsSync(lock)) return packagesOfLock(JSON.parse(readFileSync(lock, "utf8")) as LockFile);
  return packagesOfSbom(readFileSync(join(root, PACKAGE_SBOM), "utf8"));
}

/** The engine as a component; null where it is not built. */
export function engineComponent(root: string): OtherComponent | null {
  const path = [ENGINE, "build/engine.wasm"].find((one) => existsSync(join(root, one)));
  if (path === undefined) return null;
  return {
    ref: "mxp:engine.wasm",
    type: "file",
    group: null,
    name: "engine.wasm",
    version: null,
    purl: null,
    sha256: createHash("sha256")
      .update(readFileSync(join(root, path)))
      .digest("hex"),
    properties: {},
    needs: [],
  };
}

/** The package's own bill of materials. */
export function packageSbom(root: string): string {
  const { root: subject, packages } = packageList(root);
  const engine = engineComponent(root);
  const needs = [...subject.needs, ...(engine === null ? [] : [engine.ref])];
  return sbomText({
    subject: { ...subject, needs },
    packages,
    others: engine === null ? [] : [engine],
  });
}
