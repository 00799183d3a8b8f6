/** Runs of the connector mostly wait, so several go side by side. */

/** Does this with each of the items, a few at a time; fails with the first failure, after what is under way has ended. */
export async function inParallel<Item>(
  items: Iterable<Item>,
  test: (item: Item) => Promise<void>,
  atOnce = 8,
): Promise<void> {
  const left = [...items];
  const failures: unknown[] = [];
  const work = async () => {
    for (let item = left.shift(); item !== undefined && failures.length === 0; item = left.shift()) {
      await test(item).catch((error: unknown) => {
        failures.push(error);
      });
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  if (failures.length > 0) throw failures[0];
}
