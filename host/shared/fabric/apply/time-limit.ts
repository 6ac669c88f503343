/** A limit on how long somebody else may take. */
import type { Clock } from "../../ports/clock.ts";
import { Failure } from "../../ports/failure.ts";

/**
 * What `task` gives, or `deadline-exceeded` when it takes longer. What it does afterwards is nobody's concern here. The
 * monotonic clock counts: a wall clock that jumps ends no wait and lengthens none.
 */
export function withinLimit<T>(
  clock: Clock,
  limitMs: number,
  what: string,
  task: () => Promise<T>,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = clock.at(clock.nowUs() + limitMs * 1000, () => {
      reject(
        new Failure("deadline-exceeded", `It took ${what} more than ${limitMs} ms`, {
          origin: "host",
          remedy: "See why it hangs; then apply again.",
          context: { limitMs },
        }),
      );
    });
    Promise.resolve().then(task).then(resolve, reject).finally(cancel);
  });
}
