/** Twin of assembly/base/range-set.ts: a set of small numbers, and the ranges read off it. */
export class RangeSetTwin {
  readonly values = new Set<number>();

  add(start: number, end: number): void {
    for (let value = start; value < end; value++) this.values.add(value);
  }

  remove(start: number, end: number): void {
    for (let value = start; value < end; value++) this.values.delete(value);
  }

  /** Half-open ranges, ascending. */
  ranges(): [number, number][] {
    const ranges: [number, number][] = [];
    for (const value of [...this.values].sort((a, b) => a - b)) {
      const last = ranges.at(-1);
      if (last !== undefined && last[1] === value) last[1] = value + 1;
      else ranges.push([value, value + 1]);
    }
    return ranges;
  }

  covers(start: number, end: number): boolean {
    for (let value = start; value < end; value++) if (!this.values.has(value)) return false;
    return true;
  }

  copy(): RangeSetTwin {
    const twin = new RangeSetTwin();
    for (const value of this.values) twin.values.add(value);
    return twin;
  }
}
