import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  chooseGroup,
  nextDueAt,
  type Choice,
  type Group,
  type Waiting,
} from '../../../src/sync/lanes/membership-queue.ts';

/** Since when its users wait, in order. */
interface GroupCase {
  readonly free?: readonly number[];
  /** Those in flight: they came before the free ones. */
  readonly busy?: readonly number[];
}

type Groups = Readonly<Record<string, GroupCase>>;

function groupsOf(given: Groups): Group<string, string>[] {
  return Object.entries(given).map(([change, { free = [], busy = [] }]) => {
    const user = (since: number, isInFlight: boolean): Waiting<string, string> => ({
      item: '',
      since,
      left: [],
      isInFlight,
    });
    const users = new Set([
      ...busy.map((since) => user(since, true)),
      ...free.map((since) => user(since, false)),
    ]);
    return { change, users, free: free.length };
  });
}

/** Calls of 3 users; all may wait for 40 seconds, and calls take no time. */
const CHOICE: Choice = {
  now: 0,
  maxUsers: 3,
  rate: Infinity,
  maxWaitMs: 40_000,
  isCrowded: false,
  isFlushing: false,
};

function chosen(groups: Groups, choice: Partial<Choice> = {}): string | undefined {
  return chooseGroup(groupsOf(groups), { ...CHOICE, ...choice })?.change;
}

const CROWDED = { isCrowded: true };
const FLUSHING = { isFlushing: true };
const OVERDUE = { now: 40_000 };
const ONE = { free: [0] };
const TWO = { free: [0, 0] };
const THREE = { free: [0, 0, 0] };
const FOUR = { free: [0, 0, 0, 0] };
const BUSY = { busy: [0, 0, 0] };
/** Each of another list. */
const HUNDRED = Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`list ${n}`, ONE]));

type Row = [title: string, groups: Groups, choice: Partial<Choice>, expected: string | undefined];

describe('the call that goes next', () => {
  it.each<Row>([
    ['there is no group', {}, { ...OVERDUE, ...CROWDED, ...FLUSHING }, undefined],
    ['it is better to wait for others', { A: TWO, B: ONE }, {}, undefined],
    ['no user is free', { A: BUSY, B: BUSY }, { ...OVERDUE, ...CROWDED, ...FLUSHING }, undefined],
    ['none is full without those in flight', { A: { free: [0, 0], busy: [0] } }, {}, undefined],
  ])('is none while %s', (_title, ...row) => {
    const [groups, choice, expected] = row;
    expect(chosen(groups, choice)).toBe(expected);
  });

  it.each<Row>([
    ['at once', { A: TWO, B: THREE }, {}, 'B'],
    ['the fullest of them', { A: THREE, B: FOUR, C: THREE }, {}, 'B'],
    ['the first of those that are equal', { A: TWO, B: THREE, C: THREE }, {}, 'B'],
    ['before one that is overdue', { A: { free: [0] }, B: { free: [9, 9, 9] } }, OVERDUE, 'B'],
    ['though others of it are in flight', { A: { ...THREE, ...BUSY } }, {}, 'A'],
    [
      'while flushing, though not all of its users are free',
      { A: TWO, B: { ...THREE, ...BUSY } },
      FLUSHING,
      'B',
    ],
  ])('is a full one: %s', (_title, groups, choice, expected) => {
    expect(chosen(groups, choice)).toBe(expected);
  });

  it.each<Row>([
    ['not before', { A: TWO, B: ONE }, { now: 39_999 }, undefined],
    ['not the fullest', { A: { free: [1, 1] }, B: ONE }, OVERDUE, 'B'],
    ['not the fullest, though many wait', { A: { free: [1, 1] }, B: ONE }, { ...OVERDUE, ...CROWDED }, 'B'],
    ['the first of those that are equal', { A: { free: [1] }, B: ONE, C: TWO }, OVERDUE, 'B'],
    ['by its first free user', { A: { free: [2, 3], busy: [0] }, B: { free: [1, 4] } }, { now: 40_001 }, 'B'],
    ['not by one in flight', { A: { free: [2], busy: [0] } }, { now: 40_001 }, undefined],
    [
      'though it is not complete, while flushing',
      { A: { ...ONE, ...BUSY }, B: { free: [1] } },
      { ...OVERDUE, ...FLUSHING },
      'A',
    ],
  ])('is the oldest one once its first user has waited too long: %s', (_title, groups, choice, expected) => {
    expect(chosen(groups, choice)).toBe(expected);
  });

  it.each<Row>([
    ['so many wait', { A: ONE, B: TWO, C: TWO }, CROWDED, 'B'],
    ['so many wait, while flushing', { A: ONE, B: { ...TWO, ...BUSY } }, { ...CROWDED, ...FLUSHING }, 'B'],
    ['calls for all groups take until then', { A: ONE, B: TWO, C: ONE }, { rate: 0.5, now: 34_000 }, 'B'],
    [
      'calls for all groups take until then, those in flight included',
      { A: ONE, B: BUSY, C: BUSY },
      { rate: 0.5, now: 34_000 },
      'A',
    ],
    [
      'calls take until then, while flushing',
      { A: ONE, B: { ...TWO, ...BUSY } },
      { rate: 0.5, now: 36_000, ...FLUSHING },
      'B',
    ],
    [
      'half of the time is over, and calls take longer than that',
      { ...HUNDRED, B: TWO },
      { rate: 1, now: 20_000 },
      'B',
    ],
  ])('is the fullest one when %s', (_title, groups, choice, expected) => {
    expect(chosen(groups, choice)).toBe(expected);
  });

  it.each<Row>([
    ['all can be made in time', { A: ONE, B: TWO, C: ONE }, { rate: 0.5, now: 33_999 }, undefined],
    ['there is half of the time yet', { ...HUNDRED, B: TWO }, { rate: 1, now: 19_999 }, undefined],
    ['calls take no time', HUNDRED, { now: 39_999 }, undefined],
  ])('is not the fullest one yet while %s', (_title, groups, choice, expected) => {
    expect(chosen(groups, choice)).toBe(expected);
  });

  it.each<Row>([
    ['the fullest', { A: ONE, B: TWO, C: ONE }, FLUSHING, 'B'],
    ['the first of those that are equal', { A: ONE, B: TWO, C: TWO }, FLUSHING, 'B'],
    [
      'not one that is fuller, some of whose users are in flight',
      { A: { free: [0, 0], busy: [0] }, B: ONE },
      FLUSHING,
      'B',
    ],
    ['none while each has some in flight', { A: { ...ONE, ...BUSY }, B: BUSY }, FLUSHING, undefined],
  ])('is one whose users are all free, while flushing: %s', (_title, groups, choice, expected) => {
    expect(chosen(groups, choice)).toBe(expected);
  });
});

describe('when the next call has to go', () => {
  it.each<[string, Groups, number, number]>([
    ['never where there is no group', {}, 5, Infinity],
    ['never where no user is free', { A: BUSY }, 5, Infinity],
    [
      'when the first free user has waited too long',
      { A: { free: [300] }, B: { free: [200], busy: [100] } },
      Infinity,
      40_200,
    ],
    ['sooner by what calls for all groups take', { A: { free: [300] }, B: BUSY, C: BUSY }, 0.5, 34_300],
    ['sooner by half of the longest wait at most', HUNDRED, 1, 20_000],
  ])('%s', (_title, groups, rate, expected) => {
    expect(nextDueAt(groupsOf(groups), { rate, maxWaitMs: 40_000 })).toBe(expected);
  });

  it('is from when on a partial call is chosen', () => {
    const times = fc.array(fc.nat(30_000), { maxLength: 2 });
    const group = fc.record({ free: times, busy: times });
    const rates = fc.constantFrom(0.1, 1, 3, 100, Infinity);
    fc.assert(
      fc.property(fc.dictionary(fc.string(), group, { minKeys: 1, maxKeys: 30 }), rates, (groups, rate) => {
        const dueAt = nextDueAt(groupsOf(groups), { rate, maxWaitMs: 40_000 });
        if (dueAt === Infinity) return;
        expect(chosen(groups, { rate, now: dueAt - 1 })).toBeUndefined();
        expect(chosen(groups, { rate, now: dueAt + 1 })).toBeDefined();
      }),
    );
  });
});
