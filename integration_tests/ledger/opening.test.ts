/**
 * Opening a ledger, in process: missing tables are created for writers only, ledgers that must not be used are refused, and
 * older tables are migrated.
 */
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { ConfigError, TransientError } from '../../src/errors.ts';
import {
  migrate as migratePostgres,
  MIGRATIONS as POSTGRES_MIGRATIONS,
} from '../../src/ledger/postgres/schema.ts';
import { migrate as migrateSqlite, MIGRATIONS as SQLITE_MIGRATIONS } from '../../src/ledger/sqlite/schema.ts';
import { anEntry, held, Seam, withSeam } from '../support/ledger-seam.ts';
import { SQLITE, withPostgres, type LedgerBackend } from '../support/ledgers.ts';

const HOLDER = { emails: ['a@x.com'], userIds: [] };
const refusal = (opening: Promise<unknown>) =>
  opening.then(
    () => 'not refused',
    (error: unknown) => {
      if (error instanceof ConfigError || error instanceof TransientError) return [error.code, error.message];
      throw error;
    },
  );

/** Writes one entry `a` to a ledger and closes it; returns the id of the stream. */
async function filled(seam: Seam, options: Parameters<Seam['open']>[0] = {}): Promise<number> {
  const ledger = await seam.open(options);
  const [id = 0] = Seam.ids(ledger);
  await ledger.commit({ entries: [anEntry(id, 'a')], states: [{ stream: id, state: 'kept' }] });
  await ledger.close();
  return id;
}

const postgres = withPostgres();

describe.each<[string, LedgerBackend]>([
  ['SQLite', SQLITE],
  ['Postgres', postgres],
])('in %s', (_title, backend) => {
  const play = (test: (seam: Seam) => Promise<void>) => withSeam(backend, test);

  it('read access creates nothing, and shows a missing ledger as empty', () =>
    play(async (seam) => {
      const streams = [{ name: 'users' }, { name: 'crm', namespace: 'n' }];
      const ledger = await seam.open({ access: 'read', streams });
      expect(ledger.own.map(({ stream, state }) => [stream, state])).toEqual(
        streams.map((stream) => [stream, '']),
      );
      const [id = 0, other] = Seam.ids(ledger);
      expect(other).not.toBe(id);
      expect(await ledger.streams()).toEqual([]);
      expect(await ledger.find(id, ['a'])).toEqual(new Map());
      expect(await ledger.holders(HOLDER)).toEqual([]);
      expect(await ledger.count(id)).toBe(0);
      expect(await ledger.countMissing(id, 9)).toEqual({ upserted: 0, enriched: 0 });
      expect(await ledger.nextPendingDeletions([id], 9)).toEqual([]);
      await expect(ledger.commit({ states: [{ stream: id, state: 's' }] })).rejects.toThrow();
      await ledger.close();
      if (backend.name === 'sqlite') expect(readdirSync(seam.files.folder)).toEqual([]);
      else {
        const { schema } = backend.option(seam);
        const sql = 'SELECT nspname FROM pg_namespace WHERE nspname = $1';
        expect(await postgres.server().query(postgres.url(), sql, [schema])).toEqual([]);
      }
    }));

  it('read access to an existing ledger changes nothing', () =>
    play(async (seam) => {
      const id = await filled(seam);
      const before = await everything(seam);
      const ledger = await seam.open({ access: 'read', streams: [{ name: 'users' }, { name: 'new' }] });
      expect(ledger.own[0]).toEqual({ id, scope: '', stream: { name: 'users' }, state: 'kept' });
      const missing = Seam.ids(ledger)[1] ?? 0;
      expect(await ledger.find(id, ['a', 'b'])).toEqual(new Map([['a', held(anEntry(id, 'a'))]]));
      expect(await ledger.holders(HOLDER)).toHaveLength(1);
      expect([await ledger.count(id), await ledger.count(missing)]).toEqual([1, 0]);
      expect((await ledger.streams()).map(({ id: known }) => known)).toEqual([id]);
      await expect(ledger.commit({ entries: [anEntry(id, 'b')] })).rejects.toThrow();
      await expect(ledger.cancelDeletions([id])).rejects.toThrow();
      await ledger.close();
      const otherProject = await seam.open({ access: 'read', project: { apiKey: 'another' } });
      expect(await otherProject.holders(HOLDER)).toEqual([]);
      expect(await otherProject.streams()).toEqual([]);
      await otherProject.close();
      expect(await everything(seam)).toEqual(before);
    }));

  it('a named project of another type or data center is refused for writers and readers', () =>
    play(async (seam) => {
      await filled(seam, { name: 'shop' });
      for (const access of ['write', 'read'] as const) {
        const other = { dataCenter: 'eu', projectType: 'email' };
        expect(await refusal(seam.open({ name: 'shop', access, project: other }))).toEqual([
          'ledger_project_mismatch',
          'ledger: the project shop is known in it with data_center us, and not eu and project_type hybrid, and not email. Fix the configuration, or give this project a name of its own.',
        ]);
        expect(
          await refusal(seam.open({ name: 'shop', access, project: { projectType: 'email' } })),
        ).toMatchObject(['ledger_project_mismatch', expect.not.stringContaining('data_center')]);
      }
      const same = await seam.open({ name: 'shop', project: { apiKey: 'rotated' } });
      expect(await same.holders(HOLDER)).toHaveLength(1);
    }));

  it('a project identified by its key is not checked, since a key always belongs to the same project', () =>
    play(async (seam) => {
      await filled(seam);
      const ledger = await seam.open({ project: { projectType: 'email', dataCenter: 'eu' } });
      expect(await ledger.holders(HOLDER)).toHaveLength(1);
    }));

  it('a ledger of a newer version is refused for writers and readers', () =>
    play(async (seam) => {
      const migrations = await migrationsOf(seam);
      await filled(seam);
      await migrations.run(['SELECT 1']);
      for (const access of ['write', 'read'] as const)
        expect(await refusal(seam.open({ access }))).toEqual([
          'ledger_too_new',
          `ledger: it was written by a newer version of this connector (its tables have version ${migrations.count + 1}, this one knows ${migrations.count}). Use that version, or a ledger of its own.`,
        ]);
    }));

  it('older tables are migrated with their contents; a failed migration leaves them unchanged', () =>
    play(async (seam) => {
      await filled(seam);
      const migrations = await migrationsOf(seam);
      const before = await everything(seam);
      const widen = `ALTER TABLE ${migrations.table('entry')} ADD COLUMN note TEXT NOT NULL DEFAULT 'new'`;
      await expect(migrations.run([widen, 'SELECT * FROM no_such_table'])).rejects.toThrow();
      expect(await everything(seam)).toEqual(before);
      await (await seam.open()).close();
      await migrations.run([widen]);
      expect(await backend.query(seam, (table) => `SELECT key, note FROM ${table('entry')}`)).toEqual([
        { key: 'a', note: 'new' },
      ]);
      // A second run does not repeat the migration.
      await migrations.run([widen]);
    }));

  it('tables created by the first migration alone can be used', () =>
    play(async (seam) => {
      const migrations = await migrationsOf(seam);
      await migrations.runOnly(1);
      const ledger = await seam.open();
      const [id = 0] = Seam.ids(ledger);
      await ledger.commit({ entries: [anEntry(id, 'a')] });
      expect(await ledger.count(id)).toBe(1);
    }));

  /** All rows of all tables, for comparison. */
  async function everything(seam: Seam): Promise<unknown> {
    const rows = [];
    for (const name of ['project', 'stream', 'written', 'entry'])
      rows.push(await backend.query(seam, (table) => `SELECT * FROM ${table(name)}`));
    return [rows, backend.name === 'sqlite' ? readdirSync(seam.files.folder) : []];
  }

  /** Functions to run this connector's migrations followed by others. */
  async function migrationsOf(seam: Seam) {
    const known = backend.name === 'sqlite' ? SQLITE_MIGRATIONS : POSTGRES_MIGRATIONS;
    const apply = async (migrations: readonly string[]) => {
      if (backend.name === 'sqlite') {
        const database = new DatabaseSync(seam.files.path('ledger.sqlite'));
        try {
          migrateSqlite(database, migrations);
        } finally {
          database.close();
        }
        return;
      }
      const schema = `"${String(backend.option(seam).schema)}"`;
      const client = new pg.Client(postgres.url());
      await client.connect();
      try {
        await client.query(`BEGIN; SET LOCAL search_path TO ${schema}`);
        // A client of a pool differs from a plain one only in its method release().
        await migratePostgres(client as unknown as pg.PoolClient, schema, migrations);
        await client.query('COMMIT');
      } finally {
        await client.end();
      }
    };
    return Promise.resolve({
      count: known.length,
      table: (name: string) => (backend.name === 'sqlite' ? name : `iterable_ledger_${name}`),
      run: (more: readonly string[]) => apply([...known, ...more]),
      runOnly: (count: number) => apply(known.slice(0, count)),
    });
  }
});

describe('a SQLite file', () => {
  const play = (test: (seam: Seam, file: string) => Promise<void>) =>
    withSeam(SQLITE, (seam) => test(seam, seam.files.path('ledger.sqlite')));

  it('that is open for writing is locked for everyone else, readers included, until it is closed', () =>
    play(async (seam) => {
      const first = await seam.open();
      for (const access of ['write', 'read'] as const)
        expect(await refusal(seam.open({ access }))).toMatchObject([
          'ledger_busy',
          expect.stringMatching(/Another run has the ledger .* open, and one at a time may .*use it/),
        ]);
      await first.close();
      await (await seam.open()).close();
    }));

  it('is readable by its owner only, and leaves no other files when it is closed', () =>
    play(async (seam, file) => {
      await filled(seam);
      expect(readdirSync(seam.files.folder)).toEqual(['ledger.sqlite']);
      expect(statSync(file).mode & 0o777).toBe(0o600);
    }));

  it('that is empty counts as a missing ledger', () =>
    play(async (seam, file) => {
      writeFileSync(file, '');
      expect(await (await seam.open({ access: 'read' })).streams()).toEqual([]);
      expect(readFileSync(file)).toHaveLength(0);
      await filled(seam);
    }));

  it('that is not a database is refused and not changed', () =>
    play(async (seam, file) => {
      const text = 'id,email\n'.repeat(100);
      writeFileSync(file, text);
      for (const access of ['write', 'read'] as const)
        expect(await refusal(seam.open({ access }))).toMatchObject([
          'ledger_unusable',
          expect.stringContaining(`${file} can't be used as a ledger (file is not a database)`),
        ]);
      expect(readFileSync(file, 'utf8')).toBe(text);
    }));

  it('that is the database of another program is refused and not changed', () =>
    play(async (seam, file) => {
      const database = new DatabaseSync(file);
      database.exec(
        'CREATE TABLE entry (id INTEGER PRIMARY KEY, what TEXT); INSERT INTO entry (what) VALUES (1)',
      );
      database.close();
      expect(await refusal(seam.open())).toEqual([
        'ledger_unusable',
        'ledger: the file is the database of another program. Name a file that does not exist yet.',
      ]);
      const after = new DatabaseSync(file);
      expect(after.prepare('SELECT name FROM sqlite_master').all()).toEqual([{ name: 'entry' }]);
      after.close();
      expect(existsSync(`${file}-wal`)).toBe(false);
    }));
});

describe('a Postgres schema', () => {
  it('is created once by several runs that begin at the same time', () =>
    withSeam(postgres, async (seam) => {
      const names = Array.from({ length: 6 }, (_, index) => `stream ${index}`);
      const ledgers = await Promise.all(names.map((name) => seam.open({ streams: [{ name }] })));
      expect(new Set(ledgers.flatMap((ledger) => Seam.ids(ledger))).size).toBe(6);
      expect(await ledgers[0]?.streams()).toHaveLength(6);
    }));

  it('can be read while a run writes to it', () =>
    withSeam(postgres, async (seam) => {
      const writer = await seam.open();
      const [id = 0] = Seam.ids(writer);
      const reader = await seam.open({ access: 'read' });
      await writer.commit({ entries: [anEntry(id, 'a')] });
      expect(await reader.count(id)).toBe(1);
    }));

  it('is `public` by default, and may have any name', () =>
    withSeam(postgres, async (seam) => {
      const url = await postgres.server().createDatabase();
      const odd = await seam.open({ option: { url, schema: `o'd"d; x` } });
      await odd.close();
      const inPublic = await seam.open({ option: { url, schema: undefined } });
      await inPublic.close();
      const rows = await postgres
        .server()
        .query(url, "SELECT schemaname FROM pg_tables WHERE tablename = 'iterable_ledger_entry' ORDER BY 1");
      expect(rows).toEqual([{ schemaname: `o'd"d; x` }, { schemaname: 'public' }]);
    }));
});
