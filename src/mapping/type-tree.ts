/** The types of a column and of everything inside of it, gathered once: what Iterable knows of a field wins over the schema. */
import type { JsonObject, JsonValue } from '../json.ts';
import { conversionFor, withWellKnownFields, type KnownFields } from './fields.ts';
import type { MappingType } from './options.ts';
import { pathSegments } from './paths.ts';
import { propertyNames, propertySchema, schemaOfColumn, typeOfSchema } from './schema-types.ts';

/** What is known of one place; a place inside that isn't here has no known type, nor has anything below it. */
export interface TypeTree {
  readonly type: MappingType | undefined;
  readonly inside: ReadonlyMap<string, TypeTree>;
}

interface KnownNode {
  type: MappingType | undefined;
  readonly inside: Map<string, KnownNode>;
}

/** Gives the tree for a column that goes to a target. The known fields are taken apart once, for all columns of a stream. */
export function typeTrees(
  knownFields: KnownFields,
  jsonSchema: JsonObject,
): (source: string, target: string) => TypeTree {
  const root: KnownNode = { type: undefined, inside: new Map() };
  for (const [field, word] of withWellKnownFields(knownFields)) {
    let node = root;
    for (const segment of pathSegments(field)) node = openInside(node, segment);
    node.type = conversionFor(word);
  }
  return (source, target) => {
    let known: KnownNode | undefined = root;
    for (const segment of pathSegments(target)) known = known?.inside.get(segment);
    return grow(known, schemaOfColumn(jsonSchema, source));
  };
}

function grow(known: KnownNode | undefined, schema: JsonValue | undefined): TypeTree {
  const names = new Set([...(known?.inside.keys() ?? []), ...propertyNames(schema)]);
  const inside = new Map<string, TypeTree>();
  for (const name of names) {
    const tree = grow(known?.inside.get(name), propertySchema(schema, name));
    if (tree.type !== undefined || tree.inside.size > 0) inside.set(name, tree);
  }
  return { type: known?.type ?? typeOfSchema(schema), inside };
}

function openInside(node: KnownNode, segment: string): KnownNode {
  let next = node.inside.get(segment);
  if (!next) {
    next = { type: undefined, inside: new Map() };
    node.inside.set(segment, next);
  }
  return next;
}
