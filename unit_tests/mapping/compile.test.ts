import { describe, expect, it } from '@jest/globals';
import { parseJson, type JsonObject } from '../../src/json.ts';
import { compileMapper, type MapperOptions } from '../../src/mapping/compile.ts';

function map(json: string, options: Partial<MapperOptions> = {}, nulledFields: readonly string[] = []) {
  const warnings: string[] = [];
  const mapper = compileMapper(
    {
      stream: { name: 'users' },
      jsonSchema: {},
      mappings: [],
      knownFields: new Map(),
      projectType: 'hybrid',
      identifyBy: 'email',
      deletionColumn: '_ab_cdc_deleted_at',
      reservedColumns: [],
      ...options,
    },
    (warning) => warnings.push(warning),
  );
  const result = mapper({ data: parseJson(json) as JsonObject, nulledFields });
  return {
    result,
    warnings,
    values: result.kind === 'upsert' ? Object.fromEntries(result.values) : undefined,
  };
}

const EMAIL = { source: 'email', target: 'email' };

describe('compileMapper', () => {
  it('converts leaves inside of objects by known fields and by the schema', () => {
    const { values } = map('{"email":"a@x","home":{"zip":12,"since":"2024-01-01","other":1}}', {
      knownFields: new Map([['home.zip', 'string']]),
      jsonSchema: {
        properties: { home: { type: 'object', properties: { since: { type: 'string', format: 'date' } } } },
      },
    });
    expect({ ...(values?.home as object) }).toEqual({
      zip: '12',
      since: '2024-01-01 00:00:00 +00:00',
      other: 1,
    });
  });

  it('names the dotted field of a leaf that can’t be converted', () => {
    expect(
      map('{"email":"a@x","home":{"zip":"high"}}', { knownFields: new Map([['home.zip', 'long']]) }).result,
    ).toMatchObject({
      kind: 'rejected',
      code: 'wrong_type',
      field: 'home.zip',
    });
  });

  it('leaves a NULLED leaf of an object alone', () => {
    const { values } = map('{"email":"a@x","home":{"zip":null,"city":"Rome"}}', {}, ['home.zip']);
    expect({ ...(values?.home as object) }).toEqual({ city: 'Rome' });
  });

  it.each([
    ['absent', '{}'],
    ['null', '{"email":null}'],
    ['blank', '{"email":"  "}'],
  ])('rejects a record whose identifier is %s', (_name, json) => {
    expect(map(json).result).toMatchObject({ kind: 'rejected', code: 'missing_identifier', field: 'email' });
  });

  it('rejects a record whose identifier was NULLED on the way', () => {
    expect(map('{"email":"a@x"}', {}, ['email']).result).toMatchObject({
      kind: 'rejected',
      code: 'missing_identifier',
    });
  });

  it('rejects columns that want the same place', () => {
    expect(map('{"email":"a@x","a":1,"a.b":2}').result).toMatchObject({
      kind: 'rejected',
      code: 'field_conflict',
      field: 'a.b',
    });
  });

  it('a path into something that is no object is a wrong type, into null a null, into nothing nothing', () => {
    const mappings = [EMAIL, { source: 'a.b', target: 't' }];
    expect(map('{"email":"x","a":"text"}', { mappings }).result).toMatchObject({
      code: 'wrong_type',
      field: 't',
    });
    expect(map('{"email":"x","a":null}', { mappings }).values).toEqual({ t: null });
    expect(map('{"email":"x"}', { mappings }).values).toEqual({});
  });

  it('keeps an address that is null on an email project, and clears it elsewhere', () => {
    const options = { identifyBy: 'user_id' } as const;
    expect(map('{"userId":"1","email":null}', { ...options, projectType: 'email' }).values).toEqual({});
    expect(map('{"userId":"1","email":null}', { ...options, projectType: 'user_id' }).values).toEqual({
      email: null,
    });
  });

  it('trims an address and folds its case, as key and as a field', () => {
    expect(map('{"email":" A@X "}').result).toMatchObject({ key: { kind: 'email', value: 'a@x' } });
    expect(map('{"userId":"1","email":" A@X "}', { identifyBy: 'user_id' }).values).toEqual({ email: 'a@x' });
  });

  it('keeps a user id as it is, blanks and case and digits', () => {
    const options = { identifyBy: 'user_id' } as const;
    expect(map('{"userId":" Ab "}', options).result).toMatchObject({
      key: { kind: 'userId', value: ' Ab ' },
    });
    expect(map('{"userId":90071992547409931}', options).result).toMatchObject({
      key: { kind: 'userId', value: '90071992547409931' },
    });
  });

  it('a deletion needs only what identifies; other columns are not looked at', () => {
    expect(
      map('{"userId":5,"age":"x","_ab_cdc_deleted_at":"now"}', { knownFields: new Map([['age', 'long']]) })
        .result,
    ).toEqual({ kind: 'removal', userId: '5' });
    expect(map('{"email":" A@X ","userId":5,"_ab_cdc_deleted_at":1}').result).toEqual({
      kind: 'removal',
      email: 'a@x',
      userId: '5',
    });
  });

  it('a NULLED deletion column is no deletion', () => {
    expect(map('{"email":"a@x","_ab_cdc_deleted_at":"t"}', {}, ['_ab_cdc_deleted_at']).result.kind).toBe(
      'upsert',
    );
  });

  it('warns of a managed column once', () => {
    expect(map('{"email":"a@x","itblInternal":{}}').warnings).toHaveLength(1);
  });
});
