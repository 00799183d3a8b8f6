import { describe, expect, it } from '@jest/globals';
import { CheckpointTracker } from '../../src/checkpoint/tracker.ts';
import { ConfigError } from '../../src/errors.ts';
import type { JsonObject } from '../../src/json.ts';
import type { MappedRecord } from '../../src/mapping/compile.ts';
import type { ChangeDetector, RecordIdentity } from '../../src/diff/change-detector.ts';
import type { RecordMessage } from '../../src/protocol/messages.ts';
import type { RejectedRecords } from '../../src/rejected-records/rejected-records.ts';
import type { Router } from '../../src/streams/router.ts';
import { RecordIntake } from '../../src/sync/record-intake.ts';
import { RejectionCauses } from '../../src/sync/rejection-causes.ts';
import { SyncSummary } from '../../src/sync/stream-summary.ts';
import { anUpsert, aRow, keyOf } from '../support/rows.ts';
import { aRoutedStream } from '../support/streams.ts';
import { aRemoval } from '../support/tasks.ts';

const MISSING: MappedRecord = {
  kind: 'rejected',
  code: 'missing_identifier',
  field: 'email',
  reason: 'it is missing',
};

function aMessage(data: JsonObject = { id: 7 }): RecordMessage {
  return {
    kind: 'record',
    line: 3,
    stream: { name: 'users' },
    data,
    nulledFields: [],
    emittedAt: 5,
    text: 'the line',
  };
}

/** An intake of the stream `users`, whose records are mapped to this. */
function anIntake(mapped: MappedRecord, { hasLedger = false, storesRejected = false } = {}) {
  const tracker = new CheckpointTracker(['users']);
  const summary = new SyncSummary(['users']);
  const causes = new RejectionCauses();
  const events: string[] = [];
  const asked: RecordIdentity[] = [];
  const stream = {
    ...aRoutedStream(),
    map: () => mapped,
    primaryKeyOf: ({ id }: JsonObject) => (typeof id === 'number' ? `[${id}]` : undefined),
  };
  const router = {
    route: ({ stream: { name } }: RecordMessage) => {
      if (name === 'users') return stream;
      throw new ConfigError([`no stream ${name}`], { code: 'unknown_stream' });
    },
  };
  const row = aRow();
  const detector = {
    noteRecord: (streamKey: string) => events.push(`record of ${streamKey}`),
    rowOf: (identity: RecordIdentity) => {
      asked.push(identity);
      return row;
    },
  };
  const intake = new RecordIntake({
    router: router as unknown as Router,
    tracker,
    summary,
    causes,
    ...(storesRejected ? { rejectedRecords: {} as RejectedRecords } : {}),
    detector: hasLedger ? (detector as unknown as ChangeDetector) : undefined,
  });
  return { intake, tracker, summary, causes, events, asked, row, stream };
}

describe('a record that comes in', () => {
  it('is counted, tracked and mapped, and has its place and its stream’s mode', () => {
    const mapped = anUpsert('a@x.com');
    const { intake, tracker, summary, stream } = anIntake(mapped);
    const record = intake.take(aMessage());
    expect([record.mode, record.mapped]).toEqual([stream.mode, mapped]);
    expect(record).toMatchObject({
      streamKey: 'users',
      line: 3,
      emittedAt: 5,
      stream: { name: 'users' },
      primaryKey: '[7]',
    });
    expect([summary.of('users').received, tracker.pendingRecords]).toEqual([1, 1]);
    tracker.settle(record.ticket, 'confirmed');
    expect(tracker.pendingRecords).toBe(0);
  });

  it('has its text only where rejected records are stored', () => {
    const texts = [false, true].map(
      (storesRejected) => anIntake(anUpsert('a@x.com'), { storesRejected }).intake.take(aMessage()).text,
    );
    expect(texts).toEqual([undefined, 'the line']);
  });

  it('of a stream that the catalog lacks is an error, and is not counted', () => {
    const { intake, tracker, summary } = anIntake(anUpsert('a@x.com'));
    expect(() => intake.take({ ...aMessage(), stream: { name: 'others' } })).toThrow('no stream others');
    expect([summary.of('users').received, tracker.pendingRecords]).toEqual([0, 0]);
  });

  it('that does not identify its user is noted with its columns', () => {
    const { intake, causes, stream } = anIntake(MISSING);
    intake.take(aMessage({ EMAIL: 'secret@x.com' }));
    causes.noteRejected('users', { code: 'missing_identifier', field: 'email', reason: 'it is missing' });
    expect(causes.describe(stream, 'it')).toContain('Its columns are EMAIL.');
  });

  it('that is rejected for another reason is not noted', () => {
    const { intake, causes, stream } = anIntake({
      kind: 'rejected',
      code: 'wrong_type',
      field: 'age',
      reason: 'no number',
    });
    intake.take(aMessage({ EMAIL: 'secret@x.com' }));
    causes.noteRejected('users', { code: 'missing_identifier', field: 'email', reason: 'it is missing' });
    expect(causes.describe(stream, 'it')).not.toContain('EMAIL');
  });
});

describe('with a ledger a record', () => {
  it('is noted of its stream’s snapshot, and has its row', () => {
    const { intake, events, row } = anIntake(anUpsert('a@x.com'), { hasLedger: true });
    expect(intake.take(aMessage()).row).toBe(row);
    expect(events).toEqual(['record of users']);
  });

  const UPSERT = anUpsert('a@x.com', { userId: 'u1' });
  const BOTH = { email: 'a@x.com', userId: 'u1' };
  it.each<[string, MappedRecord, JsonObject, Partial<RecordIdentity>]>([
    ['an upsert', UPSERT, { id: 7 }, { primaryKey: '[7]', key: keyOf('a@x.com'), upsert: UPSERT }],
    ['an upsert without the key', UPSERT, {}, { key: keyOf('a@x.com'), upsert: UPSERT }],
    ['a removal by the address', aRemoval(BOTH), { id: 7 }, { primaryKey: '[7]', key: keyOf('a@x.com') }],
    ['a removal by the id', aRemoval({ ...BOTH, identifiedBy: 'userId' }), {}, { key: keyOf('u1') }],
    ['a removal without the identifying field', aRemoval({ userId: 'u1' }), { id: 7 }, { primaryKey: '[7]' }],
    ['a rejected record that names its user', { ...MISSING, key: keyOf('u1') }, {}, { key: keyOf('u1') }],
    ['a rejected record that names no user', MISSING, { id: 7 }, { primaryKey: '[7]' }],
  ])('has the row of its primary key or identity: %s', (_name, mapped, data, expected) => {
    const { intake, asked } = anIntake(mapped, { hasLedger: true });
    intake.take(aMessage(data));
    expect(asked).toEqual([
      { streamKey: 'users', primaryKey: undefined, key: undefined, upsert: undefined, ...expected },
    ]);
  });
});
