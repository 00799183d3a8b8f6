/** An unusable ledger is reported by `check`, and by `write` before anything is sent. `check` does not change a usable one. */
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from '@jest/globals';
import { runConnector } from '../support/connector.ts';
import { withHarness, type Harness } from '../support/harness.ts';
import { inParallel } from '../support/in-parallel.ts';
import { describeLedgers, SQLITE, withPostgres, type LedgerBackend } from '../support/ledgers.ts';
import { aRecord } from '../support/messages.ts';

interface Unusable {
  readonly ledger: (harness: Harness) => Record<string, unknown> | Promise<Record<string, unknown>>;
  readonly says: string | RegExp;
  readonly code?: string;
  readonly failureType?: string;
  /** The user to run as, since root ignores permissions; implies a child process. */
  readonly uid?: number;
  /** Options for Node; implies a child process. */
  readonly nodeOptions?: string;
  /** Needed if Node itself throws: in Jest's sandbox, its errors are not instances of Error. */
  readonly isProcess?: boolean;
}

/** Runs `check` and `write` for each case, and expects that nothing is sent. */
function tryAll(cases: Readonly<Record<string, Unusable>>): Promise<void> {
  return inParallel(
    Object.entries(cases),
    ([name, { ledger: make, says, code = 'ledger_unusable', failureType = 'config_error', ...how }]) =>
      withHarness({}, async (harness) => {
        const { uid, nodeOptions, isProcess = uid !== undefined || nodeOptions !== undefined } = how;
        const as = {
          ...(uid === undefined ? {} : { uid }),
          ...(nodeOptions === undefined
            ? {}
            : { env: { PATH: process.env.PATH, NODE_OPTIONS: nodeOptions } }),
        };
        if (uid !== undefined) chmodSync(harness.files.folder, 0o755);
        const config = { ledger: await make(harness), retry_minutes: 0.01 };
        const message =
          typeof says === 'string' ? expect.stringContaining(says) : expect.stringMatching(says);
        const check = await (isProcess ? harness.check(config, as) : harness.checkInProcess(config));
        expect([name, check.exitCode, check.messages.at(-1)?.connectionStatus]).toEqual([
          name,
          0,
          { status: 'FAILED', message },
        ]);
        const record = aRecord({ email: 'a@x.com' });
        const write = await (isProcess
          ? harness.write(record, { config, ...as })
          : harness.writeInProcess(record, { config }));
        expect([name, write.exitCode, write.errors]).toMatchObject([
          name,
          1,
          [{ failure_type: failureType, message, internal_message: expect.stringMatching(`^${code}`) }],
        ]);
        expect(harness.standin.store.size).toBe(0);
        expect([...check.lines, ...write.lines].join('\n')).not.toMatch(/[a-z]-(?:pass)?word/);
      }),
    4,
  );
}

describeLedgers('check', (backend) => {
  it('succeeds if there is no ledger yet, and does not create one', () =>
    withHarness({}, async (harness) => {
      const result = await harness.check({ ledger: backend.option(harness) });
      expect(statusOf(result)).toEqual(['SUCCEEDED', expect.stringContaining('The ledger can be used.')]);
      if (backend.name === 'sqlite') expect(readdirSync(harness.files.folder)).toEqual(['config.json']);
      else
        await expect(
          backend.query(harness, (table) => `SELECT * FROM ${table('version')}`),
        ).rejects.toThrow();
    }));

  it('succeeds with the ledger of another sync without changing it, even while a sync has it open', () =>
    withHarness({}, async (harness) => {
      const ledger = backend.option(harness);
      expect((await harness.write(aRecord({ email: 'a@x.com' }), { config: { ledger } })).errors).toEqual([]);
      const before = await rowsOf(backend, harness);
      expect(statusOf(await harness.check({ ledger }))).toEqual([
        'SUCCEEDED',
        expect.stringContaining('The ledger can be used.'),
      ]);
      expect(await rowsOf(backend, harness)).toEqual(before);
      let isDelivered = (): void => undefined;
      const delivered = new Promise<void>((resolve) => (isDelivered = resolve));
      harness.standin.intercept = ({ path }) => {
        if (path.endsWith('/bulkUpdate')) isDelivered();
        return undefined;
      };
      const input = (async function* () {
        yield aRecord({ email: 'b@x.com' });
        await delivered;
        expect(statusOf(await harness.check({ ledger }))).toEqual([
          'SUCCEEDED',
          expect.stringContaining('a sync has it open just now'),
        ]);
      })();
      const write = await harness.write(input, { config: { ledger, batch_size: 1 } });
      expect(write.errors).toEqual([]);
    }));
});

describe('a SQLite ledger that can’t be used', () => {
  const at = (path: string) => (harness: Harness) => ({ type: 'sqlite', path: harness.files.path(path) });

  it('is reported by check, and by write before anything is sent', () =>
    tryAll({
      'in a folder that does not exist': {
        ledger: at('no/such/ledger.sqlite'),
        says: /^ledger: .*can't be created: the folder .*no\/such does not exist/,
      },
      'a folder': {
        ledger: ({ files }) => ({ type: 'sqlite', path: files.folder }),
        says: 'is a folder. Name a file.',
      },
      'not a database': {
        ledger: ({ files }) => ({ type: 'sqlite', path: files.write('data.csv', 'id,email\n'.repeat(100)) }),
        says: /data\.csv can't be used as a ledger \(file is not a database\)/,
      },
      'another program’s database': {
        ledger: (harness) => {
          makeDatabase(harness.files.path('other.sqlite'), 'CREATE TABLE jobs (id INTEGER)');
          return at('other.sqlite')(harness);
        },
        says: 'the file is the database of another program',
      },
      'of a newer version': {
        ledger: (harness) => {
          makeDatabase(harness.files.path('new.sqlite'), 'PRAGMA user_version = 99');
          return at('new.sqlite')(harness);
        },
        says: 'written by a newer version of this connector (its tables have version 99',
        code: 'ledger_too_new',
      },
    }));

  it('because Node has no SQLite is reported as well', () =>
    tryAll({
      'no SQLite': {
        ledger: at('ledger.sqlite'),
        says: 'a ledger of type sqlite needs Node 22.13 or newer. Update Node, or use the image.',
        nodeOptions: '--no-experimental-sqlite',
      },
    }));

  it('because of missing permissions is reported as well', async () => {
    const uid = await unprivilegedUser();
    if (uid === undefined) return;
    const folder = (mode: number, fileMode?: number) => (harness: Harness) => {
      const path = harness.files.path('kept');
      mkdirSync(path);
      if (fileMode !== undefined) {
        writeFileSync(`${path}/ledger.sqlite`, '');
        chmodSync(`${path}/ledger.sqlite`, fileMode);
      }
      chmodSync(path, mode);
      return { type: 'sqlite', path: `${path}/ledger.sqlite` };
    };
    await tryAll({
      'in a folder that is not writable': { ledger: folder(0o555), says: 'may not be written', uid },
      'a read-only file': { ledger: folder(0o777, 0o444), says: 'may not be written', uid },
      'a file in a folder where no log can be created': {
        ledger: folder(0o555, 0o666),
        says: /ledger\.sqlite (?:may not be written|and its folder must both be writable)/,
        uid,
      },
    });
  });

  it('because its name belongs to another project is reported', () =>
    withHarness({}, async (harness) => {
      const ledger = SQLITE.option(harness, { name: 'shop' });
      await harness.write('', { config: { ledger } });
      const before = readFileSync(harness.files.path('ledger.sqlite'));
      const says = 'the project shop is known in it with data_center us, and not eu';
      const check = await harness.check({ ledger, data_center: 'eu' });
      expect(statusOf(check)).toEqual(['FAILED', expect.stringContaining(says)]);
      const write = await harness.write('', { config: { ledger, data_center: 'eu' } });
      expect(write.errors).toMatchObject([
        { message: expect.stringContaining(says), internal_message: 'ledger_project_mismatch' },
      ]);
      expect(readFileSync(harness.files.path('ledger.sqlite'))).toEqual(before);
    }));
});

describe('a Postgres ledger that can’t be used', () => {
  const backend = withPostgres();

  it('is reported by check, and by write before anything is sent', async () => {
    const server = backend.server();
    const ask = (sql: string) => server.query(backend.url(), sql);
    await ask("CREATE ROLE poor LOGIN PASSWORD 'poor-word'");
    await ask('CREATE SCHEMA closed');
    await ask('CREATE SCHEMA readable; GRANT USAGE ON SCHEMA readable TO poor');
    await ask('CREATE SCHEMA newer; CREATE TABLE newer.iterable_ledger_version AS SELECT 99 AS version');
    const asPoor = backend.url().replace(/\/\/[^@]*@/, '//poor:poor-word@');
    // What is never read never shows that the other side has closed it, and keeps Jest's process alive.
    const silent = createServer((socket) => socket.on('error', () => undefined).resume()).listen(
      0,
      '127.0.0.1',
    );
    await once(silent, 'listening');
    const port = (silent.address() as AddressInfo).port;
    const is =
      (url: string, more = {}) =>
      () => ({ type: 'postgres', url, ...more });
    const cases: Record<string, Unusable> = {
      // The cases that are retried come first, since they take longest.
      'an unknown host': {
        ledger: is('postgresql://u:pass-word@no-such-host.invalid/x'),
        says: /the host in the URL is not known|could not be reached/,
        code: 'ledger_un',
        isProcess: true,
      },
      'a port without a server': {
        ledger: is('postgresql://u:pass-word@127.0.0.1:9/x'),
        says: /could not be reached for too long; the last try: .*ECONNREFUSED/,
        code: 'ledger_unavailable',
        failureType: 'transient_error',
        isProcess: true,
      },
      'a wrong password': {
        ledger: is(server.url('ledger_1', 'wrong-word')),
        says: 'the database refused user and password',
      },
      'a database that does not exist': {
        ledger: is(server.url('nowhere')),
        says: 'the server has no database of the name',
      },
      'an invalid URL': {
        ledger: is('postgresql://us er:pass/word@:x/'),
        says: "ledger: the URL can't be read".replace("'", '’'),
      },
      'sslmode=no-verify': {
        ledger: is(`${backend.url()}?sslmode=no-verify`),
        says: 'sslmode=no-verify is refused',
      },
      'a server without TLS': {
        ledger: is(`${backend.url()}?sslmode=verify-full`),
        says: /can't be made safe \(The server does not support SSL/,
      },
      'a certificate file that does not exist': {
        ledger: is(`${backend.url()}?sslmode=verify-full&sslrootcert=/no/such.pem`),
        says: /a file that the URL names can't be read .*no\/such\.pem/,
        isProcess: true,
      },
      'a schema that the user may not create': {
        ledger: is(asPoor, { schema: 'new' }),
        says: 'may not create or write the ledger’s tables',
      },
      'a schema that the user may not access': {
        ledger: is(asPoor, { schema: 'closed' }),
        says: 'may not create or write the ledger’s tables',
      },
      'a schema in which the user may not create tables': {
        ledger: is(asPoor, { schema: 'readable' }),
        says: 'may not create or write the ledger’s tables',
      },
      'a schema with a name reserved by the server': {
        ledger: is(backend.url(), { schema: 'pg_ledger' }),
        says: 'ledger: the server keeps schema names like that for itself',
      },
      'a newer version': {
        ledger: is(backend.url(), { schema: 'newer' }),
        says: 'its tables have version 99',
        code: 'ledger_too_new',
      },
    };
    try {
      await Promise.all([tryAll(cases), tryOnCheck(`postgresql://u:pass-word@127.0.0.1:${port}/x`)]);
    } finally {
      silent.close();
    }
  }, 100_000);

  it('because its tables are not writable, or its name belongs to another project, is reported', () =>
    withHarness({}, async (harness) => {
      const ledger = backend.option(harness, { name: 'shop' });
      expect((await harness.write('', { config: { ledger } })).errors).toEqual([]);
      const schema = `"${String(ledger.schema)}"`;
      const ask = (sql: string) => backend.server().query(backend.url(), sql);
      await ask("CREATE ROLE reader LOGIN PASSWORD 'reader-word'");
      await ask(
        `GRANT USAGE ON SCHEMA ${schema} TO reader; GRANT SELECT ON ALL TABLES IN SCHEMA ${schema} TO reader`,
      );
      const asReader = { ...ledger, url: backend.url().replace(/\/\/[^@]*@/, '//reader:reader-word@') };
      expect(statusOf(await harness.check({ ledger: asReader }))).toEqual([
        'FAILED',
        expect.stringContaining('may not create or write'),
      ]);
      // Write access to tables that another user has created is sufficient.
      await ask(`GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ${schema} TO reader`);
      await ask(`GRANT USAGE ON ALL SEQUENCES IN SCHEMA ${schema} TO reader`);
      expect(statusOf(await harness.check({ ledger: asReader }))[0]).toBe('SUCCEEDED');
      expect(
        (await harness.write(aRecord({ email: 'a@x.com' }), { config: { ledger: asReader } })).errors,
      ).toEqual([]);
      expect(statusOf(await harness.check({ ledger, data_center: 'eu' }))).toEqual([
        'FAILED',
        expect.stringContaining('the project shop is known in it with data_center us, and not eu'),
      ]);
    }));
});

/** Only runs `check`: write would wait for half an hour. */
function tryOnCheck(url: string): Promise<void> {
  return withHarness({}, async (harness) => {
    const result = await harness.check({ ledger: { type: 'postgres', url } }, { deadlineMs: 45_000 });
    expect(statusOf(result)).toEqual([
      'FAILED',
      expect.stringContaining('could not be reached for too long'),
    ]);
  });
}

function statusOf({ exitCode, messages }: Awaited<ReturnType<Harness['check']>>): unknown[] {
  expect(exitCode).toBe(0);
  const status = messages.at(-1)?.connectionStatus;
  return [status?.status, status?.message];
}

async function rowsOf(backend: LedgerBackend, harness: Harness): Promise<unknown> {
  const rows = [];
  for (const name of ['project', 'stream', 'written', 'entry'])
    rows.push(await backend.query(harness, (table) => `SELECT * FROM ${table(name)}`));
  return [rows, readdirSync(harness.files.folder)];
}

function makeDatabase(path: string, sql: string): void {
  const database = new DatabaseSync(path);
  database.exec(sql);
  database.close();
}

/** The id of a user for whom permissions apply: not root. Undefined if the tests run as root and no other user can run the program. */
async function unprivilegedUser(): Promise<number | undefined> {
  if (process.getuid?.() !== 0) return process.getuid?.();
  const otherUser = 65_534;
  const result = await runConnector({ args: ['spec'], uid: otherUser }).catch(() => undefined);
  if (result?.exitCode === 0) return otherUser;
  console.warn(
    'SKIPPED: these tests run as root, who ignores permissions, and no other user can read the program.',
  );
  return undefined;
}
