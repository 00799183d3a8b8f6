/** Records, their rows and entries of the ledger: each test names only what matters to it. */
import type { HeldEntry } from '../../src/ledger/ledger.ts';
import { mergeValues } from '../../src/mapping/merge-values.ts';
import { Row, type RowStream, type RowIdentity, type RowUpsert } from '../../src/diff/row.ts';
import { ProjectTargets, TargetHistory } from '../../src/diff/targets.ts';
import type { RowTask } from '../../src/diff/upserts.ts';
import { HASH_VERSION, mergedHash, valuesHash } from '../../src/diff/values-hash.ts';
import type { TargetValues, Upsert, UserKey } from '../../src/model.ts';

/** The number of the stream that the records are of; entries of another one have another. */
export const OWN_STREAM = 1;

/** `VIP` is on the list, `-VIP` off it. */
export function lists(...names: string[]): Map<string, boolean> {
  return new Map(
    names.map((name) => (name.startsWith('-') ? [name.slice(1), false] : [name, true]) as [string, boolean]),
  );
}

/** An address, or else a user id. */
export function keyOf(value: string): UserKey {
  return { kind: value.includes('@') ? 'email' : 'userId', value };
}

export function anUpsert(key: string, values: TargetValues = {}, rest: Partial<Upsert> = {}): Upsert {
  return { kind: 'upsert', key: keyOf(key), values, ...rest };
}

/** The entry of the row with the primary key 1. `values` are those whose hash it has. */
export function anEntry({ values = {}, ...rest }: Partial<HeldEntry> & { values?: TargetValues }): HeldEntry {
  return {
    stream: OWN_STREAM,
    key: '[1]',
    valuesHash: valuesHash(values),
    targets: [],
    lists: new Map(),
    origin: 'upsert',
    seen: 1,
    isPendingDeletion: false,
    ...rest,
  };
}

/** Of an unconfirmed entry: a run ended between a call and the note of its result. */
export const UNCONFIRMED = { valuesHash: '' };
/** Of an entry that is a pending deletion. */
export const PENDING_DELETION = { isPendingDeletion: true };

/** Of a record in which columns are absent that say who is on these lists, or on any. */
export function silentOn(names: readonly string[] | 'any'): Partial<Upsert> {
  return { unspecifiedLists: names };
}

/** A stream without mappings. */
export function aStream(rest: Partial<RowStream> = {}): RowStream {
  return {
    id: OWN_STREAM,
    mode: 'sync',
    snapshot: 2,
    isReplaced: false,
    resends: false,
    conditions: { basis: '', hashVersion: HASH_VERSION },
    isOutdated: () => false,
    hasOtherBasis: () => false,
    identifiesBothWays: false,
    targets: new TargetHistory(undefined, new ProjectTargets([undefined])),
    ...rest,
  };
}

/** What the mappings of the stream write, and those of the others. */
export function mapped(own: readonly string[], ...others: (readonly string[])[]) {
  return { targets: new TargetHistory(own, new ProjectTargets([own, ...others])) };
}

/** A row, and what is known of its entry. */
export interface RowCase extends Partial<RowIdentity> {
  readonly entry?: HeldEntry | undefined;
  /** Whether the ledger was read, and whether an earlier record may have changed the entry since. */
  readonly state?: 'unread' | 'stale' | 'current';
}

/** The row with the primary key 1, as it was read a moment ago. */
export function aRow({ entry, state = 'current', ...rest }: RowCase = {}): Row {
  const key = rest.key ?? entry?.key ?? '[1]';
  const row = new Row({ stream: aStream(), isKeyedByIdentity: false, valuesHash: '', ...rest, key });
  if (state !== 'unread') row.found(entry);
  if (state === 'stale') row.becomeStale();
  return row;
}

export function aRowUpsert(change: Upsert, row: RowCase = {}): RowUpsert {
  return { row: aRow({ valuesHash: valuesHash(change.values), ...row }), change };
}

/** Records of one row, in order, merged. */
export function aRowTask(changes: readonly Upsert[], row: RowCase = {}): RowTask {
  const records = changes.map((change) => aRowUpsert(change, row));
  const [first] = changes;
  if (!first) throw new Error('A task has a record at least');
  const change = changes.slice(1).reduce(together, first);
  const last = records.at(-1)?.row.valuesHash ?? '';
  return { records, change, valuesHash: records.length === 1 ? last : mergedHash(change.values, last) };
}

function together(earlier: Upsert, later: Upsert): Upsert {
  return {
    ...earlier,
    ...later,
    values: mergeValues(earlier.values, later.values),
    lists: new Map([...(earlier.lists ?? []), ...(later.lists ?? [])]),
  };
}
