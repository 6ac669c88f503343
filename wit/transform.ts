/**
 * The first gate between contract and code: an AssemblyScript transform that gives the exports their names in the
 * canonical ABI, and stops the compiler when one is missing or has another signature.
 */
import { expectedExports, type Binaryen, type BinaryenModule } from "./abi.ts";

export default class WitTransform {
  /** Set by the compiler before it calls a hook. */
  declare readonly binaryen: Binaryen;

  async afterCompile(module: BinaryenModule): Promise<void> {
    const problems: string[] = [];
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
}
