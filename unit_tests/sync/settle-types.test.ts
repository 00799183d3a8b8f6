import { describe, expect, it } from '@jest/globals';
import { readText } from '../../src/batching/text-pages.ts';
import type { UserRequest } from '../../src/batching/user-request.ts';
import type { JsonValue } from '../../src/json.ts';
import { Refusal } from '../../src/mapping/coerce.ts';
import { NewFieldTypes, type NewField } from '../../src/mapping/new-field-types.ts';
import type { PendingWork } from '../../src/sync/pending-record.ts';
import { closeTypes, settleTypes } from '../../src/sync/settle-types.ts';
import { anUpsert } from '../support/rows.ts';
import { aRecord, aRequest, aWork } from '../support/works.ts';

/** Fields that the project does not have yet, and the works of records that hold values for `n`. */
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
  /** One work of records, in order; those whose value is undefined lack the field. */
  const work = (...values: (string | number | undefined)[]): [PendingWork, UserRequest] => {
    const key = `${users++}@x.com`;
    const records = values.map((value) => {
      const mapped = value === undefined ? {} : { n: take(value) };
      return aRecord(anUpsert(key, mapped), { request: aRequest(key, mapped) });
    });
    const whole = aWork(...records);
    return [whole, aRequest(key, whole.change.kind === 'upsert' ? whole.change.values : {})];
  };
  return { field, work };
}

/** What goes out, by the number as it is written, and why what does not go out stays. */
function settled(...works: (readonly [PendingWork, UserRequest])[]) {
  const { sent, rebuilt, refused } = settleTypes(new Map(works));
  const numbers = sent.map((request) => /"n":([^}]*)/.exec(readText(request))?.[1]);
  return { sent: numbers, rebuilt: rebuilt.size, refused: [...refused.values()] };
}

describe('numbers of new fields, right before they are sent', () => {
  it('are whole where all that wait are', () => {
    const { work } = aProject();
    expect(settled(work(5), work('6'))).toEqual({ sent: ['5', '6'], rebuilt: 0, refused: [] });
  });

  it('are fractions where one that waits is: whole ones are written anew', () => {
    const { work } = aProject();
    expect(settled(work(5), work(1.5), work('2.5'))).toEqual({
      sent: ['5.0', '1.5', '2.5'],
      rebuilt: 1,
      refused: [],
    });
  });

  it('are fractions also where that one waits elsewhere', () => {
    const { work } = aProject();
    const whole = work(5);
    work(1.5);
    expect(settled(whole)).toEqual({ sent: ['5.0'], rebuilt: 1, refused: [] });
  });

  it('are refused where they are texts of fractions, and all others are whole', () => {
    const { work } = aProject();
    const { sent, refused } = settled(work(5), work('1.5'), work(6));
    expect([sent, refused]).toMatchObject([['5', '6'], [{ code: 'wrong_type', field: 'n' }]]);
  });

  it('say of the refused one which field it is and what was expected', () => {
    const { work } = aProject();
    const [refused] = settled(work(5), work('1.5')).refused;
    expect(refused).toMatchObject({ code: 'wrong_type', field: 'n' });
    expect(refused?.reason).toMatch(/^expected a whole number .* the field’s first value in this sync/);
  });

  it('are no matter to users without any', () => {
    const { work } = aProject();
    const [one, request] = work(undefined);
    const { sent, refused } = settleTypes(new Map([[one, request]]));
    expect([sent[0] === request, refused.size]).toEqual([true, 0]);
  });

  it.each([
    ['the last one', [5, '1.5']],
    ['an earlier one, though a later one has the last word', ['1.5', 5]],
  ])('of records that go as one refuse the whole for %s', (_name, values) => {
    const { work } = aProject();
    const first = work(7);
    const { sent, refused } = settled(first, work(...values));
    expect([sent, refused.length]).toEqual([['7'], 1]);
  });

  it('of records that go as one are all whole or all fractions', () => {
    const { work } = aProject();
    expect(settled(work(7), work('1.5', 5), work(2.5)).sent).toEqual(['7.0', '5.0', '2.5']);
  });
});

describe('the type of a new field', () => {
  it('stays what it is once a value is on its way', () => {
    const { field, work } = aProject();
    settled(work(5));
    expect(field.isOpen).toBe(false);
    expect(() => work(1.5)).toThrow('expected a whole number');
  });

  it('stays what it is once a request is complete', () => {
    const { field, work } = aProject();
    const [, request] = work(5);
    expect(field.isOpen).toBe(true);
    closeTypes(request);
    expect(field.isOpen).toBe(false);
  });

  it('is not decided by a request that may not go out', () => {
    const { field, work } = aProject();
    work(5);
    const [, misfit] = work('1.5');
    closeTypes(misfit);
    expect(field.isOpen).toBe(true);
    work(2.5);
    expect(field.type).toBe('double');
  });

  it('is no matter to a request without such numbers', () => {
    expect(() => {
      closeTypes(aRequest('a@x.com', { n: 5 }));
    }).not.toThrow();
  });
});
