/** Turns recorded bytes into percentages for each source file, and names what was not executed. */
import type { Point } from "./instrument.ts";

/** What is known about one source file, over all modules that contain it. */
interface FileRecord {
  /** Line → executed. */
  readonly lines: Map<number, boolean>;
  /** Arm → executed. */
  readonly arms: Map<string, boolean>;
}

export interface FileCoverage {
  readonly file: string;
  readonly lines: number;
  readonly linesHit: number;
  readonly arms: number;
  readonly armsHit: number;
  /** Arms that were not executed. */
  readonly missing: readonly string[];
  /** Lines that were not executed. */
  readonly missingLines: readonly number[];
}

export class Coverage {
  readonly #files = new Map<string, FileRecord>();

  /** Adds what one module recorded. The same arm of two modules is one arm. */
  add(points: readonly Point[], bytes: Uint8Array): void {
    const ordinals = new Map<string, number>();
    for (const [index, point] of points.entries()) {
      const isHit = bytes[index] === 1;
      const record = this.#record(point.file);
      if (point.kind === "line") {
        record.lines.set(point.line, isHit || record.lines.get(point.line) === true);
        continue;
      }
      const place = `${point.line}:${point.column + 1} ${point.branch} ${point.arm}`;
      // Two branches of one place (an `&&` of two conditions on one column) are told apart by
      // order.
      const ordinal = (ordinals.get(`${point.file} ${place}`) ?? 0) + 1;
      ordinals.set(`${point.file} ${place}`, ordinal);
      const key = ordinal === 1 ? place : `${place} (${ordinal})`;
      record.arms.set(key, isHit || record.arms.get(key) === true);
    }
  }

  #record(file: string): FileRecord {
    const record = this.#files.get(file) ?? { lines: new Map(), arms: new Map() };
    this.#files.set(file, record);
    return record;
  }

  files(): FileCoverage[] {
    return [...this.#files]
      .map(([file, { lines, arms }]) => ({
        file,
        lines: lines.size,
        linesHit: [...lines.values()].filter(Boolean).length,
        arms: arms.size,
        armsHit: [...arms.values()].filter(Boolean).length,
        missing: [...arms].filter(([, isHit]) => !isHit).map(([arm]) => arm),
        missingLines: [...lines].filter(([, isHit]) => !isHit).map(([line]) => line),
      }))
      .sort((a, b) => a.file.localeCompare(b.file));
  }
}

/** `hit` of `all` in percent, with one digit. */
export function percent(hit: number, all: number): number {
  return all === 0 ? 100 : Math.floor((1000 * hit) / all) / 10;
}

/** The sum over several files. */
export function total(files: readonly FileCoverage[], name: string): FileCoverage {
  const sum = (pick: (file: FileCoverage) => number) =>
    files.reduce((result, file) => result + pick(file), 0);
  return {
    file: name,
    lines: sum((file) => file.lines),
    linesHit: sum((file) => file.linesHit),
    arms: sum((file) => file.arms),
    armsHit: sum((file) => file.armsHit),
    missing: [],
    missingLines: [],
  };
}

/** One line for each place that was not executed. */
export function missingPlaces(files: readonly FileCoverage[]): readonly string[] {
  return files.flatMap(({ file, missing, missingLines }) => [
    ...missingLines.map((line) => `${file}:${line} line`),
    ...missing.map((arm) => `${file}:${arm}`),
  ]);
}

/** A table for people. */
export function table(files: readonly FileCoverage[], areas: readonly FileCoverage[]): string {
  const row = (one: FileCoverage) =>
    [
      one.file.padEnd(44),
      percent(one.linesHit, one.lines).toFixed(1).padStart(6),
      `${one.linesHit}/${one.lines}`.padStart(10),
      percent(one.armsHit, one.arms).toFixed(1).padStart(8),
      `${one.armsHit}/${one.arms}`.padStart(11),
    ].join("");
  const head = "file".padEnd(44) + "lines%".padStart(6) + "".padStart(10) + "branch%".padStart(8);
  return [head, ...files.map(row), "", ...areas.map(row)].join("\n");
}
