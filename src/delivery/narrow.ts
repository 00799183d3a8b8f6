/**
 * Delivers a group of items when some of them make the whole call fail ("guilty" items): finds exactly those by bisection
 * and delivers the others in bulk. One guilty item costs at most log2(n) + 3 calls (rounded up); any number at most 2n.
 */

/** The answer to a call with a group of items. */
export type GroupAnswer<Item, Reason> =
  /** Every item is accounted for: delivered, or rejected if listed. */
  | { readonly kind: 'settled'; readonly rejected: ReadonlyMap<Item, Reason> }
  /** Partly delivered: the listed items were rejected, and at least one more that the answer does not name. */
  | { readonly kind: 'unexplained'; readonly rejected: ReadonlyMap<Item, Reason>; readonly reason: Reason }
  /** No item was delivered. `guilty` holds those that the answer names, if any; `reason` applies to a group of one. */
  | { readonly kind: 'refused'; readonly guilty: ReadonlyMap<Item, Reason>; readonly reason: Reason };

/**
 * Sends `items` until each is delivered or rejected; returns the rejected ones with their reasons. `send` may be called with
 * any part of the items, one call at a time; sending a delivered item again must be harmless. An item is rejected only if
 * an answer names it or if it is refused alone, never by inference, since a refusal may have been transient.
 */
export async function deliverNarrowing<Item, Reason>(
  items: readonly Item[],
  send: (group: readonly Item[]) => Promise<GroupAnswer<Item, Reason>>,
): Promise<Map<Item, Reason>> {
  const rejected = new Map<Item, Reason>();
  let untried: Item[] = [...items];
  let groupSize = items.length;
  let failedInARow = 0;
  let calls = 0;

  const sendGroup = async (
    group: readonly Item[],
  ): Promise<{ passed: boolean; suspects: Item[]; again: Item[] }> => {
    calls++;
    const answer = await send(group);
    const named = answer.kind === 'refused' ? answer.guilty : answer.rejected;
    for (const [item, reason] of named) rejected.set(item, reason);
    if (answer.kind === 'settled') return { passed: true, suspects: [], again: [] };
    const others = group.filter((item) => !named.has(item));
    // The named items may have been the only problem of the refused group: try the others together again.
    if (answer.kind === 'refused' && named.size > 0) return { passed: false, suspects: [], again: others };
    if (others.length === 1 && group.length === named.size + 1) {
      for (const item of others) rejected.set(item, answer.reason);
      return { passed: false, suspects: [], again: [] };
    }
    return { passed: false, suspects: others, again: [] };
  };

  /** `found` holds a guilty item: finds the first by bisection; halves that were not tried go back into the queue. */
  const findGuilty = async (found: Item[]): Promise<void> => {
    let suspects = found;
    while (suspects.length > 1) {
      const half = suspects.slice(0, suspects.length >> 1);
      const rest = suspects.slice(half.length);
      const rejectedBefore = rejected.size;
      const tried = await sendGroup(half);
      if (tried.passed && rejected.size === rejectedBefore) {
        suspects = rest;
        continue;
      }
      untried = untried.concat(rest, tried.again);
      suspects = tried.suspects;
    }
    const [last] = suspects;
    if (last !== undefined) await sendAlone(last);
  };

  const sendAlone = async (item: Item): Promise<void> => {
    await sendGroup([item]);
  };

  while (untried.length > 0) {
    // Keeps within the limit of 2n calls: the worst case of this group must leave one call for each other item.
    while (groupSize > 1 && calls + worstCalls(groupSize) + untried.length - 1 > 2 * items.length)
      groupSize >>= 1;
    const group = untried.slice(0, groupSize);
    untried = untried.slice(groupSize);
    const { passed, suspects, again } = await sendGroup(group);
    untried = again.concat(untried);
    if (passed) {
      groupSize = Math.min(items.length, groupSize * 2);
      failedInARow = 0;
      continue;
    }
    // After failures in a row, guilty items are probably close together; smaller groups then waste fewer calls.
    if (failedInARow > 0 && again.length === 0) groupSize = Math.max(1, group.length >> 1);
    failedInARow++;
    await findGuilty(suspects);
  }
  return rejected;
}

/** Calls to find the first guilty item of a group: the group itself, one half per step, and the last suspect alone. */
function worstCalls(groupSize: number): number {
  return 1 + Math.ceil(Math.log2(groupSize)) + 1;
}
