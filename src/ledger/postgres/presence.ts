/** Presence marks in the Postgres ledger: the bits of a stream's latest snapshot. Only the run that has claimed the stream writes them. */
import type { PoolClient } from 'pg';
import type { LedgerChanges, PresentRow } from '../ledger.ts';
import type { PostgresConnection } from './connection.ts';
import { BLOCK_ENTRIES, knownIds, Presence, type Block } from '../presence.ts';

/**
 * SQL for whether `entry` was last present before the snapshot, which is itself a SQL expression.
 * @param prefix of the table's name, for a statement outside a transaction
 */
export function isAbsent(snapshot: string, prefix = ''): string {
  return `(entry.seen < ${snapshot} AND NOT EXISTS (
    SELECT 1 FROM ${prefix}iterable_ledger_presence AS presence
    WHERE presence.stream = entry.stream AND presence.snapshot >= ${snapshot} AND presence.block = entry.id / ${BLOCK_ENTRIES}
      AND get_bit(presence.bits, (entry.id % ${BLOCK_ENTRIES})::int) = 1
  ))`;
}

/** SQL for the last snapshot in which `entry` was present. */
export const LAST_SEEN = `GREATEST(entry.seen, (
    SELECT presence.snapshot FROM iterable_ledger_presence AS presence
    WHERE presence.stream = entry.stream AND presence.block = entry.id / ${BLOCK_ENTRIES}
      AND get_bit(presence.bits, (entry.id % ${BLOCK_ENTRIES})::int) = 1
  ))`;

/** Changed marks, and the entries that they are of. Writing them is idempotent, since the transaction may be repeated. */
export interface PresenceChange {
  readonly stream: number;
  readonly snapshot: number;
  readonly blocks: readonly Block[];
  readonly ids: readonly number[];
}

export class PresenceTable {
  readonly #connection: PostgresConnection;
  /** Marks by stream; undefined for a stream without marks. */
  readonly #known = new Map<number, Presence | undefined>();

  constructor(connection: PostgresConnection) {
    this.#connection = connection;
  }

  /** To be called when marks could not be written. They are read again when next needed. */
  forget(): void {
    this.#known.clear();
  }

  /** Loads the marks of these streams, which {@link seenOf} needs. */
  async read(streams: Iterable<number>): Promise<void> {
    const unknown = [...new Set(streams)].filter((stream) => !this.#known.has(stream));
    if (unknown.length === 0) return;
    const rows = await this.#connection.read<Block & { stream: number; snapshot: number }>(
      `SELECT stream, snapshot, block, bits FROM ${this.#connection.quotedSchema}.iterable_ledger_presence
       WHERE stream = ANY($1::int[])`,
      [unknown],
    );
    const found = new Map<number, (typeof rows)[number][]>();
    for (const row of rows) {
      const blocks = found.get(row.stream);
      if (blocks) blocks.push(row);
      else found.set(row.stream, [row]);
    }
    for (const stream of unknown) {
      // Read a second time meanwhile: marks may have been added.
      if (this.#known.has(stream)) continue;
      const blocks = found.get(stream);
      this.#known.set(stream, blocks?.[0] && new Presence(blocks[0].snapshot, blocks));
    }
  }

  /** The last snapshot in which an entry was present, given the one in which it was written. */
  seenOf(stream: number, id: number, written: number): number {
    return this.#known.get(stream)?.seenOf(id, written) ?? written;
  }

  /** Adds marks and returns the changes for {@link write}. To be called before the transaction, which may be repeated. */
  async mark(present: NonNullable<LedgerChanges['present']>): Promise<PresenceChange[]> {
    const marked = present.filter(({ rows }) => rows.length > 0);
    await this.read(marked.map(({ stream }) => stream));
    const changes: PresenceChange[] = [];
    for (const { stream, snapshot, rows } of marked) {
      let presence = this.#known.get(stream);
      if (!presence || presence.snapshot < snapshot) {
        presence = new Presence(snapshot);
        this.#known.set(stream, presence);
      }
      const ids = await this.#idsOf(stream, rows);
      for (const id of ids) presence.add(id);
      changes.push({ stream, snapshot: presence.snapshot, blocks: presence.takeChanged(), ids });
    }
    return changes;
  }

  /** The streams of the changes are different ones. */
  async write(client: PoolClient, changes: readonly PresenceChange[]): Promise<void> {
    if (changes.length === 0) return;
    const streams = changes.map(({ stream }) => stream);
    // Marks of earlier snapshots are no longer needed.
    await client.query(
      `DELETE FROM iterable_ledger_presence AS presence USING unnest($1::int[], $2::int[]) AS own (stream, snapshot)
       WHERE presence.stream = own.stream AND presence.snapshot < own.snapshot`,
      [streams, changes.map(({ snapshot }) => snapshot)],
    );
    const blocks = changes.flatMap(({ blocks, ...change }) =>
      blocks.map((block) => ({ ...change, ...block })),
    );
    await client.query(
      `INSERT INTO iterable_ledger_presence (stream, snapshot, block, bits)
       SELECT * FROM unnest($1::int[], $2::int[], $3::int[], $4::bytea[])
       ON CONFLICT (stream, block) DO UPDATE SET snapshot = excluded.snapshot, bits = excluded.bits`,
      [
        blocks.map(({ stream }) => stream),
        blocks.map(({ snapshot }) => snapshot),
        blocks.map(({ block }) => block),
        blocks.map(({ bits }) => Buffer.from(bits)),
      ],
    );
    await client.query(
      `UPDATE iterable_ledger_entry SET doomed = FALSE, values_hash = ''
       WHERE stream = ANY($1::int[]) AND doomed AND id = ANY($2::bigint[])`,
      [streams, changes.flatMap(({ ids }) => ids)],
    );
  }

  async #idsOf(stream: number, rows: readonly PresentRow[]): Promise<number[]> {
    const { ids, unknown } = knownIds(rows);
    if (unknown.length === 0) return ids;
    const found = await this.#connection.read<{ id: number }>(
      `SELECT id::float8 AS id FROM ${this.#connection.quotedSchema}.iterable_ledger_entry
       WHERE stream = $1 AND key = ANY($2::text[])`,
      [stream, unknown],
    );
    return [...ids, ...found.map(({ id }) => id)];
  }
}
