import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { CheckpointTracker, type ReleasedState, type Ticket } from '../../src/checkpoint/tracker.ts';

/** A released state in short: its text and its counts. */
function short({ text, recordCount, rejectedRecordCount }: ReleasedState): string {
  return `${text} ${recordCount}+${rejectedRecordCount}`;
}

/** A tracker of the streams a and b with short methods. */
class Driver {
  readonly tracker = new CheckpointTracker(['a', 'b']);

  records(streamKey: string, count: number): Ticket[] {
    return Array.from({ length: count }, () => this.tracker.trackRecord(streamKey));
  }

  stream(streamKey: string, text: string): void {
    this.tracker.trackState({ scope: 'stream', streamKey, text });
  }

  global(text: string): void {
    this.tracker.trackState({ scope: 'global', text });
  }

  confirm(tickets: readonly Ticket[]): void {
    for (const ticket of tickets) this.tracker.settle(ticket, 'confirmed');
  }

  reject(tickets: readonly Ticket[]): void {
    for (const ticket of tickets) this.tracker.settle(ticket, 'rejected');
  }

  take(): string[] {
    return this.tracker.takeReleased().map(short);
  }
}

describe('STREAM states', () => {
  it('are emitted at once, and once only, when nothing came before them', () => {
    const driver = new Driver();
    driver.stream('a', 's1');
    expect(driver.take()).toEqual(['s1 0+0']);
    expect(driver.take()).toEqual([]);
  });

  it('wait for every earlier record of their stream, whatever settles first', () => {
    const driver = new Driver();
    const [first, ...others] = driver.records('a', 3);
    driver.stream('a', 's1');
    driver.confirm(others);
    expect(driver.take()).toEqual([]);
    driver.confirm([first as Ticket]);
    expect(driver.take()).toEqual(['s1 3+0']);
  });

  it('do not wait for other streams, nor for later records', () => {
    const driver = new Driver();
    driver.records('b', 2);
    const early = driver.records('a', 1);
    driver.stream('a', 's1');
    driver.records('a', 1);
    driver.confirm(early);
    expect(driver.take()).toEqual(['s1 1+0']);
  });

  it('are emitted in the order received, also when the later one is ready first', () => {
    const driver = new Driver();
    const first = driver.records('a', 1);
    driver.stream('a', 's1');
    const second = driver.records('a', 2);
    driver.stream('a', 's2');
    driver.confirm(second);
    expect(driver.take()).toEqual([]);
    driver.confirm(first);
    expect(driver.take()).toEqual(['s1 1+0', 's2 2+0']);
  });

  it('are emitted in the order received when states of several streams become ready together', () => {
    const driver = new Driver();
    const a = driver.records('a', 1);
    const b = driver.records('b', 1);
    driver.stream('a', 'a1');
    driver.stream('b', 'b1');
    driver.confirm(b);
    driver.confirm(a);
    expect(driver.take()).toEqual(['a1 1+0', 'b1 1+0']);
  });

  it('count rejected records separately, since the previous state', () => {
    const driver = new Driver();
    driver.confirm(driver.records('a', 2));
    driver.reject(driver.records('a', 3));
    driver.stream('a', 's1');
    driver.reject(driver.records('a', 1));
    driver.stream('a', 's2');
    expect(driver.take()).toEqual(['s1 2+3', 's2 0+1']);
  });
});

describe('STREAM states of a stream that is not in the catalog', () => {
  it('wait for all earlier records and count none', () => {
    const driver = new Driver();
    const a = driver.records('a', 1);
    const b = driver.records('b', 1);
    driver.stream('prefix_a', 'x1');
    driver.records('b', 1);
    driver.confirm(a);
    expect(driver.take()).toEqual([]);
    driver.confirm(b);
    expect(driver.take()).toEqual(['x1 0+0']);
  });

  it('leave all records to the count of the next GLOBAL state', () => {
    const driver = new Driver();
    driver.confirm(driver.records('a', 2));
    driver.stream('x', 'x1');
    driver.reject(driver.records('b', 1));
    driver.stream('x', 'x2');
    driver.global('g1');
    expect(driver.take()).toEqual(['x1 0+0', 'x2 0+0', 'g1 2+1']);
  });
});

describe('GLOBAL and LEGACY states', () => {
  it('wait for the records of all streams, and count them since the last such state', () => {
    const driver = new Driver();
    const a = driver.records('a', 2);
    const b = driver.records('b', 1);
    driver.global('g1');
    driver.confirm(a);
    expect(driver.take()).toEqual([]);
    driver.reject(b);
    expect(driver.take()).toEqual(['g1 2+1']);
    driver.confirm(driver.records('b', 4));
    driver.tracker.trackState({ scope: 'legacy', text: 'l1' });
    expect(driver.take()).toEqual(['l1 4+0']);
  });

  it('hold back STREAM states that were received later', () => {
    const driver = new Driver();
    const b = driver.records('b', 1);
    driver.global('g1');
    driver.stream('a', 'a1');
    driver.stream('a', 'a2');
    expect(driver.take()).toEqual([]);
    driver.confirm(b);
    expect(driver.take()).toEqual(['g1 1+0', 'a1 0+0', 'a2 0+0']);
  });

  it('wait for a STREAM state that was received earlier', () => {
    const driver = new Driver();
    const a = driver.records('a', 1);
    driver.stream('a', 'a1');
    driver.global('g1');
    driver.stream('a', 'a2');
    driver.global('g2');
    driver.confirm(a);
    expect(driver.take()).toEqual(['a1 1+0', 'g1 1+0', 'a2 0+0', 'g2 0+0']);
  });
});

describe('CheckpointTracker', () => {
  it('counts pending records and states', () => {
    const { tracker } = new Driver();
    const ticket = tracker.trackRecord('a');
    tracker.trackRecord('a');
    tracker.trackState({ scope: 'global', text: 'g1' });
    expect([tracker.pendingRecords, tracker.pendingStates]).toEqual([2, 1]);
    tracker.settle(ticket, 'confirmed', 2);
    expect([tracker.pendingRecords, tracker.pendingStates]).toEqual([0, 1]);
    tracker.takeReleased();
    expect([tracker.pendingRecords, tracker.pendingStates]).toEqual([0, 0]);
  });

  it('refuses to settle more than was tracked', () => {
    const { tracker } = new Driver();
    const ticket = tracker.trackRecord('a');
    tracker.trackState({ scope: 'stream', streamKey: 'a', text: 's1' });
    tracker.trackRecord('a');
    expect(() => {
      tracker.settle(ticket, 'confirmed', 2);
    }).toThrow('More records settled than were tracked');
    tracker.settle(ticket, 'confirmed');
    for (const count of [1, -1, NaN]) {
      expect(() => {
        tracker.settle(ticket, 'rejected', count);
      }).toThrow('More records settled than were tracked');
    }
    expect(tracker.takeReleased().map(short)).toEqual(['s1 1+0']);
  });

  it('refuses records of streams it does not know', () => {
    expect(() => new Driver().tracker.trackRecord('c')).toThrow('A record of a stream that is not tracked');
  });

  it('uses no memory per record: records between two states share a ticket', () => {
    const driver = new Driver();
    expect(new Set(driver.records('a', 1_000)).size).toBe(1);
    driver.global('g1');
    expect(new Set(driver.records('a', 1_000)).size).toBe(1);
  });

  it('tracks a million records in well under a second', () => {
    const { tracker } = new Driver();
    const startedAt = performance.now();
    let taken = 0;
    for (let index = 0; index < 1_000_000; index++) {
      const ticket = tracker.trackRecord(index % 3 === 0 ? 'a' : 'b');
      if (index % 1_000 === 0) tracker.trackState({ scope: 'stream', streamKey: 'a', text: 's' });
      tracker.settle(ticket, 'confirmed');
      if (index % 100 === 0) taken += tracker.takeReleased().length;
    }
    expect(taken).toBe(1_000);
    // About 0.1 s.
    expect(performance.now() - startedAt).toBeLessThan(2_000);
  });
});

type Action =
  | { readonly kind: 'record'; readonly stream: string }
  | { readonly kind: 'state'; readonly stream: string | undefined }
  | { readonly kind: 'settle'; readonly pick: number; readonly isRejected: boolean }
  | { readonly kind: 'take' };

interface ModelEntry {
  readonly kind: 'record' | 'state';
  readonly stream: string | undefined;
  settledAs?: 'confirmed' | 'rejected';
  hasLeft?: boolean;
}

/** The same rules, as slow and simple as possible: the whole history is kept and searched each time. */
class Model {
  readonly history: ModelEntry[] = [];

  takeReleased(): string[] {
    const released: string[] = [];
    for (const [index, state] of this.history.entries()) {
      if (state.kind !== 'state' || state.hasLeft || !this.#mayLeave(index)) continue;
      state.hasLeft = true;
      released.push(`${index} ${this.#count(index, 'confirmed')}+${this.#count(index, 'rejected')}`);
    }
    return released;
  }

  #mayLeave(index: number): boolean {
    const { stream } = this.history[index] as ModelEntry;
    const waitsForAll = stream === undefined || stream === 'unknown';
    return this.history.slice(0, index).every((earlier) => {
      if (earlier.kind === 'record') return earlier.settledAs ?? !(waitsForAll || earlier.stream === stream);
      const mustWait = earlier.stream === undefined || stream === undefined || earlier.stream === stream;
      return earlier.hasLeft ?? !mustWait;
    });
  }

  #count(index: number, settledAs: string): number {
    const { stream } = this.history[index] as ModelEntry;
    if (stream === 'unknown') return 0;
    let since = index - 1;
    while (since >= 0 && !(this.history[since]?.kind === 'state' && this.history[since]?.stream === stream))
      since--;
    return this.history
      .slice(since + 1, index)
      .filter((entry) => entry.settledAs === settledAs && (stream === undefined || entry.stream === stream))
      .length;
  }
}

describe('CheckpointTracker against a plain model', () => {
  const stream = fc.constantFrom('a', 'b', 'c');
  const action: fc.Arbitrary<Action> = fc.oneof(
    { weight: 5, arbitrary: fc.record({ kind: fc.constant('record' as const), stream }) },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('state' as const),
        stream: fc.constantFrom('a', 'b', 'c', 'unknown', undefined),
      }),
    },
    {
      weight: 5,
      arbitrary: fc.record({
        kind: fc.constant('settle' as const),
        pick: fc.nat(),
        isRejected: fc.boolean(),
      }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('take' as const) }) },
  );

  it('releases the same states, with the same counts, at the same moments', () => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 120 }), fc.boolean(), (actions, isReversed) => {
        const tracker = new CheckpointTracker(['a', 'b', 'c']);
        const model = new Model();
        const open: { entry: ModelEntry; ticket: Ticket }[] = [];
        const settle = (pick: number, settledAs: 'confirmed' | 'rejected') => {
          const [settled] = open.splice(pick % open.length, 1);
          if (!settled) return;
          settled.entry.settledAs = settledAs;
          tracker.settle(settled.ticket, settledAs);
        };
        const take = () => {
          expect(tracker.takeReleased().map(short)).toEqual(model.takeReleased());
        };
        for (const step of actions) {
          if (step.kind === 'record') {
            const entry: ModelEntry = { kind: 'record', stream: step.stream };
            model.history.push(entry);
            open.push({ entry, ticket: tracker.trackRecord(step.stream) });
          } else if (step.kind === 'state') {
            const text = String(model.history.length);
            model.history.push({ kind: 'state', stream: step.stream });
            tracker.trackState(
              step.stream === undefined
                ? { scope: 'global', text }
                : { scope: 'stream', streamKey: step.stream, text },
            );
          } else if (step.kind === 'settle') {
            settle(step.pick, step.isRejected ? 'rejected' : 'confirmed');
          } else {
            take();
          }
          expect(tracker.pendingRecords).toBe(open.length);
        }
        while (open.length > 0) settle(isReversed ? open.length - 1 : 0, 'confirmed');
        take();
        expect([tracker.pendingRecords, tracker.pendingStates]).toEqual([0, 0]);
      }),
      { numRuns: 2_000 },
    );
  });
});
