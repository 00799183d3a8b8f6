/** Statements on an open SQLite file: each prepared once, failures in plain words, writes in transactions. */
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';

export class Statements {
  readonly database: DatabaseSync;
  readonly #explain: (error: unknown) => Error;
  readonly #onRollback: (() => void)[] = [];
  readonly #prepared = new Map<string, StatementSync>();

  /** @param explain makes an error for people of what SQLite throws */
  constructor(database: DatabaseSync, explain: (error: unknown) => Error) {
    this.database = database;
    this.#explain = explain;
  }

  /** Told when what was written in a transaction, and is remembered, is not there after all. */
  onRollback(forget: () => void): void {
    this.#onRollback.push(forget);
  }

  /** What `work` gives; rejects with an error for people. */
  run<Result>(work: () => Result): Promise<Result> {
    try {
      return Promise.resolve(work());
    } catch (error) {
      return Promise.reject(this.#explain(error));
    }
  }

  /** The same in one transaction, which is on the disk when it ends. */
  transaction<Result>(work: () => Result): Promise<Result> {
    return this.run(() => {
      this.database.exec('BEGIN IMMEDIATE');
      try {
        const result = work();
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

  /** The column `number` of the first row; 0 where there is none. */
  number(sql: string, ...values: SQLInputValue[]): number {
    return this.all<{ number: number }>(sql, ...values)[0]?.number ?? 0;
  }

  /** Gives how many rows changed. */
  exec(sql: string, ...values: SQLInputValue[]): number {
    return Number(this.prepare(sql).run(...values).changes);
  }
}

/** For `json_each`, which is far cheaper than a statement for each; texts come out as if they were bound. */
export function jsonTexts(texts: readonly string[]): string {
  return JSON.stringify(texts.map((text) => text.toWellFormed()));
}
