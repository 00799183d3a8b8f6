/** What many entries have in common, as one text: the fields and lists that were written, the origin, and the conditions. */
import type { Identities } from '../model.ts';
import type { EntryConditions, LedgerEntry } from './ledger.ts';

export type Written = Pick<LedgerEntry, 'targets' | 'lists' | 'origin' | 'conditions'>;

/** Of a row whose user was never written. */
export const NOTHING_WRITTEN: Written = { origin: 'enrich', targets: [], lists: new Map() };

/** As stored: generation, basis, version of the hashes. */
type ConditionsText = [generation: number | null, basis: string, hashVersion: number];

/** The same text for all entries with the same targets, lists, origin and conditions. */
export function writtenText({ targets, lists, origin, conditions }: Written): string {
  const sorted = [...lists].sort(([a], [b]) => (a < b ? -1 : 1));
  const parts: unknown[] = [origin, targets, Object.fromEntries(sorted)];
  if (conditions) {
    const { generation = null, basis, hashVersion } = conditions;
    parts.push([generation, basis, hashVersion] satisfies ConditionsText);
  }
  return JSON.stringify(parts);
}

export function parseWritten(text: string): Written {
  const [origin, targets, lists, conditions] = JSON.parse(text) as [
    LedgerEntry['origin'],
    string[],
    Record<string, boolean>,
    ConditionsText?,
  ];
  return Object.freeze({
    origin,
    targets: Object.freeze(targets),
    lists: new Map(Object.entries(lists)),
    conditions: conditions && parseConditions(conditions),
  });
}

function parseConditions([generation, basis, hashVersion]: ConditionsText): EntryConditions {
  return Object.freeze({ generation: generation ?? undefined, basis, hashVersion });
}

export function toIdentities(email: string | null, userId: string | null): Identities {
  return { ...(email === null ? {} : { email }), ...(userId === null ? {} : { userId }) };
}
