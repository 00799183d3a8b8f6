import { describe, expect, it } from '@jest/globals';
import { rowKey } from '../../src/memory/row.ts';

const byUserId = (value: string) => rowKey(undefined, { kind: 'userId', value });

describe('a row’s key', () => {
  it('is the primary key, else the identity, else nothing', () => {
    expect(rowKey('[1]', { kind: 'email', value: 'a@x.com' })).toBe('[1]');
    expect(byUserId('u1')).toContain('u1');
    expect(rowKey(undefined, undefined)).toBeUndefined();
  });

  it.each([
    ['too long for an index', 'k'.repeat(501), 'k'.repeat(502)],
    ['with a NUL', 'a\0b', 'a\0c'],
    ['with half of a surrogate pair', 'a\ud83d', 'a\ud83e'],
  ])('%s is a hash that tells it from others', (_name, text, other) => {
    expect(byUserId(text)).toMatch(/^hash:[\w+/]{43}=$/);
    expect(byUserId(text)).toBe(byUserId(text));
    expect(byUserId(text)).not.toBe(byUserId(other));
  });
});
