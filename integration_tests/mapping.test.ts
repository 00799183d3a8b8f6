import { describe, expect, it } from '@jest/globals';
import { withHarness, type WriteOptions } from './support/harness.ts';
import { aCatalog, aRecord, aStream, line } from './support/messages.ts';
import type { StandinOptions } from './standin/server.ts';
import { summaryLine } from './support/summary-line.ts';

type Options = Pick<WriteOptions, 'config' | 'catalog'>;

/** Writes the records, which must result in one user; returns its data fields and their types. */
async function mapped(input: string, options: Options = {}, standinOptions: StandinOptions = {}) {
  let fields: Record<string, unknown> | undefined;
  let types: Record<string, string> = {};
  let logs: string[] = [];
  await withHarness(standinOptions, async (harness) => {
    const result = await harness.writeInProcess(input, options);
    expect(result.errors).toEqual([]);
    logs = result.logs;
    const [user, ...others] = harness.standin.store.users();
    expect(others).toEqual([]);
    fields = user?.dataFields;
    types = Object.fromEntries(harness.standin.store.fields.types);
  });
  return { fields, types, logs };
}

const email = { source: 'email', target: 'email' };

describe('mapping', () => {
  it('follows dots in sources and targets, and prefers a column whose name contains the dots', async () => {
    const { fields } = await mapped(
      aRecord({
        email: 'a@x.com',
        address: { city: 'Rome', zip: null },
        'plan.name': 'gold',
        plan: { name: 'lead' },
        unused: 1,
      }),
      {
        config: {
          mappings: [
            email,
            { source: 'address.city', target: 'home.city' },
            { source: 'address.zip', target: 'home.zip' },
            { source: 'address.street', target: 'home.street' },
            { source: 'plan.name', target: 'planName' },
          ],
        },
      },
    );
    expect(fields).toEqual({ home: { city: 'Rome' }, planName: 'gold' });
  });

  it('converts to the type of the mapping, or else of the known field, or else of the schema', async () => {
    const { fields, types } = await mapped(
      aRecord({
        email: 'a@x.com',
        a: 5,
        b: '7',
        c: 3,
        d: '2024-02-29T23:30:00-01:00',
        e: 'yes',
        f: '{"x":1}',
        g: 12,
        h: 1,
      }),
      {
        config: {
          mappings: [
            email,
            { source: 'a', target: 'a', type: 'double' },
            { source: 'b', target: 'b', type: 'long' },
            { source: 'c', target: 'c' },
            { source: 'd', target: 'd', type: 'date' },
            { source: 'e', target: 'e', type: 'boolean' },
            { source: 'f', target: 'f', type: 'object' },
            { source: 'g', target: 'g' },
            { source: 'h', target: 'h', type: 'string' },
          ],
        },
        catalog: aCatalog(
          aStream({
            jsonSchema: {
              type: 'object',
              properties: { g: { type: ['null', 'number'] }, c: { type: 'integer' } },
            },
          }),
        ),
      },
      { fields: { c: 'string' } },
    );
    expect(fields).toEqual({
      a: 5,
      b: 7,
      c: '3',
      d: '2024-03-01 00:30:00 +00:00',
      e: true,
      f: { x: 1 },
      g: 12,
      h: '1',
    });
    expect(types).toMatchObject({
      a: 'double',
      b: 'long',
      c: 'string',
      d: 'date',
      e: 'boolean',
      g: 'double',
      h: 'string',
    });
  });

  it('gives well-known fields their type even if the project does not have them yet', async () => {
    const { fields, types } = await mapped(
      aRecord({ email: 'a@x.com', phoneNumber: 491701234567, signupDate: '2024-02-29', city: 5, score: 7 }),
    );
    expect(fields).toEqual({
      phoneNumber: '491701234567',
      signupDate: '2024-02-29 00:00:00 +00:00',
      city: '5',
      score: 7,
    });
    expect(types).toMatchObject({ phoneNumber: 'string', signupDate: 'date', city: 'string', score: 'long' });
  });

  it.each<[string, Options, StandinOptions, string]>([
    ['its type takes precedence over the schema of the stream', {}, {}, 'string'],
    [
      'the type of a mapping takes precedence',
      { config: { mappings: [email, { source: 'phoneNumber', target: 'phoneNumber', type: 'long' }] } },
      {},
      'long',
    ],
    ['the type in the project takes precedence', {}, { fields: { phoneNumber: 'long' } }, 'long'],
  ])('a well-known field: %s', async (_name, options, standinOptions, expected) => {
    const jsonSchema = { properties: { phoneNumber: { type: 'integer' } } };
    const { fields, types } = await mapped(
      aRecord({ email: 'a@x.com', phoneNumber: 491701234567 }),
      { catalog: aCatalog(aStream({ jsonSchema })), ...options },
      standinOptions,
    );
    expect(types.phoneNumber).toBe(expected);
    expect(fields?.phoneNumber).toBe(expected === 'long' ? 491701234567 : '491701234567');
  });

  it('keeps the notation of numbers', async () => {
    const record =
      '{"type":"RECORD","record":{"stream":"users","emitted_at":1,"data":{"email":"a@x.com","big":9007199254740993,"price":5.0,"count":5,"userId":90071992547409931}}}\n';
    await withHarness({}, async (harness) => {
      await harness.write(record);
      expect(harness.standin.store.users()).toEqual([
        {
          email: 'a@x.com',
          userId: '90071992547409931',
          dataFields: { big: 9007199254740993n, price: 5, count: 5 },
        },
      ]);
      expect(harness.standin.store.fields.types.get('price')).toBe('double');
      expect(harness.standin.store.fields.types.get('count')).toBe('long');
    });
  });

  it('clears a field with null, and does not change it if the column is absent or marked NULLED', async () => {
    await withHarness({}, async (harness) => {
      await harness.writeInProcess(aRecord({ email: 'a@x.com', a: 1, b: 2, c: 3 }));
      await harness.writeInProcess(
        aRecord(
          { email: 'a@x.com', a: null, c: null },
          { meta: { changes: [{ field: 'c', change: 'NULLED', reason: 'PLATFORM_FIELD_SIZE_LIMITATION' }] } },
        ),
      );
      expect(harness.standin.store.userByEmail('a@x.com')?.dataFields).toEqual({ b: 2, c: 3 });
    });
  });

  it('without mappings leaves out Airbyte’s columns, the deletion column and, with a warning, managed fields', async () => {
    const { fields, logs } = await mapped(
      aRecord({
        email: 'a@x.com',
        ok: 1,
        _airbyte_raw_id: 'r',
        _ab_cdc_lsn: 1,
        _ab_cdc_deleted_at: null,
        devices: [],
        constructor: 'plain',
      }),
    );
    expect(fields).toEqual({ ok: 1, constructor: 'plain' });
    expect(logs).toContain(
      'WARN Stream users: the column devices is left out, since Iterable manages the field of that name itself',
    );
  });

  it('treats __proto__ as plain data', async () => {
    await withHarness({}, async (harness) => {
      const raw =
        '{"type":"RECORD","record":{"stream":"users","emitted_at":1,"data":{"email":"a@x.com","__proto__":{"admin":true}}}}\n';
      const result = await harness.writeInProcess(raw);
      expect(result.errors).toEqual([]);
      expect(harness.standin.store.fields.types.get('__proto__.admin')).toBe('boolean');
    });
  });

  it('merges nested objects, or replaces them if configured', async () => {
    for (const [merge, expected] of [
      [true, { home: { city: 'Rome', zip: '1' } }],
      [false, { home: { zip: '1' } }],
    ] as const) {
      await withHarness({}, async (harness) => {
        const config = { merge_nested_objects: merge };
        await harness.writeInProcess(aRecord({ email: 'a@x.com', home: { city: 'Rome' } }), { config });
        await harness.writeInProcess(aRecord({ email: 'a@x.com', home: { zip: '1' } }), { config });
        expect(harness.standin.store.userByEmail('a@x.com')?.dataFields).toEqual(expected);
      });
    }
  });

  it('logs once which fields Iterable has dropped', async () => {
    const { fields, logs } = await mapped(
      aRecord({ email: 'a@x.com', old: 1, fresh: 2 }) + aRecord({ email: 'a@x.com', fresh: 3 }),
      { config: { create_new_fields: false } },
      { fields: { old: 'long' } },
    );
    expect(fields).toEqual({ old: 1 });
    expect(logs.filter((log) => log.includes('dropped them'))).toEqual([
      'WARN Iterable does not know these user fields and dropped them: fresh. Set create_new_fields to true, or create them in Iterable.',
    ]);
  });

  it('applies mappings only to the stream that they name', async () => {
    await withHarness({}, async (harness) => {
      await harness.writeInProcess(
        aRecord({ email: 'a@x.com', n: 1 }) + aRecord({ email: 'b@x.com', n: 1 }, { stream: 'leads' }),
        {
          config: { mappings: [email, { source: 'n', target: 'leadScore', stream: 'leads' }] },
          catalog: aCatalog(aStream(), aStream({ name: 'leads' })),
        },
      );
      expect(harness.standin.store.users().map(({ dataFields }) => dataFields)).toEqual([
        {},
        { leadScore: 1 },
      ]);
    });
  });

  it('merges records of one user, last write wins', () =>
    withHarness({}, async (harness) => {
      const result = await harness.writeInProcess(
        aRecord({ email: 'a@x.com', n: 1, city: 'Rome' }) +
          aRecord({ email: 'A@x.com ', n: 2 }) +
          line({ type: 'STATE', state: { data: {} } }),
      );
      expect(harness.standin.store.users()).toEqual([
        { email: 'a@x.com', dataFields: { n: 2, city: 'Rome' } },
      ]);
      expect(harness.standin.calls('/bulkUpdate').map(({ users }) => users)).toEqual([1]);
      expect(result.logs).toContain(summaryLine('users', { received: 2, delivered: 2 }));
    }));
});
