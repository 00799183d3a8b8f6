import { describe, expect, it } from '@jest/globals';
import { withHarness } from './support/harness.ts';
import { aCatalog, aRecord, aState, aStatus, aStream, line } from './support/messages.ts';

const ADA = aRecord({ email: 'ada@example.com' });

describe('bad input', () => {
  it('skips noise, naming its line and length only', () =>
    withHarness({}, async (harness) => {
      const result = await harness.write(`hello secret\n${ADA}[1,2]\n\n${aState(1)}`);
      expect(result.exitCode).toBe(0);
      expect(result.logs.filter((log) => log.startsWith('WARN'))).toEqual([
        'WARN Line 1 (12 bytes) is not a message and was skipped.',
        'WARN Line 3 (5 bytes) is not a message and was skipped.',
      ]);
      expect(result.lines.join('\n')).not.toContain('secret');
      expect(harness.standin.store.size).toBe(1);
    }));

  it.each([
    ['broken JSON', '{"type":"RECORD","record":{"stream":"users"\n', 'broken_message'],
    ['a line cut off', '{"type":"RECORD","record":{"stream":"us', 'broken_message'],
    ['no type', '{"record":{}}\n', 'broken_message'],
    [
      'a record without data',
      '{"type":"RECORD","record":{"stream":"users","emitted_at":1}}\n',
      'broken_message',
    ],
    ['a record without stream', '{"type":"RECORD","record":{"data":{},"emitted_at":1}}\n', 'broken_message'],
    ['a state of no known kind', '{"type":"STATE","state":{"type":"ODD"}}\n', 'broken_message'],
  ])('delivers and acknowledges what came before %s, then fails naming the line', (_name, bad, code) =>
    withHarness({}, async (harness) => {
      const result = await harness.writeInProcess(ADA + aState(1) + bad);
      expect(result.exitCode).toBe(1);
      expect(result.errors).toHaveLength(1);
      expect(result.errors[0]).toMatchObject({ failure_type: 'system_error' });
      expect(result.errors[0]?.message).toContain('Line 3');
      expect(JSON.stringify(result.errors)).toContain(code);
      expect(harness.standin.store.size).toBe(1);
      expect(result.states).toHaveLength(1);
    }),
  );

  it('fails for a record of a stream that the catalog lacks, after delivering what came before', () =>
    withHarness({}, async (harness) => {
      const result = await harness.write(
        ADA + aState(1) + aRecord({ email: 'x@example.com' }, { stream: 'orders' }),
      );
      expect(result.exitCode).toBe(1);
      expect(result.errors).toMatchObject([{ failure_type: 'config_error' }]);
      expect(result.errors[0]?.message).toContain('line 3 belongs to stream orders');
      expect(result.states).toHaveLength(1);
      expect(harness.standin.store.size).toBe(1);
    }));

  it('ends as transient when a stream ends INCOMPLETE, with all that arrived delivered', () =>
    withHarness({}, async (harness) => {
      const result = await harness.write(ADA + aState(1) + aStatus('STARTED') + aStatus('INCOMPLETE'));
      expect(result.exitCode).toBe(1);
      expect(result.errors).toMatchObject([{ failure_type: 'transient_error' }]);
      expect(result.states).toHaveLength(1);
      expect(harness.standin.store.size).toBe(1);
    }));

  it('ignores messages that a destination has no use for, and takes explicit nulls as absent', () =>
    withHarness({}, async (harness) => {
      const result = await harness.write(
        line({ type: 'LOG', log: { level: 'INFO', message: 'hi' } }) +
          line({
            type: 'CONTROL',
            control: { type: 'CONNECTOR_CONFIG', emitted_at: 1, connectorConfig: { config: {} } },
          }) +
          line({ type: 'NEWS' }) +
          line({
            type: 'RECORD',
            log: null,
            state: null,
            record: {
              stream: 'users',
              namespace: null,
              meta: null,
              emitted_at: 1.5,
              data: { email: 'eve@example.com' },
            },
          }) +
          line({
            type: 'STATE',
            record: null,
            state: { type: 'LEGACY', stream: null, global: null, data: { at: 1 }, destinationStats: null },
          }),
        {
          catalog: aCatalog({
            ...aStream(),
            generation_id: null,
            minimum_generation_id: null,
            primary_key: null,
          } as never),
        },
      );
      expect(result.errors).toEqual([]);
      expect(result.exitCode).toBe(0);
      expect(harness.standin.store.userByEmail('eve@example.com')).toBeDefined();
      expect(result.states).toEqual([
        '{"type":"STATE","record":null,"state":{"type":"LEGACY","stream":null,"global":null,"data":{"at":1},"destinationStats":{"recordCount":1.0}}}',
      ]);
    }));

  it('reads CRLF lines, a byte order mark, and characters cut between chunks', () =>
    withHarness({}, async (harness) => {
      const bytes = Buffer.from(
        `\uFEFF${aRecord({ email: 'ada@example.com', name: 'Ünïcode 🎉' }).trim()}\r\n${aState(1).trim()}\r\n`,
      );
      const result = await harness.write([...bytes].map((byte) => Buffer.from([byte])));
      expect(result.exitCode).toBe(0);
      expect(harness.standin.store.userByEmail('ada@example.com')?.dataFields).toEqual({
        name: 'Ünïcode 🎉',
      });
      expect(result.states).toHaveLength(1);
    }));

  it('gives GLOBAL states and states of unknown streams back as they were written', () =>
    withHarness({}, async (harness) => {
      const global =
        '{"type":"STATE","state":{"type":"GLOBAL","id":3,"odd":5.0,"global":{"shared_state":{"lsn":9007199254740993},"stream_states":[{"stream_descriptor":{"name":"elsewhere"},"stream_state":null}]}}}';
      const result = await harness.write(`${ADA}${global}\n`);
      expect(result.states).toEqual([`${global.slice(0, -2)},"destinationStats":{"recordCount":1.0}}}`]);
    }));
});
