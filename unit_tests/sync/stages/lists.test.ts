import { describe, expect, it } from '@jest/globals';
import type { UserRequest } from '../../../src/batching/user-request.ts';
import type { ListMembers, UserListChange } from '../../../src/delivery/list-members.ts';
import type { Rejection } from '../../../src/model.ts';
import { changeLists, type ListsTask } from '../../../src/sync/stages/lists.ts';
import { end, leaveLists, type ListsStep } from '../../../src/sync/steps.ts';
import { anUpsert, keyOf } from '../../support/rows.ts';
import { failureOf, recordSteps } from '../../support/steps.ts';
import { aRequest, taskOf } from '../../support/tasks.ts';

const REFUSED: Rejection = { code: 'refused', reason: 'no' };
const ON_VIP: UserListChange = { list: 'VIP', isOn: true, onlyExisting: false };

/** A task of this user that has changes of these lists to make. */
function aListsTask(user: string, ...names: string[]): ListsTask {
  const changes = names.map((list) => ({ list, isOn: true }));
  return {
    task: taskOf(anUpsert(user)),
    step: { kind: 'lists', key: keyOf(user), changes, made: 0, then: end(undefined) },
  };
}

/** Makes one change for all of them by a call that refuses these users, or fails. */
async function change(tasks: readonly ListsTask[], answer: readonly string[] | Error = []) {
  const calls: [UserListChange, string[]][] = [];
  const listMembers: Pick<ListMembers, 'change'> = {
    change: (listChange, users: readonly UserRequest[]) => {
      calls.push([listChange, users.map(({ key }) => key.value)]);
      if (answer instanceof Error) return Promise.reject(answer);
      const refused = users.filter(({ key }) => answer.includes(key.value));
      return Promise.resolve(new Map(refused.map((user) => [user, REFUSED])));
    },
  };
  const batch = new Map(tasks.map((each) => [each, aRequest(each.step.key.value)]));
  const { go, steps, events } = recordSteps();
  const context = { listMembers: listMembers as ListMembers };
  const failure = await failureOf(changeLists(ON_VIP, batch, context, go));
  return { calls, steps, events, failure };
}

describe('a change of a list', () => {
  it('is made by one call for all users, and leads to their next changes', async () => {
    const { calls, events } = await change([aListsTask('a@x', 'VIP', 'New'), aListsTask('b@x', 'VIP')]);
    expect(calls).toEqual([[ON_VIP, ['a@x', 'b@x']]]);
    expect(events).toEqual(['a@x: lists of a@x +New, end delivered', 'b@x: lists of b@x, end delivered']);
  });

  it('counts as made, and leaves the step as it is besides', async () => {
    const lists = aListsTask('a@x', 'VIP', 'New');
    const { steps } = await change([lists]);
    expect(steps).toEqual([[lists.task, { ...lists.step, made: 1 }]]);
    const again = await change([{ ...lists, step: steps[0]?.[1] as ListsStep }]);
    expect(again.steps).toEqual([[lists.task, { ...lists.step, made: 2 }]]);
  });

  it('that is refused ends the task as rejected, and no other one', async () => {
    const tasks = [aListsTask('a@x', 'VIP', 'New'), aListsTask('b@x', 'VIP', 'New')];
    const { steps, events } = await change(tasks, ['a@x']);
    expect(events).toEqual(['a@x: end refused', 'b@x: lists of b@x +New, end delivered']);
    expect(steps[0]?.[1]).toEqual({ kind: 'end', result: REFUSED });
  });

  it('ends nothing where its call fails for good', async () => {
    const { steps, failure } = await change([aListsTask('a@x', 'VIP')], new Error('away'));
    expect([steps, failure]).toEqual([[], 'away']);
  });
});

describe('users who leave lists', () => {
  it('leave them one user after the other; then the task ends', () => {
    const leavers = [
      { key: keyOf('a@x'), lists: ['VIP', 'Old'] },
      { key: keyOf('b@x'), lists: [] },
    ];
    expect(leaveLists(leavers, 'not_there')).toEqual({
      kind: 'lists',
      key: keyOf('a@x'),
      changes: [
        { list: 'VIP', isOn: false },
        { list: 'Old', isOn: false },
      ],
      made: 0,
      then: { kind: 'lists', key: keyOf('b@x'), changes: [], made: 0, then: end('not_there') },
    });
  });

  it('may be none: the task ends at once', () => {
    expect(leaveLists([], REFUSED)).toEqual(end(REFUSED));
  });
});
