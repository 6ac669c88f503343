/** Compiles an engine with edits, beside the real one, and keeps the result for the next time. */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT, loadModule } from "../engines.ts";

/** One textual change of a source file. `find` must occur exactly once. */
export interface Edit {
  /** Relative to assembly/. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

const SOURCES = join(ROOT, "assembly");
const MUTANTS = join(ROOT, "build/mutants");
const ASC = join(ROOT, "node_modules/assemblyscript/bin/asc.js");

/** Digest of everything that decides the output. */
function inputDigest(edits: readonly Edit[]): string {
  const hash = createHash("sha256").update(JSON.stringify(edits));
  hash.update(readFileSync(join(ROOT, "asconfig.json")));
  const names = readdirSync(SOURCES, { recursive: true, encoding: "utf8" }).filter((name) =>
    name.endsWith(".ts"),
  );
  for (const name of names.sort()) hash.update(name).update(readFileSync(join(SOURCES, name)));
  return hash.digest("hex");
}

/** Applies one edit to a copy of the sources below `folder`. Throws when its text is not there exactly once. */
function applyEdit(name: string, folder: string, { file, find, replace }: Edit): void {
  const path = join(folder, "assembly", file);
  const parts = readFileSync(path, "utf8").split(find);
  if (parts.length !== 2) {
    const count = parts.length - 1;
    throw new Error(
      `defect "${name}": its text occurs ${count} times in assembly/${file}:\n${find}`,
    );
  }
  writeFileSync(path, parts.join(replace));
}

function runCompiler(folder: string, output: string): Promise<void> {
  const argv = [
    ASC,
    "assembly/index.ts",
    "--config",
    join(ROOT, "asconfig.json"),
    "--target",
    "engine",
    // A defect is one with and without optimisation, and this compiles in a quarter of the time.
    "--optimizeLevel",
    "0",
    "-o",
    output,
  ];
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, argv, { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
    let messages = "";
    child.stdout.on("data", (data) => (messages += data));
    child.stderr.on("data", (data) => (messages += data));
    child.on("error", reject);
    child.on("close", (code) => {
      if (code === 0) resolve();
      else reject(new Error(`${folder} does not compile:\n${messages}`));
    });
  });
}

/** The engine with `edits`, compiled with the options of the real one but for optimisation. */
export async function compileMutant(
  name: string,
  edits: readonly Edit[],
): Promise<WebAssembly.Module> {
  const folder = join(MUTANTS, name);
  const output = join(folder, "engine.wasm");
  const stamp = join(folder, "inputs");
  const digest = inputDigest(edits);
  const isFresh = existsSync(output) && existsSync(stamp) && readFileSync(stamp, "utf8") === digest;
  if (!isFresh) {
    mkdirSync(folder, { recursive: true });
    cpSync(SOURCES, join(folder, "assembly"), { recursive: true, force: true });
    for (const edit of edits) applyEdit(name, folder, edit);
    await runCompiler(folder, output);
    writeFileSync(stamp, digest);
  }
  return loadModule(output);
}
