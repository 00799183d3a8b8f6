import { describe, expect, it } from '@jest/globals';
import { parseWritten, writtenText, type Written } from '../../src/ledger/written.ts';

const WRITTEN: Written = { origin: 'enrich', targets: ['a'], lists: new Map([['VIP', true]]) };

describe('what entries have in common', () => {
  it.each<[string, Written['conditions']]>([
    ['without conditions, as an older version wrote it', undefined],
    ['with a generation', { generation: 3, basis: 'b', hashVersion: 2 }],
    ['without one', { generation: undefined, basis: 'b', hashVersion: 2 }],
  ])('is read as it was written %s', (_name, conditions) => {
    expect(parseWritten(writtenText({ ...WRITTEN, conditions }))).toEqual({ ...WRITTEN, conditions });
  });

  it('is told apart by the conditions', () => {
    const texts = [undefined, 1, 2].map((generation) =>
      writtenText({ ...WRITTEN, conditions: { generation, basis: 'b', hashVersion: 2 } }),
    );
    expect(new Set([...texts, writtenText(WRITTEN)]).size).toBe(4);
  });
});
