/** A Postgres ledger over TLS, as requested by its URL. */
import { execFileSync } from 'node:child_process';
import { chmodSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { hasOpenssl, makeAuthority, sign } from '../support/certificates.ts';
import { TestFiles } from '../support/connector.ts';
import { withHarness } from '../support/harness.ts';
import { aRecord } from '../support/messages.ts';
import { PostgresServer } from '../support/postgres.ts';

if (!hasOpenssl) console.warn('SKIPPED: openssl is not installed, so no ledger is tested over TLS.');

(hasOpenssl ? describe : describe.skip)('a Postgres ledger over TLS', () => {
  const files = new TestFiles();
  const authority = files.path('authority');
  let server: PostgresServer | undefined;
  let url = '';
  beforeAll(async () => {
    makeAuthority(authority);
    makeAuthority(files.path('other-authority'));
    server = await PostgresServer.start((folder) => {
      const certificate = path.join(folder, 'server');
      signForServer(authority, certificate);
      return ['ssl=on', `ssl_cert_file=${certificate}.pem`, `ssl_key_file=${certificate}.key`];
    });
    url = await server.createDatabase();
  }, 60_000);
  afterAll(async () => {
    await server?.stop();
    files.remove();
  });

  it('is used if the server’s certificate is signed by the authority in sslrootcert', () =>
    withHarness({}, async (harness) => {
      const ledger = { type: 'postgres', url: `${url}?sslmode=verify-full&sslrootcert=${authority}.pem` };
      const check = await harness.check({ ledger });
      expect(check.messages.at(-1)?.connectionStatus?.status).toBe('SUCCEEDED');
      expect((await harness.write(aRecord({ email: 'a@x.com' }), { config: { ledger } })).errors).toEqual([]);
      expect(await server?.query(url, 'SELECT email FROM iterable_ledger_entry')).toEqual([
        { email: 'a@x.com' },
      ]);
    }));

  it.each([
    ['an unknown authority', () => `${url}?sslmode=verify-full`],
    [
      'another authority',
      () => `${url}?sslmode=verify-full&sslrootcert=${files.path('other-authority')}.pem`,
    ],
    [
      'another host',
      () => `${url.replace('127.0.0.1', 'localhost')}?sslmode=verify-full&sslrootcert=${authority}.pem`,
    ],
  ])('is refused with the certificate of %s, with a clear error', (_name, place) =>
    withHarness({}, async (harness) => {
      const ledger = { type: 'postgres', url: place() };
      const message = expect.stringMatching(
        /^ledger: the connection can't be made safe \(.*certificate.*\)\. Fix sslmode or the certificates\.$/,
      );
      const check = await harness.check({ ledger });
      expect(check.messages.at(-1)?.connectionStatus).toEqual({ status: 'FAILED', message });
      const write = await harness.write(aRecord({ email: 'a@x.com' }), { config: { ledger } });
      expect(write.errors).toMatchObject([
        {
          failure_type: 'config_error',
          message,
          internal_message: expect.stringMatching(/^ledger_unusable/),
        },
      ]);
    }),
  );
});

/** Creates a key and a certificate for 127.0.0.1 that the server's user can read. */
function signForServer(authority: string, place: string): void {
  sign(authority, place);
  // Postgres refuses a key that the group can read, unless root owns it.
  chmodSync(`${place}.key`, 0o600);
  if (process.getuid?.() === 0) execFileSync('chown', ['postgres', `${place}.key`]);
}
