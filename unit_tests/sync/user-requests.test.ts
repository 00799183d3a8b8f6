import { describe, expect, it } from '@jest/globals';
import { readText } from '../../src/batching/text-pages.ts';
import type { JsonValue } from '../../src/json.ts';
import { NewFieldTypes, type NewField } from '../../src/mapping/new-field-types.ts';
import { UserRequests } from '../../src/sync/user-requests.ts';
import { anUpsert, keyOf } from '../support/rows.ts';
import { aRecord, aTask } from '../support/tasks.ts';

interface Case {
  readonly mergeNestedObjects?: boolean;
  readonly preferUserId?: boolean;
  readonly maxBytes?: number;
  readonly newFields?: NewFieldTypes;
}

/** Requests of a sync in which the stream `leads` creates no users. */
function someRequests({
  mergeNestedObjects = false,
  preferUserId = false,
  maxBytes = 1_000,
  ...rest
}: Case = {}) {
  return new UserRequests({
    request: { mergeNestedObjects, preferUserId },
    limits: { maxItems: 100, maxBytes, envelopeBytes: 50 },
    enriched: new Set(['leads']),
    ...rest,
  });
}

/** A field that the project does not have yet, and whose first value was a whole number. */
function aNewField() {
  const newFields = new NewFieldTypes();
  const field = newFields.at('n') as NewField;
  field.take(1);
  return { newFields, take: (value: number) => field.take(value) as JsonValue };
}

describe('the request for a user', () => {
  it.each<[string, Case, string, string]>([
    ['names an address', {}, 'a@x', '{"email":"a@x","mergeNestedObjects":false,"dataFields":{"n":1}}'],
    [
      'says that nested objects are merged',
      { mergeNestedObjects: true },
      'a@x',
      '{"email":"a@x","mergeNestedObjects":true,"dataFields":{"n":1}}',
    ],
    [
      'names an id that creates its user',
      { preferUserId: true },
      'u1',
      '{"userId":"u1","preferUserId":true,"mergeNestedObjects":false,"dataFields":{"n":1}}',
    ],
  ])('%s', (_name, given, user, expected) => {
    const request = someRequests(given).build({ key: keyOf(user), values: { n: 1 } }, 'users');
    expect(readText(request)).toBe(expected);
  });

  it('creates no user for a stream that updates only users whom Iterable knows', () => {
    const requests = someRequests({ preferUserId: true });
    expect(readText(requests.build({ key: keyOf('u1'), values: {} }, 'leads'))).toBe(
      '{"userId":"u1","mergeNestedObjects":false,"dataFields":{}}',
    );
  });

  it('of a task is one of the stream of its records', () => {
    const requests = someRequests({ preferUserId: true });
    const textFor = (streamKey: string) => {
      const task = aTask(aRecord(anUpsert('u1'), { streamKey }));
      return readText(requests.forTask(task, keyOf('u2'), { n: 2 }));
    };
    expect(textFor('users')).toBe(
      '{"userId":"u2","preferUserId":true,"mergeNestedObjects":false,"dataFields":{"n":2}}',
    );
    expect(textFor('leads')).toBe('{"userId":"u2","mergeNestedObjects":false,"dataFields":{"n":2}}');
  });

  it('can’t be built where a value is nested too deeply', () => {
    let deep: JsonValue = 1;
    for (let level = 0; level < 100_000; level++) deep = [deep];
    expect(() => someRequests().build({ key: keyOf('a@x'), values: { deep } }, 'users')).toThrow(RangeError);
  });
});

describe('numbers of new fields in a request', () => {
  it('wait for their type, with room for what they may become', () => {
    const { newFields, take } = aNewField();
    const requests = someRequests({ preferUserId: true, newFields });
    const request = requests.build({ key: keyOf('u1'), values: { n: take(5), m: take(6) } }, 'leads');
    expect([request.waiting?.numbers.length, request.spareBytes]).toEqual([2, 4]);
    take(1.5);
    expect(readText(request)).toContain('{"n":5,"m":6}');
    expect(request.waiting && readText(request.waiting.rebuild())).toBe(
      '{"userId":"u1","mergeNestedObjects":false,"dataFields":{"n":5.0,"m":6.0}}',
    );
  });

  it('are plain where no value waits, or no field is new', () => {
    const { newFields, take } = aNewField();
    const user = { key: keyOf('a@x'), values: { n: 5 } };
    expect(someRequests({ newFields }).build(user, 'users').waiting).toBeUndefined();
    expect(someRequests({ newFields: new NewFieldTypes() }).build(user, 'users').waiting).toBeUndefined();
    const withWaiting = { key: keyOf('a@x'), values: { n: take(5) } };
    expect(someRequests().build(withWaiting, 'users').waiting).toBeUndefined();
  });
});

describe('a bulk call', () => {
  it('can carry a user who fills it to the last byte, and no larger one', () => {
    const user = { key: keyOf('a@x'), values: { note: 'ä' } };
    const bytes = Buffer.byteLength('{"email":"a@x","mergeNestedObjects":false,"dataFields":{"note":"ä"}}');
    const fits = (maxBytes: number) => {
      const requests = someRequests({ maxBytes });
      return requests.fits(requests.build(user, 'users'));
    };
    expect([fits(50 + bytes), fits(49 + bytes)]).toEqual([true, false]);
  });

  it('needs room for what numbers of new fields may become', () => {
    const { newFields, take } = aNewField();
    const user = { key: keyOf('a@x'), values: { n: take(5) } };
    const { bytes } = someRequests({ newFields }).build(user, 'users');
    const fits = (maxBytes: number) => {
      const requests = someRequests({ maxBytes, newFields });
      return requests.fits(requests.build(user, 'users'));
    };
    expect([fits(50 + bytes + 2), fits(50 + bytes + 1)]).toEqual([true, false]);
  });
});
