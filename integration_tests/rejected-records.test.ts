import { readFileSync, statSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { withHarness, type Harness } from './support/harness.ts';
import { aRecord, aState } from './support/messages.ts';

const option = (harness: Harness) => ({
  rejected_records: { type: 'file', path: harness.files.path('rejected.jsonl') },
});
const stored = (harness: Harness) => readFileSync(harness.files.path('rejected.jsonl'), 'utf8');

describe('rejected_records', () => {
  it('holds every rejected record, with its original text, before the state that covers it is returned', () =>
    withHarness({ fields: { age: 'long' } }, async (harness) => {
      harness.addUser({ email: 'owner@x.com' }, { userId: '7' });
      harness.standin.store.forgotten.add('gone@x.com');
      const atState: string[] = [];
      const result = await harness.write(
        '{"type":"RECORD","record":{"stream":"users","emitted_at":1700000000000,"data":{"email":"a@x.com","age":"old","id":9007199254740993}}}\n' +
          aRecord({ email: 'b@x.com' }) +
          aRecord({ email: 'gone@x.com' }) +
          aRecord({ email: 'thief@x.com', userId: '7' }) +
          aState(1),
        {
          config: option(harness),
          onLine: (text) => {
            if (text.includes('"STATE"')) atState.push(stored(harness));
          },
        },
      );
      expect(result.exitCode).toBe(0);
      expect(result.states[0]).toContain('"recordCount":1.0,"rejectedRecordCount":3.0');
      expect(atState).toEqual([
        '{"stream":"users","emitted_at":1700000000000,"line":1,"code":"wrong_type","field":"age","reason":"expected a whole number of at most 64 bits, found other text","data":{"email":"a@x.com","age":"old","id":9007199254740993}}\n' +
          '{"stream":"users","emitted_at":1790000000000,"line":3,"code":"forgotten","reason":"the person was erased under GDPR and can never be written again","answer":"forgottenEmails: gone@x.com","data":{"email":"gone@x.com"}}\n' +
          '{"stream":"users","emitted_at":1790000000000,"line":4,"code":"conflict","field":"userId","reason":"another user of the project has this address or user id already","answer":"conflictUserIds: 7","data":{"email":"thief@x.com","userId":"7"}}\n',
      ]);
      expect(statSync(harness.files.path('rejected.jsonl')).mode & 0o777).toBe(0o600);
    }));

  it('also holds records without a state, and records that are too large or nested too deeply', () =>
    withHarness({}, async (harness) => {
      const deep = `${'['.repeat(50_000)}${']'.repeat(50_000)}`;
      const result = await harness.write(
        aRecord({ email: 'a@x.com', text: 'x'.repeat(4_100_000) }) +
          `{"type":"RECORD","record":{"stream":"users","namespace":null,"emitted_at":1,"data":{"email":"b@x.com","deep":${deep}}}}\n` +
          aRecord({ email: 'c@x.com' }),
        { config: option(harness) },
      );
      expect(result.exitCode).toBe(0);
      const codes = [...stored(harness).matchAll(/"code":"(\w+)"/g)].map(([, code]) => code);
      expect(codes).toEqual(['too_large', 'wrong_type']);
      expect(stored(harness)).toContain(deep);
    }));

  it('that can’t be written makes check fail, and write before anything is sent', () =>
    withHarness({}, async (harness) => {
      const config = { rejected_records: { type: 'file', path: '/no/such/folder/r.jsonl' } };
      const check = await harness.check(config);
      expect(check.messages.at(-1)?.connectionStatus).toMatchObject({
        status: 'FAILED',
        message: expect.stringContaining("rejected_records.path: can't write /no/such/folder/r.jsonl"),
      });
      const result = await harness.write(aRecord({ email: 'a@x.com' }), { config });
      expect(result.errors).toMatchObject([{ failure_type: 'config_error' }]);
      expect(harness.standin.calls('/bulkUpdate')).toEqual([]);
    }));

  it('on a full disk makes the sync fail, and the state is not returned', () =>
    withHarness({}, async (harness) => {
      const result = await harness.write(aRecord({ name: 'nobody' }) + aState(1), {
        config: { rejected_records: { type: 'file', path: '/dev/full' } },
      });
      expect(result.states).toEqual([]);
      expect(result.errors).toMatchObject([
        { failure_type: 'config_error', message: expect.stringContaining('ENOSPC') },
      ]);
      expect(result.exitCode).toBe(1);
    }));

  it.each([
    [{ type: 'tape' }, 'rejected_records.type: must be one of none, file, s3'],
    [{ type: 'file' }, 'rejected_records.path: is required'],
    [{ path: 'x' }, 'rejected_records.type: is required'],
    ['none', 'rejected_records: must be of type object'],
  ])('given as %j is a configuration error', (rejected_records, problem) =>
    withHarness({}, async (harness) => {
      const result = await harness.checkInProcess({ rejected_records });
      expect(result.messages.at(-1)?.connectionStatus?.message).toBe(problem);
    }),
  );
});

describe('max_rejected_percent', () => {
  const records = (count: number, isBad: (index: number) => boolean) =>
    Array.from({ length: count }, (_, index) =>
      aRecord(isBad(index) ? { n: index } : { email: `u${index}@x.com`, n: index }),
    );

  it('fails a sync at its end, with everything delivered and acknowledged', () =>
    withHarness({}, async (harness) => {
      const result = await harness.write([...records(100, (index) => index < 6), aState(1)], {
        config: { max_rejected_percent: 5 },
      });
      expect(result.errors).toMatchObject([
        {
          failure_type: 'config_error',
          message: expect.stringContaining('6 of 100 records of stream users were rejected (6.0 %)'),
        },
      ]);
      expect([result.exitCode, result.states.length, harness.standin.store.size]).toEqual([1, 1, 94]);
    }));

  it('stops a long sync after 10,000 records, and accepts exactly the maximum share', () =>
    withHarness({}, async (harness) => {
      const lines = records(30_000, (index) => index % 2 === 0);
      const result = await harness.write([...lines, aState(1)], { config: { max_rejected_percent: 49 } });
      expect(result.exitCode).toBe(1);
      expect(result.states).toEqual([]);
      expect(harness.standin.store.size).toBeLessThan(15_000);
      const other = await harness.write([...records(20, (index) => index % 2 === 0), aState(1)], {
        config: { max_rejected_percent: 50 },
      });
      expect(other.exitCode).toBe(0);
    }));
});

describe('secrets and values', () => {
  it('are never printed, whatever goes wrong', () =>
    withHarness({ fields: { age: 'long' }, apiKey: 'k/e+y"1234567890' }, async (harness) => {
      const secret = 'secret-value';
      const quoting = (status: number, code: string) => ({
        status,
        body: JSON.stringify({
          code,
          msg: `${secret}@x.com and k/e+y"1234567890`,
          params: { email: secret },
        }),
      });
      const runs = [
        { input: aRecord({ email: `${secret}@x.com`, age: secret }) },
        {
          input: aRecord({ email: `${secret}@x.com`, [secret]: { __proto__: 1 } }),
          fault: quoting(400, 'GenericError'),
        },
        { input: aRecord({ email: `${secret}@x.com` }), fault: quoting(401, 'BadApiKey') },
        { input: aRecord({ email: `${secret}@x.com` }), fault: quoting(503, 'GenericError') },
        {
          input: aRecord({ email: `${secret}@x.com`, _ab_cdc_deleted_at: 1 }),
          fault: quoting(400, 'BadParams'),
        },
        { input: aRecord({ email: `${secret}@x.com`, _ab_cdc_deleted_at: 1 }), fault: { reset: true } },
        { input: aRecord({ email: `${secret}@x.com` }, { stream: 'elsewhere' }) },
        { input: `{"type":"RECORD","record":{"data":"${secret}"}}\n` },
        { input: `{"type":"RECORD","record":"${secret}` },
        { input: `${secret} is no message\n` },
      ];
      for (const { input, fault } of runs) {
        harness.standin.intercept = ({ path }) => (path.endsWith('/getFields') ? undefined : fault);
        const result = await harness.write(input, { config: { retry_minutes: 0.005 } });
        const printed = `${result.lines.join('\n')}${result.stderr}`;
        expect(printed).not.toContain(secret);
        expect(printed).not.toContain('1234567890');
      }
      harness.standin.intercept = () => quoting(403, 'Forbidden');
      const check = await harness.check();
      expect(check.lines.join('')).not.toContain('1234567890');
      expect(check.lines.join('')).not.toContain(secret);
    }));

  it('are encoded in URL paths', () =>
    withHarness({}, async (harness) => {
      const addresses = ['a+b@x.com', 'a/../b@x.com', 'a%2fb@x.com', 'a?b@x.com', 'a#b@x.com', 'é@x.com'];
      for (const email of [...addresses, 'ab@x.com']) harness.addUser({ email });
      const lines = addresses.map((email) => aRecord({ email, _ab_cdc_deleted_at: '2026-01-01' }));
      const result = await harness.write(lines);
      expect(result.exitCode).toBe(0);
      expect(harness.standin.store.users().map(({ email }) => email)).toEqual(['ab@x.com']);
    }));

  it('with names such as __proto__ and constructor are plain data', () =>
    withHarness({}, async (harness) => {
      const data = '{"email":"a@x.com","__proto__":{"polluted":1},"constructor":{"prototype":{"x":1}}}';
      const result = await harness.write(
        `{"type":"RECORD","record":{"stream":"users","emitted_at":1,"data":${data}}}\n` + aState(1),
      );
      expect(result.exitCode).toBe(0);
      expect(JSON.stringify(harness.standin.store.users()[0]?.dataFields)).toBe(
        '{"__proto__":{"polluted":1},"constructor":{"prototype":{"x":1}}}',
      );
    }));

  it('are not sent to another host by a redirect', () =>
    withHarness({}, async (harness) => {
      harness.standin.intercept = () => ({
        status: 307,
        headers: { Location: `${harness.standin.url}/stolen` },
      });
      const result = await harness.write(aRecord({ email: 'a@x.com' }));
      expect(result.errors).toMatchObject([{ failure_type: 'config_error' }]);
      expect(harness.standin.requests).toHaveLength(1);
    }));
});
