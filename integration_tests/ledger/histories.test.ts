/**
 * Random histories of syncs with a ledger. They combine what the other random tests test separately: rows that change and swap
 * addresses, share users, disappear, are refused or resent, and changes of mappings and rules. After each sync, Iterable must
 * have the documented contents, and if nothing changed, nothing must have been sent.
 */
import { describe, expect, it } from '@jest/globals';
import { FEATURES } from '../support/history-state.ts';
import { inParallel } from '../support/in-parallel.ts';
import { SQLITE, withPostgres } from '../support/ledgers.ts';
import { playHistory, type Played } from '../support/play-history.ts';
import { seeds } from '../support/random.ts';

describe('a history of syncs with a ledger', () => {
  const postgres = withPostgres();

  it('has the documented effect after each sync, and sends nothing if nothing changed', async () => {
    const played: Played[] = [];
    const all = seeds(40, 500);
    await inParallel(all, async (seed) => {
      played.push(await playHistory(seed, seed % 5 === 0 ? postgres : SQLITE));
    });
    if (all.length === 1) return;
    const occurred = new Set(played.flatMap(({ features }) => features));
    expect(FEATURES.filter((feature) => !occurred.has(feature))).toEqual([]);
  }, 900_000);
});
