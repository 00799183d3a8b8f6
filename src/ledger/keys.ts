/**
 * The keys of entries. In a primary key numbers stand by their value; a stream that an older version has written may have keys with
 * numbers in the notation of their source, `[7000.0]` or `["7000"]`, which are moved to their present form here.
 */
import { hash } from 'node:crypto';
import { parseJson } from '../json.ts';
import { primaryKeyText } from '../mapping/primary-key.ts';
import { parseWritten, writtenText } from './written.ts';

const MAX_KEY_LENGTH = 500;

/** The value of `key_form` of a stream whose keys have their numbers by value; 1 before. */
export const BY_VALUE = 2;

/** A key as ledgers hold it: itself, or its hash where a database could not take it. */
export function storableKey(text: string): string {
  // Half a surrogate pair would come back as another character, and so would every other half.
  if (!text.isWellFormed()) return hashed(JSON.stringify(text));
  // A database takes no index entry of any length, and not every one a NUL.
  return text.length > MAX_KEY_LENGTH || text.includes('\0') ? hashed(text) : text;
}

function hashed(text: string): string {
  return `hash:${hash('sha256', text, 'base64')}`;
}

/** The key that a row has today whose entry was written under this one. Those of rows without a primary key stay. */
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
  /** The snapshot in which it was last present. */
  readonly seen: number;
  readonly email: string | null;
  readonly userId: string | null;
  readonly isDoomed: boolean;
  /** What it says was written: {@link writtenText}. */
  readonly written: string;
}

export interface KeyMove {
  readonly from: string;
  readonly to: string;
  /** Its next record is to send everything. */
  readonly isUnconfirmed: boolean;
  /** Where it says from now on that something else was written. */
  readonly written?: string | undefined;
}

/** The keys of the entries of one stream. */
export interface KeyTable {
  /** Entries whose keys may have a number in another notation, all of those and maybe others: the next after this key, in the order of keys. */
  next(after: string, limit: number): Promise<readonly KeyedEntry[]>;
  /** The entries that have one of these keys. */
  having(keys: readonly string[]): Promise<readonly KeyedEntry[]>;
  /** Each `to` is free, or its own `from`. */
  move(moves: readonly KeyMove[]): Promise<void>;
  /** The entries of these keys are there no more. */
  drop(keys: readonly string[]): Promise<void>;
}

const PAGE_SIZE = 1_000;

/**
 * Brings the keys of a stream to their present form. Where several become the same one, the entry that was written last has it from
 * then on, in doubt. Others that hold the same user are dropped, and what they say was written goes to that one: else they would hold
 * the user for ever, whatever becomes of the row. Others stay under keys that no row has, and so are absent from the next snapshot.
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
    // Keys that change hands are free in between.
    const wanted = new Set(moves.map(({ to }) => to));
    const parking = moves.filter(({ from, to }) => from !== to && wanted.has(from));
    const parked = new Map(parking.map(({ from }) => [from, `moving:${from}`]));
    if (parking.length > 0)
      await table.move(parking.map((move) => ({ ...move, to: parked.get(move.from) ?? move.to })));
    await table.move(moves.map((move) => ({ ...move, from: parked.get(move.from) ?? move.from })));
  } while (page.length === pageSize);
}

/** @param holders those that have the wanted keys already */
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
    moves.push({ from: last.key, to: key, isUnconfirmed: rivals.length > 1, written });
    const holder = holderOf.get(key);
    // No row asks for the key that the last one leaves.
    if (holder && holder !== last && !same.includes(holder))
      moves.push({ from: key, to: last.key, isUnconfirmed: false });
  }
  return { moves, dropped };
}

/** Whether `entry` holds whom the other one holds. */
function isHeldBy(entry: KeyedEntry, other: KeyedEntry): boolean {
  return (
    (other.email ?? entry.email) === entry.email &&
    (other.userId ?? entry.userId) === entry.userId &&
    other.isDoomed === entry.isDoomed
  );
}

/** Where they differ the last one counts. */
function writtenByAll(entries: readonly KeyedEntry[]): string {
  const all = entries.map(({ written }) => parseWritten(written));
  return writtenText({
    targets: [...new Set(all.flatMap(({ targets }) => targets))].sort(),
    lists: new Map(all.flatMap(({ lists }) => [...lists])),
    origin: all.some(({ origin }) => origin === 'upsert') ? 'upsert' : 'enrich',
  });
}

function isLater(a: KeyedEntry, b: KeyedEntry): boolean {
  return a.seen === b.seen ? a.id > b.id : a.seen > b.seen;
}
