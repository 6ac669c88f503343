/**
 * The first gate between contract and code: an AssemblyScript transform that gives the exports their names in the
 * canonical ABI, and stops the compiler when one is missing or has another signature.
 */
import { expectedExports, type Binaryen, type BinaryenModule } from "./abi.ts";

/** Imports of the canonical ABI, by the names that the sources declare. */
const IMPORTS: Readonly<Record<string, readonly [module: string, base: string]>> = {
  resourceNewEndpoint: ["[export]mxp:engine/endpoint@0.1.0", "[resource-new]endpoint"],
  resourceNewRing: ["[export]mxp:engine/ring@0.1.0", "[resource-new]ring"],
};

export default class WitTransform {
  /** Set by the compiler before it calls a hook. */
  declare readonly binaryen: Binaryen;

  async afterCompile(module: BinaryenModule): Promise<void> {
    const problems: string[] = this.#nameImports(module);
    for (const expected of await expectedExports(this.binaryen)) {
      const reference = module.getExport(expected.identifier);
      if (reference === 0) {
        if (!expected.isOptional) problems.push(`${expected.identifier} is missing`);
        continue;
      }
      const internal = this.binaryen.getExportInfo(reference).value;
      const info = this.binaryen.getFunctionInfo(module.getFunction(internal));
      const parameters = String(this.binaryen.expandType(info.params));
      const results = String(this.binaryen.expandType(info.results));
      if (parameters !== expected.parameters || results !== expected.results) {
        problems.push(
          `${expected.identifier} has (${parameters}) → (${results}), ` +
            `the contract (${expected.parameters}) → (${expected.results})`,
        );
      }
      module.addFunctionExport(internal, expected.name);
      module.removeExport(expected.identifier);
    }
    if (problems.length > 0) {
      throw new Error(`wit/ and assembly/ disagree:\n  ${problems.join("\n  ")}`);
    }
  }

  /** Gives the declared imports their names; an import that the contract does not have is a problem. */
  #nameImports(module: BinaryenModule): string[] {
    const problems: string[] = [];
    const imported = Array.from({ length: module.getNumFunctions() }, (_, index) =>
      this.binaryen.getFunctionInfo(module.getFunctionByIndex(index)),
    ).filter((info) => info.base !== "");
    for (const info of imported) {
      const target = IMPORTS[info.base.split(".").at(-1) ?? ""];
      if (target === undefined) {
        problems.push(`${info.base} is imported, and the component imports nothing`);
        continue;
      }
      module.removeFunction(info.name);
      module.addFunctionImport(info.name, target[0], target[1], info.params, info.results);
    }
    return problems;
  }
}
