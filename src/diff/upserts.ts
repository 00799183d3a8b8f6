/** What of a record has to be sent, given the ledger. Pure: entries that it needs are read before. */
import type { HeldEntry } from '../ledger/ledger.ts';
import { mergeValues } from '../mapping/merge-values.ts';
import type { Identities, Removal, TargetValues, Upsert } from '../model.ts';
import type { ProjectType } from '../mapping/options.ts';
import { holds, identitiesIn, keepersOf, listsLeft } from './holds.ts';
import { membershipChanges, membershipsAfterAll, membershipsAnew } from './lists.ts';
import { fieldChanges, type FieldOptions } from './field-hashes.ts';
import {
  formerUser,
  isLeftBehind,
  isSentAgain,
  isUnconfirmed,
  membershipsBefore,
  rowKey,
  type RowUpsert,
} from './row.ts';
import { HASH_VERSION, mergedHash, olderValuesHash } from './values-hash.ts';

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
  /** The user that the row stood for until now, with the lists that only the row named: it leaves them unless its profile moves. */
  readonly leaves?: Removal;
  /** The entries that hold that user, too: unless its profile moves, their rows are sent again, since their values count now. */
  readonly stale?: readonly HeldEntry[];
  /** What is sent instead if the profile moves: it also clears the fields and leaves the lists of those entries. */
  readonly changeAfterMove?: Upsert;
  /** Paths of the fields that changed; undefined where that can't be told, and all of them are sent. */
  readonly changedFields?: readonly string[];
  /** The hashes of what Iterable has of the row once the change is delivered; undefined where they are those of its values. */
  readonly fieldHashes?: Uint8Array;
}

/** A decision that other entries may still change. */
export interface Draft extends Decision {
  /** The user's addresses and ids, of now and before. */
  readonly emails: readonly string[];
  readonly userIds: readonly string[];
  /** The user that the row stood for until now, if that is another one. */
  readonly former?: Identities | undefined;
  /** The user is known to have what the ledger says: only what changed has to be sent. */
  readonly isKnown: boolean;
}

/** Records of one row, in order, that are sent together, merged into `change`. */
export interface RowTask {
  readonly records: readonly RowUpsert[];
  readonly change: Upsert;
  /** Of the merged values. */
  readonly valuesHash: string;
  /** All of it is sent, since the user was just deleted. */
  readonly isSentWhole?: boolean;
}

/** True when all of the record was exported before. perf: most records end here. */
export function isUnchanged(held: HeldEntry, { row, change }: RowUpsert): boolean {
  const { stream } = row;
  return (
    !isSentAgain(held, stream) &&
    held.named === undefined &&
    (held.valuesHash === row.valuesHash || isOlderHash(held, [change.values])) &&
    isSameUser(held, change) &&
    stream.targets.toClear(held.targets).length === 0 &&
    membershipChanges(held.lists, membershipsAfterAll(held.lists, [change])).size === 0
  );
}

/** True when the record can go out as it is, whatever other entries say: its row is new, no list is left and no profile moves. */
export function isPlainlyNew({ records, change }: Pick<RowTask, 'records' | 'change'>): boolean {
  const [first, second] = records;
  if (!first?.row.isCurrent || first.row.entry || change.previousEmail !== undefined) return false;
  // The merged memberships also hold the lists that the first record put the user on.
  if (second && (change.lists?.size ?? 0) > 0) return false;
  return ![...(change.lists?.values() ?? [])].includes(false);
}

export function draft(task: RowTask, projectType: ProjectType): Draft | undefined {
  const { records, change } = task;
  const row = records[0]?.row;
  if (!row) return undefined;
  const { entry: held, stream } = row;
  const cleared = held ? stream.targets.toClear(held.targets) : [];
  const previousEmail = previousAddress(held, change, projectType);
  const isKnown =
    held !== undefined &&
    task.isSentWhole !== true &&
    !isSentAgain(held, stream) &&
    records.every((record) => isSameUser(held, record.change));
  const isWritten = !isKnown || cleared.length > 0 || !hasSameValues(held, task);
  const lists = listsToChange(held, { records, change });
  return {
    kind: isWritten ? 'write' : lists.size > 0 ? 'lists' : 'unchanged',
    change: {
      kind: 'upsert',
      key: change.key,
      values: withCleared(change.values, cleared),
      lists,
      ...(previousEmail === undefined ? {} : { previousEmail }),
    },
    // Where the row now stands for another user, entries with the previous address or id say nothing of that user.
    emails: present([emailOf(change), held && isSameUser(held, change) ? held.email : undefined]),
    userIds: present([userIdOf(change), change.key.kind === 'email' ? held?.userId : undefined]),
    former: held && !row.stream.hasOtherBasis(held.conditions) ? formerUser(held, change) : undefined,
    isKnown: isKnown && previousEmail === undefined,
  };
}

/**
 * True when the draft depends on other entries: whether one claims the previous address, names a list to leave, or holds the user
 * that the row stood for.
 */
export function asksOthers({ change, former }: Draft): boolean {
  return (
    change.previousEmail !== undefined ||
    former !== undefined ||
    [...(change.lists?.values() ?? [])].includes(false)
  );
}

/**
 * Applies the other entries with the user's identities or the previous address: an address that another entry claims does not
 * move, and a list that another entry names is not left. Where the address is the key, an entry may be the row's own, under its
 * previous address.
 */
export function decide(draft: Draft, others: readonly HeldEntry[], task: RowTask): Decision {
  const stream = task.records[0]?.row.stream;
  const { previousEmail, ...change } = draft.change;
  const previousKey =
    previousEmail === undefined ? undefined : rowKey(undefined, { kind: 'email', value: previousEmail });
  const previousEntries = others.filter((other) => other.stream === stream?.id && other.key === previousKey);
  const isClaimed = others.some(
    (other) => other.email === previousEmail && !previousEntries.includes(other) && !isLeftBehind(other),
  );
  const lists = new Map(change.lists);
  const isNamed = (list: string) =>
    others.some((other) => other.lists.get(list) === true && holds(other, draft));
  for (const [list, isOn] of lists) if (!isOn && isNamed(list)) lists.delete(list);
  const kind = draft.kind === 'lists' && lists.size === 0 ? 'unchanged' : draft.kind;
  const leaves = leavesOf(draft.former, others, task);
  if (previousEmail === undefined || isClaimed) return { kind, change: { ...change, lists }, ...leaves };
  const sent = { ...change, lists, previousEmail };
  const [entry] = previousEntries;
  if (!entry || !stream) return { kind, change: sent, ...leaves };
  const moved = listsToChange({ ...entry, email: change.key.value }, task);
  const left = [...moved].filter(([list, isOn]) => !isOn && !isNamed(list));
  const changeAfterMove = {
    ...sent,
    values: withCleared(change.values, stream.targets.toClear(entry.targets)),
    lists: new Map([...lists, ...left]),
  };
  return { kind, change: sent, previousEntries, changeAfterMove, ...leaves };
}

/** The former user leaves the lists that only its row named, and the rows that still hold it count now. */
function leavesOf(
  former: Identities | undefined,
  others: readonly HeldEntry[],
  { records, change }: RowTask,
): Pick<Decision, 'leaves' | 'stale'> {
  const held = records[0]?.row.entry;
  if (!former || !held) return {};
  const user = identitiesIn(former);
  const keepers = keepersOf(user, others);
  const lists = listsLeft(user, [held], keepers);
  // Where rows swap their addresses, each user id stays with its profile: sent again, it would be refused as another user's.
  const idStays = change.key.kind === 'email' && typeof change.values.userId === 'string';
  const stale = idStays ? [] : keepers;
  if (lists.length === 0) return { stale };
  return {
    stale,
    leaves: { kind: 'removal', identifiedBy: change.key.kind, ...former, lists, isExported: true },
  };
}

export interface ChangedFieldsOptions extends Pick<FieldOptions, 'mergeNestedObjects'> {
  /** Only the changed fields of a known user are sent. */
  readonly changedFieldsOnly: boolean;
}

/**
 * Field by field what changed of the values of a known user who is to be written. Where nothing did, as when a nested key is gone
 * that Iterable keeps, the user is not written.
 * @param held the hashes of what Iterable has
 */
export function withChangedFields(
  decision: Decision,
  { records }: RowTask,
  held: Uint8Array,
  { changedFieldsOnly, mergeNestedObjects }: ChangedFieldsOptions,
): Decision {
  const row = records[0]?.row;
  if (!row) return decision;
  const { targets } = row.stream;
  const { change } = decision;
  const { names, values, hashes } = fieldChanges(change.values, held, {
    key: row.key,
    mergeNestedObjects,
    isStillWritten: (top) => targets.writesTop(top),
  });
  const told = { ...decision, changedFields: names, fieldHashes: hashes };
  if (!changedFieldsOnly) return told;
  if (names.length > 0) return { ...told, change: { ...change, changedValues: values } };
  return { ...told, kind: (change.lists?.size ?? 0) > 0 ? 'lists' : 'unchanged' };
}

function listsToChange(
  held: HeldEntry | undefined,
  { records, change }: Pick<RowTask, 'records' | 'change'>,
): Map<string, boolean> {
  const stream = records[0]?.row.stream;
  const before = held?.lists ?? new Map<string, boolean>();
  const stated = records.map((record) => record.change);
  const after = membershipsAfterAll(before, stated);
  const changes =
    held && stream && isSentAgain(held, stream)
      ? membershipsAnew(before, after, stated)
      : membershipChanges(before, after);
  // The row stands for another user: where no profile moves, this one was not put on those lists.
  if (held && !isSameUser(held, change)) {
    for (const [list, isOn] of membershipsAfterAll(membershipsBefore(held, change), stated))
      if (isOn || stated.some(({ lists }) => lists?.has(list) === true)) changes.set(list, isOn);
  }
  return changes;
}

/** The previous address by the ledger, which is surer than a column; by the column where the ledger has none. */
function previousAddress(
  held: HeldEntry | undefined,
  change: Upsert,
  projectType: ProjectType,
): string | undefined {
  // The user id leads to the profile, and its address is a field like any other.
  if (change.key.kind === 'userId' && projectType !== 'email') return undefined;
  if (held?.email === undefined) return change.previousEmail;
  const email = emailOf(change);
  if (email === undefined) return undefined;
  // An unconfirmed row has its new address already, and the profile may not have moved there.
  if (email === held.email)
    return isUnconfirmed(held) && isSameUser(held, change) ? change.previousEmail : undefined;
  // Another id is another user.
  return change.key.kind === 'userId' && held.userId !== change.key.value ? undefined : held.email;
}

function withCleared(values: TargetValues, targets: readonly string[]): TargetValues {
  const cleared = targets.filter((target) => !(target in values));
  return cleared.length > 0
    ? mergeValues(values, Object.fromEntries(cleared.map((target) => [target, null])))
    : values;
}

/** Whether the entry has, by the rules of its version, the hash of these values: of several records the last ones, and the merged ones first. */
function isOlderHash(
  { valuesHash, conditions }: HeldEntry,
  [values, last]: readonly TargetValues[],
): boolean {
  if ((conditions?.hashVersion ?? 1) >= HASH_VERSION || values === undefined) return false;
  const older =
    last === undefined ? olderValuesHash(values) : mergedHash(values, olderValuesHash(last), olderValuesHash);
  return older === valuesHash;
}

function hasSameValues(held: HeldEntry, { records, change, valuesHash }: RowTask): boolean {
  if (held.valuesHash === valuesHash) return true;
  const last = records.length > 1 ? [records.at(-1)?.change.values ?? {}] : [];
  return isOlderHash(held, [change.values, ...last]);
}

function isSameUser(held: HeldEntry, { key }: Upsert): boolean {
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
