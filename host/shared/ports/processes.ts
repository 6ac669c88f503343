/** Child processes, as a port: supervised servers that speak over stdio. */
export interface ProcessExit {
  readonly code: number | null;
  readonly signal: string | null;
}

export interface ChildProcess {
  readonly pid: number;
  /** Queues bytes for its standard input; resolves when the pipe takes more. Fails once it has exited. */
  write(bytes: Uint8Array): Promise<void>;
  /** Ends its standard input. */
  closeInput(): void;
  /** Kills it and everything it started. */
  kill(): void;
  readonly exited: Promise<ProcessExit>;
}

export interface SpawnOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly folder: string;
  /** The whole environment; nothing is inherited that is not named here. */
  readonly environment: Readonly<Record<string, string>>;
  readonly onOutput: (bytes: Uint8Array) => void;
  readonly onErrorOutput: (bytes: Uint8Array) => void;
}

export interface Processes {
  /** Starts a program. Fails with `program-missing` or `permission-denied`. */
  spawn(options: SpawnOptions): Promise<ChildProcess>;
}
