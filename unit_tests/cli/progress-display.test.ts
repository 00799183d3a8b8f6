import { PassThrough } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { ProgressDisplay } from '../../src/cli/progress-display.ts';
import { planProgress, syncProgress, type Counters } from '../../src/cli/progress-text.ts';
import { HandClock, settle } from '../support/hand-clock.ts';

const NOTHING: Counters = {
  read: 0,
  delivered: 0,
  removed: 0,
  skipped: 0,
  rejected: 0,
  waiting: 0,
  calls: 0,
  retries: 0,
};

function aDisplay({ isColored = false, text = syncProgress } = {}) {
  const out = new PassThrough();
  const clock = new HandClock();
  let counters = NOTHING;
  const display = new ProgressDisplay({
    terminal: { isColored, canRedraw: true, showsStdout: false, columns: 80 },
    out,
    clock,
    text,
    counters: () => counters,
  });
  return {
    display,
    clock,
    /** What was written since the last call; ␛ is the escape character. */
    drawn: () => String(out.read() ?? '').replaceAll('\x1b', '␛'),
    count: (changed: Partial<Counters>) => {
      counters = { ...counters, ...changed };
    },
  };
}

describe('the progress display', () => {
  it('draws at once, then four times a second by the given clock, over the previous drawing', async () => {
    const { display, clock, drawn, count } = aDisplay();
    expect(drawn()).toBe(
      'Syncing to Iterable, 0:00\n' +
        '  read                 0  records\n' +
        '  delivered            0  0 users/s\n' +
        '  waiting              0  for Iterable\n' +
        '  rejected             0\n' +
        '  calls                0  0.0 calls/s\n',
    );
    await clock.advance(249);
    expect(drawn()).toBe('');
    count({ read: 12_345, waiting: 12_345 });
    await clock.advance(1);
    expect(drawn()).toMatch(/^␛\[6A␛\[1G␛\[0JSyncing[^]* 12,345 {2}records\n[^]* 12,345 {2}for Iterable/);
    await clock.advance(1_000);
    expect(drawn().match(/Syncing/g)).toHaveLength(4);
    display.end();
  });

  it('shows the speeds of the last five seconds, and only outcomes that occurred', async () => {
    const { display, clock, drawn, count } = aDisplay();
    await clock.advance(60_000);
    count({ delivered: 10_000, removed: 3, skipped: 4, calls: 10, retries: 2 });
    drawn();
    await clock.advance(2_500);
    const text = drawn();
    expect(text.slice(text.lastIndexOf('Syncing'))).toBe(
      'Syncing to Iterable, 1:02\n' +
        '  read                 0  records\n' +
        '  delivered       10,000  2,000 users/s\n' +
        '  removed              3\n' +
        '  skipped              4  by the rules\n' +
        '  waiting              0  for Iterable\n' +
        '  rejected             0\n' +
        '  calls               10  2.0 calls/s, 2 retries\n',
    );
    await clock.advance(10_000);
    expect(drawn()).toMatch(/10,000 {2}0 users\/s[^]*0\.0 calls\/s, 2 retries\n$/);
    display.end();
  });

  it('is cleared when it ends, and never drawn again', async () => {
    const { display, clock, drawn } = aDisplay();
    drawn();
    display.end();
    expect(drawn()).toBe('␛[6A␛[1G␛[0J');
    display.draw();
    await clock.advance(5_000);
    await settle();
    expect([drawn(), clock.sleepers]).toEqual(['', 0]);
  });

  it('colors what matters, if colors are enabled', () => {
    const { display, drawn, count } = aDisplay({ isColored: true });
    drawn();
    count({ waiting: 5, rejected: 1 });
    display.draw();
    expect(drawn()).toMatch(/␛\[33m {2}waiting[^]*␛\[31m {2}rejected/);
    display.end();
  });

  it('of a plan shows what was read, and no deliveries', () => {
    const { display, drawn, count } = aDisplay({ text: planProgress });
    count({ read: 5_000, delivered: 4_000, calls: 4, rejected: 1 });
    drawn();
    display.draw();
    expect(drawn()).toBe(
      '␛[3A␛[1G␛[0JPlanning, nothing is written, 0:00\n' +
        '  read             5,000  records\n' +
        '  rejected             1\n',
    );
    display.end();
  });
});
