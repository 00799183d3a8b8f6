import { describe, expect, it } from '@jest/globals';
import { Run } from '../../../src/run.ts';
import { BatchLane } from '../../../src/sync/lanes/batch-lane.ts';
import { HandClock, settle } from '../../support/hand-clock.ts';
import { aRequest } from '../../support/tasks.ts';

/** A lane of batches of 2, one in flight; deliveries end when the test says so. */
function aLane({ maxItems = 2, maxBytes = 10_000 } = {}) {
  const clock = new HandClock();
  const run = new Run(clock);
  const sent: string[][] = [];
  const closed: string[] = [];
  const endings: { readonly done: () => void; readonly fail: (error: Error) => void }[] = [];
  const inFlightWhenMoved: number[] = [];
  const lane = new BatchLane<string>({
    run,
    clock,
    limits: { maxItems, maxBytes, envelopeBytes: 10 },
    maxWaitMs: 10_000,
    maxBatchesInFlight: 1,
    close: (task, { key }) => closed.push(`${task} as ${key.value}`),
    deliver: (batch) => {
      sent.push([...batch].map(([task, { key }]) => (key.value === task ? task : `${task} as ${key.value}`)));
      return new Promise((done, fail) => {
        endings.push({ done, fail });
      });
    },
  });
  run.onMoved(() => {
    inFlightWhenMoved.push(lane.inFlight);
  });
  const put = (task: string, since = clock.now()) => {
    lane.put(task, aRequest(task), since);
  };
  return { clock, run, lane, sent, closed, endings, inFlightWhenMoved, put };
}

describe('a lane of batches', () => {
  it('sends a full batch at once, and a partial one when it has waited long enough', async () => {
    const { clock, sent, endings, put } = aLane();
    for (const task of ['a', 'b', 'c']) put(task);
    expect(sent).toEqual([['a', 'b']]);
    endings[0]?.done();
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
    endings[0]?.done();
    put('c');
    await clock.advance(9_999);
    expect(sent).toEqual([['a', 'b']]);
    await clock.advance(1);
    expect(sent).toEqual([['a', 'b'], ['c']]);
  });

  it('counts time that a record has waited elsewhere, and lets overdue ones go together', async () => {
    const { clock, sent, endings, put } = aLane();
    put('a', clock.now() - 60_000);
    expect(sent).toEqual([]);
    put('b', clock.now() - 60_000);
    expect(sent).toEqual([['a', 'b']]);
    endings[0]?.done();
    put('c', clock.now() - 60_000);
    await clock.advance(49);
    expect(sent).toHaveLength(1);
    await clock.advance(1);
    expect(sent).toEqual([['a', 'b'], ['c']]);
  });

  it('does not let an item that may wait hold up one that may not', async () => {
    const { clock, sent, put } = aLane({ maxItems: 3 });
    put('a');
    put('b', clock.now() - 9_000);
    await clock.advance(999);
    expect(sent).toEqual([]);
    await clock.advance(1);
    expect(sent).toEqual([['a', 'b']]);
  });

  it('sends what waits when it is flushed, and nothing where nothing waits', async () => {
    const { clock, lane, sent, endings, put } = aLane();
    lane.flush();
    put('a');
    lane.flush();
    lane.flush();
    expect([sent, clock.sleepers]).toEqual([[['a']], 0]);
    endings[0]?.done();
    await clock.advance(20_000);
    expect(sent).toEqual([['a']]);
  });

  it('sends a partial batch at once when the next item no longer fits into it', () => {
    const { sent, put } = aLane({ maxBytes: 100 });
    put('a');
    put('b');
    expect(sent).toEqual([['a']]);
  });

  it('keeps what is complete back while enough is in flight', async () => {
    const { lane, sent, endings, put } = aLane();
    for (const task of ['a', 'b', 'c', 'd']) put(task);
    expect([sent.length, lane.inFlight, lane.busyBatches]).toEqual([1, 1, 2]);
    endings[0]?.done();
    await settle();
    expect(sent).toEqual([['a', 'b'], ['c', 'd']]); // prettier-ignore
  });

  it('closes each item of a batch as soon as that is complete, also while it can’t be sent yet', () => {
    const { closed, put } = aLane();
    put('a');
    expect(closed).toEqual([]);
    for (const task of ['b', 'c', 'd']) put(task);
    expect(closed).toEqual(['a as a', 'b as b', 'c as c', 'd as d']);
  });

  it('sends an item that is put again once, with its new request', () => {
    const { clock, lane, sent, closed, put } = aLane();
    put('a');
    lane.put('a', aRequest('a2'), clock.now());
    expect(sent).toEqual([]);
    put('b');
    expect([sent, closed]).toEqual([[['a as a2', 'b']], ['a as a2', 'b as b']]);
  });

  it('forgets what is taken back', async () => {
    const { clock, lane, sent, put } = aLane();
    put('a');
    lane.remove('a');
    lane.remove('b');
    await clock.advance(20_000);
    expect(sent).toEqual([]);
  });

  it('sends a partial batch in time, also after one whose tasks were all taken back', async () => {
    const { clock, lane, sent, put } = aLane();
    put('a');
    lane.remove('a');
    await clock.advance(20_000);
    put('b');
    await clock.advance(20_000);
    expect(sent).toEqual([['b']]);
  });

  it('tells the run of each batch when it is no longer in flight, and the next one is', async () => {
    const { endings, inFlightWhenMoved, put } = aLane();
    for (const task of ['a', 'b', 'c', 'd']) put(task);
    endings[0]?.done();
    await settle();
    endings[1]?.done();
    await settle();
    expect(inFlightWhenMoved).toEqual([1, 0]);
  });

  it('sends nothing more once the run is over, and waits for nothing', async () => {
    const { clock, run, lane, sent, put } = aLane();
    put('a');
    run.end();
    expect(clock.sleepers).toBe(0);
    for (const task of ['b', 'c']) put(task);
    lane.flush();
    await clock.advance(20_000);
    expect(sent).toEqual([]);
  });

  it('fails the run with what a delivery throws, and has that no longer in flight', async () => {
    const { run, lane, sent, endings, put } = aLane();
    for (const task of ['a', 'b', 'c', 'd']) put(task);
    endings[0]?.fail(new Error('away'));
    await settle();
    expect([run.failure?.message, lane.inFlight, sent]).toEqual(['away', 0, [['a', 'b']]]);
  });
});
