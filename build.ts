/**
 * The one build tool: `node build.ts [target …] [--quiet]`.
 *
 *   engine    assembly/index.ts → build/engine.wasm, the module our own hosts load
 *   entries   test/entry/*.ts → build/test/*.wasm, what unit tests reach inside the engine
 *             (`entries:crypto` builds one)
 *   types     checks every tsconfig with tsc
 *
 * Without a target it builds `engine`. A target whose inputs have not changed is skipped: the digest of
 * its inputs is kept beside its output.
 */
import { createHash } from "node:crypto";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

const ROOT = import.meta.dirname;
const ASC = join(ROOT, "node_modules/assemblyscript/bin/asc.js");
const TSC = join(ROOT, "node_modules/typescript/bin/tsc");

const args = process.argv.slice(2);
const isQuiet = args.includes("--quiet");
const isForced = args.includes("--force");
const targets = args.filter((argument) => !argument.startsWith("--"));

/** Prints one line of progress, with the seconds since the start. */
function say(line: string): void {
  if (!isQuiet) console.log(`${(performance.now() / 1000).toFixed(1).padStart(6)}s  ${line}`);
}

/** All files below `folder` whose name ends in `.ts`, sorted so that the digest does not depend on the disk. */
function sources(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => join(folder, name))
    .sort();
}

/** Digest of the inputs of a compilation: every engine source, the entry and the options. */
function inputDigest(entry: string): string {
  const hash = createHash("sha256");
  for (const file of [
    ...sources(join(ROOT, "assembly")),
    join(ROOT, entry),
    join(ROOT, "asconfig.json"),
  ]) {
    hash.update(file).update("\0").update(readFileSync(file)).update("\0");
  }
  return hash.digest("hex");
}

/** Compiles one AssemblyScript entry unless its output is already that of these inputs. */
function compile(entry: string, target: string, output: string): void {
  const stamp = join(ROOT, `${output}.inputs`);
  const digest = inputDigest(entry);
  if (
    !isForced &&
    existsSync(join(ROOT, output)) &&
    existsSync(stamp) &&
    readFileSync(stamp, "utf8") === digest
  ) {
    say(`${output} is up to date`);
    return;
  }
  mkdirSync(dirname(join(ROOT, output)), { recursive: true });
  run(process.execPath, [
    ASC,
    entry,
    "--config",
    "asconfig.json",
    "--target",
    target,
    "-o",
    output,
  ]);
  writeFileSync(stamp, digest);
  say(`${output}, ${readFileSync(join(ROOT, output)).length} bytes`);
}

/** Runs a program to its end and stops the build when it fails. */
function run(program: string, argv: string[]): void {
  const result = spawnSync(program, argv, { cwd: ROOT, stdio: "inherit" });
  if (result.status !== 0) {
    console.error(`build: ${argv.join(" ")} failed with exit code ${result.status}`);
    process.exit(result.status ?? 1);
  }
}

/** Every file of test/entry as a name. */
function entryNames(): string[] {
  return sources(join(ROOT, "test/entry")).map((file) => file.slice(file.lastIndexOf("/") + 1, -3));
}

function build(target: string): void {
  if (target === "engine") {
    compile("assembly/index.ts", "engine", "build/engine.wasm");
  } else if (target === "entries") {
    for (const name of entryNames()) build(`entries:${name}`);
  } else if (target.startsWith("entries:")) {
    const name = target.slice("entries:".length);
    compile(`test/entry/${name}.ts`, "test", `build/test/${name}.wasm`);
  } else if (target === "types") {
    for (const project of sources(ROOT).length === 0 ? [] : projects())
      run(process.execPath, [TSC, "-p", project]);
  } else {
    console.error(
      `build: there is no target "${target}"; the targets are engine, entries, entries:<name> and types`,
    );
    process.exit(2);
  }
}

/** Every tsconfig of the repository, one for each set of globals. */
function projects(): string[] {
  return ["host/shared", "host/node", "test", "bench", "."].filter((folder) =>
    existsSync(join(ROOT, folder, "tsconfig.json")),
  );
}

for (const target of targets.length === 0 ? ["engine"] : targets) build(target);
