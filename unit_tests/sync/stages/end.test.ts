import { describe, expect, it } from '@jest/globals';
import type { Outcome, Rejection } from '../../../src/model.ts';
import { Run } from '../../../src/run.ts';
import type { TaskResult } from '../../../src/sync/outcomes.ts';
import type { PendingRecord } from '../../../src/sync/pending-record.ts';
import { endTask, isEnriched } from '../../../src/sync/stages/end.ts';
import type { TaskLedger } from '../../../src/sync/task-ledger.ts';
import type { Task } from '../../../src/sync/task.ts';
import type { UserQueue } from '../../../src/sync/user-queue.ts';
import { HandClock } from '../../support/hand-clock.ts';
import { anUpsert, aRow } from '../../support/rows.ts';
import { nameOf, resultText } from '../../support/steps.ts';
import { aRecord, aRemoval, aTask, taskOf } from '../../support/tasks.ts';

const REFUSED: Rejection = { code: 'invalid_data', reason: 'wrong' };
const NOT_FOUND: Rejection = { code: 'not_found', reason: 'no such user' };

/** What is noted as tasks end, in order. With a ledger `commit` says when it has what it was told. */
function anEnd({ hasLedger = false, enriched = [] as string[] } = {}) {
  const events: string[] = [];
  const commits: (() => void)[] = [];
  const run = new Run(new HandClock());
  run.onMoved(() => events.push('moved'));
  const queue: Pick<UserQueue<PendingRecord>, 'settle' | 'retryOneByOne'> = {
    settle: (task) => events.push(`${nameOf(task)} has left the queue`),
    retryOneByOne: (task) => events.push(`${nameOf(task)} is tried record by record`),
  };
  const ledger: Pick<TaskLedger, 'commit' | 'commitRejected'> = {
    commit: (task, result, onCommitted) => {
      events.push(`commit ${nameOf(task)} ${resultText(result)}`);
      commits.push(onCommitted);
    },
    commitRejected: (task, onCommitted) => {
      events.push(`commit ${nameOf(task)} as it was`);
      commits.push(onCommitted);
    },
  };
  const end = (task: Task, result: TaskResult) => {
    endTask(task, result, {
      queue: queue as UserQueue<PendingRecord>,
      run,
      ledger: hasLedger ? (ledger as TaskLedger) : undefined,
      enriched: new Set(enriched),
      backlog: {
        park: () => undefined,
        remove: (load) => events.push(`${lineOf(load)} is no longer pending`),
      },
      settlement: {
        settle: (record, outcome) => events.push(`${lineOf(record)} ${outcomeText(outcome)}`),
      },
      onEnded: (ended, actual) => events.push(`${nameOf(ended)} ends as ${resultText(actual)}`),
    });
  };
  return { end, events, commit: () => commits.shift()?.() };
}

const lineOf = (record: object) => `line ${(record as PendingRecord).line}`;
const outcomeText = (outcome: Outcome) => (outcome.kind === 'skipped' ? outcome.why : outcome.kind);
const anEnrichedTask = () => aTask(aRecord(anUpsert('a@x'), { streamKey: 'leads' }));
const settled = (line: number, outcome: string) => [
  `line ${line} is no longer pending`,
  `line ${line} ${outcome}`,
];

describe('a task that ends', () => {
  it('settles its records in order, and leaves the queue after that', () => {
    const { end, events } = anEnd();
    end(taskOf(anUpsert('a@x', { n: 1 }), anUpsert('a@x', { n: 2 })), undefined);
    expect(events).toEqual([
      'a@x ends as delivered',
      ...settled(1, 'delivered'),
      ...settled(2, 'delivered'),
      'a@x has left the queue',
    ]);
  });

  it('has the outcome of a removal for its last record alone', () => {
    const { end, events } = anEnd();
    end(taskOf(anUpsert('a@x'), aRemoval({ email: 'a@x' })), undefined);
    expect(events.slice(1, -1)).toEqual([...settled(1, 'superseded'), ...settled(2, 'removed')]);
  });

  it.each<[TaskResult, string]>([
    ['unchanged', 'unchanged'],
    ['not_in_iterable', 'not_in_iterable'],
    [REFUSED, 'rejected'],
    [NOT_FOUND, 'rejected'],
  ])('settles its record by its result: %s', (result, outcome) => {
    const { end, events } = anEnd();
    end(taskOf(anUpsert('a@x')), result);
    expect(events.slice(1, -1)).toEqual(settled(1, outcome));
  });

  it('settles its records also where nothing else takes its result', () => {
    const queue = { settle: () => undefined } as unknown as UserQueue<PendingRecord>;
    const outcomes: Outcome[] = [];
    endTask(taskOf(anUpsert('a@x')), undefined, {
      queue,
      run: new Run(new HandClock()),
      ledger: undefined,
      enriched: new Set(),
      backlog: { park: () => undefined, remove: () => undefined },
      settlement: { settle: (_record, outcome) => outcomes.push(outcome) },
    });
    expect(outcomes).toEqual([{ kind: 'delivered' }]);
  });
});

describe('a task that ends with a ledger', () => {
  it('settles its records once the ledger has what follows; then the run has moved', () => {
    const { end, events, commit } = anEnd({ hasLedger: true });
    end(taskOf(anUpsert('a@x')), undefined);
    expect(events).toEqual(['commit a@x delivered']);
    commit();
    expect(events.slice(1)).toEqual([
      'a@x ends as delivered',
      ...settled(1, 'delivered'),
      'a@x has left the queue',
      'moved',
    ]);
  });

  it('commits also that it is rejected, where it is of one record', () => {
    const { end, events, commit } = anEnd({ hasLedger: true });
    end(taskOf(anUpsert('a@x')), REFUSED);
    commit();
    expect(events[0]).toBe('commit a@x invalid_data');
    expect(events.slice(2, 4)).toEqual(settled(1, 'rejected'));
  });
});

describe('a rejected task of several records', () => {
  const rows = [aRow(), aRow()] as const;
  const aMergedTask = () => aTask(...rows.map((row, at) => aRecord(anUpsert('a@x'), { line: at + 1, row })));

  it('settles none of them: they are tried one by one', () => {
    const { end, events } = anEnd();
    end(taskOf(anUpsert('a@x'), anUpsert('a@x')), REFUSED);
    expect(events).toEqual(['a@x is tried record by record', 'moved']);
  });

  it('tries them once the ledger has its row as it was, which is to be read again then', () => {
    const { end, events, commit } = anEnd({ hasLedger: true });
    end(aMergedTask(), REFUSED);
    expect(events).toEqual(['commit a@x as it was']);
    expect(rows.map(({ isCurrent }) => isCurrent)).toEqual([true, true]);
    commit();
    expect(events.slice(1)).toEqual(['a@x is tried record by record', 'moved']);
    expect(rows.map(({ isCurrent }) => isCurrent)).toEqual([false, false]);
  });

  it('is not tried again where it was skipped', () => {
    const { end, events } = anEnd();
    end(taskOf(anUpsert('a@x'), anUpsert('a@x')), 'not_in_iterable');
    expect(events).toContain('a@x has left the queue');
  });
});

describe('a user of a stream that creates none', () => {
  it('is skipped where Iterable does not know it after all', () => {
    const { end, events } = anEnd({ enriched: ['leads'] });
    end(anEnrichedTask(), NOT_FOUND);
    expect(events.slice(0, 3)).toEqual(['a@x ends as not_in_iterable', ...settled(1, 'not_in_iterable')]);
  });

  it('is skipped in the ledger, too, also with several records', () => {
    const { end, events } = anEnd({ hasLedger: true, enriched: ['leads'] });
    const record = (line: number) => aRecord(anUpsert('a@x'), { streamKey: 'leads', line });
    end(aTask(record(1), record(2)), NOT_FOUND);
    expect(events).toEqual(['commit a@x not_in_iterable']);
  });

  it('is rejected where Iterable refuses it for something else', () => {
    const { end, events } = anEnd({ enriched: ['leads'] });
    end(anEnrichedTask(), REFUSED);
    expect(events).toContain('line 1 rejected');
  });

  it('is told by its stream', () => {
    const enriched = new Set(['leads']);
    expect(isEnriched(anEnrichedTask(), { enriched })).toBe(true);
    expect(isEnriched(taskOf(anUpsert('a@x')), { enriched })).toBe(false);
  });
});
