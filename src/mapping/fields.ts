/** What is known of Iterable's user fields: their types in the project, and those that Iterable manages itself. */
import type { MappingType } from './options.ts';

/** Dotted field name → Iterable's word for its type, as users/getFields gives it. */
export type KnownFields = ReadonlyMap<string, string>;

/**
 * What people map first. Iterable has these in every project, also where no user has a value yet and `users/getFields` does not
 * list them. Source: Iterable's support articles on user profile fields.
 */
export const WELL_KNOWN_FIELDS: KnownFields = new Map([
  ['email', 'string'],
  ['userId', 'string'],
  ['name', 'string'],
  ['firstName', 'string'],
  ['lastName', 'string'],
  ['phoneNumber', 'string'],
  ['signupDate', 'date'],
  ['timeZone', 'string'],
  ['locale', 'string'],
  ['city', 'string'],
  ['region', 'string'],
  ['country', 'string'],
]);

/** The project's fields and the well-known ones that it does not have yet, these first. What the project says wins. */
export function withWellKnownFields(knownFields: KnownFields): KnownFields {
  const fields = new Map(WELL_KNOWN_FIELDS);
  for (const [field, word] of knownFields) {
    // A field that has others inside is an object, listed itself or not.
    const top = topLevelOf(field);
    if (!knownFields.has(top)) fields.delete(top);
    fields.set(field, word);
  }
  return fields;
}

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
  return MANAGED_FIELDS.has(topLevelOf(target));
}

function topLevelOf(field: string): string {
  return field.split('.', 1)[0] ?? '';
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
