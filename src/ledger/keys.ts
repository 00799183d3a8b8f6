/**
 * The keys of entries. In a primary key numbers stand by their value; a stream that an older version has written may have keys with
 * numbers in the notation of their source, `[7000.0]` or `["7000"]`, which are moved to their present form here.
 */
import { hash } from 'node:crypto';
import { parseJson } from '../json.ts';
import { primaryKeyText } from '../mapping/primary-key.ts';

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
}

export interface KeyMove {
  readonly from: string;
  readonly to: string;
  /** Its next record is to send everything. */
  readonly isInDoubt: boolean;
}

/** The keys of the entries of one stream. */
export interface KeyTable {
  /** Entries whose keys may have a number in another notation, all of those and maybe others: the next after this key, in the order of keys. */
  next(after: string, limit: number): Promise<readonly KeyedEntry[]>;
  /** The entries that have one of these keys. */
  having(keys: readonly string[]): Promise<readonly KeyedEntry[]>;
  /** Each `to` is free, or its own `from`. */
  move(moves: readonly KeyMove[]): Promise<void>;
}

const PAGE_SIZE = 1_000;

/**
 * Brings the keys of a stream to their present form. Where several become the same one, the entry that was written last has it from
 * then on, in doubt; the others stay under keys that no row has, and so are absent from the next snapshot. Nothing is removed.
 */
export async function moveToKeysByValue(table: KeyTable, pageSize = PAGE_SIZE): Promise<void> {
  let page: readonly KeyedEntry[];
  let after = '';
  do {
    page = await table.next(after, pageSize);
    after = page.at(-1)?.key ?? after;
    const old = page.filter(({ key }) => keyByValue(key) !== key);
    if (old.length === 0) continue;
    const moves = movesOf(old, await table.having(old.map(({ key }) => keyByValue(key))));
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
function movesOf(old: readonly KeyedEntry[], holders: readonly KeyedEntry[]): KeyMove[] {
  const moves = new Map<number, KeyMove>();
  const move = ({ id, key }: KeyedEntry, to: string, isInDoubt: boolean) => {
    const earlier = moves.get(id);
    moves.set(id, { from: key, to, isInDoubt: isInDoubt || earlier?.isInDoubt === true });
  };
  const holderOf = new Map(holders.map((holder) => [holder.key, holder]));
  for (const entry of old) {
    const key = keyByValue(entry.key);
    const holder = holderOf.get(key);
    if (holder && isLater(holder, entry)) {
      move(holder, key, true);
      continue;
    }
    // No row asks for the key that it leaves.
    if (holder) move(holder, entry.key, false);
    move(entry, key, holder !== undefined);
    holderOf.set(key, entry);
  }
  return [...moves.values()];
}

function isLater(a: KeyedEntry, b: KeyedEntry): boolean {
  return a.seen === b.seen ? a.id > b.id : a.seen > b.seen;
}
