/** Runs statements on an open SQLite file: prepares each once, turns failures into errors for the user, and wraps transactions. */
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';

export class Statements {
  readonly database: DatabaseSync;
  readonly #explain: (error: unknown) => Error;
  readonly #onRollback: (() => void)[] = [];
  readonly #prepared = new Map<string, StatementSync>();

  /** @param explain turns what SQLite throws into an error for the user */
  constructor(database: DatabaseSync, explain: (error: unknown) => Error) {
    this.database = database;
    this.#explain = explain;
  }

  /** `forget` is called after a rollback: caches must drop what the transaction wrote. */
  onRollback(forget: () => void): void {
    this.#onRollback.push(forget);
  }

  /** Runs `task`; rejects with an error for the user. */
  run<Result>(task: () => Result): Promise<Result> {
    try {
      return Promise.resolve(task());
    } catch (error) {
      return Promise.reject(this.#explain(error));
    }
  }

  /** Runs `task` in a transaction, which is on disk when the promise resolves. */
  transaction<Result>(task: () => Result): Promise<Result> {
    return this.run(() => {
      this.database.exec('BEGIN IMMEDIATE');
      try {
        const result = task();
        this.database.exec('COMMIT');
        return result;
      } catch (error) {
        for (const forget of this.#onRollback) forget();
        if (this.database.isTransaction) this.database.exec('ROLLBACK');
        throw error;
      }
    });
  }

  prepare(sql: string): StatementSync {
    let statement = this.#prepared.get(sql);
    if (!statement) {
      statement = this.database.prepare(sql);
      this.#prepared.set(sql, statement);
    }
    return statement;
  }

  all<Row>(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.prepare(sql).all(...values) as Row[];
  }

  /** The column `number` of the first row; 0 if there is no row. */
  number(sql: string, ...values: SQLInputValue[]): number {
    return this.all<{ number: number }>(sql, ...values)[0]?.number ?? 0;
  }

  /** Returns the number of changed rows. */
  exec(sql: string, ...values: SQLInputValue[]): number {
    return Number(this.prepare(sql).run(...values).changes);
  }
}

/** The argument of `json_each`: perf ("Ledger" in docs/performance.md), it is far cheaper than one statement per text. `toWellFormed` has the same effect as binding the text. */
export function jsonTexts(texts: readonly string[]): string {
  return JSON.stringify(texts.map((text) => text.toWellFormed()));
}
