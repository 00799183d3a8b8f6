/** Iterable's user fields → the JSON schema of a user: the inverse of `schema-types.ts`. */
import type { JsonObject } from '../json.ts';
import { isManagedField, WELL_KNOWN_FIELDS, type KnownFields } from './fields.ts';
import { isWritablePath, pathSegments } from './paths.ts';
import { isAirbyteColumn } from './plan-columns.ts';

interface FieldNode {
  /** Iterable's name for the type; absent if only fields inside are known. */
  type?: string;
  readonly inside: Map<string, FieldNode>;
}

/**
 * The schema of a user with the project's fields: the well-known ones first, the rest by name, dotted ones as nested objects.
 * Leaves out what a record can't write: fields that Iterable manages, and columns that never become fields.
 */
export function userSchema(knownFields: KnownFields, required: 'email' | 'userId'): JsonObject {
  const root: FieldNode = { inside: new Map() };
  for (const [field, word] of WELL_KNOWN_FIELDS) root.inside.set(field, { type: word, inside: new Map() });
  for (const [field, word] of [...knownFields].sort(byName))
    if (isOffered(field)) addField(root, field, word);
  // These two are text, whatever the project says.
  root.inside.set('email', IDENTITY).set('userId', IDENTITY);
  return {
    type: 'object',
    properties: { ...propertiesOf(root), [required]: { type: 'string' } },
    required: [required],
    additionalProperties: true,
  };
}

const IDENTITY: FieldNode = { type: 'string', inside: new Map() };

function byName([a]: readonly [string, string], [b]: readonly [string, string]): number {
  return a < b ? -1 : 1;
}

function isOffered(field: string): boolean {
  return isWritablePath(field) && !isManagedField(field) && !isAirbyteColumn(field);
}

function addField(root: FieldNode, field: string, word: string): void {
  let node = root;
  for (const segment of pathSegments(field)) {
    let next = node.inside.get(segment);
    if (!next) {
      next = { inside: new Map() };
      node.inside.set(segment, next);
    }
    node = next;
  }
  node.type = word;
}

function propertiesOf({ inside }: FieldNode): JsonObject {
  // From entries, since a field may be called __proto__.
  return Object.fromEntries([...inside].map(([name, node]) => [name, schemaOf(node)]));
}

/** Null clears a field, so every field may be null. A field of an unknown type gets an empty schema. */
function schemaOf(node: FieldNode): JsonObject {
  switch (node.inside.size > 0 && node.type !== 'nested' ? 'object' : node.type) {
    case 'string':
      return { type: ['null', 'string'] };
    case 'long':
      return { type: ['null', 'integer'] };
    case 'double':
      return { type: ['null', 'number'] };
    case 'boolean':
      return { type: ['null', 'boolean'] };
    case 'date':
      return { type: ['null', 'string'], format: 'date-time', airbyte_type: 'timestamp_with_timezone' };
    case 'object':
    case 'geo_location':
      return { type: ['null', 'object'], ...objectSchema(node) };
    case 'nested':
      // Iterable's name for an array of objects.
      return { type: ['null', 'array'], items: { type: 'object', ...objectSchema(node) } };
    default:
      return {};
  }
}

function objectSchema(node: FieldNode): JsonObject {
  return { properties: propertiesOf(node), additionalProperties: true };
}
