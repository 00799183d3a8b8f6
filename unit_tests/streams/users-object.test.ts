import { describe, expect, it } from '@jest/globals';
import { parseCatalog, type ConfiguredStream } from '../../src/protocol/catalog.ts';
import {
  destinationObjectProblems,
  identifyByOf,
  namesIterableFields,
  offeredOperations,
} from '../../src/streams/users-object.ts';

const HYBRID = { project_type: 'hybrid', identify_by: 'email' } as const;
const EMAIL_BY_ID = { project_type: 'email', identify_by: 'user_id' } as const;
const USER_ID = { project_type: 'user_id', identify_by: 'user_id' } as const;

function aStream(options: Record<string, unknown> = {}): ConfiguredStream {
  const text = JSON.stringify({
    streams: [{ stream: { name: 'people', namespace: 'crm', json_schema: {} }, ...options }],
  });
  const [stream] = parseCatalog(text).streams;
  if (!stream) throw new Error('no stream');
  return stream;
}

const keyedBy = (...key: string[][]) => aStream({ destination_object_name: 'users', primary_key: key });

describe('offeredOperations', () => {
  it('offers create and update, update only, and mirror once each, with the project’s fields', () => {
    const operations = offeredOperations(new Map([['age', 'long']]), HYBRID);
    expect(operations.map(({ object_name, sync_mode }) => [object_name, sync_mode])).toEqual([
      ['users', 'append_dedup'],
      ['users', 'update'],
      ['users', 'overwrite'],
    ]);
    for (const { json_schema } of operations)
      expect(json_schema.properties).toMatchObject({ age: { type: ['null', 'integer'] } });
  });

  it.each([
    ['hybrid, by email', HYBRID, ['email'], [['email'], ['userId']]],
    [
      'hybrid, by user id',
      { ...HYBRID, identify_by: 'user_id' as const },
      ['userId'],
      [['userId'], ['email']],
    ],
    ['email, by user id', EMAIL_BY_ID, ['userId'], [['userId'], ['email']]],
    ['email', { ...EMAIL_BY_ID, identify_by: 'email' as const }, ['email'], [['email'], ['userId']]],
    ['user_id, which allows nothing else', USER_ID, ['userId'], [['userId']]],
  ])('%s: required fields and matching keys', (_name, config, required, keys) => {
    for (const { json_schema, matching_keys } of offeredOperations(new Map(), config))
      expect([json_schema.required, matching_keys]).toEqual([required, keys]);
  });
});

describe('identifyByOf', () => {
  it.each<[string, ConfiguredStream, typeof HYBRID | typeof EMAIL_BY_ID, string]>([
    ['the key email', keyedBy(['email']), EMAIL_BY_ID, 'email'],
    ['the key userId', keyedBy(['userId']), HYBRID, 'user_id'],
    ['another key', keyedBy(['id']), EMAIL_BY_ID, 'user_id'],
    ['a key of two columns', keyedBy(['userId'], ['email']), HYBRID, 'email'],
    ['a column inside of an object', keyedBy(['userId', 'email']), HYBRID, 'email'],
    ['no key', keyedBy(), EMAIL_BY_ID, 'user_id'],
    ['a stream that names no object', aStream({ primary_key: [['userId']] }), HYBRID, 'email'],
  ])('%s', (_name, stream, config, expected) => {
    expect(identifyByOf(stream, config)).toBe(expected);
  });
});

describe('a stream that names an object', () => {
  it('uses Iterable’s field names; with null for the object it does not', () => {
    expect(namesIterableFields(keyedBy(['email']))).toBe(true);
    expect(namesIterableFields(aStream({ destination_object_name: null }))).toBe(false);
    expect(destinationObjectProblems(aStream(), USER_ID)).toEqual([]);
  });

  it('must name users', () => {
    expect(destinationObjectProblems(aStream({ destination_object_name: 'Users' }), HYBRID)).toEqual([
      'Stream crm.people: there is no destination object Users; the only one is users (destination_object_name)',
    ]);
  });

  it('can’t be matched by email on a project that identifies by userId only', () => {
    expect(destinationObjectProblems(keyedBy(['email']), USER_ID)).toEqual([
      "Stream crm.people: the primary key email can't identify people, since a project of type user_id identifies them by userId only; choose userId",
    ]);
    expect(destinationObjectProblems(keyedBy(['userId']), USER_ID)).toEqual([]);
    expect(destinationObjectProblems(keyedBy(['email']), EMAIL_BY_ID)).toEqual([]);
  });
});
