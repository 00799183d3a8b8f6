import { describe, expect, it } from '@jest/globals';
import { namedFailures } from '../../src/iterable/failures.ts';
import { bulkAnswerSchema } from '../../src/iterable/schemas.ts';

/** The failures that an answer names, each as text such as `conflict userId 7`. */
function named(lists: object): string[] {
  const answer = bulkAnswerSchema.parse({ successCount: 0, failCount: 1, ...lists });
  return namedFailures(answer).map(({ kind, identity, value }) => `${kind} ${identity} ${value}`);
}

describe('the failures that a bulk answer names', () => {
  it.each([
    ['none if there are no lists', {}, []],
    [
      'the names of each list with its reason',
      {
        failedUpdates: {
          invalidEmails: ['a'],
          invalidUserIds: ['1'],
          notFoundEmails: ['b'],
          notFoundUserIds: ['2'],
          invalidDataEmails: ['c'],
          invalidDataUserIds: ['3'],
          conflictEmails: ['d'],
          conflictUserIds: ['4'],
          forgottenEmails: ['e'],
          forgottenUserIds: ['5'],
        },
      },
      [
        'invalid email a',
        'invalid userId 1',
        'notFound email b',
        'notFound userId 2',
        'invalidData email c',
        'invalidData userId 3',
        'conflict email d',
        'conflict userId 4',
        'forgotten email e',
        'forgotten userId 5',
      ],
    ],
    [
      'an address and an id that look alike',
      { failedUpdates: { conflictEmails: ['a@x'], conflictUserIds: ['a@x'] } },
      ['conflict email a@x', 'conflict userId a@x'],
    ],
    [
      'an address in lower case',
      { failedUpdates: { conflictEmails: ['A@X.com'] } },
      ['conflict email a@x.com'],
    ],
    ['a user id as it is', { failedUpdates: { conflictUserIds: ['Ab'] } }, ['conflict userId Ab']],
    [
      'a name once per reason',
      { failedUpdates: { invalidEmails: ['a', 'A', 'a'], forgottenEmails: ['a'] } },
      ['invalid email a', 'forgotten email a'],
    ],
    [
      'the names of the deprecated lists if there are no others',
      { invalidEmails: ['A'], invalidUserIds: ['1'] },
      ['invalid email a', 'invalid userId 1'],
    ],
    [
      'only those names of the deprecated lists that no other list has',
      {
        invalidEmails: ['A', 'b'],
        invalidUserIds: ['1', '2'],
        failedUpdates: { forgottenEmails: ['a'], conflictUserIds: ['2'] },
      },
      ['forgotten email a', 'conflict userId 2', 'invalid email b', 'invalid userId 1'],
    ],
    [
      'an id of the deprecated list that looks like a named address',
      { invalidUserIds: ['a@x'], failedUpdates: { conflictEmails: ['a@x'] } },
      ['conflict email a@x', 'invalid userId a@x'],
    ],
    [
      'ids of the deprecated list that differ by case from a named one',
      { invalidUserIds: ['ab', 'CD'], failedUpdates: { conflictUserIds: ['AB', 'cd'] } },
      ['conflict userId AB', 'conflict userId cd', 'invalid userId ab', 'invalid userId CD'],
    ],
  ])('are %s', (_name, lists, expected) => {
    expect(named(lists).sort()).toEqual([...expected].sort());
  });
});
