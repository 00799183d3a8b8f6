/** Collects what is to be written into transactions: few enough to be fast, soon enough to keep no state waiting. */
import type { Clock } from '../clock.ts';
import type { Ledger, LedgerChanges, PresentRow, RowPlace } from '../ledger/ledger.ts';
import type { DeletedIdentity, Identities } from '../model.ts';
import type { Run } from '../run.ts';
import { rowToken, type Row } from './row.ts';

type NewEntry = NonNullable<LedgerChanges['entries']>[number];

export interface LedgerWriterOptions {
  readonly ledger: Ledger;
  readonly clock: Clock;
  /** Fails when the ledger can't be written. */
  readonly run: Run;
}

/** perf ("Ledger" in docs/performance.md): a mark that no call waits for is cheap among thousands and expensive alone: each transaction waits for the disk. */
const MANY_MARKS = 10_000;
const MAX_MARK_WAIT_MS = 250;
const MAX_ENTRIES = 2_000;

/** Changes of one transaction; a row is written or dropped once. */
class Changes {
  readonly entries = new Map<string, NewEntry>();
  readonly dropped = new Map<string, RowPlace>();
  readonly named = new Map<string, NonNullable<LedgerChanges['named']>[number]>();
  readonly stale = new Map<string, RowPlace>();
  readonly deleted: DeletedIdentity[] = [];
  /** By stream. To mark a row that is also written or dropped, or to mark it twice, does no harm. */
  readonly present = new Map<number, { readonly snapshot: number; readonly rows: PresentRow[] }>();
  readonly states = new Map<number, string>();
  readonly onCommitted: (() => void)[] = [];
  marks = 0;
  /** Written as soon as the transaction before it has ended. */
  isUrgent = false;

  get isEmpty(): boolean {
    return this.onCommitted.length === 0 && this.states.size === 0;
  }

  take(): LedgerChanges {
    return {
      entries: [...this.entries.values()],
      dropped: [...this.dropped.values()],
      named: [...this.named.values()],
      stale: [...this.stale.values()],
      deleted: this.deleted,
      present: [...this.present].map(([stream, marks]) => ({ stream, ...marks })),
      states: [...this.states].map(([stream, state]) => ({ stream, state })),
    };
  }
}

export class LedgerWriter {
  readonly #options: LedgerWriterOptions;
  /** Each gets the rows whose entries were written or dropped. */
  readonly #watchers = new Set<Set<string>>();
  #waiting = new Changes();
  #isWriting = false;
  #isStopped = false;
  #timer: AbortController | undefined;
  #onIdle: (() => void)[] = [];

  constructor(options: LedgerWriterOptions) {
    this.#options = options;
  }

  /** True while something is being written or waits to be; after a failure nothing is. */
  get isBusy(): boolean {
    return !this.#isStopped && (this.#isWriting || !this.#waiting.isEmpty);
  }

  /** True while more waits than one transaction should hold. */
  get isFull(): boolean {
    return this.#waiting.marks + this.#waiting.entries.size >= 2 * MANY_MARKS;
  }

  /** Rows whose entries change from now on, until {@link unwatch}. */
  watch(): Set<string> {
    const changed = new Set<string>();
    this.#watchers.add(changed);
    return changed;
  }

  unwatch(changed: Set<string>): void {
    this.#watchers.delete(changed);
  }

  write(entry: NewEntry, onCommitted: () => void): void {
    const token = rowToken(entry.stream, entry.key);
    this.#waiting.dropped.delete(token);
    this.#waiting.named.delete(token);
    this.#waiting.entries.set(token, entry);
    this.#soon(onCommitted);
  }

  drop(rows: readonly RowPlace[], onCommitted: () => void): void {
    for (const { stream, key } of rows) {
      const token = rowToken(stream, key);
      this.#waiting.entries.delete(token);
      this.#waiting.named.delete(token);
      this.#waiting.dropped.set(token, { stream, key });
    }
    this.#soon(onCommitted);
  }

  /** A hold has ended. Written together with the next {@link drop} or {@link write}. */
  noteRemoval({
    stale,
    deleted,
  }: {
    readonly stale: readonly RowPlace[];
    readonly deleted: readonly DeletedIdentity[];
  }): void {
    for (const { stream, key } of stale) this.#waiting.stale.set(rowToken(stream, key), { stream, key });
    this.#waiting.deleted.push(...deleted);
  }

  /** The row's last record was rejected, and names these. */
  name({ stream, token, key }: Row, named: Identities, onCommitted: () => void): void {
    const { id, snapshot } = stream;
    this.#waiting.named.set(token, { stream: id, key, named, seen: snapshot });
    this.#soon(onCommitted);
  }

  /** The row was there in the snapshot, unchanged, skipped or rejected. */
  mark({ stream, key, entry }: Pick<Row, 'stream' | 'key' | 'entry'>, onCommitted: () => void): void {
    this.#presentOf(stream).push({ key, id: entry?.id });
    this.#waiting.marks++;
    this.#waiting.onCommitted.push(onCommitted);
    if (this.#waiting.marks < MANY_MARKS) {
      this.#startTimer();
    } else {
      this.#waiting.isUrgent = true;
      this.#write();
    }
  }

  #presentOf({ id, snapshot }: Row['stream']): PresentRow[] {
    let present = this.#waiting.present.get(id);
    if (!present) this.#waiting.present.set(id, (present = { snapshot, rows: [] }));
    return present.rows;
  }

  /** Written with the next transaction, so before any state that covers later results. */
  setState(stream: number, state: string, onCommitted?: () => void): void {
    this.#waiting.states.set(stream, state);
    if (onCommitted) this.#waiting.onCommitted.push(onCommitted);
    this.#startTimer();
  }

  /** Resolves when everything is in the ledger; at once after a failure. */
  async flush(): Promise<void> {
    this.#write();
    while (this.isBusy) {
      await new Promise<void>((resolve) => {
        this.#onIdle.push(resolve);
      });
      this.#write();
    }
  }

  /** Results of calls are written at once; those that come meanwhile go together in the next transaction. */
  #soon(onCommitted: () => void): void {
    this.#waiting.onCommitted.push(onCommitted);
    if (this.#waiting.isUrgent && this.#waiting.entries.size < MAX_ENTRIES) return;
    if (!this.#waiting.isUrgent) {
      queueMicrotask(() => {
        this.#write();
      });
    }
    this.#waiting.isUrgent = true;
    if (this.#waiting.entries.size >= MAX_ENTRIES) this.#write();
  }

  #startTimer(): void {
    if (this.#timer) return;
    const timer = new AbortController();
    this.#timer = timer;
    this.#options.clock.sleep(MAX_MARK_WAIT_MS, timer.signal).then(
      () => {
        // While something is being written, nothing more is: what waits then gets a timer of its own.
        this.#timer = undefined;
        this.#write();
      },
      () => undefined,
    );
  }

  #write(): void {
    if (this.#isWriting || this.#isStopped || this.#waiting.isEmpty) return;
    const changes = this.#waiting;
    this.#waiting = new Changes();
    this.#timer?.abort(new Error('written'));
    this.#timer = undefined;
    this.#isWriting = true;
    void this.#commit(changes);
  }

  async #commit(changes: Changes): Promise<void> {
    const { ledger, run } = this.#options;
    try {
      await ledger.commit(changes.take());
      for (const watcher of this.#watchers)
        for (const tokens of [
          changes.entries.keys(),
          changes.dropped.keys(),
          changes.named.keys(),
          changes.stale.keys(),
        ])
          for (const token of tokens) watcher.add(token);
      this.#isWriting = false;
      for (const onCommitted of changes.onCommitted) onCommitted();
    } catch (error) {
      this.#isStopped = true;
      this.#isWriting = false;
      run.fail(error as Error);
    }
    const waiting = this.#onIdle;
    this.#onIdle = [];
    for (const resolve of waiting) resolve();
    if (this.#waiting.isUrgent) this.#write();
    else if (!this.#waiting.isEmpty) this.#startTimer();
  }
}
