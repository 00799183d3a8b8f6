import { cpSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { MAIN, runConnector, TestFiles } from './support/connector.ts';
import { withHarness } from './support/harness.ts';
import { aCatalog, aStream } from './support/messages.ts';

const email = { source: 'e', target: 'email' };

const CASES: [string, Record<string, unknown>, string[]][] = [
  ['no key', { api_key: null }, ['api_key: is required']],
  ['a key with a space', { api_key: 'a b' }, ['api_key: must be a key without blanks']],
  ['an unknown data center', { data_center: 'mars' }, ['data_center: must be one of us, eu']],
  [
    'several mistakes at once',
    {
      batch_size: 0,
      sync_mode: 'mirror',
      project_type: 'user_id',
      identify_by: 'email',
      mappings: [{ target: 'email' }],
    },
    [
      'batch_size: must be',
      'sync_mode: must be one of',
      'identify_by: a project of type user_id',
      'mappings[0].source: is required',
    ],
  ],
  ['a rate of zero', { requests_per_second: 0 }, ['requests_per_second: must be strictly greater than 0']],
  [
    'plain http to another machine',
    { api_url: 'http://proxy.example.com' },
    ['api_url: plain http is allowed to a loopback address only'],
  ],
  ['no URL', { api_url: 'proxy' }, ['api_url: is not a URL']],
  [
    'a managed field',
    { mappings: [email, { source: 'd', target: 'devices' }] },
    ['mappings[1].target: devices is managed by Iterable'],
  ],
  [
    'two columns for one field',
    { mappings: [email, { source: 'f', target: 'email' }] },
    ['mappings[1].target: email is the target of mappings[0], too'],
  ],
  [
    'a field inside another mapped field',
    { mappings: [email, { source: 'a', target: 'a' }, { source: 'b', target: 'a.b' }] },
    ["mappings[2].target: a.b and a (mappings[1]) can't both be written"],
  ],
  [
    'no identifying field',
    { mappings: [{ source: 'n', target: 'name' }] },
    ['mappings: no mapping has the target email'],
  ],
  [
    'a type of the wrong kind',
    { mappings: [{ ...email, type: 'geo' }] },
    ['mappings[0].type: must be one of string, long'],
  ],
  ['a key with half a surrogate pair', { api_key: 'a\ud800' }, ['api_key: must be a key without blanks']],
  [
    'two mistakes in one rule, and a rule that is not an object',
    { lists: [{ kind: 'flag' }, null] },
    ['lists[0].source: is required\nlists[0].list: is required', 'lists[1]: must be of type object'],
  ],
];

describe('a configuration that breaks a rule', () => {
  it.each(CASES)(
    '%s: check answers FAILED with exit code 0, and names all problems',
    (_name, config, problems) =>
      withHarness({}, async (harness) => {
        const result = await harness.checkInProcess(config);
        expect(result.exitCode).toBe(0);
        expect(result.messages).toHaveLength(1);
        expect(result.messages[0]?.connectionStatus?.status).toBe('FAILED');
        for (const problem of problems)
          expect(result.messages[0]?.connectionStatus?.message).toContain(problem);
        expect(harness.standin.requests).toEqual([]);
      }),
  );

  it.each(CASES)(
    '%s: write fails with one config_error and exit code 1 before anything is sent',
    (_name, config, problems) =>
      withHarness({}, async (harness) => {
        const result = await harness.writeInProcess('', { config });
        expect(result.exitCode).toBe(1);
        expect(result.errors).toHaveLength(1);
        expect(result.errors[0]?.failure_type).toBe('config_error');
        for (const problem of problems) expect(result.errors[0]?.message).toContain(problem);
        expect(harness.standin.requests).toEqual([]);
      }),
  );

  it('is reported in the same way by the built program', () =>
    withHarness({}, async (harness) => {
      const config = { batch_size: 0, sync_mode: 'mirror' };
      const check = await harness.check(config);
      expect([check.exitCode, check.stderr]).toEqual([0, '']);
      expect(check.messages).toMatchObject([
        {
          connectionStatus: {
            status: 'FAILED',
            message: expect.stringContaining('sync_mode: must be one of'),
          },
        },
      ]);
      const write = await harness.write('', { config });
      expect([write.exitCode, write.stderr]).toEqual([1, '']);
      expect(write.errors).toMatchObject([
        { failure_type: 'config_error', message: expect.stringContaining('batch_size: must be') },
      ]);
      expect(harness.standin.requests).toEqual([]);
    }));

  it('a mapping type that differs from the field in the project: both commands report it', () =>
    withHarness({ fields: { age: 'string' } }, async (harness) => {
      const config = { mappings: [email, { source: 'age', target: 'age', type: 'long' }] };
      const clash =
        'mappings[1].type: long clashes with the field age, which is a string in Iterable already';
      expect((await harness.check(config)).messages[0]?.connectionStatus).toEqual({
        status: 'FAILED',
        message: clash,
      });
      expect((await harness.write('', { config })).errors).toMatchObject([
        { message: clash, failure_type: 'config_error' },
      ]);
    }));

  it('a stream without a mapping for the identifier', () =>
    withHarness({}, async (harness) => {
      const config = { mappings: [{ ...email, stream: 'leads' }] };
      expect((await harness.check(config)).messages[0]?.connectionStatus?.status).toBe('SUCCEEDED');
      const result = await harness.write('', { config });
      expect(result.errors[0]?.message).toContain('no mapping for stream users has the target email');
    }));

  it('a key that Iterable refuses', () =>
    withHarness({}, async (harness) => {
      const config = { api_key: 'wrong-key-of-somebody-else-12345' };
      const check = await harness.check(config);
      expect(check.exitCode).toBe(0);
      expect(check.messages[0]?.connectionStatus?.status).toBe('FAILED');
      expect(check.messages[0]?.connectionStatus?.message).toContain('api_key: Iterable refused the key');
      const write = await harness.write('', { config });
      expect(write.exitCode).toBe(1);
      expect(write.errors).toMatchObject([{ failure_type: 'config_error' }]);
      expect([...check.lines, ...write.lines, check.stderr, write.stderr].join('')).not.toContain(
        config.api_key,
      );
    }));

  it('unknown keys are ignored, nulls count as absent, and check reports what it found for a valid configuration', () =>
    withHarness(
      {
        lists: [
          { name: 'All', listType: 'Standard' },
          { name: 'Hot', listType: 'Dynamic' },
        ],
      },
      async (harness) => {
        const result = await harness.check({
          __injected: 1,
          data_center: null,
          mappings: [{ ...email, type: null, stream: null }],
        });
        expect(result.exitCode).toBe(0);
        expect(result.messages[0]?.connectionStatus).toEqual({
          status: 'SUCCEEDED',
          message: `Connected to Iterable (${harness.standin.url}, project of type hybrid): the key works, the project has 2 user fields and 1 static lists. A record whose column _ab_cdc_deleted_at holds true, a number other than 0, a date (no zero date and none of the year 9999), or one of the texts true, t, yes, y and 1, is a deletion.`,
        });
      },
    ));

  it.each([
    ['sync', true],
    ['additive', false],
    ['enrich', false],
  ])('check says what marks a deletion if records may delete users: mode %s: %s', (sync_mode, isSaid) =>
    withHarness({}, async (harness) => {
      const result = await harness.checkInProcess({ sync_mode, deletion_column: 'meta.gone' });
      const { message = '' } = result.messages.at(-1)?.connectionStatus ?? {};
      expect(message.includes('A record whose column meta.gone holds true, ')).toBe(isSaid);
    }),
  );

  it('accepts a byte order mark, and spaces around an api_url in capitals', () =>
    withHarness({}, async ({ files, standin }) => {
      const text = JSON.stringify({
        api_key: standin.apiKey,
        api_url: ` ${standin.url.replace('http', 'HTTP')}/ `,
      });
      const result = await runConnector({
        args: ['check', '--config', files.write('c.json', `\uFEFF${text}`)],
      });
      expect(result.messages[0]?.connectionStatus?.status).toBe('SUCCEEDED');
    }));

  it('a rate so low that a call can’t be retried in time: FAILED, exit code 0', () =>
    withHarness({}, async (harness) => {
      harness.standin.faults.order({ route: 'getFields', fault: { status: 500 }, times: 1 });
      const result = await harness.checkInProcess({ requests_per_second: 0.01 });
      expect(result.exitCode).toBe(0);
      expect(result.messages).toMatchObject([
        { connectionStatus: { status: 'FAILED', message: expect.stringContaining('within 40 seconds') } },
      ]);
    }));

  it('Iterable is unreachable: FAILED, exit code 0', () =>
    withHarness({}, async (harness) => {
      const result = await harness.checkInProcess({ api_url: 'http://127.0.0.1:9' });
      expect(result.exitCode).toBe(0);
      expect(result.messages[0]?.connectionStatus?.status).toBe('FAILED');
      expect(result.messages[0]?.connectionStatus?.message).toContain(
        'Iterable did not accept a call for 20 seconds',
      );
    }));

  it('accepts an api_url with surrounding spaces and a scheme in capitals', () =>
    withHarness({}, async (harness) => {
      const result = await harness.checkInProcess({ api_url: ` ${harness.standin.url.toUpperCase()}/ ` });
      expect(result.messages[0]?.connectionStatus?.status).toBe('SUCCEEDED');
      const secure = await harness.checkInProcess({ api_url: 'HTTPS://127.0.0.1:9' });
      expect(secure.messages[0]?.connectionStatus?.message).toContain('ECONNREFUSED');
    }));

  it.each([
    ['not JSON', 'streams: []', 'catalog: not valid JSON'],
    ['no streams', '{}', 'streams'],
    ['a stream twice', JSON.stringify(aCatalog(aStream(), aStream())), 'users'],
  ])('an invalid catalog (%s)', (_name, catalog, words) =>
    withHarness({}, async (harness) => {
      const result = await harness.write('', { catalog });
      expect(result.exitCode).toBe(1);
      expect(result.errors).toMatchObject([{ failure_type: 'config_error' }]);
      expect(result.errors[0]?.message).toContain(words);
    }),
  );
});

describe('the command line', () => {
  it.each([
    ['no command', []],
    ['an unknown command', ['sync']],
    ['a missing flag', ['check']],
    ['one of two flags missing', ['write', '--config', 'x']],
    ['an unknown flag', ['check', '--config', 'x', '--fast']],
  ])('%s: usage on stderr, exit code 1', async (_name, args) => {
    const result = await runConnector({ args });
    expect(result.exitCode).toBe(1);
    expect(result.stderr).toContain('Usage:');
    expect(result.errors).toMatchObject([{ failure_type: 'config_error' }]);
  });

  it.each([
    ['a file that does not exist', '/nowhere/config.json'],
    ['a file that is not JSON', undefined],
  ])('%s: check answers FAILED', async (_name, path) => {
    const files = new TestFiles();
    const result = await runConnector({
      args: ['check', '--config', path ?? files.write('c.json', '{"api_key": "abc')],
    });
    files.remove();
    expect(result.exitCode).toBe(0);
    expect(result.messages[0]?.connectionStatus?.status).toBe('FAILED');
    expect(result.lines.join('')).not.toContain('abc');
  });

  it('spec needs no environment: one SPEC line, exit code 0, declaring only supported modes', async () => {
    const result = await runConnector({ args: ['spec'], cwd: '/', env: {} });
    expect(result.exitCode).toBe(0);
    expect(result.messages).toHaveLength(1);
    expect(result.messages[0]?.spec).toMatchObject({
      documentationUrl: 'https://docs.airbyte.com/integrations/destinations/iterable',
      supported_destination_sync_modes: ['append', 'append_dedup', 'overwrite', 'update'],
    });
  });

  it('accepts --state, a catalog file named .txt, and --help', () =>
    withHarness({}, async (harness) => {
      const { files } = harness;
      const args = [
        'write',
        '--config',
        files.write('c.json', harness.config()),
        '--catalog',
        files.write('catalog.txt', aCatalog()),
      ];
      expect((await runConnector({ args: [...args, '--state', files.write('s.json', '{}')] })).exitCode).toBe(
        0,
      );
      const help = await runConnector({ args: ['--help'], isText: true });
      expect([help.exitCode, help.lines.join('\n').includes('Usage:'), help.stderr]).toEqual([0, true, '']);
    }));
});

describe('a bug of the connector', () => {
  it.each(['check', 'write', 'spec'])(
    'in %s ends with one system_error and exit code 1, and without a CONNECTION_STATUS',
    async (command) => {
      const files = new TestFiles();
      try {
        // A copy of the program with a broken spec.json.
        cpSync(path.dirname(MAIN), files.path('dist'), { recursive: true });
        symlinkSync(path.join(path.dirname(MAIN), '..', 'node_modules'), files.path('node_modules'));
        files.write('package.json', { type: 'module' });
        files.write('spec.json', '{');
        const flags = {
          config: files.write('c.json', { api_key: 'k' }),
          catalog: files.write('k.json', aCatalog()),
        };
        const result = await runConnector({
          main: files.path('dist/main.js'),
          args: [command, '--config', flags.config, '--catalog', flags.catalog],
        });
        expect([result.exitCode, result.errors.map(({ failure_type }) => failure_type)]).toEqual([
          1,
          ['system_error'],
        ]);
        expect(result.messages.some(({ type }) => type === 'CONNECTION_STATUS')).toBe(false);
      } finally {
        files.remove();
      }
    },
  );
});
