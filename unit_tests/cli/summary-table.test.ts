import { describe, expect, it } from '@jest/globals';
import { summaryText } from '../../src/cli/summary-table.ts';
import { colorsOf } from '../../src/cli/terminal.ts';
import { SyncSummary } from '../../src/sync/stream-summary.ts';

describe('the table at the end of a sync', () => {
  it('with a ledger also has the unchanged users and those that the snapshot lacks', () => {
    const summary = new SyncSummary(['users']);
    for (let n = 0; n < 3; n++) summary.received('users');
    summary.settled('users', { kind: 'delivered' });
    for (let n = 0; n < 2; n++) summary.settled('users', { kind: 'unchanged' });
    summary.removedMissing('users');
    const text = summaryText(
      {
        streams: [{ name: 'users', counts: summary.of('users') }],
        calls: 2,
        retries: 0,
        elapsedMs: 1_000,
        rejectedAt: undefined,
      },
      colorsOf({ isColored: false }),
    );
    const cells = text.split('\n').map((line) => line.split('│').map((cell) => cell.trim()));
    expect(cells[1]).toEqual([
      '',
      'stream',
      'read',
      'delivered',
      'unchanged',
      'rejected',
      'removed: missing',
      '',
    ]);
    expect(cells[3]).toEqual(['', 'users', '3', '1', '2', '0', '1', '']);
  });
});
