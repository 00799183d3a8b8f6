/**
 * A random scenario of rows that change from snapshot to snapshot, and a simple model of what Iterable must contain after each.
 * Addresses are never reused. A user may have a row in both streams, and then keeps its address.
 */
import { aCatalog, aRecord, aState, aStatus, aStream } from './messages.ts';

type StreamName = 'users' | 'crm';
const STREAMS: readonly StreamName[] = ['users', 'crm'];
const LISTS = ['Red', 'Blue', 'Green'];

interface Row {
  readonly id: number;
  email: string;
  readonly isShared: boolean;
  value: number;
  lists: string[];
  /** Its values at the end of the previous round; undefined for a new row. */
  before?: { readonly email: string; readonly value: number; readonly lists: string[] };
}

export interface Round {
  readonly lines: string[];
  /** The number of rows flagged as deleted in this round. */
  readonly flagged: number;
}

export class SnapshotWorld {
  readonly #random: () => number;
  readonly #rows: Record<StreamName, Map<number, Row>> = { users: new Map(), crm: new Map() };
  readonly #flagged: Record<StreamName, Row[]> = { users: [], crm: [] };
  /** Rows that disappeared in this round. */
  readonly #absent: Record<StreamName, Row[]> = { users: [], crm: [] };
  #counter = 0;
  #round = 0;

  static readonly catalog = aCatalog(
    ...STREAMS.map((name) =>
      aStream({ name, primaryKey: [['id']], syncMode: 'full_refresh', destinationSyncMode: 'overwrite' }),
    ),
  );

  static readonly config = {
    max_removals_percent: 100,
    lists: [{ kind: 'names', source: 'segments' }],
    mappings: [
      { source: 'email', target: 'email' },
      { source: 'value', target: 'users_value', stream: 'users' },
      { source: 'value', target: 'crm_value', stream: 'crm' },
    ],
  };

  constructor(random: () => number) {
    this.#random = random;
    for (const stream of STREAMS) for (let n = 0; n < 12; n++) this.#add(stream);
  }

  /** Adds, changes and deletes rows, and changes addresses. */
  change(): void {
    this.#round++;
    for (const stream of STREAMS) {
      this.#flagged[stream] = [];
      this.#absent[stream] = [];
      for (const row of [...this.#rows[stream].values()]) {
        const { email, value, lists } = row;
        row.before = { email, value, lists };
        const dice = this.#random();
        if (dice < 0.15) {
          this.#rows[stream].delete(row.id);
          this.#absent[stream].push(row);
        } else if (dice < 0.22) {
          this.#rows[stream].delete(row.id);
          this.#flagged[stream].push(row);
        } else if (dice < 0.4) row.value = ++this.#counter;
        else if (dice < 0.5 && !row.isShared) row.email = this.#address();
        else if (dice < 0.65) row.lists = this.#someLists();
      }
      for (let n = Math.floor(this.#random() * 4); n > 0; n--) this.#add(stream);
    }
    if (this.#random() < 0.6) this.#addShared();
  }

  /**
   * Changes rows between a failed run and the second run of the same round: some change again, change back, or reappear. Two
   * changes are left out, because the second run can't correct the effects of the failed one then: deleting a row that the
   * failed run may have created, and changing an address that the failed run may have changed.
   */
  changeAfterFailure(): void {
    for (const stream of STREAMS) {
      for (const row of this.#rows[stream].values()) {
        const dice = this.#random();
        if (dice < 0.15) row.value = ++this.#counter;
        else if (dice < 0.3) row.lists = this.#someLists();
        else if (dice < 0.45 && row.before) {
          row.value = row.before.value;
          row.lists = row.before.lists;
        } else if (dice < 0.5 && row.before?.email === row.email && !row.isShared)
          row.email = this.#address();
      }
      for (const gone of [this.#flagged[stream], this.#absent[stream]]) {
        const rows = gone.splice(0);
        for (const row of rows) {
          if (this.#random() < 0.3) this.#rows[stream].set(row.id, row);
          else gone.push(row);
        }
      }
      if (this.#random() < 0.3) this.#add(stream);
    }
  }

  /** The complete snapshot, each stream with its state and status. */
  lines(status = 'COMPLETE'): string[] {
    return STREAMS.flatMap((stream) => [
      ...this.#shuffled([
        ...[...this.#rows[stream].values()].map((row) => recordOf(stream, row)),
        ...this.#flagged[stream].map((row) => recordOf(stream, row, { _ab_cdc_deleted_at: '2026-01-01' })),
      ]),
      aState(this.#round, stream),
      aStatus(status, stream),
    ]);
  }

  /** The first part of the snapshot, after which the source fails. */
  part(): string[] {
    const lines = this.lines('INCOMPLETE');
    const kept = Math.floor(this.#random() * (lines.length - 2));
    return [...lines.slice(0, kept), aStatus('INCOMPLETE', 'users')];
  }

  /** Address → the expected fields and lists, merged from the rows of all streams. */
  get people(): Record<string, { fields: Record<string, number>; lists: string[] }> {
    const people: Record<string, { fields: Record<string, number>; lists: string[] }> = {};
    for (const stream of STREAMS) {
      for (const { email, value, lists } of this.#rows[stream].values()) {
        const person = (people[email] ??= { fields: {}, lists: [] });
        person.fields[`${stream}_value`] = value;
        person.lists = [...new Set([...person.lists, ...lists])].sort();
      }
    }
    return people;
  }

  #add(stream: StreamName): void {
    const id = ++this.#counter;
    this.#rows[stream].set(id, {
      id,
      email: this.#address(),
      isShared: false,
      value: id,
      lists: this.#someLists(),
    });
  }

  #addShared(): void {
    const email = this.#address();
    for (const stream of STREAMS) {
      const id = ++this.#counter;
      this.#rows[stream].set(id, { id, email, isShared: true, value: id, lists: this.#someLists() });
    }
  }

  #address(): string {
    return `p${++this.#counter}@x.com`;
  }

  #someLists(): string[] {
    return LISTS.filter(() => this.#random() < 0.35);
  }

  #shuffled<Item>(items: Item[]): Item[] {
    for (let at = items.length - 1; at > 0; at--) {
      const other = Math.floor(this.#random() * (at + 1));
      [items[at], items[other]] = [items[other] as Item, items[at] as Item];
    }
    return items;
  }
}

function recordOf(stream: StreamName, { id, email, value, lists }: Row, more = {}): string {
  return aRecord({ id, email, value, segments: lists, ...more }, { stream });
}
