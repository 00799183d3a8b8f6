import { describe, expect, it } from '@jest/globals';
import type { JsonObject } from '../../src/json.ts';
import { ColumnPlanner, type PlannedColumn } from '../../src/mapping/column-planner.ts';

const CITY = { source: 'city', target: 'home.city' };
const schemaOf = (type: string): JsonObject => ({ properties: { city: { type }, other: { type } } });
const INTEGER = { ...CITY, jsonSchema: schemaOf('integer') };

describe('the plan of a column', () => {
  const planner = new ColumnPlanner(new Map());
  const shared = planner.plan(INTEGER);

  it('is the same for each stream whose column is the same', () => {
    const jsonSchema = { properties: { city: { type: 'integer' }, more: {} } };
    expect(planner.plan({ ...CITY, jsonSchema, leavesLeftOut: [] })).toBe(shared);
  });

  it.each<[string, PlannedColumn]>([
    ['its schema', { ...CITY, jsonSchema: schemaOf('string') }],
    ['having a schema', { ...CITY, jsonSchema: {} }],
    ['its name', { ...INTEGER, source: 'other' }],
    ['its target', { ...INTEGER, target: 'city' }],
    ['the type of its mapping', { ...INTEGER, forcedType: 'long' }],
    ['what is left out of it', { ...INTEGER, leavesLeftOut: ['city.zip'] }],
  ])('is another where streams differ in %s', (_name, column) => {
    expect(planner.plan(column)).not.toBe(shared);
  });

  it('reads as the column of its own stream', () => {
    const read = (type: string) => planner.plan({ ...CITY, jsonSchema: schemaOf(type) });
    expect(read('string').read({ city: 8000 }, [])).toBe('8000');
    expect(read('integer').read({ city: '8000' }, [])).toBe(8000);
    expect(read('string').read({ city: 8000 }, [])).toBe('8000');
  });

  it('is made for each stream anew where there are very many different columns', () => {
    const many = new ColumnPlanner(new Map());
    const at = (index: number) => many.plan({ source: `c${index}`, target: `c${index}`, jsonSchema: {} });
    for (let index = 0; index < 10_001; index++) at(index);
    expect(at(0)).toBe(at(0));
    expect(at(10_000)).not.toBe(at(10_000));
    expect(at(10_000).read({ c10000: 'x' }, [])).toBe('x');
  });
});
