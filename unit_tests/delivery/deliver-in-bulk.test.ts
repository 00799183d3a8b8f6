import { describe, expect, it } from '@jest/globals';
import { TextPages } from '../../src/batching/text-pages.ts';
import { buildUserRequest, type UserRequest } from '../../src/batching/user-request.ts';
import { deliverInBulk } from '../../src/delivery/deliver-in-bulk.ts';
import { UnknownRefusals } from '../../src/delivery/unknown-refusals.ts';
import { TransientError } from '../../src/errors.ts';
import { ApiError } from '../../src/iterable/errors.ts';

const texts = new TextPages();
const someUsers = (n: number): UserRequest[] =>
  Array.from({ length: n }, (_, index) =>
    buildUserRequest(
      { kind: 'email', value: `${index}@x.com` },
      {},
      { mergeNestedObjects: true, preferUserId: false },
      texts,
    ),
  );

function failure(apiCode: string | undefined, status = 400, params?: unknown): ApiError {
  return new ApiError('users/bulkUpdate', { status, apiCode, apiMessage: '', params });
}

/** Delivers `n` users while every call with a guilty one is refused; returns the rejected positions or the error, and the calls. */
async function play(
  n: number,
  isGuilty: (index: number) => boolean,
  error: ApiError,
  refusals = new UnknownRefusals(() => undefined),
) {
  const users = someUsers(n);
  let calls = 0;
  const call = (group: readonly UserRequest[]) => {
    calls++;
    if (group.some((user) => isGuilty(users.indexOf(user)))) return Promise.reject(error);
    refusals.noteAccepted('users/bulkUpdate');
    return Promise.resolve({ kind: 'settled' as const, rejected: new Map() });
  };
  try {
    const rejected = await deliverInBulk(users, call, refusals);
    return { rejected: [...rejected.keys()].map((user) => users.indexOf(user)).sort((a, b) => a - b), calls };
  } catch (thrown) {
    return { thrown: thrown as TransientError, calls };
  }
}

describe('deliverInBulk', () => {
  it.each([
    [
      'an unknown code',
      'BrandNew',
      'with a code that this version of the connector does not know: BrandNew (HTTP 400',
    ],
    ['no code', undefined, 'without a code that says why (HTTP 400, users/bulkUpdate)'],
    [
      'a body without a path',
      'BadJsonBody',
      "as a body that it can't read, and names no user of it (HTTP 400",
    ],
  ])('fails when %s refuses every user alone, and rejects none', async (_name, code, words) => {
    const { thrown, calls } = await play(300, () => true, failure(code));
    expect([thrown instanceof TransientError, thrown?.code]).toEqual([true, 'iterable_refuses']);
    expect(thrown?.message).toContain(`Iterable refuses every user ${words}`);
    expect(calls).toBeLessThan(80);
  });

  it.each(['BadParams', 'InvalidEmailAddressError', 'RequestFieldsTypesMismatched'])(
    'rejects every user that %s refuses alone, because this code is about the user',
    async (code) => {
      expect((await play(30, () => true, failure(code))).rejected).toHaveLength(30);
    },
  );

  it('rejects users refused with an unknown code, even many in a row, if others of the call are accepted', async () => {
    const guilty = (index: number) => index >= 40 && index < 70;
    const { rejected } = await play(100, guilty, failure('BrandNew'));
    expect(rejected).toEqual(Array.from({ length: 30 }, (_, index) => index + 40));
  });

  it('also fails when one small call after the other is refused with an unknown code; an accepted call resets the count', async () => {
    const refusals = new UnknownRefusals(() => undefined);
    const small = (isGuilty: boolean) => play(4, () => isGuilty, failure('BrandNew'), refusals);
    for (const isGuilty of [true, true, false, true, true])
      expect((await small(isGuilty)).rejected).toHaveLength(isGuilty ? 4 : 0);
    expect((await small(true)).thrown?.code).toBe('iterable_refuses');
  });

  it.each([
    ['Iterable’s own', failure('BatchTooLarge')],
    ['a 413 of Iterable', failure(undefined, 413)],
    ['a gateway’s', new ApiError('users/bulkUpdate', { status: 413, isOfIterable: false, apiMessage: '' })],
  ])(
    'halves a call that is too large (%s), and rejects no user that fits into a smaller one',
    async (_name, error) => {
      const users = someUsers(100);
      const sizes: number[] = [];
      const call = (group: readonly UserRequest[]) => {
        sizes.push(group.length);
        return group.length > 30
          ? Promise.reject(error)
          : Promise.resolve({ kind: 'settled' as const, rejected: new Map() });
      };
      expect(await deliverInBulk(users, call, new UnknownRefusals(() => undefined))).toEqual(new Map());
      expect(sizes).toEqual([100, 50, 25, 25, 50, 25, 25]);
    },
  );

  it('rejects a user that is too large even alone', async () => {
    const { rejected, calls } = await play(8, (index) => index === 5, failure(undefined, 413));
    expect([rejected, calls]).toEqual([[5], 7]);
  });

  it('rejects the users that the paths of an unreadable body lead to, and sends the others in bulk', async () => {
    const users = someUsers(300);
    const sizes: number[] = [];
    const call = (group: readonly UserRequest[]) => {
      sizes.push(group.length);
      const at = users[7] === undefined ? -1 : group.indexOf(users[7]);
      return at < 0
        ? Promise.resolve({ kind: 'settled' as const, rejected: new Map() })
        : Promise.reject(
            failure('BadJsonBody', 400, { [`obj.users[${at}].dataFields.n`]: 'Number value expected' }),
          );
    };
    const rejected = await deliverInBulk(users, call, new UnknownRefusals(() => undefined));
    expect([[...rejected.keys()].map((user) => users.indexOf(user)), sizes]).toEqual([[7], [300, 299]]);
  });
});
