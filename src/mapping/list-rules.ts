/** What a record says about static lists: the rules of the configuration, compiled once per stream. */
import type { JsonObject, JsonValue } from '../json.ts';
import type { ListMemberships, StreamId, UntoldLists } from '../model.ts';
import { coercionTo, Refusal } from './coerce.ts';
import { Rejected } from './column-plan.ts';
import { readListNames } from './list-names.ts';
import { columnReader, isNulled, Unreachable } from './paths.ts';

/** The option `lists`, one rule of it. */
export type ListRule = { readonly stream?: string } & (
  | { readonly kind: 'names'; readonly source: string }
  | { readonly kind: 'flag'; readonly source: string; readonly list: string }
  | { readonly kind: 'all'; readonly list: string }
);

/** What a record says about lists. */
export interface ListReading {
  /** List name → whether the user is to be on it. */
  readonly told: ListMemberships;
  readonly untold: UntoldLists;
}

export type ListReader = (data: JsonObject, nulled: readonly string[]) => ListReading | Rejected;

/** The columns that the rules of a stream read. */
export function listColumns(rules: readonly ListRule[], stream: StreamId): string[] {
  return rulesOf(rules, stream).flatMap((rule) => (rule.kind === 'all' ? [] : [rule.source]));
}

/** The lists that a removed user leaves. */
export type LeavingReader = (data: JsonObject, nulled: readonly string[]) => readonly string[];

export interface ListReaders {
  /** Where one rule takes a user off a list that another one names, the user is on it. */
  readonly read: ListReader;
  /**
   * Those that its record and the rules name, on them or off them. A deletion needs only what identifies the person, so a column
   * that can't be read names none; the list of a flag is named by its rule all the same.
   */
  readonly readLeaving: LeavingReader;
}

export function compileListRules(rules: readonly ListRule[], stream: StreamId): ListReaders {
  const compiled = rulesOf(rules, stream).map((rule) => ({ rule, read: compileRule(rule) }));
  return {
    read: (data, nulled) => {
      const told = new Map<string, boolean>();
      let untold = NO_LISTS;
      for (const { read } of compiled) {
        const found = read(data, nulled);
        if (found instanceof Rejected) return found;
        for (const [list, isOn] of found.told) told.set(list, isOn || told.get(list) === true);
        if (found.untold.length > 0)
          untold = untold === 'any' || found.untold === 'any' ? 'any' : [...untold, ...found.untold];
      }
      return { told, untold };
    },
    readLeaving: (data, nulled) => {
      const leaving = new Set<string>();
      for (const { rule, read } of compiled) {
        const found = read(data, nulled);
        if (!(found instanceof Rejected)) for (const list of found.told.keys()) leaving.add(list);
        else if (rule.kind !== 'names') leaving.add(rule.list);
      }
      return [...leaving];
    },
  };
}

function rulesOf(rules: readonly ListRule[], stream: StreamId): ListRule[] {
  return rules.filter((rule) => rule.stream === undefined || rule.stream === stream.name);
}

const NO_LISTS: UntoldLists = [];

function compileRule(rule: ListRule): ListReader {
  if (rule.kind === 'all') {
    const always = { told: new Map([[rule.list, true]]), untold: NO_LISTS };
    return () => always;
  }
  const read = columnReader(rule.source);
  const untold: ListReading = { told: new Map(), untold: rule.kind === 'flag' ? [rule.list] : 'any' };
  return (data, nulled) => {
    const value = read(data);
    // A column that is absent, or nulled on the way, changes no membership.
    if (value === undefined || value instanceof Unreachable || isNulled(data, rule.source, nulled))
      return untold;
    return rule.kind === 'flag' ? readFlag(rule.source, rule.list, value) : readNames(rule.source, value);
  };
}

function readFlag(source: string, list: string, value: JsonValue): ListReading | Rejected {
  if (Array.isArray(value)) return new Rejected(source, 'expected true or false, found a list');
  const isOn = coercionTo('boolean')(value);
  if (isOn instanceof Refusal) return new Rejected(source, isOn.reason);
  return { told: new Map([[list, isOn === true]]), untold: NO_LISTS };
}

function readNames(source: string, value: JsonValue): ListReading | Rejected {
  const told = readListNames(value);
  return told instanceof Refusal ? new Rejected(source, told.reason) : { told, untold: NO_LISTS };
}
