import { describe, expect, it } from '@jest/globals';
import {
  bulkAnswerSchema,
  createdListSchema,
  exportedUserSchema,
  fieldsAnswerSchema,
  fieldsLimitParamsSchema,
  listsAnswerSchema,
  mismatchParamsSchema,
  plainAnswerSchema,
  unreadableParamsSchema,
  userAnswerSchema,
} from '../../src/iterable/schemas.ts';

const COUNTS = { successCount: 2, failCount: 1 };
const KINDS = ['invalid', 'notFound', 'invalidData', 'conflict', 'forgotten'] as const;

describe('the answer of a bulk call', () => {
  it.each([
    ['has no names where it has no lists', COUNTS],
    [
      'has no names where its lists are null',
      { ...COUNTS, failedUpdates: null, invalidEmails: null, createdFields: null },
    ],
    ['has no names where the lists in it are null', { ...COUNTS, failedUpdates: { invalidEmails: null } }],
  ])('%s', (_name, answer) => {
    const read = bulkAnswerSchema.parse(answer);
    const { createdFields, filteredOutFields, invalidEmails, invalidUserIds, failedUpdates } = read;
    expect([createdFields, filteredOutFields, invalidEmails, invalidUserIds]).toEqual([[], [], [], []]);
    for (const kind of KINDS)
      expect([failedUpdates[`${kind}Emails`], failedUpdates[`${kind}UserIds`]]).toEqual([[], []]);
  });

  it('keeps every list that it has, and what nobody knows yet', () => {
    const failedUpdates = Object.fromEntries(KINDS.flatMap((kind) => [[`${kind}Emails`, [kind]], [`${kind}UserIds`, [kind, 'x']]])); // prettier-ignore
    const answer = {
      ...COUNTS,
      createdFields: ['a'],
      filteredOutFields: ['b'],
      invalidEmails: ['c'],
      invalidUserIds: ['d'],
      failedUpdates: { ...failedUpdates, brandNewEmails: ['e'] },
      noOpEmails: ['f'],
    };
    expect(bulkAnswerSchema.parse(answer)).toEqual(answer);
  });

  it.each([
    ['has no counts', {}],
    ['lacks one count', { successCount: 1 }],
    ['has half a user', { successCount: 1.5, failCount: 0 }],
    ['has fewer than no user', { successCount: 1, failCount: -1 }],
    ['has a count as text', { successCount: '1', failCount: 0 }],
    ['has a list that is none', { ...COUNTS, createdFields: 'a' }],
    ['has a list of numbers', { ...COUNTS, failedUpdates: { conflictUserIds: [7] } }],
    ['is a plain one', { code: 'Success', msg: '' }],
  ])('is not one that %s', (_name, answer) => {
    expect(bulkAnswerSchema.safeParse(answer).success).toBe(false);
  });
});

describe('an answer', () => {
  it.each([
    ['of fields', fieldsAnswerSchema, { fields: { 'address.city': 'string' } }],
    ['of lists', listsAnswerSchema, { lists: [{ id: 1, name: 'VIP', createdAt: 5, listType: 'Standard' }] }],
    [
      'of lists without times',
      listsAnswerSchema,
      { lists: [{ id: 1, name: 'VIP', createdAt: null, listType: 'New' }] },
    ],
    ['of a new list', createdListSchema, { listId: 7 }],
    ['of a user', userAnswerSchema, { user: { email: 'a@x', userId: null, dataFields: { a: 1 } } }],
    ['of nobody', userAnswerSchema, {}],
    ['of a plain call', plainAnswerSchema, { code: 'Success', msg: null }],
    ['of an exported user', exportedUserSchema, { email: 'a@x', userId: null }],
    ['of an exported user without anything', exportedUserSchema, {}],
  ])('%s is read as it is, with what nobody knows yet', (_name, schema, answer) => {
    const more = { ...answer, brandNew: { x: 1 } };
    expect(schema.parse(more)).toEqual(more);
  });

  it.each([
    ['of fields whose types are no texts', fieldsAnswerSchema, { fields: { a: 1 } }],
    ['of lists without a type', listsAnswerSchema, { lists: [{ id: 1, name: 'VIP' }] }],
    [
      'of lists whose ids are texts',
      listsAnswerSchema,
      { lists: [{ id: '1', name: 'VIP', listType: 'Standard' }] },
    ],
    ['of a new list without an id', createdListSchema, {}],
    ['of a user that is a text', userAnswerSchema, { user: 'a@x' }],
    ['of a user whose id is a number', userAnswerSchema, { user: { userId: 7 } }],
    ['of a plain call without a code', plainAnswerSchema, { msg: 'ok' }],
    ['of an exported user whose address is no text', exportedUserSchema, { email: 7 }],
  ])('%s is none', (_name, schema, answer) => {
    expect(schema.safeParse(answer).success).toBe(false);
  });
});

describe('what a refusal says besides', () => {
  it('names the fields that are too many for the project, and its limit where it is there', () => {
    const params = { limit: 1_000, requestedTotal: 1_001, newFields: ['a'] };
    expect(fieldsLimitParamsSchema.parse(params)).toEqual(params);
  });

  it.each([
    [{}],
    [{ limit: 'many', requestedTotal: 'more', newFields: 'a' }],
    [{ newFields: [7] }],
    [{ newFields: null }],
  ])('names no fields where %j does not', (params) => {
    const { limit, requestedTotal, newFields } = fieldsLimitParamsSchema.parse(params);
    expect([limit, requestedTotal, newFields]).toEqual([undefined, undefined, []]);
  });

  it.each<[unknown, boolean]>([
    [
      {
        validationErrors: {
          n: { expectedType: 'long', offendingValue: { a: 1 }, incomingTypes: ['string'] },
        },
      },
      true,
    ],
    [{ validationErrors: { n: { expectedType: null, incomingTypes: null } } }, true],
    [{ validationErrors: {} }, true],
    [{ validationErrors: { n: 'wrong' } }, false],
    [{ validationErrors: { n: { incomingTypes: 'string' } } }, false],
    [{}, false],
    [null, false],
  ])('of values of a wrong type is readable in %j: %s', (params, expected) => {
    expect(mismatchParamsSchema.safeParse(params).success).toBe(expected);
  });

  it.each<[unknown, boolean]>([
    [{ 'obj.users[1].preferUserId': 'Boolean value expected' }, true],
    [{}, true],
    [{ 'obj.users[1]': { why: 1 } }, false],
    [null, false],
  ])('of an unreadable body is readable in %j: %s', (params, expected) => {
    expect(unreadableParamsSchema.safeParse(params).success).toBe(expected);
  });
});
