import { describe, expect, it } from '@jest/globals';
import { describeCounts, SyncSummary } from '../../src/sync/stream-summary.ts';

describe('the summary of a stream', () => {
  it('names every kind, zeros included, always in the same order', () => {
    const summary = new SyncSummary(['a']);
    expect(describeCounts(summary.of('a'))).toBe(
      '0 received, 0 delivered, 0 unchanged, 0 skipped, 0 removed, 0 deleted but not in Iterable, ' +
        '0 superseded by a later deletion, 0 rejected, 0 without an answer, 0 removed: missing from the snapshot, ' +
        '0 missing from the snapshot but not in Iterable, 0 list changes',
    );
  });

  it('counts skipped and rejected records by their reasons, and those without an answer at the end of the run', () => {
    const summary = new SyncSummary(['a']);
    for (let n = 0; n < 12; n++) summary.received('a');
    for (const kind of ['delivered', 'unchanged', 'removed', 'not_there', 'superseded'] as const)
      summary.settled('a', { kind });
    for (const why of ['not_in_ledger', 'not_in_iterable', 'not_in_ledger'] as const)
      summary.settled('a', { kind: 'skipped', why });
    for (const code of ['conflict', 'wrong_type', 'conflict'] as const)
      summary.settled('a', { kind: 'rejected', code, reason: 'so' });
    summary.removedMissing('a');
    summary.removedMissing('a', false);
    summary.changedList('a', { list: 'VIP', isOn: true });
    summary.changedList('a', { list: 'Gold', isOn: false });
    expect(describeCounts(summary.of('a'))).toBe(
      '12 received, 1 delivered, 1 unchanged, 3 skipped (not_in_ledger 2, not_in_iterable 1), 1 removed, ' +
        '1 deleted but not in Iterable, 1 superseded by a later deletion, 3 rejected (conflict 2, wrong_type 1), ' +
        '1 without an answer, 1 removed: missing from the snapshot, 1 missing from the snapshot but not in Iterable, 2 list changes',
    );
  });
});
