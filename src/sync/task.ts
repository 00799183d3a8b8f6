/** A task: what is to be done for one user, by one record or by several of one stream that are merged. */
import type { RemovalDecision } from '../diff/removals.ts';
import type { NewEntry } from '../diff/row.ts';
import type { Decision } from '../diff/upserts.ts';
import type {
  DeletedIdentity,
  Identities,
  Removal,
  TargetValues,
  Upsert,
  UserChange,
  UserKey,
} from '../model.ts';
import type { PendingRecord } from './pending-record.ts';
import type { QueuedRecord } from './touched-identities.ts';

const NO_IDENTITIES: readonly string[] = [];
const NO_FIELDS: readonly string[] = [];
const NO_ENTRIES: NonNullable<Decision['stale']> = [];
const NONE_DELETED: readonly DeletedIdentity[] = [];

/** A user who leaves lists. */
export interface Leaver {
  readonly key: UserKey;
  readonly lists: readonly string[];
}

export class Task<Item extends QueuedRecord = PendingRecord> {
  /** The records' changes, merged. A stage may replace it once the task has started. */
  change: UserChange;
  /** In the order received: the last write wins. */
  readonly records: Item[];

  // The queue's:
  /** The identities and rows that it touches: few, each once. */
  readonly touches: string[];
  /** Identities under which it counts as waiting; none if it could start at once. */
  readonly waitingAs: readonly string[];
  /** Earlier tasks of the same user that are not settled yet. */
  waitingFor: number;
  /** Tasks that wait for this one; almost always none. */
  followers: Task<Item>[] | undefined = undefined;
  /** No record is merged into it from here on. */
  isStarted = false;
  /** Set on a part of a rejected task: the task, and the records to try after this one. */
  partOf: { readonly whole: Task<Item>; readonly rest: readonly Item[] } | undefined = undefined;

  // What its calls have come to:
  /** Its profile keeps the previous address: a user has the new one already, or another record claims the previous one. */
  staysBehind = false;
  /** Its bulk request gives a profile its new address. */
  movesInBulk = false;
  /** It goes without the user id that its records name. */
  leavesOutUserId = false;
  /** It was sent again after a conflict with a deleted user. */
  isSentAgain = false;
  /** All of it is sent: its user was just deleted. */
  isSentWhole = false;
  /** Fields of it that Iterable dropped, since it does not know them. */
  droppedFields: readonly string[] = NO_FIELDS;
  /** Its lists are being changed. */
  changesLists = false;

  // Towards the ledger:
  /** Its rows are unconfirmed there, since calls for them may have been made. */
  isUnconfirmed = false;
  /** Its user is written, whatever becomes of the lists. */
  isWritten = false;
  /** Set while the ledger holds its row by the previous address: what is sent if the profile moves. */
  move: Decision | undefined = undefined;
  /** Paths of the fields that changed; undefined where that can't be told. */
  changedFields: Decision['changedFields'] = undefined;
  /** The hashes of what Iterable has of its row once it is delivered; undefined where they are those of its values. */
  fieldHashes: Decision['fieldHashes'] = undefined;
  /** The entry that its row gets, once the task keeps no values. */
  entry: NewEntry | undefined = undefined;
  /** The user that its row stood for until now, who leaves lists: not if its profile moves. */
  leaves: Leaver | undefined = undefined;
  /** The entries that hold that user, too. */
  stale: NonNullable<Decision['stale']> = NO_ENTRIES;
  /** What a later record of its row names, which was rejected meanwhile: the row's last word on whom it names. */
  namedSince: Identities | undefined = undefined;
  /** Its profile has got the row's new address. */
  hasMoved = false;
  /** Of a removal. */
  removal: RemovalDecision | undefined = undefined;
  /** The users whom the removal has deleted. */
  deleted: readonly DeletedIdentity[] = NONE_DELETED;
  /** Of several records: the hash of what they write together. */
  mergedHash: string | undefined = undefined;

  constructor(record: Item, touches: string[], waitingFor = 0) {
    this.change = record.change;
    this.records = [record];
    this.touches = touches;
    this.waitingFor = waitingFor;
    this.waitingAs = waitingFor > 0 ? [...touches] : NO_IDENTITIES;
  }
}

/** The task's change, which must be an upsert: only those go to a stage that writes. */
export function upsertOf({ change }: Pick<Task, 'change'>): Upsert {
  if (change.kind !== 'upsert') throw new Error('A removal has come to a stage that writes users');
  return change;
}

/** What of the change is sent. */
export function sentValues({ values, changedValues }: Upsert): TargetValues {
  return changedValues ?? values;
}

/** The previous and the new address of an upsert that moves a profile. */
export function addressesOf({ key, values, previousEmail }: Upsert): {
  readonly from: string;
  readonly to: string;
} {
  const to = key.kind === 'email' ? key.value : values.email;
  if (previousEmail === undefined || typeof to !== 'string')
    throw new Error('A user without two addresses has come to the change of its address');
  return { from: previousEmail, to };
}

/** The task's change, which must be a removal. */
export function removalOf({ change }: Pick<Task, 'change'>): Removal {
  if (change.kind !== 'removal') throw new Error('An upsert has come to the stage that removes users');
  return change;
}
