import { describe, expect, it } from '@jest/globals';
import { mappingProblems, type MappingsToCheck } from '../../src/mapping/check-mappings.ts';
import type { Mapping } from '../../src/mapping/options.ts';

const EMAIL: Mapping = { source: 'mail', target: 'email' };

const problems = (mappings: readonly Mapping[], options: Partial<MappingsToCheck> = {}) =>
  mappingProblems({ mappings, identifyBy: 'email', ...options });

describe('mappingProblems', () => {
  it.each<[string, Mapping[]]>([
    ['no mappings at all', []],
    ['the identifying field alone', [EMAIL]],
    ['siblings', [EMAIL, { source: 'a', target: 'a.b' }, { source: 'b', target: 'a.c' }]],
    ['one source for two targets', [EMAIL, { source: 'mail', target: 'contact' }]],
    ['names that begin alike', [EMAIL, { source: 'a', target: 'a' }, { source: 'b', target: 'ab' }]],
    ['a source that ends in a dot, as a header may', [EMAIL, { source: 'No.', target: 'number' }]],
    ['text as the type of an email', [{ ...EMAIL, type: 'string' }]],
    [
      'one target in two streams',
      [EMAIL, { source: 'a', target: 'a', stream: 'users' }, { source: 'b', target: 'a.b', stream: 'leads' }],
    ],
    [
      'an identifying field for each stream',
      [
        { source: 'a', target: 'email', stream: 'users' },
        { source: 'b', target: 'email', stream: 'leads' },
        { source: 'n', target: 'name' },
      ],
    ],
  ])('accepts %s', (_name, mappings) => {
    expect(problems(mappings)).toEqual([]);
  });

  it.each<[string, Mapping, string]>([
    ['a blank source', { source: ' ', target: 'a' }, 'mappings[1].source: must name a column'],
    [
      'a blank target',
      { source: 'a', target: '' },
      'mappings[1].target: must be a field name, without empty parts between dots',
    ],
    [
      'an empty part of a target',
      { source: 'a', target: 'a..b' },
      'mappings[1].target: must be a field name, without empty parts between dots',
    ],
    [
      'a managed target',
      { source: 'a', target: 'devices' },
      "mappings[1].target: devices is managed by Iterable and can't be written; remove the mapping",
    ],
    [
      'a target inside a managed one',
      { source: 'a', target: 'itblInternal.x' },
      "mappings[1].target: itblInternal.x is managed by Iterable and can't be written; remove the mapping",
    ],
    [
      'a number as the type of an id',
      { source: 'a', target: 'userId', type: 'long' },
      'mappings[1].type: userId is always text; leave the type out',
    ],
    [
      'a field inside an id',
      { source: 'a', target: 'userId.x' },
      'mappings[1].target: userId is text, so nothing can be inside of it',
    ],
    [
      'a target twice',
      { source: 'a', target: 'email' },
      'mappings[1].target: email is the target of mappings[0], too',
    ],
  ])('names the place of %s', (_name, mapping, problem) => {
    expect(problems([EMAIL, mapping])).toEqual([problem]);
  });

  it('reports all problems together, each once, however many streams they concern', () => {
    const mappings: Mapping[] = [
      { source: '', target: 'a' },
      { source: 'b', target: 'a.b' },
      { source: 'c', target: 'devices', stream: 'users' },
      { source: 'd', target: 'd', stream: 'leads' },
    ];
    expect(problems(mappings)).toEqual([
      'mappings[0].source: must name a column',
      "mappings[2].target: devices is managed by Iterable and can't be written; remove the mapping",
      "mappings[1].target: a.b and a (mappings[0]) can't both be written, since one lies inside the other",
      'mappings: no mapping for stream users has the target email, which identifies users (identify_by); add one',
      'mappings: no mapping for stream leads has the target email, which identifies users (identify_by); add one',
    ]);
  });

  it('a stream’s mapping conflicts with those that apply to all streams', () => {
    expect(problems([EMAIL, { source: 'x', target: 'email', stream: 'users' }])).toEqual([
      'mappings[1].target: email is the target of mappings[0], too',
    ]);
  });

  it('the identifying field is userId when identify_by says so', () => {
    expect(problems([EMAIL], { identifyBy: 'user_id' })).toEqual([
      'mappings: no mapping has the target userId, which identifies users (identify_by); add one',
    ]);
  });

  it('if the streams are given, each of them needs the identifying field', () => {
    const mappings: Mapping[] = [{ ...EMAIL, stream: 'users' }];
    expect(problems(mappings, { streams: ['users'] })).toEqual([]);
    expect(problems(mappings, { streams: ['users', 'leads', 'leads'] })).toEqual([
      'mappings: no mapping for stream leads has the target email, which identifies users (identify_by); add one',
    ]);
  });

  it('a type may differ from that of a well-known field that the project does not have yet', () => {
    const mappings: Mapping[] = [EMAIL, { source: 'phone', target: 'phoneNumber', type: 'long' }];
    expect(problems(mappings, { knownFields: new Map() })).toEqual([]);
  });

  it('if the known fields are given, a type must not clash with theirs', () => {
    const mappings: Mapping[] = [
      EMAIL,
      { source: 'a', target: 'age', type: 'double' },
      { source: 'b', target: 'home', type: 'object' },
      { source: 'c', target: 'other', type: 'long' },
      { source: 'd', target: 'untyped' },
    ];
    expect(problems(mappings)).toEqual([]);
    const knownFields = new Map([
      ['age', 'long'],
      ['home', 'nested'],
      ['untyped', 'date'],
    ]);
    expect(problems(mappings, { knownFields })).toEqual([
      'mappings[1].type: double clashes with the field age, which is a long in Iterable already',
    ]);
  });
});
