import { describe, expect, it } from '@jest/globals';
import { withHarness } from './support/harness.ts';
import { aRecord, aState } from './support/messages.ts';
import { userLines } from './support/with-users.ts';

describe('outages', () => {
  it.each([401, 403])(
    '%i in the middle of a sync stops it at once with a config_error; confirmed records are acknowledged',
    (status) =>
      withHarness({}, async (harness) => {
        harness.standin.intercept = ({ path }) =>
          path.endsWith('/bulkUpdate') && harness.standin.calls('/bulkUpdate').length > 1
            ? { status, body: '{"code":"Forbidden","msg":""}' }
            : undefined;
        const result = await harness.write(userLines(3000, 1000), { config: { requests_per_second: 20 } });
        expect(result.exitCode).toBe(1);
        expect(result.errors).toMatchObject([{ failure_type: 'config_error' }]);
        expect(result.states).toHaveLength(1);
      }),
  );

  it('a refusal by something in between, such as a gateway, is retried, and rejects no record', () =>
    withHarness({}, async (harness) => {
      harness.standin.intercept = ({ path }) =>
        path.endsWith('/bulkUpdate') && harness.standin.calls('/bulkUpdate').length === 1
          ? { status: 400, body: '<html><body>400 Bad Request</body></html>' }
          : undefined;
      const result = await harness.write(userLines(50, 50));
      expect(result.errors).toEqual([]);
      expect(result.states).toHaveLength(1);
      expect(harness.standin.store.size).toBe(50);
      expect(harness.standin.calls('/bulkUpdate').map(({ status }) => status)).toEqual([400, 200]);
    }));

  it('a system_error names the call if Iterable refuses one that it should accept', () =>
    withHarness({}, async (harness) => {
      harness.standin.intercept = ({ path }) =>
        path.endsWith('/getFields') ? { status: 400, body: '{"code":"BadParams","msg":"no"}' } : undefined;
      const result = await harness.write(userLines(1, 1));
      expect([result.exitCode, result.errors]).toMatchObject([
        1,
        [
          {
            failure_type: 'system_error',
            internal_message: expect.stringMatching(
              /^Iterable answered users\/getFields with HTTP 400 \(BadParams\) at /,
            ),
          },
        ],
      ]);
    }));

  it('a timeout of years does not expire at once', () =>
    withHarness({ latencyMs: 50 }, async (harness) => {
      const result = await harness.write(userLines(1, 1), {
        config: { attempt_timeout_seconds: 1e8, retry_minutes: 0.01 },
      });
      expect([result.exitCode, result.stderr, result.states.length]).toEqual([0, '', 1]);
    }));
});

describe('batches', () => {
  it('sends 2,500 users in 3 calls, and returns each state after its own records', () =>
    withHarness({}, async (harness) => {
      const result = await harness.write(userLines(2500, 500));
      expect(harness.standin.calls('/bulkUpdate').map(({ users }) => users)).toEqual([1000, 1000, 500]);
      expect(
        result.states.map(
          (state) =>
            (JSON.parse(state) as { state: { stream: { stream_state: unknown } } }).state.stream.stream_state,
        ),
      ).toEqual([500, 1000, 1500, 2000, 2500].map((cursor) => ({ cursor })));
      expect(result.logs.filter((log) => log.startsWith('INFO Batch of')).length).toBe(3);
    }));

  it('keeps every call within 4,000,000 bytes, measured in UTF-8', () =>
    withHarness({}, async (harness) => {
      await harness.write(userLines(1000, Infinity, () => ({ text: 'é'.repeat(5000) })));
      const calls = harness.standin.calls('/bulkUpdate');
      expect(harness.standin.store.size).toBe(1000);
      expect(calls.length).toBe(3);
      expect(Math.max(...calls.map(({ bytes }) => bytes))).toBeLessThanOrEqual(4_000_000);
    }));

  it('honours batch_size', () =>
    withHarness({}, async (harness) => {
      await harness.write(userLines(25), { config: { batch_size: 10 } });
      expect(harness.standin.calls('/bulkUpdate').map(({ users }) => users)).toEqual([10, 10, 5]);
    }));

  it('gets no 429 at the published limits', () =>
    withHarness({ limitScale: 1 }, async (harness) => {
      await harness.write(userLines(80), { config: { batch_size: 5, requests_per_second: null } });
      const statuses = harness.standin.calls('/bulkUpdate').map(({ status }) => status);
      expect(statuses).toEqual(Array.from({ length: 16 }, () => 200));
    }));

  it('never has two calls for one user in flight', () =>
    withHarness({ latencyMs: 20 }, async (harness) => {
      const lines = Array.from({ length: 300 }, (_, index) =>
        aRecord({ email: `user${index % 7}@x.com`, n: index }),
      );
      await harness.writeInProcess(lines, { config: { batch_size: 3 } });
      expect(
        harness.standin.store
          .users()
          .map(({ dataFields }) => dataFields.n)
          .sort(),
      ).toEqual([293, 294, 295, 296, 297, 298, 299]);
    }));

  it('does not stall when all pending records are for one user', () =>
    withHarness({}, async (harness) => {
      // An object is not merged with the null before it, so every second record is a separate call: more than may be pending.
      const lines = Array.from({ length: 1400 }, (_, index) =>
        aRecord({ email: 'a@x.com', plan: index % 2 === 0 ? null : { n: index } }),
      );
      const result = await harness.writeInProcess([...lines, aState(1)], {
        config: { batch_size: 10, requests_per_second: 100_000 },
      });
      expect(result.states).toHaveLength(1);
      expect(harness.standin.store.users()).toEqual([
        { email: 'a@x.com', dataFields: { plan: { n: 1399 } } },
      ]);
      expect(harness.standin.calls('/bulkUpdate').length).toBe(701);
    }));
});
