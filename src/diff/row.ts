/** A record's row in the ledger: its key, and the entry that the ledger has of it. */
import { storableKey } from '../ledger/keys.ts';
import type { EntryConditions, HeldEntry, LedgerEntry, NewEntry } from '../ledger/ledger.ts';
import { identityText, type Identities, type ListMemberships, type Upsert, type UserKey } from '../model.ts';
import type { SyncMode } from '../streams/modes.ts';
import { membershipsAfterAll } from './lists.ts';
import type { TargetHistory } from './targets.ts';

/** What the rows of a stream have in common in this run. */
export interface RowStream {
  /** The ledger's number of the stream. */
  readonly id: number;
  readonly mode: SyncMode;
  /** Number of the snapshot that its records belong to. */
  readonly snapshot: number;
  /** A full refresh: users that its records lack are removed. */
  readonly isReplaced: boolean;
  /** Sends unchanged records, too. */
  readonly resends: boolean;
  /** Of the entries that this run writes. */
  readonly conditions: EntryConditions;
  /** Whether an entry of these conditions is outdated: its row is to be sent again. */
  readonly isOutdated: (conditions: EntryConditions | undefined) => boolean;
  /** Whether an entry of these conditions is of another identity configuration: it holds no user. */
  readonly hasOtherBasis: (conditions: EntryConditions | undefined) => boolean;
  readonly targets: TargetHistory;
  /** Streams of the project identify users in both ways, by address and by user id: of one user, each may hold one identity. */
  readonly identifiesBothWays: boolean;
}

/** What a record says of its row. */
export interface RowIdentity {
  readonly stream: RowStream;
  readonly key: string;
  /** The record lacks its stream's primary key, and is told by the identity of its user. */
  readonly isKeyedByIdentity: boolean;
  /** Of the record's values; empty where it writes none. */
  readonly valuesHash: string;
}

/** What is known of the row's entry in the ledger. */
type RowState =
  | typeof UNREAD
  /** Read, but an earlier record may still change it. */
  | { readonly kind: 'stale'; readonly entry: HeldEntry | undefined }
  /** As the ledger has it; undefined where it has none. */
  | { readonly kind: 'current'; readonly entry: HeldEntry | undefined };

const UNREAD = { kind: 'unread', entry: undefined } as const;
const NEW = { kind: 'current', entry: undefined } as const;

export class Row implements RowIdentity {
  readonly stream: RowStream;
  readonly key: string;
  readonly isKeyedByIdentity: boolean;
  readonly valuesHash: string;
  /** One text for stream and key. */
  readonly token: string;
  #state: RowState = UNREAD;

  constructor({ stream, key, isKeyedByIdentity, valuesHash }: RowIdentity) {
    this.stream = stream;
    this.key = key;
    this.isKeyedByIdentity = isKeyedByIdentity;
    this.valuesHash = valuesHash;
    this.token = rowToken(stream.id, key);
  }

  /** What the ledger had when it was read last; undefined also where it was not read yet. */
  get entry(): HeldEntry | undefined {
    return this.#state.entry;
  }

  /** False while the ledger was not read, or an earlier record may still change the entry. */
  get isCurrent(): boolean {
    return this.#state.kind === 'current';
  }

  /** The ledger was read just now, and has this entry, or none. The user of one of another identity configuration is not this row's. */
  found(entry: HeldEntry | undefined): void {
    const isOther = entry && this.stream.hasOtherBasis(entry.conditions);
    this.#state = entry ? { kind: 'current', entry: isOther ? withoutUser(entry) : entry } : NEW;
  }

  /** An earlier record of the row or its user is on its way: the ledger has to be read again. */
  becomeStale(): void {
    if (this.#state.kind === 'current') this.#state = { kind: 'stale', entry: this.#state.entry };
  }

  /** The profile has moved: what the entry of its previous address says goes for this row, unless it has an entry of its own. */
  takeOver(entry: HeldEntry | undefined): void {
    const { kind, entry: own } = this.#state;
    if (own === undefined && entry !== undefined)
      this.#state = { kind: kind === 'current' ? 'current' : 'stale', entry };
  }
}

export type { NewEntry };

/** A record that writes a user, and its row. */
export interface RowUpsert {
  readonly row: Row;
  readonly change: Upsert;
}

/** The primary key's text, else the identity. The two can't be confused: a primary key's text is a JSON array. */
export function rowKey(primaryKey: string | undefined, key: UserKey | undefined): string | undefined {
  // Ledgers hold this text: it may not change.
  const text = primaryKey ?? (key && `${key.kind}:${key.value}`);
  return text === undefined ? undefined : storableKey(text);
}

/** One text for a row. It can't be confused with an identity's text: none begins with a tab. */
export function rowToken(stream: number, key: string): string {
  return `\t${stream}:${key}`;
}

/** The hash of an entry whose row is to be sent again as a whole, as when a run set out to change it without noting how that ended. */
const UNCONFIRMED = '';

/** True when Iterable may differ from the entry: a run ended between a call and the note of its result. */
export function isUnconfirmed({ valuesHash, isPendingDeletion }: HeldEntry): boolean {
  return isPendingDeletion || valuesHash === UNCONFIRMED;
}

/** True when the row's next record is sent as a whole, changed or not. */
export function isSentAgain(held: HeldEntry, { resends, isOutdated }: RowStream): boolean {
  return resends || isUnconfirmed(held) || isOutdated(held.conditions);
}

/** The entry while calls for the row are in flight: if the run ends before they do, all of it is sent again. */
export function entryInFlight(
  records: readonly RowUpsert[],
  lists: ListMemberships | undefined,
): NewEntry | undefined {
  const after = entryAfter({ records, valuesHash: UNCONFIRMED });
  const held = records[0]?.row.entry;
  if (!after || !held) {
    // Nothing says yet that the connector wrote this user, so it may not be removed either.
    return after && { ...after, origin: 'enrich' };
  }
  return {
    ...withoutNamed(held),
    ...namedBesides(held, after),
    valuesHash: UNCONFIRMED,
    conditions: held.conditions,
    targets: [...new Set([...held.targets, ...after.targets])].sort(),
    lists: new Map([...held.lists, ...(lists ?? [])]),
    seen: after.seen,
  };
}

/** The entry of a row of which it is unknown what Iterable has, as while its user is being removed. */
export function asUnconfirmed(held: HeldEntry): NewEntry {
  return { ...held, valuesHash: UNCONFIRMED };
}

/** What these identities name besides those of the entry, as a part of an entry. */
export function namedBesides(
  held: Identities | undefined,
  { email, userId }: Identities,
): Pick<LedgerEntry, 'named'> {
  const named = {
    ...(email === undefined || email === held?.email ? {} : { email }),
    ...(userId === undefined || userId === held?.userId ? {} : { userId }),
  };
  return Object.keys(named).length === 0 ? {} : { named };
}

/** The entry once another record of the row has come: it no longer names whom the one before named. */
export function withoutNamed<Entry extends LedgerEntry>(entry: Entry): Omit<Entry, 'named'> {
  const { named, ...rest } = entry;
  return named ? rest : entry;
}

/** The entry without the user that it was written for. */
function withoutUser(entry: HeldEntry): HeldEntry {
  const { email, userId, ...rest } = entry;
  return (email ?? userId) === undefined ? entry : rest;
}

/** The identities that an upsert gives its user. */
export function identitiesOfUpsert(change: Upsert): Identities {
  return identitiesAfter({}, change);
}

/** The user that the row stood for, where the upsert, once written, makes it stand for another one. */
export function formerUser(
  held: HeldEntry | undefined,
  { key }: Pick<Upsert, 'key'>,
): Identities | undefined {
  const before = key.kind === 'email' ? held?.email : held?.userId;
  if (!held || before === undefined || before === key.value) return undefined;
  return {
    ...(held.email === undefined ? {} : { email: held.email }),
    ...(held.userId === undefined ? {} : { userId: held.userId }),
  };
}

const LEFT_BEHIND = 'former:';

/** Whether the entry is such a hold ({@link holdOf}). */
export function isLeftBehind({ key }: Pick<HeldEntry, 'key'>): boolean {
  return key.startsWith(LEFT_BEHIND);
}

/** The hold that a row leaves behind when it becomes another user: released when the snapshot is verified, since no record has its key. */
export function holdOf(former: Identities, { id, snapshot, conditions }: RowStream): NewEntry {
  const { email, userId } = former;
  return {
    ...former,
    stream: id,
    key: `${LEFT_BEHIND}${storableKey(JSON.stringify([email ?? null, userId ?? null]))}`,
    valuesHash: UNCONFIRMED,
    targets: [],
    lists: new Map(),
    origin: 'upsert',
    conditions,
    seen: snapshot - 1,
  };
}

/** All identities of the entry. */
export function identitiesOf({ email, userId }: Pick<LedgerEntry, 'email' | 'userId'>): string[] {
  const identities: string[] = [];
  if (email !== undefined) identities.push(identityText({ kind: 'email', value: email }));
  if (userId !== undefined) identities.push(identityText({ kind: 'userId', value: userId }));
  return identities;
}

/** The entry once these records of the row are delivered, in order; there must be one. The hashes are of what they write together. */
export function entryAfter({
  records,
  valuesHash,
  fieldHashes,
  keepsOrigin = false,
}: {
  readonly records: readonly RowUpsert[];
  readonly valuesHash: string;
  readonly fieldHashes?: Uint8Array | undefined;
  readonly keepsOrigin?: boolean;
}): NewEntry | undefined {
  const first = records[0];
  const last = records.at(-1);
  if (!first || !last) return undefined;
  const { row } = last;
  const held = first.row.entry;
  let identities: Identities = held ?? {};
  const written = new Set<string>();
  for (const { change } of records) {
    identities = identitiesAfter(identities, change);
    for (const target of Object.keys(change.values)) written.add(target);
  }
  return {
    ...identities,
    key: row.key,
    valuesHash,
    targets: row.stream.targets.after(held?.targets ?? [], written),
    lists: membershipsAfterAll(
      membershipsBefore(held, first.change),
      records.map(({ change }) => change),
    ),
    origin: keepsOrigin && held ? held.origin : row.stream.mode === 'enrich' ? 'enrich' : 'upsert',
    conditions: row.stream.conditions,
    ...(fieldHashes ? { fieldHashes } : {}),
    stream: row.stream.id,
    seen: row.stream.snapshot,
  };
}

/** The memberships of the row's user, as far as its entry tells. Another id is another user, of whom it tells nothing. */
export function membershipsBefore(held: HeldEntry | undefined, { key }: Upsert): ListMemberships {
  const isAnother = key.kind === 'userId' && held?.userId !== undefined && held.userId !== key.value;
  return held === undefined || isAnother ? new Map() : held.lists;
}

/** An absent column leaves the other identity as it was, unless another id makes it another user. */
function identitiesAfter(before: Identities, { key, values }: Upsert): Identities {
  const isSame = key.kind === 'email' || before.userId === key.value;
  const email = key.kind === 'email' ? key.value : textOr(values.email, isSame ? before.email : undefined);
  const userId = key.kind === 'userId' ? key.value : textOr(values.userId, before.userId);
  return { ...(email === undefined ? {} : { email }), ...(userId === undefined ? {} : { userId }) };
}

function textOr(value: unknown, before: string | undefined): string | undefined {
  if (value === undefined) return before;
  return typeof value === 'string' ? value : undefined;
}
