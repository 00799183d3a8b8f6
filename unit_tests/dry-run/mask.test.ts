import { describe, expect, it } from '@jest/globals';
import { masked } from '../../src/dry-run/mask.ts';

describe('a masked identity', () => {
  it.each([
    ['an address', 'ada@example.com', 'a***@e***.com'],
    ['a short one, of which nobody can tell that it is', 'a@x.com', 'a***@x***.com'],
    ['a domain of several parts', 'ada@mail.example.co.uk', 'a***@m***.uk'],
    ['a last part that is a name itself', 'ada@lovelace.photography', 'a***@l***'],
    ['a domain without a dot', 'ada@localhost', 'a***@l***'],
    ['an address literal', 'ada@[10.0.0.1]', 'a***@[***'],
    ['two signs, as quoted addresses may have', '"a@b"@example.com', '"***@e***.com'],
    ['a user id', '4711', '4***'],
    ['a user id that is an address', 'ada@example.com', 'a***@e***.com'],
    ['an emoji, whole', '😀id', '😀***'],
    ['a control character, not at all', '\u001b[2J', '***'],
    ['nothing', '', '***'],
  ])('%s', (_what, value, expected) => {
    expect(masked({ value })).toBe(expected);
  });
});
