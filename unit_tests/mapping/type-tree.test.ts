import { describe, expect, it } from '@jest/globals';
import { typeTrees, type TypeTree } from '../../src/mapping/type-tree.ts';

/** Dotted path → type, of everything the tree knows. */
function flat({ type, inside }: TypeTree, path = ''): [string, string | undefined][] {
  const below = [...inside].flatMap(([name, tree]) => flat(tree, path === '' ? name : `${path}.${name}`));
  return [[path, type], ...below];
}

describe('typeTrees', () => {
  const treeOf = typeTrees(
    new Map([
      ['home', 'object'],
      ['home.zip', 'string'],
      ['home.geo.lat', 'double'],
      ['away.since', 'a word of the future'],
    ]),
    {
      properties: {
        address: {
          type: 'object',
          properties: {
            zip: { type: 'integer' },
            since: { type: 'string', format: 'date' },
            note: {},
            pets: { type: 'array', items: { properties: { age: { type: 'integer' } } } },
          },
        },
      },
    },
  );

  it('lays what Iterable knows of the target over what the schema says of the source', () => {
    expect(flat(treeOf('address', 'home'))).toEqual([
      ['', 'object'],
      ['zip', 'string'],
      ['geo', undefined],
      ['geo.lat', 'double'],
      ['since', 'date'],
      ['pets', undefined],
      ['pets.age', 'long'],
    ]);
  });

  it('a type word that nobody knows leaves the schema’s', () => {
    expect(flat(treeOf('address.since', 'away.since'))).toEqual([['', 'date']]);
  });

  it('begins inside of both', () => {
    expect(flat(treeOf('address.pets', 'home.geo'))).toEqual([
      ['', undefined],
      ['lat', 'double'],
      ['age', 'long'],
    ]);
  });

  it('of nothing there is nothing to know', () => {
    expect(flat(treeOf('x.y', 'z'))).toEqual([['', undefined]]);
  });
});
