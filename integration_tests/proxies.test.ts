/** Calls to Iterable and a bucket through the proxy named by the environment, with TLS end to end. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { withBucket, type Bucket } from './support/bucket.ts';
import { hasOpenssl, makeAuthority, sign } from './support/certificates.ts';
import { TestFiles, type RunResult } from './support/connector.ts';
import { withHarness, type Harness } from './support/harness.ts';
import { aRecord, aState } from './support/messages.ts';
import { TestProxy, tlsInFrontOf } from './support/proxy.ts';

/** Host names that only the proxy can resolve. */
const ITERABLE = 'api.iterable.test';
const STORE = 'store.test';
const PASSWORD = 'p@ss/wörd';
const CREDENTIALS = `operator:${encodeURIComponent(PASSWORD)}`;

const files = new TestFiles();
const authority = files.path('authority');
const certificate = files.path('certificate');
if (hasOpenssl)
  beforeAll(() => {
    makeAuthority(authority);
    sign(authority, certificate, `IP:127.0.0.1,DNS:${ITERABLE},DNS:${STORE}`);
  });
else console.warn('SKIPPED: openssl is not installed, so nothing is tested over TLS.');
afterAll(() => {
  files.remove();
});
const describeTls = hasOpenssl ? describe : describe.skip;

interface World {
  readonly harness: Harness;
  readonly proxy: TestProxy;
  /** A configuration for the stand-in, which is reachable only through the proxy. */
  readonly config: Record<string, unknown>;
  /** The program's environment, in which the test's certificate authority is trusted. */
  readonly env: Record<string, string | undefined>;
}

async function withWorld(test: (world: World) => Promise<void>): Promise<void> {
  await withHarness({}, async (harness) => {
    const proxy = await TestProxy.start();
    const front = await tlsInFrontOf(Number(new URL(harness.standin.url).port), certificate);
    proxy.hosts.set(`${ITERABLE}:443`, front.port);
    try {
      await test({
        harness,
        proxy,
        config: { api_url: `https://${ITERABLE}`, retry_minutes: 0.01 },
        env: { PATH: process.env.PATH, NODE_EXTRA_CA_CERTS: `${authority}.pem` },
      });
    } finally {
      await proxy.close();
      await front.close();
    }
  });
}

const records = (count: number) =>
  Array.from({ length: count }, (_, index) => aRecord({ email: `${index}@x.com` })).join('');
const status = (result: RunResult) => {
  const { status: word, message } = result.messages.at(-1)?.connectionStatus ?? {};
  return [word, message];
};
const pause = () => new Promise((resolve) => setTimeout(resolve, 10));
/** Checks that the output of the runs does not contain the password in any form. */
function expectNoPassword(...results: RunResult[]): void {
  const printed = results.flatMap(({ lines, stderr }) => [...lines, stderr]).join('\n');
  for (const form of [PASSWORD, encodeURIComponent(PASSWORD), CREDENTIALS])
    expect(printed).not.toContain(form);
  for (const form of [`operator:${PASSWORD}`, CREDENTIALS])
    expect(printed).not.toContain(Buffer.from(form).toString('base64'));
}

describeTls('Iterable behind a proxy', () => {
  it('handles a whole sync over few connections, with TLS end to end and proxy credentials', () =>
    withWorld(async ({ harness, proxy, config, env }) => {
      proxy.wants = `operator:${PASSWORD}`;
      const behind = { ...env, HTTPS_PROXY: `http://${CREDENTIALS}@${proxy.name}` };
      const check = await harness.check(config, { env: behind });
      expect(status(check)).toEqual([
        'SUCCEEDED',
        expect.stringContaining(`Connected to Iterable through the proxy ${proxy.name} (`),
      ]);
      const asked = proxy.requests.length;
      const write = await harness.write(records(40) + aState(1), {
        config: { ...config, batch_size: 1, requests_per_second: 100 },
        env: behind,
      });
      expect([write.errors, write.states.length, harness.standin.store.size]).toEqual([[], 1, 40]);
      const own = proxy.requests.slice(asked);
      expect(new Set(own)).toEqual(new Set([`CONNECT ${ITERABLE}:443`]));
      expect(own.length).toBeLessThan(20);
      expectNoPassword(check, write);
      // Makes the proxy libraries print debug output, if they can.
      const talkative = await harness.check(config, { env: { ...behind, DEBUG: '*' } });
      expect([status(talkative)[0], talkative.stderr]).toEqual(['SUCCEEDED', '']);
    }));

  it('is reached by plan and discover, and through a proxy that itself uses TLS', () =>
    withWorld(async ({ harness, proxy, config, env }) => {
      const front = await tlsInFrontOf(proxy.port, certificate);
      try {
        const behind = { ...env, HTTPS_PROXY: `https://127.0.0.1:${front.port}` };
        const plan = await harness.planJson(records(3), { config, env: behind });
        expect([plan.plan.failure, plan.plan.streams[0]?.received]).toEqual([null, 3]);
        const discover = await harness.discover(config, { env: behind });
        expect(discover.messages.at(-1)?.type).toBe('DESTINATION_CATALOG');
        expect(proxy.requests.length).toBeGreaterThan(1);
        const untrusting = { PATH: env.PATH, HTTPS_PROXY: behind.HTTPS_PROXY };
        expect(status(await harness.check(config, { env: untrusting }))).toEqual([
          'FAILED',
          expect.stringMatching(
            /^HTTPS_PROXY: the certificate of the proxy 127\.0\.0\.1:\d+ is not trusted \(\w+\)\. .*NODE_EXTRA_CA_CERTS/,
          ),
        ]);
      } finally {
        await front.close();
      }
    }));

  it.each([
    [
      'lower case takes precedence',
      (name: string) => ({ https_proxy: name, HTTPS_PROXY: 'http://127.0.0.1:9' }),
    ],
    ['the default scheme is http', (name: string) => ({ HTTPS_PROXY: name.replace('http://', '') })],
    ['ALL_PROXY is the fallback', (name: string) => ({ ALL_PROXY: name, HTTP_PROXY: 'http://127.0.0.1:9' })],
    [
      'NO_PROXY names other hosts',
      (name: string) => ({ HTTPS_PROXY: name, NO_PROXY: 'iterable.com,127.0.0.1,:443' }),
    ],
  ])('is reached with any of the environment variables: %s', (_name, variables) =>
    withWorld(async ({ harness, proxy, config, env }) => {
      const behind = { ...env, ...variables(`http://${proxy.name}`) };
      expect(status(await harness.check(config, { env: behind }))[0]).toBe('SUCCEEDED');
      expect(proxy.requests.length).toBeGreaterThan(0);
    }),
  );

  it('is called directly if NO_PROXY names the host', () =>
    withWorld(async ({ harness, proxy, config, env }) => {
      const write = await harness.write('', {
        config,
        env: { ...env, HTTPS_PROXY: `http://${proxy.name}`, no_proxy: '.iterable.test' },
      });
      expect(write.errors).toMatchObject([
        { message: expect.stringMatching(/the connection failed \((?:ENOTFOUND|EAI_AGAIN)\)\. Run/) },
      ]);
      expect(proxy.requests).toEqual([]);
    }));

  it('errors name the proxy when Iterable refuses the key or does not answer', () =>
    withWorld(async ({ harness, proxy, config, env }) => {
      const behind = { ...env, HTTPS_PROXY: `http://${proxy.name}` };
      expect(status(await harness.check({ ...config, api_key: 'f'.repeat(32) }, { env: behind }))).toEqual([
        'FAILED',
        expect.stringContaining(`refused the key (HTTP 401, BadApiKey, through the proxy ${proxy.name})`),
      ]);
      harness.standin.intercept = () => ({ hang: true });
      const hanging = { ...config, attempt_timeout_seconds: 0.3, retry_minutes: 0.005 };
      const write = await harness.write('', { config: hanging, env: behind });
      expect(write.errors).toMatchObject([
        {
          failure_type: 'transient_error',
          message: expect.stringContaining(`no answer within 0.3 s through the proxy ${proxy.name}`),
        },
      ]);
      harness.standin.intercept = () => ({ status: 502, body: '<html>' });
      const refused = await harness.write('', { config: hanging, env: behind });
      expect(refused.errors).toMatchObject([
        { message: expect.stringContaining(`users/getFields through the proxy ${proxy.name} was HTTP 502`) },
      ]);
    }));

  it('with an untrusted certificate: check and write explain how to trust it', () =>
    withWorld(async ({ harness, proxy, config, env }) => {
      const { PATH } = env;
      const behind = { PATH, HTTPS_PROXY: `http://${proxy.name}` };
      const message = expect.stringMatching(
        new RegExp(
          `^The certificate that ${ITERABLE} shows through the proxy ${proxy.name} is not trusted \\([A-Z_]+\\)\\. .* environment variable NODE_EXTRA_CA_CERTS\\.$`,
        ),
      );
      expect(status(await harness.check(config, { env: behind }))).toEqual(['FAILED', message]);
      const write = await harness.write(records(1), { config, env: behind });
      expect(write.errors).toMatchObject([
        { failure_type: 'config_error', message, internal_message: 'certificate_refused' },
      ]);
      expect(harness.standin.requests).toEqual([]);
    }));

  it('is not called if the certificate is for another host', () =>
    withWorld(async ({ harness, proxy, config, env }) => {
      proxy.hosts.set('other.test:443', proxy.hosts.get(`${ITERABLE}:443`) ?? 0);
      const check = await harness.check(
        { ...config, api_url: 'https://other.test' },
        { env: { ...env, HTTPS_PROXY: `http://${proxy.name}` } },
      );
      expect(status(check)).toEqual([
        'FAILED',
        expect.stringMatching(/^The certificate that other\.test shows .* is another host's/),
      ]);
      expect(harness.standin.requests).toEqual([]);
    }));
});

describeTls('a proxy that does not lead to Iterable', () => {
  const faults: [
    string,
    (proxy: TestProxy) => void,
    (proxy: TestProxy) => string,
    string,
    (name: string) => string,
  ][] = [
    [
      'because the password is wrong',
      (proxy) => (proxy.wants = 'operator:another'),
      (proxy) => `http://${CREDENTIALS}@${proxy.name}`,
      'config_error',
      (name) =>
        `HTTPS_PROXY: the proxy ${name} refuses the user name or the password (HTTP 407). Correct them in the environment variable`,
    ],
    [
      'because it requires a password',
      (proxy) => (proxy.wants = 'operator:another'),
      (proxy) => `http://${proxy.name}`,
      'config_error',
      (name) => `HTTPS_PROXY: the proxy ${name} asks for a user name and a password (HTTP 407). Write them`,
    ],
    [
      'because it does not use TLS although its URL says so',
      () => undefined,
      (proxy) => `https://${CREDENTIALS}@${proxy.name}`,
      'config_error',
      (name) => `HTTPS_PROXY: the proxy ${name} does not speak TLS itself (`,
    ],
    [
      'because it forbids the connection',
      (proxy) => (proxy.refuses = 403),
      (proxy) => `http://${CREDENTIALS}@${proxy.name}`,
      'transient_error',
      (name) => `the proxy ${name} refuses the connection (HTTP 403)`,
    ],
    [
      'because it can’t resolve the host',
      (proxy) => {
        proxy.hosts.clear();
      },
      (proxy) => `http://${CREDENTIALS}@${proxy.name}`,
      'transient_error',
      (name) => `the proxy ${name} refuses the connection (HTTP 502)`,
    ],
    [
      'because it closes the connection',
      (proxy) => (proxy.refuses = 'reset'),
      (proxy) => `http://${CREDENTIALS}@${proxy.name}`,
      'transient_error',
      (name) => `the proxy ${name} can't be reached (`,
    ],
    [
      'because it never answers',
      (proxy) => (proxy.refuses = 'hang'),
      (proxy) => `http://${CREDENTIALS}@${proxy.name}`,
      'transient_error',
      (name) => `no answer within 0.3 s through the proxy ${name}`,
    ],
    [
      'because nothing listens on its port',
      () => undefined,
      () => `http://${CREDENTIALS}@127.0.0.1:9`,
      'transient_error',
      () => "the proxy 127.0.0.1:9 can't be reached (ECONNREFUSED)",
    ],
    [
      'because its name can’t be resolved',
      () => undefined,
      () => `http://${CREDENTIALS}@no-such-host.invalid:3128`,
      'transient_error',
      () => "the proxy no-such-host.invalid:3128 can't be reached (E",
    ],
  ];

  it.each(faults)('%s: write names the proxy, but not its password', (_name, spoil, url, failureType, says) =>
    withWorld(async ({ harness, proxy, config, env }) => {
      spoil(proxy);
      const write = await harness.write(records(1), {
        config: { ...config, attempt_timeout_seconds: 0.3, retry_minutes: 0.005 },
        env: { ...env, HTTPS_PROXY: url(proxy) },
      });
      expect(write.errors).toMatchObject([
        { failure_type: failureType, message: expect.stringContaining(says(proxy.name)) },
      ]);
      expectNoPassword(write);
      expect(harness.standin.requests).toEqual([]);
    }),
  );

  it('check names the proxy, but not its password', () =>
    withHarness({}, async (harness) => {
      const env = { HTTPS_PROXY: `http://${CREDENTIALS}@127.0.0.1:9` };
      const check = await harness.checkInProcess({ api_url: `https://${ITERABLE}` }, env);
      expect(status(check)).toEqual([
        'FAILED',
        expect.stringMatching(
          /^Iterable did not accept a call for 20 seconds; the last try: .* the proxy 127\.0\.0\.1:9 can't be reached \(ECONNREFUSED\)\./,
        ),
      ]);
      expectNoPassword(check);
    }));

  it('leaves no connection open when a request is aborted', () =>
    withWorld(async ({ harness, proxy, config, env }) => {
      proxy.refuses = 'hang';
      let onClosed = (): void => undefined;
      const closed = new Promise<void>((resolve) => (onClosed = resolve));
      const write = harness.write(records(1), {
        // The next attempt comes long after the first has timed out.
        config: { ...config, attempt_timeout_seconds: 0.2, retry_minutes: 10 },
        env: { ...env, HTTPS_PROXY: `http://${proxy.name}` },
        onSpawn: (child) => {
          void closed.then(() => child.kill('SIGTERM'));
        },
      });
      while (proxy.sockets.size === 0) await pause();
      while (proxy.sockets.size > 0) await pause();
      onClosed();
      expect((await write).exitCode).toBe(143);
    }));

  it.each([
    ['not a URL', 'http://operator:p@ss/word@proxy.corp:3128', 'HTTPS_PROXY'],
    ['an invalid port', 'http://proxy.corp:port', 'HTTPS_PROXY'],
    ['a character that is not encoded', 'http://operator:100%@proxy.corp:3128', 'https_proxy'],
    ['an unsupported kind of proxy', 'socks5://proxy.corp:1080', 'ALL_PROXY'],
  ])('because its URL is wrong (%s): an error before anything is sent', (_name, url, variable) =>
    withHarness({}, async (harness) => {
      const env = { PATH: process.env.PATH, [variable]: url };
      const config = { api_url: `https://${ITERABLE}` };
      const message = expect.stringMatching(
        new RegExp(
          `^${variable}: the environment variable does not hold the URL of an HTTP proxy\\. Write it as`,
        ),
      );
      const check = await harness.check(config, { env });
      expect(status(check)).toEqual(['FAILED', message]);
      const write = await harness.write(records(1), { config, env });
      expect(write.errors).toMatchObject([
        { failure_type: 'config_error', message, internal_message: 'proxy_unusable' },
      ]);
      const printed = [...check.lines, ...write.lines, check.stderr, write.stderr].join('\n');
      for (const part of ['proxy.corp', '100%', 'ss/word']) expect(printed).not.toContain(part);
    }),
  );
});

describe('an Iterable on this machine', () => {
  const withProxy = (test: (harness: Harness, proxy: TestProxy) => Promise<void>) =>
    withHarness({}, async (harness) => {
      const proxy = await TestProxy.start();
      try {
        await test(harness, proxy);
      } finally {
        await proxy.close();
      }
    });
  const run = (harness: Harness, variables: Record<string, string>) =>
    harness.write(records(5) + aState(1), {
      config: { batch_size: 1, retry_minutes: 0.005 },
      env: { PATH: process.env.PATH, ...variables },
    });

  it('is called with plain requests through a proxy on the same machine', () =>
    withProxy(async (harness, proxy) => {
      proxy.wants = `operator:${PASSWORD}`;
      const write = await run(harness, { http_proxy: `http://${CREDENTIALS}@${proxy.name}` });
      expect([write.errors, harness.standin.store.size]).toEqual([[], 5]);
      expect(proxy.requests).toHaveLength(harness.standin.requests.length);
      expect(proxy.requests[0]).toBe(`GET ${harness.standin.url}/api/users/getFields`);
      expectNoPassword(write);
      proxy.wants = 'another:one';
      expect((await run(harness, { HTTP_PROXY: `http://${proxy.name}` })).errors).toMatchObject([
        {
          failure_type: 'config_error',
          message: expect.stringContaining(`HTTP_PROXY: the proxy ${proxy.name} asks for a user name`),
        },
      ]);
      const away = await run(harness, { HTTP_PROXY: 'http://127.0.0.1:9' });
      expect(away.errors).toMatchObject([
        { message: expect.stringContaining("the proxy 127.0.0.1:9 can't be reached (ECONNREFUSED)") },
      ]);
    }));

  it.each([
    ['NO_PROXY names it', (name: string) => ({ HTTP_PROXY: name, NO_PROXY: 'example.com, 127.0.0.0/8' })],
    ['NO_PROXY is *', (name: string) => ({ HTTP_PROXY: name, NO_PROXY: '*' })],
    ['the proxy is for other schemes', (name: string) => ({ HTTPS_PROXY: name })],
    [
      'the proxy is on another machine, so that the key would leave this one',
      () => ({ HTTP_PROXY: 'http://proxy.invalid:3128' }),
    ],
  ])('is called directly if %s', (_name, variables) =>
    withProxy(async (harness, proxy) => {
      const write = await run(harness, variables(`http://${proxy.name}`));
      expect([write.errors, harness.standin.store.size]).toEqual([[], 5]);
      expect(proxy.requests).toEqual([]);
    }),
  );
});

describeTls('a bucket behind a proxy', () => {
  /** Two records, of which one is rejected. */
  const records = aRecord({ email: 'a@example.com' }) + aRecord({ email: 'no address' });

  async function withStore(test: (world: World, bucket: Bucket) => Promise<void>): Promise<void> {
    await withBucket((bucket) =>
      withWorld(async (world) => {
        const front = await tlsInFrontOf(Number(new URL(bucket.url).port), certificate);
        world.proxy.hosts.set(`${STORE}:443`, front.port);
        try {
          const option = bucket.option({ s3_endpoint: `https://${STORE}` });
          await test({ ...world, config: { ...world.config, ...option } }, bucket);
        } finally {
          await front.close();
        }
      }),
    );
  }

  it('stores rejected records through the proxy, and check uses the proxy as well', () =>
    withStore(async ({ harness, proxy, config, env }, bucket) => {
      const behind = { ...env, HTTPS_PROXY: `http://${proxy.name}` };
      expect(status(await harness.check(config, { env: behind }))[0]).toBe('SUCCEEDED');
      const write = await harness.write(records + aState(1), { config, env: behind });
      expect([write.errors, write.states.length]).toEqual([[], 1]);
      expect(await bucket.objects()).toHaveLength(1);
      expect(new Set(proxy.requests)).toEqual(new Set([`CONNECT ${ITERABLE}:443`, `CONNECT ${STORE}:443`]));
    }));

  it.each([
    [
      'the store refuses the key',
      { secret_access_key: 'another-secret' },
      {},
      (name: string) => `SignatureDoesNotMatch, HTTP 403, through the proxy ${name})`,
    ],
    [
      'the proxy can’t resolve the store',
      { s3_endpoint: 'https://elsewhere.test' },
      {},
      (name: string) => `; the last try: the proxy ${name} refuses the connection (HTTP 502)`,
    ],
    [
      'the certificate is for another host',
      { s3_endpoint: 'https://twin.test' },
      {},
      (name: string) => `The certificate that twin.test shows through the proxy ${name} is another host's`,
    ],
    [
      'NO_PROXY names the store, and it can’t be resolved',
      {},
      { NO_PROXY: STORE },
      () => "the last try: the store at s3_endpoint can't be reached (E",
    ],
  ])('is named in the error if %s', (_name, option, variables, says) =>
    withStore(async ({ harness, proxy, config, env }, bucket) => {
      proxy.hosts.set('twin.test:443', proxy.hosts.get(`${STORE}:443`) ?? 0);
      const { rejected_records: known } = config as { rejected_records: Record<string, unknown> };
      const write = await harness.write('', {
        config: { ...config, rejected_records: { ...known, ...option } },
        env: { ...env, HTTPS_PROXY: `http://${proxy.name}`, ...variables },
      });
      expect(write.errors).toMatchObject([{ message: expect.stringContaining(says(proxy.name)) }]);
      expect(await bucket.objects()).toEqual([]);
    }),
  );

  it('check names the proxy if it does not connect to the store', () =>
    withHarness({}, async (harness) => {
      const proxy = await TestProxy.start();
      try {
        const store = { type: 's3', s3_bucket_name: 'rejects', s3_bucket_region: 'eu-west-1' };
        const keys = { access_key_id: 'id', secret_access_key: 'secret' };
        const check = await harness.checkInProcess(
          { rejected_records: { ...store, ...keys } },
          { HTTPS_PROXY: `http://${proxy.name}` },
        );
        expect(status(check)).toEqual([
          'FAILED',
          expect.stringContaining(
            `Rejected records could not be stored for 20 seconds; the last try: the proxy ${proxy.name} refuses the connection (HTTP 502).`,
          ),
        ]);
        expect(new Set(proxy.requests)).toEqual(new Set(['CONNECT rejects.s3.eu-west-1.amazonaws.com:443']));
      } finally {
        await proxy.close();
      }
    }));

  it('is called with plain requests if it is on this machine', () =>
    withHarness({}, (harness) =>
      withBucket(async (bucket) => {
        const proxy = await TestProxy.start();
        try {
          const env = {
            PATH: process.env.PATH,
            HTTP_PROXY: `http://${proxy.name}`,
            NO_PROXY: new URL(harness.standin.url).host,
          };
          const write = await harness.write(records + aState(1), { config: bucket.option(), env });
          expect([write.errors, (await bucket.objects()).length]).toEqual([[], 1]);
          expect(proxy.requests.length).toBeGreaterThan(1);
          expect(proxy.requests.filter((line) => !line.includes(bucket.url))).toEqual([]);
          proxy.wants = 'operator:another';
          expect(status(await harness.check(bucket.option(), { env }))).toEqual([
            'FAILED',
            expect.stringContaining(`HTTP_PROXY: the proxy ${proxy.name} asks for a user name`),
          ]);
        } finally {
          await proxy.close();
        }
      }),
    ));
});
