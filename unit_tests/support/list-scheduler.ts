/** A scheduler of list calls that are noted, and answered when the test says so. */
import { readText } from '../../src/batching/text-pages.ts';
import type { UserListChange } from '../../src/delivery/list-members.ts';
import type { UserKey } from '../../src/model.ts';
import { Run } from '../../src/run.ts';
import { ListScheduler } from '../../src/sync/lanes/list-scheduler.ts';
import { HandClock, settle } from './hand-clock.ts';
import { keyOf } from './rows.ts';

export interface SchedulerCase {
  readonly maxUsers?: number;
  readonly maxBytes?: number;
  readonly preferUserId?: boolean;
  /** Calls a second, by direction. */
  readonly rate?: number | ((isOn: boolean) => number);
  /** Whether calls go only when the test says so, by `turns`. */
  readonly isPaced?: boolean;
}

interface Turn {
  readonly isOn: boolean;
  readonly come: () => Promise<void>;
  readonly fail: (error: Error) => Promise<void>;
}

interface Call {
  /** Refuses these users. */
  readonly answer: (...refused: string[]) => Promise<void>;
  readonly fail: (error: Error) => Promise<void>;
}

/** `+VIP`, `-VIP of existing`. */
export function changeText({ list, isOn, onlyExisting }: UserListChange): string {
  return `${isOn ? '+' : '-'}${list}${onlyExisting ? ' of existing' : ''}`;
}

/** Calls of two users at most. */
export function aScheduler(given: SchedulerCase = {}) {
  const { maxUsers = 2, maxBytes = 10_000, preferUserId = false, rate = Infinity, isPaced = false } = given;
  const clock = new HandClock();
  const run = new Run(clock);
  /** `+VIP a@x b@x` for each call that was made. */
  const sent: string[] = [];
  const texts: string[] = [];
  const made: string[] = [];
  const calls: Call[] = [];
  const turns: Turn[] = [];
  const scheduler = new ListScheduler<{ readonly key: UserKey }>({
    run,
    clock,
    maxUsers,
    maxBytes,
    preferUserId,
    pace: {
      rate: (isOn) => (typeof rate === 'number' ? rate : rate(isOn)),
      untilTurn: (isOn) => {
        if (!isPaced) return Promise.resolve();
        return new Promise((resolve, reject) => {
          const come = () => {
            resolve();
            return settle();
          };
          const fail = (error: Error) => {
            reject(error);
            return settle();
          };
          turns.push({ isOn, come, fail });
        });
      },
    },
    change: (change, users) => {
      sent.push([changeText(change), ...[...users.keys()].map(({ key }) => key.value)].join(' '));
      texts.push(...[...users.values()].map(readText));
      return new Promise((resolve, reject) => {
        const answer = (...refused: string[]) => {
          resolve(new Set([...users.keys()].filter(({ key }) => refused.includes(key.value))));
          return settle();
        };
        const fail = (error: Error) => {
          reject(error);
          return settle();
        };
        calls.push({ answer, fail });
      });
    },
    made: ({ key }, change, isLast) =>
      made.push(`${key.value} ${changeText(change)}${isLast ? ', the last' : ''}`),
  });
  /** `VIP New` to go on these lists, `-VIP` to leave one. */
  const queue = (user: string, names: string, since = clock.now()) => {
    const onlyExisting = names.endsWith(' of existing');
    const changes = names
      .replace(' of existing', '')
      .split(' ')
      .map((name) => ({ list: name.replace('-', ''), isOn: !name.startsWith('-'), onlyExisting }));
    scheduler.put({ key: keyOf(user) }, changes, since);
  };
  /** The same, and lets happen what follows. */
  const put = async (...args: Parameters<typeof queue>) => {
    queue(...args);
    await settle();
  };
  return { scheduler, clock, run, sent, texts, made, calls, turns, queue, put };
}
