import { describe, expect, it } from '@jest/globals';
import { CheckpointTracker, type ReleasedState } from '../../src/checkpoint/tracker.ts';
import type { RejectedRecords } from '../../src/rejected-records/rejected-records.ts';
import { Run } from '../../src/run.ts';
import { StateOutput } from '../../src/sync/state-output.ts';
import { HandClock, settle } from '../support/hand-clock.ts';

/** A call that ends when the test says so. */
function waits() {
  const ends: { readonly go: () => void; readonly fail: (error: Error) => void }[] = [];
  const wait = () =>
    new Promise<void>((go, fail) => {
      ends.push({ go, fail });
    });
  return { ends, wait };
}

function anOutput({ storesRejected = true } = {}) {
  const tracker = new CheckpointTracker(['users']);
  const emitted: string[] = [];
  const run = new Run(new HandClock());
  const flushes = waits();
  const room = waits();
  const emits = waits();
  const rejectedRecords: RejectedRecords = {
    add: () => undefined,
    untilRoom: room.wait,
    flush: flushes.wait,
    close: () => Promise.resolve(),
  };
  const output = new StateOutput({
    tracker,
    ...(storesRejected ? { rejectedRecords } : {}),
    emit: (states: readonly ReleasedState[]) => {
      emitted.push(...states.map(({ text }) => text));
      return emits.wait();
    },
    run,
  });
  /** A state comes that may go back at once. */
  const release = (text: string) => {
    tracker.trackState({ scope: 'stream', streamKey: 'users', text });
    output.release();
  };
  const done = { value: false };
  const finish = () => void output.finish().then(() => (done.value = true));
  return {
    output,
    tracker,
    emitted,
    failure: () => run.failure?.message,
    flushes,
    room,
    emits,
    release,
    finish,
    done,
  };
}

describe('a state goes back', () => {
  it('once the rejected records before it are stored', async () => {
    const { emitted, flushes, release } = anOutput();
    release('a');
    await settle();
    expect(emitted).toEqual([]);
    flushes.ends[0]?.go();
    await settle();
    expect(emitted).toEqual(['a']);
  });

  it('after the one before it has left', async () => {
    const { emitted, emits, release } = anOutput({ storesRejected: false });
    release('a');
    release('b');
    await settle();
    expect(emitted).toEqual(['a']);
    emits.ends[0]?.go();
    await settle();
    expect(emitted).toEqual(['a', 'b']);
  });

  it('not before its records are settled', async () => {
    const { output, tracker, emitted, release } = anOutput({ storesRejected: false });
    const ticket = tracker.trackRecord('users');
    release('a');
    await settle();
    expect(emitted).toEqual([]);
    tracker.settle(ticket, 'confirmed');
    output.release();
    await settle();
    expect(emitted).toEqual(['a']);
  });

  it('not where rejected records can’t be stored, and none after it does', async () => {
    const { emitted, failure, flushes, release, finish, done } = anOutput();
    release('a');
    await settle();
    flushes.ends[0]?.fail(new Error('the disk is full'));
    release('b');
    finish();
    await settle();
    expect([emitted, failure(), done.value]).toEqual([[], 'the disk is full', true]);
    expect(flushes.ends).toHaveLength(1);
  });

  it('and none after it does where it could not be written', async () => {
    const { emitted, failure, emits, release } = anOutput({ storesRejected: false });
    release('a');
    release('b');
    await settle();
    emits.ends[0]?.fail(new Error('the pipe is closed'));
    await settle();
    expect([emitted, failure()]).toEqual([['a'], 'the pipe is closed']);
  });
});

describe('the end', () => {
  it('waits for all states to have left, and for rejected records that no state covers', async () => {
    const { emits, flushes, release, finish, done } = anOutput();
    release('a');
    finish();
    await settle();
    flushes.ends[0]?.go();
    await settle();
    emits.ends[0]?.go();
    await settle();
    expect([flushes.ends.length, done.value]).toEqual([2, false]);
    flushes.ends[1]?.go();
    await settle();
    expect(done.value).toBe(true);
  });

  it('is at once where there is nothing', async () => {
    const { finish, done } = anOutput({ storesRejected: false });
    finish();
    await settle();
    expect(done.value).toBe(true);
  });
});

describe('more may come', () => {
  it('when all states have left, and rejected records fit into memory', async () => {
    const { output, emits, flushes, room, release } = anOutput();
    release('a');
    let hasRoom = false;
    const until = output.untilRoom().then(() => (hasRoom = true));
    await settle();
    flushes.ends[0]?.go();
    await settle();
    expect(room.ends).toHaveLength(0);
    emits.ends[0]?.go();
    await settle();
    expect(hasRoom).toBe(false);
    room.ends[0]?.go();
    await until;
  });

  it('when they never will: then no state leaves', async () => {
    const { output, emitted, failure, room, release } = anOutput();
    const until = output.untilRoom();
    await settle();
    room.ends[0]?.fail(new Error('the bucket is gone'));
    await until;
    release('a');
    await settle();
    expect([failure(), emitted]).toEqual(['the bucket is gone', []]);
  });
});
