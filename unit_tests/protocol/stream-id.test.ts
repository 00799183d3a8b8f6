import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { describeStream, streamKey, toStreamId } from '../../src/protocol/stream-id.ts';

describe('toStreamId', () => {
  it.each<[string, string | null | undefined, object]>([
    ['absent', undefined, { name: 'users' }],
    ['null', null, { name: 'users' }],
    ['empty', '', { name: 'users' }],
    ['given', 'public', { name: 'users', namespace: 'public' }],
  ])('with a namespace that is %s', (_sentence, namespace, id) => {
    expect(toStreamId('users', namespace)).toEqual(id);
  });
});

describe('streamKey', () => {
  it('is the same for an empty and an absent namespace', () => {
    expect(streamKey({ name: 'users', namespace: '' })).toBe(streamKey({ name: 'users' }));
  });

  it('is never the same for two streams', () => {
    const part = fc.string({ unit: fc.constantFrom('a', '.', ':', '0', '1', '2'), maxLength: 5 });
    fc.assert(
      fc.property(part, part, part, part, (namespace, name, otherNamespace, otherName) => {
        const isSame = namespace === otherNamespace && name === otherName;
        const key = streamKey(toStreamId(name, namespace));
        expect(key === streamKey(toStreamId(otherName, otherNamespace))).toBe(isSame);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('describeStream', () => {
  it.each([
    [{ name: 'users' }, 'users'],
    [{ name: 'users', namespace: '' }, 'users'],
    [{ name: 'users', namespace: 'public' }, 'public.users'],
  ])('%j', (id, text) => {
    expect(describeStream(id)).toBe(text);
  });
});
