import { describe, expect, it } from '@jest/globals';
import { Deletions, type ProfileIdentities } from '../../src/delivery/deletions.ts';
import { TransientError } from '../../src/errors.ts';
import { identityText, type Rejection, type Upsert } from '../../src/model.ts';
import { Conflicts, withoutUserId } from '../../src/sync/conflicts.ts';
import type { PendingWork } from '../../src/sync/pending-record.ts';
import { HandClock } from '../support/hand-clock.ts';
import { anEntry, anUpsert, aRow, IN_DOUBT, keyOf } from '../support/rows.ts';
import { aRecord, aRequest, aWork, workOf } from '../support/works.ts';

const A = 'a@x.com';
const B = 'b@x.com';
const OLD = 'old@x.com';
const CONFLICT: Rejection = { code: 'conflict', reason: 'taken' };

/** A project with these profiles; which users are being removed, and whose new addresses were found taken. */
function aProject({ profiles = [], removing = [], taken = [] }: Project = {}) {
  const clock = new HandClock();
  const shown = [...profiles];
  const deletions = new Deletions({
    clock,
    lookUp: ({ kind, value }) => Promise.resolve(shown.find((profile) => profile[kind] === value)),
  });
  const conflicts = new Conflicts({
    deletions,
    removals: {
      isEmpty: removing.length === 0,
      isRemoving: (identities) => removing.some((who) => identities.includes(identityText(keyOf(who)))),
    },
    planner: { staysBehind: (work) => taken.includes(work) },
  });
  return { clock, shown, deletions, conflicts };
}

interface Project {
  readonly profiles?: readonly ProfileIdentities[];
  readonly removing?: readonly string[];
  readonly taken?: readonly PendingWork[];
}

const requestOf = ({ key, values }: Upsert) => aRequest(key.value, values);
const upsertOf = ({ change }: PendingWork) => change as Upsert;

describe('a refused upsert', () => {
  const WORK = workOf(anUpsert(A, { userId: 'u1' }));
  const REQUEST = requestOf(upsertOf(WORK));
  /** Whether it is looked into, after a deletion that named this and knew of these besides. */
  const isLookedInto = (rejection: Rejection, deleted?: string, others: string[] = [], isSeen = true) => {
    const { conflicts, deletions } = aProject();
    if (deleted !== undefined) deletions.note(keyOf(deleted), others.map(keyOf), { isSeen, wasThere: true });
    return conflicts.concern(WORK, REQUEST, rejection);
  };

  it.each<[string, boolean, boolean]>([
    ['is final where nobody was deleted', isLookedInto(CONFLICT), false],
    ['is looked into where the id may be that of a deleted user', isLookedInto(CONFLICT, 'u1'), true],
    ['is looked into where a deleted user may have had it besides', isLookedInto(CONFLICT, B, ['u1']), true],
    ['is final where another user was deleted', isLookedInto(CONFLICT, B), false],
    ['is final where the address that it goes by was deleted', isLookedInto(CONFLICT, A), false],
    ['is looked into where a deleted user may have had any id', isLookedInto(CONFLICT, B, [], false), true],
    [
      'is final where it is no conflict',
      isLookedInto({ code: 'invalid_email', reason: '' }, 'u1', [], false),
      false,
    ],
    [
      'is final where the field in question is another',
      isLookedInto({ ...CONFLICT, field: 'userId' }, B),
      false,
    ],
  ])('%s', (_name, actual, expected) => {
    expect(actual).toBe(expected);
  });

  it('is looked into while users are being removed', () => {
    expect(aProject({ removing: [B] }).conflicts.concern(WORK, REQUEST, CONFLICT)).toBe(true);
  });

  it('goes by the field that Iterable names, where it names one', () => {
    const work = workOf(anUpsert('u1', { email: B }));
    const both = { ...requestOf(upsertOf(work)), newUserId: 'u2' };
    const { conflicts, deletions } = aProject();
    deletions.note(keyOf('u2'), [], { isSeen: true, wasThere: true });
    const fields = [undefined, 'email', 'userId', 'plan'].map((field) =>
      conflicts.concern(work, both, { ...CONFLICT, ...(field === undefined ? {} : { field }) }),
    );
    expect(fields).toEqual([true, false, true, true]);
  });
});

describe('a user whose id was that of a deleted one', () => {
  it('is sent again, once that one is gone', async () => {
    const { clock, conflicts, deletions, shown } = aProject({ profiles: [{ email: OLD, userId: 'u1' }] });
    deletions.note(keyOf(OLD), [], { isSeen: true, wasThere: true });
    const work = workOf(anUpsert(A, { userId: 'u1' }));
    let verdict: string | undefined;
    const judged = conflicts
      .judge(work, requestOf(upsertOf(work)), CONFLICT)
      .then((said) => (verdict = said));
    await clock.advance(60_000);
    expect(verdict).toBeUndefined();
    shown.pop();
    await clock.advance(60_000);
    await judged;
    expect(verdict).toBe('again');
  });

  it('is waited for while its removal is under way, too', async () => {
    const removing = [OLD];
    const { clock, conflicts } = aProject({ profiles: [{ email: OLD, userId: 'u1' }], removing });
    const work = workOf(anUpsert(A, { userId: 'u1' }));
    let verdict: string | undefined;
    void conflicts.judge(work, requestOf(upsertOf(work)), CONFLICT).then((said) => (verdict = said));
    await clock.advance(60_000);
    expect(verdict).toBeUndefined();
    removing.pop();
    await clock.advance(60_000);
    // The profile is there still: it is a living user's.
    expect(verdict).toBe('refused');
  });

  it('is sent again once only', async () => {
    const { conflicts, deletions } = aProject();
    deletions.note(keyOf('u1'), [], { isSeen: false, wasThere: true });
    const work = workOf(anUpsert(A, { userId: 'u1' }));
    const request = requestOf(upsertOf(work));
    expect(conflicts.concern(work, request, CONFLICT)).toBe(true);
    expect(await conflicts.judge(work, request, CONFLICT)).toBe('again');
    expect(conflicts.concern(work, request, CONFLICT)).toBe(false);
    expect(await conflicts.judge(work, request, CONFLICT)).toBe('refused');
  });

  it('is waited for ten minutes at most', async () => {
    const { clock, conflicts, deletions } = aProject({ profiles: [{ userId: 'u1' }] });
    deletions.note(keyOf('u1'), [], { isSeen: true, wasThere: true });
    const work = workOf(anUpsert(A, { userId: 'u1' }));
    const judged = conflicts
      .judge(work, requestOf(upsertOf(work)), CONFLICT)
      .catch((error: unknown) => error);
    await clock.advance(11 * 60_000);
    expect(await judged).toBeInstanceOf(TransientError);
  });

  it('is refused where a living user has it', async () => {
    const { conflicts } = aProject({ profiles: [{ email: B, userId: 'u1' }] });
    const work = workOf(anUpsert(A, { userId: 'u1' }));
    expect(await conflicts.judge(work, requestOf(upsertOf(work)), CONFLICT)).toBe('refused');
  });
});

describe('a user whose id is at the profile of the address before', () => {
  const MOVE = workOf(anUpsert(A, { userId: 'u1' }, { previousEmail: OLD }));
  const former = { email: OLD, userId: 'u1' };

  async function judged(
    work: PendingWork,
    project: Project,
    rejection: Rejection = CONFLICT,
    rest: object = {},
  ) {
    const { conflicts } = aProject(project);
    const request = { ...requestOf(upsertOf(work)), ...rest };
    if (!conflicts.concern(work, request, rejection)) return 'final';
    return conflicts.judge(work, request, rejection);
  }

  it.each<[string, Project, Rejection, string]>([
    [
      'is written without it, where the new address is there',
      { profiles: [former], taken: [MOVE] },
      CONFLICT,
      'without user id',
    ],
    [
      'is written without it, where Iterable names the id',
      { profiles: [former], taken: [MOVE] },
      { ...CONFLICT, field: 'userId' },
      'without user id',
    ],
    [
      'is refused where the address is in the way',
      { profiles: [former], taken: [MOVE] },
      { ...CONFLICT, field: 'email' },
      'final',
    ],
    ['is refused where no move was planned', { profiles: [former] }, CONFLICT, 'final'],
    [
      'is refused where a third profile has the id',
      { profiles: [{ email: B, userId: 'u1' }], taken: [MOVE] },
      CONFLICT,
      'refused',
    ],
  ])('%s', async (_name, project, rejection, expected) => {
    expect(await judged(MOVE, project, rejection)).toBe(expected);
  });

  it.each([
    ['it gives another address', { newEmail: B }],
    ['it gives no id', { newUserId: undefined }],
    ['it goes by the id', { key: keyOf('u1') }],
  ])('is refused where %s', async (_name, rest) => {
    expect(await judged(MOVE, { profiles: [former], taken: [MOVE] }, CONFLICT, rest)).toBe('final');
  });

  const heldAs = (entry: object, change = anUpsert(A, { userId: 'u1' })) =>
    aWork(aRecord(change, { row: aRow({ held: anEntry({ email: A, userId: 'u1', ...entry }) }) }));
  it.each<[string, PendingWork, ProfileIdentities, string]>([
    ['is written without it again, as the ledger has it', heldAs({}), former, 'without user id'],
    ['is refused where its own profile has the id', heldAs({}), { email: A, userId: 'u1' }, 'refused'],
    ['is refused where the ledger has another id', heldAs({ userId: 'u2' }), former, 'final'],
    [
      'is written without it where the profile at the ledger’s address has it',
      heldAs({ email: B }),
      { email: B, userId: 'u1' },
      'without user id',
    ],
    ['is refused where neither has it', heldAs({ email: B }), former, 'refused'],
    [
      'is written without it where the previous address has it, and the ledger has the new one',
      heldAs({}, anUpsert(A, { userId: 'u1' }, { previousEmail: OLD })),
      former,
      'without user id',
    ],
    ['is refused where the ledger is in doubt', heldAs(IN_DOUBT), former, 'final'],
    ['is refused where it has no entry', workOf(anUpsert(A, { userId: 'u1' })), former, 'final'],
  ])('%s', async (_name, work, profile, expected) => {
    expect(await judged(work, { profiles: [profile] })).toBe(expected);
  });

  it('is sent again where the id has become free meanwhile', async () => {
    expect(await judged(MOVE, { taken: [MOVE] })).toBe('again');
  });
});

it('values without the user id are otherwise what they were, and the first ones stay', () => {
  const values = { userId: 'u1', plan: 'gold', email: A };
  expect({ ...withoutUserId(values) }).toEqual({ plan: 'gold', email: A });
  expect(values.userId).toBe('u1');
  expect({ ...withoutUserId({ plan: 'gold' }) }).toEqual({ plan: 'gold' });
});
