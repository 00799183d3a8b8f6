import { describe, expect, it } from '@jest/globals';
import { SyncLog } from '../../src/sync/sync-log.ts';
import { SyncSummary } from '../../src/sync/stream-summary.ts';
import { HandClock } from '../support/hand-clock.ts';

describe('the line after a batch', () => {
  it('has the results of the batch, and counts and speed so far', async () => {
    const clock = new HandClock();
    const lines: string[] = [];
    const log = new SyncLog((level, message) => lines.push(`${level} ${message}`), clock);
    const summary = new SyncSummary(['a', 'b']);
    for (const key of ['a', 'a', 'a', 'b']) summary.received(key);
    summary.settled('a', { kind: 'rejected', code: 'conflict', reason: 'taken' });
    await clock.advance(500);
    log.batch({ users: 2, records: 3, rejected: 1, retried: 0, doubtful: 0, tookMs: 120 }, summary);
    await clock.advance(1_500);
    log.batch({ users: 4, records: 5, rejected: 0, retried: 1, doubtful: 1, tookMs: 90 }, summary);
    expect(lines).toEqual([
      'INFO Batch of 3 records: 1 of 2 users delivered, 1 rejected, in 0.12 s. So far: 4 records received, ' +
        '1 users delivered, 1 records rejected, 2 users delivered per second.',
      'INFO Batch of 5 records: 2 of 4 users delivered, 1 refused as conflicts that may be temporary, 1 tried again record by record, in 0.09 s. So far: 4 records received, ' +
        '3 users delivered, 1 records rejected, 2 users delivered per second.',
    ]);
  });
});
