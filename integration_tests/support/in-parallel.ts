/**
 * Calls `test` for each item, several concurrently, since runs of the connector mostly wait. After a failure, starts no more
 * tests, waits for those in progress, and throws the first error.
 */
export async function inParallel<Item>(
  items: Iterable<Item>,
  test: (item: Item) => Promise<void>,
  atOnce = 8,
): Promise<void> {
  const left = [...items];
  const failures: unknown[] = [];
  const worker = async () => {
    for (let item = left.shift(); item !== undefined && failures.length === 0; item = left.shift()) {
      await test(item).catch((error: unknown) => {
        failures.push(error);
      });
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  if (failures.length > 0) throw failures[0];
}
