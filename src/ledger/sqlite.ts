/** The ledger in one SQLite file, for one machine: one run has it open at a time. */
import type { DatabaseSync, StatementSync, SQLInputValue } from 'node:sqlite';
import type { StreamId } from '../model.ts';
import type {
  DoomedEntry,
  HeldEntry,
  Ledger,
  LedgerChanges,
  LedgerOpening,
  LedgerStream,
  ProvenSnapshot,
} from './ledger.ts';
import { emptyLedger, missingStreams } from './empty.ts';
import { refuseOtherProject } from './project.ts';
import { explain, openToRead, openToWrite, type OpenedToRead } from './sqlite-open.ts';
import { parseWritten, writtenText, type Written } from './written.ts';

/** Opens the ledger at this path. Throws ConfigError or TransientError (`ledger_busy`) when that can't be done. */
export async function openSqliteLedger(
  { path }: { readonly path: string },
  opening: LedgerOpening,
): Promise<Ledger> {
  if (opening.access === 'write') {
    const database = await openToWrite(path);
    try {
      return new SqliteLedger(path, database, enrol(database, opening));
    } catch (error) {
      database.close();
      throw explain(path, error);
    }
  }
  const reading = await openToRead(path);
  if (!reading) return emptyLedger(opening);
  try {
    return new SqliteLedger(path, reading.database, lookUp(reading.database, opening), reading);
  } catch (error) {
    reading.database.close();
    reading.tidy();
    throw reading.explain(error);
  }
}

interface Enrolled {
  readonly project: number;
  readonly own: readonly LedgerStream[];
}

interface StreamRow {
  readonly id: number;
  readonly scope: string;
  readonly namespace: string;
  readonly name: string;
  readonly state: string;
}

interface EntryRow {
  readonly stream: number;
  readonly key: string;
  readonly email: string | null;
  readonly user_id: string | null;
  readonly values_hash: string;
  readonly written: number;
  readonly seen: number;
  readonly doomed: number;
}

const ENTRY_COLUMNS = 'stream, key, email, user_id, values_hash, written, seen, doomed';
/** Kept to give entries that are alike the same objects; more distinct ones are read again. */
const MAX_KEPT = 20_000;
/** Whether an entry of the project that is not doomed is about the person of `entry`. */
const IS_HELD_BY_ANOTHER = `EXISTS (
    SELECT 1 FROM entry AS other JOIN stream ON stream.id = other.stream
    WHERE stream.project = :project AND other.doomed = 0 AND other.email = entry.email
  ) OR EXISTS (
    SELECT 1 FROM entry AS other JOIN stream ON stream.id = other.stream
    WHERE stream.project = :project AND other.doomed = 0 AND other.user_id = entry.user_id
  )`;

class SqliteLedger implements Ledger {
  readonly own: readonly LedgerStream[];
  readonly #path: string;
  readonly #database: DatabaseSync;
  /** There where it is only read. */
  readonly #reading: OpenedToRead | undefined;
  readonly #project: number;
  readonly #statements = new Map<string, StatementSync>();
  readonly #writtenById = new Map<number, Written>();
  readonly #idOfWritten = new Map<string, number>();

  constructor(path: string, database: DatabaseSync, { project, own }: Enrolled, reading?: OpenedToRead) {
    this.#path = path;
    this.#reading = reading;
    this.#database = database;
    this.#project = project;
    this.own = own;
  }

  streams(): Promise<readonly LedgerStream[]> {
    return this.#run(() =>
      this.#all<StreamRow>(
        'SELECT id, scope, namespace, name, state FROM stream WHERE project = ? ORDER BY id',
        this.#project,
      ).map(toStream),
    );
  }

  find(stream: number, keys: readonly string[]): Promise<ReadonlyMap<string, HeldEntry>> {
    return this.#run(() => {
      const select = this.#prepare(`SELECT ${ENTRY_COLUMNS} FROM entry WHERE stream = ? AND key = ?`);
      const found = new Map<string, HeldEntry>();
      for (const key of keys) {
        const row = select.get(stream, key) as EntryRow | undefined;
        if (row) found.set(key, this.#toEntry(row));
      }
      return found;
    });
  }

  holders({ emails, userIds }: Parameters<Ledger['holders']>[0]): Promise<readonly HeldEntry[]> {
    return this.#run(() => {
      const found = new Map<string, HeldEntry>();
      const collect = (column: 'email' | 'user_id', values: readonly string[]) => {
        const sql = `SELECT ${ENTRY_COLUMNS} FROM entry WHERE ${column} = ? AND stream IN (SELECT id FROM stream WHERE project = ?)`;
        for (const value of new Set(values))
          for (const row of this.#all<EntryRow>(sql, value, this.#project))
            found.set(`${row.stream} ${row.key}`, this.#toEntry(row));
      };
      collect('email', emails);
      collect('user_id', userIds);
      return [...found.values()];
    });
  }

  count(stream: number): Promise<number> {
    return this.#run(() => this.#number('SELECT count(*) AS number FROM entry WHERE stream = ?', stream));
  }

  commit({ entries = [], dropped = [], present = [], states = [] }: LedgerChanges): Promise<void> {
    return this.#transaction(() => {
      const insert = this.#prepare(
        `INSERT INTO entry (${ENTRY_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, 0)
         ON CONFLICT (stream, key) DO UPDATE SET email = excluded.email, user_id = excluded.user_id,
           values_hash = excluded.values_hash, written = excluded.written, seen = excluded.seen, doomed = 0`,
      );
      for (const entry of entries) {
        const { stream, key, email = null, userId = null, valuesHash, seen } = entry;
        insert.run(stream, key, email, userId, valuesHash, this.#idOf(entry), seen);
      }
      const remove = this.#prepare('DELETE FROM entry WHERE stream = ? AND key = ?');
      for (const { stream, key } of dropped) remove.run(stream, key);
      const mark = this.#prepare(
        'UPDATE entry SET seen = ?1, doomed = 0 WHERE stream = ?2 AND key = ?3 AND (seen <> ?1 OR doomed = 1)',
      );
      for (const { stream, snapshot, keys } of present)
        for (const key of keys) mark.run(snapshot, stream, key);
      for (const { stream, state } of states) this.#setState(stream, state);
    });
  }

  countAbsent(stream: number, snapshot: number): Promise<{ upserted: number; enriched: number }> {
    return this.#run(() => {
      const count = (origin: string) =>
        this.#number(
          'SELECT count(*) AS number FROM entry JOIN written ON written.id = entry.written WHERE stream = ? AND seen < ? AND origin = ?',
          stream,
          snapshot,
          origin,
        );
      return { upserted: count('upsert'), enriched: count('enrich') };
    });
  }

  unseen(...[stream, snapshot, after, limit]: Parameters<Ledger['unseen']>): ReturnType<Ledger['unseen']> {
    const sql = `SELECT ${ENTRY_COLUMNS} FROM entry
      WHERE stream = ? AND key > ? AND (seen < ? OR doomed = 1) ORDER BY key LIMIT ?`;
    return this.#run(() =>
      this.#all<EntryRow>(sql, stream, after, snapshot, limit).map((row) => this.#toEntry(row)),
    );
  }

  doomAbsent(snapshots: readonly ProvenSnapshot[]): ReturnType<Ledger['doomAbsent']> {
    return this.#transaction(() => {
      for (const { stream, snapshot, state } of snapshots) {
        this.#exec(
          'UPDATE entry SET doomed = 1 WHERE stream = ? AND seen < ? AND doomed = 0',
          stream,
          snapshot,
        );
        this.#setState(stream, state);
      }
      // Only when all are doomed can be told whom an entry holds that is not.
      return snapshots.map(({ stream }) => {
        const doomed = this.#number(
          'SELECT count(*) AS number FROM entry WHERE stream = ? AND doomed = 1',
          stream,
        );
        const [row] = this.#prepare(
          `SELECT count(*) AS number FROM entry JOIN written ON written.id = entry.written
           WHERE stream = :stream AND doomed = 1 AND (origin = 'enrich' OR ${IS_HELD_BY_ANOTHER})`,
        ).all({ stream, project: this.#project }) as { number: number }[];
        const staying = row?.number ?? 0;
        return { stream, removed: doomed - staying, staying };
      });
    });
  }

  nextDoomed(streams: readonly number[], limit: number): Promise<readonly DoomedEntry[]> {
    return this.#run(() => {
      const rows: (EntryRow & { readonly held: number })[] = [];
      const select = this.#prepare(
        `SELECT ${ENTRY_COLUMNS}, (${IS_HELD_BY_ANOTHER}) AS held FROM entry WHERE stream = :stream AND doomed = 1 LIMIT :limit`,
      );
      for (const stream of streams) {
        const left = limit - rows.length;
        if (left <= 0) break;
        rows.push(...(select.all({ stream, project: this.#project, limit: left }) as unknown as typeof rows));
      }
      return rows.map((row) => ({ ...this.#toEntry(row), isHeld: row.held === 1 }));
    });
  }

  pardon(streams: readonly number[]): Promise<number> {
    return this.#transaction(() =>
      streams.reduce(
        (sum, stream) =>
          sum + this.#exec('UPDATE entry SET doomed = 0 WHERE stream = ? AND doomed = 1', stream),
        0,
      ),
    );
  }

  close(): Promise<void> {
    return this.#run(() => {
      if (this.#database.isOpen) this.#database.close();
      this.#reading?.tidy();
    });
  }

  #setState(stream: number, state: string): void {
    this.#exec('UPDATE stream SET state = ? WHERE id = ?', state, stream);
  }

  #toEntry(row: EntryRow): HeldEntry {
    const { origin, targets, lists } = this.#writtenOf(row.written);
    return {
      stream: row.stream,
      key: row.key,
      ...(row.email === null ? {} : { email: row.email }),
      ...(row.user_id === null ? {} : { userId: row.user_id }),
      valuesHash: row.values_hash,
      origin,
      targets,
      lists,
      seen: row.seen,
      isDoomed: row.doomed === 1,
    };
  }

  #writtenOf(id: number): Written {
    let written = this.#writtenById.get(id);
    if (!written) {
      const [row] = this.#all<{ content: string }>('SELECT content FROM written WHERE id = ?', id);
      written = parseWritten(row?.content ?? '["upsert",[],{}]');
      if (this.#writtenById.size >= MAX_KEPT) this.#writtenById.clear();
      this.#writtenById.set(id, written);
    }
    return written;
  }

  #idOf(entry: Written): number {
    const content = writtenText(entry);
    let id = this.#idOfWritten.get(content);
    if (id === undefined) {
      this.#exec(
        'INSERT INTO written (content, origin) VALUES (?, ?) ON CONFLICT DO NOTHING',
        content,
        entry.origin,
      );
      id = this.#number('SELECT id AS number FROM written WHERE content = ?', content);
      if (this.#idOfWritten.size >= MAX_KEPT) this.#idOfWritten.clear();
      this.#idOfWritten.set(content, id);
    }
    return id;
  }

  #transaction<Result>(work: () => Result): Promise<Result> {
    return this.#run(() => {
      this.#database.exec('BEGIN IMMEDIATE');
      try {
        const result = work();
        this.#database.exec('COMMIT');
        return result;
      } catch (error) {
        // What was interned in it is not there any more.
        this.#idOfWritten.clear();
        if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
        throw error;
      }
    });
  }

  #run<Result>(work: () => Result): Promise<Result> {
    try {
      return Promise.resolve(work());
    } catch (error) {
      return Promise.reject(this.#reading?.explain(error) ?? explain(this.#path, error));
    }
  }

  #prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (!statement) {
      statement = this.#database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  #all<Row>(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.#prepare(sql).all(...values) as Row[];
  }

  #number(sql: string, ...values: SQLInputValue[]): number {
    return this.#all<{ number: number }>(sql, ...values)[0]?.number ?? 0;
  }

  #exec(sql: string, ...values: SQLInputValue[]): number {
    return Number(this.#prepare(sql).run(...values).changes);
  }
}

const SELECT_PROJECT = 'SELECT id, data_center, project_type FROM project WHERE name = ?';
const SELECT_STREAM =
  'SELECT id, scope, namespace, name, state FROM stream WHERE project = ? AND scope = ? AND namespace = ? AND name = ?';

interface ProjectRow {
  readonly id: number;
  readonly data_center: string;
  readonly project_type: string;
}

/** The ids of project and streams, which are made where they are missing. */
function enrol(database: DatabaseSync, { project, scope, streams }: LedgerOpening): Enrolled {
  database.exec('BEGIN IMMEDIATE');
  try {
    database
      .prepare(
        'INSERT INTO project (name, data_center, project_type) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
      )
      .run(project.name, project.dataCenter, project.projectType);
    const id = knownProject(database, project) ?? 0;
    const insert = database.prepare(
      'INSERT INTO stream (project, scope, namespace, name) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
    );
    const select = database.prepare(SELECT_STREAM);
    const own = streams.map(({ namespace = '', name }) => {
      insert.run(id, scope, namespace, name);
      return toStream(select.get(id, scope, namespace, name) as unknown as StreamRow);
    });
    database.exec('COMMIT');
    return { project: id, own };
  } catch (error) {
    database.exec('ROLLBACK');
    throw error;
  }
}

/** The same, and what is missing gets ids that nothing has. */
function lookUp(database: DatabaseSync, opening: LedgerOpening): Enrolled {
  const { project, scope, streams } = opening;
  const id = knownProject(database, project) ?? 0;
  const select = database.prepare(SELECT_STREAM);
  const missing = missingStreams(opening);
  const own = streams.map(({ namespace = '', name }, index) => {
    const row = select.get(id, scope, namespace, name) as StreamRow | undefined;
    return row ? toStream(row) : (missing[index] as LedgerStream);
  });
  return { project: id, own };
}

function knownProject(database: DatabaseSync, project: LedgerOpening['project']): number | undefined {
  const known = database.prepare(SELECT_PROJECT).get(project.name) as ProjectRow | undefined;
  if (known) {
    refuseOtherProject(project, { dataCenter: known.data_center, projectType: known.project_type });
  }
  return known?.id;
}

function toStream({ id, scope, namespace, name, state }: StreamRow): LedgerStream {
  const stream: StreamId = namespace === '' ? { name } : { name, namespace };
  return { id, scope, stream, state };
}
