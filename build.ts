/**
 * The one build tool: `node build.ts [target …] [--quiet]`.
 *
 *   engine    assembly/index.ts → build/engine.wasm, the module our own hosts load
 *   component assembly/component.ts → build/engine.component.wasm, for other languages; fetches the
 *             component tools of test/hosts when they are not there
 *   entries   test/entry/*.ts → build/test/*.wasm, what unit tests reach inside the engine
 *             (`entries:crypto` builds one)
 *   contract  wit/types.wit → the error codes of engine and hosts
 *   dist      the hosts → dist/, plain JavaScript with types, for runtimes without type stripping, with the
 *             bill of materials of the package
 *   types     checks every tsconfig with tsc
 *
 * Without a target it builds `engine`. A target whose inputs have not changed is skipped: the digest of
 * its inputs is kept beside its output.
 */
import { createHash } from "node:crypto";
import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
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
function compile(entry: string, target: string, output: string, more: string[] = []): void {
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
  const options = ["--config", "asconfig.json", "--target", target, "-o", output, ...more];
  run(process.execPath, [ASC, entry, ...options]);
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

/** The cases of `error-code` in wit/types.wit, in order. */
function errorCodes(): string[] {
  const wit = readFileSync(join(ROOT, "wit/types.wit"), "utf8");
  const body = wit.slice(wit.indexOf("enum error-code {"));
  return [...body.matchAll(/^ {4}([a-z][a-z0-9-]*),/gm)].map((match) => match[1] ?? "");
}

/** Writes the error codes for the hosts and for the engine. */
function generateContract(): void {
  const codes = errorCodes();
  const host = [
    "/** Generated from `error-code` in wit/types.wit by `node build.ts contract`. Do not edit. */",
    "export const ERROR_CODES = [",
    ...codes.map((code) => `  "${code}",`),
    "] as const;",
    "",
    "/** The stable name of a failure. */",
    "export type ErrorCode = (typeof ERROR_CODES)[number];",
    "",
  ];
  writeFileSync(join(ROOT, "host/shared/ports/gen/error-code.ts"), host.join("\n"));
  const engine = readFileSync(join(ROOT, "assembly/base/status.ts"), "utf8");
  const header = engine.slice(0, engine.indexOf("export const OK"));
  const constants = codes.map(
    (code, index) =>
      `export const ${code.toUpperCase().replaceAll("-", "_")}: i32 = -${index + 1};`,
  );
  const lines = ["export const OK: i32 = 0;", ...constants, ""];
  writeFileSync(join(ROOT, "assembly/base/status.ts"), header + lines.join("\n"));
  say(`${codes.length} error codes`);
}

/** Builds the component: the compiler checks the exports against wit/, the component tools check the rest. */
async function buildComponent(): Promise<void> {
  const { fetchRuntimes } = await import("./test/hosts/fetch.ts");
  if (!fetchRuntimes()) {
    console.error("build: the component tools of test/hosts cannot be fetched");
    process.exit(1);
  }
  const core = "build/engine.core.wasm";
  compile("assembly/component.ts", "component", core, ["--transform", "./wit/transform.ts"]);
  const { loadComponentTools, WORLD } = await import("./wit/abi.ts");
  const tools = await loadComponentTools();
  const binary = readFileSync(join(ROOT, core));
  const witPath = join(ROOT, "wit");
  const embedded = await tools.componentEmbed({
    binary,
    witPath,
    world: WORLD,
    stringEncoding: "utf8",
  });
  const component = await tools.componentNew(embedded, []);
  writeFileSync(join(ROOT, "build/engine.component.wasm"), component);
  say(`build/engine.component.wasm, ${component.length} bytes`);
  await generateTypes();
}

/** Writes the contract's TypeScript types, which wit/agreement.ts compares with those of our hosts. */
async function generateTypes(): Promise<void> {
  const { generateHostTypes } = await import("./wit/abi.ts");
  for (const [name, text] of await generateHostTypes()) {
    const path = join(ROOT, "wit/gen", name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
  run(process.execPath, [TSC, "-p", "."]);
}

/** Compiles the hosts to JavaScript and puts the engine where they look for it. */
async function buildDist(): Promise<void> {
  buildEngine();
  rmSync(join(ROOT, "dist"), { recursive: true, force: true });
  run(process.execPath, [TSC, "-p", "tsconfig.dist.json"]);
  mkdirSync(join(ROOT, "dist/build"), { recursive: true });
  copyFileSync(join(ROOT, "build/engine.wasm"), join(ROOT, "dist/build/engine.wasm"));
  copyAssets("host");
  const { PACKAGE_SBOM, packageSbom } = await import("./host/node/release/package-files.ts");
  writeFileSync(join(ROOT, PACKAGE_SBOM), packageSbom(ROOT));
  say("dist/");
}

/** Copies what the hosts read beside their code: schemas, manifests and pages. */
function copyAssets(folder: string): void {
  for (const name of readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })) {
    if (!/\.(json|html|css|svg)$/.test(name) || name.endsWith("tsconfig.json")) continue;
    const target = join(ROOT, "dist", folder, name);
    mkdirSync(dirname(target), { recursive: true });
    copyFileSync(join(ROOT, folder, name), target);
  }
}

const TARGETS: Readonly<Record<string, () => void | Promise<void>>> = {
  engine: buildEngine,
  component: buildComponent,
  entries: () => entryNames().forEach(compileEntry),
  contract: generateContract,
  dist: buildDist,
  types: () => projects().forEach((project) => run(process.execPath, [TSC, "-p", project])),
};

function buildEngine(): void {
  compile("assembly/index.ts", "engine", "build/engine.wasm");
}

function compileEntry(name: string): void {
  compile(`test/entry/${name}.ts`, "test", `build/test/${name}.wasm`);
}

async function build(target: string): Promise<void> {
  const known = TARGETS[target];
  if (known !== undefined) await known();
  else if (target.startsWith("entries:")) compileEntry(target.slice("entries:".length));
  else {
    const names = [...Object.keys(TARGETS), "entries:<name>"].join(", ");
    console.error(`build: there is no target "${target}"; the targets are ${names}`);
    process.exit(2);
  }
}

/** Every tsconfig of the repository, one for each set of globals. */
function projects(): string[] {
  return ["host/shared", "host/node", "test", "bench", "."].filter((folder) => {
    const isProject = existsSync(join(ROOT, folder, "tsconfig.json"));
    return isProject && (folder === "." || sources(join(ROOT, folder)).length > 0);
  });
}

if (args.includes("--help")) {
  console.log(
    "node build.ts [engine | component | entries | entries:<name> | contract | dist | types] [--quiet] [--force]",
  );
} else {
  for (const target of targets.length === 0 ? ["engine"] : targets) await build(target);
}
