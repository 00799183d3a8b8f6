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
    ['has no names if it has no lists', COUNTS],
    [
      'has no names if failedUpdates and the lists are null',
      { ...COUNTS, failedUpdates: null, invalidEmails: null, createdFields: null },
    ],
    [
      'has no names if the lists in failedUpdates are null',
      { ...COUNTS, failedUpdates: { invalidEmails: null } },
    ],
  ])('%s', (_name, answer) => {
    const read = bulkAnswerSchema.parse(answer);
    const { createdFields, filteredOutFields, invalidEmails, invalidUserIds, failedUpdates } = read;
    expect([createdFields, filteredOutFields, invalidEmails, invalidUserIds]).toEqual([[], [], [], []]);
    for (const kind of KINDS)
      expect([failedUpdates[`${kind}Emails`], failedUpdates[`${kind}UserIds`]]).toEqual([[], []]);
  });

  it('keeps every list, and unknown properties', () => {
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
    ['has a fractional count', { successCount: 1.5, failCount: 0 }],
    ['has a negative count', { successCount: 1, failCount: -1 }],
    ['has a count as text', { successCount: '1', failCount: 0 }],
    ['has a text in place of a list', { ...COUNTS, createdFields: 'a' }],
    ['has a list of numbers', { ...COUNTS, failedUpdates: { conflictUserIds: [7] } }],
    ['is a plain answer', { code: 'Success', msg: '' }],
  ])('is invalid if it %s', (_name, answer) => {
    expect(bulkAnswerSchema.safeParse(answer).success).toBe(false);
  });
});

describe('an answer', () => {
  it.each([
    ['with fields', fieldsAnswerSchema, { fields: { 'address.city': 'string' } }],
    [
      'with lists',
      listsAnswerSchema,
      { lists: [{ id: 1, name: 'VIP', createdAt: 5, listType: 'Standard' }] },
    ],
    [
      'with lists without times',
      listsAnswerSchema,
      { lists: [{ id: 1, name: 'VIP', createdAt: null, listType: 'New' }] },
    ],
    ['with a new list', createdListSchema, { listId: 7 }],
    ['with a user', userAnswerSchema, { user: { email: 'a@x', userId: null, dataFields: { a: 1 } } }],
    ['without a user', userAnswerSchema, {}],
    ['to a plain call', plainAnswerSchema, { code: 'Success', msg: null }],
    ['with an exported user', exportedUserSchema, { email: 'a@x', userId: null }],
    ['with an exported user without identities', exportedUserSchema, {}],
  ])('%s is accepted unchanged, unknown properties included', (_name, schema, answer) => {
    const more = { ...answer, brandNew: { x: 1 } };
    expect(schema.parse(more)).toEqual(more);
  });

  it.each([
    ['with field types that are not text', fieldsAnswerSchema, { fields: { a: 1 } }],
    ['with lists without a type', listsAnswerSchema, { lists: [{ id: 1, name: 'VIP' }] }],
    [
      'with list ids that are text',
      listsAnswerSchema,
      { lists: [{ id: '1', name: 'VIP', listType: 'Standard' }] },
    ],
    ['with a new list without an id', createdListSchema, {}],
    ['with a user that is text', userAnswerSchema, { user: 'a@x' }],
    ['with a user id that is a number', userAnswerSchema, { user: { userId: 7 } }],
    ['to a plain call without a code', plainAnswerSchema, { msg: 'ok' }],
    ['with an exported address that is not text', exportedUserSchema, { email: 7 }],
  ])('%s is invalid', (_name, schema, answer) => {
    expect(schema.safeParse(answer).success).toBe(false);
  });
});

describe('the params of a refusal', () => {
  it('name the fields that exceed the project’s limit, and the limit if it is there', () => {
    const params = { limit: 1_000, requestedTotal: 1_001, newFields: ['a'] };
    expect(fieldsLimitParamsSchema.parse(params)).toEqual(params);
  });

  it.each([
    [{}],
    [{ limit: 'many', requestedTotal: 'more', newFields: 'a' }],
    [{ newFields: [7] }],
    [{ newFields: null }],
  ])('name no fields in %j', (params) => {
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
  ])('name values of a wrong type: %j is valid: %s', (params, expected) => {
    expect(mismatchParamsSchema.safeParse(params).success).toBe(expected);
  });

  it.each<[unknown, boolean]>([
    [{ 'obj.users[1].preferUserId': 'Boolean value expected' }, true],
    [{}, true],
    [{ 'obj.users[1]': { why: 1 } }, false],
    [null, false],
  ])('describe an unreadable body: %j is valid: %s', (params, expected) => {
    expect(unreadableParamsSchema.safeParse(params).success).toBe(expected);
  });
});
