import { describe, expect, it } from '@jest/globals';
import type { HeldEntry } from '../../src/ledger/ledger.ts';
import type { ProjectType } from '../../src/mapping/options.ts';
import { decideRemoval } from '../../src/diff/removals.ts';
import type { Removal } from '../../src/model.ts';
import { anEntry, keyOf, OWN_STREAM } from '../support/rows.ts';

const A = 'a@x.com';
const B = 'b@x.com';

/** A deletion record that names these; `u1` is a user id. */
function naming(...identities: string[]): Removal {
  const named = Object.fromEntries(identities.map(keyOf).map(({ kind, value }) => [kind, value]));
  return { kind: 'removal', identifiedBy: 'email', ...named };
}

interface Case {
  readonly removal: Removal;
  /** The entry of the record's own row. */
  readonly entry?: HeldEntry;
  readonly others?: readonly HeldEntry[];
  readonly isKeyless?: boolean;
  readonly project?: ProjectType;
}

function decided({ removal, entry, others = [], isKeyless = false, project = 'hybrid' }: Case) {
  return decideRemoval({
    removal,
    held: entry,
    others,
    isKeyless,
    streamId: OWN_STREAM,
    projectType: project,
  });
}

/** The users that are removed, as `a@x.com u1`, or why none is. */
function removed(given: Case): string[] {
  const { skip, removals } = decided(given);
  if (skip !== undefined) return [skip];
  return removals.map(({ email, userId }) => [email, userId].filter((each) => each !== undefined).join(' '));
}

const elsewhere = (entry: Partial<HeldEntry>) => anEntry({ stream: OWN_STREAM + 1, key: '[9]', ...entry });
const sameStream = (entry: Partial<HeldEntry>) => anEntry({ key: '[2]', ...entry });

describe('a deletion record removes', () => {
  it.each<[string, Case, string[]]>([
    ['the user that it names, though nothing is known of it', { removal: naming(A) }, [A]],
    [
      'the user that it names',
      { removal: naming(A, 'u1'), entry: anEntry({ email: A, userId: 'u1' }) },
      [`${A} u1`],
    ],
    [
      'the user of its row, where it names none',
      { removal: naming(), entry: anEntry({ email: A, userId: 'u1' }) },
      [`${A} u1`],
    ],
    ['the user of its row by the address alone', { removal: naming(), entry: anEntry({ email: A }) }, [A]],
    [
      'the user of its row in an email-based project, too',
      { removal: naming(), entry: anEntry({ email: A }), project: 'email' },
      [A],
    ],
    ['nobody, where neither it nor its row names a user', { removal: naming() }, ['not_in_ledger']],
    [
      'nobody, where the records of its row were all rejected',
      { removal: naming(), entry: anEntry({ named: { email: A } }) },
      ['not_in_ledger'],
    ],
    [
      'both where it names another user than its row stands for',
      { removal: naming(B), entry: anEntry({ email: A }) },
      [B, A],
    ],
    [
      'nobody where another stream has the user',
      { removal: naming(A), others: [elsewhere({ email: A })] },
      ['held_by_another_row'],
    ],
    [
      'nobody where another stream has the user by the id',
      { removal: naming(A, 'u1'), others: [elsewhere({ userId: 'u1' })] },
      ['held_by_another_row'],
    ],
    [
      'the user that it names without its primary key, which another row of its stream has',
      { removal: naming(A), others: [sameStream({ email: A })], isKeyless: true },
      [A],
    ],
    [
      'nobody where another row of its stream has the user',
      { removal: naming(A), entry: anEntry({ email: A }), others: [sameStream({ email: A })] },
      ['held_by_another_row'],
    ],
    [
      'nobody where another row of its stream has the user that it names, though its own row is unknown',
      { removal: naming(A), others: [sameStream({ email: A })] },
      ['held_by_another_row'],
    ],
    [
      'nobody where another stream has the user of its row by the id, which the record does not name',
      {
        removal: naming(A),
        entry: anEntry({ email: A, userId: 'u1' }),
        others: [elsewhere({ userId: 'u1' })],
      },
      ['held_by_another_row'],
    ],
    [
      'the user that it names, in an email-based project, though another user shares the id',
      {
        removal: naming(A),
        entry: anEntry({ email: A, userId: 'u1' }),
        others: [sameStream({ email: B, userId: 'u1' })],
        project: 'email',
      },
      [A],
    ],
    [
      'nobody where a rejected record names the user',
      { removal: naming(A), others: [sameStream({ email: B, named: { email: A } })] },
      ['held_by_another_row'],
    ],
    [
      'the user whom only a pending deletion has besides',
      { removal: naming(A), others: [sameStream({ email: A, isPendingDeletion: true })] },
      [A],
    ],
    [
      'the user of its row alone, where it names the survivor of a merge, whom another row has',
      { removal: naming(B), entry: anEntry({ email: A }), others: [sameStream({ email: B })] },
      [A],
    ],
    [
      'nobody where another stream has the user of its row',
      { removal: naming(), entry: anEntry({ email: A }), others: [elsewhere({ email: A })] },
      ['held_by_another_row'],
    ],
    [
      'not the previous user where another row of the stream has the address by now',
      { removal: naming(B), entry: anEntry({ email: A }), others: [sameStream({ email: A })] },
      [B],
    ],
    [
      'not the previous user where another row of the stream has the id by now',
      {
        removal: naming(B),
        entry: anEntry({ email: A, userId: 'u1' }),
        others: [sameStream({ userId: 'u1' })],
      },
      [B],
    ],
    [
      'only the previous user where another stream has the one that it names',
      { removal: naming(B), entry: anEntry({ email: A }), others: [elsewhere({ email: B })] },
      [A],
    ],
    [
      'nobody where other streams have both',
      {
        removal: naming(B),
        entry: anEntry({ email: A }),
        others: [elsewhere({ email: B }), elsewhere({ email: A })],
      },
      ['held_by_another_row'],
    ],
  ])('%s', (_name, given, expected) => {
    expect(removed(given)).toEqual(expected);
  });
});

describe('the record names the user that its row stood for', () => {
  const byId = { ...naming(A, 'u1'), identifiedBy: 'userId' } as const;
  const isSame = (given: Case) => removed(given).length === 1;
  it.each<[string, Case, boolean]>([
    ['by its address', { removal: naming(A), entry: anEntry({ email: A, userId: 'u1' }) }, true],
    ['by another address', { removal: naming(B), entry: anEntry({ email: A }) }, false],
    [
      'by another address with the same id',
      { removal: naming(B, 'u1'), entry: anEntry({ email: A, userId: 'u1' }) },
      false,
    ],
    [
      'by the same address with another id',
      { removal: naming(A, 'u2'), entry: anEntry({ email: A, userId: 'u1' }) },
      true,
    ],
    [
      'by an address where the row had only an id',
      { removal: naming(A), entry: anEntry({ userId: 'u1' }) },
      true,
    ],
    ['by its id alone', { removal: naming('u1'), entry: anEntry({ email: A, userId: 'u1' }) }, true],
    ['by another id alone', { removal: naming('u2'), entry: anEntry({ email: A, userId: 'u1' }) }, false],
    [
      'where the id decides, by its id with another address',
      { removal: byId, entry: anEntry({ email: B, userId: 'u1' }) },
      true,
    ],
    [
      'where the id decides, by another id',
      { removal: byId, entry: anEntry({ email: A, userId: 'u2' }) },
      false,
    ],
    [
      'where the id decides, by its address alone',
      { removal: { ...naming(A), identifiedBy: 'userId' }, entry: anEntry({ email: A, userId: 'u1' }) },
      true,
    ],
    [
      'in a project based on user ids by another id',
      { removal: byId, entry: anEntry({ email: A, userId: 'u2' }), project: 'user_id' },
      false,
    ],
    [
      'in an email-based project by another address, though the id decides',
      { removal: byId, entry: anEntry({ email: B, userId: 'u1' }), project: 'email' },
      false,
    ],
    [
      'in an email-based project by its address, whatever the id',
      { removal: byId, entry: anEntry({ email: A, userId: 'u2' }), project: 'email' },
      true,
    ],
    [
      'in an email-based project by an address where the row had only an id',
      { removal: byId, entry: anEntry({ userId: 'u2' }), project: 'email' },
      true,
    ],
    [
      'in an email-based project by its id alone',
      { removal: naming('u1'), entry: anEntry({ email: A, userId: 'u1' }), project: 'email' },
      true,
    ],
    [
      'in an email-based project by another id alone',
      { removal: naming('u2'), entry: anEntry({ email: A, userId: 'u1' }), project: 'email' },
      false,
    ],
  ])('%s', (_name, given, expected) => {
    expect(isSame(given)).toBe(expected);
  });

  it('in an email-based project a record without one leads to the address of its row', () => {
    const { removals } = decided({
      removal: naming('u1'),
      entry: anEntry({ email: A, userId: 'u1' }),
      project: 'email',
    });
    expect(removals).toMatchObject([{ userId: 'u1', alsoKnownAs: [keyOf(A)], isExported: true }]);
  });
});
