import { describe, expect, it } from '@jest/globals';
import { identityText } from '../../src/model.ts';
import { DeletionTasks } from '../../src/sync/deletion-tasks.ts';
import { anUpsert, keyOf } from '../support/rows.ts';
import { aRecord, aRemoval, aTask, taskOf } from '../support/tasks.ts';

const A = 'a@x.com';
const B = 'b@x.com';

/** By an upsert and a removal that are merged; the row stood for another user before. */
const TASK = aTask(
  aRecord(anUpsert(A, { userId: 'u1' })),
  aRecord(aRemoval({ email: A }), { rowToken: '\t1:[1]', previousIdentities: [B] }),
);
const touch = (deletions: DeletionTasks, ...users: string[]) =>
  deletions.touch(users.map((user) => identityText(keyOf(user))));

describe('users who are being deleted', () => {
  it('are known by all identities that their records touch', () => {
    const deletions = new DeletionTasks();
    deletions.add(TASK);
    expect([A, 'u1', B, 'c@x.com'].map((user) => touch(deletions, user))).toEqual([true, true, true, false]);
    expect(touch(deletions, 'c@x.com', 'u1')).toBe(true);
  });

  it('are none before a deletion is added, and none after it is done', () => {
    const deletions = new DeletionTasks();
    expect([deletions.isEmpty, touch(deletions, A)]).toEqual([true, false]);
    deletions.add(TASK);
    expect(deletions.isEmpty).toBe(false);
    deletions.delete(TASK);
    expect([deletions.isEmpty, touch(deletions, A)]).toEqual([true, false]);
  });

  it('are still some while another deletion is under way', () => {
    const deletions = new DeletionTasks();
    deletions.add(TASK);
    deletions.add(taskOf(aRemoval({ userId: 'u2' })));
    deletions.delete(TASK);
    expect([deletions.isEmpty, touch(deletions, A), touch(deletions, 'u2')]).toEqual([false, false, true]);
  });

  it('are each counted once, however often their task is added', () => {
    const deletions = new DeletionTasks();
    deletions.add(TASK);
    deletions.add(TASK);
    deletions.delete(TASK);
    expect(deletions.isEmpty).toBe(true);
  });
});
