import { describe, expect, it } from '@jest/globals';
import type { LedgerChanges } from '../../src/ledger/ledger.ts';
import { Keeper } from '../../src/diff/keeper.ts';
import type { Row } from '../../src/diff/row.ts';
import { HandClock, settle } from '../support/hand-clock.ts';

/** A keeper whose transactions end when the test says so. */
function aKeeper() {
  const clock = new HandClock();
  const commits: { readonly changes: LedgerChanges; readonly end: (error?: Error) => void }[] = [];
  const failures: string[] = [];
  const keeper = new Keeper({
    clock,
    ledger: {
      commit: (changes: LedgerChanges) =>
        new Promise<void>((resolve, reject) => {
          commits.push({
            changes,
            end: (error) => {
              if (error) reject(error);
              else resolve();
            },
          });
        }),
    } as ConstructorParameters<typeof Keeper>[0]['ledger'],
    onFailure: ({ message }) => failures.push(message),
  });
  const kept: string[] = [];
  const mark = (key: string) => {
    const stream = { id: 1, snapshot: 2 } as Row['stream'];
    const held = { id: 7 } as Row['held'];
    keeper.mark({ stream, key, held }, () => kept.push(key));
  };
  return { clock, commits, failures, keeper, kept, mark };
}

describe('keeper', () => {
  it('writes marks together, a moment after the first', async () => {
    const { clock, commits, kept, mark } = aKeeper();
    mark('a');
    mark('b');
    await clock.advance(249);
    expect(commits).toHaveLength(0);
    await clock.advance(1);
    expect(commits.map(({ changes }) => changes.present)).toEqual([
      [{ stream: 1, snapshot: 2, rows: ['a', 'b'].map((key) => ({ key, id: 7 })) }],
    ]);
    expect(kept).toEqual([]);
    commits[0]?.end();
    await settle();
    expect(kept).toEqual(['a', 'b']);
  });

  it('writes what comes during a transaction that takes long, too', async () => {
    const { clock, commits, keeper, kept, mark } = aKeeper();
    mark('a');
    await clock.advance(250);
    mark('b');
    await clock.advance(1_000);
    expect(commits).toHaveLength(1);
    commits[0]?.end();
    await settle();
    mark('c');
    await clock.advance(250);
    expect(commits).toHaveLength(2);
    commits[1]?.end();
    await settle();
    expect(kept).toEqual(['a', 'b', 'c']);
    expect(keeper.isBusy).toBe(false);
  });

  it('keeps nothing after a failure', async () => {
    const { clock, commits, failures, keeper, kept, mark } = aKeeper();
    mark('a');
    await clock.advance(250);
    mark('b');
    commits[0]?.end(new Error('the disk is full'));
    await clock.advance(1_000);
    expect(failures).toEqual(['the disk is full']);
    expect(commits).toHaveLength(1);
    expect(kept).toEqual([]);
    // Nobody need wait for it.
    expect(keeper.isBusy).toBe(false);
    await keeper.flush();
  });
});
