import { describe, expect, it } from '@jest/globals';
import { EntryIds } from '../../src/ledger/entry-ids.ts';

describe('EntryIds', () => {
  it('gives what was noted of the stream, once, and says what it does not know', () => {
    const ids = new EntryIds();
    ids.note(1, 'a', 10);
    ids.note(2, 'b', 20);
    expect(ids.take(1, ['a', 'b'])).toEqual({ ids: [10], unknown: ['b'] });
    expect(ids.take(1, ['a'])).toEqual({ ids: [], unknown: ['a'] });
    expect(ids.take(2, ['b'])).toEqual({ ids: [20], unknown: [] });
  });

  it('forgets an entry that is deleted, since another one may get its key', () => {
    const ids = new EntryIds();
    ids.note(1, 'a', 10);
    ids.forget(1, 'a');
    expect(ids.take(1, ['a'])).toEqual({ ids: [], unknown: ['a'] });
  });

  it('holds no more than it may, whatever is found and never marked', () => {
    const ids = new EntryIds();
    for (let id = 0; id < 25_000; id++) ids.note(1, `row ${id}`, id);
    expect(ids.take(1, ['row 0']).ids).toEqual([0]);
    ids.note(1, 'row 0', 0);
    ids.note(1, 'one more', 99);
    expect(ids.take(1, ['row 1', 'one more'])).toEqual({ ids: [99], unknown: ['row 1'] });
  });
});
