/**
 * One instance of the engine with a memory of its own, and typed reads and writes of its control block.
 *
 * The memory never grows, so that the views below hold as long as the instance.
 */
import { EngineBug } from "./engine-bug.ts";
import type { EngineExports } from "./exports.ts";

/** 64 MiB, as the module declares it (asconfig.json). */
const PAGES = 1024;

export class EngineMemory {
  readonly exports: EngineExports;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly view: DataView<ArrayBuffer>;
  /** Address of the control block; every offset of layout.ts counts from here. */
  readonly control: number;

  constructor(module: WebAssembly.Module) {
    const memory = new WebAssembly.Memory({ initial: PAGES, maximum: PAGES });
    this.bytes = new Uint8Array(memory.buffer);
    this.view = new DataView(memory.buffer);
    try {
      const instance = new WebAssembly.Instance(module, { env: { memory } });
      this.exports = instance.exports as unknown as EngineExports;
      this.control = this.exports.controlAddress();
    } catch (thrown) {
      throw new EngineBug("instantiate", thrown);
    }
  }

  u32(offset: number): number {
    return this.view.getUint32(this.control + offset, true);
  }

  u64(offset: number): bigint {
    return this.view.getBigUint64(this.control + offset, true);
  }

  setU32(offset: number, value: number): void {
    this.view.setUint32(this.control + offset, value, true);
  }

  setU64(offset: number, value: number): void {
    this.view.setBigUint64(this.control + offset, BigInt(value), true);
  }

  setBytes(offset: number, value: Uint8Array): void {
    this.bytes.set(value, this.control + offset);
  }

  /** A copy of the bytes at an address, which outlives the next call. */
  copy(address: number, size: number): Uint8Array<ArrayBuffer> {
    return this.bytes.slice(address, address + size);
  }
}
