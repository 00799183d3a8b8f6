/**
 * Compiles the list rules of the configuration, once per stream: they read from a record which static lists its user is
 * on.
 */
import type { JsonObject, JsonValue } from '../json.ts';
import type { ListMemberships, StreamId, UnspecifiedLists } from '../model.ts';
import { coercionTo, Refusal } from './coerce.ts';
import { Rejected } from './column-plan.ts';
import { readListNames } from './list-names.ts';
import { columnReader, isNulled, Unreachable } from './paths.ts';

/** One rule of the option `lists`. */
export type ListRule = { readonly stream?: string } & (
  | { readonly kind: 'names'; readonly source: string }
  | { readonly kind: 'flag'; readonly source: string; readonly list: string }
  | { readonly kind: 'all'; readonly list: string }
);

/** The list memberships that a record specifies. */
export interface ListReading {
  /** List name → whether the user is to be on it. */
  readonly memberships: ListMemberships;
  readonly unspecified: UnspecifiedLists;
}

export type ListReader = (data: JsonObject, nulled: readonly string[]) => ListReading | Rejected;

/** The columns that the rules of a stream read. */
export function listColumns(rules: readonly ListRule[], stream: StreamId): string[] {
  return rulesOf(rules, stream).flatMap((rule) => (rule.kind === 'all' ? [] : [rule.source]));
}

/** The lists that a removed user leaves. */
export type LeavingReader = (data: JsonObject, nulled: readonly string[]) => readonly string[];

export interface ListReaders {
  /** If one rule takes a user off a list and another one puts the user on it, the user is on it. */
  readonly read: ListReader;
  /**
   * The lists that the record and the rules name, whether the user is on them or not. A deletion must not fail because
   * of other columns, so a column that can't be read names no lists; the list of a `flag` rule is named by the rule
   * even then.
   */
  readonly readLeaving: LeavingReader;
}

export function compileListRules(rules: readonly ListRule[], stream: StreamId): ListReaders {
  const compiled = rulesOf(rules, stream).map((rule) => ({ rule, read: compileRule(rule) }));
  return {
    read: (data, nulled) => {
      const memberships = new Map<string, boolean>();
      let unspecified = NO_LISTS;
      for (const { read } of compiled) {
        const found = read(data, nulled);
        if (found instanceof Rejected) return found;
        for (const [list, isOn] of found.memberships)
          memberships.set(list, isOn || memberships.get(list) === true);
        if (found.unspecified.length > 0)
          unspecified =
            unspecified === 'any' || found.unspecified === 'any'
              ? 'any'
              : [...unspecified, ...found.unspecified];
      }
      return { memberships, unspecified };
    },
    readLeaving: (data, nulled) => {
      const leaving = new Set<string>();
      for (const { rule, read } of compiled) {
        const found = read(data, nulled);
        if (!(found instanceof Rejected)) for (const list of found.memberships.keys()) leaving.add(list);
        else if (rule.kind !== 'names') leaving.add(rule.list);
      }
      return [...leaving];
    },
  };
}

function rulesOf(rules: readonly ListRule[], stream: StreamId): ListRule[] {
  return rules.filter((rule) => rule.stream === undefined || rule.stream === stream.name);
}

const NO_LISTS: UnspecifiedLists = [];

function compileRule(rule: ListRule): ListReader {
  if (rule.kind === 'all') {
    const always = { memberships: new Map([[rule.list, true]]), unspecified: NO_LISTS };
    return () => always;
  }
  const read = columnReader(rule.source);
  const ifAbsent: ListReading = {
    memberships: new Map(),
    unspecified: rule.kind === 'flag' ? [rule.list] : 'any',
  };
  return (data, nulled) => {
    const value = read(data);
    // A column that is absent, or nulled on the way, changes no membership.
    if (value === undefined || value instanceof Unreachable || isNulled(data, rule.source, nulled))
      return ifAbsent;
    return rule.kind === 'flag' ? readFlag(rule.source, rule.list, value) : readNames(rule.source, value);
  };
}

function readFlag(source: string, list: string, value: JsonValue): ListReading | Rejected {
  if (Array.isArray(value)) return new Rejected(source, 'expected true or false, found a list');
  const isOn = coercionTo('boolean')(value);
  if (isOn instanceof Refusal) return new Rejected(source, isOn.reason);
  return { memberships: new Map([[list, isOn === true]]), unspecified: NO_LISTS };
}

function readNames(source: string, value: JsonValue): ListReading | Rejected {
  const lists = readListNames(value);
  return lists instanceof Refusal
    ? new Rejected(source, lists.reason)
    : { memberships: lists, unspecified: NO_LISTS };
}
