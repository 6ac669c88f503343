/** Symbolic links, as a port of their own: nothing but a migration reads or makes one. */
export interface SymbolicLinks {
  /** What a link says; null when there is none at the path. */
  read(path: string): Promise<string | null>;
  /** Makes a link that lasts once it returns. Fails when something is there. */
  create(target: string, path: string): Promise<void>;
}
