import { describe, expect, it } from '@jest/globals';
import type { KnownUsers } from '../../src/delivery/known-users.ts';
import type { Upsert } from '../../src/model.ts';
import { UpsertRoutes, type Route } from '../../src/sync/upsert-routes.ts';
import { HandClock } from '../support/hand-clock.ts';
import { anUpsert } from '../support/rows.ts';
import { aRemoval, taskOf } from '../support/tasks.ts';

const A = 'a@x.com';
const B = 'b@x.com';
const OLD = 'old@x.com';
const MOVE = anUpsert(A, { userId: 'u1' }, { previousEmail: OLD });

/** Routes in a project without users. */
function theRoutes({ keepsDistance = true, isEnriched = false } = {}) {
  const clock = new HandClock({ now: 1_000_000_500 });
  const known: Pick<KnownUsers, 'findExisting' | 'noteGone' | 'markExists' | 'isOwnedByAnother'> = {
    findExisting: () => Promise.resolve(new Set()),
    noteGone: () => undefined,
    markExists: () => undefined,
    isOwnedByAnother: () => false,
  };
  const routes = new UpsertRoutes({
    known: known as KnownUsers,
    clock,
    enriched: new Set(isEnriched ? ['users'] : []),
    refusesUnknownIds: false,
    keepsDistance,
    movesBySingleCalls: true,
  });
  return { routes, clock };
}

describe('a user whose address a single call has changed', () => {
  const after = (by: 'single call' | 'bulk call') => {
    const { routes } = theRoutes();
    routes.noteMoved(MOVE, by);
    return routes;
  };

  it.each<[string, Upsert, boolean]>([
    ['by the new address', anUpsert(A), true],
    ['by an id, where the address is among the fields', anUpsert('u9', { email: A }), true],
    ['by the id', anUpsert('u1'), true],
    ['not by an id that does not identify: several users may share it', anUpsert(B, { userId: 'u1' }), false],
    ['not by another address', anUpsert(B), false],
  ])('is written by single calls from then on: %s', async (_name, change, isSingle) => {
    const routes = after('single call');
    expect(routes.mustAsk(taskOf(change))).toBe(isSingle);
    expect(await routes.find([taskOf(change)])).toEqual([isSingle ? 'single' : 'bulk']);
    expect(after('bulk call').mustAsk(taskOf(change))).toBe(false);
  });

  it('is none where no address changes', () => {
    const { routes } = theRoutes();
    routes.noteMoved(anUpsert(A), 'single call');
    expect(routes.mustAsk(taskOf(anUpsert(A)))).toBe(false);
  });
});

describe('a user whose profile could not move after all', () => {
  it.each<[string, Upsert, 'unknown' | 'taken', boolean, Route]>([
    ['is created at the new address', MOVE, 'unknown', false, 'bulk'],
    ['is skipped where none may be created', MOVE, 'unknown', true, 'skip'],
    ['is updated at the new address, which is there', MOVE, 'taken', true, 'bulk'],
    [
      'is known by the id, and so is updated',
      anUpsert('u1', { email: A }, { previousEmail: OLD }),
      'unknown',
      true,
      'bulk',
    ],
  ])('%s', (_name, change, why, isEnriched, expected) => {
    expect(theRoutes({ isEnriched }).routes.withoutMove(taskOf(change), why)).toBe(expected);
  });

  it('is written by a single call where one has written it before', () => {
    const { routes } = theRoutes();
    routes.noteMoved(anUpsert(A, {}, { previousEmail: B }), 'single call');
    expect(routes.withoutMove(taskOf(MOVE), 'taken')).toBe('single');
  });

  it('is none where a user is removed', () => {
    const { routes } = theRoutes();
    expect(() => routes.withoutMove(taskOf(aRemoval({ email: A })), 'unknown')).toThrow('removal');
  });
});

describe('the time between a bulk call and a single call for the same user', () => {
  it.each<[string, Upsert, Upsert, boolean]>([
    ['by the address', anUpsert(A), anUpsert(A), true],
    ['by the address that the bulk call gave it', anUpsert('u1', { email: A }), anUpsert(A), true],
    ['by the previous address', anUpsert(OLD), MOVE, true],
    ['by the id', anUpsert('u1'), anUpsert('u1', { email: B }), true],
    ['not for another user', anUpsert(A), anUpsert(B), false],
    ['not by an id that does not identify', anUpsert('u1'), anUpsert(A, { userId: 'u1' }), false],
  ])('is a minute: %s', async (_name, inBulk, single, isSame) => {
    const { routes, clock } = theRoutes();
    expect(routes.restMs(single)).toBe(0);
    await clock.advance(10_000);
    routes.noteInBulk(inBulk);
    expect(routes.restMs(single)).toBe(isSame ? 60_000 : 0);
    await clock.advance(59_999);
    expect(routes.restMs(single)).toBe(isSame ? 1 : 0);
    await clock.advance(1);
    expect(routes.restMs(single)).toBe(0);
  });

  it('counts from the last bulk call, and is never shorter', async () => {
    const { routes, clock } = theRoutes();
    routes.noteInBulk(anUpsert(OLD));
    await clock.advance(1_500);
    routes.noteInBulk(anUpsert(A));
    expect(routes.restMs(MOVE)).toBe(60_500);
  });

  it('is none where addresses change in bulk calls', () => {
    const { routes } = theRoutes({ keepsDistance: false });
    routes.noteInBulk(anUpsert(A));
    expect(routes.restMs(anUpsert(A))).toBe(0);
  });
});
