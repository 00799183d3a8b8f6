import { describe, expect, it } from '@jest/globals';
import { withBucket, type Bucket } from './support/bucket.ts';
import type { RunResult } from './support/connector.ts';
import { withHarness, type Harness } from './support/harness.ts';
import { aRecord, aState } from './support/messages.ts';

const withBoth = (test: (harness: Harness, bucket: Bucket) => Promise<void>) =>
  withBucket((bucket) => withHarness({ fields: { age: 'long' } }, (harness) => test(harness, bucket)));

const NAME = /^iterable\/rejected\/rejected-\d{8}T\d{9}Z-[0-9a-f]{12}-(\d{6})\.jsonl$/;
/** The input lines of the rejected records, for each object. */
const linesOf = async (bucket: Bucket) =>
  (await bucket.objects()).map(([, text]) =>
    [...text.matchAll(/"line":(\d+)/g)].map(([, line]) => Number(line)),
  );
const refusal = (result: RunResult) => result.messages.at(-1)?.connectionStatus;
const bad = (name: string) => aRecord({ email: `${name}@x.com`, age: 'old' });

describe('rejected_records in a bucket', () => {
  it('are stored as in a file, one object per flush, before the state that covers them is returned', () =>
    withBoth(async (harness, bucket) => {
      const record = (email: string) =>
        `{"type":"RECORD","record":{"stream":"users","emitted_at":1700000000000,"data":{"email":"${email}","age":"old","id":9007199254740993}}}\n`;
      let see: (objects: Promise<[string, string][]>) => void = () => undefined;
      const atState = new Promise<[string, string][]>((resolve) => {
        see = resolve;
      });
      async function* input() {
        yield record('a@x.com') + aState(1);
        await atState;
        yield aRecord({ email: 'b@x.com' }) + record('c/../é@x.com') + aState(2);
      }
      const result = await harness.write(input(), {
        config: bucket.option(),
        onLine: (text) => {
          if (text.includes('"STATE"')) see(bucket.objects());
        },
      });
      expect([result.exitCode, result.errors]).toEqual([0, []]);
      const objects = await bucket.objects();
      expect(objects.map(([key]) => NAME.exec(key)?.[1])).toEqual(['000001', '000002']);
      expect(objects[0]?.[1]).toBe(
        '{"stream":"users","emitted_at":1700000000000,"line":1,"code":"wrong_type","field":"age","reason":"expected a whole number of at most 64 bits, found other text","data":{"email":"a@x.com","age":"old","id":9007199254740993}}\n',
      );
      expect(objects[1]?.[1]).toContain('"line":4,"code":"wrong_type"');
      expect(await atState).toEqual(objects.slice(0, 1));
      expect(bucket.requests.slice(0, 2)).toEqual([
        'PUT /rejects/iterable/rejected/destination-iterable-write-test',
        'DELETE /rejects/iterable/rejected/destination-iterable-write-test',
      ]);
    }));

  it('create no object if nothing is rejected', () =>
    withBoth(async (harness, bucket) => {
      const result = await harness.write(aRecord({ email: 'a@x.com' }) + aState(1), {
        config: bucket.option({ s3_bucket_path: null }),
      });
      expect([result.exitCode, result.states.length]).toEqual([0, 1]);
      expect(await bucket.objects()).toEqual([]);
    }));

  it('that a returned state covers are all stored after kill -9, and the next run uses other object names', () =>
    withBoth(async (harness, bucket) => {
      const readBack: Promise<number[][]>[] = [];
      const config = bucket.option();
      let kill: () => void = () => undefined;
      const killed = await harness.write(bad('a') + bad('b') + aState(1), {
        config,
        keepOpen: true,
        onSpawn: (child) => {
          kill = () => child.kill('SIGKILL');
        },
        onLine: (text) => {
          if (!text.includes('"STATE"')) return;
          kill();
          readBack.push(linesOf(bucket));
        },
      });
      expect([killed.signal, killed.states.length]).toEqual(['SIGKILL', 1]);
      expect((await readBack[0])?.flat()).toEqual([1, 2]);
      const next = await harness.write(bad('c') + aRecord({ email: 'd@x.com' }) + aState(2), { config });
      expect(next.exitCode).toBe(0);
      expect((await linesOf(bucket)).flat()).toEqual([1, 2, 1]);
      expect(new Set((await bucket.objects()).map(([key]) => key)).size).toBe(
        (await bucket.objects()).length,
      );
    }));

  it('survive an outage of the store: writes are retried under the same name, nothing is stored twice', () =>
    withBoth(async (harness, bucket) => {
      let tries = 0;
      bucket.intercept = (_method, path) => {
        if (!path.endsWith('.jsonl')) return undefined;
        return ([503, 'reset', 429, 500] as const)[tries++];
      };
      const result = await harness.write(bad('a') + aRecord({ email: 'b@x.com' }) + aState(1), {
        config: bucket.option(),
      });
      expect([result.exitCode, result.states.length]).toEqual([0, 1]);
      expect(await linesOf(bucket)).toEqual([[1]]);
      const puts = bucket.requests.filter((request) => /^PUT .*\.jsonl$/.test(request));
      expect([puts.length, new Set(puts).size]).toEqual([5, 1]);
      expect(
        result.logs.filter((log) => log.startsWith("WARN Rejected records can't be stored")),
      ).toHaveLength(4);
    }));

  it('delay the state if the outage does not end; the next run stores them and returns the state', () =>
    withBoth(async (harness, bucket) => {
      const config = { ...bucket.option(), retry_minutes: 0.01 };
      const input = aRecord({ email: 'a@x.com' }) + bad('b') + aState(1);
      bucket.intercept = (_method, path) => (path.endsWith('.jsonl') ? 503 : undefined);
      const failed = await harness.write(input, { config });
      expect([failed.exitCode, failed.states]).toEqual([1, []]);
      expect(failed.errors).toMatchObject([
        {
          failure_type: 'transient_error',
          message: expect.stringMatching(/^Rejected records could not be stored for 0.6 seconds; .*HTTP 503/),
          internal_message: 'rejected_records_unavailable',
        },
      ]);
      bucket.intercept = () => undefined;
      const again = await harness.write(input, { config });
      expect([again.exitCode, again.states.length]).toEqual([0, 1]);
      expect(await linesOf(bucket)).toEqual([[2]]);
    }));

  it('don’t make a stopped run wait for an unreachable store', () =>
    withBoth(async (harness, bucket) => {
      let stop: () => void = () => undefined;
      bucket.intercept = (_method, path) => {
        if (!path.endsWith('.jsonl')) return undefined;
        stop();
        return 503;
      };
      const result = await harness.write(bad('a') + aState(1), {
        config: bucket.option(),
        keepOpen: true,
        deadlineMs: 20_000,
        onSpawn: (child) => {
          stop = () => child.kill('SIGTERM');
        },
      });
      expect([result.exitCode, result.states]).toEqual([143, []]);
      expect(result.errors).toMatchObject([{ failure_type: 'transient_error' }]);
    }));
});

describe('a bucket that can’t be used', () => {
  const cases: [string, Record<string, unknown>, RegExp][] = [
    [
      'does not exist',
      { s3_bucket_name: 'elsewhere' },
      /^rejected_records\.s3_bucket_name: there is no bucket elsewhere \(NoSuchBucket, HTTP 404\)/,
    ],
    [
      'refuses an unknown key',
      { access_key_id: 'AKIAUNKNOWN' },
      /^rejected_records\.access_key_id: the store refused the key \(InvalidAccessKeyId, HTTP 403\)/,
    ],
    [
      'refuses the secret of another key',
      { secret_access_key: 'another-secret-key' },
      /^rejected_records\.access_key_id: the store refused the key \(SignatureDoesNotMatch, HTTP 403\)/,
    ],
    [
      'needs credentials that are missing',
      { access_key_id: '', secret_access_key: null },
      /^rejected_records\.access_key_id: no credentials were found \(CredentialsProviderError\)/,
    ],
  ];

  it.each(cases)(
    'because it %s fails check, and write before anything is sent',
    (_name, overrides, problem) =>
      withBoth(async (harness, bucket) => {
        const config = bucket.option(overrides);
        const check = await harness.check(config);
        expect(refusal(check)).toMatchObject({ status: 'FAILED', message: expect.stringMatching(problem) });
        const result = await harness.write(aRecord({ email: 'a@x.com' }), { config });
        expect(result.errors).toMatchObject([
          {
            failure_type: 'config_error',
            message: expect.stringMatching(problem),
            internal_message: 'rejected_records_unwritable',
          },
        ]);
        expect(harness.standin.calls('/bulkUpdate')).toEqual([]);
        const printed = [...check.lines, check.stderr, ...result.lines, result.stderr].join('\n');
        for (const secret of ['S3RVER', 'AKIAUNKNOWN', 'another-secret-key'])
          expect(printed).not.toContain(secret);
      }),
  );

  it('because the server is unreachable is a transient_error', () =>
    withBoth(async (harness, bucket) => {
      const config = { ...bucket.option({ s3_endpoint: 'http://127.0.0.1:1' }), retry_minutes: 0.005 };
      const result = await harness.write(aRecord({ email: 'a@x.com' }), { config });
      expect(result.errors).toMatchObject([
        { failure_type: 'transient_error', message: expect.stringContaining('ECONNREFUSED') },
      ]);
      expect(harness.standin.calls('/bulkUpdate')).toEqual([]);
    }));

  it('because the key may not write is reported as such; a key that may not delete is sufficient', () =>
    withBoth(async (harness, bucket) => {
      bucket.intercept = () => 403;
      expect(refusal(await harness.check(bucket.option()))?.message).toMatch(
        /the key may not write to bucket rejects .*Allow it s3:PutObject there/,
      );
      bucket.intercept = (method) => (method === 'DELETE' ? 403 : undefined);
      expect(refusal(await harness.check(bucket.option()))?.status).toBe('SUCCEEDED');
    }));

  it('ignores the endpoint of the environment, but takes credentials from it', () =>
    withBoth(async (harness, bucket) => {
      const result = await harness.write(bad('a') + aRecord({ email: 'b@x.com' }) + aState(1), {
        config: bucket.option({ access_key_id: '', secret_access_key: '' }),
        env: {
          PATH: process.env.PATH,
          AWS_ACCESS_KEY_ID: 'S3RVER',
          AWS_SECRET_ACCESS_KEY: 'S3RVER',
          AWS_ENDPOINT_URL: 'http://127.0.0.1:1',
        },
      });
      expect([result.exitCode, await linesOf(bucket)]).toEqual([0, [[1]]]);
    }));

  it('is empty after a successful check', () =>
    withBoth(async (harness, bucket) => {
      const check = await harness.check(bucket.option());
      expect(refusal(check)?.status).toBe('SUCCEEDED');
      expect(await bucket.objects()).toEqual([]);
      expect(bucket.requests.map((request) => request.split(' ')[0])).toEqual(['PUT', 'DELETE', 'GET']);
    }));

  it.each([
    [
      { s3_bucket_name: 's3://b/c' },
      "rejected_records.s3_bucket_name: must be a bucket's name, not its address",
    ],
    [{ s3_bucket_name: undefined }, 'rejected_records.s3_bucket_name: is required'],
    [{ s3_bucket_path: 'a/../b' }, 'rejected_records.s3_bucket_path: must be folders'],
    [{ s3_bucket_region: '' }, 'rejected_records.s3_bucket_region: must'],
    [{ s3_endpoint: 'minio:9000' }, 'rejected_records.s3_endpoint: is not a URL'],
    [
      { s3_endpoint: 'http://minio.example.com' },
      'rejected_records.s3_endpoint: plain http is allowed to a loopback address only',
    ],
    [
      { access_key_id: '' },
      'rejected_records.access_key_id: access_key_id and secret_access_key go together',
    ],
    [{ secret_access_key: null }, 'rejected_records.secret_access_key: access_key_id and secret'],
  ])('because of the option %j is a configuration error', (overrides, problem) =>
    withBoth(async (harness, bucket) => {
      expect(refusal(await harness.checkInProcess(bucket.option(overrides)))?.message).toContain(problem);
      expect(bucket.requests).toEqual([]);
    }),
  );
});
