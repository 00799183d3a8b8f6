import { describe, expect, it } from '@jest/globals';
import type { Config } from '../../src/config/schema.ts';
import type { ConfiguredStream } from '../../src/protocol/catalog.ts';
import { identifierOf } from '../../src/streams/identifier.ts';

const config = {
  project_type: 'hybrid',
  identify_by: 'email',
  mappings: [
    { source: 'id', target: 'userId' },
    { source: 'their_mail', target: 'email', stream: 'others' },
    { source: 'mail', target: 'email', stream: 'users' },
  ],
} as unknown as Config;
const stream = (given: Partial<ConfiguredStream> = {}) =>
  ({ id: { name: 'users' }, primaryKey: [], ...given }) as unknown as ConfiguredStream;

describe('the identifying column', () => {
  it('is the column that a mapping of the stream names', () => {
    expect(identifierOf(stream(), config, [])).toEqual({
      target: 'email',
      mapped: { source: 'mail', place: 'mappings[2].source' },
      isTaken: false,
      sources: ['id', 'mail'],
      namesIterableFields: false,
    });
  });

  it('is the column of its own name, if nothing is mapped', () => {
    const unmapped = { ...config, identify_by: 'user_id' as const, mappings: [] };
    expect(identifierOf(stream(), unmapped, ['vip'])).toMatchObject({
      target: 'userId',
      mapped: undefined,
      isTaken: false,
    });
    expect(identifierOf(stream(), unmapped, ['userId'])).toMatchObject({ isTaken: true });
  });

  it('is the column of its own name, if the stream names a destination object', () => {
    const activated = stream({ destinationObjectName: 'users', primaryKey: [['userId']] });
    expect(identifierOf(activated, config, [])).toMatchObject({
      target: 'userId',
      mapped: undefined,
      sources: [],
      namesIterableFields: true,
    });
  });
});
