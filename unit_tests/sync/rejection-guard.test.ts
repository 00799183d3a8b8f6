import { describe, expect, it } from '@jest/globals';
import type { Outcome } from '../../src/model.ts';
import { RejectionCauses } from '../../src/sync/rejection-causes.ts';
import { RejectionGuard } from '../../src/sync/rejection-guard.ts';
import { SyncSummary } from '../../src/sync/stream-summary.ts';

const REJECTED: Outcome = { kind: 'rejected', code: 'wrong_type', reason: 'no number' };
const DELIVERED: Outcome = { kind: 'delivered' };
const SKIPPED: Outcome = { kind: 'skipped', why: 'removal_not_allowed' };

/** Settles records as a pipeline does; gives the line at which the guard fails the sync, if it does. */
function settle(
  guard: RejectionGuard,
  summary: SyncSummary,
  outcomes: Iterable<Outcome>,
): number | undefined {
  let count = 0;
  for (const outcome of outcomes) {
    count++;
    summary.received('users');
    summary.settled('users', outcome);
    if (guard.afterRecord('users')) return count;
  }
  return undefined;
}

function* outcomes(count: number, isRejected: (index: number) => boolean): Generator<Outcome> {
  for (let index = 0; index < count; index++) yield isRejected(index) ? REJECTED : DELIVERED;
}

function aGuard(maxRejectedPercent: number) {
  const summary = new SyncSummary(['users', 'empty']);
  const identifier = {
    target: 'email' as const,
    mapped: undefined,
    isTaken: false,
    sources: [],
    namesIterableFields: false,
  };
  const streams = [
    { key: 'users', name: 'crm.users', identifier },
    { key: 'others', name: 'others', identifier },
    { key: 'empty', name: 'empty', identifier },
  ];
  const causes = new RejectionCauses();
  causes.noteRejected('users', { code: 'wrong_type', field: 'age', reason: 'no number' });
  return { summary, guard: new RejectionGuard({ summary, streams, causes, maxRejectedPercent }) };
}

describe('RejectionGuard', () => {
  it('counts after each 10,000 records', () => {
    const { guard, summary } = aGuard(5);
    expect(
      settle(
        guard,
        summary,
        outcomes(25_000, (index) => index >= 10_000 && index % 4 === 0),
      ),
    ).toBe(20_000);
  });

  it('allows just the limit, and names stream and figures above it', () => {
    const just = aGuard(10);
    settle(
      just.guard,
      just.summary,
      outcomes(100, (index) => index < 10),
    );
    expect(just.guard.atEnd()).toBeUndefined();
    const above = aGuard(10);
    settle(
      above.guard,
      above.summary,
      outcomes(100, (index) => index < 11),
    );
    expect(above.guard.atEnd()?.message).toContain(
      '11 of 100 records of stream crm.users were rejected (11.0 %), more than max_rejected_percent (10) allows: the reason is wrong_type, field age: no number.',
    );
    expect(above.guard.atEnd()).toMatchObject({ code: 'too_many_rejected', failureType: 'config_error' });
  });

  it.each([
    [9, undefined],
    [10, 'all_rejected'],
  ])('of %i records of a stream that were all rejected, beside one of another stream: %s', (count, code) => {
    for (const outcome of [DELIVERED, SKIPPED]) {
      const { guard, summary } = aGuard(100);
      settle(
        guard,
        summary,
        outcomes(count, () => true),
      );
      summary.settled('others', outcome);
      expect(guard.atEnd()?.code).toBe(code);
    }
  });

  it('fails a sync of which every record was rejected, however few, and names each stream', () => {
    const { guard, summary } = aGuard(100);
    summary.settled('users', REJECTED);
    expect(guard.atEnd()).toMatchObject({ code: 'all_rejected', failureType: 'config_error' });
    summary.settled('others', REJECTED);
    expect(guard.atEnd()?.problems).toEqual([
      'Every record of stream crm.users was rejected: the reason is wrong_type, field age: no number.',
      'Every record of stream others was rejected: see the reasons in the log.',
    ]);
    summary.settled('others', SKIPPED);
    expect(guard.atEnd()).toBeUndefined();
  });

  it('finds nothing wrong with a sync without records', () => {
    expect(aGuard(0).guard.atEnd()).toBeUndefined();
  });

  it('finds nothing wrong with one delivered among many rejected, where that is allowed', () => {
    const { guard, summary } = aGuard(100);
    expect(
      settle(
        guard,
        summary,
        outcomes(20_000, (index) => index > 0),
      ),
    ).toBeUndefined();
    expect(guard.atEnd()).toBeUndefined();
  });
});
