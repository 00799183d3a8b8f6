/**
 * New fields, which the project does not have yet: the values in a batch determine their types, and only records with values
 * that don't fit are rejected.
 */
import { describe, expect, it } from '@jest/globals';
import type { StandinOptions } from './standin/server.ts';
import { withHarness, type Harness, type WriteOptions } from './support/harness.ts';
import { inParallel } from './support/in-parallel.ts';
import { aCatalog, aRecord, aState, aStream } from './support/messages.ts';
import { seededRandom, seeds } from './support/random.ts';

const STYLES = ['lists', 'whole'] as const;
type Options = Pick<WriteOptions, 'config' | 'catalog'>;

/** Users u0, u1, … with one value each. */
const users = (values: readonly unknown[], from = 0): string[] =>
  values.map((x, index) => aRecord({ email: `u${from + index}@x.com`, x }));

/** User → the value in Iterable. */
const valuesIn = ({ standin }: Harness): Record<string, unknown> =>
  Object.fromEntries(
    standin.store
      .users()
      .map(({ email = '', dataFields }): [string, unknown] => [email.split('@', 1)[0] ?? '', dataFields.x]),
  );

interface Rejections {
  /** Line → field and reason. */
  readonly rejected: Record<number, string>;
}

function rejectionsIn(logs: readonly string[]): Rejections['rejected'] {
  const found: Record<number, string> = {};
  for (const log of logs) {
    const match = /Rejected the record in line (\d+) \(stream \w+\): (.*)$/.exec(log);
    if (match) found[Number(match[1])] = match[2] ?? '';
  }
  return found;
}

/** Sends the lines as one text, so that all records are read at once: on a busy machine, some might be sent before the others arrive. */
async function write(harness: Harness, lines: readonly string[], options: Options = {}) {
  const result = await harness.writeInProcess(lines.join('') + aState(1), options);
  return { ...result, rejected: rejectionsIn(result.logs) };
}

const typeOf = ({ standin }: Harness, field = 'x') => standin.store.fields.types.get(field);

const NO_LONG =
  'wrong_type, field x: expected a whole number of at most 64 bits, since the field’s first value in this sync was one, found';

describe.each(STYLES)('a new field, if Iterable refuses a wrong type in the style %s', (wrongTypeStyle) => {
  const play = (test: (harness: Harness) => Promise<void>, options: StandinOptions = {}) =>
    withHarness({ wrongTypeStyle, ...options }, test);

  it('the first value decides, and exactly the records that don’t fit are rejected, without a second call', () =>
    play(async (harness) => {
      const { rejected, exitCode } = await write(harness, users([7, 'text', '12', true, { a: 1 }, null, 9]));
      expect(exitCode).toBe(0);
      expect(rejected).toEqual({
        2: `${NO_LONG} other text.`,
        4: `${NO_LONG} true or false.`,
        5: `${NO_LONG} an object.`,
      });
      expect(valuesIn(harness)).toEqual({ u0: 7, u2: 12, u5: undefined, u6: 9 });
      expect(harness.standin.calls('/bulkUpdate')).toHaveLength(1);
    }));

  it.each<[string, unknown[], string, unknown[]]>([
    ['text', ['a', 5, true], 'string', ['a', '5', 'true']],
    ['true', [true, 'yes', 0], 'boolean', [true, true, false]],
    [
      'a date',
      ['2024-02-29', '2024-03-01T00:00:00Z'],
      'date',
      ['2024-02-29 00:00:00 +00:00', '2024-03-01 00:00:00 +00:00'],
    ],
    ['an object', [{ a: 1 }, '{"a":2}'], 'object', [{ a: 1 }, { a: 2 }]],
  ])('%s, and values that can be converted to it', (_name, values, type, written) =>
    play(async (harness) => {
      const { rejected } = await write(harness, users(values));
      expect(rejected).toEqual({});
      expect(typeOf(harness)).toBe(type);
      expect(Object.values(valuesIn(harness))).toEqual(written);
    }),
  );

  it('a fraction among the numbers of a batch makes it a double, and all are delivered', () =>
    play(async (harness) => {
      const { rejected } = await write(harness, users([0, 1, 1.5, 2]));
      expect(rejected).toEqual({});
      expect(typeOf(harness)).toBe('double');
      expect(valuesIn(harness)).toEqual({ u0: 0, u1: 1, u2: 1.5, u3: 2 });
      expect(harness.standin.lastBody).toContain('"x":0.0}');
      expect(harness.standin.calls('/bulkUpdate')).toHaveLength(1);
    }));

  it('a fraction that arrives after whole numbers were sent is rejected', () =>
    play(async (harness) => {
      // All records are read at once, but the first batch is full before the fraction.
      const { rejected } = await write(harness, users([0, 1, 1.5, 2]), { config: { batch_size: 2 } });
      expect(rejected).toEqual({ 3: `${NO_LONG} another number.` });
      expect(typeOf(harness)).toBe('long');
      expect(valuesIn(harness)).toEqual({ u0: 0, u1: 1, u3: 2 });
    }));

  it('a fraction as text does not change the type: it is accepted by a double and rejected by a long', async () => {
    await play(async (harness) => {
      const { rejected } = await write(harness, users([1, '1.5', 2]));
      expect(rejected).toEqual({ 2: `${NO_LONG} other text.` });
      expect(valuesIn(harness)).toEqual({ u0: 1, u2: 2 });
    });
    await play(async (harness) => {
      const { rejected } = await write(harness, users([1, '1.5', 2.5]));
      expect(rejected).toEqual({});
      expect(valuesIn(harness)).toEqual({ u0: 1, u1: 1.5, u2: 2.5 });
    });
  });

  it('applies to leaves of objects and elements of arrays', () =>
    play(async (harness) => {
      const { rejected } = await write(
        harness,
        users([
          { n: 1, list: [1], deep: { at: 'text' } },
          { n: 1.5, list: [2, 2.5], deep: { at: 5 } },
          { n: 'text' },
          { list: ['text'] },
          { deep: 1 },
        ]),
      );
      expect(Object.keys(rejected)).toEqual(['3', '4', '5']);
      expect(rejected[3]).toContain('field x.n: expected a number, since');
      expect(rejected[4]).toContain('field x.list: expected a number, since');
      expect(rejected[5]).toContain('field x.deep: expected an object or a list of objects, since');
      expect(valuesIn(harness)).toEqual({
        u0: { n: 1, list: [1], deep: { at: 'text' } },
        u1: { n: 1.5, list: [2, 2.5], deep: { at: '5' } },
      });
      expect(['x.n', 'x.list', 'x.deep.at'].map((field) => typeOf(harness, field))).toEqual([
        'double',
        'double',
        'string',
      ]);
    }));

  it('is shared by two streams', () =>
    play(async (harness) => {
      const leads = (email: string, x: unknown) => aRecord({ email, score: x }, { stream: 'leads' });
      const { rejected } = await write(
        harness,
        [...users([1]), leads('l1@x.com', 'text'), leads('l2@x.com', 2.5), ...users(['3', 'text'], 1)],
        {
          catalog: aCatalog(aStream(), aStream({ name: 'leads' })),
          config: {
            mappings: [
              { source: 'email', target: 'email' },
              { source: 'x', target: 'x', stream: 'users' },
              { source: 'score', target: 'x', stream: 'leads' },
            ],
          },
        },
      );
      expect(Object.keys(rejected)).toEqual(['2', '5']);
      expect(valuesIn(harness)).toEqual({ u0: 1, l2: 2.5, u1: 3 });
      expect(typeOf(harness)).toBe('double');
    }));

  it.each<[string, [person: string, value: unknown][]]>([
    [
      'is the last value of the first user',
      [
        ['a', 'text'],
        ['b', 'more'],
        ['a', '2024-02-29'],
      ],
    ],
    [
      'comes before the last value of the first user',
      [
        ['a', ''],
        ['b', '2024-02-29'],
        ['a', 'text'],
      ],
    ],
    [
      'is in an array',
      [
        ['a', ['text']],
        ['b', ['more']],
        ['a', ['2024-02-29']],
      ],
    ],
    [
      'is a leaf',
      [
        ['a', { at: 'text' }],
        ['b', { at: 'more' }],
        ['a', { at: '2024-02-29' }],
      ],
    ],
  ])('a text field stays one if a text that looks like a date %s', (_name, values) =>
    play(async (harness) => {
      const lines = values.map(([person, x]) => aRecord({ email: `${person}@x.com`, x }));
      const { rejected } = await write(harness, lines, { config: { merge_nested_objects: false } });
      expect(rejected).toEqual({});
      expect([...harness.standin.store.fields.types.values()]).not.toContain('date');
      expect(harness.standin.calls('/bulkUpdate')).toHaveLength(1);
    }),
  );

  it('also if the ledger has some of the users, which are compared with it before they are sent', () =>
    play(async (harness) => {
      const options = { config: { ledger: { type: 'sqlite', path: harness.files.path('ledger.sqlite') } } };
      await write(harness, [aRecord({ email: 'u0@x.com' })], options);
      const { rejected } = await write(harness, users(['text', '2024-02-29']), options);
      expect(rejected).toEqual({});
      expect(valuesIn(harness)).toEqual({ u0: 'text', u1: '2024-02-29' });
    }));

  it.each<[string, string, unknown, unknown[], string]>([
    ['text', 'email', 'x', [5, 7], 'long'],
    ['a whole number', 'n/a', 1, ['2024-02-29', '2024-03-01'], 'date'],
    ['a fraction', '-', 2.5, [5, 7], 'long'],
    ['true', '@', true, ['a', 'b'], 'string'],
    ['an object', 'unknown', { a: 1 }, [5, 2.5], 'double'],
  ])(
    '%s in a record with a malformed address, such as the header of a file, does not decide the type',
    (_name, email, x, others, type) =>
      play(async (harness) => {
        const { rejected } = await write(harness, [aRecord({ email, x }), ...users(others)]);
        expect(Object.keys(rejected)).toEqual(['1']);
        expect(typeOf(harness)).toBe(type);
      }),
  );

  it('a value in a record with a malformed user id does not decide the type', () =>
    play(async (harness) => {
      const of = (userId: string, x: unknown) => aRecord({ userId, x });
      const lines = [of('u'.repeat(53), 'x'), of('ü', 'x'), of('u ', 'x'), of('u0', 5), of('u1', 2.5)];
      const { rejected } = await write(harness, lines, { config: { identify_by: 'user_id' } });
      expect(Object.keys(rejected)).toEqual(['1', '2', '3']);
      expect(typeOf(harness)).toBe('double');
    }));

  it('each of several merged records of a user has to fit', () =>
    play(async (harness) => {
      const of = (x: unknown) => aRecord({ email: 'u0@x.com', x });
      const { rejected } = await write(harness, [of(1), of('text'), of('1.5'), of(2), ...users([3], 1)]);
      expect(Object.keys(rejected)).toEqual(['2', '3']);
      expect(valuesIn(harness)).toEqual({ u0: 2, u1: 3 });
    }));

  it('a fraction in merged records of a user makes it a double', () =>
    play(async (harness) => {
      const of = (x: unknown) => aRecord({ email: 'u0@x.com', x });
      const { rejected } = await write(harness, [of(1), of('1.5'), of(2.5), of(4), ...users([3], 1)]);
      expect(rejected).toEqual({});
      expect(valuesIn(harness)).toEqual({ u0: 4, u1: 3 });
      expect(typeOf(harness)).toBe('double');
    }));

  it.each(['email', 'hybrid'] as const)(
    'applies to users whose address changes, in a project of type %s',
    (projectType) =>
      play(
        async (harness) => {
          harness.addUser({ email: 'old@x.com' });
          const moved = aRecord({ email: 'new@x.com', old: 'old@x.com', x: 1 });
          const misfit = aRecord({ email: 'new@x.com', x: '1.5' });
          const config = { previous_email_column: 'old' };
          const { rejected } = await write(harness, [moved, misfit, ...users([2, '2.5'])], { config });
          expect(Object.keys(rejected)).toEqual(['2', '4']);
          expect(valuesIn(harness)).toEqual({ new: 1, u0: 2 });
        },
        { projectType },
      ),
  );

  it.each(['email', 'hybrid'] as const)(
    'applies to users whose address changes and a fraction, in a project of type %s',
    (projectType) =>
      play(
        async (harness) => {
          harness.addUser({ email: 'old@x.com' });
          const moved = aRecord({ email: 'new@x.com', old: 'old@x.com', x: 1 });
          const config = { previous_email_column: 'old' };
          const { rejected } = await write(harness, [moved, ...users([2, 2.5])], { config });
          expect(rejected).toEqual({});
          expect(valuesIn(harness)).toEqual({ new: 1, u0: 2, u1: 2.5 });
          expect(typeOf(harness)).toBe('double');
        },
        { projectType },
      ),
  );

  it('for a field that another program has created meanwhile, Iterable decides', () =>
    play(
      async (harness) => {
        harness.standin.intercept = ({ path }) =>
          path.endsWith('/getFields') ? { status: 200, body: '{"fields":{}}' } : undefined;
        const { rejected } = await write(harness, users(['5', '2024-02-29', 'text']));
        expect(Object.keys(rejected)).toEqual(['1', '3']);
        expect(rejected[1]).toContain('invalid_data');
        expect(valuesIn(harness)).toEqual({ u1: '2024-02-29 00:00:00 +00:00' });
      },
      { fields: { x: 'date' } },
    ));

  it('a field that Iterable drops because it may not create fields can’t have a wrong type', () =>
    play(async (harness) => {
      const { rejected } = await write(harness, users([1, 'text', { a: 1 }]), {
        config: { create_new_fields: false },
      });
      expect(rejected).toEqual({});
      expect(valuesIn(harness)).toEqual({ u0: undefined, u1: undefined, u2: undefined });
    }));
});

describe('a new field and the ledger', () => {
  it.each<[string, unknown[]]>([
    ['whole numbers', [0, 1, '2']],
    ['whole numbers that become doubles', [0, '1', 1.5, 2 ** 53, '2.5']],
    ['fractions', [1.5, 2, '3.250']],
    ['dates', ['2024-02-29', '2024-03-01T10:00:00+01:00']],
    ['text', ['a', 5, true, { a: 1 }]],
    ['true and false', [true, 'no', 0]],
    [
      'leaves',
      [
        { n: 1, list: [1, 2] },
        { n: 1.5, list: [2.5] },
      ],
    ],
  ])('once the project has the field, unchanged records are not sent again: %s', (_name, values) =>
    withHarness({}, async (harness) => {
      const options = {
        config: { ledger: { type: 'sqlite', path: harness.files.path('ledger.sqlite') } },
        catalog: aCatalog(aStream({ primaryKey: [['email']] })),
      };
      expect((await write(harness, users(values), options)).rejected).toEqual({});
      const before = harness.standin.calls('/bulkUpdate').length;
      const again = await write(harness, users(values), options);
      expect(harness.standin.calls('/bulkUpdate').length).toBe(before);
      expect(again.logs.join('\n')).toContain(`${values.length} unchanged`);
    }),
  );
});

/** A value with the types that it fits, and the type that it gives a new field. Far simpler than the connector. */
interface Sample {
  readonly value: unknown;
  readonly natural: string;
  readonly fits: readonly string[];
}

const SAMPLES: readonly Sample[] = [
  { value: 7, natural: 'long', fits: ['string', 'long', 'double'] },
  { value: 0, natural: 'long', fits: ['string', 'long', 'double', 'boolean'] },
  { value: 2.5, natural: 'double', fits: ['string', 'double'] },
  { value: 'text', natural: 'string', fits: ['string'] },
  { value: '12', natural: 'string', fits: ['string', 'long', 'double'] },
  { value: '1.5', natural: 'string', fits: ['string', 'double'] },
  { value: '2024-02-29', natural: 'date', fits: ['string', 'date'] },
  { value: true, natural: 'boolean', fits: ['string', 'boolean'] },
  { value: { a: 1 }, natural: 'object', fits: ['string', 'object'] },
  { value: '{"a":1}', natural: 'string', fits: ['string', 'object'] },
  { value: null, natural: 'none', fits: ['string', 'long', 'double', 'boolean', 'date', 'object', 'none'] },
];

interface Row {
  readonly email?: string;
  readonly sample: Sample;
}

/** The expected type of the field and the lines of the rejected records, if all are in one batch. */
function expected(rows: readonly Row[]): { type: string | undefined; rejected: number[] } {
  const taken = rows.filter(({ email, sample }) => email !== undefined && sample.natural !== 'none');
  let type = taken[0]?.sample.natural;
  if (type === 'long' && taken.some(({ sample }) => sample.natural === 'double')) type = 'double';
  const rejected = rows.flatMap(({ email, sample }, index) =>
    email === undefined || !sample.fits.includes(type ?? 'none') ? [index + 1] : [],
  );
  return { type, rejected };
}

/** @param people the number of users that the records are for; if there are few, their records are merged */
function someRows(random: () => number, people: number): Row[] {
  const some = SAMPLES.filter(() => random() < 0.5);
  const samples = some.length > 0 ? some : SAMPLES;
  return Array.from({ length: 1 + Math.floor(random() * 12) }, () => ({
    sample: samples[Math.floor(random() * samples.length)] as Sample,
    ...(random() < 0.9 ? { email: `u${Math.floor(random() * people)}@x.com` } : {}),
  }));
}

describe('random values of a new field', () => {
  const play = (seed: number) => {
    const random = seededRandom(31_000 + seed);
    const rows = someRows(random, seed % 3 === 0 ? 3 : 1_000_000);
    const lines = rows.map(({ email, sample: { value: x } }) => aRecord({ email, x }));
    const { type, rejected } = expected(rows);
    return withHarness({ wrongTypeStyle: STYLES[seed % 2] ?? 'lists' }, async (harness) => {
      const planned = await harness.planJsonInProcess([lines.join('')]);
      const result = await write(harness, lines);
      const at = { seed, values: rows.map(({ email, sample }) => [email, sample.value]) };
      expect({ ...at, rejected: Object.keys(result.rejected).map(Number) }).toEqual({ ...at, rejected });
      // With few users, a later record of the same user may clear the field, and then it is not created.
      if (seed % 3 !== 0) expect({ ...at, type: typeOf(harness) }).toEqual({ ...at, type });
      const counts = planned.plan.streams[0]?.rejected ?? {};
      const plannedRejected = Object.values(counts).reduce((sum, count) => sum + count, 0);
      expect({ ...at, plannedRejected }).toEqual({ ...at, plannedRejected: rejected.length });
    });
  };

  it(
    'are rejected as a simple model predicts, also by a dry run',
    () => inParallel(seeds(40, 1_000), play, 4),
    600_000,
  );
});
