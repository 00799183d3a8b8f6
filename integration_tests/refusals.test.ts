/** Refusals that can't be blamed on a record: no record is rejected, and the states of the affected records are not returned. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { page, refusal, type Fault } from './standin/faults.ts';
import { withHarness, type Harness } from './support/harness.ts';
import { aRecord, aState } from './support/messages.ts';
import { summaryLine } from './support/summary-line.ts';
import { userLines } from './support/with-users.ts';

const bulkCalls = ({ standin }: Harness) => standin.calls('/bulkUpdate');

/** Injects a fault into bulk calls, starting with number `from`; only into those whose body contains `holding`. */
function refuseBulk({ standin }: Harness, fault: Fault, { from = 1, holding = '' } = {}): void {
  standin.intercept = ({ path }) =>
    path.endsWith('/bulkUpdate') &&
    standin.calls('/bulkUpdate').length >= from &&
    standin.lastBody.includes(holding)
      ? fault
      : undefined;
}

const unknown = refusal(400, 'BrandNewError', 'unclear');

describe('a project that has reached its field limit', () => {
  it('stops the sync at once: the error names the fields, no record is rejected, no state is returned', () =>
    withHarness({ fields: { n: 'long' }, maxFields: 4 }, async (harness) => {
      const rejected = harness.files.path('rejected.jsonl');
      const input = [...userLines(300, Infinity, () => ({ shoe: 'blue', hat: { size: 'L' } })), aState(1)];
      const result = await harness.write(input, {
        config: { rejected_records: { type: 'file', path: rejected } },
      });
      expect([result.exitCode, result.states]).toEqual([1, []]);
      expect(result.errors).toMatchObject([
        {
          failure_type: 'config_error',
          message:
            'Iterable has no room for more user fields in the project (it may have 4, it would have 6). New are: shoe, hat, hat.size. ' +
            'No record is at fault, and none is rejected for it. Take the mappings of new fields out, delete fields of the project in ' +
            'Iterable, or set create_new_fields to false.',
          internal_message: expect.stringMatching(/^too_many_fields: /),
        },
      ]);
      expect(bulkCalls(harness)).toHaveLength(1);
      expect(readFileSync(rejected, 'utf8')).toBe('');
      expect(harness.standin.store.size).toBe(0);
    }));

  it('still returns the states of records that were confirmed before', () =>
    withHarness({ fields: { n: 'long' }, maxFields: 3 }, async (harness) => {
      const shoes = (index: number) => (index < 1000 ? {} : { shoe: 'blue' });
      const result = await harness.write(userLines(2000, 500, shoes), {
        config: { requests_per_second: 5 },
      });
      expect(result.errors).toMatchObject([{ failure_type: 'config_error' }]);
      expect(result.states).toHaveLength(2);
      expect(result.logs.join('\n')).not.toContain('Rejected the record');
      expect(harness.standin.store.size).toBe(1000);
    }));

  it('is no problem if create_new_fields is false: Iterable drops the fields, and the log names them', () =>
    withHarness({ fields: { n: 'long' }, maxFields: 3 }, async (harness) => {
      const result = await harness.writeInProcess([...userLines(10, 10, () => ({ shoe: 'blue' }))], {
        config: { create_new_fields: false },
      });
      expect([result.errors, result.states.length]).toEqual([[], 1]);
      expect(result.logs.join('\n')).toContain('dropped them: shoe.');
    }));

  it('stops the sync at a single-user call as well', () =>
    withHarness({ projectType: 'email', fields: { n: 'long' }, maxFields: 3 }, async (harness) => {
      harness.addUser({ email: 'old@x.com' });
      const result = await harness.writeInProcess(
        [aRecord({ email: 'new@x.com', was: 'old@x.com', shoe: 'blue' }), aState(1)],
        { config: { previous_email_column: 'was' } },
      );
      expect(result.errors).toMatchObject([
        { failure_type: 'config_error', message: expect.stringContaining('New are: shoe.') },
      ]);
      expect(result.states).toEqual([]);
    }));
});

describe('an answer that does not come from Iterable', () => {
  it.each([403, 401, 404, 302, 405, 409, 451])(
    'with %i in the middle of a sync is retried like an outage',
    (status) =>
      withHarness({}, async (harness) => {
        harness.standin.intercept = ({ path }) => {
          const calls = bulkCalls(harness).length;
          return path.endsWith('/bulkUpdate') && calls > 1 && calls < 4 ? page(status) : undefined;
        };
        const result = await harness.writeInProcess([...userLines(3000, 1000)], {
          config: { batch_size: 500 },
        });
        expect(result.errors).toEqual([]);
        expect([result.exitCode, result.states.length, harness.standin.store.size]).toEqual([0, 3, 3000]);
        expect(result.logs.join('\n')).toMatch(
          new RegExp(
            `The answer to users/bulkUpdate was HTTP ${status}, without Iterable's own body. Trying again in`,
          ),
        );
      }),
  );

  it('that does not end fails the sync with a transient_error that says where to look', () =>
    withHarness({}, async (harness) => {
      refuseBulk(harness, page(403), { from: 2 });
      const result = await harness.write(userLines(2000, 1000), {
        config: { retry_minutes: 0.02, requests_per_second: 5 },
      });
      expect([result.exitCode, result.states.length]).toEqual([1, 1]);
      expect(result.errors).toMatchObject([
        {
          failure_type: 'transient_error',
          message:
            "Something between the connector and Iterable refuses calls, and did so for 1.2 seconds: a proxy, firewall or gateway answered users/bulkUpdate with HTTP 403, without Iterable's own answer. Have it let the connector through to Iterable, then run the sync again.",
          internal_message: expect.stringMatching(/^gateway_refuses: /),
        },
      ]);
      expect(result.logs.join('\n')).not.toContain('Rejected the record');
    }));

  it('that does not end at a deletion deletes no user and gives the same error', () =>
    withHarness({ projectType: 'user_id' }, async (harness) => {
      harness.addUser({ userId: 'a' });
      harness.standin.intercept = ({ method }) => (method === 'DELETE' ? page(404) : undefined);
      const result = await harness.writeInProcess(
        [aRecord({ userId: 'a', _ab_cdc_deleted_at: '2026-01-01' }), aState(1)],
        { config: { retry_minutes: 0.02 } },
      );
      expect(result.errors).toMatchObject([
        {
          failure_type: 'transient_error',
          message: expect.stringContaining('answered users/byUserId/{userId} with HTTP 404'),
        },
      ]);
      expect([result.states, harness.standin.store.size]).toEqual([[], 1]);
    }));

  it('that does not end is reported by check', () =>
    withHarness({}, async (harness) => {
      harness.standin.faults.order({ fault: page(403), times: Infinity });
      const result = await harness.checkInProcess();
      const { status, message } = result.messages.at(-1)?.connectionStatus ?? {};
      expect([result.exitCode, status]).toEqual([0, 'FAILED']);
      expect(message).toMatch(
        /^Something between the connector and Iterable refuses calls, and did so for 20 seconds: a proxy, firewall or gateway answered (users\/getFields|lists) with HTTP 403, /,
      );
    }));

  it.each([
    ['Iterable’s format', '{"msg":"no","code":"Forbidden","params":null}', true],
    ['its format without params', '{"msg":"","code":"Success"}', true],
    ['its format with a future code', '{"msg":"no","code":"BrandNewError"}', true],
    ['a message alone', '{"msg":"no"}', true],
    ['one of Iterable’s codes alone', '{"code":"Forbidden"}', true],
    ['a gateway’s message', '{"message":"Forbidden"}', false],
    ['a gateway’s error', '{"error":{"code":"Forbidden","message":"no"}}', false],
    ['a gateway’s code', '{"code":"AccessDenied","message":"no"}', false],
    ['a gateway’s number', '{"code":403,"msg":"no"}', false],
    ['text', 'Forbidden', false],
    ['a list', '[{"code":"Forbidden","msg":"no"}]', false],
    ['null', 'null', false],
    ['nothing', '', false],
  ])('is recognised by its format: %s', (_name, body, isOfIterable) =>
    withHarness({}, async (harness) => {
      harness.standin.faults.order({ route: 'bulkUpdate', fault: { status: 403, body }, times: 1 });
      const result = await harness.writeInProcess([...userLines(5, 5)]);
      expect([result.states.length, result.errors.map(({ failure_type }) => failure_type)]).toEqual(
        isOfIterable ? [0, ['config_error']] : [1, []],
      );
    }),
  );
});

describe('a gateway’s size limit', () => {
  it.each(['with an HTML page', 'in Iterable’s format'])('makes the connector halve the calls (%s)', (form) =>
    withHarness(form === 'with an HTML page' ? { gatewayMaxBytes: 50_000 } : {}, async (harness) => {
      if (form !== 'with a page')
        harness.standin.intercept = ({ path, bytes }) =>
          path.endsWith('/bulkUpdate') && bytes > 50_000 ? refusal(413, 'Success', 'too large') : undefined;
      const input = [...userLines(1000, Infinity, () => ({ text: 'x'.repeat(100) })), aState(1)];
      const result = await harness.write(input);
      expect([result.exitCode, result.states.length, harness.standin.store.size]).toEqual([0, 1, 1000]);
      // 1,000 users take 190,000 bytes.
      expect(bulkCalls(harness).map(({ status }) => status)).toEqual([413, 413, 200, 200, 413, 200, 200]);
    }),
  );

  it('rejects only the user that is too large even alone', () =>
    withHarness({ gatewayMaxBytes: 50_000 }, async (harness) => {
      const text = (index: number) => ({ text: 'x'.repeat(index === 17 ? 60_000 : 10) });
      const result = await harness.writeInProcess([...userLines(100, 100, text)]);
      expect(result.states[0]).toContain('"recordCount":99.0,"rejectedRecordCount":1.0');
      expect(result.logs.join('\n')).toContain('Rejected the record in line 18 (stream users): too_large');
    }));

  it('also makes it halve calls for lists', () =>
    withHarness({}, async (harness) => {
      harness.standin.intercept = ({ path, bytes }) =>
        path.endsWith('/subscribe') && bytes > 5_000 ? page(413) : undefined;
      const result = await harness.writeInProcess([...userLines(300, Infinity), aState(1)], {
        config: { lists: [{ kind: 'all', list: 'Everyone' }] },
      });
      expect([result.errors, result.states.length]).toEqual([[], 1]);
      expect(harness.standin.members('Everyone')).toHaveLength(300);
      // 300 users take 8,500 bytes.
      expect(harness.standin.calls('/subscribe').map(({ status }) => status)).toEqual([413, 200, 200]);
    }));
});

describe('a code that this version does not know', () => {
  it('fails the sync if it refuses every user alone: none is rejected, no state is returned', () =>
    withHarness({}, async (harness) => {
      const rejected = harness.files.path('rejected.jsonl');
      refuseBulk(harness, unknown);
      const result = await harness.write([...userLines(300, 100)], {
        config: { rejected_records: { type: 'file', path: rejected } },
      });
      expect([result.exitCode, result.states]).toEqual([1, []]);
      expect(result.errors).toMatchObject([
        {
          failure_type: 'transient_error',
          message:
            'Iterable refuses every user with a code that this version of the connector does not know: BrandNewError (HTTP 400, users/bulkUpdate). ' +
            'The records of the call are not rejected, and no state of theirs is given back. Run the sync again later; if it stays so, use a newer ' +
            "version of the connector, or ask Iterable's support what the answer means.",
          internal_message: expect.stringMatching(/^iterable_refuses: /),
        },
      ]);
      expect(bulkCalls(harness).length).toBeLessThan(80);
      expect(readFileSync(rejected, 'utf8')).toBe('');
      expect(result.logs.join('\n')).not.toContain('Rejected the record');
    }));

  it('rejects records that it refuses alone if others are accepted, and logs one warning with the code', () =>
    withHarness({}, async (harness) => {
      refuseBulk(harness, unknown, { holding: '"bad":true' });
      const isBad = (index: number) => ({ bad: index === 7 || (index >= 100 && index < 112) });
      const result = await harness.writeInProcess([...userLines(300, 300, isBad)]);
      expect(result.errors).toEqual([]);
      expect(result.states[0]).toContain('"recordCount":287.0,"rejectedRecordCount":13.0');
      const warnings = result.logs.filter((log) => log.startsWith('WARN') && log.includes('BrandNewError'));
      expect(warnings.filter((log) => !log.includes('Rejected the record'))).toEqual([
        "WARN Iterable answered users/bulkUpdate with HTTP 400 (BrandNewError), a code that this version of the connector does not know. Records that it refuses alone are rejected, with this reason; Iterable's support knows what it means.",
      ]);
      expect(warnings.at(1)).toMatch(
        /^WARN Rejected the record in line \d+ \(stream users\): refused: Iterable answered users\/bulkUpdate with HTTP 400 \(BrandNewError\), a code that this version of the connector does not know\.$/,
      );
    }));

  it.each([
    ['GenericError', refusal(400, 'GenericError', 'An error occurred')],
    ['no code', refusal(409, 'Success', '')],
  ])('includes %s', (_name, fault) =>
    withHarness({}, async (harness) => {
      refuseBulk(harness, fault);
      const result = await harness.writeInProcess([...userLines(50, 50)]);
      expect([result.states, result.errors]).toMatchObject([[], [{ failure_type: 'transient_error' }]]);
    }),
  );

  it('fails the sync if it refuses every user of a list call', () =>
    withHarness({}, async (harness) => {
      harness.standin.intercept = ({ path }) => (path.endsWith('/subscribe') ? unknown : undefined);
      const result = await harness.writeInProcess([...userLines(50, 50)], {
        config: { lists: [{ kind: 'all', list: 'Everyone' }] },
      });
      expect([result.states, result.errors]).toMatchObject([
        [],
        [{ failure_type: 'transient_error', message: expect.stringContaining('lists/subscribe') }],
      ]);
    }));

  it('fails the sync if it refuses one deletion after the other', () =>
    withHarness({}, async (harness) => {
      harness.standin.intercept = ({ method }) => (method === 'DELETE' ? unknown : undefined);
      const gone = Array.from({ length: 30 }, (_, index) =>
        aRecord({ email: `${index}@x.com`, _ab_cdc_deleted_at: '2026-01-01' }),
      );
      const result = await harness.writeInProcess([...gone, aState(1)]);
      expect([result.states, result.errors]).toMatchObject([
        [],
        [{ failure_type: 'transient_error', message: expect.stringContaining('users/{email}') }],
      ]);
    }));

  it('is reported by check if it refuses a call', () =>
    withHarness({}, async (harness) => {
      harness.standin.faults.order({ route: 'getFields', fault: unknown, times: 1 });
      const result = await harness.checkInProcess();
      const { status, message } = result.messages.at(-1)?.connectionStatus ?? {};
      expect([result.exitCode, status, message]).toEqual([
        0,
        'FAILED',
        expect.stringContaining(
          'Iterable refuses a call with a code that this version of the connector does not know: BrandNewError',
        ),
      ]);
    }));
});

describe('a call that is refused as a whole', () => {
  it('for an unreadable body costs one more call, since the answer names the users by position', () =>
    withHarness({}, async (harness) => {
      harness.standin.intercept = ({ path }) => {
        if (!path.endsWith('/bulkUpdate')) return undefined;
        const { users } = JSON.parse(harness.standin.lastBody) as { users: { email: string }[] };
        const bad = users.findIndex(({ email }) => email === 'user637@example.com');
        return bad < 0
          ? undefined
          : refusal(400, 'BadJsonBody', '[/api/users/bulkUpdate] Invalid JSON body', {
              [`obj.users[${bad}].dataFields.n`]: 'Number value expected',
            });
      };
      const result = await harness.write([...userLines(1000, 1000)]);
      expect(result.states[0]).toContain('"recordCount":999.0,"rejectedRecordCount":1.0');
      expect(result.logs.join('\n')).toContain(
        'Rejected the record in line 638 (stream users): invalid_data, field n: Iterable can’t read the value.',
      );
      expect(bulkCalls(harness).map(({ users, status }) => [users, status])).toEqual([
        [1000, 400],
        [999, 200],
      ]);
    }));

  it.each([400, 409] as const)('for an erased user (%i) is narrowed down to that one', (forgottenStatus) =>
    withHarness({ forgottenStyle: 'whole', forgottenStatus }, async (harness) => {
      harness.standin.store.forgotten.add('user17@example.com');
      const result = await harness.writeInProcess([...userLines(64, 64)]);
      expect(result.states[0]).toContain('"recordCount":63.0,"rejectedRecordCount":1.0');
      expect(result.logs.join('\n')).toContain('Rejected the record in line 18 (stream users): forgotten');
      expect(bulkCalls(harness).length).toBeLessThanOrEqual(9);
    }),
  );
});

describe('a deletion', () => {
  const deletion = [aRecord({ userId: 'u/1', _ab_cdc_deleted_at: '2026-01-01' }), aState(1)];

  it.each([200, 400, 404] as const)(
    'of an unknown id is a success, answered with %i',
    (unknownUserIdStatus) =>
      withHarness({ projectType: 'user_id', unknownUserIdStatus }, async (harness) => {
        const result = await harness.writeInProcess(deletion);
        expect([result.errors, result.states.length]).toEqual([[], 1]);
        // With a 200, the connector can't tell that the user did not exist.
        const counted = unknownUserIdStatus === 200 ? { removed: 1 } : { notThere: 1 };
        expect(result.logs).toContain(summaryLine('users', { received: 1, ...counted }));
      }),
  );

  it.each([
    ['another message', refusal(400, 'BadParams', 'Invalid userId'), 'refused'],
    ['another code', refusal(400, 'GenericError', 'User does not exist.'), 'refused'],
    ['an erased user', refusal(409, 'ForgottenUserError', 'User has been forgotten'), 'forgotten'],
  ])('that is refused with %s is rejected', (_name, fault, code) =>
    withHarness({ projectType: 'user_id' }, async (harness) => {
      harness.addUser({ userId: 'u/1' });
      harness.standin.faults.order({ route: 'deleteByUserId', fault, times: 1 });
      const result = await harness.writeInProcess(deletion);
      expect(result.logs.join('\n')).toContain(`1 rejected (${code} 1)`);
      expect(harness.standin.store.size).toBe(1);
    }),
  );
});

it('a look-up of an erased user finds no user', () =>
  withHarness({}, async (harness) => {
    harness.addUser({ email: 'b@x.com' });
    harness.standin.intercept = ({ path }) =>
      path.endsWith('/getByEmail')
        ? refusal(409, 'ForgottenUserError', 'User has been forgotten')
        : undefined;
    const result = await harness.writeInProcess([aRecord({ email: 'a@x.com' }), aState(1)], {
      config: { sync_mode: 'enrich' },
    });
    expect([result.errors, result.states.length]).toEqual([[], 1]);
    expect(result.logs.join('\n')).toContain('1 skipped');
  }));
