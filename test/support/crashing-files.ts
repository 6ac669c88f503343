/**
 * The files port of a machine that loses power: from the chosen operation on nothing happens any more. Every operation
 * of the port lasts once it has returned and is whole or absent before, which is what the port promises; so the states
 * that a crash can leave are those between operations, each tried with the last one done and not done.
 */
import { MemoryFiles } from "./memory-files.ts";

export class PowerLoss extends Error {
  override readonly name = "PowerLoss";
}

export class CrashingFiles extends MemoryFiles {
  /** How many changing operations were begun. */
  operations = 0;
  #crashAt = Number.POSITIVE_INFINITY;
  #isLastDone = false;

  /** Loses power at the changing operation of this number, from now on counted from 0. */
  crashAt(operation: number, isLastDone: boolean): void {
    this.operations = 0;
    this.#crashAt = operation;
    this.#isLastDone = isLastDone;
  }

  /** What a machine that starts again finds. */
  survivors(): MemoryFiles {
    const files = new MemoryFiles();
    for (const [path, bytes] of this.all) files.all.set(path, bytes.slice());
    return files;
  }

  override write(path: string, bytes: Uint8Array, mode?: number): Promise<void> {
    return this.#step(() => super.write(path, bytes, mode));
  }

  override create(path: string, bytes: Uint8Array, mode?: number): Promise<boolean> {
    return this.#step(() => super.create(path, bytes, mode));
  }

  override link(source: string, path: string): Promise<boolean> {
    return this.#step(() => super.link(source, path));
  }

  override remove(path: string): Promise<void> {
    return this.#step(() => super.remove(path));
  }

  async #step<T>(operation: () => Promise<T>): Promise<T> {
    const number = this.operations++;
    if (number > this.#crashAt) throw new PowerLoss();
    if (number < this.#crashAt) return operation();
    if (this.#isLastDone) await operation();
    throw new PowerLoss();
  }
}
