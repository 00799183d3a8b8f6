/**
 * Delivers a group of which some members may be refused: finds exactly the guilty, and gets the others through in bulk.
 * One guilty member costs at most log2(n) + 3 calls (rounded up); any number of them at most 2n.
 */

/** What one call said about the group it carried. */
export type GroupAnswer<Item, Reason> =
  /** Everyone was answered for: delivered, but for those named. */
  | { readonly kind: 'settled'; readonly rejected: ReadonlyMap<Item, Reason> }
  /** Delivered in part: those named were rejected, and someone else was, too. */
  | { readonly kind: 'unexplained'; readonly rejected: ReadonlyMap<Item, Reason>; readonly reason: Reason }
  /** Nobody was delivered. `guilty` are those whom the answer names, if any; `reason` holds for a group of one. */
  | { readonly kind: 'refused'; readonly guilty: ReadonlyMap<Item, Reason>; readonly reason: Reason };

/**
 * Sends `items` until each is delivered or rejected; gives the rejected ones with their reasons. `send` may be called with
 * any part of the items, one call at a time; sending a delivered item again must be harmless. Whoever is rejected was
 * named by an answer or was refused alone: guilt is never inferred, since a refusal may have been a passing one.
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
    // The named ones may have been all that was wrong with a refused group.
    if (answer.kind === 'refused' && named.size > 0) return { passed: false, suspects: [], again: others };
    if (others.length === 1 && group.length === named.size + 1) {
      for (const item of others) rejected.set(item, answer.reason);
      return { passed: false, suspects: [], again: [] };
    }
    return { passed: false, suspects: others, again: [] };
  };

  /** `suspects` hold someone guilty: finds the first by halving; the halves that were not tried go back in line. */
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
    // The worst that a group can cost must leave a call for each of the others.
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
    // Where the guilty stand close together, small groups waste fewer calls.
    if (failedInARow > 0 && again.length === 0) groupSize = Math.max(1, group.length >> 1);
    failedInARow++;
    await findGuilty(suspects);
  }
  return rejected;
}

/** Calls until the first guilty member of a group is found: itself, a half at each step, and the last suspect alone. */
function worstCalls(groupSize: number): number {
  return 1 + Math.ceil(Math.log2(groupSize)) + 1;
}
