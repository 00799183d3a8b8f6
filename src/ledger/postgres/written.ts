/** What entries have in common, interned in the Postgres ledger: a number stands for it. */
import { createHash } from 'node:crypto';
import type { PoolClient } from 'pg';
import type { PostgresConnection } from './connection.ts';
import { parseWritten, writtenText, type Written } from '../written.ts';

/** Kept to give entries that are alike the same objects; more distinct ones are read again. */
const MAX_KEPT = 20_000;
const NOTHING_WRITTEN: Written = { origin: 'upsert', targets: [], lists: new Map() };

export class WrittenTable {
  readonly #connection: PostgresConnection;
  readonly #byId = new Map<number, Written>();
  readonly #ids = new Map<string, number>();

  constructor(connection: PostgresConnection) {
    this.#connection = connection;
  }

  /** What these numbers stand for. */
  async read(ids: readonly number[]): Promise<(id: number) => Written> {
    const distinct = [...new Set(ids)];
    // Of its own, since others may be read meanwhile, and these be forgotten.
    const found = new Map<number, Written>();
    for (const id of distinct) {
      const known = this.#byId.get(id);
      if (known) found.set(id, known);
    }
    if (found.size < distinct.length) await this.#readInto(found, distinct);
    return (id) => found.get(id) ?? NOTHING_WRITTEN;
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
      // What was read was committed.
      if (this.#ids.size > MAX_KEPT) this.#ids.clear();
      this.#ids.set(content, id);
    }
  }

  /** One number for each, within a transaction, since they may have to be written. */
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
    // Not kept, since the transaction may fail: what is read later is.
    const ids = new Map(rows.map(({ id, hash }) => [hash, id]));
    return texts.map((text) => this.#ids.get(text) ?? ids.get(hashOf(text)) ?? 0);
  }
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('base64');
}
