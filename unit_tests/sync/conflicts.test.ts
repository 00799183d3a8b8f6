import { describe, expect, it } from '@jest/globals';
import { Deletions, type ProfileIdentities } from '../../src/delivery/deletions.ts';
import { TransientError } from '../../src/errors.ts';
import type { Rejection } from '../../src/model.ts';
import { Conflicts, withoutUserId, type ConflictResolution } from '../../src/sync/conflicts.ts';
import { DeletionTasks } from '../../src/sync/deletion-tasks.ts';
import { upsertOf, type Task } from '../../src/sync/task.ts';
import { HandClock } from '../support/hand-clock.ts';
import { anEntry, anUpsert, aRow, keyOf, UNCONFIRMED } from '../support/rows.ts';
import { aRecord, aRemoval, aRequest, aTask, taskOf } from '../support/tasks.ts';

const A = 'a@x.com';
const B = 'b@x.com';
const OLD = 'old@x.com';
const CONFLICT: Rejection = { code: 'conflict', reason: 'taken' };

/** A project with these profiles; users with these addresses are being deleted. */
function aProject({ profiles = [], deleting = [] }: Project = {}) {
  const clock = new HandClock();
  const shown = [...profiles];
  const deletions = new Deletions({
    clock,
    lookUp: ({ kind, value }) => Promise.resolve(shown.find((profile) => profile[kind] === value)),
  });
  const deletionTasks = new DeletionTasks();
  const tasks = deleting.map((email) => taskOf(aRemoval({ email })));
  for (const task of tasks) deletionTasks.add(task);
  const endDeletions = () => {
    for (const task of tasks) deletionTasks.delete(task);
  };
  const conflicts = new Conflicts({ deletions, deletionTasks });
  return { clock, shown, deletions, endDeletions, conflicts };
}

interface Project {
  readonly profiles?: readonly ProfileIdentities[];
  readonly deleting?: readonly string[];
}

function requestOf(task: Task) {
  const { key, values } = upsertOf(task);
  return aRequest(key.value, values);
}

describe('a rejected upsert', () => {
  const TASK = taskOf(anUpsert(A, { userId: 'u1' }));
  const REQUEST = requestOf(TASK);
  /** Whether it is looked into, after a deletion by this identity of a user who may have these besides. */
  const isLookedInto = (rejection: Rejection, deleted?: string, others: string[] = [], isSeen = true) => {
    const { conflicts, deletions } = aProject();
    if (deleted !== undefined) deletions.note(keyOf(deleted), others.map(keyOf), { isSeen, wasThere: true });
    return conflicts.concern(TASK, REQUEST, rejection);
  };

  it.each<[string, boolean, boolean]>([
    ['is final where no user was deleted', isLookedInto(CONFLICT), false],
    ['is looked into where the id may be that of a deleted user', isLookedInto(CONFLICT, 'u1'), true],
    ['is looked into where a deleted user may have had it besides', isLookedInto(CONFLICT, B, ['u1']), true],
    ['is final where another user was deleted', isLookedInto(CONFLICT, B), false],
    ['is final where a user was deleted by the address that identifies it', isLookedInto(CONFLICT, A), false],
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

  it('is looked into while users are being deleted', () => {
    expect(aProject({ deleting: [B] }).conflicts.concern(TASK, REQUEST, CONFLICT)).toBe(true);
  });

  it('is looked into by the field that Iterable names, where it names one', () => {
    const task = taskOf(anUpsert('u1', { email: B }));
    const both = { ...requestOf(task), newUserId: 'u2' };
    const { conflicts, deletions } = aProject();
    deletions.note(keyOf('u2'), [], { isSeen: true, wasThere: true });
    const fields = [undefined, 'email', 'userId', 'plan'].map((field) =>
      conflicts.concern(task, both, { ...CONFLICT, ...(field === undefined ? {} : { field }) }),
    );
    expect(fields).toEqual([true, false, true, true]);
  });
});

describe('an upsert whose user id was that of a deleted user', () => {
  it('is sent again, once that user is gone', async () => {
    const { clock, conflicts, deletions, shown } = aProject({ profiles: [{ email: OLD, userId: 'u1' }] });
    deletions.note(keyOf(OLD), [], { isSeen: true, wasThere: true });
    const task = taskOf(anUpsert(A, { userId: 'u1' }));
    let resolution: ConflictResolution | undefined;
    const resolved = conflicts
      .resolve(task, requestOf(task), CONFLICT)
      .then((result) => (resolution = result));
    await clock.advance(60_000);
    expect([resolution, task.isSentAgain]).toEqual([undefined, false]);
    shown.pop();
    await clock.advance(60_000);
    await resolved;
    expect([resolution, task.isSentAgain]).toEqual(['again', true]);
  });

  it('waits while the deletion of that user is in flight, too', async () => {
    const profiles = [{ email: OLD, userId: 'u1' }];
    const { clock, conflicts, endDeletions } = aProject({ profiles, deleting: [OLD] });
    const task = taskOf(anUpsert(A, { userId: 'u1' }));
    let resolution: ConflictResolution | undefined;
    void conflicts.resolve(task, requestOf(task), CONFLICT).then((result) => (resolution = result));
    await clock.advance(60_000);
    expect(resolution).toBeUndefined();
    endDeletions();
    await clock.advance(60_000);
    // The profile is there still: it is that of a user who is not deleted.
    expect([resolution, task.isSentAgain]).toEqual(['refused', false]);
  });

  it('is sent again once only', async () => {
    const { conflicts, deletions } = aProject();
    deletions.note(keyOf('u1'), [], { isSeen: false, wasThere: true });
    const task = taskOf(anUpsert(A, { userId: 'u1' }));
    const request = requestOf(task);
    expect(conflicts.concern(task, request, CONFLICT)).toBe(true);
    expect(await conflicts.resolve(task, request, CONFLICT)).toBe('again');
    expect(conflicts.concern(task, request, CONFLICT)).toBe(false);
    expect(await conflicts.resolve(task, request, CONFLICT)).toBe('refused');
  });

  it('waits ten minutes at most', async () => {
    const { clock, conflicts, deletions } = aProject({ profiles: [{ userId: 'u1' }] });
    deletions.note(keyOf('u1'), [], { isSeen: true, wasThere: true });
    const task = taskOf(anUpsert(A, { userId: 'u1' }));
    const resolved = conflicts.resolve(task, requestOf(task), CONFLICT).catch((error: unknown) => error);
    await clock.advance(11 * 60_000);
    expect(await resolved).toBeInstanceOf(TransientError);
  });

  it('stays rejected where a user who is not deleted has it', async () => {
    const { conflicts } = aProject({ profiles: [{ email: B, userId: 'u1' }] });
    const task = taskOf(anUpsert(A, { userId: 'u1' }));
    expect(await conflicts.resolve(task, requestOf(task), CONFLICT)).toBe('refused');
  });
});

describe('an upsert whose user id is that of the profile at the previous address', () => {
  const previous = { email: OLD, userId: 'u1' };
  const aMove = ({ staysBehind = true } = {}) =>
    Object.assign(taskOf(anUpsert(A, { userId: 'u1' }, { previousEmail: OLD })), { staysBehind });

  async function resolved(
    task: Task,
    project: Project,
    rejection: Rejection = CONFLICT,
    rest: object = {},
  ): Promise<ConflictResolution | 'final'> {
    const { conflicts } = aProject(project);
    const request = { ...requestOf(task), ...rest };
    if (!conflicts.concern(task, request, rejection)) return 'final';
    return conflicts.resolve(task, request, rejection);
  }

  const staying = aMove();
  it.each<[string, Task, ProfileIdentities[], string | undefined, ConflictResolution | 'final']>([
    ['is sent without it, where the profile stays behind', staying, [previous], undefined, 'without user id'],
    ['is sent without it, where Iterable names the id', staying, [previous], 'userId', 'without user id'],
    ['stays rejected where Iterable names the address', staying, [previous], 'email', 'final'],
    [
      'stays rejected where the profile can move',
      aMove({ staysBehind: false }),
      [previous],
      undefined,
      'final',
    ],
    [
      'stays rejected where a third one has the id',
      staying,
      [{ email: B, userId: 'u1' }],
      undefined,
      'refused',
    ],
    ['is sent again where the id has become free meanwhile', aMove(), [], undefined, 'again'],
  ])('%s', async (_name, task, profiles, field, expected) => {
    const rejection = { ...CONFLICT, ...(field === undefined ? {} : { field }) };
    expect(await resolved(task, { profiles }, rejection)).toBe(expected);
    expect(task.isSentAgain).toBe(expected === 'again');
  });

  it.each([
    ['it gives another address', { newEmail: B }],
    ['it gives no id', { newUserId: undefined }],
    ['it is identified by the id', { key: keyOf('u1') }],
  ])('stays rejected where %s', async (_name, rest) => {
    expect(await resolved(aMove(), { profiles: [previous] }, CONFLICT, rest)).toBe('final');
  });

  const withEntry = (entry: object, change = anUpsert(A, { userId: 'u1' })) =>
    aTask(aRecord(change, { row: aRow({ entry: anEntry({ email: A, userId: 'u1', ...entry }) }) }));
  it.each<[string, Task, ProfileIdentities, ConflictResolution | 'final']>([
    [
      'is sent without it, as last time, where the ledger has both',
      withEntry({}),
      previous,
      'without user id',
    ],
    ['stays rejected where its own profile has the id', withEntry({}), { email: A, userId: 'u1' }, 'refused'],
    ['stays rejected where the ledger has another id', withEntry({ userId: 'u2' }), previous, 'final'],
    [
      'is sent without it where the profile at the ledger’s address has it',
      withEntry({ email: B }),
      { email: B, userId: 'u1' },
      'without user id',
    ],
    ['stays rejected where neither has it', withEntry({ email: B }), previous, 'refused'],
    [
      'is sent without it where the previous address has it, and the ledger has the new one',
      withEntry({}, anUpsert(A, { userId: 'u1' }, { previousEmail: OLD })),
      previous,
      'without user id',
    ],
    ['stays rejected where its entry is unconfirmed', withEntry(UNCONFIRMED), previous, 'final'],
    ['stays rejected where it has no entry', taskOf(anUpsert(A, { userId: 'u1' })), previous, 'final'],
  ])('%s', async (_name, task, profile, expected) => {
    expect(await resolved(task, { profiles: [profile] })).toBe(expected);
  });
});

it('values without the user id are otherwise what they were, and the first ones stay', () => {
  const values = { userId: 'u1', plan: 'gold', email: A };
  expect({ ...withoutUserId(values) }).toEqual({ plan: 'gold', email: A });
  expect(values.userId).toBe('u1');
  expect({ ...withoutUserId({ plan: 'gold' }) }).toEqual({ plan: 'gold' });
});
