/** Users who wait for changes of their lists. Whenever the pace allows a list call, the one that carries the most users goes. */
import { TextPages } from '../../batching/text-pages.ts';
import { userIdentity, type UserRequest } from '../../batching/user-request.ts';
import type { Clock } from '../../clock.ts';
import type { UserListChange } from '../../delivery/list-members.ts';
import type { UserKey } from '../../model.ts';
import type { Run, Timer } from '../../run.ts';
import {
  chooseGroup,
  LATEST_SHARE,
  MembershipQueue,
  nextDueAt,
  type Group,
  type Waiting,
} from './membership-queue.ts';

/** What waits for list calls. */
export interface ListItem {
  readonly key: UserKey;
}

export interface ListSchedulerOptions<Item extends ListItem> {
  readonly run: Run;
  readonly clock: Clock;
  /** Users of a call. */
  readonly maxUsers: number;
  readonly preferUserId: boolean;
  readonly maxBytes: number;
  readonly pace: ListPace;
  /** Makes one change for some users; gives those that Iterable refused. What it throws fails the run. */
  readonly change: (
    change: UserListChange,
    users: ReadonlyMap<Item, UserRequest>,
  ) => Promise<ReadonlySet<Item>>;
  /** A change of the item is made; all of them are with the last one. */
  readonly made: (item: Item, change: UserListChange, isLast: boolean) => void;
}

/** The pace of list calls, by direction. */
export interface ListPace {
  /** Calls a second at present. */
  rate(isOn: boolean): number;
  /** Resolves when a call could be sent at once. */
  untilTurn(isOn: boolean): Promise<void>;
}

/** Users wait no longer than this for others of their lists, so that states move within 60 s. */
const MAX_WAIT_MS = 40_000;
const MAX_CALLS_IN_FLIGHT = 20;
const MAX_SECONDS_LEFT = 20;
const MAX_USERS_WAITING = 250_000;
/** From this share on the fullest calls go, full or not. */
const CROWDED_SHARE = 0.75;
/** Of a string (UTF-16), as escaped JSON. */
const MAX_BYTES_PER_CHARACTER = 6;
/** What a user, and a call, hold besides identities: braces, names, a list's id. */
const ENVELOPE_BYTES = 100;
/** A call that is due waits this long for users who come together with it. */
const COALESCE_MS = 50;

/** The calls of one direction: users go on lists, or off them. */
class Direction {
  readonly isOn: boolean;
  /** A call is chosen as soon as the pace allows one. */
  awaitsTurn = false;
  inFlight = 0;
  timer: (Timer & { readonly at: number }) | undefined;

  constructor(isOn: boolean) {
    this.isOn = isOn;
  }
}

export class ListScheduler<Item extends ListItem> {
  readonly #options: ListSchedulerOptions<Item>;
  readonly #queue = new MembershipQueue<Item, UserListChange>(nameOf);
  readonly #directions = [new Direction(false), new Direction(true)] as const;
  #isFlushing = false;

  constructor(options: ListSchedulerOptions<Item>) {
    this.#options = options;
  }

  /** Changes that wait or are in flight, of all users together. */
  get memberships(): number {
    return this.#queue.memberships;
  }

  get inFlight(): number {
    return this.#directions.reduce((sum, { inFlight }) => sum + inFlight, 0);
  }

  /** Calls that are in flight, or go at the next turn. */
  get busyCalls(): number {
    return this.#directions.reduce((sum, { inFlight, awaitsTurn }) => sum + inFlight + Number(awaitsTurn), 0);
  }

  /** Share of what may wait: by the time that all calls take at the present pace, if each is full, and by users. */
  get load(): number {
    const { pace, maxUsers } = this.#options;
    const seconds = this.#queue.memberships / maxUsers / Math.min(pace.rate(true), pace.rate(false));
    return Math.max(seconds / MAX_SECONDS_LEFT, this.#queue.users / MAX_USERS_WAITING);
  }

  get #isCrowded(): boolean {
    return this.load >= CROWDED_SHARE;
  }

  /**
   * Makes the changes of one user: one at least.
   * @param since when its first record came
   */
  put(item: Item, changes: readonly UserListChange[], since: number): void {
    const groups = this.#queue.put(item, changes, since);
    this.#isFlushing = false;
    for (const direction of this.#directions) {
      if (!groups.some(({ change }) => change.isOn === direction.isOn)) continue;
      const isUrgent = this.#isCrowded || groups.some(({ free }) => free >= this.#options.maxUsers);
      if (isUrgent) this.#serve(direction);
      else this.#wait(direction, since + MAX_WAIT_MS * (1 - LATEST_SHARE));
    }
  }

  /** Sends what waits, full or not, until more users come. */
  flush(): void {
    this.#isFlushing = true;
    this.#serveAll();
  }

  #serveAll(): void {
    for (const direction of this.#directions) this.#serve(direction);
  }

  #serve(direction: Direction): void {
    const { run, pace } = this.#options;
    if (run.isOver || direction.awaitsTurn || direction.inFlight >= MAX_CALLS_IN_FLIGHT) return;
    if (!this.#choose(direction)) {
      this.#wait(direction, nextDueAt(this.#groupsOf(direction), this.#limits(direction)));
      return;
    }
    direction.awaitsTurn = true;
    pace.untilTurn(direction.isOn).then(
      () => {
        direction.awaitsTurn = false;
        // Others may have come meanwhile.
        const group = run.isOver ? undefined : this.#choose(direction);
        if (group) this.#send(direction, group);
        this.#serve(direction);
      },
      (error: unknown) => {
        direction.awaitsTurn = false;
        run.fail(error as Error);
      },
    );
  }

  #send(direction: Direction, group: Group<Item, UserListChange>): void {
    const { run, maxUsers, maxBytes, change } = this.#options;
    const users = this.#queue.take(group, { maxUsers, maxBytes, bytesOf });
    direction.inFlight++;
    change(group.change, this.#requestsOf(group, users)).then(
      (refused) => {
        direction.inFlight--;
        for (const user of users) this.#answered(user, group, refused);
        this.#serveAll();
        run.moved();
      },
      (error: unknown) => {
        direction.inFlight--;
        run.fail(error as Error);
        run.moved();
      },
    );
  }

  #answered(
    user: Waiting<Item, UserListChange>,
    group: Group<Item, UserListChange>,
    refused: ReadonlySet<Item>,
  ): void {
    if (refused.has(user.item)) this.#queue.refused(user);
    else this.#options.made(user.item, group.change, this.#queue.made(user, group));
  }

  #requestsOf(
    { change }: Group<Item, UserListChange>,
    users: readonly Waiting<Item, UserListChange>[],
  ): Map<Item, UserRequest> {
    const texts = new TextPages();
    // A call that takes users off a list creates none, and does not have the option.
    const preferUserId = this.#options.preferUserId && change.isOn && !change.onlyExisting;
    return new Map(users.map(({ item }) => [item, userIdentity(item.key, { preferUserId }, texts)]));
  }

  #choose(direction: Direction): Group<Item, UserListChange> | undefined {
    const { clock, maxUsers } = this.#options;
    return chooseGroup(this.#groupsOf(direction), {
      ...this.#limits(direction),
      now: clock.now(),
      maxUsers,
      isCrowded: this.#isCrowded,
      isFlushing: this.#isFlushing,
    });
  }

  #limits({ isOn }: Direction): { readonly rate: number; readonly maxWaitMs: number } {
    return { rate: this.#options.pace.rate(isOn), maxWaitMs: MAX_WAIT_MS };
  }

  *#groupsOf({ isOn }: Direction): Iterable<Group<Item, UserListChange>> {
    for (const group of this.#queue.groups) if (group.change.isOn === isOn) yield group;
  }

  /** Looks again then, if not before. */
  #wait(direction: Direction, dueAt: number): void {
    const { run, clock } = this.#options;
    const now = clock.now();
    const at = Math.max(dueAt, now + COALESCE_MS);
    if (at >= (direction.timer?.at ?? Infinity)) return;
    direction.timer?.cancel();
    const { cancel } = run.after(at - now, () => {
      direction.timer = undefined;
      this.#serve(direction);
    });
    direction.timer = { at, cancel };
  }
}

/** More than the user's identity takes of a call. */
function bytesOf({ key }: ListItem): number {
  return key.value.length * MAX_BYTES_PER_CHARACTER + ENVELOPE_BYTES;
}

function nameOf({ list, isOn, onlyExisting }: UserListChange): string {
  return `${isOn ? '+' : '-'}${onlyExisting ? 'existing' : 'all'} ${list}`;
}
