import { afterEach, describe, expect, it } from '@jest/globals';
import { ConfigError } from '../../src/errors.ts';
import type { Ledger, LedgerChanges } from '../../src/ledger/ledger.ts';
import { decideAbsence, evaluate, type Absence } from '../../src/diff/absence.ts';
import { readStreamState } from '../../src/diff/stream-state.ts';
import { aReplacingRun, closeLedgers, type ReplacedStream } from '../support/replacing-run.ts';

afterEach(closeLedgers);

async function decided(cases: readonly ReplacedStream[], maxRemovalsPercent = 100) {
  const run = await aReplacingRun(...cases);
  let absence: Absence | undefined;
  let failure: ConfigError | undefined;
  try {
    absence = await decideAbsence({ ...run, maxRemovalsPercent });
  } catch (error) {
    failure = error as ConfigError;
  }
  const ids = run.ledger.own.map(({ id }) => id);
  const toBeRemoved = await run.ledger.nextPendingDeletions(ids, 1_000);
  const states = (await run.ledger.streams()).map(({ state }) => readStreamState(state));
  return {
    notes: absence?.notes,
    removals: absence?.removals,
    failure,
    toBeRemoved: toBeRemoved.map(({ email }) => email),
    states,
  };
}

const saysWhy = (why: string) => [`Stream s1: users missing from the snapshot stay, since ${why}.`];

describe('a verified snapshot', () => {
  it('removes the users that it did not have, and says so', async () => {
    const { notes, removals, toBeRemoved } = await decided([{ present: 3, absent: 2 }]);
    expect(notes).toEqual(['Stream s1: 2 users are no longer among its records and are removed.']);
    expect([removals?.get('s1'), toBeRemoved.sort()]).toEqual([2, ['away0@s1', 'away1@s1']]);
  });

  it.each<[string, ReplacedStream, string[]]>([
    [
      'one user',
      { present: 1, absent: 1 },
      ['Stream s1: 1 user is no longer among its records and is removed.'],
    ],
    ['nobody where nobody is absent', { present: 1 }, []],
    ['no reason where nobody is absent', { present: 1, mode: 'additive' }, []],
    [
      'users who were only enriched',
      { present: 1, absent: 2, entry: { origin: 'enrich' } },
      [
        'Stream s1: 0 users are no longer among its records and are removed; 2 more stay in Iterable, since another row holds them, or nothing shows that this connector created them.',
      ],
    ],
    [
      'a user that another row has',
      { present: 1, absent: 1, entry: { email: 'here0@s1' } },
      [
        'Stream s1: 0 users are no longer among its records and are removed; 1 more stay in Iterable, since another row holds them, or nothing shows that this connector created them.',
      ],
    ],
  ])('tells of %s', async (_name, given, expected) => {
    expect((await decided([given])).notes).toEqual(expected);
  });

  it.each<[string, ReplacedStream, string]>([
    ['the mode adds only', { mode: 'additive' }, 'the sync mode additive removes no users'],
    ['the mode enriches', { mode: 'enrich' }, 'the sync mode enrich removes no users'],
    [
      'no run of it had a record',
      { hasRecord: false, open: { hasRecord: false } },
      'it had no record at all',
    ],
    [
      'only an earlier run of it had a record',
      { hasRecord: false },
      'the run that completed it had no record of it',
    ],
    [
      'a record had no readable key',
      { open: { hasKeyless: true } },
      'a record was rejected or skipped that has no key',
    ],
    [
      'its identity settings have changed',
      { state: { identityConfigChanged: true } },
      'this is the first full snapshot after its primary key, identify_by or project_type changed',
    ],
  ])('removes nobody where %s, and says why', async (_name, given, why) => {
    // The guard does not count where nobody is removed.
    const { notes, removals, toBeRemoved, states, failure } = await decided(
      [{ present: 1, absent: 9, ...given }],
      0,
    );
    expect([failure, notes]).toEqual([undefined, saysWhy(why)]);
    expect([removals?.size, toBeRemoved]).toEqual([0, []]);
    // The snapshot ends all the same: the next one decides anew.
    expect(states).toMatchObject([{ snapshot: 2, identityConfigChanged: false }]);
    expect(states[0]?.open).toBeUndefined();
  });

  it('ends once it is decided, and the change of its basis is forgotten', async () => {
    const { states } = await decided([{ present: 1, absent: 1, targets: ['plan'], generationId: 4 }]);
    const basis = '[[["id"]],"email","hybrid"]';
    expect(states).toEqual([
      { basis, identityConfigChanged: false, snapshot: 2, targets: ['plan'], generation: 4 },
    ]);
  });
});

it('a snapshot stays open where its removals could not be stored: all are in one transaction', async () => {
  const run = await aReplacingRun({ absent: 1 }, { present: 1, mode: 'additive' });
  const ledger = {
    countMissing: (stream: number, snapshot: number) => run.ledger.countMissing(stream, snapshot),
    count: (stream: number) => run.ledger.count(stream),
    commit: (changes: LedgerChanges) => run.ledger.commit(changes),
    decideDeletions: () => Promise.reject(new Error('away')),
  };
  const failing = { ...run, ledger: ledger as unknown as Ledger, maxRemovalsPercent: 100 };
  await expect(decideAbsence(failing)).rejects.toThrow('away');
  const states = (await run.ledger.streams()).map(({ state }) => readStreamState(state)?.snapshot);
  expect(states).toEqual([undefined, 2]);
});

describe('a stream that is not verified', () => {
  it.each<[string, ReplacedStream]>([
    ['keeps its snapshot open', { isVerified: false }],
    ['has no snapshot where nothing is replaced', { destinationSyncMode: 'append_dedup' }],
  ])('%s', async (_name, given) => {
    const { notes, removals, toBeRemoved, states } = await decided([{ present: 1, absent: 1, ...given }], 0);
    expect([notes, removals?.size, toBeRemoved]).toEqual([[], 0, []]);
    // Nothing of it is written.
    expect(states).toEqual([undefined]);
  });

  it('has no snapshot where an earlier run began one, and this run replaces nothing', async () => {
    const state = { open: { entriesAtStart: 5, hasRecord: true, hasKeyless: false } };
    const given: ReplacedStream = {
      destinationSyncMode: 'append_dedup',
      absent: 1,
      entry: { seen: 0 },
      state,
    };
    expect((await decided([given])).toBeRemoved).toEqual([]);
  });

  it('does not keep others from being decided', async () => {
    const { removals, toBeRemoved } = await decided([{ absent: 1, isVerified: false }, { absent: 1 }]);
    expect([[...(removals ?? [])], toBeRemoved]).toEqual([[['s2', 1]], ['away0@s2']]);
  });
});

describe('several streams', () => {
  it('are decided together: a user absent from both is removed, one that the other has is not', async () => {
    const shared = { email: 'shared@x.com' };
    const bothAbsent = await decided([
      { absent: 1, entry: shared },
      { absent: 1, entry: shared },
    ]);
    expect(bothAbsent.toBeRemoved).toEqual(['shared@x.com', 'shared@x.com']);
    expect([...(bothAbsent.removals ?? [])]).toEqual([['s1', 1], ['s2', 1]]); // prettier-ignore
    const oneAbsent = await decided([
      { absent: 1, entry: shared },
      { absent: 1, entry: shared, isVerified: false },
    ]);
    expect(oneAbsent.removals?.get('s1')).toBe(0);
    expect(oneAbsent.notes?.join()).toContain('1 more stay in Iterable');
  });

  it('each have a sentence, first those of which no user is removed', async () => {
    const { notes } = await decided([{ absent: 1 }, { absent: 1, mode: 'additive' }, { present: 1 }]);
    expect(notes?.map((note) => note.slice(0, 18))).toEqual(['Stream s2: users m', 'Stream s1: 1 user ']);
  });
});

describe('the removal guard', () => {
  it.each<[string, number, ReplacedStream, boolean]>([
    ['allows just its limit', 20, { present: 8, absent: 2 }, false],
    ['fails above it', 20, { present: 7, absent: 2 }, true],
    ['allows all at 100', 100, { absent: 10 }, false],
    ['allows nobody at 0', 0, { present: 999, absent: 1 }, true],
    ['allows a snapshot without an absent row at 0', 0, { present: 1 }, false],
    [
      'fails where there was no entry when the snapshot began',
      99,
      { absent: 1, open: { entriesAtStart: 0 } },
      true,
    ],
  ])('%s', async (_name, limit, given, fails) => {
    const { failure } = await decided([given], limit);
    expect(failure !== undefined).toBe(fails);
    expect(failure?.message ?? '').not.toContain('Infinity');
  });

  it('removes nobody of any stream, ends all snapshots, and names each stream above the limit', async () => {
    const above = { present: 1, absent: 2 };
    const { failure, toBeRemoved, states } = await decided([above, { present: 9, absent: 1 }, above], 20);
    expect(failure).toBeInstanceOf(ConfigError);
    expect(failure?.code).toBe('too_many_removals');
    const sentence =
      '2 of the 3 entries in the ledger are of users whom no record names any longer (66.7 %), more than max_removals_percent (20) allows. No user was removed. If they are to go, raise max_removals_percent for one sync; if not, see why the source sent so few.';
    expect(failure?.problems).toEqual([`Stream s1: ${sentence}`, `Stream s3: ${sentence}`]);
    expect(toBeRemoved).toEqual([]);
    expect(states.map((state) => [state?.snapshot, state?.open])).toEqual([[2, undefined], [2, undefined], [2, undefined]]); // prettier-ignore
  });

  it('can be asked without changing anything', async () => {
    const run = await aReplacingRun(
      { present: 1, absent: 2 },
      { absent: 1, mode: 'additive' },
      { isVerified: false },
    );
    const decisions = evaluate(run);
    expect(decisions.map(({ stream, keptBecause }) => [stream.routed.name, keptBecause])).toEqual([
      ['s1', undefined],
      ['s2', 'the sync mode additive removes no users'],
    ]);
    expect((await run.ledger.streams()).map(({ state }) => state)).toEqual(['', '', '']);
    expect(run.streams.every(({ state }) => state.open !== undefined)).toBe(true);
  });
});
