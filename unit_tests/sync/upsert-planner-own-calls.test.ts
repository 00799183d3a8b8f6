import { describe, expect, it } from '@jest/globals';
import type { KnownUsers } from '../../src/delivery/known-users.ts';
import type { Upsert } from '../../src/model.ts';
import { UpsertPlanner } from '../../src/sync/upsert-planner.ts';
import { HandClock } from '../support/hand-clock.ts';
import { anUpsert } from '../support/rows.ts';
import { aRemoval, workOf } from '../support/works.ts';

const A = 'a@x.com';
const B = 'b@x.com';
const OLD = 'old@x.com';
const MOVE = anUpsert(A, { userId: 'u1' }, { previousEmail: OLD });

/** A planner in a project where nobody is. */
function aPlanner({ changesByOwnCalls = true, isEnriched = false } = {}) {
  const clock = new HandClock({ now: 1_000_000_500 });
  const known: Pick<KnownUsers, 'findExisting' | 'noteGone' | 'markExists' | 'isOwnedByAnother'> = {
    findExisting: () => Promise.resolve(new Set()),
    noteGone: () => undefined,
    markExists: () => undefined,
    isOwnedByAnother: () => false,
  };
  const planner = new UpsertPlanner({
    known: known as KnownUsers,
    clock,
    isEnriched: () => isEnriched,
    refusesStrangers: () => false,
    changesByOwnCalls,
  });
  return { planner, clock };
}

describe('a user whose address a call of its own has changed', () => {
  const after = (by: 'call of its own' | 'bulk call') => {
    const { planner } = aPlanner();
    planner.noteChanged(MOVE, by);
    return planner;
  };

  it.each<[string, Upsert, boolean]>([
    ['by the new address', anUpsert(A), true],
    ['by an id, where the address is among the fields', anUpsert('u9', { email: A }), true],
    ['by the id', anUpsert('u1'), true],
    ['not by an id that does not identify: several users may share it', anUpsert(B, { userId: 'u1' }), false],
    ['not by another address', anUpsert(B), false],
  ])('is written by calls of its own from then on: %s', async (_name, change, isAlone) => {
    const planner = after('call of its own');
    expect(planner.concerns(workOf(change))).toBe(isAlone);
    expect(await planner.plan([workOf(change)])).toEqual([isAlone ? 'alone' : 'bulk']);
    expect(after('bulk call').concerns(workOf(change))).toBe(false);
  });

  it('is none where no address changes', () => {
    const { planner } = aPlanner();
    planner.noteChanged(anUpsert(A), 'call of its own');
    expect(planner.concerns(workOf(anUpsert(A)))).toBe(false);
  });
});

describe('a user whose address could not be changed after all', () => {
  it.each<[string, Upsert, 'unknown' | 'taken', boolean, string]>([
    ['is created at the new one', MOVE, 'unknown', false, 'bulk'],
    ['is skipped where none may be created', MOVE, 'unknown', true, 'skip'],
    ['is updated at the new one, which is there', MOVE, 'taken', true, 'bulk'],
    [
      'is known by the id, and so is updated',
      anUpsert('u1', { email: A }, { previousEmail: OLD }),
      'unknown',
      true,
      'bulk',
    ],
  ])('%s', (_name, change, why, isEnriched, expected) => {
    expect(aPlanner({ isEnriched }).planner.planWithoutChange(workOf(change), why)).toBe(expected);
  });

  it('is written alone where a call of its own wrote it before', () => {
    const { planner } = aPlanner();
    planner.noteChanged(anUpsert(A, {}, { previousEmail: B }), 'call of its own');
    expect(planner.planWithoutChange(workOf(MOVE), 'taken')).toBe('alone');
  });

  it('is none where a user is removed', () => {
    expect(aPlanner().planner.planWithoutChange(workOf(aRemoval({ email: A })), 'unknown')).toBe('bulk');
  });
});

describe('the distance of a call of its own from a bulk call for the same user', () => {
  it.each<[string, Upsert, Upsert, boolean]>([
    ['by the address', anUpsert(A), anUpsert(A), true],
    ['by the address that the bulk call gave it', anUpsert('u1', { email: A }), anUpsert(A), true],
    ['by the previous address', anUpsert(OLD), MOVE, true],
    ['by the id', anUpsert('u1'), anUpsert('u1', { email: B }), true],
    ['not for another user', anUpsert(A), anUpsert(B), false],
    ['not by an id that does not identify', anUpsert('u1'), anUpsert(A, { userId: 'u1' }), false],
  ])('is a minute: %s', async (_name, inBulk, alone, isNear) => {
    const { planner, clock } = aPlanner();
    expect(planner.restMs(alone)).toBe(0);
    await clock.advance(10_000);
    planner.noteInBulk(inBulk);
    expect(planner.restMs(alone)).toBe(isNear ? 60_000 : 0);
    await clock.advance(59_999);
    expect(planner.restMs(alone)).toBe(isNear ? 1 : 0);
    await clock.advance(1);
    expect(planner.restMs(alone)).toBe(0);
  });

  it('counts from the last one, and is never shorter', async () => {
    const { planner, clock } = aPlanner();
    planner.noteInBulk(anUpsert(OLD));
    await clock.advance(1_500);
    planner.noteInBulk(anUpsert(A));
    expect(planner.restMs(MOVE)).toBe(60_500);
  });

  it('is none where addresses change in bulk calls', () => {
    const { planner } = aPlanner({ changesByOwnCalls: false });
    planner.noteInBulk(anUpsert(A));
    expect(planner.restMs(anUpsert(A))).toBe(0);
  });
});
