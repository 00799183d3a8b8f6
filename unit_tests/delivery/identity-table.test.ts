import { describe, expect, it } from '@jest/globals';
import { IdentityTable } from '../../src/delivery/identity-table.ts';

describe('an identity table', () => {
  it('keeps the last number set for each of many identities, and returns undefined for others', () => {
    const table = new IdentityTable();
    for (let n = 0; n < 100_000; n++) table.set(`email:user${n}@x.com`, n);
    for (let n = 0; n < 100_000; n += 2) table.set(`email:user${n}@x.com`, 4_000_000_000);
    expect(table.size).toBe(100_000);
    const wrong = Array.from({ length: 100_000 }, (_, n) => n).filter(
      (n) => table.get(`email:user${n}@x.com`) !== (n % 2 === 0 ? 4_000_000_000 : n),
    );
    expect(wrong).toEqual([]);
    for (let n = 0; n < 1000; n++) expect(table.get(`email:user${n}@y.com`)).toBeUndefined();
  });

  it('tells zero from a missing value', () => {
    const table = new IdentityTable();
    table.set('a', 0);
    expect([table.get('a'), table.get('b')]).toEqual([0, undefined]);
  });
});
