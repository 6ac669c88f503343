/** What an oracle raises: the run is wrong, and this says which rule was broken and how. */
export class OracleFailure extends Error {
  override readonly name = "OracleFailure";
  readonly oracle: string;

  constructor(oracle: string, detail: string) {
    super(`${oracle}: ${detail}`);
    this.oracle = oracle;
  }
}

/** Raises the failure of `oracle` unless `isHeld`. `detail` is evaluated only then. */
export function require(isHeld: boolean, oracle: string, detail: () => string): void {
  if (!isHeld) throw new OracleFailure(oracle, detail());
}
