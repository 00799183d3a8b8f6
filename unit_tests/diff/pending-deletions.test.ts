import { afterEach, describe, expect, it } from '@jest/globals';
import { decideAbsence } from '../../src/diff/absence.ts';
import { PendingDeletions } from '../../src/diff/pending-deletions.ts';
import { anEntry, lists } from '../support/rows.ts';
import { aReplacingRun, closeLedgers, type ReplacedStream } from '../support/replacing-run.ts';

afterEach(closeLedgers);

async function decided(...cases: readonly ReplacedStream[]) {
  const run = await aReplacingRun(...cases);
  await decideAbsence({ ...run, maxRemovalsPercent: 100 });
  return { ...run, pendingDeletions: new PendingDeletions(run.ledger, run.streams) };
}

describe('pending deletions', () => {
  it('are handed out page by page, until none is left', async () => {
    const { pendingDeletions } = await decided({ absent: 3 });
    const gone: (string | undefined)[] = [];
    for (let page = await pendingDeletions.next(2); page.length > 0; page = await pendingDeletions.next(2)) {
      expect(page.length).toBeLessThanOrEqual(2);
      gone.push(...page.map(({ removal }) => removal.email));
      await pendingDeletions.removed(page, []);
    }
    expect(gone.sort()).toEqual(['away0@s1', 'away1@s1', 'away2@s1']);
  });

  it('are handed out once in a run, or again later', async () => {
    const { pendingDeletions, ledger, streams } = await decided({ absent: 3 });
    const rejected = await pendingDeletions.next(1);
    const others = await pendingDeletions.next(2);
    expect(others).toHaveLength(2);
    expect(others.map(({ removal }) => removal.email)).not.toContain(rejected[0]?.removal.email);
    await pendingDeletions.removed(others, []);
    expect(await pendingDeletions.next(5)).toEqual([]);
    pendingDeletions.later(rejected);
    expect(await pendingDeletions.next(5)).toEqual(rejected);
    // The next run has them again.
    expect(await new PendingDeletions(ledger, streams).next(5)).toHaveLength(1);
  });

  it('are named with the lists that their rows named, and their stream', async () => {
    const entry = { userId: 'u1', lists: lists('VIP', '-Old') };
    const { pendingDeletions } = await decided({ present: 1 }, { absent: 1, entry, identifyBy: 'user_id' });
    expect(await pendingDeletions.next(5)).toMatchObject([
      {
        streamKey: 's2',
        streamName: 's2',
        stays: false,
        removal: {
          kind: 'removal',
          identifiedBy: 'userId',
          email: 'away0@s2',
          userId: 'u1',
          isExported: true,
          lists: ['VIP'],
        },
      },
    ]);
  });

  it.each<[string, ReplacedStream, boolean]>([
    ['keep their users where these were only enriched', { absent: 1, entry: { origin: 'enrich' } }, true],
    ['remove users whom the connector may have created', { absent: 1 }, false],
  ])('%s', async (_name, given, stays) => {
    const { pendingDeletions } = await decided(given);
    expect((await pendingDeletions.next(1))[0]?.stays).toBe(stays);
  });

  it.each([
    ['the address', { email: 'here0@s1' }],
    ['the id', { userId: 'u1' }],
  ])(
    'keep users whom another row has by %s, and take them off the lists that it does not name',
    async (_name, entry) => {
      const absent = { present: 1, absent: 1, entry: { ...entry, lists: lists('VIP', 'Old', 'Own') } };
      const { pendingDeletions, ledger } = await decided(absent);
      const stream = ledger.own[0]?.id ?? 0;
      const holder = anEntry({
        stream,
        key: 'here0',
        email: 'here0@s1',
        userId: 'u1',
        lists: lists('VIP', '-Old'),
        seen: 2,
      });
      const another = anEntry({
        stream,
        key: 'x',
        email: 'x@s1',
        userId: 'u2',
        lists: lists('Own'),
        seen: 2,
      });
      await ledger.commit({ entries: [holder, another] });
      const [row] = await pendingDeletions.next(1);
      expect([row?.stays, row?.removal.lists]).toEqual([true, ['Old', 'Own']]);
    },
  );

  it('of users whom only a rejected record names are handed out once that row is absent, too', async () => {
    const { pendingDeletions, ledger } = await decided({ absent: 1 });
    const stream = ledger.own[0]?.id ?? 0;
    await ledger.commit({ named: [{ stream, key: 'x', named: { email: 'away0@s1' }, seen: 2 }] });
    expect(await pendingDeletions.next(5)).toEqual([]);
    pendingDeletions.lookAgain();
    expect(await pendingDeletions.next(5)).toEqual([]);
    await ledger.decideDeletions([{ stream, snapshot: 3, state: '' }], () => true);
    pendingDeletions.lookAgain();
    const rows = await pendingDeletions.next(5);
    expect(rows.map(({ removal }) => removal.email)).toEqual(expect.arrayContaining(['away0@s1']));
  });

  it('are none of a stream whose mode no longer removes', async () => {
    const { ledger, streams } = await decided({ absent: 1 }, { absent: 1 });
    const [first, second] = streams;
    if (!first || !second) throw new Error('There are two streams');
    const keeping = { ...first, routed: { ...first.routed, mode: 'additive' } } as const;
    expect(
      (await new PendingDeletions(ledger, [keeping, second]).next(5)).map(({ streamKey }) => streamKey),
    ).toEqual(['s2']);
    expect(await new PendingDeletions(ledger, [keeping]).next(5)).toEqual([]);
  });
});
