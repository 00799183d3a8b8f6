/** The identities that a record touches: no two tasks that touch the same one are in flight at once. */
import { identityText, type UserChange, type UserKey } from '../model.ts';

/** A record as the queue sees it. */
export interface QueuedRecord {
  readonly streamKey: string;
  readonly change: UserChange;
  /** As one text; records with different ones may not both change an address. */
  readonly primaryKey?: string | undefined;
  /** Stands for the record's row: records of two rows are never merged, even where they name one user. */
  readonly rowToken?: string | undefined;
  /** Identities that it touches besides those of its change: those of the user that the row stood for until now. */
  readonly previousIdentities?: readonly string[];
}

/** The addresses and user ids whose profile a change may touch. */
export function touchedKeys(change: UserChange): UserKey[] {
  const keys: UserKey[] = change.kind === 'upsert' ? [change.key] : [];
  const email = change.kind === 'upsert' ? change.values.email : change.email;
  const userId = change.kind === 'upsert' ? change.values.userId : change.userId;
  if (typeof email === 'string') keys.push({ kind: 'email', value: email });
  if (typeof userId === 'string') keys.push({ kind: 'userId', value: userId });
  if (change.kind === 'upsert' && change.previousEmail !== undefined)
    keys.push({ kind: 'email', value: change.previousEmail });
  return keys;
}

/** The identities ({@link identityText}) that a record touches, and its row's token. Each once. */
export function touchedBy({ change, rowToken, previousIdentities = [] }: QueuedRecord): string[] {
  const [first, ...others] = touchedKeys(change);
  // perf ("Fewer steps for each record" in docs/performance.md): mostly there is one, and an array that is pushed to has room for many.
  const identities = first ? [identityText(first)] : [];
  for (const key of others) addOnce(identities, identityText(key));
  if (rowToken === undefined) return identities;
  identities.push(rowToken);
  addAll(identities, previousIdentities);
  return identities;
}

function addOnce(identities: string[], identity: string): void {
  if (!identities.includes(identity)) identities.push(identity);
}

/** Adds those that are missing. */
export function addAll(identities: string[], others: readonly string[]): void {
  for (const identity of others) addOnce(identities, identity);
}
