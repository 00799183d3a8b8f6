import { describe, expect, it } from '@jest/globals';
import type { JsonObject } from '../../src/json.ts';
import { ColumnPlanner } from '../../src/mapping/column-planner.ts';
import { planColumns, type PlanOptions } from '../../src/mapping/plan-columns.ts';

function aPlan(options: Partial<PlanOptions>) {
  const warnings: string[] = [];
  const plansFor = planColumns(
    {
      stream: { name: 'users' },
      jsonSchema: {},
      mappings: [],
      planner: new ColumnPlanner(new Map()),
      deletionColumn: '_ab_cdc_deleted_at',
      reservedColumns: [],
      ...options,
    },
    (warning) => warnings.push(warning),
  );
  /** Target → value that the plans read from a record. */
  const read = (data: JsonObject) =>
    Object.fromEntries(plansFor(data).map((plan) => [plan.target, plan.read(data, [])]));
  return { read, plansFor, warnings };
}

describe('planColumns, without mappings', () => {
  it('sends every column to the field of its own name, in the record’s order, also columns that appear later', () => {
    const { plansFor } = aPlan({});
    expect(plansFor({ b: 1, 'a.x': 2 }).map(({ target }) => target)).toEqual(['b', 'a.x']);
    expect(plansFor({ c: 1, b: 1 }).map(({ target }) => target)).toEqual(['c', 'b']);
    expect(plansFor({})).toEqual([]);
  });

  it('leaves out what other options use, and what Airbyte adds', () => {
    const { read, warnings } = aPlan({ deletionColumn: 'gone', reservedColumns: ['old_mail', 'segments'] });
    expect(
      read({
        a: 1,
        gone: 0,
        old_mail: 'x',
        segments: [],
        _airbyte_raw_id: 1,
        _ab_cdc_lsn: 1,
        _abc: 2,
        '': 1,
      }),
    ).toEqual({ a: 1, _abc: 2 });
    expect(warnings).toEqual([]);
  });

  it('leaves out only the leaf if another option uses a leaf', () => {
    const { read } = aPlan({ deletionColumn: 'meta.deleted', reservedColumns: ['meta.lists.names'] });
    expect(read({ meta: { deleted: false, lists: { names: [], size: 2 }, source: 'crm' } })).toEqual({
      meta: expect.objectContaining({ lists: expect.objectContaining({ size: 2 }), source: 'crm' }),
    });
    expect(JSON.stringify(read({ meta: { deleted: false, lists: { names: [] }, source: 'crm' } }))).toBe(
      '{"meta":{"source":"crm"}}',
    );
    expect(read({ meta: { deleted: false } })).toEqual({ meta: undefined });
    expect(read({ 'meta.deleted': false })).toEqual({});
  });

  it('leaves out, with one warning each, names that Iterable manages and names that are not valid paths', () => {
    const { read, warnings } = aPlan({});
    const data = { devices: [], 'itblInternal.x': 1, 'No.': 1, a: 1 };
    expect([read(data), read(data)]).toEqual([{ a: 1 }, { a: 1 }]);
    expect(warnings).toEqual([
      'the column devices is left out, since Iterable manages the field of that name itself',
      'the column itblInternal.x is left out, since Iterable manages the field of that name itself',
      'the column No. is left out, since dots in a name build nested fields, and here one would have no name; map it to a field',
    ]);
  });

  it('still maps when a source has more column names than the limit', () => {
    const { read } = aPlan({});
    for (let index = 0; index < 10_050; index++) read({ [`c${index}`]: 1 });
    expect(read({ c0: 1, c10049: 2, fresh: 3 })).toEqual({ c0: 1, c10049: 2, fresh: 3 });
  });
});

describe('planColumns, with mappings', () => {
  const mappings = [
    { source: 'mail', target: 'email' },
    { source: 'a', target: 'A', stream: 'users' },
    { source: 'b', target: 'B', stream: 'leads' },
    { source: '_ab_cdc_lsn', target: 'lsn' },
  ];

  it('applies those without a stream and those of this stream, to their columns only', () => {
    const { read } = aPlan({ mappings });
    expect(read({ mail: 'x', a: 1, b: 2, c: 3, _ab_cdc_lsn: 4 })).toEqual({ email: 'x', A: 1, lsn: 4 });
  });

  it('a stream without any mapping has no columns', () => {
    const { plansFor } = aPlan({ mappings: [mappings[2] as (typeof mappings)[2]] });
    expect(plansFor({ b: 1 })).toEqual([]);
  });
});
