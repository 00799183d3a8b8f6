import { describe, expect, it } from '@jest/globals';
import type { UserRequest } from '../../../src/batching/user-request.ts';
import type { ListMembers, UserListChange } from '../../../src/delivery/list-members.ts';
import type { Rejection } from '../../../src/model.ts';
import { changeLists, type ListsTask } from '../../../src/sync/stages/lists.ts';
import { end, leaveLists } from '../../../src/sync/steps.ts';
import { anUpsert, keyOf } from '../../support/rows.ts';
import { failureOf, recordSteps } from '../../support/steps.ts';
import { aRequest, taskOf } from '../../support/tasks.ts';

const REFUSED: Rejection = { code: 'refused', reason: 'no' };
const ON_VIP: UserListChange = { list: 'VIP', isOn: true, onlyExisting: false };

function aListsTask(user: string): ListsTask {
  return { task: taskOf(anUpsert(user)), key: keyOf(user), then: end(undefined) };
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
  const users = new Map(tasks.map((each) => [each, aRequest(each.key.value)]));
  const { go, steps } = recordSteps();
  let refused: ReadonlySet<ListsTask> | undefined;
  const changed = changeLists(ON_VIP, users, { listMembers: listMembers as ListMembers }, go);
  const failure = await failureOf(changed.then((those) => (refused = those)));
  return { calls, steps, refused, failure };
}

describe('a change of a list', () => {
  it('is made by one call for all users, whose tasks go on once all of their changes are made', async () => {
    const { calls, steps, refused } = await change([aListsTask('a@x'), aListsTask('b@x')]);
    expect(calls).toEqual([[ON_VIP, ['a@x', 'b@x']]]);
    expect([steps, refused]).toEqual([[], new Set()]);
  });

  it('that is refused ends the task as rejected, and no other one', async () => {
    const tasks = [aListsTask('a@x'), aListsTask('b@x')] as const;
    const { steps, refused } = await change(tasks, ['b@x']);
    expect(steps).toEqual([[tasks[1].task, { kind: 'end', result: REFUSED }]]);
    expect([...(refused ?? [])]).toEqual([tasks[1]]);
  });

  it('ends nothing where its call fails for good', async () => {
    const { steps, refused, failure } = await change([aListsTask('a@x')], new Error('away'));
    expect([steps, refused, failure]).toEqual([[], undefined, 'away']);
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
      then: { kind: 'lists', key: keyOf('b@x'), changes: [], then: end('not_there') },
    });
  });

  it('may be none: the task ends at once', () => {
    expect(leaveLists([], REFUSED)).toEqual(end(REFUSED));
  });
});
