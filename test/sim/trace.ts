/** The last lines of a run, kept only when a trace is wanted: building them costs more than the run. */
const KEPT_LINES = 400;

export class Trace {
  readonly isOn: boolean;
  readonly #print: ((line: string) => void) | null;
  #lines: string[] = [];

  /** Keeps lines when `isOn`, and gives each to `print` when there is one. */
  constructor(isOn: boolean, print: ((line: string) => void) | null = null) {
    this.isOn = isOn;
    this.#print = print;
  }

  line(nowUs: number, text: string): void {
    if (!this.isOn) return;
    const line = `${(nowUs / 1000).toFixed(3).padStart(12)} ms  ${text}`;
    this.#print?.(line);
    this.#lines.push(line);
    if (this.#lines.length > KEPT_LINES * 2) this.#lines = this.#lines.slice(-KEPT_LINES);
  }

  last(count: number): readonly string[] {
    return this.#lines.slice(-count);
  }
}
