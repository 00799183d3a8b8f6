/**
 * The ledger as a sync uses it: finds the rows of records, decides what of them is to be sent, and remembers what became
 * of it. Knows nothing of calls; what it is told was delivered is in the ledger before `onKept`.
 */
import type { Clock } from '../clock.ts';
import type { HeldEntry, Ledger } from '../ledger/ledger.ts';
import type { ProjectType } from '../mapping/options.ts';
import { type Removal, type Upsert, type UserKey } from '../model.ts';
import { SYNC_MODES } from '../streams/modes.ts';
import { coalesce } from './coalesce.ts';
import { Keeper } from './keeper.ts';
import { KeptRows } from './kept-rows.ts';
import { decideRemoval, type RemovalDecision } from './removals.ts';
import {
  entryInDoubt,
  entryUnderWay,
  identitiesOf,
  rowKey,
  rowToken,
  type NewEntry,
  type RememberedStream,
  type Row,
} from './row.ts';
import { stateText, type StreamMemory } from './streams.ts';
import {
  asksOthers,
  decide,
  draft,
  holds,
  isPlainlyNew,
  isUnchanged,
  type Decision,
  type RowWork,
} from './upserts.ts';
import { valuesHash } from './values-hash.ts';

export interface MemoryOptions {
  readonly ledger: Ledger;
  /** By stream key. */
  readonly streams: ReadonlyMap<string, StreamMemory>;
  readonly projectType: ProjectType;
  readonly clock: Clock;
  readonly onFailure: (error: Error) => void;
}

/** What can be told of a record before its row is looked for. */
export interface RecordIdentity {
  readonly streamKey: string;
  readonly primaryKey?: string | undefined;
  /** Who it is about, where that can be told. */
  readonly key?: UserKey | undefined;
  /** Where it writes a user. */
  readonly upsert?: Upsert | undefined;
}

const NOBODY: readonly string[] = [];

type People = Parameters<Ledger['holders']>[0];

export class Memory {
  readonly #options: MemoryOptions;
  readonly #keeper: Keeper;
  /** To be told how the records of a row ended. */
  readonly keep: KeptRows;
  /** For questions that come one by one. */
  readonly #findRow: (row: Row) => Promise<void>;
  readonly #findHolders: (people: People) => Promise<readonly HeldEntry[]>;
  readonly #hold: (entries: readonly NewEntry[]) => Promise<void>;

  constructor(options: MemoryOptions) {
    this.#options = options;
    this.#keeper = new Keeper(options);
    this.keep = new KeptRows(this.#keeper, options.streams);
    this.#findRow = coalesce((rows) => this.#find(rows));
    this.#findHolders = coalesce((people) =>
      options.ledger.holders({
        emails: [...new Set(people.flatMap(({ emails }) => emails))],
        userIds: [...new Set(people.flatMap(({ userIds }) => userIds))],
      }),
    );
    this.#hold = coalesce((asked) => {
      const entries = new Map(asked.flat().map((entry) => [rowToken(entry.stream, entry.key), entry]));
      return options.ledger.commit({ entries: [...entries.values()] });
    });
  }

  get streams(): StreamMemory[] {
    return [...this.#options.streams.values()];
  }

  get ledger(): Ledger {
    return this.#options.ledger;
  }

  /** Keeps what this run starts from: whatever it writes belongs to that. Gives how many people are removed no more. */
  async begin(): Promise<number> {
    const { ledger, streams } = this.#options;
    const keeping = [...streams.values()].filter(({ routed }) => !SYNC_MODES[routed.mode].remove);
    await ledger.commit({
      states: [...streams.values()].map((stream) => ({
        stream: stream.remembered.id,
        state: stateText(stream),
      })),
    });
    // Decided when the mode still was to remove.
    return keeping.length === 0 ? 0 : ledger.pardon(keeping.map(({ remembered }) => remembered.id));
  }

  /** A record of the stream has come: its snapshot is not empty. */
  noteRecord(streamKey: string): void {
    const stream = this.#options.streams.get(streamKey);
    if (!stream) return;
    stream.hasRecord = true;
    if (!stream.state.open || stream.state.open.hasRecord) return;
    stream.state.open.hasRecord = true;
    this.#keeper.setState(stream.remembered.id, stateText(stream));
  }

  /** All records of the streams that are proven have been sent: a refresh that was asked for is done, and is not while a source fails it. */
  async noteSentAll(isProven: (stream: StreamMemory) => boolean): Promise<void> {
    const { ledger, streams } = this.#options;
    const states: { stream: number; state: string }[] = [];
    for (const stream of streams.values()) {
      const { generationId } = stream.routed.configured;
      if (generationId === undefined || stream.state.generation === generationId || !isProven(stream))
        continue;
      stream.state.generation = generationId;
      states.push({ stream: stream.remembered.id, state: stateText(stream) });
    }
    if (states.length > 0) await ledger.commit({ states });
  }

  /** True while something is on its way into the ledger. */
  get isBusy(): boolean {
    return this.#keeper.isBusy;
  }

  /** True while so much is on its way that no more should come. */
  get isFull(): boolean {
    return this.#keeper.isFull;
  }

  /** Undefined for a record that says neither its primary key nor who it is about. */
  rowOf({ streamKey, primaryKey, key, upsert }: RecordIdentity): Row | undefined {
    const memory = this.#options.streams.get(streamKey);
    if (!memory) return undefined;
    const { remembered: stream } = memory;
    const text = rowKey(primaryKey, key);
    if (text === undefined) return undefined;
    return {
      stream,
      key: text,
      token: rowToken(stream.id, text),
      isKeyedByIdentity: primaryKey === undefined && memory.routed.configured.primaryKey.length !== 0,
      valuesHash: upsert ? valuesHash(upsert.values) : '',
      held: undefined,
      isCurrent: false,
    };
  }

  /**
   * Reads what the ledger holds of these rows, then hands them on in order, each with whether it still holds: another
   * record may have changed it meanwhile.
   */
  async recall(rows: readonly Row[], use: (holds: (row: Row) => boolean) => Promise<void>): Promise<void> {
    const changed = this.#keeper.watch();
    try {
      await this.#find(rows);
      await use((row) => changed.size === 0 || !changed.has(row.token));
    } finally {
      this.#keeper.unwatch(changed);
    }
  }

  /** Whoever the row was until now. */
  identitiesBefore(row: Row): readonly string[] {
    return row.held ? identitiesOf(row.held) : NOBODY;
  }

  /** True when the record needs no call at all. */
  isUnchanged(row: Row, change: Upsert): boolean {
    return row.held !== undefined && row.isCurrent && isUnchanged(row.held, { row, change });
  }

  /** True when {@link decide} has to be asked what of the work is to be sent. */
  concerns(work: Pick<RowWork, 'records' | 'change'>): boolean {
    return !isPlainlyNew(work);
  }

  /** One decision for each work. Throws what the ledger throws. */
  async decide(works: readonly RowWork[]): Promise<Decision[]> {
    await this.#find(
      works.flatMap(({ records }) => records.map(({ row }) => row)).filter((row) => !row.isCurrent),
    );
    const drafts = works.map((work) => draft(work, this.#options.projectType));
    const asking = drafts.filter((each) => each !== undefined).filter(asksOthers);
    const holders =
      asking.length === 0
        ? []
        : await this.#options.ledger.holders({
            emails: asking.flatMap(({ emails, change: { previousEmail } }) =>
              previousEmail === undefined ? emails : [...emails, previousEmail],
            ),
            userIds: asking.flatMap(({ userIds }) => userIds),
          });
    return works.map((work, index) => {
      const own = drafts[index];
      const row = work.records[0]?.row;
      if (!own || !row) return { kind: 'write', change: work.change };
      return asksOthers(own) ? decide(own, othersThan(row, holders), work) : own;
    });
  }

  /** What a removal comes to. Throws what the ledger throws. */
  async decideRemoval(row: Row | undefined, streamKey: string, removal: Removal): Promise<RemovalDecision> {
    if (row && !row.isCurrent) await this.#findRow(row);
    const held = row?.held;
    const people = {
      emails: [removal.email, held?.email].filter((email) => email !== undefined),
      userIds: [removal.userId, held?.userId].filter((userId) => userId !== undefined),
    };
    const holders = await this.#findHolders(people);
    return decideRemoval({
      removal,
      held,
      others: othersThan(row, holders).filter((entry) => holds(entry, people)),
      streamId: this.#streamOf(streamKey)?.id ?? 0,
      projectType: this.#options.projectType,
    });
  }

  /**
   * Calls for these rows are about to be made: until it is kept how they ended, the ledger holds the rows in doubt. Throws
   * what the ledger throws.
   */
  async holdInDoubt(works: readonly RowWork[]): Promise<void> {
    const entries = works.map(({ records, change }) => entryUnderWay(records, change.lists));
    const known = entries.filter((entry) => entry !== undefined);
    if (known.length > 0) await this.#hold(known);
  }

  /** The same for entries whose people are about to be removed, or to move. */
  async holdEntries(entries: readonly HeldEntry[]): Promise<void> {
    if (entries.length > 0) await this.#hold(entries.map(entryInDoubt));
  }

  /** Resolves when all that was told is in the ledger. */
  flush(): Promise<void> {
    return this.#keeper.flush();
  }

  #streamOf(streamKey: string): RememberedStream | undefined {
    return this.#options.streams.get(streamKey)?.remembered;
  }

  async #find(rows: readonly Row[]): Promise<void> {
    const byStream = new Map<number, Row[]>();
    for (const row of rows) {
      const known = byStream.get(row.stream.id);
      if (known) known.push(row);
      else byStream.set(row.stream.id, [row]);
    }
    for (const [stream, ofStream] of byStream) {
      const found = await this.#options.ledger.find(
        stream,
        ofStream.map(({ key }) => key),
      );
      for (const row of ofStream) {
        row.held = found.get(row.key);
        row.isCurrent = true;
      }
    }
  }
}

/** Entries that are to be removed hold nobody. */
function othersThan(row: Row | undefined, holders: readonly HeldEntry[]): HeldEntry[] {
  return holders.filter(
    ({ stream, key, isDoomed }) => !isDoomed && !(stream === row?.stream.id && key === row.key),
  );
}
