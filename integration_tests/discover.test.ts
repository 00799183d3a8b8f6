import { describe, expect, it } from '@jest/globals';
import { runConnector, TestFiles, type Operation, type RunResult } from './support/connector.ts';
import { withHarness } from './support/harness.ts';

function operationsOf({ messages }: RunResult): readonly Operation[] {
  return messages[0]?.destination_catalog?.operations ?? [];
}

const FIELDS = {
  score: 'double',
  'home.city': 'string',
  'home.geo.lat': 'double',
  emailListIds: 'long',
  'itblInternal.documentCreatedAt': 'date',
};

describe('discover', () => {
  it.each<[string, 'hybrid' | 'email' | 'user_id', string | undefined, string[], string[][]]>([
    ['a hybrid project', 'hybrid', undefined, ['email'], [['email'], ['userId']]],
    ['a hybrid project, by user id', 'hybrid', 'user_id', ['userId'], [['userId'], ['email']]],
    ['an email project', 'email', undefined, ['email'], [['email'], ['userId']]],
    ['an email project, by user id', 'email', 'user_id', ['userId'], [['userId'], ['email']]],
    ['a user_id project', 'user_id', undefined, ['userId'], [['userId']]],
  ])('%s: one catalog with the object users', (_name, projectType, identifyBy, required, keys) =>
    withHarness({ projectType, fields: FIELDS }, async (harness) => {
      const result = await harness.discover(identifyBy === undefined ? {} : { identify_by: identifyBy });
      expect(result.exitCode).toBe(0);
      expect(result.messages.map(({ type }) => type)).toEqual(['DESTINATION_CATALOG']);
      const operations = operationsOf(result);
      expect(operations.map(({ object_name, sync_mode }) => `${object_name} ${sync_mode}`)).toEqual([
        'users append_dedup',
        'users update',
        'users overwrite',
      ]);
      for (const { json_schema: schema, matching_keys } of operations) {
        expect(matching_keys).toEqual(keys);
        expect(schema.required).toEqual(required);
        expect(schema.additionalProperties).toBe(true);
        expect(Object.keys(schema.properties)).toEqual(
          'email userId name firstName lastName phoneNumber signupDate timeZone locale city region country home score'.split(
            ' ',
          ),
        );
        expect(schema.properties.home).toEqual({
          type: ['null', 'object'],
          additionalProperties: true,
          properties: {
            city: { type: ['null', 'string'] },
            geo: {
              type: ['null', 'object'],
              additionalProperties: true,
              properties: { lat: { type: ['null', 'number'] } },
            },
          },
        });
      }
      expect(harness.standin.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
        'GET /api/users/getFields',
      ]);
    }),
  );

  it('a wrong configuration is one config_error, before anything is sent', () =>
    withHarness({}, async (harness) => {
      const result = await harness.discover({ data_center: 'mars', batch_size: 0 });
      expect(result.exitCode).toBe(1);
      expect(result.errors).toMatchObject([{ failure_type: 'config_error' }]);
      expect(result.errors[0]?.message).toContain('data_center: must be one of us, eu');
      expect(result.errors[0]?.message).toContain('batch_size: must be');
      expect(harness.standin.requests).toEqual([]);
    }));

  it('a key that Iterable refuses is a config_error that does not show the key', () =>
    withHarness({}, async (harness) => {
      const config = { api_key: 'wrong-key-of-somebody-else-12345' };
      const result = await harness.discover(config);
      expect(result.exitCode).toBe(1);
      expect(result.errors).toMatchObject([{ failure_type: 'config_error' }]);
      expect(result.errors[0]?.message).toContain('api_key: Iterable refused the key');
      expect([...result.lines, result.stderr].join('')).not.toContain(config.api_key);
    }));

  it('an unreachable Iterable is a transient_error', async () => {
    const files = new TestFiles();
    const config = files.write('config.json', { api_key: 'k', api_url: 'http://127.0.0.1:9' });
    const result = await runConnector({ args: ['discover', '--config', config] });
    files.remove();
    expect(result.exitCode).toBe(1);
    expect(result.errors).toMatchObject([{ failure_type: 'transient_error' }]);
  }, 45_000);

  it('without a configuration: usage on stderr, exit code 1', async () => {
    const result = await runConnector({ args: ['discover'] });
    expect(result.exitCode).toBe(1);
    expect(result.stderr).toContain('discover needs --config FILE.');
  });
});
