import { describe, expect, it } from '@jest/globals';
import { withHarness } from './support/harness.ts';
import { aRecord, aState } from './support/messages.ts';

describe('a sync', () => {
  it('delivers records as users and returns the states in order', () =>
    withHarness({}, async (harness) => {
      const input = [
        aRecord({ email: ' Ada@Example.com ', name: 'Ada', age: 36, score: 5.5, vip: true }),
        aState(1),
        aRecord({ email: 'bob@example.com', address: { city: 'Rome', zip: '1' } }),
        aState(2),
      ].join('');
      const result = await harness.write(input);
      expect(result.errors).toEqual([]);
      expect(result.exitCode).toBe(0);
      expect(harness.standin.store.users()).toEqual([
        { email: 'ada@example.com', dataFields: { name: 'Ada', age: 36, score: 5.5, vip: true } },
        { email: 'bob@example.com', dataFields: { address: { city: 'Rome', zip: '1' } } },
      ]);
      expect(result.states).toEqual([
        '{"type":"STATE","state":{"type":"STREAM","stream":{"stream_descriptor":{"name":"users"},"stream_state":{"cursor":1}},"destinationStats":{"recordCount":1.0}}}',
        '{"type":"STATE","state":{"type":"STREAM","stream":{"stream_descriptor":{"name":"users"},"stream_state":{"cursor":2}},"destinationStats":{"recordCount":1.0}}}',
      ]);
      expect(harness.standin.calls('/bulkUpdate').length).toBe(1);
    }));
});
