import { describe, expect, it } from '@jest/globals';
import { Deletions, type ProfileIdentities } from '../../../src/delivery/deletions.ts';
import type { Upsert } from '../../../src/model.ts';
import { mayBeDeleted, waitUntilGone } from '../../../src/sync/stages/wait.ts';
import type { UpsertRoutes } from '../../../src/sync/upsert-routes.ts';
import { HandClock } from '../../support/hand-clock.ts';
import { anUpsert, keyOf } from '../../support/rows.ts';
import { taskOf } from '../../support/tasks.ts';

const A = 'a@x.com';
const OLD = 'old@x.com';

/** A project with these profiles, in which these users were deleted a moment ago. */
function aProject({
  deleted = [A],
  profiles = [],
}: { deleted?: string[]; profiles?: ProfileIdentities[] } = {}) {
  const clock = new HandClock();
  const shown = new Set(profiles);
  const deletions = new Deletions({
    clock,
    lookUp: ({ kind, value }) => Promise.resolve([...shown].find((profile) => profile[kind] === value)),
  });
  for (const user of deleted) deletions.note(keyOf(user), [], { isSeen: true, wasThere: true });
  const removed: string[] = [];
  const noting: Pick<UpsertRoutes, 'noteRemoved'> = { noteRemoved: ({ value }) => removed.push(value) };
  const free: string[] = [];
  const ledger = {
    noteFree: (identities: readonly string[]) => {
      free.push(...identities);
      return Promise.resolve();
    },
  };
  return { clock, deletions, shown, removed, free, ledger, routes: noting as UpsertRoutes };
}

describe('an upsert', () => {
  it.each<[string, Upsert, boolean]>([
    ['waits where it names a deleted user', anUpsert(A), true],
    ['waits where it gives its user a deleted one’s address', anUpsert('u1', { email: A }), true],
    ['waits where the user had a deleted one’s address', anUpsert('b@x.com', {}, { previousEmail: A }), true],
    ['does not wait where it names another user', anUpsert('b@x.com'), false],
  ])('%s', (_name, change, expected) => {
    expect(mayBeDeleted(change, aProject().deletions)).toBe(expected);
  });

  it('does not wait where no user was deleted', () => {
    expect(mayBeDeleted(anUpsert(A), aProject({ deleted: [] }).deletions)).toBe(false);
  });
});

describe('a task that waits for a deletion', () => {
  it('goes on when the deleted user is gone, who is then known to be', async () => {
    const ada = { email: A };
    const { clock, deletions, shown, removed, free, ledger, routes } = aProject({ profiles: [ada] });
    let isOver = false;
    const task = taskOf(anUpsert(A));
    void waitUntilGone(task, { deletions, routes, ledger }).then(() => (isOver = true));
    await clock.advance(60_000);
    expect([isOver, removed, free]).toEqual([false, [], []]);
    shown.delete(ada);
    await clock.advance(10_000);
    expect([isOver, removed, free]).toEqual([true, [A], [A]]);
    // Whatever the ledger knows of the user, all of it is sent.
    expect(task.isSentWhole).toBe(true);
  });

  it('waits for each identity that it touches', async () => {
    const { deletions, removed, ledger, routes } = aProject({ deleted: [A, 'u1', OLD, 'b@x.com'] });
    const task = taskOf(anUpsert(A, { userId: 'u1' }, { previousEmail: OLD }));
    await waitUntilGone(task, { deletions, routes, ledger });
    expect(removed).toEqual([A, 'u1', OLD]);
  });

  it('takes no user for gone whose identity another profile has', async () => {
    const { deletions, removed, ledger, routes } = aProject({
      deleted: [],
      profiles: [{ email: 'b@x.com', userId: 'u1' }],
    });
    deletions.note(keyOf(OLD), [keyOf('u1')], { isSeen: true, wasThere: true });
    const task = taskOf(anUpsert('u1'));
    await waitUntilGone(task, { deletions, routes, ledger });
    expect([removed, task.isSentWhole]).toEqual([[], false]);
  });

  it('needs no routes', async () => {
    const { deletions } = aProject();
    await expect(
      waitUntilGone(taskOf(anUpsert(A)), { deletions, routes: undefined, ledger: undefined }),
    ).resolves.toBeUndefined();
  });

  it('fails where the user is still there after ten minutes', async () => {
    const { clock, deletions, ledger, routes } = aProject({ profiles: [{ email: A }] });
    const failure = expect(waitUntilGone(taskOf(anUpsert(A)), { deletions, routes, ledger })).rejects.toThrow(
      'Iterable still shows a user ten minutes after deleting it',
    );
    await clock.advance(11 * 60_000);
    await failure;
  });
});
