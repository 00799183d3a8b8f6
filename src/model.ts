/**
 * The values that the stages hand on: what a record asks for, and what became of it. Plain data.
 */
import type { JsonValue } from './json.ts';

/** Names a user in a request to Iterable. An email is trimmed and lower-cased; a userId is kept as it is. */
export interface UserKey {
  readonly kind: 'email' | 'userId';
  readonly value: string;
}

/**
 * One text for one identity, fit for maps. For an address that is the address itself, not a copy for each record that waits;
 * no address begins with a blank, and so no user id is taken for one.
 */
export function identityText({ kind, value }: UserKey): string {
  return kind === 'email' ? value : ` ${value}`;
}

/** What a stream's records are told apart by. An absent and a null namespace are the same stream. */
export interface StreamId {
  readonly name: string;
  readonly namespace?: string;
}

/**
 * Values by mapped target (`address.city` stays one target), in an object that inherits nothing (`plainObject`). The
 * identifying field is not among them.
 */
export type TargetValues = Readonly<Record<string, JsonValue>>;

/** List name → whether the user is to be on it; lists that are not in it stay as they are. */
export type ListMemberships = ReadonlyMap<string, boolean>;

/** Lists about which a record says nothing, because a column of a rule is absent: these, or any that it does not name. */
export type UntoldLists = readonly string[] | 'any';

/** Create or update one user. */
export interface Upsert {
  readonly kind: 'upsert';
  readonly key: UserKey;
  readonly values: TargetValues;
  readonly lists?: ListMemberships;
  /** Absent where the rules told of every list. */
  readonly untoldLists?: UntoldLists;
  /** The address that the user had before, where the record names one; another than the present one. */
  readonly previousEmail?: string;
}

/** Remove one person. Both identities where the record had both; none where only its primary key says who. */
export interface Removal {
  readonly kind: 'removal';
  readonly email?: string;
  readonly userId?: string;
  /** Which of the two decides where both are there: the other may be one that the person does not have yet. */
  readonly identifiedBy: UserKey['kind'];
  /** The lists that the rules and the record name. */
  readonly lists?: readonly string[];
  /** With a ledger: other identities of the user, as its entries say. */
  readonly alsoKnownAs?: readonly UserKey[];
  /** With a ledger: it says that the user was exported, and so is in Iterable. */
  readonly isExported?: boolean;
}

export type UserChange = Upsert | Removal;

/** Why a record can never be delivered; each is documented in docs/rejections.md. */
export const REJECT_CODES = [
  'missing_identifier',
  'wrong_type',
  'field_conflict',
  'invalid_email',
  'invalid_user_id',
  'invalid_data',
  'not_found',
  'conflict',
  'forgotten',
  'ambiguous_user_id',
  'too_large',
  'refused',
  'unexplained',
] as const;
export type RejectCode = (typeof REJECT_CODES)[number];

/** A record that can never be delivered: a value, not an error. `reason` never holds a value of the record. */
export interface Rejection {
  readonly code: RejectCode;
  /** The target (or source column) at fault, where one is. */
  readonly field?: string;
  readonly reason: string;
  /** What Iterable answered, cut to its message; may hold personal data, so only the rejected-records file shows it. */
  readonly answer?: string;
}

/** Why a record had no call, and none to be made. */
export type SkipReason =
  'removal_not_allowed' | 'not_in_iterable' | 'not_in_ledger' | 'held_by_another_stream';

/** What became of one record. Every record read ends in exactly one. */
export type Outcome =
  | { readonly kind: 'delivered' }
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'removed' }
  /** A deletion was made, of a user that is not in Iterable. */
  | { readonly kind: 'not_there' }
  | { readonly kind: 'superseded' }
  | { readonly kind: 'skipped'; readonly why: SkipReason }
  | ({ readonly kind: 'rejected' } & Rejection);
