/** Plain data that the stages exchange: the change that a record asks for, and its outcome. */
import type { JsonValue } from './json.ts';

/** Identifies a user in a request to Iterable. An email is trimmed and lower-cased; a userId is kept as it is. */
export interface UserKey {
  readonly kind: 'email' | 'userId';
  readonly value: string;
}

/** The identities of a user, as far as they are known. */
export interface Identities {
  readonly email?: string;
  readonly userId?: string;
}

/**
 * The identity as one string, for use as a map key. An email is returned as it is, which avoids a copy per pending
 * record. A userId gets a leading space, which no email has, so that the two never collide.
 */
export function identityText({ kind, value }: UserKey): string {
  return kind === 'email' ? value : ` ${value}`;
}

/** Identifies a stream. An absent and a null namespace are the same stream. */
export interface StreamId {
  readonly name: string;
  readonly namespace?: string;
}

/**
 * Values by mapped target (`address.city` is one target, not nested), in an object that inherits nothing
 * (`plainObject`). The identifying field is not included.
 */
export type TargetValues = Readonly<Record<string, JsonValue>>;

/** List name → whether the user is to be on that list; memberships of all other lists stay as they are. */
export type ListMemberships = ReadonlyMap<string, boolean>;

/**
 * Lists whose memberships a record leaves unspecified, because a rule's column is absent: the lists named here, or
 * every list that the record does not name.
 */
export type UnspecifiedLists = readonly string[] | 'any';

/** Create or update one user. */
export interface Upsert {
  readonly kind: 'upsert';
  readonly key: UserKey;
  readonly values: TargetValues;
  /** With a ledger: those of the values that Iterable does not have yet. Only they are sent. */
  readonly changedValues?: TargetValues;
  readonly lists?: ListMemberships;
  /** Absent if the record specifies every membership that the rules cover. */
  readonly unspecifiedLists?: UnspecifiedLists;
  /** The user's previous address, if the record names one and it differs from the current address. */
  readonly previousEmail?: string;
}

/**
 * Removes one user. Has both identities if the record had both, and none if only its primary key identifies the user.
 */
export interface Removal {
  readonly kind: 'removal';
  readonly email?: string;
  readonly userId?: string;
  /** Which identity takes precedence if both are present: the user may not have the other one yet. */
  readonly identifiedBy: UserKey['kind'];
  /** The lists that the rules and the record name. */
  readonly lists?: readonly string[];
  /** With a ledger: the user's other identities, from the ledger's entries. */
  readonly alsoKnownAs?: readonly UserKey[];
  /** With a ledger: true if its entries show that the user was exported and is therefore in Iterable. */
  readonly isExported?: boolean;
}

/** An identity of a user who was deleted. */
export interface DeletedIdentity {
  /** As a text ({@link identityText}). */
  readonly identity: string;
  /** True for the one that the deletion named. Others may belong to other users by now. */
  readonly isNamed: boolean;
}

export function deletedIdentities(key: UserKey, others: readonly UserKey[]): DeletedIdentity[] {
  const named = identityText(key);
  const besides = others.map(identityText).filter((identity) => identity !== named);
  return [
    { identity: named, isNamed: true },
    ...[...new Set(besides)].map((identity) => ({ identity, isNamed: false })),
  ];
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
  /** The target (or source column) at fault, if there is one. */
  readonly field?: string;
  readonly reason: string;
  /** The message of Iterable's answer. It may contain personal data, so only the rejected-records file shows it. */
  readonly answer?: string;
}

/** Why a record was skipped: no call was made for it, and none is due. */
export type SkipReason = 'removal_not_allowed' | 'not_in_iterable' | 'not_in_ledger' | 'held_by_another_row';

/** The outcome of one record. Every record read ends in exactly one. */
export type Outcome =
  | { readonly kind: 'delivered' }
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'removed' }
  /** A deletion of a user who is not in Iterable. */
  | { readonly kind: 'not_there' }
  | { readonly kind: 'superseded' }
  | { readonly kind: 'skipped'; readonly why: SkipReason }
  | ({ readonly kind: 'rejected' } & Rejection);
