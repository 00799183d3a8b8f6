import { describe, expect, it } from '@jest/globals';
import { TextPages } from '../../src/batching/text-pages.ts';
import type { UserRequest } from '../../src/batching/user-request.ts';
import { BatchLane, type Batch } from '../../src/sync/batch-lane.ts';
import { HandClock, settle } from '../support/hand-clock.ts';

function aRequest(email: string): UserRequest {
  return { key: { kind: 'email', value: email }, ...new TextPages().store('{}') };
}

/** A lane of batches of 2, one in flight; deliveries end when the test says so. */
function aLane() {
  const clock = new HandClock();
  const sent: string[][] = [];
  const endings: (() => void)[] = [];
  const lane = new BatchLane<string>({
    limits: { maxItems: 2, maxBytes: 100, envelopeBytes: 10 },
    clock,
    maxWaitMs: 10_000,
    maxBatchesInFlight: 1,
    onClosed: () => undefined,
    onDone: () => undefined,
    deliver: (batch: Batch<string>) => {
      sent.push([...batch.keys()]);
      return new Promise((resolve) => endings.push(resolve));
    },
  });
  const put = (work: string, since = clock.now()) => {
    lane.put(work, aRequest(work), since);
  };
  return { clock, lane, sent, endings, put };
}

describe('BatchLane', () => {
  it('sends a full batch at once, and a partial one when it has waited long enough', async () => {
    const { clock, sent, endings, put } = aLane();
    for (const work of ['a', 'b', 'c']) put(work);
    expect(sent).toEqual([['a', 'b']]);
    endings[0]?.();
    await clock.advance(9_999);
    expect(sent).toHaveLength(1);
    await clock.advance(1);
    expect(sent).toEqual([['a', 'b'], ['c']]);
  });

  it('counts the wait from the first item of each batch', async () => {
    const { clock, sent, endings, put } = aLane();
    put('a');
    await clock.advance(9_000);
    put('b');
    endings[0]?.();
    put('c');
    await clock.advance(9_999);
    expect(sent).toEqual([['a', 'b']]);
    await clock.advance(1);
    expect(sent).toEqual([['a', 'b'], ['c']]);
  });

  it('counts time that a record has waited elsewhere, and lets overdue ones go together', () => {
    const { clock, sent, put } = aLane();
    put('a', clock.now() - 60_000);
    expect(sent).toEqual([]);
    put('b', clock.now() - 60_000);
    expect(sent).toEqual([['a', 'b']]);
  });

  it('does not let an item that may wait hold up one that may not', async () => {
    const { clock, sent, put } = aLane();
    put('a', clock.now() - 9_000);
    await clock.advance(999);
    expect(sent).toEqual([]);
    await clock.advance(1);
    expect(sent).toEqual([['a']]);
  });

  it('keeps what is complete back while enough is in flight', async () => {
    const { lane, sent, endings, put } = aLane();
    for (const work of ['a', 'b', 'c', 'd']) put(work);
    expect([sent.length, lane.inFlight, lane.busyBatches]).toEqual([1, 1, 2]);
    endings[0]?.();
    await settle();
    expect(sent).toEqual([['a', 'b'], ['c', 'd']]); // prettier-ignore
  });

  it('sends nothing more once it is stopped, and forgets what is taken back', async () => {
    const { clock, lane, sent, put } = aLane();
    put('a');
    lane.remove('a');
    await clock.advance(20_000);
    expect(sent).toEqual([]);
    lane.stop();
    for (const work of ['b', 'c']) put(work);
    expect(sent).toEqual([]);
  });
});
