/**
 * Compares records with the ledger: finds their rows, decides what of them is to be sent, and records the results. Knows
 * nothing of calls.
 */
import type { Clock } from '../clock.ts';
import { coalesce } from '../coalesce.ts';
import type { HeldEntry, Ledger } from '../ledger/ledger.ts';
import type { ProjectType } from '../mapping/options.ts';
import type { Identities, Removal, TargetValues, Upsert, UserKey } from '../model.ts';
import type { Run } from '../run.ts';
import { SYNC_MODES } from '../streams/modes.ts';
import { fieldHashes, withoutDropped } from './field-hashes.ts';
import { holds, keepersOf, names, type UserIdentities } from './holds.ts';
import { LedgerWriter } from './ledger-writer.ts';
import { RowResults } from './row-results.ts';
import { decideRemoval, type RemovalDecision } from './removals.ts';
import {
  asUnconfirmed,
  entryInFlight,
  identitiesOf,
  rowKey,
  rowToken,
  Row,
  type NewEntry,
  type RowStream,
} from './row.ts';
import { stateText, type DiffStream } from './streams.ts';
import {
  asksOthers,
  decide,
  draft,
  isPlainlyNew,
  isUnchanged,
  withChangedFields,
  type ChangedFieldsOptions,
  type Decision,
  type Draft,
  type RowTask,
} from './upserts.ts';
import { valuesHash } from './values-hash.ts';

export interface ChangeDetectorOptions extends ChangedFieldsOptions {
  readonly ledger: Ledger;
  /** By stream key. */
  readonly streams: ReadonlyMap<string, DiffStream>;
  readonly projectType: ProjectType;
  readonly clock: Clock;
  readonly run: Run;
}

/** What a record says of its row. */
export interface RecordIdentity {
  readonly streamKey: string;
  readonly primaryKey?: string | undefined;
  /** The identity of its user, where it has one. */
  readonly key?: UserKey | undefined;
  /** Where it writes a user. */
  readonly upsert?: Upsert | undefined;
}

const NO_IDENTITIES: readonly string[] = [];

type People = Parameters<Ledger['holders']>[0];

export class ChangeDetector {
  readonly #options: ChangeDetectorOptions;
  /** By the ledger's number. */
  readonly #rowStreams: ReadonlyMap<number, RowStream>;
  readonly #writer: LedgerWriter;
  /** Takes how the records of a row ended. */
  readonly results: RowResults;
  /** The lookups that come one by one, batched. */
  readonly #findRow: (row: Row) => Promise<void>;
  readonly #findHolders: (people: People) => Promise<readonly HeldEntry[]>;
  readonly #markUnconfirmed: (entries: readonly NewEntry[]) => Promise<void>;
  readonly #noteFree: (identities: readonly string[]) => Promise<void>;

  constructor(options: ChangeDetectorOptions) {
    this.#options = options;
    const rowStreams = [...options.streams.values()].map(({ rowStream }) => rowStream);
    this.#rowStreams = new Map(rowStreams.map((stream) => [stream.id, stream]));
    this.#writer = new LedgerWriter(options);
    this.results = new RowResults(this.#writer, options.streams);
    this.#findRow = coalesce((rows) => this.#find(rows));
    this.#findHolders = coalesce((people) =>
      options.ledger.holders({
        emails: [...new Set(people.flatMap(({ emails }) => emails))],
        userIds: [...new Set(people.flatMap(({ userIds }) => userIds))],
      }),
    );
    this.#markUnconfirmed = coalesce((asked) => {
      const entries = new Map(asked.flat().map((entry) => [rowToken(entry.stream, entry.key), entry]));
      return options.ledger.commit({ entries: [...entries.values()] });
    });
    this.#noteFree = coalesce((asked) => options.ledger.commit({ free: asked.flat() }));
  }

  get streams(): DiffStream[] {
    return [...this.#options.streams.values()];
  }

  get ledger(): Ledger {
    return this.#options.ledger;
  }

  /** Stores what this run starts from, before it writes any entry. Gives how many pending deletions it cancels. */
  async begin(): Promise<number> {
    const { ledger, streams } = this.#options;
    const removingNone = [...streams.values()].filter(({ routed }) => !SYNC_MODES[routed.mode].remove);
    await ledger.commit({
      states: [...streams.values()].map((stream) => ({
        stream: stream.rowStream.id,
        state: stateText(stream),
      })),
    });
    // They were decided while the mode still removed users.
    return removingNone.length === 0
      ? 0
      : ledger.cancelDeletions(removingNone.map(({ rowStream }) => rowStream.id));
  }

  /** A record of the stream has come: its snapshot is not empty. */
  noteRecord(streamKey: string): void {
    const stream = this.#options.streams.get(streamKey);
    if (!stream) return;
    stream.hasRecord = true;
    if (!stream.state.open || stream.state.open.hasRecord) return;
    stream.state.open.hasRecord = true;
    this.#writer.setState(stream.rowStream.id, stateText(stream));
  }

  /** Streams of the project identify users in both ways: of one user, each may hold one identity. */
  get identifiesBothWays(): boolean {
    // The same for all of them.
    return this.#rowStreams.values().next().value?.identifiesBothWays === true;
  }

  /** The entries that keep the user in Iterable. Throws what the ledger throws. */
  async keepersOf(user: UserIdentities): Promise<readonly HeldEntry[]> {
    return keepersOf(user, this.#ofCurrentBasis(await this.#findHolders(user)));
  }

  /** True while something is being written to the ledger. */
  get isBusy(): boolean {
    return this.#writer.isBusy;
  }

  /** True while so much waits to be written that no more should come. */
  get isFull(): boolean {
    return this.#writer.isFull;
  }

  /** Undefined for a record that has neither its primary key nor an identity. */
  rowOf({ streamKey, primaryKey, key, upsert }: RecordIdentity): Row | undefined {
    const known = this.#options.streams.get(streamKey);
    if (!known) return undefined;
    const { rowStream: stream, routed } = known;
    const text = rowKey(primaryKey, key);
    if (text === undefined) return undefined;
    return new Row({
      stream,
      key: text,
      isKeyedByIdentity: primaryKey === undefined && routed.configured.primaryKey.length !== 0,
      valuesHash: upsert ? valuesHash(upsert.values) : '',
    });
  }

  /** Reads the entries of these rows while `use` takes them; one that is written or dropped meanwhile is in `changed`. */
  async read(rows: readonly Row[], use: (changed: ReadonlySet<string>) => Promise<void>): Promise<void> {
    const changed = this.#writer.watch();
    try {
      await this.#find(rows);
      await use(changed);
    } finally {
      this.#writer.unwatch(changed);
    }
  }

  /** The identities of the user that the row stood for until now. */
  identitiesBefore({ entry }: Row): readonly string[] {
    return entry ? identitiesOf(entry) : NO_IDENTITIES;
  }

  /** True when the record needs no call at all. */
  isUnchanged(row: Row, change: Upsert): boolean {
    return row.entry !== undefined && row.isCurrent && isUnchanged(row.entry, { row, change });
  }

  /** True when {@link decide} has to say what of the task is to be sent. */
  concerns(task: Pick<RowTask, 'records' | 'change'>): boolean {
    return !isPlainlyNew(task);
  }

  /** One decision for each task. Throws what the ledger throws. */
  async decide(tasks: readonly RowTask[]): Promise<Decision[]> {
    await this.#find(
      tasks.flatMap(({ records }) => records.map(({ row }) => row)).filter((row) => !row.isCurrent),
    );
    const drafts = tasks.map((task) => draft(task, this.#options.projectType));
    const asking = drafts.filter((each) => each !== undefined).filter(asksOthers);
    const holders =
      asking.length === 0
        ? []
        : await this.#options.ledger.holders({
            emails: asking.flatMap(({ emails, former, change: { previousEmail } }) =>
              [...emails, previousEmail, former?.email].filter((email) => email !== undefined),
            ),
            userIds: asking.flatMap(({ userIds, former }) =>
              former?.userId === undefined ? userIds : [...userIds, former.userId],
            ),
          });
    const changing = tasks.filter((_, index) => mayBeReduced(drafts[index]));
    const held = await this.#fieldHashes(
      changing.flatMap(({ records: [first] }) => (first ? [first.row] : [])),
    );
    return tasks.map((task, index) => {
      const own = drafts[index];
      const row = task.records[0]?.row;
      if (!own || !row) return { kind: 'write', change: task.change };
      const decision = asksOthers(own) ? decide(own, othersThan(row, holders), task) : own;
      const hashes = held.get(row.token);
      return hashes ? withChangedFields(decision, task, hashes, this.#options) : decision;
    });
  }

  /** By the token of the row. */
  async #fieldHashes(rows: readonly Row[]): Promise<ReadonlyMap<string, Uint8Array>> {
    const found = new Map<string, Uint8Array>();
    for (const [stream, ofStream] of byStream(rows)) {
      const ofKeys = await this.#options.ledger.fieldHashes(
        stream,
        ofStream.map(({ key }) => key),
      );
      for (const [key, hashes] of ofKeys) found.set(rowToken(stream, key), hashes);
    }
    return found;
  }

  /** The hashes of the fields of a row that was sent as a whole, or of what {@link decide} says that Iterable has. */
  fieldHashesOf(
    { key }: Row,
    values: TargetValues,
    decided: Uint8Array | undefined,
    dropped: readonly string[],
  ): Uint8Array {
    const options = { key, mergeNestedObjects: this.#options.mergeNestedObjects };
    const hashes = decided ?? fieldHashes(values, options);
    return dropped.length === 0 ? hashes : withoutDropped(hashes, values, dropped, options);
  }

  /** What a removal comes to. Throws what the ledger throws. */
  async decideRemoval(row: Row | undefined, streamKey: string, removal: Removal): Promise<RemovalDecision> {
    if (row && !row.isCurrent) await this.#findRow(row);
    const held = row?.entry;
    const streamId = this.#streamOf(streamKey)?.id ?? 0;
    const isKeyless = row === undefined || row.isKeyedByIdentity;
    let people = peopleIn([removal, held]);
    let holders = await this.#findHolders(people);
    if (isKeyless) {
      // Rows that are released may have further identities, by which others hold the user.
      const own = holders.filter((entry) => entry.stream === streamId && holds(entry, people));
      const all = peopleIn([removal, held, ...own]);
      if (all.emails.length + all.userIds.length > people.emails.length + people.userIds.length) {
        people = all;
        holders = await this.#findHolders(people);
      }
    }
    return decideRemoval({
      removal,
      held,
      others: this.#ofCurrentBasis(othersThan(row, holders)).filter(
        (entry) => holds(entry, people) || names(entry, people),
      ),
      isKeyless,
      streamId,
      projectType: this.#options.projectType,
    });
  }

  /**
   * Calls for these rows are about to be made: until their results are committed, the rows are unconfirmed. Throws what the
   * ledger throws.
   */
  async markUnconfirmed(tasks: readonly RowTask[]): Promise<void> {
    const entries = tasks.map(({ records, change }) => entryInFlight(records, change.lists));
    const known = entries.filter((entry) => entry !== undefined);
    if (known.length > 0) await this.#markUnconfirmed(known);
  }

  /** No deleted user has these identities any longer. Throws what the ledger throws. */
  noteFree(identities: readonly string[]): Promise<void> {
    return this.#noteFree(identities);
  }

  /** The same for entries whose users are about to be removed, or to move. */
  async markEntriesUnconfirmed(entries: readonly HeldEntry[]): Promise<void> {
    if (entries.length > 0) await this.#markUnconfirmed(entries.map(asUnconfirmed));
  }

  /** Resolves when all results are in the ledger. */
  flush(): Promise<void> {
    return this.#writer.flush();
  }

  /** Entries of another identity configuration hold no user. */
  #ofCurrentBasis(entries: readonly HeldEntry[]): HeldEntry[] {
    return entries.filter(
      ({ stream, conditions }) => this.#rowStreams.get(stream)?.hasOtherBasis(conditions) !== true,
    );
  }

  #streamOf(streamKey: string): RowStream | undefined {
    return this.#options.streams.get(streamKey)?.rowStream;
  }

  async #find(rows: readonly Row[]): Promise<void> {
    for (const [stream, ofStream] of byStream(rows)) {
      const found = await this.#options.ledger.find(
        stream,
        ofStream.map(({ key }) => key),
      );
      for (const row of ofStream) {
        row.found(found.get(row.key));
      }
    }
  }
}

/** Field by field it can be told what of the user is to be sent. */
function mayBeReduced(draft: Draft | undefined): boolean {
  return draft?.isKnown === true && draft.kind === 'write';
}

function byStream(rows: readonly Row[]): Map<number, Row[]> {
  const found = new Map<number, Row[]>();
  for (const row of rows) {
    const known = found.get(row.stream.id);
    if (known) known.push(row);
    else found.set(row.stream.id, [row]);
  }
  return found;
}

function peopleIn(all: readonly (Identities | undefined)[]): People {
  const emails = all.map((each) => each?.email).filter((email) => email !== undefined);
  const userIds = all.map((each) => each?.userId).filter((userId) => userId !== undefined);
  return { emails: [...new Set(emails)], userIds: [...new Set(userIds)] };
}

/** Entries whose users are to be removed don't keep a user in Iterable. */
function othersThan(row: Row | undefined, holders: readonly HeldEntry[]): HeldEntry[] {
  return holders.filter(
    ({ stream, key, isPendingDeletion }) =>
      !isPendingDeletion && !(stream === row?.stream.id && key === row.key),
  );
}
