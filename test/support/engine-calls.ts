/** A loaded test entry with short calls: booleans and unsigned numbers as JavaScript has them. */
import { TestModule } from "./wasm.ts";

export class Engine {
  readonly module: TestModule;

  constructor(entry: string) {
    this.module = new TestModule(entry);
  }

  /** Calls an export that returns i32, u32, f64 or nothing. */
  call(name: string, ...parameters: (number | bigint)[]): number {
    const found = this.module.exports[name];
    if (found === undefined) throw new Error(`the test entry has no ${name}`);
    return Number(found(...parameters));
  }

  /** Calls an export that returns u64. */
  call64(name: string, ...parameters: (number | bigint)[]): bigint {
    const found = this.module.exports[name];
    if (found === undefined) throw new Error(`the test entry has no ${name}`);
    return BigInt.asUintN(64, found(...parameters));
  }

  /** Calls an export that returns bool. */
  is(name: string, ...parameters: (number | bigint)[]): boolean {
    return this.call(name, ...parameters) !== 0;
  }
}
