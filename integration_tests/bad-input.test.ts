import { gzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { withHarness } from './support/harness.ts';
import { aCatalog, aRecord, aState, aStatus, aStream, line } from './support/messages.ts';

const ADA = aRecord({ email: 'ada@example.com' });

describe('bad input', () => {
  it('skips lines that are not messages, and logs only their number and length', () =>
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
    ['a state of an unknown type', '{"type":"STATE","state":{"type":"ODD"}}\n', 'broken_message'],
  ])('delivers and acknowledges everything before %s, then fails with the line number', (_name, bad, code) =>
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

  it('fails on a record of a stream that is not in the catalog, after delivering everything before it', () =>
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

  it('fails with a transient_error when a stream ends INCOMPLETE, after delivering all its records', () =>
    withHarness({}, async (harness) => {
      const result = await harness.write(ADA + aState(1) + aStatus('STARTED') + aStatus('INCOMPLETE'));
      expect(result.exitCode).toBe(1);
      expect(result.errors).toMatchObject([{ failure_type: 'transient_error' }]);
      expect(result.states).toHaveLength(1);
      expect(harness.standin.store.size).toBe(1);
    }));

  it('ignores messages that don’t concern a destination, and treats explicit nulls as absent', () =>
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

  it('returns GLOBAL states and states of unknown streams verbatim', () =>
    withHarness({}, async (harness) => {
      const global =
        '{"type":"STATE","state":{"type":"GLOBAL","id":3,"odd":5.0,"global":{"shared_state":{"lsn":9007199254740993},"stream_states":[{"stream_descriptor":{"name":"elsewhere"},"stream_state":null}]}}}';
      const result = await harness.write(`${ADA}${global}\n`);
      expect(result.states).toEqual([`${global.slice(0, -2)},"destinationStats":{"recordCount":1.0}}}`]);
    }));

  const secret = { email: 'secret@example.com', name: 'Secret' };
  const rows = `${JSON.stringify(secret)}\n${JSON.stringify(secret)}\n`;
  const messages = aRecord(secret) + aState(1);

  it.each<[string, string | Buffer, RegExp]>([
    [
      'a record whose type is in lower case',
      messages.replace('"RECORD"', '"record"'),
      /^Line 1 of the input \(\d+ bytes\) has a type that must be written RECORD, in capitals/,
    ],
    [
      'UTF-16 text with a byte order mark',
      Buffer.from(`\uFEFF${messages}`, 'utf16le'),
      /^The input is UTF-16 text\./,
    ],
    [
      'UTF-16 text without a byte order mark',
      Buffer.from(messages, 'utf16le').swap16(),
      /^The input is UTF-16 text\./,
    ],
    ['compressed messages', gzipSync(messages), /^The input is compressed with gzip\./],
    [
      'bare rows',
      rows + aState(1),
      /^Line 1 of the input \(46 bytes\) is a bare JSON row, not an Airbyte message; wrap each row: \{"type":"RECORD"/,
    ],
    [
      'rows with a column type',
      `{"type":"customer","email":"secret@example.com"}\n${aState(1)}`,
      /^The input has states but no record, and a line looks like a record that can't be read: line 1 \(48 bytes\) is a JSON object whose type/,
    ],
    [
      'a JSON array in one line',
      `[${JSON.stringify(secret)}]`,
      /^The only line of the input, line 1 \(48 bytes\), is no Airbyte message; it begins like a JSON array\./,
    ],
    [
      'a JSON array of messages, one per line',
      `[\n${messages.trim().replaceAll('\n', ',\n')}\n]\n`,
      /^Line 2 of the input .* is not valid JSON\. It looks like an element of a JSON array/,
    ],
    [
      'messages spread over several lines',
      JSON.stringify(JSON.parse(aRecord(secret)), null, 2),
      /^Line 1 of the input .* spread over several lines/,
    ],
    [
      'CSV',
      'email,name\nsecret@example.com,Secret\n',
      /^None of the 2 lines of the input is an Airbyte message; the first, line 1 \(10 bytes\), begins like CSV\./,
    ],
    [
      'records behind a prefix, and states without it',
      `users | ${messages}`,
      /^The input has states but no record, and a line looks like a record that can't be read: line 1 /,
    ],
  ])('says what the input looks like: %s', (_name, input, message) =>
    withHarness({}, async (harness) => {
      const result = await harness.write([input]);
      expect([result.exitCode, result.states, harness.standin.store.size]).toEqual([1, [], 0]);
      expect(result.errors).toHaveLength(1);
      expect(result.errors[0]?.message).toMatch(message);
      expect(result.lines.join('\n')).not.toMatch(/secret/i);
    }),
  );

  it.each([
    ['a state and a stray line', `starting secret\n${aState(1)}`],
    ['a state and a message of a future type', `{"type":"NEWS","news":{}}\n${aState(1)}`],
    ['a damaged line before records', `users | ${ADA}${ADA}${aState(1)}`],
    ['a damaged line after the state', `${aState(1)}users | ${ADA}`],
  ])('returns the state for %s', (name, input) =>
    withHarness({}, async (harness) => {
      const result = await harness.write(input);
      // Failing loses nothing: the input after the last state was never acknowledged.
      expect(result.exitCode).toBe(name.endsWith('after the state') ? 1 : 0);
      expect(result.states).toHaveLength(1);
    }),
  );
});
