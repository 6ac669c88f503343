/**
 * What a core module must export to become the component of this contract.
 *
 * Nothing of the canonical ABI is re-implemented here: the component tools are asked for an empty module of the world,
 * and its exports are read. AssemblyScript cannot name an export `mxp:engine/digest@0.1.0#sha256`, so each export has
 * an identifier (`digest_sha256`) under which the engine's sources offer it; `transform.ts` renames them.
 */
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const ROOT = join(import.meta.dirname, "..");
const TOOLS = join(ROOT, "test/hosts/node_modules/@bytecodealliance");
/** The package and its version, as `wit/world.wit` states them. */
const PACKAGE = "mxp:engine";
const VERSION = "0.1.0";
export const WORLD = "engine";

/** One export of the core module: its name in the canonical ABI, ours, and its lowered signature. */
export interface ExpectedExport {
  readonly name: string;
  readonly identifier: string;
  readonly parameters: string;
  readonly results: string;
  /** Cleanup functions may be left out when there is nothing to clean up. */
  readonly isOptional: boolean;
}

/** The parts of the component tools that we use. */
export interface ComponentTools {
  componentEmbed(options: object): Promise<Uint8Array>;
  componentNew(core: Uint8Array, adapters: readonly unknown[]): Promise<Uint8Array>;
}

/** The parts of binaryen that we use. */
export interface Binaryen {
  readBinary(bytes: Uint8Array): BinaryenModule;
  getExportInfo(reference: number): { name: string; value: string; kind: number };
  getFunctionInfo(reference: number): BinaryenFunction;
  expandType(type: number): readonly number[];
}

export interface BinaryenFunction {
  readonly name: string;
  /** Empty when the function is not imported. */
  readonly base: string;
  readonly params: number;
  readonly results: number;
}

export interface BinaryenModule {
  getNumFunctions(): number;
  getFunctionByIndex(index: number): number;
  removeFunction(name: string): void;
  addFunctionImport(
    internal: string,
    module: string,
    base: string,
    params: number,
    results: number,
  ): void;
  getNumExports(): number;
  getExportByIndex(index: number): number;
  getExport(name: string): number;
  getFunction(name: string): number;
  addFunctionExport(internal: string, external: string): void;
  removeExport(external: string): void;
  dispose(): void;
}

/** Loads the component tools. They read the disk through a preview of WASI that must be given its root first. */
export async function loadComponentTools(): Promise<ComponentTools> {
  const shim = await loadModule<{ _setPreopens: (preopens: object) => void }>(
    "preview2-shim/dist/nodejs/filesystem.js",
  );
  shim._setPreopens({ "/": "/" });
  return loadModule<ComponentTools>("jco-transpile/dist/wasm-tools.js");
}

/** TypeScript types of the world, as file name and text. */
export async function generateHostTypes(): Promise<[string, string][]> {
  await loadComponentTools();
  const tools = await loadModule<{
    generateHostTypes(path: string, options: object): Promise<Record<string, Uint8Array>>;
  }>("jco-transpile/dist/index.js");
  const options = { worldName: WORLD, instantiation: "async" };
  const files = await tools.generateHostTypes(join(ROOT, "wit"), options);
  return Object.entries(files).map(([name, bytes]) => [name, new TextDecoder().decode(bytes)]);
}

/** A module of the component tools. */
export async function loadModule<Module>(path: string): Promise<Module> {
  return (await import(pathToFileURL(resolve(TOOLS, path)).href)) as Module;
}

/** Every export that the world demands. */
export async function expectedExports(binaryen: Binaryen): Promise<ExpectedExport[]> {
  const tools = await loadComponentTools();
  const witPath = join(ROOT, "wit");
  const dummy = binaryen.readBinary(
    await tools.componentEmbed({ dummy: true, witPath, world: WORLD }),
  );
  const exports: ExpectedExport[] = [];
  for (let index = 0; index < dummy.getNumExports(); index++) {
    const { name, value, kind } = binaryen.getExportInfo(dummy.getExportByIndex(index));
    const parts = /^cm32p2\|([^|]+)\|(.+)$/.exec(name);
    if (kind !== 0 || parts === null) continue;
    const info = binaryen.getFunctionInfo(dummy.getFunction(value));
    exports.push({
      ...naming(parts[1] ?? "", parts[2] ?? ""),
      parameters: String(binaryen.expandType(info.params)),
      results: String(binaryen.expandType(info.results)),
    });
  }
  dummy.dispose();
  return exports;
}

/** Both names of one function: `mxp:engine/endpoint@0.1` and `[method]endpoint.receive_post`, say. */
function naming(
  versioned: string,
  mangled: string,
): { name: string; identifier: string; isOptional: boolean } {
  const interfaceName = versioned.slice(PACKAGE.length + 1).replace(/@.*$/, "");
  const prefix = `${PACKAGE}/${interfaceName}@${VERSION}#`;
  const after = /^(.*)_(post|dtor)$/.exec(mangled);
  const plain = after?.[1] ?? mangled;
  const method = plain.replace(/^\[(?:method|static)\]/, "").replace(/^[\w-]+\./, "");
  const identifier = `${interfaceName}_${method}`.replaceAll("-", "_");
  if (after?.[2] === "post") {
    return {
      name: `cabi_post_${prefix}${plain}`,
      identifier: `${identifier}_post`,
      isOptional: true,
    };
  }
  if (after?.[2] === "dtor") {
    return {
      name: `${prefix}[dtor]${plain}`,
      identifier: `${interfaceName}_dtor`,
      isOptional: false,
    };
  }
  return { name: `${prefix}${plain}`, identifier, isOptional: false };
}
