/** Interns what entries have in common in the Postgres ledger: entries refer to it by a number. */
import { createHash } from 'node:crypto';
import type { PoolClient } from 'pg';
import type { PostgresConnection } from './connection.ts';
import { parseWritten, writtenText, type Written } from '../written.ts';

/** The size of the caches, which let similar entries share objects. A full cache is cleared. */
const MAX_KEPT = 20_000;
const UNKNOWN: Written = { origin: 'upsert', targets: [], lists: new Map() };

export class WrittenTable {
  readonly #connection: PostgresConnection;
  readonly #byId = new Map<number, Written>();
  readonly #ids = new Map<string, number>();

  constructor(connection: PostgresConnection) {
    this.#connection = connection;
  }

  /** Returns a function from each of these numbers to what it stands for. */
  async read(ids: readonly number[]): Promise<(id: number) => Written> {
    const distinct = [...new Set(ids)];
    // A separate map, because a concurrent read may clear the cache.
    const found = new Map<number, Written>();
    for (const id of distinct) {
      const known = this.#byId.get(id);
      if (known) found.set(id, known);
    }
    if (found.size < distinct.length) await this.#readInto(found, distinct);
    return (id) => found.get(id) ?? UNKNOWN;
  }

  async #readInto(found: Map<number, Written>, ids: readonly number[]): Promise<void> {
    if (this.#byId.size > MAX_KEPT) this.#byId.clear();
    const rows = await this.#connection.read<{ id: number; content: string }>(
      `SELECT id, content FROM ${this.#connection.quotedSchema}.iterable_ledger_written WHERE id = ANY($1::int[])`,
      [ids],
    );
    for (const { id, content } of rows) {
      const written = this.#byId.get(id) ?? parseWritten(content);
      found.set(id, written);
      this.#byId.set(id, written);
      // The id can be cached because the row is committed.
      if (this.#ids.size > MAX_KEPT) this.#ids.clear();
      this.#ids.set(content, id);
    }
  }

  /** Returns one number per entry. To be called within a transaction, since it may insert rows. */
  async idsOf(client: PoolClient, entries: readonly Written[]): Promise<number[]> {
    const texts = entries.map(writtenText);
    const unknown = new Map<string, { readonly text: string; readonly origin: string }>();
    for (const [index, text] of texts.entries())
      if (!this.#ids.has(text))
        unknown.set(hashOf(text), { text, origin: entries[index]?.origin ?? 'upsert' });
    if (unknown.size === 0) return texts.map((text) => this.#ids.get(text) ?? 0);
    const hashes = [...unknown.keys()];
    const values = [...unknown.values()];
    await client.query(
      `INSERT INTO iterable_ledger_written (hash, content, origin)
       SELECT * FROM unnest($1::text[], $2::text[], $3::text[]) ON CONFLICT DO NOTHING`,
      [hashes, values.map(({ text }) => text), values.map(({ origin }) => origin)],
    );
    const { rows } = await client.query<{ id: number; hash: string }>(
      'SELECT id, hash FROM iterable_ledger_written WHERE hash = ANY($1::text[])',
      [hashes],
    );
    // Not cached, because the transaction may still fail; a later read caches them.
    const ids = new Map(rows.map(({ id, hash }) => [hash, id]));
    return texts.map((text) => this.#ids.get(text) ?? ids.get(hashOf(text)) ?? 0);
  }
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('base64');
}
