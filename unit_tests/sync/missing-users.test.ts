import { afterEach, describe, expect, it } from '@jest/globals';
import type { UserListChange } from '../../src/delivery/list-members.ts';
import type { UserRequest } from '../../src/batching/user-request.ts';
import { decideAbsence } from '../../src/diff/absence.ts';
import { PendingDeletions } from '../../src/diff/pending-deletions.ts';
import type { Rejection, Removal } from '../../src/model.ts';
import { removeMissingUsers } from '../../src/sync/missing-users.ts';
import { SyncSummary } from '../../src/sync/stream-summary.ts';
import { SyncLog } from '../../src/sync/sync-log.ts';
import { HandClock } from '../support/hand-clock.ts';
import { aReplacingRun, closeLedgers, type ReplacedStream } from '../support/replacing-run.ts';
import { lists } from '../support/rows.ts';

afterEach(closeLedgers);

const REFUSED: Rejection = { code: 'refused', reason: 'for a test' };

/** A run at its end, and a destination that notes each call. */
async function removing(
  cases: readonly ReplacedStream[],
  {
    refuses = () => false,
    leavingPage = 100,
  }: { refuses?: (text: string) => boolean; leavingPage?: number } = {},
) {
  const run = await aReplacingRun(...cases);
  await decideAbsence({ ...run, maxRemovalsPercent: 100 });
  const calls: string[] = [];
  const inFlight = new Set<string>();
  const faults: string[] = [];
  const summary = new SyncSummary(run.streams.map(({ routed }) => routed.key));
  const warnings: string[] = [];
  const halt = new AbortController();
  const clock = new HandClock();
  let onCall = (): void => undefined;
  const remove = (removal: 'delete_user' | 'remove_from_lists') =>
    removeMissingUsers({
      pendingDeletions: new PendingDeletions(run.ledger, run.streams),
      removal,
      keepersByProfile: () => Promise.resolve([]),
      listCalls: { maxUsers: 10, maxBytes: 1_000_000 },
      leavingPage,
      summary,
      log: new SyncLog((level, message) => {
        if (level === 'WARN') warnings.push(message);
      }, clock),
      clock,
      stop: halt.signal,
      remover: {
        identify: ({ email = '' }: Removal) =>
          Promise.resolve({ key: { kind: 'email', value: email }, others: [], isKnown: true }),
        removePerson: ({ key }) => {
          calls.push(`delete ${key.value}`);
          onCall();
          return Promise.resolve(refuses(key.value) ? REFUSED : { key, others: [], wasThere: true });
        },
      },
      listMembers: {
        rate: () => 5,
        untilTurn: () => Promise.resolve(),
        change: async ({ list, isOn }: UserListChange, users: readonly UserRequest[]) => {
          calls.push(`${isOn ? '+' : '-'}${list} ${users.length}`);
          for (const { key } of users) {
            if (inFlight.has(key.value)) faults.push(`${key.value} is in two calls`);
            inFlight.add(key.value);
          }
          onCall();
          await Promise.resolve();
          for (const { key } of users) inFlight.delete(key.value);
          return new Map(users.filter(({ key }) => refuses(key.value)).map((user) => [user, REFUSED]));
        },
      },
    });
  const left = async () => (await new PendingDeletions(run.ledger, run.streams).next(1_000)).length;
  return {
    remove,
    left,
    calls,
    faults,
    warnings,
    halt,

    onCall: (then: () => void) => (onCall = then),
  };
}

describe('users who are missing from the snapshot', () => {
  it('leave their lists in full calls, whichever lists each is on', async () => {
    const all = await removing([
      { absent: 30, entry: { lists: lists('A', 'B') } },
      { absent: 10, entry: { lists: lists('B', 'C') } },
    ]);
    await all.remove('remove_from_lists');
    expect(all.calls.sort()).toEqual([
      ...Array<string>(3).fill('-A 10'),
      ...Array<string>(4).fill('-B 10'),
      '-C 10',
    ]);
    expect([all.faults, await all.left()]).toEqual([[], 0]);
  });

  it('are in one call at a time, with all their rows', async () => {
    const all = await removing([
      { absent: 5, entry: { email: 'one@x', lists: lists('A') } },
      { absent: 5, entry: { email: 'one@x', lists: lists('A', 'B') } },
    ]);
    await all.remove('remove_from_lists');
    expect(all.calls.sort()).toEqual(['-A 1', '-B 1']);
    expect([all.faults, await all.left()]).toEqual([[], 0]);
  });

  it('are in one call at a time, also where the ledger gives their rows page by page', async () => {
    const all = await removing(
      [
        { absent: 4, entry: { email: 'one@x', lists: lists('A') } },
        { absent: 1, entry: { email: 'one@x', lists: lists('A', 'B') } },
      ],
      { leavingPage: 4 },
    );
    await all.remove('remove_from_lists');
    expect(all.calls.sort()).toEqual(['-A 1', '-A 1', '-B 1']);
    expect([all.faults, await all.left()]).toEqual([[], 0]);
  });

  it('are deleted, and leave no list before', async () => {
    const all = await removing([{ absent: 3, entry: { lists: lists('A') } }]);
    await all.remove('delete_user');
    expect(all.calls.sort()).toEqual(['delete away0@s1', 'delete away1@s1', 'delete away2@s1']);
    expect(await all.left()).toBe(0);
  });

  it('are left to the next run where they are refused, and tried once', async () => {
    for (const removal of ['delete_user', 'remove_from_lists'] as const) {
      const all = await removing([{ absent: 3, entry: { lists: lists('A') } }], {
        refuses: (text) => text.includes('away1'),
      });
      await all.remove(removal);
      expect(all.calls).toHaveLength(removal === 'delete_user' ? 3 : 1);
      expect(all.warnings).toEqual([
        expect.stringMatching(/^A user of stream s1 is missing .* refused: for a test/),
      ]);
      expect(await all.left()).toBe(1);
    }
  });

  it('keep what is done when the run is stopped', async () => {
    const all = await removing([{ absent: 30, entry: { lists: lists('A') } }]);
    let calls = 0;
    all.onCall(() => {
      if (++calls === 2) all.halt.abort(new Error('stopped'));
    });
    await expect(all.remove('remove_from_lists')).rejects.toThrow('stopped');
    expect(all.calls.length).toBeLessThan(30);
    expect(await all.left()).toBe(30 - 10 * all.calls.length);
  });
});
