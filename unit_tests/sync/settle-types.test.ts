import { describe, expect, it } from '@jest/globals';
import { readText } from '../../src/batching/text-pages.ts';
import type { UserRequest } from '../../src/batching/user-request.ts';
import type { JsonValue } from '../../src/json.ts';
import { Refusal } from '../../src/mapping/coerce.ts';
import { NewFieldTypes, type NewField } from '../../src/mapping/new-field-types.ts';
import { closeTypes, settleTypes } from '../../src/sync/settle-types.ts';
import type { Task } from '../../src/sync/task.ts';
import { anUpsert } from '../support/rows.ts';
import { aRecord, aRemoval, aRequest, aTask, taskOf } from '../support/tasks.ts';

/** Fields that the project does not have yet, and the tasks of records that hold values for `n`. */
function aProject() {
  const types = new NewFieldTypes();
  const field = types.at('n') as NewField;
  const take = (value: string | number): JsonValue => {
    const taken = field.take(value);
    types.endRecord(!(taken instanceof Refusal));
    if (taken instanceof Refusal) throw new Error(taken.reason);
    return taken;
  };
  let users = 0;
  /** One task of records, in order; those whose value is undefined lack the field. */
  const task = (...values: (string | number | undefined)[]): [Task, UserRequest] => {
    const key = `${users++}@x.com`;
    const records = values.map((value) => {
      const mapped = value === undefined ? {} : { n: take(value) };
      return aRecord(anUpsert(key, mapped), { request: aRequest(key, mapped) });
    });
    const whole = aTask(...records);
    return [whole, aRequest(key, whole.change.kind === 'upsert' ? whole.change.values : {})];
  };
  return { field, task };
}

/** What goes out, by the number as it is written, and why what does not go out stays. */
function settled(...tasks: (readonly [Task, UserRequest])[]) {
  const { sent, rebuilt, refused } = settleTypes(new Map(tasks));
  const numbers = sent.map((request) => /"n":([^}]*)/.exec(readText(request))?.[1]);
  return { sent: numbers, rebuilt: rebuilt.size, refused: [...refused.values()] };
}

describe('numbers of new fields, right before they are sent', () => {
  it('are whole where all that wait are', () => {
    const { task } = aProject();
    expect(settled(task(5), task('6'))).toEqual({ sent: ['5', '6'], rebuilt: 0, refused: [] });
  });

  it('are fractions where one that waits is: whole ones are written anew', () => {
    const { task } = aProject();
    expect(settled(task(5), task(1.5), task('2.5'))).toEqual({
      sent: ['5.0', '1.5', '2.5'],
      rebuilt: 1,
      refused: [],
    });
  });

  it('are fractions also where that one waits elsewhere', () => {
    const { task } = aProject();
    const whole = task(5);
    task(1.5);
    expect(settled(whole)).toEqual({ sent: ['5.0'], rebuilt: 1, refused: [] });
  });

  it('are refused where they are texts of fractions, and all others are whole', () => {
    const { task } = aProject();
    const { sent, refused } = settled(task(5), task('1.5'), task(6));
    expect([sent, refused]).toMatchObject([['5', '6'], [{ code: 'wrong_type', field: 'n' }]]);
  });

  it('say of the refused one which field it is and what was expected', () => {
    const { task } = aProject();
    const [refused] = settled(task(5), task('1.5')).refused;
    expect(refused).toMatchObject({ code: 'wrong_type', field: 'n' });
    expect(refused?.reason).toMatch(/^expected a whole number .* the field’s first value in this sync/);
  });

  it('are no matter to users without any', () => {
    const { task } = aProject();
    const [one, request] = task(undefined);
    const { sent, refused } = settleTypes(new Map([[one, request]]));
    expect([sent[0] === request, refused.size]).toEqual([true, 0]);
  });

  it.each([
    ['the last one', [5, '1.5']],
    ['an earlier one, though the last write wins', ['1.5', 5]],
  ])('of merged records refuse the whole task for %s', (_name, values) => {
    const { task } = aProject();
    const first = task(7);
    const { sent, refused } = settled(first, task(...values));
    expect([sent, refused.length]).toEqual([['7'], 1]);
  });

  it('of merged records are all whole or all fractions', () => {
    const { task } = aProject();
    expect(settled(task(7), task('1.5', 5), task(2.5)).sent).toEqual(['7.0', '5.0', '2.5']);
  });
});

describe('the type of a new field', () => {
  it('stays what it is once a value is on its way', () => {
    const { field, task } = aProject();
    settled(task(5));
    expect(field.isOpen).toBe(false);
    expect(() => task(1.5)).toThrow('expected a whole number');
  });

  it('stays what it is once a request is complete', () => {
    const { field, task } = aProject();
    const [, request] = task(5);
    expect(field.isOpen).toBe(true);
    closeTypes(request);
    expect(field.isOpen).toBe(false);
  });

  it('is not decided by a request that may not go out', () => {
    const { field, task } = aProject();
    task(5);
    const [, misfit] = task('1.5');
    closeTypes(misfit);
    expect(field.isOpen).toBe(true);
    task(2.5);
    expect(field.type).toBe('double');
  });

  it('is no matter to a request without such numbers', () => {
    expect(() => {
      closeTypes(aRequest('a@x.com', { n: 5 }));
    }).not.toThrow();
  });
});

describe('the order in which users are sent', () => {
  /** Users by their keys, in the order in which they are sent. */
  const sentOrder = (tasks: readonly Task[], newFields?: NewFieldTypes) => {
    const requests = tasks.map(({ change }) =>
      change.kind === 'upsert' ? aRequest(change.key.value, change.values) : aRequest('removed@x.com'),
    );
    const batch = new Map(tasks.map((task, at) => [task, requests[at] as UserRequest]));
    return settleTypes(batch, newFields).sent.map(({ key }) => key.value);
  };

  it('is that of the records, but that users whom Iterable refuses for certain come last', () => {
    const tasks = ['@', 'a@x.com', 'x'.repeat(60), 'u1'].map((key) => taskOf(anUpsert(key)));
    expect(sentOrder(tasks, new NewFieldTypes())).toEqual(['a@x.com', 'u1', '@', 'x'.repeat(60)]);
    expect(sentOrder(tasks)).toEqual(['@', 'a@x.com', 'x'.repeat(60), 'u1']);
  });

  it('has texts that may pass for dates after others, so that their field becomes one of texts', () => {
    const newFields = new NewFieldTypes();
    newFields.at('note')?.take('hello');
    const tasks = ['2026-01-02', 'hello'].map((note, at) => taskOf(anUpsert(`${at}@x.com`, { note })));
    expect(sentOrder(tasks, newFields)).toEqual(['1@x.com', '0@x.com']);
    expect(sentOrder(tasks, new NewFieldTypes())).toEqual(['0@x.com', '1@x.com']);
  });

  it('is that of the records for removals, too', () => {
    const tasks = [taskOf(aRemoval({ email: 'removed@x.com' })), taskOf(anUpsert('a@x.com'))];
    expect(sentOrder(tasks, new NewFieldTypes())).toEqual(['removed@x.com', 'a@x.com']);
  });
});
