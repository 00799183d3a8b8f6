/** Users who are missing from the snapshot and leave their lists: in full calls, however many lists there are. */
import type { Clock } from '../clock.ts';
import type { ListMembers, UserListChange } from '../delivery/list-members.ts';
import type { Person } from '../delivery/remove-users.ts';
import type { MissingRow } from '../diff/pending-deletions.ts';
import { identityText, type Rejection, type UserKey } from '../model.ts';
import type { Run } from '../run.ts';
import { ListScheduler } from './lanes/list-scheduler.ts';
import { refusedBy } from './stages/lists.ts';

/** Rows of one user, also of several streams: no two calls may touch the user at once, nor may one call name it twice. */
export interface MissingUser extends Person {
  readonly rows: MissingRow[];
}

export interface ListLeaversOptions {
  readonly run: Run;
  readonly clock: Clock;
  readonly listMembers: Pick<ListMembers, 'change' | 'rate' | 'untilTurn'>;
  /** Users of a call. */
  readonly maxUsers: number;
  readonly maxBytes: number;
}

interface Leaver {
  readonly key: UserKey;
  readonly rows: readonly MissingRow[];
}

/** Whoever leaves lists at present, and what came of those who did. */
export class ListLeavers {
  readonly #options: ListLeaversOptions;
  readonly #scheduler: ListScheduler<Leaver>;
  /** By identity. */
  readonly #leaving = new Set<string>();
  #done: MissingRow[] = [];
  #refused: [MissingRow, Rejection][] = [];

  constructor(options: ListLeaversOptions) {
    this.#options = options;
    this.#scheduler = new ListScheduler({
      ...options,
      preferUserId: false,
      pace: options.listMembers,
      change: async (change, users) => {
        const refused = await refusedBy(change, users, options.listMembers);
        for (const [leaver, rejection] of refused) this.#ended(leaver, rejection);
        return new Set(refused.keys());
      },
      made: (leaver, _, isLast) => {
        if (isLast) this.#ended(leaver);
      },
    });
  }

  /** Users who leave lists. */
  get size(): number {
    return this.#leaving.size;
  }

  get inFlight(): number {
    return this.#scheduler.inFlight;
  }

  /** True while calls for the user may be made: other rows of it have to wait. */
  has({ key }: Person): boolean {
    return this.#leaving.has(identityText(key));
  }

  add({ key, rows }: MissingUser): void {
    const lists = new Set(rows.flatMap(({ removal }) => removal.lists ?? []));
    if (lists.size === 0) {
      this.#done.push(...rows);
      return;
    }
    this.#leaving.add(identityText(key));
    const changes: UserListChange[] = [...lists].map((list) => ({ list, isOn: false, onlyExisting: false }));
    this.#scheduler.put({ key, rows }, changes, this.#options.clock.now());
  }

  /** No more users come for now. */
  flush(): void {
    this.#scheduler.flush();
  }

  /** The rows whose users have left all of their lists, and those of users who were refused, each once. */
  take(): { readonly done: readonly MissingRow[]; readonly refused: readonly [MissingRow, Rejection][] } {
    const taken = { done: this.#done, refused: this.#refused };
    this.#done = [];
    this.#refused = [];
    return taken;
  }

  #ended({ key, rows }: Leaver, rejection?: Rejection): void {
    this.#leaving.delete(identityText(key));
    if (rejection) for (const row of rows) this.#refused.push([row, rejection]);
    else this.#done.push(...rows);
  }
}
