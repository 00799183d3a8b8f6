import { describe, expect, it } from '@jest/globals';
import { masked } from '../../src/dry-run/mask.ts';

describe('a masked identity', () => {
  it.each([
    ['an address', 'ada@example.com', 'a***@e***.com'],
    ['a short address, not recognisable as short', 'a@x.com', 'a***@x***.com'],
    ['a domain of several parts', 'ada@mail.example.co.uk', 'a***@m***.uk'],
    ['a long last part of the domain', 'ada@lovelace.photography', 'a***@l***'],
    ['a domain without a dot', 'ada@localhost', 'a***@l***'],
    ['an address literal', 'ada@[10.0.0.1]', 'a***@[***'],
    ['two @ signs, as in a quoted address', '"a@b"@example.com', '"***@e***.com'],
    ['a user id', '4711', '4***'],
    ['a user id that is an address', 'ada@example.com', 'a***@e***.com'],
    ['an emoji, kept whole', '😀id', '😀***'],
    ['a control character, left out', '\u001b[2J', '***'],
    ['an empty text', '', '***'],
  ])('%s', (_what, value, expected) => {
    expect(masked({ value })).toBe(expected);
  });
});
