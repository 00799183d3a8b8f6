import { describe, expect, it } from '@jest/globals';
import { RecentIdentities } from '../../src/delivery/recent-identities.ts';
import type { UserKey } from '../../src/model.ts';

const email = (value: string): UserKey => ({ kind: 'email', value });

describe('recent identities', () => {
  it('are known until they are deleted; an address and a user id with the same text are different', () => {
    const recent = new RecentIdentities();
    expect(recent.has(email('a@x.com'))).toBe(false);
    recent.delete(email('a@x.com'));
    recent.add(email('a@x.com'));
    expect([recent.has(email('a@x.com')), recent.has({ kind: 'userId', value: 'a@x.com' })]).toEqual([
      true,
      false,
    ]);
    recent.delete(email('b@x.com'));
    expect(recent.has(email('a@x.com'))).toBe(true);
    recent.delete(email('a@x.com'));
    expect(recent.has(email('a@x.com'))).toBe(false);
  });

  it('recognise nearly all of 100,000 similar identities, with hardly any false positives', () => {
    const recent = new RecentIdentities();
    const count = 100_000;
    for (let n = 0; n < count; n++) recent.add(email(`user${n}@example.com`));
    const known = (domain: string) =>
      Array.from({ length: count }, (_, n) => recent.has(email(`user${n}@${domain}`))).filter(Boolean).length;
    expect(known('example.com')).toBeGreaterThan(0.94 * count);
    // About two false positives are expected.
    expect(known('example.org')).toBeLessThan(12);
  });
});
