/**
 * The ledger of a dry run: an overlay over a ledger that is only read. Commits are kept in memory, and later reads reflect
 * them. Takes 12 to 32 bytes per row of the input, plus the memory of {@link ScratchEntries} per entry that would be written.
 */
import { IdentityTable } from '../delivery/identity-table.ts';
import {
  heldBy,
  type DecidedDeletions,
  type HeldEntry,
  type Ledger,
  type LedgerChanges,
  type LedgerStream,
  type PendingDeletion,
} from '../ledger/ledger.ts';
import { NOTHING_WRITTEN } from '../ledger/written.ts';
import { rowToken } from '../diff/row.ts';
import { IdentitySet } from './identity-set.ts';
import { ScratchEntries } from './scratch-entries.ts';

const PRESENT = 1;
const WRITTEN = 2;
const DROPPED = 3;
const PAGE = 1_000;

/** Entries pending deletion: those already read, which may be requested again, and an iterator over the others. */
interface Reading {
  pending: HeldEntry[];
  readonly rest: AsyncIterator<HeldEntry>;
}

export class DryRunLedger implements Ledger {
  readonly #base: Ledger;
  readonly #scratch: ScratchEntries;
  /** Row → what the run has done to its entry: PRESENT, WRITTEN or DROPPED. */
  readonly #touched = new IdentityTable();
  /** Stream → the snapshot in which rows are marked as present. */
  readonly #snapshots = new Map<number, number>();
  /** Rows whose hashes are cleared. */
  readonly #stale = new Set<string>();
  /** Streams whose pending deletions were cancelled. */
  readonly #cancelled = new Set<number>();
  /** Stream → entries last seen before this snapshot are pending deletion. */
  readonly #decidedBefore = new Map<number, number>();
  readonly #reading = new Map<number, Reading>();
  readonly #leftOver = new WeakSet<HeldEntry>();
  /** Stream → the snapshot whose missing users were too many. */
  readonly judged = new Map<number, number>();

  private constructor(base: Ledger, scratch: ScratchEntries) {
    this.#base = base;
    this.#scratch = scratch;
  }

  /** @param base opened with access `read`; closed together with the overlay */
  static async over(base: Ledger): Promise<DryRunLedger> {
    return new DryRunLedger(base, await ScratchEntries.create());
  }

  get own(): readonly LedgerStream[] {
    return this.#base.own;
  }

  /** True for an entry of {@link nextPendingDeletions} whose deletion was already pending when the run began. */
  isLeftOver(entry: HeldEntry): boolean {
    return this.#leftOver.has(entry);
  }

  /** As they were when the run began: a run does not read the states that it has written itself. */
  streams(): Promise<readonly LedgerStream[]> {
    return this.#base.streams();
  }

  async find(stream: number, keys: readonly string[]): Promise<ReadonlyMap<string, HeldEntry>> {
    const found = new Map<string, HeldEntry>();
    const untouched: string[] = [];
    for (const key of keys) {
      const state = this.#touched.get(rowToken(stream, key));
      const written = state === WRITTEN ? this.#scratch.find(stream, key) : undefined;
      if (written) found.set(key, this.#withStale(written));
      else if (state !== DROPPED) untouched.push(key);
    }
    for (const entry of (await this.#base.find(stream, untouched)).values()) {
      const view = this.#viewOf(entry);
      if (view) found.set(view.key, view);
    }
    return found;
  }

  async fieldHashes(stream: number, keys: readonly string[]): Promise<ReadonlyMap<string, Uint8Array>> {
    const found = new Map(await this.#base.fieldHashes(stream, keys));
    for (const key of keys) {
      const state = this.#touched.get(rowToken(stream, key));
      const written = state === WRITTEN ? this.#scratch.fieldHashes(stream, key) : undefined;
      if (written) found.set(key, written);
      // Those stored stay with an entry that is written without any.
      else if (state === DROPPED) found.delete(key);
    }
    return found;
  }

  async holders({ emails, userIds }: Parameters<Ledger['holders']>[0]): Promise<readonly HeldEntry[]> {
    const held = await this.#base.holders({ emails, userIds });
    return [
      ...held.map((entry) => this.#viewOf(entry)).filter((entry) => entry !== undefined),
      ...this.#scratch.holders(emails, userIds),
    ];
  }

  /** As it was when the run began: the snapshot is compared with that number of rows. */
  count(stream: number): Promise<number> {
    return this.#base.count(stream);
  }

  async commit({
    entries = [],
    dropped = [],
    named = [],
    present = [],
    stale = [],
  }: LedgerChanges): Promise<void> {
    this.#scratch.change(entries, dropped);
    for (const { stream, key } of entries) {
      this.#touched.set(rowToken(stream, key), WRITTEN);
      this.#stale.delete(rowToken(stream, key));
    }
    for (const { stream, key } of dropped) this.#touched.set(rowToken(stream, key), DROPPED);
    await this.#name(named);
    for (const { stream, snapshot, rows } of present) {
      this.#snapshots.set(stream, snapshot);
      for (const { key } of rows) {
        const token = rowToken(stream, key);
        if (this.#touched.get(token) === undefined) this.#touched.set(token, PRESENT);
      }
    }
    for (const { stream, key } of stale) this.#stale.add(rowToken(stream, key));
  }

  async #name(rows: NonNullable<LedgerChanges['named']>): Promise<void> {
    for (const { stream, key, named, seen } of rows) {
      const found = (await this.find(stream, [key])).get(key);
      const entry = found ?? { key, valuesHash: '', ...NOTHING_WRITTEN };
      this.#scratch.change([{ ...entry, stream, named, seen }], []);
      this.#touched.set(rowToken(stream, key), WRITTEN);
    }
  }

  async countMissing(stream: number, snapshot: number): Promise<{ upserted: number; enriched: number }> {
    const counts = { upserted: 0, enriched: 0 };
    for await (const { origin } of this.absent(stream, snapshot))
      counts[origin === 'upsert' ? 'upserted' : 'enriched']++;
    return counts;
  }

  /** The entries last seen before this snapshot. */
  async *absent(stream: number, snapshot: number): AsyncGenerator<HeldEntry> {
    for await (const entry of this.#unseen(stream, snapshot)) if (entry.seen < snapshot) yield entry;
  }

  async *#unseen(stream: number, snapshot: number, start = ''): AsyncGenerator<HeldEntry> {
    let page: readonly HeldEntry[];
    let after = start;
    do {
      page = await this.#base.unseen(stream, snapshot, after, PAGE);
      for (const entry of page) {
        after = entry.key;
        const view = this.#viewOf(entry);
        if (view) yield view;
      }
    } while (page.length === PAGE);
    // Holds that the run's rows have left behind.
    for (const entry of this.#scratch.unseen(stream, snapshot, after))
      yield { ...entry, isPendingDeletion: entry.seen < (this.#decidedBefore.get(stream) ?? 0) };
  }

  async unseen(
    ...[stream, snapshot, after, limit]: Parameters<Ledger['unseen']>
  ): ReturnType<Ledger['unseen']> {
    const entries: HeldEntry[] = [];
    for await (const entry of this.#unseen(stream, snapshot, after)) {
      if (entry.seen >= snapshot && !entry.isPendingDeletion) continue;
      if (entries.push(entry) >= limit) break;
    }
    return entries;
  }

  async decideDeletions(
    ...[snapshots, accept]: Parameters<Ledger['decideDeletions']>
  ): ReturnType<Ledger['decideDeletions']> {
    for (const { stream, snapshot } of snapshots) this.#decidedBefore.set(stream, snapshot);
    this.#reading.clear();
    const results: DecidedDeletions[] = [];
    for (const { stream } of snapshots) {
      const result = { stream, removed: 0, staying: 0 };
      const add = async (entries: readonly HeldEntry[]) => {
        const decided = entries.filter((entry) => !this.#leftOver.has(entry));
        for (const { origin, heldBy } of await this.#withHeld(decided))
          result[origin === 'enrich' || heldBy ? 'staying' : 'removed']++;
      };
      let page: HeldEntry[] = [];
      for await (const entry of this.#pending(stream)) {
        if (page.push(entry) < PAGE) continue;
        await add(page);
        page = [];
      }
      await add(page);
      results.push({ ...result, entries: result.removed > 0 ? await this.#entriesIn(stream) : 0 });
    }
    if (!accept(results)) {
      for (const { stream, snapshot } of snapshots) {
        this.judged.set(stream, snapshot);
        this.#decidedBefore.delete(stream);
      }
      this.#reading.clear();
    }
    return results;
  }

  /** At least: entries that the run would replace or drop count as they were. */
  async #entriesIn(stream: number): Promise<number> {
    return Math.max(await this.#base.count(stream), this.#scratch.count(stream));
  }

  async nextPendingDeletions(streams: readonly number[], limit: number): Promise<readonly PendingDeletion[]> {
    const entries: HeldEntry[] = [];
    for (const stream of streams) {
      const left = limit - entries.length;
      if (left <= 0) break;
      let reading = this.#reading.get(stream);
      if (!reading) this.#reading.set(stream, (reading = { pending: [], rest: this.#pending(stream) }));
      // Entries that the run has written, dropped or marked since are no longer pending.
      reading.pending = reading.pending.filter(
        ({ key }) => this.#touched.get(rowToken(stream, key)) === undefined,
      );
      while (reading.pending.length < left) {
        const next = await reading.rest.next();
        if (next.done === true) break;
        reading.pending.push(next.value);
      }
      entries.push(...reading.pending.slice(0, left));
    }
    return this.#withHeld(entries);
  }

  async cancelDeletions(streams: readonly number[]): Promise<number> {
    let count = 0;
    for (const stream of streams) {
      for await (const entry of this.#pending(stream)) if (entry.isPendingDeletion) count++;
      this.#cancelled.add(stream);
    }
    this.#reading.clear();
    return count;
  }

  recentlyDeleted(ms: number): ReturnType<Ledger['recentlyDeleted']> {
    return this.#base.recentlyDeleted(ms);
  }

  async close(): Promise<void> {
    this.#scratch.close();
    await this.#base.close();
  }

  async *#pending(stream: number): AsyncGenerator<HeldEntry> {
    for await (const entry of this.#unseen(stream, this.#decidedBefore.get(stream) ?? 0))
      if (entry.isPendingDeletion) yield entry;
  }

  async #withHeld(entries: readonly HeldEntry[]): Promise<PendingDeletion[]> {
    if (entries.length === 0) return [];
    const holders = await this.holders({
      emails: entries.flatMap(({ email }) => (email === undefined ? [] : [email])),
      userIds: entries.flatMap(({ userId }) => (userId === undefined ? [] : [userId])),
    });
    const holding = new IdentitySet();
    const naming = new IdentitySet();
    for (const { isPendingDeletion, named, ...entry } of holders) {
      if (isPendingDeletion) continue;
      holding.add(entry);
      if (named) naming.add(named);
    }
    return entries.map((entry) => {
      const pending = {
        ...entry,
        heldBy: heldBy({ isHeld: holding.has(entry), isNamed: naming.has(entry) }),
      };
      if (this.#leftOver.has(entry)) this.#leftOver.add(pending);
      return pending;
    });
  }

  #withStale(entry: HeldEntry): HeldEntry {
    return this.#stale.has(rowToken(entry.stream, entry.key)) ? { ...entry, valuesHash: '' } : entry;
  }

  /** A stored entry with the run's changes applied; undefined if the run has replaced or dropped it. */
  #viewOf(entry: HeldEntry): HeldEntry | undefined {
    const { stream, key, seen, isPendingDeletion } = entry;
    const state = this.#touched.get(rowToken(stream, key));
    if (state !== undefined && state !== PRESENT) return undefined;
    const wasPending = isPendingDeletion && !this.#cancelled.has(stream);
    const isStale = this.#stale.has(rowToken(stream, key));
    const valuesHash =
      isStale || (isPendingDeletion && (state === PRESENT || !wasPending)) ? '' : entry.valuesHash;
    if (state === PRESENT)
      return { ...entry, valuesHash, seen: this.#snapshots.get(stream) ?? seen, isPendingDeletion: false };
    const view = {
      ...entry,
      valuesHash,
      isPendingDeletion: wasPending || seen < (this.#decidedBefore.get(stream) ?? 0),
    };
    if (wasPending) this.#leftOver.add(view);
    return view;
  }
}
