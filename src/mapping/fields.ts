/** What is known of Iterable's user fields: their types in the project, and those that Iterable manages itself. */
import type { MappingType } from './options.ts';

/** Dotted field name → Iterable's word for its type, as users/getFields gives it. */
export type KnownFields = ReadonlyMap<string, string>;

/** Never to be written. Source: Iterable's support articles on user profile fields. */
export const MANAGED_FIELDS: ReadonlySet<string> = new Set([
  'emailListIds',
  'userListIds',
  'itblInternal',
  'itblDS',
  'itblUserId',
  'profileUpdatedAt',
  'signupSource',
  'subscribedMessageTypeIds',
  'unsubscribedChannelIds',
  'unsubscribedMessageTypeIds',
  'devices',
  'browserTokens',
  'receivedSMSDisclaimer',
  'phoneNumberDetails',
]);

/** True for a field that Iterable manages, and for everything below it. */
export function isManagedField(target: string): boolean {
  return MANAGED_FIELDS.has(target.split('.', 1)[0] ?? '');
}

/** Iterable's type words → the conversion that fits them. An unknown word has none. */
const CONVERSION_OF: Readonly<Record<string, MappingType>> = {
  string: 'string',
  long: 'long',
  double: 'double',
  boolean: 'boolean',
  date: 'date',
  object: 'object',
  nested: 'object',
  geo_location: 'object',
};

/** The conversion for a known field, if Iterable's type word is one that we know. */
export function conversionFor(iterableType: string | undefined): MappingType | undefined {
  return iterableType === undefined || !Object.hasOwn(CONVERSION_OF, iterableType)
    ? undefined
    : CONVERSION_OF[iterableType];
}

/** True when values of a mapping's type would be refused by a field of this known type. */
export function typesClash(type: MappingType, iterableType: string): boolean {
  const known = conversionFor(iterableType);
  return known !== undefined && known !== type;
}
