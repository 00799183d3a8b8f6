/** Interns what entries have in common in the SQLite ledger: entries refer to it by a number. */
import type { Statements } from './statements.ts';
import { parseWritten, writtenText, type Written } from '../written.ts';

/** The size of the caches, which let similar entries share objects. A full cache is cleared. */
const MAX_KEPT = 20_000;

export class WrittenTable {
  readonly #statements: Statements;
  readonly #byId = new Map<number, Written>();
  readonly #ids = new Map<string, number>();

  constructor(statements: Statements) {
    this.#statements = statements;
    statements.onRollback(() => {
      this.#ids.clear();
    });
  }

  of(id: number): Written {
    let written = this.#byId.get(id);
    if (!written) {
      const [row] = this.#statements.all<{ content: string }>('SELECT content FROM written WHERE id = ?', id);
      written = parseWritten(row?.content ?? '["upsert",[],{}]');
      if (this.#byId.size >= MAX_KEPT) this.#byId.clear();
      this.#byId.set(id, written);
    }
    return written;
  }

  /** To be called within a transaction, since it may insert a row. */
  idOf(entry: Written): number {
    const content = writtenText(entry);
    let id = this.#ids.get(content);
    if (id === undefined) {
      this.#statements.exec(
        'INSERT INTO written (content, origin) VALUES (?, ?) ON CONFLICT DO NOTHING',
        content,
        entry.origin,
      );
      id = this.#statements.number('SELECT id AS number FROM written WHERE content = ?', content);
      if (this.#ids.size >= MAX_KEPT) this.#ids.clear();
      this.#ids.set(content, id);
    }
    return id;
  }
}
