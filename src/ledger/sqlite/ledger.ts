/** The ledger in one SQLite file, for one machine: only one run at a time can open it. */
import type { DatabaseSync } from 'node:sqlite';
import { emptyLedger } from '../empty.ts';
import type {
  PendingDeletion,
  HeldEntry,
  Ledger,
  LedgerChanges,
  LedgerOpening,
  LedgerStream,
} from '../ledger.ts';
import { noteDeleted, noteFree, recentlyDeleted } from './deleted.ts';
import {
  countMissing,
  decideDeletions,
  nextPendingDeletions,
  cancelDeletions,
  unseen,
  countEntries,
} from './absence.ts';
import { MovedKeys, withMovedKeys } from '../old-keys.ts';
import { toStream, type Enrolled, type StreamRow } from '../enrolled.ts';
import { enrol, lookUp } from './enrol.ts';
import { EntryTable } from './entries.ts';
import { keyTable, moveOldKeys, streamsWithOldKeys } from './keys.ts';
import { schemaVersion } from './schema.ts';
import { explain, openToRead, openToWrite, type OpenedToRead } from './open.ts';
import { Statements } from './statements.ts';

/** Opens the ledger at this path. Throws ConfigError or TransientError (`ledger_busy`) when that fails. */
export async function openSqliteLedger(
  { path }: { readonly path: string },
  opening: LedgerOpening,
): Promise<Ledger> {
  if (opening.access === 'write') {
    const database = await openToWrite(path);
    try {
      const ledger = new SqliteLedger(path, database, enrol(database, opening));
      await ledger.moveOldKeys();
      return ledger;
    } catch (error) {
      database.close();
      throw explain(path, error);
    }
  }
  const reading = await openToRead(path);
  if (!reading) return emptyLedger(opening);
  try {
    const ledger = new SqliteLedger(path, reading.database, lookUp(reading.database, opening), reading);
    return withMovedKeys(ledger, await ledger.movedKeys());
  } catch (error) {
    reading.database.close();
    reading.tidy();
    throw reading.explain(error);
  }
}

class SqliteLedger implements Ledger {
  readonly own: readonly LedgerStream[];
  readonly #statements: Statements;
  readonly #entries: EntryTable;
  /** Set if the ledger is only read. */
  readonly #reading: OpenedToRead | undefined;
  readonly #project: number;

  constructor(path: string, database: DatabaseSync, { project, own }: Enrolled, reading?: OpenedToRead) {
    this.#statements = new Statements(database, reading?.explain ?? ((error) => explain(path, error)));
    this.#entries = new EntryTable(this.#statements);
    this.#reading = reading;
    this.#project = project;
    this.own = own;
  }

  /** To be called before anything is read or written. */
  async moveOldKeys(): Promise<void> {
    await moveOldKeys(this.#statements, this.#entries, this.#streamsWithOldKeys());
  }

  /** How {@link moveOldKeys} would convert the keys. */
  movedKeys(): Promise<MovedKeys | undefined> {
    return MovedKeys.of(this.#streamsWithOldKeys(), (stream) =>
      keyTable(this.#statements, this.#entries, stream),
    );
  }

  #streamsWithOldKeys(): number[] {
    return streamsWithOldKeys(this.#statements, schemaVersion(this.#statements.database), this.own);
  }

  streams(): Promise<readonly LedgerStream[]> {
    return this.#statements.run(() =>
      this.#statements
        .all<StreamRow>(
          'SELECT id, scope, namespace, name, state FROM stream WHERE project = ? ORDER BY id',
          this.#project,
        )
        .map(toStream),
    );
  }

  find(stream: number, keys: readonly string[]): Promise<ReadonlyMap<string, HeldEntry>> {
    return this.#statements.run(() => this.#entries.find(stream, keys));
  }

  fieldHashes(stream: number, keys: readonly string[]): Promise<ReadonlyMap<string, Uint8Array>> {
    return this.#statements.run(() => this.#entries.fieldHashes(stream, keys));
  }

  holders(people: Parameters<Ledger['holders']>[0]): Promise<readonly HeldEntry[]> {
    return this.#statements.run(() => this.#entries.holders(this.#project, people));
  }

  count(stream: number): Promise<number> {
    return this.#statements.run(() => countEntries(this.#statements, stream));
  }

  commit(changes: LedgerChanges): Promise<void> {
    return this.#statements.transaction(() => {
      this.#entries.change(changes);
      this.#setStates(changes.states ?? []);
      noteFree(this.#statements, this.#project, changes.free ?? []);
      noteDeleted(this.#statements, this.#project, changes.deleted ?? []);
    });
  }

  countMissing(stream: number, snapshot: number): Promise<{ upserted: number; enriched: number }> {
    return this.#statements.run(() => countMissing(this.#statements, stream, snapshot));
  }

  unseen(...[stream, snapshot, after, limit]: Parameters<Ledger['unseen']>): ReturnType<Ledger['unseen']> {
    return this.#statements.run(() =>
      unseen(this.#statements, { stream, snapshot, after, limit, table: this.#entries }),
    );
  }

  decideDeletions(
    ...[snapshots, accept]: Parameters<Ledger['decideDeletions']>
  ): ReturnType<Ledger['decideDeletions']> {
    return this.#statements.transaction(() => {
      this.#statements.database.exec('SAVEPOINT decision');
      const decided = decideDeletions(this.#statements, this.#project, snapshots);
      if (accept(decided)) this.#setStates(snapshots);
      else this.#statements.database.exec('ROLLBACK TO decision');
      return decided;
    });
  }

  nextPendingDeletions(streams: readonly number[], limit: number): Promise<readonly PendingDeletion[]> {
    return this.#statements.run(() =>
      nextPendingDeletions(this.#statements, this.#project, { streams, limit, table: this.#entries }),
    );
  }

  cancelDeletions(streams: readonly number[]): Promise<number> {
    return this.#statements.transaction(() => cancelDeletions(this.#statements, streams));
  }

  recentlyDeleted(ms: number): ReturnType<Ledger['recentlyDeleted']> {
    return this.#statements.run(() => recentlyDeleted(this.#statements, this.#project, ms));
  }

  close(): Promise<void> {
    return this.#statements.run(() => {
      if (this.#statements.database.isOpen) this.#statements.database.close();
      this.#reading?.tidy();
    });
  }

  #setStates(states: readonly { readonly stream: number; readonly state: string }[]): void {
    for (const { stream, state } of states)
      this.#statements.exec('UPDATE stream SET state = ? WHERE id = ?', state, stream);
  }
}
