import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { withHarness } from './support/harness.ts';
import { aCatalog, aRecord, aState, aStream } from './support/messages.ts';
import { userLines } from './support/with-users.ts';

describe('rejections', () => {
  it('rejects records that can’t be mapped, with a reason that does not contain the value, and delivers the others', () =>
    withHarness({ fields: { age: 'long', born: 'date' } }, async (harness) => {
      const result = await harness.write(
        aRecord({ email: 'a@x.com', age: 'thirty-secret' }) +
          aRecord({ email: 'b@x.com', born: '2023-02-30' }) +
          aRecord({ email: '  ' }) +
          aRecord({ email: 'c@x.com', age: '30' }) +
          aState(1),
      );
      expect(result.exitCode).toBe(0);
      expect(harness.standin.store.users()).toEqual([{ email: 'c@x.com', dataFields: { age: 30 } }]);
      expect(result.states[0]).toContain('"destinationStats":{"recordCount":1.0,"rejectedRecordCount":3.0}');
      expect(result.logs.filter((log) => log.startsWith('WARN'))).toEqual([
        'WARN Rejected the record in line 1 (stream users): wrong_type, field age: expected a whole number of at most 64 bits, found other text.',
        'WARN Rejected the record in line 2 (stream users): wrong_type, field born: expected a date (yyyy-MM-dd, with or without a time), found other text.',
        'WARN Rejected the record in line 3 (stream users): missing_identifier, field email: the column email holds no email, which identifies users.',
      ]);
      expect(result.lines.join('')).not.toContain('thirty-secret');
    }));

  it('reads from the answer which users were not delivered, since a 200 alone does not say so', () =>
    withHarness({}, async (harness) => {
      harness.standin.store.forgotten.add('gone@x.com');
      const result = await harness.writeInProcess(
        aRecord({ email: '000' }) +
          aRecord({ email: 'gone@x.com' }) +
          aRecord({ email: 'a@x.com', userId: 'x'.repeat(53) }) +
          aRecord({ email: 'b@x.com' }) +
          aState(1),
      );
      expect(harness.standin.store.users().map(({ email }) => email)).toEqual(['b@x.com']);
      expect(result.states[0]).toContain('"recordCount":1.0,"rejectedRecordCount":3.0');
      expect(
        result.logs.some((log) =>
          log.includes('3 rejected (invalid_email 1, forgotten 1, invalid_user_id 1)'),
        ),
      ).toBe(true);
      expect(harness.standin.calls('/bulkUpdate').length).toBe(1);
    }));

  it('assigns a conflict that names the existing user to the record that caused it', () =>
    withHarness({}, async (harness) => {
      await harness.writeInProcess(aRecord({ email: 'owner@x.com', userId: '7' }));
      const result = await harness.writeInProcess(
        aRecord({ email: 'thief@x.com', userId: '7' }) +
          aRecord({ email: 'other@x.com', userId: '8' }) +
          aState(1),
      );
      expect(
        result.logs.some((log) => log.includes('Rejected the record in line 1 (stream users): conflict')),
      ).toBe(true);
      expect(harness.standin.store.users().map(({ email }) => email)).toEqual(['owner@x.com', 'other@x.com']);
    }));

  it.each(['lists', 'whole'] as const)(
    'finds the one wrong type among 1,000 (%s), and delivers 999 in bulk',
    (wrongTypeStyle) =>
      withHarness({ wrongTypeStyle, fields: { since: 'date' } }, async (harness) => {
        // A field that another program creates after the run has begun, so the connector can't know its type.
        harness.standin.intercept = ({ path }) =>
          path.endsWith('/getFields') ? { status: 200, body: '{"fields":{"email":"string"}}' } : undefined;
        const mappings = [
          { source: 'email', target: 'email' },
          { source: 'since', target: 'since', type: 'string' },
        ];
        const lines = [
          ...userLines(1000, Infinity, (index) => ({ since: index === 637 ? 'ever' : '2024-02-29' })),
        ];
        // As a child process: in this one, where waits are shortened, a busy machine would send the batch before it is full.
        const result = await harness.write([...lines, aState(1)], { config: { mappings } });
        expect(result.states[0]).toContain('"recordCount":999.0,"rejectedRecordCount":1.0');
        expect(
          result.logs.some((log) =>
            log.includes('Rejected the record in line 638 (stream users): invalid_data'),
          ),
        ).toBe(true);
        expect(harness.standin.store.size).toBe(999);
        expect(harness.standin.calls('/bulkUpdate').length).toBe(wrongTypeStyle === 'lists' ? 1 : 2);
      }),
  );

  it('retries the merged records of a refused user one by one, in order', () =>
    withHarness({ fields: { since: 'date' } }, async (harness) => {
      harness.standin.intercept = ({ path }) =>
        path.endsWith('/getFields') ? { status: 200, body: '{"fields":{}}' } : undefined;
      const mappings = [
        { source: 'email', target: 'email' },
        { source: 'n', target: 'n' },
        { source: 'since', target: 'since', type: 'string' },
      ];
      const result = await harness.writeInProcess(
        aRecord({ email: 'a@x.com', since: '2024-02-29', n: 1 }) +
          aRecord({ email: 'a@x.com', since: 'ever' }) +
          aRecord({ email: 'a@x.com', n: 3 }) +
          aState(1),
        { config: { mappings } },
      );
      expect(harness.standin.store.users()).toEqual([
        { email: 'a@x.com', dataFields: { since: '2024-02-29 00:00:00 +00:00', n: 3 } },
      ]);
      expect(result.states[0]).toContain('"recordCount":2.0,"rejectedRecordCount":1.0');
      expect(result.logs.some((log) => log.includes('Rejected the record in line 2'))).toBe(true);
    }));

  it('finds the user of a failure that Iterable counts without naming the user', () =>
    withHarness({}, async (harness) => {
      harness.standin.intercept = ({ path, users }) => {
        if (!path.endsWith('/bulkUpdate')) return undefined;
        const isGuilty = harness.standin.lastBody.includes('guilty@x.com');
        return isGuilty
          ? {
              status: 200,
              body: JSON.stringify({ successCount: users - 1, failCount: 1 }),
              afterApplying: users > 1,
            }
          : undefined;
      };
      const lines = [...userLines(63), aRecord({ email: 'guilty@x.com' }), aState(1)];
      const result = await harness.writeInProcess(lines);
      expect(result.states[0]).toContain('"recordCount":63.0,"rejectedRecordCount":1.0');
      expect(
        result.logs.some((log) => log.includes('Rejected the record in line 64 (stream users): unexplained')),
      ).toBe(true);
      expect(harness.standin.calls('/bulkUpdate').length).toBeLessThanOrEqual(9);
    }));

  it.each(['none', 'sqlite'])('rejects a value that is nested too deeply to be written, ledger %s', (type) =>
    withHarness({}, async (harness) => {
      const config = { ledger: { type, path: harness.files.path('ledger.sqlite') } };
      const depth = 50_000;
      const deep = `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;
      const record = `{"type":"RECORD","record":{"stream":"users","emitted_at":1,"data":{"email":"a@x.com","deep":${deep}}}}\n`;
      const input = record + aRecord({ email: 'b@x.com', deep: 1 }) + aState(1);
      for (const primaryKey of [[['email']], [['deep']]]) {
        const catalog = aCatalog(aStream({ primaryKey }));
        const result = await harness.writeInProcess(input, { config, catalog });
        expect(result.errors).toEqual([]);
        expect(result.states[0]).toContain('"recordCount":1.0,"rejectedRecordCount":1.0');
        expect(harness.standin.store.users().map(({ email }) => email)).toEqual(['b@x.com']);
      }
    }),
  );

  it('rejects a user over 4 MB without a call', () =>
    withHarness({}, async (harness) => {
      const result = await harness.writeInProcess(
        aRecord({ email: 'a@x.com', text: 'x'.repeat(4_000_001) }) + aState(1),
      );
      expect(result.logs.some((log) => log.includes('too_large'))).toBe(true);
      expect(harness.standin.calls('/bulkUpdate')).toEqual([]);
      expect(result.states).toHaveLength(1);
    }));

  it('rejects deletions whose ids can’t be put into a URL path, and makes the others', () =>
    withHarness({ projectType: 'user_id' }, async (harness) => {
      for (const userId of ['.', '..', 'a']) harness.addUser({ userId });
      const gone = { _ab_cdc_deleted_at: '2026-01-01' };
      const result = await harness.writeInProcess([
        ...['.', '..', '\ud800', 'x'.repeat(20_000), 'a', '...'].map((userId) =>
          aRecord({ userId, ...gone }),
        ),
        aState(1),
      ]);
      expect(result.errors).toEqual([]);
      expect(result.states[0]).toContain('"recordCount":2.0,"rejectedRecordCount":4.0');
      expect(result.logs.join('\n')).toContain(
        '1 removed, 1 deleted but not in Iterable, 0 superseded by a later deletion, 4 rejected (invalid_user_id 4)',
      );
      expect(harness.standin.store.users().map(({ userId }) => userId)).toEqual(['.', '..']);
    }));

  it('fails when every record of a stream of 10 or more was rejected, after returning the state', () =>
    withHarness({}, async (harness) => {
      const result = await harness.writeInProcess(
        Array.from({ length: 10 }, () => aRecord({ name: 'nobody' })).join('') + aState(1),
      );
      expect(result.states).toHaveLength(1);
      expect(result.exitCode).toBe(1);
      expect(result.errors).toMatchObject([{ failure_type: 'config_error' }]);
    }));

  it('fails when every record of the sync was rejected, however few; suggests the likely column, and stores the records', () =>
    withHarness({}, async (harness) => {
      const path = harness.files.path('rejected.jsonl');
      const result = await harness.write(
        [aRecord({ EMAIL: 'secret@x.com', NAME: 'Secret' }), aRecord({ EMAIL: 'b@x.com' }), aState(1)],
        { config: { rejected_records: { type: 'file', path } } },
      );
      expect([result.exitCode, result.states.length]).toEqual([1, 1]);
      expect(result.errors).toEqual([
        {
          failure_type: 'config_error',
          internal_message: 'all_rejected',
          message:
            'Every record of stream users was rejected: it has no column email, which identifies users (identify_by). Its columns are EMAIL, NAME. ' +
            'Map the likely one: {"source":"EMAIL","target":"email"}. Without any mapping every column goes to the field of its own name; once there is one, only mapped columns go, so map the others, too.',
        },
      ]);
      expect(readFileSync(path, 'utf8').trim().split('\n')).toHaveLength(2);
      expect(result.lines.join('')).not.toMatch(/secret/i);
    }));

  it('names the mapping whose column does not exist, also in a dry run', () =>
    withHarness({}, async (harness) => {
      const config = {
        identify_by: 'user_id',
        mappings: [
          { source: 'name', target: 'firstName' },
          { source: 'user_id', target: 'userId' },
        ],
      };
      const message =
        'Every record of stream users was rejected: it has no column user_id, which mappings[1].source maps to userId and which identifies users (identify_by). ' +
        'Its columns are USERID, name. The nearest is USERID.';
      const input = [aRecord({ USERID: 'u1', name: 'A' }), aState(1)];
      expect((await harness.writeInProcess(input, { config })).errors).toMatchObject([{ message }]);
      expect((await harness.planJsonInProcess(input, { config })).plan.failure).toMatchObject({
        code: 'all_rejected',
        message,
      });
    }));

  it('succeeds if a record is skipped, or if there are no records', () =>
    withHarness({}, async (harness) => {
      const config = { sync_mode: 'additive' };
      const gone = aRecord({ email: 'a@x.com', _ab_cdc_deleted_at: '2026-01-01' });
      const results = [
        await harness.writeInProcess([aRecord({ name: 'nobody' }), gone, aState(1)], { config }),
        await harness.writeInProcess([aState(1)], { config }),
      ];
      expect(results.map(({ exitCode, states }) => [exitCode, states.length])).toEqual([
        [0, 1],
        [0, 1],
      ]);
    }));
});
