/** Does something for each of many, so many at a time. */
export async function inParallel<T>(
  items: readonly T[],
  limit: number,
  task: (item: T) => Promise<void>,
): Promise<void> {
  const open = [...items].reverse();
  const worker = async (): Promise<void> => {
    for (let item = open.pop(); item !== undefined; item = open.pop()) await task(item);
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
}
