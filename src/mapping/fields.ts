/** What is known about Iterable's user fields: their types in the project, and which ones Iterable manages itself. */
import type { MappingType } from './options.ts';

/** Dotted field name → Iterable's name for its type, as users/getFields returns it. */
export type KnownFields = ReadonlyMap<string, string>;

/**
 * The fields that are mapped most often. Iterable has them in every project, even if no user has a value yet and
 * `users/getFields` does not list them. Source: Iterable's support articles on user profile fields.
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

/** The project's fields, after the well-known ones that it does not have yet. The project's types take precedence. */
export function withWellKnownFields(knownFields: KnownFields): KnownFields {
  const fields = new Map(WELL_KNOWN_FIELDS);
  for (const [field, word] of knownFields) {
    // A field with other fields inside is an object, whether it is listed itself or not.
    const top = topLevelOf(field);
    if (!knownFields.has(top)) fields.delete(top);
    fields.set(field, word);
  }
  return fields;
}

/** Fields that must never be written. Source: Iterable's support articles on user profile fields. */
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

/** Iterable's names of types → the matching conversion. An unknown type has none. */
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

/** The conversion for a field of this Iterable type, if we know the type. */
export function conversionFor(iterableType: string | undefined): MappingType | undefined {
  return iterableType === undefined || !Object.hasOwn(CONVERSION_OF, iterableType)
    ? undefined
    : CONVERSION_OF[iterableType];
}

/** True if a field of this known type would refuse values of the mapping's type. */
export function typesClash(type: MappingType, iterableType: string): boolean {
  const known = conversionFor(iterableType);
  return known !== undefined && known !== type;
}
