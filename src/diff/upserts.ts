/** What of a record has to be sent, given what was exported before. Pure: what else the ledger has to tell is asked for first. */
import type { HeldEntry } from '../ledger/ledger.ts';
import { mergeValues } from '../mapping/merge-values.ts';
import type { TargetValues, Upsert } from '../model.ts';
import type { ProjectType } from '../mapping/options.ts';
import { membershipChanges, membershipsAfterAll, membershipsAnew } from './lists.ts';
import { isUnconfirmed, membershipsBefore, rowKey, type RememberedStream, type RowUpsert } from './row.ts';

/**
 * - `unchanged`: nothing is to be sent.
 * - `lists`: only memberships change.
 * - `write`: the user is to be written, then the memberships.
 */
export interface Decision {
  readonly kind: 'unchanged' | 'lists' | 'write';
  /** What is sent: `lists` are the memberships to change. */
  readonly change: Upsert;
  /** The row's entries by its previous address, where that was its key: they end once the profile moves. */
  readonly previousEntries?: readonly HeldEntry[];
  /** What is sent instead if the profile moves: it also leaves what only that entry stands for. */
  readonly changeAfterMove?: Upsert;
}

/** A decision that may still wait for what other entries say. */
export interface Draft extends Decision {
  /** The person, under its addresses and ids of then and now. */
  readonly emails: readonly string[];
  readonly userIds: readonly string[];
}

/** Records of one row, in order, that are sent together, merged into `change`. */
export interface RowTask {
  readonly records: readonly RowUpsert[];
  readonly change: Upsert;
  /** Of all that the records write: of several, no single one may write as much. */
  readonly valuesHash: string;
}

/** True when the record says nothing that was not exported before. Cheap: most records end here. */
export function isUnchanged(held: HeldEntry, { row, change }: RowUpsert): boolean {
  const { stream } = row;
  return (
    held.valuesHash === row.valuesHash &&
    !isUnconfirmed(held) &&
    !stream.resends &&
    isSamePerson(held, change) &&
    stream.targets.toClear(held.targets).length === 0 &&
    membershipChanges(held.lists, membershipsAfterAll(held.lists, [change])).size === 0
  );
}

/** True when the record can go out as it is, whatever other entries say: the row is new, and nobody is taken off a list or moved. */
export function isPlainlyNew({ records, change }: Pick<RowTask, 'records' | 'change'>): boolean {
  const [first, second] = records;
  if (!first?.row.isCurrent || first.row.entry || change.previousEmail !== undefined) return false;
  // The merged memberships also hold the lists that the first record put the user on.
  if (second && (change.lists?.size ?? 0) > 0) return false;
  return ![...(change.lists?.values() ?? [])].includes(false);
}

export function draft({ records, change, valuesHash }: RowTask, projectType: ProjectType): Draft | undefined {
  const row = records[0]?.row;
  if (!row) return undefined;
  const { entry: held, stream } = row;
  const cleared = held ? stream.targets.toClear(held.targets) : [];
  const previousEmail = previousAddress(held, change, projectType);
  const isWritten =
    !held ||
    isUnconfirmed(held) ||
    stream.resends ||
    cleared.length > 0 ||
    valuesHash !== held.valuesHash ||
    records.some((record) => !isSamePerson(held, record.change));
  const lists = listsToChange(held, { records, change }, stream);
  return {
    kind: isWritten ? 'write' : lists.size > 0 ? 'lists' : 'unchanged',
    change: {
      kind: 'upsert',
      key: change.key,
      values: withCleared(change.values, cleared),
      lists,
      ...(previousEmail === undefined ? {} : { previousEmail }),
    },
    // Where the row's address or id is now another person's, whoever holds the former one says nothing of that person.
    emails: present([emailOf(change), held && isSamePerson(held, change) ? held.email : undefined]),
    userIds: present([userIdOf(change), change.key.kind === 'email' ? held?.userId : undefined]),
  };
}

/** True when the draft depends on other entries: who else claims the previous address, who else names a list. */
export function asksOthers({ change }: Draft): boolean {
  return change.previousEmail !== undefined || [...(change.lists?.values() ?? [])].includes(false);
}

/**
 * The draft in the light of the other entries that hold the person or the previous address: an address that another one
 * claims is not moved, and nobody leaves a list that another one names. Where rows are told by their address, the row itself
 * may be held by the previous one.
 */
export function decide(draft: Draft, others: readonly HeldEntry[], task: RowTask): Decision {
  const stream = task.records[0]?.row.stream;
  const { previousEmail, ...change } = draft.change;
  const previousKey =
    previousEmail === undefined ? undefined : rowKey(undefined, { kind: 'email', value: previousEmail });
  const previousEntries = others.filter((other) => other.stream === stream?.id && other.key === previousKey);
  const isClaimed = others.some((other) => other.email === previousEmail && !previousEntries.includes(other));
  const lists = new Map(change.lists);
  const isNamed = (list: string) =>
    others.some((other) => other.lists.get(list) === true && holds(other, draft));
  for (const [list, isOn] of lists) if (!isOn && isNamed(list)) lists.delete(list);
  const kind = draft.kind === 'lists' && lists.size === 0 ? 'unchanged' : draft.kind;
  if (previousEmail === undefined || isClaimed) return { kind, change: { ...change, lists } };
  const sent = { ...change, lists, previousEmail };
  const [entry] = previousEntries;
  if (!entry || !stream) return { kind, change: sent };
  const moved = listsToChange({ ...entry, email: change.key.value }, task, stream);
  const left = [...moved].filter(([list, isOn]) => !isOn && !isNamed(list));
  const changeAfterMove = {
    ...sent,
    values: withCleared(change.values, stream.targets.toClear(entry.targets)),
    lists: new Map([...lists, ...left]),
  };
  return { kind, change: sent, previousEntries, changeAfterMove };
}

/** Whether the entry is about the person. */
export function holds(
  { email, userId }: Pick<HeldEntry, 'email' | 'userId'>,
  person: { readonly emails: readonly string[]; readonly userIds: readonly string[] },
): boolean {
  return (
    (email !== undefined && person.emails.includes(email)) ||
    (userId !== undefined && person.userIds.includes(userId))
  );
}

function listsToChange(
  held: HeldEntry | undefined,
  { records, change }: Pick<RowTask, 'records' | 'change'>,
  { resends }: RememberedStream,
): Map<string, boolean> {
  const before = held?.lists ?? new Map<string, boolean>();
  const told = records.map((record) => record.change);
  const after = membershipsAfterAll(before, told);
  const changes =
    held && isUnconfirmed(held) ? membershipsAnew(before, after, told) : membershipChanges(before, after);
  // Where no profile moves, whoever is written now is not who was put on those lists.
  if (held && !isSamePerson(held, change)) {
    for (const [list, isOn] of membershipsAfterAll(membershipsBefore(held, change), told))
      if (isOn || told.some(({ lists }) => lists?.has(list) === true)) changes.set(list, isOn);
  }
  if (resends) for (const [list, isOn] of records.at(-1)?.change.lists ?? []) changes.set(list, isOn);
  return changes;
}

/** The ledger knows better than a column which address the profile has; a column speaks where the ledger has none. */
function previousAddress(
  held: HeldEntry | undefined,
  change: Upsert,
  projectType: ProjectType,
): string | undefined {
  // Here the user id leads to the profile, and its address is a field like any other.
  if (change.key.kind === 'userId' && projectType !== 'email') return undefined;
  if (held?.email === undefined) return change.previousEmail;
  const email = emailOf(change);
  if (email === undefined) return undefined;
  // A row in doubt was noted under its new address before the call that was to move the profile there.
  if (email === held.email)
    return isUnconfirmed(held) && isSamePerson(held, change) ? change.previousEmail : undefined;
  // Another id is another person.
  return change.key.kind === 'userId' && held.userId !== change.key.value ? undefined : held.email;
}

function withCleared(values: TargetValues, targets: readonly string[]): TargetValues {
  const cleared = targets.filter((target) => !(target in values));
  return cleared.length > 0
    ? mergeValues(values, Object.fromEntries(cleared.map((target) => [target, null])))
    : values;
}

function isSamePerson(held: HeldEntry, { key }: Upsert): boolean {
  return key.value === (key.kind === 'email' ? held.email : held.userId);
}

function emailOf({ key, values }: Upsert): string | undefined {
  return key.kind === 'email' ? key.value : text(values.email);
}

function userIdOf({ key, values }: Upsert): string | undefined {
  return key.kind === 'userId' ? key.value : text(values.userId);
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function present(values: readonly (string | undefined)[]): string[] {
  return values.filter((value) => value !== undefined);
}
