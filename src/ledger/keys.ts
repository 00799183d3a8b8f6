/**
 * The keys of entries. A number in a primary key is written by its value, `[7000]`. Streams written by an older version may
 * have keys with numbers in the notation of the source, `[7000.0]` or `["7000"]`; these are converted here.
 */
import { hash } from 'node:crypto';
import { parseJson } from '../json.ts';
import { primaryKeyText } from '../mapping/primary-key.ts';
import { parseWritten, writtenText } from './written.ts';

const MAX_KEY_LENGTH = 500;

/** The value of `key_form` of a stream whose keys are converted; 1 before. */
export const BY_VALUE = 2;

/** A key as ledgers store it: unchanged, or its hash if a database could not store it. */
export function storableKey(text: string): string {
  // Half a surrogate pair would be stored as the replacement character, the same for every half.
  if (!text.isWellFormed()) return hashed(JSON.stringify(text));
  // Databases limit the length of an index entry, and not every one accepts a NUL.
  return text.length > MAX_KEY_LENGTH || text.includes('\0') ? hashed(text) : text;
}

function hashed(text: string): string {
  return `hash:${hash('sha256', text, 'base64')}`;
}

/** Converts a key of an older version to the key that the row has today. Keys of rows without a primary key don't change. */
export function keyByValue(key: string): string {
  if (!key.startsWith('[')) return key;
  try {
    const parts = parseJson(key);
    const text = Array.isArray(parts) ? primaryKeyText(parts) : undefined;
    return text === undefined ? key : storableKey(text);
  } catch (error) {
    if (error instanceof SyntaxError) return key;
    throw error;
  }
}

export interface KeyedEntry {
  readonly id: number;
  readonly key: string;
  /** The last snapshot in which the row was present. */
  readonly seen: number;
  readonly email: string | null;
  readonly userId: string | null;
  readonly isPendingDeletion: boolean;
  /** The {@link writtenText} of the entry. */
  readonly written: string;
}

export interface KeyMove {
  readonly from: string;
  readonly to: string;
  /** Clears the hash of the values, so that the next record of the row sends everything. */
  readonly clearsHash: boolean;
  /** The new {@link writtenText}, if it changes. */
  readonly written?: string | undefined;
}

/** The keys of the entries of one stream. */
export interface KeyTable {
  /**
   * The next entries after this key, in key order, whose keys may contain a number in another notation. Includes all such
   * entries, and possibly others.
   */
  next(after: string, limit: number): Promise<readonly KeyedEntry[]>;
  /** The entries that have one of these keys. */
  having(keys: readonly string[]): Promise<readonly KeyedEntry[]>;
  /** Renames keys. Each `to` must be unused, or equal to its `from`. */
  move(moves: readonly KeyMove[]): Promise<void>;
  /** Deletes the entries that have these keys. */
  drop(keys: readonly string[]): Promise<void>;
}

const PAGE_SIZE = 1_000;

/**
 * Converts the keys of a stream. If several keys become the same, the entry that was written last gets it, with a cleared
 * hash, so that the row's next record sends everything. The other entries that hold the same user are dropped, and their
 * fields and lists are merged into that entry; otherwise they would keep the user from being removed for good. Entries that
 * hold another user keep keys that no row has, so they are missing from the next snapshot.
 */
export async function moveToKeysByValue(table: KeyTable, pageSize = PAGE_SIZE): Promise<void> {
  let page: readonly KeyedEntry[];
  let after = '';
  do {
    page = await table.next(after, pageSize);
    after = page.at(-1)?.key ?? after;
    const old = page.filter(({ key }) => keyByValue(key) !== key);
    if (old.length === 0) continue;
    const { moves, dropped } = movesOf(old, await table.having(old.map(({ key }) => keyByValue(key))));
    if (dropped.length > 0) await table.drop(dropped);
    // Entries that swap keys are first moved to temporary ones, since a key must be unused to be assigned.
    const wanted = new Set(moves.map(({ to }) => to));
    const parking = moves.filter(({ from, to }) => from !== to && wanted.has(from));
    const parked = new Map(parking.map(({ from }) => [from, `moving:${from}`]));
    if (parking.length > 0)
      await table.move(parking.map((move) => ({ ...move, to: parked.get(move.from) ?? move.to })));
    await table.move(moves.map((move) => ({ ...move, from: parked.get(move.from) ?? move.from })));
  } while (page.length === pageSize);
}

/** @param holders entries that already have one of the new keys */
function movesOf(
  old: readonly KeyedEntry[],
  holders: readonly KeyedEntry[],
): { readonly moves: readonly KeyMove[]; readonly dropped: readonly string[] } {
  const holderOf = new Map(holders.map((holder) => [holder.key, holder]));
  const rivalsOf = new Map<string, KeyedEntry[]>();
  for (const entry of old) {
    const key = keyByValue(entry.key);
    const rivals = rivalsOf.get(key);
    if (rivals) rivals.push(entry);
    else rivalsOf.set(key, [...(holderOf.has(key) ? [holderOf.get(key) as KeyedEntry] : []), entry]);
  }
  const moves: KeyMove[] = [];
  const dropped: string[] = [];
  for (const [key, rivals] of rivalsOf) {
    const last = rivals.reduce((a, b) => (isLater(a, b) ? a : b));
    const same = rivals.filter((rival) => rival !== last && isHeldBy(last, rival));
    dropped.push(...same.map((rival) => rival.key));
    const written = same.length === 0 ? undefined : writtenByAll([...same, last]);
    moves.push({ from: last.key, to: key, clearsHash: rivals.length > 1, written });
    const holder = holderOf.get(key);
    // The previous holder gets the key that the last entry had: no row has that key.
    if (holder && holder !== last && !same.includes(holder))
      moves.push({ from: key, to: last.key, clearsHash: false });
  }
  return { moves, dropped };
}

/** Whether `entry` holds every identity that `other` holds, and both or neither are pending deletion. */
function isHeldBy(entry: KeyedEntry, other: KeyedEntry): boolean {
  return (
    (other.email ?? entry.email) === entry.email &&
    (other.userId ?? entry.userId) === entry.userId &&
    other.isPendingDeletion === entry.isPendingDeletion
  );
}

/** Merges what the entries wrote; the last one wins. */
function writtenByAll(entries: readonly KeyedEntry[]): string {
  const all = entries.map(({ written }) => parseWritten(written));
  return writtenText({
    targets: [...new Set(all.flatMap(({ targets }) => targets))].sort(),
    lists: new Map(all.flatMap(({ lists }) => [...lists])),
    origin: all.some(({ origin }) => origin === 'upsert') ? 'upsert' : 'enrich',
    conditions: all.at(-1)?.conditions,
  });
}

function isLater(a: KeyedEntry, b: KeyedEntry): boolean {
  return a.seen === b.seen ? a.id > b.id : a.seen > b.seen;
}
