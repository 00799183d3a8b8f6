import { describe, expect, it } from '@jest/globals';
import type { HeldEntry, LedgerChanges } from '../../src/ledger/ledger.ts';
import { LedgerWriter, type LedgerWriterOptions } from '../../src/diff/ledger-writer.ts';
import { rowToken } from '../../src/diff/row.ts';
import { Run } from '../../src/run.ts';
import { HandClock, settle } from '../support/hand-clock.ts';
import { anEntry, aStream, OWN_STREAM } from '../support/rows.ts';

const ENTRY = anEntry({ id: 7 });

/** A writer whose transactions end when the test says so. */
function aWriter() {
  const clock = new HandClock();
  const run = new Run(clock);
  const commits: { readonly changes: LedgerChanges; readonly end: (error?: Error) => void }[] = [];
  const ledger: Pick<LedgerWriterOptions['ledger'], 'commit'> = {
    commit: (changes) =>
      new Promise<void>((resolve, reject) => {
        commits.push({
          changes,
          end: (error) => {
            if (error) reject(error);
            else resolve();
          },
        });
      }),
  };
  const writer = new LedgerWriter({ clock, ledger: ledger as LedgerWriterOptions['ledger'], run });
  const committed: string[] = [];
  const note = (key: string) => () => committed.push(key);
  const mark = (key: string) => {
    writer.mark({ stream: aStream(), key, entry: ENTRY }, note(key));
  };
  const write = (key: string, rest: Partial<HeldEntry> = {}) => {
    writer.write(anEntry({ key, ...rest }), note(key));
  };
  const drop = (key: string) => {
    writer.drop([{ stream: OWN_STREAM, key }], note(key));
  };
  return { clock, commits, run, writer, committed, mark, write, drop };
}

describe('marks', () => {
  it('are committed together, a moment after the first', async () => {
    const { clock, commits, committed, mark } = aWriter();
    mark('a');
    mark('b');
    await clock.advance(249);
    expect(commits).toHaveLength(0);
    await clock.advance(1);
    expect(commits.map(({ changes }) => changes.present)).toEqual([
      [{ stream: 1, snapshot: 2, rows: ['a', 'b'].map((key) => ({ key, id: 7 })) }],
    ]);
    expect(committed).toEqual([]);
    commits[0]?.end();
    await settle();
    expect(committed).toEqual(['a', 'b']);
  });

  it('that come during a long transaction are committed after it', async () => {
    const { clock, commits, writer, committed, mark } = aWriter();
    mark('a');
    await clock.advance(250);
    mark('b');
    await clock.advance(1_000);
    expect(commits).toHaveLength(1);
    commits[0]?.end();
    await settle();
    await clock.advance(249);
    expect(commits).toHaveLength(1);
    mark('c');
    await clock.advance(1);
    expect(commits).toHaveLength(2);
    commits[1]?.end();
    await settle();
    expect(committed).toEqual(['a', 'b', 'c']);
    expect(writer.isBusy).toBe(false);
  });
});

describe('entries', () => {
  it('are committed at once, those of one turn together', async () => {
    const { commits, committed, write, drop } = aWriter();
    write('a');
    drop('b');
    expect(commits).toHaveLength(0);
    await settle();
    expect(commits.map(({ changes: { entries, dropped } }) => [entries, dropped])).toEqual([
      [[anEntry({ key: 'a' })], [{ stream: OWN_STREAM, key: 'b' }]],
    ]);
    commits[0]?.end();
    await settle();
    expect(committed).toEqual(['a', 'b']);
  });

  it('of one row are written or dropped once, as the last change says', async () => {
    const { commits, write, drop } = aWriter();
    write('a', { email: 'first@x.com' });
    write('a', { email: 'last@x.com' });
    write('b');
    drop('b');
    drop('c');
    write('c');
    await settle();
    const { entries, dropped } = commits[0]?.changes ?? {};
    expect([entries, dropped]).toEqual([
      [anEntry({ key: 'a', email: 'last@x.com' }), anEntry({ key: 'c' })],
      [{ stream: OWN_STREAM, key: 'b' }],
    ]);
  });

  it('that are written or dropped are told to whoever watches, once they are committed', async () => {
    const { commits, writer, write, drop } = aWriter();
    const changed = writer.watch();
    const ended = writer.watch();
    writer.unwatch(ended);
    write('a');
    drop('b');
    await settle();
    expect(changed.size).toBe(0);
    commits[0]?.end();
    await settle();
    expect([...changed]).toEqual(['a', 'b'].map((key) => rowToken(OWN_STREAM, key)));
    expect(ended.size).toBe(0);
  });
});

it('states are committed with the next transaction', async () => {
  const { clock, commits, writer, committed, write } = aWriter();
  writer.setState(OWN_STREAM, 'first', () => committed.push('state'));
  writer.setState(OWN_STREAM, 'last');
  write('a');
  await settle();
  expect(commits[0]?.changes.states).toEqual([{ stream: OWN_STREAM, state: 'last' }]);
  commits[0]?.end();
  await settle();
  expect(committed).toEqual(['state', 'a']);
  writer.setState(OWN_STREAM, 'alone');
  await clock.advance(250);
  expect(commits).toHaveLength(2);
});

it('a flush ends when everything is committed', async () => {
  const { commits, writer, mark } = aWriter();
  let isFlushed = false;
  mark('a');
  const flushed = writer.flush().then(() => (isFlushed = true));
  mark('b');
  await settle();
  commits[0]?.end();
  await settle();
  expect([commits.length, isFlushed, writer.isBusy]).toEqual([2, false, true]);
  commits[1]?.end();
  await flushed;
  expect(writer.isBusy).toBe(false);
});

it('the writer is full while more waits than one transaction should have', async () => {
  const { commits, writer, mark } = aWriter();
  for (let n = 0; n < 10_000; n++) mark(`a${n}`);
  // Those are on their way.
  expect([commits.length, writer.isFull]).toEqual([1, false]);
  for (let n = 0; n < 19_999; n++) mark(`b${n}`);
  expect(writer.isFull).toBe(false);
  mark('last');
  expect(writer.isFull).toBe(true);
  commits[0]?.end();
  await settle();
  expect([commits.length, writer.isFull]).toEqual([2, false]);
});

it('after a failure the run fails, and nothing is committed', async () => {
  const { clock, commits, run, writer, committed, mark } = aWriter();
  mark('a');
  await clock.advance(250);
  mark('b');
  commits[0]?.end(new Error('the disk is full'));
  await clock.advance(1_000);
  expect(run.failure?.message).toBe('the disk is full');
  expect(commits).toHaveLength(1);
  expect(committed).toEqual([]);
  // Nobody need wait for it.
  expect(writer.isBusy).toBe(false);
  await writer.flush();
});
