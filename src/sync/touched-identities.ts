/** Whom a record may touch: no two records that touch the same identity are under way at once. */
import { identityText, type UserChange, type UserKey } from '../model.ts';

/** A record as the queue sees it. */
export interface QueuedRecord {
  readonly streamKey: string;
  readonly change: UserChange;
  /** As one text; records with different ones may not both change an address. */
  readonly primaryKey?: string | undefined;
  /** What stands for the record's row: of two rows none is laid over the other, even where they name one person. */
  readonly rowToken?: string | undefined;
  /** Identities that it touches besides those of its change: whoever the row was until now. */
  readonly formerIdentities?: readonly string[];
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
export function touchedBy({ change, rowToken, formerIdentities = [] }: QueuedRecord): string[] {
  const [first, ...others] = touchedKeys(change);
  // Mostly there is one, and an array that is pushed to has room for many.
  const identities = first ? [identityText(first)] : [];
  for (const key of others) addOnce(identities, identityText(key));
  if (rowToken === undefined) return identities;
  identities.push(rowToken);
  addAll(identities, formerIdentities);
  return identities;
}

function addOnce(identities: string[], identity: string): void {
  if (!identities.includes(identity)) identities.push(identity);
}

/** Adds what is not there yet. */
export function addAll(identities: string[], others: readonly string[]): void {
  for (const identity of others) addOnce(identities, identity);
}
