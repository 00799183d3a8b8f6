import { describe, expect, it } from '@jest/globals';
import type { Deleted, UserRemover } from '../../src/delivery/remove-users.ts';
import type { RemovalDecision } from '../../src/diff/removals.ts';
import { identityText, type Rejection, type Removal } from '../../src/model.ts';
import type { WorkEnd } from '../../src/sync/outcomes.ts';
import type { PendingWork } from '../../src/sync/pending-record.ts';
import { RemovalLane, type RemovalLaneOptions } from '../../src/sync/removal-lane.ts';
import type { WorkMemory } from '../../src/sync/work-memory.ts';
import { settle } from '../support/hand-clock.ts';
import { anUpsert, keyOf } from '../support/rows.ts';
import { aRecord, aRemoval, aWork, workOf } from '../support/works.ts';

const A = 'a@x.com';
const B = 'b@x.com';
const REFUSED: Rejection = { code: 'forgotten', reason: 'erased' };

interface Case {
  readonly removal?: RemovalLaneOptions['removal'];
  /** What Iterable says of a deletion, by the address that it names; else the user was there. */
  readonly deleted?: Readonly<Record<string, 'not there' | 'refused' | 'away'>>;
  /** With a ledger: what it decides. */
  readonly decision?: RemovalDecision;
}

/** A lane whose calls are answered at once. What happens is noted, in order. */
function aLane({ removal = 'delete_user', deleted = {}, decision }: Case = {}) {
  const events: string[] = [];
  const ended: { end: WorkEnd; leaves: string[] }[] = [];
  const removed: Removal[] = [];
  const failures: string[] = [];
  const remover: Pick<UserRemover, 'remove' | 'identify'> = {
    remove: (person: Removal): Promise<Deleted | Rejection> => {
      const name = person.email ?? '';
      removed.push(person);
      events.push(`delete ${name}`);
      if (deleted[name] === 'away') return Promise.reject(new Error('away'));
      if (deleted[name] === 'refused') return Promise.resolve(REFUSED);
      return Promise.resolve({ key: keyOf(name), wasThere: deleted[name] !== 'not there' });
    },
    identify: (person: Removal) =>
      Promise.resolve(
        person.email === undefined ? REFUSED : { key: keyOf(person.email), others: [], isKnown: true },
      ),
  };
  const memory = {
    decideRemoval: () => {
      events.push('decide');
      return Promise.resolve(decision);
    },
    holdInDoubt: () => {
      events.push('hold');
      return Promise.resolve();
    },
  };
  const lane = new RemovalLane({
    remover: remover as UserRemover,
    removal,
    memory: decision && (memory as unknown as WorkMemory),
    onStarted: () => events.push('start'),
    onRemoved: ({ value }) => events.push(`removed ${value}`),
    onLeaving: (_work, leavers, end) =>
      ended.push({ end, leaves: leavers.map(({ key, lists }) => [key.value, ...lists].join(' ')) }),
    onEnded: (_work, end) => ended.push({ end, leaves: [] }),
    onFailure: ({ message }) => failures.push(message),
    onDone: () => undefined,
  });
  return { lane, events, ended, removed, failures };
}

async function endOf(given: Case, work: PendingWork = workOf(aRemoval({ email: A, lists: ['VIP'] }))) {
  const lane = aLane(given);
  lane.lane.put(work);
  await settle();
  return lane;
}

const both = [aRemoval({ email: B }), aRemoval({ email: A, lists: ['VIP'] })];
const deciding = (rest: Partial<RemovalDecision>): RemovalDecision => ({ removals: [], gone: [], ...rest });

describe('a removal that deletes', () => {
  it('starts, deletes and ends', async () => {
    const { events, ended } = await endOf({});
    expect(events).toEqual(['start', `delete ${A}`, `removed ${A}`]);
    expect(ended).toEqual([{ end: undefined, leaves: [] }]);
  });

  it.each<[string, Case, WorkEnd]>([
    ['says that nobody was there', { deleted: { [A]: 'not there' } }, 'not_there'],
    ['is refused', { deleted: { [A]: 'refused' } }, REFUSED],
    [
      'removes one of two, where the other one is not there',
      { decision: deciding({ removals: both }), deleted: { [A]: 'not there' } },
      undefined,
    ],
    [
      'removes neither of two',
      { decision: deciding({ removals: both }), deleted: { [A]: 'not there', [B]: 'not there' } },
      'not_there',
    ],
    [
      'is refused for one of two',
      { decision: deciding({ removals: both }), deleted: { [B]: 'refused' } },
      REFUSED,
    ],
    ['is for nobody, as the ledger says', { decision: deciding({ skip: 'not_in_ledger' }) }, 'not_in_ledger'],
  ])('%s', async (_name, given, end) => {
    expect((await endOf(given)).ended).toEqual([{ end, leaves: [] }]);
  });

  it('holds its rows in doubt before the first call, and not where there is none', async () => {
    const { events } = await endOf({ decision: deciding({ removals: both }) });
    expect(events).toEqual([
      'start',
      'decide',
      'hold',
      `delete ${B}`,
      `removed ${B}`,
      `delete ${A}`,
      `removed ${A}`,
    ]);
    expect((await endOf({ decision: deciding({ skip: 'not_in_ledger' }) })).events).toEqual([
      'start',
      'decide',
    ]);
  });

  it('knows of both users what was exported of one', async () => {
    const removals = [aRemoval({ email: B, isExported: false }), aRemoval({ email: A, isExported: true })];
    const { removed } = await endOf({ decision: deciding({ removals }) });
    expect(removed.map(({ isExported }) => isExported)).toEqual([true, true]);
    const none = await endOf({
      decision: deciding({ removals: [aRemoval({ email: A, isExported: false })] }),
    });
    expect(none.removed.map(({ isExported }) => isExported)).toEqual([false]);
  });

  it('has a user who stays leave lists', async () => {
    const leaves = aRemoval({ email: A, lists: ['VIP', 'Old'] });
    const { ended, events } = await endOf({ decision: deciding({ skip: 'held_by_another_stream', leaves }) });
    expect(ended).toEqual([{ end: 'held_by_another_stream', leaves: [`${A} VIP Old`] }]);
    expect(events).toEqual(['start', 'decide', 'hold']);
    const removing = await endOf({ decision: deciding({ removals: [aRemoval({ email: B })], leaves }) });
    expect(removing.ended).toEqual([{ end: undefined, leaves: [`${A} VIP Old`] }]);
  });
});

it('a removal is refused where nothing says whose lists a user who stays is to leave', async () => {
  const leaves = aRemoval({ userId: 'u1', lists: ['VIP'] });
  const { ended } = await endOf({ decision: deciding({ skip: 'held_by_another_stream', leaves }) });
  expect(ended).toEqual([{ end: REFUSED, leaves: [] }]);
});

describe('a removal that takes off lists', () => {
  const removal = 'remove_from_lists';
  it.each<[string, Case, Removal, { end: WorkEnd; leaves: string[] }]>([
    [
      'deletes nobody',
      {},
      aRemoval({ email: A, lists: ['VIP', 'Old'] }),
      { end: undefined, leaves: [`${A} VIP Old`] },
    ],
    ['leaves nothing where no list is named', {}, aRemoval({ email: A }), { end: undefined, leaves: [A] }],
    [
      'is refused where nothing says whose lists',
      {},
      aRemoval({ userId: 'u1', lists: ['VIP'] }),
      { end: REFUSED, leaves: [] },
    ],
    [
      'is for all users that the ledger names, and then for the one who stays',
      { decision: deciding({ removals: both, leaves: aRemoval({ email: 'c@x.com', lists: ['Own'] }) }) },
      aRemoval({ email: B }),
      { end: undefined, leaves: [B, `${A} VIP`, 'c@x.com Own'] },
    ],
  ])('%s', async (_name, given, change, expected) => {
    const { ended, removed } = await endOf({ removal, ...given }, workOf(change));
    expect([ended, removed]).toEqual([[expected], []]);
  });
});

describe('users who are being removed', () => {
  const work = aWork(
    aRecord(anUpsert(A, { userId: 'u1' })),
    aRecord(aRemoval({ email: A }), { rowToken: '\t1:[1]', formerIdentities: [B] }),
  );
  const isRemoving = (lane: RemovalLane, who: string) => lane.isRemoving([identityText(keyOf(who))]);

  it('are known by all that their records touch, until the removal is done', async () => {
    const { lane } = aLane();
    expect(lane.isEmpty).toBe(true);
    lane.put(work);
    expect([lane.isEmpty, lane.inFlight]).toEqual([false, 1]);
    expect([A, 'u1', B, 'c@x.com'].map((who) => isRemoving(lane, who))).toEqual([true, true, true, false]);
    await settle();
    expect([lane.isEmpty, lane.inFlight, isRemoving(lane, A)]).toEqual([true, 0, false]);
  });

  it('are none where they are taken off lists alone', () => {
    const { lane } = aLane({ removal: 'remove_from_lists' });
    lane.put(work);
    expect([lane.isEmpty, isRemoving(lane, A)]).toEqual([true, false]);
  });

  it('are none more once it is stopped', async () => {
    const { lane, events } = aLane();
    lane.stop();
    lane.put(work);
    await settle();
    expect(events).toEqual([]);
  });
});

it('a removal ends nothing where a call of it fails for good', async () => {
  const { ended, failures, lane } = await endOf({ deleted: { [A]: 'away' } });
  expect([ended, failures, lane.inFlight, lane.isEmpty]).toEqual([[], ['away'], 0, true]);
});

it('an upsert is none', async () => {
  const { ended, events } = await endOf({}, workOf(anUpsert(A)));
  expect([ended, events]).toEqual([[], []]);
});
