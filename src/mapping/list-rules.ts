/** What a record says about static lists: the rules of the configuration, compiled once per stream. */
import type { JsonObject, JsonValue } from '../json.ts';
import type { ListMemberships, StreamId } from '../model.ts';
import { coerce, Refusal } from './coerce.ts';
import { Rejected } from './column-plan.ts';
import { columnReader, Unreachable } from './paths.ts';

/** The option `lists`, one rule of it. */
export type ListRule = { readonly stream?: string } & (
  | { readonly kind: 'names'; readonly source: string }
  | { readonly kind: 'flag'; readonly source: string; readonly list: string }
  | { readonly kind: 'all'; readonly list: string }
);

/** List name → whether the user is to be on it. Lists that the record says nothing about are not in it. */
export type ListReader = (data: JsonObject, nulled: readonly string[]) => ListMemberships | Rejected;

/** The columns that the rules of a stream read. */
export function listColumns(rules: readonly ListRule[], stream: StreamId): string[] {
  return rulesOf(rules, stream).flatMap((rule) => (rule.kind === 'all' ? [] : [rule.source]));
}

/** Where one rule takes a user off a list that another one names, the user is on it. */
export function compileListRules(rules: readonly ListRule[], stream: StreamId): ListReader {
  const readers = rulesOf(rules, stream).map(compileRule);
  return (data, nulled) => {
    const memberships = new Map<string, boolean>();
    for (const read of readers) {
      const found = read(data, nulled);
      if (found instanceof Rejected) return found;
      for (const [list, isOn] of found) memberships.set(list, isOn || memberships.get(list) === true);
    }
    return memberships;
  };
}

function rulesOf(rules: readonly ListRule[], stream: StreamId): ListRule[] {
  return rules.filter((rule) => rule.stream === undefined || rule.stream === stream.name);
}

const NOTHING: ListMemberships = new Map();

function compileRule(rule: ListRule): ListReader {
  if (rule.kind === 'all') {
    const always = new Map([[rule.list, true]]);
    return () => always;
  }
  const read = columnReader(rule.source);
  return (data, nulled) => {
    const value = read(data);
    // A column that is absent, or nulled on the way, changes no membership.
    if (value === undefined || value instanceof Unreachable || nulled.includes(rule.source)) return NOTHING;
    return rule.kind === 'flag' ? readFlag(rule.source, rule.list, value) : readNames(rule.source, value);
  };
}

function readFlag(source: string, list: string, value: JsonValue): ListMemberships | Rejected {
  const isOn = coerce(value, 'boolean');
  if (isOn instanceof Refusal) return new Rejected(source, isOn.reason);
  return new Map([[list, isOn === true]]);
}

function readNames(source: string, value: JsonValue): ListMemberships | Rejected {
  if (value === null) return NOTHING;
  const names = typeof value === 'string' ? value.split(',') : value;
  if (!Array.isArray(names))
    return new Rejected(source, 'expected list names, as an array or separated by commas');
  const memberships = new Map<string, boolean>();
  for (const name of names) {
    if (name === null) continue;
    if (typeof name !== 'string') return new Rejected(source, 'expected a list name, found another value');
    if (name.trim() !== '') memberships.set(name.trim(), true);
  }
  return memberships;
}
