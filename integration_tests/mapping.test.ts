import { describe, expect, it } from '@jest/globals';
import { withHarness, type WriteOptions } from './support/harness.ts';
import { aCatalog, aRecord, aStream, line } from './support/messages.ts';
import type { StandinOptions } from './standin/server.ts';
import { summaryLine } from './support/summary-line.ts';

type Options = Pick<WriteOptions, 'config' | 'catalog'>;

/** Writes the records; gives the data fields of the one user there should be, and the types that its fields got. */
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
  it('follows dots both ways, and a column whose whole name has dots wins', async () => {
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

  it('converts to a mapping’s type, else to the known field’s, else to the schema’s', async () => {
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

  it('well-known fields have their type also in a project that does not have them yet', async () => {
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
    ['the stream’s schema does not win over it', {}, {}, 'string'],
    [
      'a mapping’s type wins over it',
      { config: { mappings: [email, { source: 'phoneNumber', target: 'phoneNumber', type: 'long' }] } },
      {},
      'long',
    ],
    ['what the project says wins over it', {}, { fields: { phoneNumber: 'long' } }, 'long'],
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

  it('keeps numbers as they were written', async () => {
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

  it('null clears a field; an absent or NULLED column leaves it alone', async () => {
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

  it('an empty mapping leaves out Airbyte’s columns, the deletion column, and, with a warning, managed names', async () => {
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

  it('takes __proto__ as plain data', async () => {
    await withHarness({}, async (harness) => {
      const raw =
        '{"type":"RECORD","record":{"stream":"users","emitted_at":1,"data":{"email":"a@x.com","__proto__":{"admin":true}}}}\n';
      const result = await harness.writeInProcess(raw);
      expect(result.errors).toEqual([]);
      expect(harness.standin.store.fields.types.get('__proto__.admin')).toBe('boolean');
    });
  });

  it('merges nested objects, or replaces them when told to', async () => {
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

  it('names fields that Iterable dropped once', async () => {
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

  it('mappings hold for the stream that they name', async () => {
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

  it('records of one user are laid over each other, the last word winning', () =>
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
