/** Each STATE is returned once, verbatim, in order, and not before its records are delivered. */
import { describe, expect, it } from '@jest/globals';
import { withHarness } from './support/harness.ts';
import { aCatalog, aRecord, aState, aStatus, aStream, line } from './support/messages.ts';
import { userLines } from './support/with-users.ts';

const TWO_STREAMS = aCatalog(aStream({ name: 'a' }), aStream({ name: 'b' }));

interface StateLine {
  readonly state: {
    readonly type?: string;
    readonly stream?: {
      readonly stream_descriptor: { readonly name: string };
      readonly stream_state?: unknown;
    };
    readonly destinationStats: { readonly recordCount: number; readonly rejectedRecordCount?: number };
  };
}

const parsed = (states: readonly string[]) => states.map((state) => (JSON.parse(state) as StateLine).state);

describe('checkpoints', () => {
  it('a state waits only for its own stream: a stream with delayed calls does not delay other streams', () =>
    withHarness({ projectType: 'hybrid' }, async (harness) => {
      // Calls with users of stream b fail for a while; those of stream a don't.
      let refusals = 2;
      harness.standin.intercept = ({ path }) =>
        path.endsWith('/bulkUpdate') && harness.standin.lastBody.includes('@b.com') && refusals-- > 0
          ? { status: 503 }
          : undefined;
      const result = await harness.write(
        [
          aRecord({ email: '1@b.com' }, { stream: 'b' }),
          aState(1, 'b'),
          aRecord({ email: '1@a.com' }, { stream: 'a' }),
          aState(1, 'a'),
          aRecord({ email: '2@b.com' }, { stream: 'b' }),
          aState(2, 'b'),
        ],
        { catalog: TWO_STREAMS, config: { batch_size: 1 } },
      );
      expect(parsed(result.states).map(({ stream }) => stream?.stream_descriptor.name)).toEqual([
        'a',
        'b',
        'b',
      ]);
    }));

  it.each([
    ['GLOBAL', { type: 'GLOBAL', global: { shared_state: {}, stream_states: [] } }],
    ['LEGACY', { type: 'LEGACY', data: {} }],
    ['LEGACY, as it has no type', { data: {} }],
  ])('a state of type %s waits for all streams, and counts the records of all', (_name, state) =>
    withHarness({}, async (harness) => {
      const result = await harness.writeInProcess(
        [
          aRecord({ email: '1@a.com' }, { stream: 'a' }),
          aRecord({ email: '1@b.com' }, { stream: 'b' }),
          line({ type: 'STATE', state }),
          aRecord({ name: 'nobody' }, { stream: 'b' }),
          line({ type: 'STATE', state }),
          line({ type: 'STATE', state }),
        ],
        { catalog: TWO_STREAMS },
      );
      expect(parsed(result.states).map(({ destinationStats }) => destinationStats)).toEqual([
        { recordCount: 2 },
        { recordCount: 0, rejectedRecordCount: 1 },
        { recordCount: 0 },
      ]);
    }),
  );

  it('that cover no records, or are repeated, null, empty or of an unknown stream are returned like any other', () =>
    withHarness({}, async (harness) => {
      const of = (name: string, rest: object) =>
        line({ type: 'STATE', state: { type: 'STREAM', stream: { stream_descriptor: { name }, ...rest } } });
      const states = [
        of('users', { stream_state: { cursor: 1 } }),
        of('users', { stream_state: { cursor: 1 } }),
        of('users', { stream_state: null }),
        of('users', { stream_state: {} }),
        of('users', {}),
        of('elsewhere', { stream_state: { x: 1 } }),
      ];
      const result = await harness.writeInProcess([
        states[0] ?? '',
        aRecord({ email: 'a@x.com' }),
        ...states.slice(1),
      ]);
      expect(result.states.map((state) => state.replace(/,"destinationStats":\{[^}]*\}/, ''))).toEqual(
        states.map((state) => state.trim()),
      );
      expect(parsed(result.states).map(({ destinationStats }) => destinationStats.recordCount)).toEqual([
        0, 1, 0, 0, 0, 0,
      ]);
    }));

  it('keep unknown properties, the platform’s integer id and all digits of numbers', () =>
    withHarness({}, async (harness) => {
      const text =
        '{"type":"STATE","state":{"type":"STREAM","id":3,"sourceStats":{"recordCount":1.0},"stream":{"stream_descriptor":{"name":"users","odd":[1.50]},"stream_state":{"lsn":9007199254740993,"x":5.0}}},"more":{"a":1E2}}';
      const result = await harness.writeInProcess([aRecord({ email: 'a@x.com' }), `${text}\n`]);
      expect(result.states).toEqual([
        text.replace('}},"more"', '},"destinationStats":{"recordCount":1.0}},"more"'),
      ]);
    }));

  it('are returned while input still arrives, not only at its end', () =>
    withHarness({}, async (harness) => {
      let close: () => void = () => undefined;
      const first = new Promise<void>((resolve) => (close = resolve));
      async function* input() {
        yield [...userLines(1000), aState(1)].join('');
        // The input ends only after the state was returned.
        await first;
        yield aRecord({ email: 'last@x.com' }) + aState(2);
      }
      const result = await harness.write(input(), {
        onLine: (text) => {
          if (text.includes('"cursor":1}')) close();
        },
      });
      expect(result.states).toHaveLength(2);
    }));

  it('are the same with and without a COMPLETE status after the last record and state', () =>
    withHarness({}, async (harness) => {
      for (const ending of [aStatus('COMPLETE'), '']) {
        const result = await harness.writeInProcess(aRecord({ email: 'a@x.com' }) + aState(1) + ending);
        expect([result.exitCode, result.states.length, harness.standin.store.size]).toEqual([0, 1, 1]);
      }
    }));

  it('are still returned for records that are delivered when a failure stops the sync', () =>
    withHarness({ latencyMs: 100 }, async (harness) => {
      harness.standin.intercept = ({ path }) =>
        path.endsWith('/bulkUpdate') && harness.standin.lastBody.includes('"user1500@')
          ? { status: 401, body: '{"code":"BadApiKey","msg":"revoked","params":null}' }
          : undefined;
      const result = await harness.write(userLines(2000, 500));
      expect(result.errors).toMatchObject([{ failure_type: 'config_error' }]);
      expect(parsed(result.states).map(({ stream }) => stream?.stream_state)).toEqual([
        { cursor: 500 },
        { cursor: 1000 },
      ]);
    }));
});

describe('input that is cut off in the middle of a line', () => {
  it('is delivered and acknowledged up to that line, and then the sync fails with its number', () =>
    withHarness({}, async (harness) => {
      const result = await harness.write(
        aRecord({ email: 'a@x.com' }) + aState(1) + aRecord({ email: 'b@x.com' }).slice(0, 40),
      );
      expect(result.states).toHaveLength(1);
      expect(harness.standin.store.size).toBe(1);
      expect(result.exitCode).toBe(1);
      expect(result.errors[0]?.message).toMatch(/^Line 3 of the input .* seems cut off in mid-line\.$/);
    }));
});

describe('back-pressure', () => {
  it(
    'stdin is not read while Iterable accepts no calls, and is read again when it does',
    () =>
      withHarness({}, async (harness) => {
        let given = 0;
        let givenWhileStuck = 0;
        harness.standin.intercept = ({ path }) => {
          if (!path.endsWith('/bulkUpdate') || harness.standin.calls('/bulkUpdate').length > 10)
            return undefined;
          givenWhileStuck = given;
          return { status: 429, headers: { 'Retry-After': '1' } };
        };
        function* input() {
          for (const text of userLines(60_000, 5000, () => ({ text: 'x'.repeat(1000) }))) {
            given++;
            yield text;
          }
        }
        const result = await harness.write(input());
        expect(result.states).toHaveLength(12);
        expect(harness.standin.store.size).toBe(60_000);
        // At most 12 batches are pending; pipes and buffers hold some more records.
        expect(givenWhileStuck).toBeLessThan(16_000);
      }),
    60_000,
  );

  it('a line of 20 MB is delivered if little of it is mapped, and rejected if the user is too large', () =>
    withHarness({}, async (harness) => {
      const input = aRecord({ email: 'a@x.com', text: 'x'.repeat(20_000_000) }) + aState(1);
      const mapped = await harness.write(input, {
        config: { mappings: [{ source: 'email', target: 'email' }] },
      });
      expect(mapped.states[0]).toContain('{"recordCount":1.0}');
      const whole = await harness.write(input);
      expect(whole.states[0]).toContain('"rejectedRecordCount":1.0');
    }));

  it('are returned to a client that reads no output before it has written all of its input', () =>
    withHarness({ projectType: 'hybrid' }, async (harness) => {
      const lines = Array.from({ length: 8_000 }, (_, index) => [
        aRecord({ email: `${index}@example.com`, note: 'x'.repeat(200) }),
        ...(index % 10 === 0 ? [aState({ index, padding: 'y'.repeat(1_000) })] : []),
      ]).flat();
      const result = await harness.write(lines, {
        deadlineMs: 30_000,
        onSpawn: ({ stdin, stdout }) => {
          stdout.pause();
          stdin.on('finish', () => stdout.resume());
        },
      });
      expect(result.exitCode).toBe(0);
      expect(result.states).toHaveLength(800);
    }));
});
