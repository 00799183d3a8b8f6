import { describe, expect, it } from '@jest/globals';
import { ConfigError } from '../../src/errors.ts';
import { isFullReplacement, parseCatalog, type ConfiguredStream } from '../../src/protocol/catalog.ts';

const USERS = { stream: { name: 'users', json_schema: {} } };

function parseStreams(...streams: unknown[]): readonly ConfiguredStream[] {
  return parseCatalog(JSON.stringify({ streams })).streams;
}

function problemsOf(text: string): readonly string[] {
  try {
    parseCatalog(text);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    expect(error.code).toBe('catalog_invalid');
    return error.problems;
  }
  return [];
}

describe('parseCatalog', () => {
  const least = {
    id: { name: 'users' },
    jsonSchema: {},
    syncMode: 'full_refresh',
    destinationSyncMode: 'append',
    primaryKey: [],
    cursorField: [],
  };

  it.each<[string, object, object]>([
    ['the minimum, with the defaults of the protocol', USERS, least],
    ['a primary key that is an empty path, which counts as absent', { ...USERS, primary_key: [[]] }, least],
    [
      'everything',
      {
        stream: {
          name: 'users',
          namespace: 'public',
          json_schema: { properties: { id: { type: 'integer' } } },
          supported_sync_modes: ['incremental'],
          is_resumable: true,
        },
        sync_mode: 'incremental',
        destination_sync_mode: 'append_dedup',
        primary_key: [['id'], ['address', 'zip']],
        cursor_field: ['updated_at'],
        generation_id: 3,
        minimum_generation_id: 0,
        sync_id: 12,
        destination_object_name: 'users',
        something_new: { a: 1 },
      },
      {
        id: { name: 'users', namespace: 'public' },
        jsonSchema: { properties: { id: { type: 'integer' } } },
        syncMode: 'incremental',
        destinationSyncMode: 'append_dedup',
        primaryKey: [['id'], ['address', 'zip']],
        cursorField: ['updated_at'],
        generationId: 3,
        minimumGenerationId: 0,
        syncId: 12,
        destinationObjectName: 'users',
      },
    ],
    [
      'nulls, as if absent',
      {
        stream: { ...USERS.stream, namespace: null, default_cursor_field: null },
        sync_mode: null,
        destination_sync_mode: null,
        primary_key: null,
        cursor_field: null,
        generation_id: null,
        minimum_generation_id: null,
        sync_id: null,
        destination_object_name: null,
      },
      least,
    ],
    ['an empty namespace, as if absent', { stream: { ...USERS.stream, namespace: '' } }, least],
    [
      'the destination sync mode update',
      { ...USERS, destination_sync_mode: 'update' },
      { ...least, destinationSyncMode: 'update' },
    ],
  ])('reads %s', (_sentence, stream, expected) => {
    expect(parseStreams(stream)).toEqual([expected]);
  });

  it('keeps the order of the streams, or of none', () => {
    const named = (name: string, namespace?: string) => ({ stream: { ...USERS.stream, name, namespace } });
    expect(parseStreams(named('b'), named('a'), named('b', 'x')).map(({ id }) => id)).toEqual([
      { name: 'b' },
      { name: 'a' },
      { name: 'b', namespace: 'x' },
    ]);
    expect(parseStreams()).toEqual([]);
  });

  it('keeps equal schemas of columns once, whatever the columns are called', () => {
    const text = { type: ['null', 'string'] };
    const schema = `{"properties":{"a":${JSON.stringify(text)},"__proto__":${JSON.stringify(text)},"n":{"type":"integer"}}}`;
    const stream = (name: string) => `{"stream":{"name":"${name}","json_schema":${schema}}}`;
    const { streams } = parseCatalog(`{"streams":[${stream('one')},${stream('two')}]}`);
    const [one, two] = streams.map(({ jsonSchema }) => jsonSchema.properties as Record<string, unknown>);
    expect(JSON.stringify(streams[1]?.jsonSchema)).toBe(schema);
    expect(one).not.toBe(two);
    expect(one?.['a']).toBe(two?.['a']);
    expect(Object.getOwnPropertyDescriptor(one, '__proto__')?.value).toBe(one?.['a']);
    expect(two?.['n']).toBe(one?.['n']);
    expect(one?.['n']).toEqual({ type: 'integer' });
  });

  it('ignores a byte order mark', () => {
    expect(parseCatalog('\uFEFF{"streams":[]}').streams).toEqual([]);
  });

  it.each<[string, unknown, string[]]>([
    ['not an object', [], ['catalog: the catalog: Invalid input: expected object, received array']],
    ['no streams', {}, ['catalog: streams: Invalid input: expected array, received undefined']],
    [
      'no stream',
      { streams: [{}] },
      ['catalog: streams[0].stream: Invalid input: expected object, received undefined'],
    ],
    [
      'no name',
      { streams: [{ stream: { json_schema: {} } }] },
      ['catalog: streams[0].stream.name: Invalid input: expected string, received undefined'],
    ],
    [
      'no json_schema',
      { streams: [{ stream: { name: 'users' } }] },
      ['catalog: streams[0].stream.json_schema: Invalid input: expected object'],
    ],
    [
      'a null json_schema',
      { streams: [{ stream: { name: 'users', json_schema: null } }] },
      ['catalog: streams[0].stream.json_schema: Invalid input: expected object'],
    ],
    [
      'an unknown sync mode',
      { streams: [{ ...USERS, destination_sync_mode: 'soft_delete' }] },
      [
        'catalog: streams[0].destination_sync_mode: Invalid option: expected one of "append"|"overwrite"|"append_dedup"|"update"',
      ],
    ],
    [
      'a flat primary key',
      { streams: [{ ...USERS, primary_key: ['id'] }] },
      ['catalog: streams[0].primary_key[0]: Invalid input: expected array, received string'],
    ],
    [
      'the same stream twice, once with an empty namespace',
      {
        streams: [
          USERS,
          { stream: { ...USERS.stream, name: 'a' } },
          { stream: { ...USERS.stream, namespace: '' } },
        ],
      },
      ['catalog: streams[2]: users is already configured in streams[0]'],
    ],
    [
      'several problems at once',
      { streams: [{ stream: { name: 5, json_schema: [] }, sync_mode: 'x' }] },
      [
        'catalog: streams[0].stream.name: Invalid input: expected string, received number',
        'catalog: streams[0].stream.json_schema: Invalid input: expected object',
        'catalog: streams[0].sync_mode: Invalid option: expected one of "full_refresh"|"incremental"',
      ],
    ],
  ])('reports the problem: %s', (_sentence, catalog, problems) => {
    expect(problemsOf(JSON.stringify(catalog))).toEqual(problems);
  });

  it('reports invalid JSON', () => {
    expect(problemsOf('')).toEqual(['catalog: not valid JSON: Unexpected end of JSON input']);
  });
});

describe('find', () => {
  it('finds a stream by its id, with or without a namespace', () => {
    const catalog = parseCatalog(
      JSON.stringify({ streams: [USERS, { stream: { ...USERS.stream, namespace: 'public' } }] }),
    );
    expect(catalog.find({ name: 'users' })).toBe(catalog.streams[0]);
    expect(catalog.find({ name: 'users', namespace: '' })).toBe(catalog.streams[0]);
    expect(catalog.find({ name: 'users', namespace: 'public' })).toBe(catalog.streams[1]);
    expect(catalog.find({ name: 'other' })).toBeUndefined();
  });
});

describe('isFullReplacement', () => {
  it.each<[string, object, boolean]>([
    ['full refresh, overwrite', { destination_sync_mode: 'overwrite' }, true],
    ['full refresh, append', { destination_sync_mode: 'append' }, false],
    ['incremental, overwrite', { sync_mode: 'incremental', destination_sync_mode: 'overwrite' }, false],
    ['the minimum generation is that of this run', { generation_id: 4, minimum_generation_id: 4 }, true],
    [
      'the same with deduplication',
      { destination_sync_mode: 'append_dedup', generation_id: 4, minimum_generation_id: 4, sync_id: 9 },
      true,
    ],
    ['the minimum generation is 0', { generation_id: 4, minimum_generation_id: 0 }, false],
    ['both generations are 0', { generation_id: 0, minimum_generation_id: 0 }, false],
    ['an earlier generation is kept', { generation_id: 4, minimum_generation_id: 3 }, false],
    ['only one of the ids is present', { minimum_generation_id: 4 }, false],
    [
      'an incremental stream is refreshed',
      { sync_mode: 'incremental', generation_id: 4, minimum_generation_id: 4 },
      false,
    ],
    ["PyAirbyte's blanket triple, append", { generation_id: 1, minimum_generation_id: 1, sync_id: 1 }, false],
    [
      "PyAirbyte's blanket triple, overwrite",
      { destination_sync_mode: 'overwrite', generation_id: 1, minimum_generation_id: 1, sync_id: 1 },
      true,
    ],
    ['a first generation of a later sync', { generation_id: 1, minimum_generation_id: 1, sync_id: 2 }, true],
  ])('%s', (_sentence, configured, expected) => {
    const [stream] = parseStreams({ ...USERS, ...configured });
    expect(stream && isFullReplacement(stream)).toBe(expected);
  });
});
