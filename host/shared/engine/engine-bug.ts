/** Thrown when the engine trapped: a broken invariant, never something that a peer or an input caused. */
export class EngineBug extends Error {
  override readonly name = "EngineBug";

  constructor(call: string, cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    super(`the engine stopped in ${call}: ${reason}; its endpoint is lost`, { cause });
  }
}
