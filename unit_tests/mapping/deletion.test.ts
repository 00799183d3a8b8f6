import { describe, expect, it } from '@jest/globals';
import { parseJson } from '../../src/json.ts';
import { isDeletion } from '../../src/mapping/deletion.ts';

describe('isDeletion', () => {
  it.each([
    'null',
    'false',
    '0',
    '0.0',
    '-0',
    '0e5',
    '""',
    '"  "',
    '"0"',
    '"false"',
    '" FALSE "',
    '"F"',
    '"no"',
    '"N"',
  ])('%s is none', (json) => {
    expect(isDeletion(parseJson(json))).toBe(false);
  });

  it.each([
    'true',
    '1',
    '-1',
    '0.5',
    '9007199254740993',
    '"1"',
    '"true"',
    '"yes"',
    '"2024-01-01T00:00:00Z"',
    '"0.0"',
    '"none"',
    '{}',
    '[]',
  ])('%s is one', (json) => {
    expect(isDeletion(parseJson(json))).toBe(true);
  });
});
