/** Guesses which of a source's columns the user meant. For messages only: nothing is mapped by a guess. */
import { isJsonObject, type JsonObject } from '../json.ts';
import { columnReader } from './paths.ts';
import { isAirbyteColumn } from './plan-columns.ts';

/** Collects the names of columns in records, except for Airbyte's own columns. */
export class SeenColumns {
  /** In the order of their first occurrence. */
  readonly #columns = new Set<string>();
  /** Columns, and paths one level into objects, with a value that could identify a user. */
  readonly #naming = new Set<string>();
  readonly #looked = new Set<string>();
  readonly #found = new Set<string>();
  #records = 0;

  get records(): number {
    return this.#records;
  }

  get names(): readonly string[] {
    return [...this.#columns];
  }

  /** @param lookedFor paths that {@link lacks} can be asked about */
  note(data: JsonObject, lookedFor: readonly string[]): void {
    this.#records++;
    for (const [column, value] of Object.entries(data)) {
      if (isAirbyteColumn(column)) continue;
      this.#columns.add(column);
      // A column name that is an email is data, as when a file lacks its header.
      if (column.includes('@')) continue;
      if (mayNameUser(value)) this.#naming.add(column);
      if (!isJsonObject(value)) continue;
      for (const [inside, part] of Object.entries(value))
        if (mayNameUser(part)) this.#naming.add(`${column}.${inside}`);
    }
    for (const path of lookedFor) {
      this.#looked.add(path);
      if (columnReader(path)(data) !== undefined || Object.hasOwn(data, path)) this.#found.add(path);
    }
  }

  /** True for a path that no record had. */
  lacks(path: string): boolean {
    return this.#looked.has(path) && !this.#found.has(path);
  }

  /** The column most similar to one of these names, if any is similar. */
  likely(names: readonly string[]): string | undefined {
    return likelyColumn(names, [...this.#naming]);
  }
}

/** Common names of columns for a target. The first one also counts as a part of a longer name. */
export const USUAL_COLUMNS: Readonly<Record<'email' | 'userId', readonly string[]>> = {
  email: ['email', 'mail'],
  userId: [
    'userId',
    'id',
    'uid',
    'customerId',
    'externalId',
    'contactId',
    'memberId',
    'personId',
    'subscriberId',
  ],
};

/**
 * The column that one of these names most likely means: one that differs only in case, spaces and punctuation; else one
 * that contains the first name or is contained in it; else one that is a misspelling of the first name. The shortest of
 * several.
 */
export function likelyColumn(names: readonly string[], columns: readonly string[]): string | undefined {
  const [first = ''] = names;
  const wanted = names.map(folded);
  const shortestFirst = columns.toSorted((a, b) => a.length - b.length);
  return (
    wanted.flatMap((name) => shortestFirst.filter((column) => folded(column) === name))[0] ??
    shortestFirst.find((column) => endsWithWords(column, first)) ??
    shortestFirst.find((column) => contains(column, first)) ??
    shortestFirst.find((column) => isMisspelling(folded(column), folded(first)))
  );
}

/** Emails and ids are none of these. */
function mayNameUser(value: unknown): boolean {
  return typeof value !== 'boolean' && !Array.isArray(value) && !isJsonObject(value);
}

/** Without case, spaces and punctuation: `E-Mail` and `e_mail` are equal. */
function folded(name: string): string {
  return words(name).join('');
}

/** The same words for `userEmail`, `user_email` and `User Email`. */
function words(name: string): string[] {
  const spaced = name.replace(/(\p{Ll}|\p{N})(\p{Lu})/gu, '$1 $2');
  return spaced.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
}

function endsWithWords(column: string, name: string): boolean {
  const own = words(column);
  return Array.from(own.keys()).some((from) => own.slice(from).join('') === folded(name));
}

/** A shorter name is part of too many others. */
const MIN_PART = 4;

function contains(column: string, name: string): boolean {
  const [whole, part] = [folded(column), folded(name)];
  return (
    (part.length >= MIN_PART && whole.includes(part)) || (whole.length >= MIN_PART && part.includes(whole))
  );
}

/** Edit distance: one letter in three may be wrong, missing, extra or swapped with the next one. */
function isMisspelling(a: string, b: string): boolean {
  const most = Math.floor(b.length / 3);
  if (Math.abs(a.length - b.length) > most) return false;
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let row = 1; row <= a.length; row++) {
    const next = [row];
    for (let column = 1; column <= b.length; column++) {
      const isSame = a[row - 1] === b[column - 1];
      const isSwapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      next.push(
        Math.min(
          at(last, column) + 1,
          at(next, column - 1) + 1,
          at(last, column - 1) + (isSame ? 0 : 1),
          isSwapped ? at(before, column - 2) + 1 : Infinity,
        ),
      );
    }
    [before, last] = [last, next];
  }
  return at(last, b.length) <= most;
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Infinity;
}
