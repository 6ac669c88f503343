/**
 * Goal: the same sources give the same bytes, wherever, whenever and by whomever they are built, and a signed release
 * says so of every file.
 * Method: two copies in folders of different names, built at different times under other languages and time zones; the
 * release of one, made by the program that was built, checked against the other, whole and with a file changed.
 */
import { spawnSync } from "node:child_process";
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryFolder } from "../../../support/ports.ts";

const ROOT = join(import.meta.dirname, "../../../..");
/** Everything that a build reads. */
const SOURCES = [
  "assembly",
  "host",
  "wit",
  "asconfig.json",
  "build.ts",
  "package.json",
  "package-lock.json",
  "tsconfig.json",
  "tsconfig.base.json",
  "tsconfig.dist.json",
];
const BUILD_MS = 400_000;

type Environment = Readonly<Record<string, string>>;

function run(folder: string, environment: Environment, ...words: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, words, {
    cwd: folder,
    encoding: "utf8",
    env: { ...process.env, ...environment },
  });
  return { status, out: stdout, text: `${stdout}${stderr}` };
}

/** The sources as they are now. */
function sources(): string {
  const folder = temporaryFolder();
  for (const path of SOURCES) cpSync(join(ROOT, path), join(folder, path), { recursive: true });
  return folder;
}

/** A copy of the sources, built. */
function build(from: string, name: string, environment: Environment): string {
  const folder = join(temporaryFolder(), name);
  mkdirSync(folder);
  cpSync(from, folder, { recursive: true });
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  const { status, text } = run(folder, environment, "build.ts", "engine", "dist", "--quiet");
  if (status !== 0) throw new Error(text);
  return folder;
}

/** Files of a folder by their names. */
function filesIn(folder: string): ReadonlyMap<string, Buffer> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return new Map(
    files
      .map((entry): [string, Buffer] => {
        const path = join(entry.parentPath, entry.name);
        return [path.slice(folder.length + 1), readFileSync(path)];
      })
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

test(
  "two builds give the same bytes, and the release of one vouches for the other",
  () => {
    const from = sources();
    const first = build(from, "a", { TZ: "UTC", LANG: "C", LC_ALL: "C" });
    const second = build(from, "another-name-altogether", {
      TZ: "Asia/Tokyo",
      LANG: "cs_CZ.UTF-8",
      LC_ALL: "cs_CZ.UTF-8",
    });
    const [a, b] = [filesIn(join(first, "dist")), filesIn(join(second, "dist"))];
    expect([...a.keys()]).toEqual([...b.keys()]);
    expect([...a].filter(([name, bytes]) => !bytes.equals(b.get(name) as Buffer))).toEqual([]);
    expect([...a.keys()]).toEqual(
      expect.arrayContaining(["build/engine.wasm", "sbom.cdx.json", "host/node/main.js"]),
    );
    const text = [...a.values()].map((bytes) => bytes.toString("latin1")).join("\n");
    expect(text).not.toContain(first);

    const home = { RTT_HOME: join(temporaryFolder(), "home") };
    const rtt = (folder: string, ...words: readonly string[]) =>
      run(folder, home, "dist/host/node/main.js", ...words, "--json");
    expect(rtt(first, "init", join(temporaryFolder(), "project")).status).toBe(0);
    const manifest = join(temporaryFolder(), "release.sigstore.json");
    const { out, text: told } = rtt(first, "export", "--release", manifest);
    if (out === "") throw new Error(told);
    const { files, signer } = JSON.parse(out) as {
      readonly files: number;
      readonly signer: string;
    };
    expect(files).toBeGreaterThan(a.size);

    const verified = rtt(second, "export", "--release", manifest, "--verify");
    expect(verified.text).toContain('"ok":true');
    const stranger = { RTT_HOME: join(temporaryFolder(), "other") };
    const verifyAs = (...words: readonly string[]) =>
      run(
        second,
        stranger,
        "dist/host/node/main.js",
        "export",
        "--release",
        manifest,
        "--verify",
        ...words,
      );
    expect(verifyAs().text).toContain("signer-untrusted");
    expect(verifyAs("--signer", signer).status).toBe(0);

    // As npm installs it: without the lock file and what is only beside the package.
    rmSync(join(second, "package-lock.json"));
    expect(verifyAs("--signer", signer).status).toBe(0);
    const bill = join(temporaryFolder(), "sbom.json");
    const project = join(temporaryFolder(), "p");
    expect(rtt(second, "init", project).status).toBe(0);
    const sbom = run(
      project,
      home,
      join(second, "dist/host/node/main.js"),
      "export",
      "--sbom",
      bill,
    );
    expect([sbom.text, existsSync(bill)]).toEqual([
      expect.stringContaining("components") as string,
      true,
    ]);
    expect(readFileSync(bill, "utf8")).toContain("pkg:npm/commander@");

    const changed = join(second, "dist/host/node/cli.js");
    const good = readFileSync(changed);
    appendFileSync(changed, "\n");
    expect(verifyAs("--signer", signer).text).toContain(
      "build-differs: dist/host/node/cli.js is another one than was released",
    );
    writeFileSync(changed, good);
    renameSync(join(second, "dist/sbom.cdx.json"), join(second, "dist/sbom.json"));
    expect(verifyAs("--signer", signer).text).toContain("dist/sbom.cdx.json is missing");
    expect(rtt(second, "export", "--release", join(second, "none"), "--verify").text).toContain(
      "file-missing",
    );
  },
  BUILD_MS,
);
