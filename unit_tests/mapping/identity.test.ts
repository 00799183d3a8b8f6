import { describe, expect, it } from '@jest/globals';
import { parseJson } from '../../src/json.ts';
import { Refusal } from '../../src/mapping/coerce.ts';
import { mayBeTaken, normalizeEmail, normalizeUserId } from '../../src/mapping/identity.ts';
import { identifyingTarget } from '../../src/mapping/options.ts';

describe('normalizeEmail', () => {
  it.each([
    ['trimmed', '" a@x.com\\n"', 'a@x.com'],
    ['in lower case', '"A.Ü@X.COM"', 'a.ü@x.com'],
    ['plus and dots kept', '"a.b+c@x.com"', 'a.b+c@x.com'],
    ['blank is no email', '"  "', undefined],
    ['null is none', 'null', undefined],
    ['a number is its text', '5', '5'],
  ])('%s', (_name, json, expected) => {
    expect(normalizeEmail(parseJson(json))).toBe(expected);
  });
});

describe('normalizeUserId', () => {
  it.each([
    ['case and spaces are kept', '" Ab "', ' Ab '],
    ['spaces alone, too', '" "', ' '],
    ['a number', '42', '42'],
    ['a number beyond 2^53, exactly', '9007199254740993', '9007199254740993'],
    ['a number by its value', '7000.0', '7000'],
    ['whatever its notation', '7E+3', '7000'],
    ['a fraction', '1.50', '1.5'],
    ['numeric text as it is', '"7000.0"', '7000.0'],
    ['leading zeros, too', '"007"', '007'],
    ['true', 'true', 'true'],
    ['zero is an id', '0', '0'],
    ['empty is no id', '""', undefined],
    ['null is none', 'null', undefined],
  ])('%s', (_name, json, expected) => {
    expect(normalizeUserId(parseJson(json))).toBe(expected);
  });
});

it('objects and arrays identify no user', () => {
  for (const normalize of [normalizeEmail, normalizeUserId]) {
    expect(normalize({ a: 1 })).toEqual(new Refusal('expected text or a number, found an object'));
    expect(normalize(['a@x.com'])).toEqual(new Refusal('expected text or a number, found a list'));
  }
});

it('identify_by selects the identifying field', () => {
  expect([identifyingTarget('email'), identifyingTarget('user_id')]).toEqual(['email', 'userId']);
});

describe('mayBeTaken', () => {
  it.each<['email' | 'userId', string, boolean]>([
    ['email', 'a@x', true],
    ['email', '"a b"@x.com', true],
    ['email', 'a@@x.com', true],
    ['email', 'email', false],
    ['email', '@x.com', false],
    ['email', 'a@', false],
    ['userId', 'u', true],
    ['userId', ' u', true],
    ['userId', 'u'.repeat(52), true],
    ['userId', 'u'.repeat(53), false],
    ['userId', 'u ', false],
    ['userId', 'ü', false],
    ['userId', '\t', false],
  ])('%s %j: %s', (kind, value, expected) => {
    expect(mayBeTaken({ kind, value })).toBe(expected);
  });
});
