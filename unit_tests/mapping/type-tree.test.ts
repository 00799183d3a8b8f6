import { describe, expect, it } from '@jest/globals';
import { schemaOfColumn } from '../../src/mapping/schema-types.ts';
import { typeTrees, type TypeTree } from '../../src/mapping/type-tree.ts';

/** Dotted path → type, for everything in the tree. */
function flat({ type, inside }: TypeTree, path = ''): [string, string | undefined][] {
  const below = [...inside].flatMap(([name, tree]) => flat(tree, path === '' ? name : `${path}.${name}`));
  return [[path, type], ...below];
}

describe('typeTrees', () => {
  const typesOf = typeTrees(
    new Map([
      ['home', 'object'],
      ['home.zip', 'string'],
      ['home.geo.lat', 'double'],
      ['away.since', 'a future type'],
    ]),
  );
  const schema = {
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
  };
  const treeOf = (source: string, target: string) => typesOf(schemaOfColumn(schema, source), target);

  it('prefers Iterable’s type of the target to the schema’s type of the source', () => {
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

  it('keeps the schema’s type if Iterable’s is unknown', () => {
    expect(flat(treeOf('address.since', 'away.since'))).toEqual([['', 'date']]);
  });

  it('can start inside objects of both', () => {
    expect(flat(treeOf('address.pets', 'home.geo'))).toEqual([
      ['', undefined],
      ['lat', 'double'],
      ['age', 'long'],
    ]);
  });

  it('is empty if nothing is known', () => {
    expect(flat(treeOf('x.y', 'z'))).toEqual([['', undefined]]);
  });
});
