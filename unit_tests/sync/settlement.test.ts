import { describe, expect, it } from '@jest/globals';
import { CheckpointTracker } from '../../src/checkpoint/tracker.ts';
import type { ChangeDetector } from '../../src/diff/change-detector.ts';
import type { Outcome, Rejection } from '../../src/model.ts';
import type { RejectedRecord } from '../../src/rejected-records/rejected-records.ts';
import { Run } from '../../src/run.ts';
import type { TrackedRecord } from '../../src/sync/pending-record.ts';
import { RejectionCauses } from '../../src/sync/rejection-causes.ts';
import { RejectionGuard } from '../../src/sync/rejection-guard.ts';
import { Settlement } from '../../src/sync/settlement.ts';
import { SyncSummary } from '../../src/sync/stream-summary.ts';
import { SyncLog } from '../../src/sync/sync-log.ts';
import { HandClock } from '../support/hand-clock.ts';
import { anUpsert, aRow } from '../support/rows.ts';
import { aRoutedStream } from '../support/streams.ts';
import { aRecord } from '../support/tasks.ts';

const WRONG: Rejection = { code: 'wrong_type', field: 'age', reason: 'no number' };
const REJECTED: Outcome = { kind: 'rejected', ...WRONG };
const UNCHANGED: Outcome = { kind: 'unchanged' };
const TEXT = '{"type":"RECORD","record":{"stream":"users","data":{"age":"x"},"emitted_at":5}}';

/** What a sync has of its records' ends. With a ledger, what waits for it goes on when the test says so. */
function aSync({ hasLedger = false, maxRejectedPercent = 100 } = {}) {
  const summary = new SyncSummary(['users']);
  const tracker = new CheckpointTracker(['users']);
  const causes = new RejectionCauses();
  const lines: string[] = [];
  const stored: RejectedRecord[] = [];
  const run = new Run(new HandClock());
  const waiting: { readonly as: string; readonly go: () => void }[] = [];
  let moves = 0;
  run.onMoved(() => moves++);
  const results = {
    seen: (_row: unknown, go: () => void) => waiting.push({ as: 'seen', go }),
    keyless: (_stream: string, go: () => void) => waiting.push({ as: 'keyless', go }),
  };
  const settlement = new Settlement({
    summary,
    tracker,
    causes,
    guard: new RejectionGuard({ summary, causes, maxRejectedPercent, streams: [aRoutedStream()] }),
    log: new SyncLog((_level, message) => lines.push(message), new HandClock()),
    rejectedRecords: {
      add: (record) => stored.push(record),
      untilRoom: () => Promise.resolve(),
      flush: () => Promise.resolve(),
      close: () => Promise.resolve(),
    },
    detector: hasLedger ? ({ results } as unknown as ChangeDetector) : undefined,
    run,
  });
  const record = (rest: Partial<TrackedRecord> = {}) =>
    aRecord(anUpsert('a@x.com'), {
      line: 7,
      emittedAt: 5,
      text: TEXT,
      ticket: tracker.trackRecord('users'),
      ...rest,
    });
  return {
    settlement,
    tracker,
    lines,
    stored,
    failure: () => run.failure?.message,
    waiting,
    record,
    counts: () => summary.of('users'),
    moves: () => moves,
    causes: () => causes.describe(aRoutedStream(), 'it'),
  };
}

describe('a record that has ended', () => {
  it('is counted, and its state a step nearer', () => {
    const { settlement, tracker, record, counts, lines, stored } = aSync();
    const one = record();
    tracker.trackState({ scope: 'stream', streamKey: 'users', text: 's' });
    settlement.settle(one, { kind: 'delivered' });
    expect(counts()).toMatchObject({ settled: 1, delivered: 1 });
    expect(tracker.takeReleased()).toEqual([{ text: 's', recordCount: 1, rejectedRecordCount: 0 }]);
    expect([lines, stored]).toEqual([[], []]);
  });

  it('as rejected is counted so, logged without its values, and stored with them before its state may leave', () => {
    const { settlement, tracker, record, counts, lines, stored, causes } = aSync();
    const one = record();
    tracker.trackState({ scope: 'stream', streamKey: 'users', text: 's' });
    settlement.settle(one, REJECTED);
    expect([...counts().rejected]).toEqual([['wrong_type', 1]]);
    expect(tracker.takeReleased()).toEqual([{ text: 's', recordCount: 0, rejectedRecordCount: 1 }]);
    expect(lines).toEqual([
      'Rejected the record in line 7 (stream users): wrong_type, field age: no number.',
    ]);
    expect(stored).toMatchObject([
      { line: 7, stream: { name: 'users' }, emittedAt: 5, rejection: WRONG, dataText: '{"age":"x"}' },
    ]);
    expect(causes()).toContain('wrong_type, field age');
  });

  it('as rejected is not stored where its line was not kept', () => {
    const { settlement, record, lines, stored } = aSync();
    settlement.settle(record({ text: undefined }), REJECTED);
    expect([lines.length, stored]).toEqual([1, []]);
  });

  it('as a deletion of a user who is not there is logged', () => {
    const { settlement, record, counts, lines } = aSync();
    settlement.settle(record(), { kind: 'not_there' });
    expect([counts().notThere, lines[0]?.slice(0, 38)]).toEqual([
      1,
      'The deletion in line 7 (stream users) ',
    ]);
  });

  it('fails the run where too many are rejected', () => {
    const { settlement, record, failure } = aSync({ maxRejectedPercent: 10 });
    for (let n = 0; n < 10_000; n++)
      settlement.settle(record({ text: undefined }), n < 8_500 ? UNCHANGED : REJECTED);
    expect(failure()).toContain('1500 of 10000 records of stream users were rejected (15.0 %)');
  });
});

describe('a record that leads to no call', () => {
  it('is settled at once without a ledger', () => {
    const { settlement, record, counts } = aSync();
    settlement.settleUnsent(record(), UNCHANGED);
    expect(counts().unchanged).toBe(1);
  });

  it.each<[string, Partial<TrackedRecord>, Outcome, string]>([
    ['its row was there', { row: aRow() }, UNCHANGED, 'seen'],
    ['its row was there, though it is rejected', { row: aRow() }, REJECTED, 'seen'],
    ['whose row it is can’t be told', {}, REJECTED, 'keyless'],
    [
      'whose row it is can’t be told, as it lacks the key',
      { row: aRow({ isKeyedByIdentity: true }) },
      REJECTED,
      'keyless',
    ],
    [
      'its user’s row was there, as nothing of it changed',
      { row: aRow({ isKeyedByIdentity: true }) },
      UNCHANGED,
      'seen',
    ],
    [
      'whose row a skipped one is can’t be told',
      {},
      { kind: 'skipped', why: 'removal_not_allowed' },
      'keyless',
    ],
  ])('is settled once the ledger has it: %s', (_name, rest, outcome, as) => {
    const { settlement, record, counts, waiting, moves, stored } = aSync({ hasLedger: true });
    settlement.settleUnsent(record(rest), outcome);
    expect([waiting.map((each) => each.as), counts().settled, moves()]).toEqual([[as], 0, 0]);
    waiting[0]?.go();
    expect([counts().settled, moves()]).toEqual([1, 1]);
    const isRejected = outcome.kind === 'rejected';
    expect([counts().rejected.size, stored.length]).toEqual(isRejected ? [1, 1] : [0, 0]);
  });
});
